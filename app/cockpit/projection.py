"""Ground points -> pixels, through a CameraSpec's pinhole. Pure functions; the browser's projection.js has the same.

Ego coordinates: x forward, y right, z up, metres. The camera sits at its mount and looks forward, pitched up by
`pitch_deg`. Pixels: x right, y down, from the top left corner. What lies nearer than NEAR_M is cut off.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from sim_bridge.messages import CameraSpec

NEAR_M = 0.5

Ground = tuple[float, float, float]  # x, y, z in ego
Seen = tuple[float, float, float]  # right, up, ahead in the camera's axes, metres
Pixel = tuple[float, float]


def focal_px(camera: CameraSpec) -> float:
    return camera.width_px / 2 / math.tan(math.radians(camera.fov_deg) / 2)


def seen(camera: CameraSpec, point: Ground) -> Seen:
    """An ego point in the camera's axes."""
    x, y, z = point[0] - camera.x_m, point[1] - camera.y_m, point[2] - camera.z_m
    pitch = math.radians(camera.pitch_deg)
    ahead = x * math.cos(pitch) + z * math.sin(pitch)
    up = -x * math.sin(pitch) + z * math.cos(pitch)
    return y, up, ahead


def pixel(camera: CameraSpec, point: Seen) -> Pixel:
    """Where a point ahead of the camera lies in its picture."""
    right, up, ahead = point
    focal = focal_px(camera)
    return camera.width_px / 2 + focal * right / ahead, camera.height_px / 2 - focal * up / ahead


def polygon(camera: CameraSpec, points: Sequence[Ground]) -> list[Pixel]:
    """A closed polygon in pixels, cut at NEAR_M; empty when all of it lies nearer."""
    corners = [seen(camera, point) for point in points]
    kept: list[Seen] = []
    for here, there in zip(corners, corners[1:] + corners[:1], strict=True):
        if here[2] >= NEAR_M:
            kept.append(here)
        if (here[2] >= NEAR_M) != (there[2] >= NEAR_M):
            share = (NEAR_M - here[2]) / (there[2] - here[2])
            kept.append(tuple(a + share * (b - a) for a, b in zip(here, there, strict=True)))  # type: ignore[arg-type]
    return [pixel(camera, point) for point in kept]


def ribbon(path: Sequence[tuple[float, float]], half_width_m: float) -> list[list[Ground]]:
    """A path as flat quadrilaterals, one per stretch between two points."""
    sides = [_sides(path, index, half_width_m) for index in range(len(path))]
    return [[left, right, next_right, next_left] for (left, right), (next_left, next_right) in pairwise(sides)]


def disc(centre: tuple[float, float], radius_m: float, corners: int = 20) -> list[Ground]:
    """A flat disc on the ground."""
    angles = [2 * math.pi * index / corners for index in range(corners)]
    return [(centre[0] + radius_m * math.cos(a), centre[1] + radius_m * math.sin(a), 0.0) for a in angles]


def _sides(path: Sequence[tuple[float, float]], index: int, half_width_m: float) -> tuple[Ground, Ground]:
    """The ribbon's left and right edge at one point, square to the stretch around it."""
    before, after = path[max(index - 1, 0)], path[min(index + 1, len(path) - 1)]
    dx, dy = after[0] - before[0], after[1] - before[1]
    length = math.hypot(dx, dy) or 1.0
    offset = (-dy / length * half_width_m, dx / length * half_width_m)  # y points right: this is the right side
    x, y = path[index]
    return (x - offset[0], y - offset[1], 0.0), (x + offset[0], y + offset[1], 0.0)
