"""CARLA's spring arms: a camera at the end of one looks back at its parent, keeps level, and follows turns softly."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from sim_bridge.embedded.contracts import Label, Pose
from sim_bridge.embedded.world.geometry import composed, difference_deg, moved

Vec3 = tuple[float, float, float]
Cast = Callable[[Vec3, Vec3], list[tuple[Vec3, Label]]]

RIGID, SPRING_ARM, SPRING_ARM_GHOST = range(3)  # CARLA's AttachmentType
# Unreal's figures for CARLA's arms: how quickly the arm turns after its parent, in steps of at most this long.
_TURNS_PER_S, _STEP_S = 8.0, 1.0 / 60.0
_LIFT_M = 0.3  # what keeps an arm that feels walls off the bumps of the ground
_OFF_THE_WALL_M = 0.12
_MOVING = (Label.PEDESTRIANS, Label.RIDER, Label.CAR, Label.TRUCK, Label.BUS, Label.MOTORCYCLE, Label.BICYCLE)


class SpringArm:
    """Lives as long as its actor is mounted. A ghost's arm goes through walls, any other's is cut short by them."""

    def __init__(self, is_ghost: bool) -> None:
        self._is_ghost = is_ghost
        self._yaw: float | None = None  # of the arm in the world when it was last asked

    def end(self, parent: Pose, mount: Pose, delta_s: float, cast: Cast) -> Pose:
        """Where the mounted actor is `delta_s` after it was last asked. Of `mount`, the location is the arm; the
        rotation adds to the look along it."""
        flat = math.hypot(mount.x, mount.y)
        self._turn(parent.yaw + math.degrees(math.atan2(-mount.y, -mount.x)) if flat else parent.yaw, delta_s)
        length = math.hypot(flat, mount.z)
        pitch = math.degrees(math.atan2(-mount.z, flat)) if length else 0.0
        held = Pose(parent.x, parent.y, parent.z + (0.0 if self._is_ghost else _LIFT_M), pitch, self._yaw or 0.0)
        x, y, z = moved(held, (-self._reach(held, length, cast), 0.0, 0.0))
        return composed(replace(held, x=x, y=y, z=z), Pose(0.0, 0.0, 0.0, mount.pitch, mount.yaw, mount.roll))

    def _turn(self, target: float, delta_s: float) -> None:
        if self._yaw is None:
            self._yaw = target
        steps = max(1, math.ceil(delta_s / _STEP_S - 1e-6))
        start, way = self._yaw, difference_deg(target, self._yaw)
        for step in range(1, steps + 1):
            share = min(1.0, _TURNS_PER_S * delta_s / steps)
            self._yaw += difference_deg(start + way * step / steps, self._yaw) * share

    def _reach(self, held: Pose, length: float, cast: Cast) -> float:
        """How long the arm may be: up to the first wall, whatever drives or walks in between."""
        if self._is_ghost or length == 0.0:
            return length
        origin = (held.x, held.y, held.z)
        walls = [at for at, label in cast(origin, moved(held, (-length, 0.0, 0.0))) if label not in _MOVING]
        return max(0.0, math.dist(origin, walls[0]) - _OFF_THE_WALL_M) if walls else length


def arm_of(attachment: int) -> SpringArm | None:
    """None for what is mounted rigidly, and for types that CARLA does not have."""
    return SpringArm(attachment == SPRING_ARM_GHOST) if attachment in (SPRING_ARM, SPRING_ARM_GHOST) else None
