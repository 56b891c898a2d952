"""What the front camera can see: boxes in the picture, and which of them nearer ones hide. Plain numpy.

Pinhole model of SimLingo's camera; coordinates relative to it are x forward, y right, z up. Buildings hide what their
footprints stand in front of; trees and poles are taken to hide nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.teacher.surroundings import Body
from sim_bridge.messages import FRONT_CAMERA

FARTHEST_M = 60.0
# A box is hidden once nearer boxes cover this much of it.
COVERED = 0.7
# A box seen at less than this width and height, in pixels of the 1024 px frame, is too small to be learnt from.
SMALLEST_PX = 4.0
NEAREST_M = 0.5


@dataclass(frozen=True, slots=True)
class Eye:
    """The camera in the world: position in metres, heading and pitch in radians (pitch up positive)."""

    x: float
    y: float
    z: float
    yaw_rad: float
    pitch_rad: float = 0.0


@dataclass(frozen=True, slots=True)
class Rect:
    """A box in the picture, 0..1 of width and height, clipped to the frame; `depth_m` to its middle."""

    u0: float
    v0: float
    u1: float
    v1: float
    depth_m: float

    @property
    def area(self) -> float:
        return max(0.0, self.u1 - self.u0) * max(0.0, self.v1 - self.v0)


def eye_of(ego: Body, ground_z: float, x_m: float = FRONT_CAMERA.x_m, z_m: float = FRONT_CAMERA.z_m) -> Eye:
    """The front camera on a level car whose origin is at `ground_z`."""
    return Eye(ego.x + x_m * math.cos(ego.yaw_rad), ego.y + x_m * math.sin(ego.yaw_rad), ground_z + z_m, ego.yaw_rad)


def corners(body: Body) -> npt.NDArray[np.float64]:
    """(8, 3) world corners."""
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], dtype=np.float64)
    local = signs * [body.half_length, body.half_width, body.half_height]
    c, s = math.cos(body.yaw_rad), math.sin(body.yaw_rad)
    return np.column_stack(
        [body.x + c * local[:, 0] - s * local[:, 1], body.y + s * local[:, 0] + c * local[:, 1], body.z + local[:, 2]]
    )


def in_view(eye: Eye, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """World points relative to the camera, (N, 3): forward, right, up."""
    c, s = math.cos(eye.yaw_rad), math.sin(eye.yaw_rad)
    dx, dy, dz = (points - [eye.x, eye.y, eye.z]).T
    forward, right = c * dx + s * dy, -s * dx + c * dy
    cp, sp = math.cos(eye.pitch_rad), math.sin(eye.pitch_rad)
    return np.column_stack([cp * forward + sp * dz, right, -sp * forward + cp * dz])


def project(eye: Eye, body: Body) -> Rect | None:
    """Where a body is in the picture; None behind the camera, outside the frame, too far or too small."""
    seen = in_view(eye, corners(body))
    depth = float(in_view(eye, np.array([[body.x, body.y, body.z]]))[0, 0])
    if depth < NEAREST_M or depth > FARTHEST_M:
        return None
    seen[:, 0] = np.maximum(seen[:, 0], NEAREST_M)
    focal = 0.5 * FRONT_CAMERA.width_px / math.tan(math.radians(FRONT_CAMERA.fov_deg) / 2.0)
    u = 0.5 + focal * seen[:, 1] / seen[:, 0] / FRONT_CAMERA.width_px
    v = 0.5 - focal * seen[:, 2] / seen[:, 0] / FRONT_CAMERA.height_px
    whole = Rect(float(u.min()), float(v.min()), float(u.max()), float(v.max()), depth)
    u0, u1 = (min(1.0, max(0.0, edge)) for edge in (whole.u0, whole.u1))
    v0, v1 = (min(1.0, max(0.0, edge)) for edge in (whole.v0, whole.v1))
    clipped = Rect(u0, v0, u1, v1, depth)
    if (u1 - u0) * FRONT_CAMERA.width_px < SMALLEST_PX or (v1 - v0) * FRONT_CAMERA.height_px < SMALLEST_PX:
        return None
    return clipped if clipped.area > 0.3 * whole.area or clipped.area > 0.01 else None


def overlap(a: Rect, b: Rect) -> float:
    return max(0.0, min(a.u1, b.u1) - max(a.u0, b.u0)) * max(0.0, min(a.v1, b.v1) - max(a.v0, b.v0))


def is_hidden(rect: Rect, others: list[Rect]) -> bool:
    """Whether nearer boxes cover most of it; each other box counts alone, two halves do not add up."""
    return any(
        other.depth_m < rect.depth_m - 0.5 and overlap(rect, other) > COVERED * max(rect.area, 1e-9) for other in others
    )


def is_walled_off(eye: Eye, x: float, y: float, walls: npt.NDArray[np.float64]) -> bool:
    """Whether a building's footprint lies between the camera and a point. `walls` (M, 5): x, y, half sizes, yaw_rad."""
    if len(walls) == 0:
        return False
    c, s = np.cos(walls[:, 4]), np.sin(walls[:, 4])
    # Both ends in every footprint's own frame, scaled so that it spans -1..1 on both axes; then the slab test.
    ends = []
    for px, py in ((eye.x, eye.y), (x, y)):
        dx, dy = px - walls[:, 0], py - walls[:, 1]
        ends.append(np.stack([(c * dx + s * dy) / walls[:, 2], (-s * dx + c * dy) / walls[:, 3]]))
    start, step = ends[0], ends[1] - ends[0]
    step = np.where(np.abs(step) < 1e-9, 1e-9, step)
    one, two = (-1.0 - start) / step, (1.0 - start) / step
    enter, leave = np.minimum(one, two).max(axis=0), np.maximum(one, two).min(axis=0)
    return bool(((enter < leave) & (leave > 0.0) & (enter < 1.0)).any())


def visible(eye: Eye, bodies: tuple[Body, ...], walls: npt.NDArray[np.float64]) -> dict[int, Rect]:
    """The bodies that can be seen, by actor id."""
    found = {
        body.actor_id: rect
        for body in bodies
        if (rect := project(eye, body)) is not None and not is_walled_off(eye, body.x, body.y, walls)
    }
    rects = list(found.values())
    return {actor_id: rect for actor_id, rect in found.items() if not is_hidden(rect, rects)}
