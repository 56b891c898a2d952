"""Contact sheets of all there is to see: `python -m sim_bridge.embedded.gallery --out DIR`.

One sheet each of towns, weathers, vehicles, walkers, props and sensors, drawn by the renderer that serves the world.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path

import carla
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from sim_bridge.embedded import town as towns
from sim_bridge.embedded.blueprints import PROPS, WALKERS
from sim_bridge.embedded.contracts import Camera, Drawn, Label, LightState, Mesh, Pose, Scan, Sky, Town
from sim_bridge.embedded.renderer import Renderer
from sim_bridge.embedded.vehicles import DEFAULT_EGO, VEHICLES
from sim_bridge.embedded.wire.structs import Weather
from sim_bridge.embedded.world.sensing import sky_of

Picture = npt.NDArray[np.uint8]
Tile = tuple[str, Picture]

WEATHERS = (
    "ClearNoon", "CloudyNoon", "WetNoon", "MidRainyNoon", "HardRainNoon", "ClearSunset", "MidRainSunset", "ClearNight",
    "CloudyNight", "HardRainNight", "DustStorm",
)  # fmt: skip
# What has no preset of its own in CARLA.
FOG = Weather(cloudiness=60.0, sun_altitude=35.0, fog_density=70.0, fog_distance=5.0)
AFTERNOON = Sky(sun_altitude=48.0, sun_azimuth=220.0, cloudiness=15.0)
_STUDIO_LIGHTS = 2 | 8
_QUALITY = 86


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sim_bridge.embedded.gallery", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="The folder to write the sheets to, as JPEG files.")
    parser.add_argument("--only", choices=sorted(SHEETS), nargs="*", help="The sheets to draw; all of them without it.")
    parser.add_argument("--prefer", default="auto", help="Which renderer to use: auto, software or gl.")
    return parser.parse_args()


def sheet(tiles: list[Tile], columns: int) -> Image.Image:
    """The pictures in rows, each with its name under it. All are as large as the first."""
    height, width = tiles[0][1].shape[:2]
    label, font = 18, ImageFont.load_default(13)
    rows = math.ceil(len(tiles) / columns)
    whole = Image.new("RGB", (columns * width, rows * (height + label)), (24, 26, 30))
    draw = ImageDraw.Draw(whole)
    for index, (name, bgra) in enumerate(tiles):
        x, y = index % columns * width, index // columns * (height + label)
        whole.paste(Image.fromarray(np.ascontiguousarray(bgra[..., 2::-1])), (x, y))
        draw.text((x + 4, y + height + 1), name, (225, 228, 232), font=font)
    return whole


def _shot(renderer: Renderer, camera: Camera, drawn: list[Drawn], sky: Sky, town: Town, smooth: int = 2) -> Picture:
    lights = {signal.signal_id: LightState((signal.phase % 2) * 2) for signal in town.signals}
    renderer.add_camera(camera, smooth)
    try:
        return renderer.render(drawn, [camera], lights, sky)[camera.camera_id]
    finally:
        renderer.remove_camera(camera.camera_id)


def _behind(car: Pose, width: int, height: int, kind: str = "rgb") -> Camera:
    yaw = math.radians(car.yaw)
    pose = Pose(car.x - 8.0 * math.cos(yaw), car.y - 8.0 * math.sin(yaw), 3.6, -8.0, car.yaw)
    return Camera(1, width, height, 85.0, pose, kind)


def _traffic(renderer: Renderer, town: Town, start: int, lamps: int = 0) -> list[Drawn]:
    """A car on the start, and others of every kind on the starts around it."""
    at = town.spawn_points[start % len(town.spawn_points)]
    others = sorted(town.spawn_points, key=lambda p: math.hypot(p.x - at.x, p.y - at.y))
    spread = [p for p in others if math.hypot(p.x - at.x, p.y - at.y) > 10.0][:14]
    kinds = [DEFAULT_EGO, *sorted(VEHICLES)]
    drawn = []
    for number, place in enumerate([at, *spread], start=1):
        renderer.add_actor(number, kinds[(number - 1) % len(kinds)], {})
        drawn.append(Drawn(number, Pose(place.x, place.y, 0.0, 0.0, place.yaw), lamps))
    return drawn


def _town_tiles(prefer: str) -> list[Tile]:
    """Each town from above and from behind a car in its streets."""
    tiles = []
    for name in towns.names():
        town = towns.load(name)
        renderer = Renderer(town, prefer)
        drawn = _traffic(renderer, town, 0)
        x0, y0, x1, y1 = town.bounds
        # North is up; 80 degrees see 1.68 times the height across, and nine sixteenths of that upwards.
        height = 0.95 * max((x1 - x0) / 1.68, (y1 - y0) / 0.944)
        above = Camera(1, 400, 225, 80.0, Pose((x0 + x1) / 2.0, (y0 + y1) / 2.0, height, -90.0, -90.0))
        tiles.append((f"{name} from above", _shot(renderer, above, drawn, AFTERNOON, town)))
        for start in (0, len(town.spawn_points) // 3, 2 * len(town.spawn_points) // 3):
            view = _behind(town.spawn_points[start], 400, 225)
            tiles.append((f"{name}, start {start}", _shot(renderer, view, drawn, AFTERNOON, town)))
        renderer.close()
    return tiles


def _weather_tiles(prefer: str) -> list[Tile]:
    town = towns.load(towns.names()[0])
    renderer = Renderer(town, prefer)
    tiles = []
    shown = [(name, _preset(name)) for name in WEATHERS]
    for name, weather in [*shown, ("fog 70 %", FOG)]:
        is_dark = weather.sun_altitude < 0.0
        drawn = _traffic(renderer, town, 4, 2 | 1 if is_dark else 0)
        picture = _shot(renderer, _behind(drawn[0].pose, 448, 252), drawn, sky_of(weather), town)
        tiles.append((name, picture))
        for one in drawn:
            renderer.remove_actor(one.actor_id)
    renderer.close()
    return tiles


def _preset(name: str) -> Weather:
    """One of the client's own presets, by its name."""
    given = getattr(carla.WeatherParameters, name)
    return Weather(
        cloudiness=given.cloudiness,
        precipitation=given.precipitation,
        precipitation_deposits=given.precipitation_deposits,
        wind_intensity=given.wind_intensity,
        sun_azimuth=given.sun_azimuth_angle,
        sun_altitude=given.sun_altitude_angle,
        fog_density=given.fog_density,
        fog_distance=given.fog_distance,
        wetness=given.wetness,
        dust_storm=given.dust_storm,
    )


