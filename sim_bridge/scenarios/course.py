"""A way along the lanes of a map, a metre per point: where somebody on it is, and where it will lead. Any thread."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from sim_bridge.frames import Floats, wrapped
from sim_bridge.route import heading_rad, turn_through_rad

STEP_M = 1.0
# How far from the middle between the ways a junction offers "left" and "right" begin.
TURN_MIN_RAD = math.radians(30.0)


class PoseOnRoad(NamedTuple):
    """World metres and radians; z is the road's."""

    x: float
    y: float
    z: float
    yaw_rad: float


class Course:
    """Points one metre apart from `first_s` on. Metres along it are `s`; `aside` is to the right of the lane's middle.

    `waypoints[k]` is the carla.Waypoint under point k.
    """

    def __init__(self, waypoints: list[Any], first_s: float) -> None:
        self.waypoints, self.first_s = waypoints, first_s
        places = [waypoint.transform.location for waypoint in waypoints]
        self._xyz: Floats = np.array([(place.x, place.y, place.z) for place in places])
        # Unwrapped, so that angles between two points interpolate.
        self._yaw: Floats = np.unwrap([heading_rad(waypoint) for waypoint in waypoints])
        self._nearest = 0

    @property
    def last_s(self) -> float:
        return self.first_s + (len(self.waypoints) - 1) * STEP_M

    def waypoint(self, s: float) -> Any:
        """The carla.Waypoint nearest to `s`, the ends' beyond them."""
        return self.waypoints[min(max(round((s - self.first_s) / STEP_M), 0), len(self.waypoints) - 1)]

    def pose(self, s: float, aside: float = 0.0) -> PoseOnRoad:
        """Straight on beyond the last point, so that who reaches the end of the map does not turn around."""
        at = min(max(s, self.first_s), self.last_s) - self.first_s
        k = min(int(at / STEP_M), len(self.waypoints) - 2)
        share = at / STEP_M - k
        x, y, z = (1 - share) * self._xyz[k] + share * self._xyz[k + 1]
        yaw = float((1 - share) * self._yaw[k] + share * self._yaw[k + 1])
        beyond = s - self.first_s - at
        x += beyond * math.cos(yaw) - aside * math.sin(yaw)
        y += beyond * math.sin(yaw) + aside * math.cos(yaw)
        return PoseOnRoad(float(x), float(y), float(z), wrapped(yaw))

    def locate(self, x: float, y: float) -> tuple[float, float]:
        """(s, aside) of a place beside the course."""
        k = int(np.argmin((self._xyz[:, 0] - x) ** 2 + (self._xyz[:, 1] - y) ** 2))
        yaw = self._yaw[k]
        dx, dy = x - self._xyz[k, 0], y - self._xyz[k, 1]
        along, aside = dx * math.cos(yaw) + dy * math.sin(yaw), dy * math.cos(yaw) - dx * math.sin(yaw)
        return self.first_s + k * STEP_M + float(along), float(aside)

    def crossing(self, other: Course) -> tuple[float, float]:
        """(s here, s there) of the two points that are nearest to each other."""
        apart = np.hypot(*(self._xyz[:, None, :2] - other._xyz[None, :, :2]).transpose(2, 0, 1))
        mine, theirs = np.unravel_index(int(np.argmin(apart)), apart.shape)
        return self.first_s + float(mine) * STEP_M, other.first_s + float(theirs) * STEP_M


def walked(start: Any, back_m: float, ahead_m: float, way: str = "straight") -> Course:
    """From `start`, where s is 0, both ways along the lanes; shorter where they end.

    `way` is taken at the first junction, or at the one `start` is in; every later one is driven straight through.
    """
    behind: list[Any] = []
    waypoint = start
    for _ in range(round(back_m / STEP_M)):
        before = waypoint.previous(STEP_M)
        if not before:
            break
        waypoint = min(before, key=lambda w: _bend(w, waypoint))
        behind.append(waypoint)
    ahead, is_turned, waypoint = [start], False, start
    for _ in range(round(ahead_m / STEP_M)):
        onward = waypoint.next(STEP_M)
        if not onward:
            break
        if onward[0].is_junction and not waypoint.is_junction:
            waypoint = min(onward, key=lambda w: _misses(turn_through_rad(w), "straight" if is_turned else way))
            is_turned = True
        else:
            waypoint = min(onward, key=lambda w: _bend(waypoint, w))
        ahead.append(waypoint)
    return Course([*reversed(behind), *ahead], -len(behind) * STEP_M)


def ways_on(entry: Any) -> dict[str, Any]:
    """The ways through the junction behind `entry`, its last waypoint before it: way -> first waypoint inside."""
    found: dict[str, Any] = {}
    for waypoint in entry.next(2.0 * STEP_M):
        if waypoint.is_junction:
            found.setdefault(way_of(turn_through_rad(waypoint)), waypoint)
    return found


def way_of(turn_rad: float) -> str:
    """The word for a turn; yaw is clockwise."""
    if abs(turn_rad) < TURN_MIN_RAD:
        return "straight"
    return "right" if turn_rad > 0 else "left"


def _misses(turn_rad: float, way: str) -> float:
    wanted = {"straight": 0.0, "left": -math.pi / 2, "right": math.pi / 2}[way]
    return abs(turn_rad - wanted)


def _bend(before: Any, after: Any) -> float:
    return abs(wrapped(heading_rad(after) - heading_rad(before)))
