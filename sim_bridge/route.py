"""An endless random route over a map's lanes: points one metre apart, each with the navigator's word for it. No thread
of its own; the session thread runs it through the navigator.

At every junction one of the ways on is drawn from the seed. The route never changes lanes by itself: what lane to be in
is the driver's business, and when it has changed, the navigator starts a route from there.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any

from sim_bridge.frames import wrapped
from sim_bridge.messages import RouteCommand

SPACING_M = 1.0
# A way through a junction that turns less than this goes straight on.
STRAIGHT_MAX_RAD = math.radians(30.0)
JUNCTION_MAX_M = 150.0


@dataclass(frozen=True, slots=True)
class RoutePoint:
    """One metre of the route. `waypoint` is the carla.Waypoint under it."""

    x_m: float
    y_m: float
    yaw_rad: float
    command: RouteCommand
    is_junction: bool
    waypoint: Any

    @property
    def z_m(self) -> float:
        """The height of the road."""
        return float(self.waypoint.transform.location.z)


def heading_rad(waypoint: Any) -> float:
    return math.radians(waypoint.transform.rotation.yaw)


class RandomRoute:
    """Grows from a waypoint for ever, or until a lane ends. The same start and random state give the same route."""

    def __init__(self, start: Any, ways: random.Random) -> None:
        self._ways = ways
        self._last = start
        self._command = RouteCommand.FOLLOW_ROAD
        self.points: list[RoutePoint] = []
        if start.is_junction:
            self._command = command_through(start)
        self._add(start)

    def grow(self, metres: float) -> None:
        """Add this much; less where the lane ends and there is no way on."""
        for _ in range(math.ceil(metres / SPACING_M)):
            onward = self._last.next(SPACING_M)
            if not onward:
                return
            self._go_on(onward[0] if len(onward) == 1 else self._ways.choice(sorted(onward, key=_lane)))

    def _go_on(self, following: Any) -> None:
        if not following.is_junction:
            self._command = RouteCommand.FOLLOW_ROAD
        elif not self._last.is_junction:
            self._command = command_through(following)
        self._add(following)

    def _add(self, waypoint: Any) -> None:
        self._last = waypoint
        where = waypoint.transform.location
        self.points.append(
            RoutePoint(where.x, where.y, heading_rad(waypoint), self._command, waypoint.is_junction, waypoint)
        )


def command_through(entry: Any) -> RouteCommand:
    """LEFT, RIGHT or STRAIGHT for a way through a junction, from how far its lane turns from `entry` to its end."""
    turn = turn_through_rad(entry)
    if abs(turn) < STRAIGHT_MAX_RAD:
        return RouteCommand.STRAIGHT
    return RouteCommand.RIGHT if turn > 0 else RouteCommand.LEFT  # yaw is clockwise


def turn_through_rad(entry: Any) -> float:
    """How far the lane turns from `entry`, its first waypoint in a junction, to the way out; clockwise is positive."""
    waypoint, walked_m = entry, 0.0
    while walked_m < JUNCTION_MAX_M:
        onward = waypoint.next(SPACING_M)
        if not onward:
            break
        waypoint, walked_m = onward[0], walked_m + SPACING_M
        if not waypoint.is_junction:
            break
    return wrapped(heading_rad(waypoint) - heading_rad(entry))


def _lane(waypoint: Any) -> tuple[int, int]:
    """The map lists the ways on in no promised order; a seed needs one."""
    return waypoint.road_id, waypoint.lane_id