# ---- studio ---------------------------------------------------------------------------------------------------------


def _studio() -> Town:
    """A grey floor that ends in grass."""

    def floor(layer: str, half: float, color: tuple[float, float, float]) -> Mesh:
        corners = np.array([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)], np.float32)
        colors = np.tile(np.array([*color, 1.0], np.float32), (4, 1))
        up = np.tile(np.array([0, 0, 1], np.float32), (4, 1))
        triangles = np.array([(0, 2, 1), (0, 3, 2)], np.int32)
        return Mesh(layer, layer, Label.ROADS, corners, up, corners[:, :2] / 4.0, colors, triangles)

    meshes = (floor("terrain", 220.0, (0.42, 0.53, 0.29)), floor("road", 30.0, (0.44, 0.44, 0.45)))
    return Town("Studio", "", (), (), meshes, (), (-30.0, -30.0, 30.0, 30.0))


def _portraits(prefer: str, ids: list[str], far: Callable[[str], float], angles: tuple[float, ...]) -> list[Tile]:
    """Each blueprint from every angle (degrees around it), `far` metres away."""
    town = _studio()
    renderer = Renderer(town, prefer)
    tiles = []
    for number, blueprint_id in enumerate(ids, start=10):
        renderer.add_actor(number, blueprint_id, {"color": "140,24,24", "age": _age(blueprint_id)})
        for angle in angles:
            distance, turn = far(blueprint_id), math.radians(angle)
            up, middle = 0.10 * distance + 0.75 * _height(blueprint_id), 0.5 * _height(blueprint_id)
            down = -math.degrees(math.atan((up - middle) / distance))
            eye = Pose(distance * math.cos(turn), distance * math.sin(turn), up, down, angle + 180.0)
            drawn = [Drawn(number, Pose(), _STUDIO_LIGHTS | 512 * bool("vehicle" in blueprint_id), walk_phase=0.2)]
            camera = Camera(1, 240, 150, 48.0, eye)
            name = blueprint_id.split(".", 1)[1] if angle == angles[0] else ""
            tiles.append((name, _shot(renderer, camera, drawn, AFTERNOON, town)))
        renderer.remove_actor(number)
    renderer.close()
    return tiles


