"""How far what is in each pixel moved since the camera's last picture, from its depth and the poses of then and now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.renderer.survey.faces import Faces, Floats
from sim_bridge.embedded.renderer.survey.number_view import Window

Flow = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What a picture was taken from: the camera, and the poses of all parts with how often each was given away."""

    camera_from_world: Floats  # (4, 4) for row vectors
    world_from_part: Floats  # (P, 4, 4)
    lives: npt.NDArray[np.int64]  # (P,)


def moment(faces: Faces, camera_from_world: Floats) -> Moment:
    return Moment(camera_from_world, *faces.poses())


def flow_picture(
    numbers: npt.NDArray[np.int64],
    depth: npt.NDArray[np.float32],
    window: Window,
    faces: Faces,
    then: Moment,
    now: Moment,
) -> Flow:
    """(H, W, 2): to the right and up, in halves of the picture's width and height, as CARLA's."""
    moved = _then_from_now(then, now)
    part = faces.part_of(numbers.ravel())
    columns, rows = np.meshgrid(window.columns(), window.rows())
    at = np.stack([columns, np.ones_like(columns), rows], axis=-1).reshape(-1, 3) * depth.reshape(-1, 1)
    was = np.empty_like(at)
    for number in np.unique(part):
        is_here = part == number
        was[is_here] = at[is_here] @ moved[number, :3, :3] + moved[number, 3, :3]
    # What was beside or behind the camera was nowhere in its picture; it enters from the edge.
    ahead = np.maximum(was[:, 1], 0.05)
    across, up = columns.ravel() - was[:, 0] / ahead, rows.ravel() - was[:, 2] / ahead
    halves = np.array([(window.right - window.left) / 2.0, (window.high - window.low) / 2.0])
    flow = np.clip(np.stack([across, up], axis=-1) / halves, -2.0, 2.0)
    return np.ascontiguousarray(flow.reshape(*numbers.shape, 2), np.float32)


def _then_from_now(then: Moment, now: Moment) -> Floats:
    """(P, 4, 4) for row vectors: where a point seen from the camera now was, seen from the camera then, by the part it
    is on. Parts that are others than then count as standing still."""
    count = len(now.world_from_part)
    earlier = now.world_from_part.copy()
    known = min(count, len(then.lives))
    is_same = np.zeros(count, bool)
    is_same[:known] = then.lives[:known] == now.lives[:known]
    earlier[is_same] = then.world_from_part[:known][is_same[:known]]
    world_from_camera = np.linalg.inv(now.camera_from_world)
    return np.asarray(
        world_from_camera @ np.linalg.inv(now.world_from_part) @ earlier @ then.camera_from_world, np.float64
    )
