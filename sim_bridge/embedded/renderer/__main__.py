"""Look at a town and time the renderer: `python -m sim_bridge.embedded.renderer --out picture.png --json`.

Draws a driver's view and a chase view with traffic on the town's first starts, writes them one above the other, and
prints the median and 10th percentile of CPU and wall milliseconds per drawn tick.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from sim_bridge.embedded import town as towns
from sim_bridge.embedded.contracts import Camera, Drawn, LightState, Pose, Scan, Sky, Town
from sim_bridge.embedded.renderer import Renderer
from sim_bridge.embedded.renderer.survey.survey import MEASURED_KINDS
from sim_bridge.embedded.vehicles import DEFAULT_EGO, VEHICLES

Floats = npt.NDArray[np.float64]

_FRONT = (1024, 512, 110.0, -1.5, 2.0, 0.0)  # width, height, fov, ahead of the car, height, pitch
_CHASE = (512, 256, 90.0, -7.5, 3.6, -12.0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sim_bridge.embedded.renderer", description=__doc__)
    parser.add_argument("--town", default=towns.names()[0], help="The town to draw.")
    parser.add_argument("--start", type=int, default=0, help="The number of the spawn point to look from.")
    parser.add_argument("--vehicles", type=int, default=20, help="How many other vehicles stand in the town.")
    parser.add_argument("--ticks", type=int, default=60, help="How many ticks to time.")
    parser.add_argument("--sun", type=float, default=45.0, help="The sun's altitude in degrees; below -8 it is night.")
    parser.add_argument("--clouds", type=float, default=10.0, help="Cloudiness, 0 to 100.")
    parser.add_argument("--prefer", default="auto", help="Which renderer to use: auto, software or gl.")
    parser.add_argument("--fog", type=float, default=0.0, help="Fog density, 0 to 100.")
    parser.add_argument("--rain", type=float, default=0.0, help="Precipitation, 0 to 100.")
    parser.add_argument("--sensors", action="store_true", help="Time the measuring cameras, a lidar and a radar too.")
    parser.add_argument("--out", type=Path, help="Where to write the picture, a PNG; nothing is written without it.")
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")
    return parser.parse_args()


def _camera(number: int, car: Pose, spec: tuple[int, int, float, float, float, float]) -> Camera:
    width, height, fov, ahead, up, pitch = spec
    yaw = math.radians(car.yaw)
    pose = Pose(car.x + ahead * math.cos(yaw), car.y + ahead * math.sin(yaw), up, pitch, car.yaw)
    return Camera(number, width, height, fov, pose)


def _traffic(renderer: Renderer, town: Town, start: int, count: int) -> list[Drawn]:
    """The ego, and vehicles of every kind on the starts nearest to it."""
    at = town.spawn_points[start % len(town.spawn_points)]
    others = sorted(town.spawn_points, key=lambda p: math.hypot(p.x - at.x, p.y - at.y))
    spread = [p for p in others if math.hypot(p.x - at.x, p.y - at.y) > 9.0][:count]
    kinds = sorted(VEHICLES)
    drawn = []
    for number, place in enumerate([at, *spread], start=1):
        renderer.add_actor(number, DEFAULT_EGO if number == 1 else kinds[number % len(kinds)], {})
        pose = Pose(place.x, place.y, 0.0, 0.0, place.yaw)
        drawn.append(Drawn(number, pose, light_flags=8 if number % 3 == 0 else 0))
    return drawn


def _timed(work: Callable[[], object], ticks: int) -> dict[str, float]:
    cpu, wall = [], []
    for _ in range(ticks):
        began, began_cpu = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - began_cpu)
    figures = {"cpu_ms_median": np.median(cpu), "cpu_ms_p10": np.percentile(cpu, 10), "wall_ms_median": np.median(wall)}
    return {name: round(float(value) * 1000.0, 2) for name, value in figures.items()}


def _sensor_figures(renderer: Renderer, drawn: list[Drawn], front: Camera, sky: Sky, ticks: int) -> dict[str, object]:
    """The cameras that measure, as large as the front one, and what scanning sensors shoot in a tick of 50 ms."""
    figures: dict[str, object] = {}
    for number, kind in enumerate(MEASURED_KINDS, start=11):
        camera = replace(front, camera_id=number, kind=kind)
        renderer.add_camera(camera)
        figures[kind] = _timed(partial(renderer.render, drawn, [camera], {}, sky), ticks)
    scans = {
        "lidar, 64 lasers, 600,000 points/s, 10 turns/s": (np.linspace(-180.0, 0.0, 469), np.linspace(10.0, -30.0, 64)),
        "lidar, 32 lasers, 56,000 points/s, 20 turns/s": (np.linspace(-180.0, 180.0, 88), np.linspace(10.0, -30.0, 32)),
        "radar, 1,500 points/s": (np.linspace(-15.0, 15.0, 15), np.linspace(-15.0, 15.0, 5)),
    }
    for number, (name, (azimuth, elevation)) in enumerate(scans.items(), start=21):
        scan = _scan(number, front.pose, azimuth, elevation)
        figures[name] = _timed(partial(renderer.measure, drawn, [scan]), ticks)
    return figures


def _scan(number: int, pose: Pose, azimuth: Floats, elevation: Floats) -> Scan:
    flat, up = (angles.ravel() for angles in np.meshgrid(np.radians(azimuth), np.radians(elevation)))
    rays = np.stack([np.cos(up) * np.cos(flat), np.cos(up) * np.sin(flat), np.sin(up)], axis=1).astype(np.float32)
    is_ring = np.ptp(azimuth) > 100.0
    fan = (-180.0, 180.0) if is_ring else (float(azimuth.min()), float(azimuth.max()))
    pitch = (abs(float(azimuth[1] - azimuth[0])), abs(float(elevation[1] - elevation[0]))) if is_ring else (0.15, 0.15)
    return Scan(number, pose, rays, 100.0, fan, (float(elevation.min()), float(elevation.max())), pitch)


def main() -> int:
    args = _arguments()
    town = towns.load(args.town)
    renderer = Renderer(town, args.prefer)
    drawn = _traffic(renderer, town, args.start, args.vehicles)
    front, chase = _camera(1, drawn[0].pose, _FRONT), _camera(2, drawn[0].pose, _CHASE)
    for camera in (front, chase):
        renderer.add_camera(camera)
    sky = Sky(sun_altitude=args.sun, cloudiness=args.clouds, fog_density=args.fog, precipitation=args.rain)
    lights = {signal.signal_id: LightState((signal.phase % 2) * 2) for signal in town.signals}
    pictures = renderer.render(drawn, [front, chase], lights, sky)
    figures: dict[str, object] = {"renderer": renderer.backend, "town": town.name, "vehicles": args.vehicles}
    for name, cameras in (("front", [front]), ("front and chase", [front, chase])):
        figures[name] = _timed(partial(renderer.render, drawn, cameras, {}, sky), args.ticks)
    if args.sensors:
        figures.update(_sensor_figures(renderer, drawn, front, sky, args.ticks))
    if args.out:
        wide = np.zeros((768, 1024, 3), np.uint8)
        wide[:512], wide[512:, 256:768] = pictures[1][..., 2::-1], pictures[2][..., 2::-1]
        Image.fromarray(wide).save(args.out)
    print(json.dumps(figures, indent=None if args.json else 2))
    renderer.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