def _age(blueprint_id: str) -> str:
    return WALKERS[blueprint_id].age if blueprint_id in WALKERS else ""


def _height(blueprint_id: str) -> float:
    if blueprint_id in VEHICLES:
        return VEHICLES[blueprint_id].height
    return WALKERS[blueprint_id].height if blueprint_id in WALKERS else 2.0 * PROPS[blueprint_id][2]


def _vehicle_tiles(prefer: str) -> list[Tile]:
    return _portraits(prefer, sorted(VEHICLES), lambda name: 2.4 + 1.15 * VEHICLES[name].length, (35.0, 215.0))


def _walker_tiles(prefer: str) -> list[Tile]:
    return _portraits(prefer, sorted(WALKERS), lambda _: 3.9, (40.0,))


def _prop_tiles(prefer: str) -> list[Tile]:
    return _portraits(prefer, sorted(PROPS), lambda name: 1.3 + 3.3 * max(PROPS[name]), (60.0,))


# ---- sensors --------------------------------------------------------------------------------------------------------


def _sensor_tiles(prefer: str) -> list[Tile]:
    """What the cameras of one place see, and a lidar's points from above."""
    town = towns.load(towns.names()[0])
    renderer = Renderer(town, prefer)
    drawn = _traffic(renderer, town, 4)
    tiles = []
    for kind in ("rgb", "depth", "semantic", "instance", "normals"):
        picture = _shot(renderer, _behind(drawn[0].pose, 448, 252, kind), drawn, AFTERNOON, town, 1)
        tiles.append((f"sensor.camera.{kind}", _legible(kind, picture)))
    tiles.append(("sensor.lidar.ray_cast_semantic from above", _cloud(renderer, drawn)))
    renderer.close()
    return tiles


def _legible(kind: str, picture: Picture) -> Picture:
    """Depth as its logarithm, labels and instances in colours of their own."""
    if kind in ("rgb", "normals"):
        return picture
    blue, green, red = (picture[..., channel].astype(np.int64) for channel in range(3))
    if kind == "depth":
        metres = (red + green * 256 + blue * 65536) / (256**3 - 1) * 1000.0
        grey = np.clip(np.log(metres + 1.0) / math.log(400.0) * 255.0, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 4, axis=2)
    return _colors()[red if kind == "semantic" else (red * 7 + green * 31 + blue * 57) % 256]


def _colors() -> Picture:
    return np.random.default_rng(4).integers(40, 255, (256, 4)).astype(np.uint8)


def _cloud(renderer: Renderer, drawn: list[Drawn]) -> Picture:
    """64 lasers of a lidar on the first car's roof, 6 pixels to the metre."""
    azimuth, elevation = np.meshgrid(
        np.radians(np.arange(-180.0, 180.0, 0.25)), np.radians(np.linspace(5.0, -25.0, 64))
    )
    level = np.cos(elevation)
    rays = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], axis=-1)
    car = drawn[0].pose
    pose = Pose(car.x, car.y, 1.9, 0.0, car.yaw)
    directions = rays.reshape(-1, 3).astype(np.float32)
    echoes = renderer.measure(drawn, [Scan(99, pose, directions, 60.0, (-180, 180), (-25, 5), (0.25, 0.5))])[99]
    is_hit = np.isfinite(echoes.distance)
    x, y, _ = (directions[is_hit] * echoes.distance[is_hit, None]).T
    picture = np.zeros((252, 448, 4), np.uint8)
    rows, columns = (126.0 + y * 5.0).astype(int), (224.0 + x * 5.0).astype(int)
    is_inside = (rows >= 0) & (rows < 252) & (columns >= 0) & (columns < 448)
    picture[rows[is_inside], columns[is_inside]] = _colors()[echoes.label[is_hit][is_inside]]
    return picture


SHEETS: dict[str, tuple[Callable[[str], list[Tile]], int]] = {
    "towns": (_town_tiles, 4),
    "weathers": (_weather_tiles, 3),
    "vehicles": (_vehicle_tiles, 6),
    "walkers": (_walker_tiles, 4),
    "props": (_prop_tiles, 7),
    "sensors": (_sensor_tiles, 3),
}


def main() -> int:
    args = _arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.only or SHEETS:
        tiles, columns = SHEETS[name]
        path = args.out / f"gallery_{name}.jpg"
        sheet(tiles(args.prefer), columns).save(path, quality=_QUALITY, optimize=True)
        print(f"{path} {path.stat().st_size // 1024} kB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
