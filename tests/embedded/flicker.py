"""Do surfaces flicker where a car drives? `python -m tests.embedded.flicker --out DIR` asks it of every town.

A camera as a driver's goes along a lane into a junction, over it and out, a little at a time, through a town where
nothing moves. Two surfaces that fight over the same depth win and lose by turns: a place on them jumps to another
brightness and back. Depth and poses tell where each pixel's place lies in the picture before and in the one after. A
point on an edge or in a texture jumps alone or in a line; where a quarter of all points around one jump, surfaces
fight. Printed per town and pace: the mean share of such points, and the worst picture's, in millionths.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import carla
import numpy as np
import numpy.typing as npt
from PIL import Image

from sim_bridge.embedded import town as towns
from sim_bridge.embedded.contracts import Camera, LightState, Pose, Sky, Town
from sim_bridge.embedded.renderer import Renderer

Brightness = npt.NDArray[np.int16]  # (H, W), 0..255
Picture = npt.NDArray[np.uint8]  # (H, W, 4), BGRA

WIDTH, HEIGHT, FOV_DEG, EYE_M = 1024, 512, 110.0, 2.0
DAY = Sky(sun_altitude=48.0, sun_azimuth=220.0, cloudiness=15.0)
CREEP_M, DRIVE_M = 0.02, 0.3
FOCAL_PX = WIDTH / 2 / math.tan(math.radians(FOV_DEG / 2))
# A jump that an eye sees, and how far what was there before and what is there after may differ.
JUMP, SAME = 24, 8
CROWD, AROUND_PX = 0.25, 4  # a line one pixel wide is 0.11 of the points around it, two are 0.22
APPROACH_M = 12.0


@dataclass(frozen=True)
class Passage:
    """What was measured on one way over one junction at one pace: the worst picture and its jumps."""

    mean_share: float
    worst_share: float
    worst: Picture
    jumps: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Sight:
    """One picture: from where, how bright, and metres along the axis to what each pixel shows."""

    eye: Pose
    picture: Picture
    brightness: Brightness
    depth_m: npt.NDArray[np.float64]


def flickering(before: Sight, now: Sight, after: Sight) -> npt.NDArray[np.bool_]:
    """(H, W): which pixels of `now` jump and come back, with many around them."""
    jumps = _jumping(before, now, after)
    return jumps & (_share_around(jumps) >= CROWD)


def _jumping(before: Sight, now: Sight, after: Sight) -> npt.NDArray[np.bool_]:
    was, will_be = _seen_in(now, before), _seen_in(now, after)
    step_in, step_out = now.brightness - was, now.brightness - will_be
    is_jump = (np.abs(step_in) > JUMP) & (np.abs(step_out) > JUMP)
    return is_jump & (np.abs(was - will_be) < SAME)


def _seen_in(now: Sight, other: Sight) -> Brightness:
    """(H, W): how bright in `other` what each pixel of `now` shows is; where it is not there, as bright as now."""
    row, column, is_seen = _places(now, other.eye)
    return np.where(is_seen, other.brightness[row, column], now.brightness)


def _places(now: Sight, eye: Pose) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Where what `now` shows lies in a picture from `eye`: row, column, and whether it is in it. Eyes look level."""
    across, down = np.meshgrid(np.arange(WIDTH) + 0.5 - WIDTH / 2, np.arange(HEIGHT) + 0.5 - HEIGHT / 2)
    ahead_m = now.depth_m
    right_m, up_m = ahead_m * across / FOCAL_PX, -ahead_m * down / FOCAL_PX
    turn = math.radians(now.eye.yaw - eye.yaw)
    yaw = math.radians(eye.yaw)
    dx, dy = now.eye.x - eye.x, now.eye.y - eye.y
    ahead_there = dx * math.cos(yaw) + dy * math.sin(yaw) + ahead_m * math.cos(turn) - right_m * math.sin(turn)
    right_there = dy * math.cos(yaw) - dx * math.sin(yaw) + ahead_m * math.sin(turn) + right_m * math.cos(turn)
    up_there = up_m + now.eye.z - eye.z
    is_ahead = ahead_there > 0.1
    away = np.where(is_ahead, ahead_there, 1.0)
    column = np.floor(WIDTH / 2 + FOCAL_PX * right_there / away).astype(np.intp)
    row = np.floor(HEIGHT / 2 - FOCAL_PX * up_there / away).astype(np.intp)
    is_seen = is_ahead & (column >= 0) & (column < WIDTH) & (row >= 0) & (row < HEIGHT)
    return np.where(is_seen, row, 0), np.where(is_seen, column, 0), is_seen


