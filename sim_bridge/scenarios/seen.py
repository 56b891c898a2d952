"""Where somebody is in one tick, and how far two of them are apart. Pure geometry, any thread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim_bridge.frames import Floats


@dataclass(frozen=True, slots=True)
class Seen:
    """World metres, radians, m/s. `braking_mps2` is how fast the speed falls, over the last ticks."""

    x: float
    y: float
    yaw_rad: float
    speed_mps: float
    half_length: float
    half_width: float
    braking_mps2: float = 0.0


class Watched:
    """One actor, read once per tick from the newest snapshot. Speeds of the last ticks give its braking."""

    _TICKS = 4

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        extent = actor.bounding_box.extent
        self._half = max(0.2, extent.x), max(0.2, extent.y)
        self._speeds: list[float] = []
        self.seen: Seen | None = None

    def read(self, snapshot: Any) -> Seen | None:
        """None once the actor is gone; what was seen last stays in `seen`."""
        found = snapshot.find(self.actor.id)
        if found is None:
            return None
        transform, velocity = found.get_transform(), found.get_velocity()
        speed = math.hypot(velocity.x, velocity.y)
        self._speeds = [*self._speeds[-self._TICKS :], speed]
        seconds = max(1, len(self._speeds) - 1) * snapshot.timestamp.delta_seconds
        braking = (self._speeds[0] - speed) / seconds if seconds > 0.0 else 0.0
        place, yaw = transform.location, math.radians(transform.rotation.yaw)
        self.seen = Seen(place.x, place.y, yaw, speed, *self._half, braking)
        return self.seen


def gap_m(one: Seen, other: Seen) -> float:
    """Between two boxes on the ground, 0 where they overlap."""
    return min(_to_box(_corners(one), other), _to_box(_corners(other), one))


def _corners(seen: Seen) -> Floats:
    cos, sin = math.cos(seen.yaw_rad), math.sin(seen.yaw_rad)
    own = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) * [seen.half_length, seen.half_width]
    corners: Floats = own @ np.array([[cos, sin], [-sin, cos]]) + [seen.x, seen.y]
    return corners


def _to_box(points: Floats, box: Seen) -> float:
    """From the nearest of the points to the box."""
    cos, sin = math.cos(box.yaw_rad), math.sin(box.yaw_rad)
    own = (points - [box.x, box.y]) @ np.array([[cos, -sin], [sin, cos]])
    outside = np.maximum(np.abs(own) - [box.half_length, box.half_width], 0.0)
    return float(np.hypot(outside[:, 0], outside[:, 1]).min())