def _share_around(jumps: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """(H, W): of the points in a square around each."""
    sums = np.cumsum(np.cumsum(np.pad(jumps.astype(float), ((AROUND_PX + 1, AROUND_PX),) * 2), 0), 1)
    side = 2 * AROUND_PX + 1
    found: npt.NDArray[np.float64] = (
        sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    )
    return found / side**2


def brightness(picture: Picture) -> Brightness:
    blue, green, red = (picture[..., channel].astype(np.float32) for channel in range(3))
    return (0.114 * blue + 0.587 * green + 0.299 * red).astype(np.int16)


def metres(depth: Picture) -> npt.NDArray[np.float64]:
    """As a script decodes it."""
    blue, green, red = (depth[..., channel].astype(np.int64) for channel in range(3))
    return (red + green * 256 + blue * 65536) / (256**3 - 1) * 1000.0


def ways_over_junctions(town: Town, ways: int) -> list[list[Pose]]:
    """Lane centres, half a metre apart, that lead over `ways` junctions spread over the town."""
    lanes = carla.Map(town.name, town.opendrive)
    entries: dict[int, carla.Waypoint] = {}
    for road in lanes.generate_waypoints(5.0):
        ahead = road.next(5.0)
        if not road.is_junction and ahead and ahead[0].is_junction:
            entries.setdefault(ahead[0].junction_id, road)
    chosen = [entries[key] for key in sorted(entries)]
    return [_way(entry) for entry in chosen[:: max(1, len(chosen) // ways)][:ways]]


def _way(entry: carla.Waypoint) -> list[Pose]:
    """From before the junction to behind it."""
    way, at = [], (entry.previous(APPROACH_M) or [entry])[0]
    has_been_in = False
    while len(way) < 400:
        way.append(at)
        ahead = at.next(0.5)
        if not ahead or (has_been_in and not at.is_junction):
            break
        has_been_in |= at.is_junction
        at = ahead[0]
    return [_pose(waypoint.transform) for waypoint in way]


def _pose(at: carla.Transform) -> Pose:
    return Pose(at.location.x, at.location.y, at.location.z, at.rotation.pitch, at.rotation.yaw)


def steps(way: list[Pose], pace_m: float, first_m: float, count: int) -> Iterator[Pose]:
    """`count` eyes along a way of points half a metre apart, from `first_m` on."""
    places = np.array([(pose.x, pose.y, pose.z) for pose in way])
    turns = np.unwrap(np.radians([pose.yaw for pose in way]))
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(places[:, :2], axis=0).T))])
    for number in range(count):
        s = min(first_m + number * pace_m, float(lengths[-1]))
        x, y, z = (float(np.interp(s, lengths, places[:, axis])) for axis in range(3))
        yield Pose(x, y, z + EYE_M, 0.0, math.degrees(float(np.interp(s, lengths, turns))))


def measured(renderer: Renderer, town: Town, pace_m: float, ways: int, pictures: int) -> list[Passage]:
    """One of each way. Creeping begins at the junction's mouth, driving before it."""
    first_m = APPROACH_M if pace_m == CREEP_M else 0.0
    found = [steps(way, pace_m, first_m, pictures) for way in ways_over_junctions(town, ways)]
    return [passage(renderer, town, eyes) for eyes in found]


def millionths(shares: Iterable[float]) -> int:
    return round(1e6 * float(np.mean(list(shares))))


def passage(renderer: Renderer, town: Town, eyes: Iterator[Pose]) -> Passage:
    sights = list(_sights(renderer, town, eyes))
    found = [(flickering(*three), three[1].picture) for three in zip(sights, sights[1:], sights[2:], strict=False)]
    jumps, picture = max(found, key=lambda one: int(one[0].sum()))
    return Passage(float(np.mean([one.mean() for one, _ in found])), float(jumps.mean()), picture, jumps)


def _sights(renderer: Renderer, town: Town, eyes: Iterator[Pose]) -> Iterator[Sight]:
    lights = {signal.signal_id: LightState((signal.phase % 2) * 2) for signal in town.signals}
    looks = {1: "rgb", 2: "depth"}
    for number, eye in enumerate(eyes):
        cameras = [Camera(key, WIDTH, HEIGHT, FOV_DEG, eye, kind) for key, kind in looks.items()]
        for camera in cameras if number == 0 else ():
            renderer.add_camera(camera)
        taken = renderer.render([], cameras, lights, DAY)
        yield Sight(eye, taken[1].copy(), brightness(taken[1]), metres(taken[2]))
    for key in looks:
        renderer.remove_camera(key)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.embedded.flicker", description=__doc__)
    parser.add_argument("--towns", nargs="*", default=list(towns.names()))
    parser.add_argument("--ways", type=int, default=4, help="Junctions per town.")
    parser.add_argument("--pictures", type=int, default=40, help="Pictures per way and pace.")
    parser.add_argument("--out", type=Path, help="A folder for each town's worst pictures, the jumps in magenta.")
    return parser.parse_args()


def main() -> None:
    given = _arguments()
    for name in given.towns:
        town = towns.load(name)
        renderer = Renderer(town, "software")
        for pace_m in (CREEP_M, DRIVE_M):
            found = measured(renderer, town, pace_m, given.ways, given.pictures)
            worst = max(found, key=lambda one: one.worst_share)
            mean, most = millionths(one.mean_share for one in found), millionths([worst.worst_share])
            print(json.dumps({"town": name, "pace_m": pace_m, "mean_ppm": mean, "worst_ppm": most}), flush=True)
            if given.out:
                _save(worst, given.out / f"{name} {pace_m} m.png")
        renderer.close()


def _save(worst: Passage, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    marked = worst.worst[..., 2::-1] // 2
    marked[worst.jumps] = (255, 0, 255)
    both = np.concatenate([worst.worst[..., 2::-1], marked])
    Image.fromarray(np.ascontiguousarray(both)).save(path)


if __name__ == "__main__":
    main()
