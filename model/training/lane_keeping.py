"""Whether a car keeps to the lane of the route it was given at the start. Geometry on plain data; the map only to plan.

The route is planned once, when the drive begins, and never again: the navigator's own route follows a car that strays,
and measured against that one an unasked lane change or a wrong turn would pass as driving on. Outside junctions the
judge looks at the car's four corners against the lane's edges, which is where the paint is; inside one nothing is
painted and a turning car's corners sweep wide, so there its middle must stay within the lane that leads through.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim_bridge.messages import EgoState
from sim_bridge.route import RandomRoute, heading_rad

# The corners' and the middle's nearest route points are looked for this far behind and ahead of the last one, metres.
BEHIND_M, AHEAD_M = 8, 25


@dataclass(frozen=True, slots=True, eq=False)
class PlannedRoute:
    """A line a metre apart with the lane around it. World metres, yaw clockwise."""

    xy: npt.NDArray[np.float64]  # (N, 2)
    yaw_rad: npt.NDArray[np.float64]  # (N,)
    half_width_m: npt.NDArray[np.float64]  # (N,), of the lane
    in_junction: npt.NDArray[np.bool_]  # (N,)


@dataclass(frozen=True, slots=True)
class Placement:
    """`along_m` of the route is done; the middle is `aside_m` right of the lane's middle; a side of the car is `over_m`
    past the lane's edge, negative within it."""

    along_m: float
    aside_m: float
    over_m: float
    in_junction: bool


def planned_route(start: Any, seed: int, metres: float) -> PlannedRoute:
    """What the navigator plans from the lane waypoint `start` with the drive's seed; shorter where the road ends."""
    route = RandomRoute(start, random.Random(seed))
    route.grow(metres)
    return route_over([point.waypoint for point in route.points])


def route_over(waypoints: Sequence[Any]) -> PlannedRoute:
    """The way over carla.Waypoints a metre apart, in the order of driving."""
    places = [waypoint.transform.location for waypoint in waypoints]
    return PlannedRoute(
        np.array([(place.x, place.y) for place in places]),
        np.array([heading_rad(waypoint) for waypoint in waypoints]),
        np.array([waypoint.lane_width / 2.0 for waypoint in waypoints]),
        np.array([waypoint.is_junction for waypoint in waypoints]),
    )


class LaneKeeping:
    """Follows a car along its planned route, tick by tick."""

    def __init__(self, route: PlannedRoute, half_length_m: float, half_width_m: float) -> None:
        self._route = route
        self._corners = np.array(
            [(x, y) for x in (-half_length_m, half_length_m) for y in (-half_width_m, half_width_m)]
        )
        self._at = 0

    @property
    def length_m(self) -> float:
        return float(len(self._route.xy) - 1)

    def sees(self, ego: EgoState) -> Placement:
        """Where the car is; ticks must come in order, a jump along the route of more than AHEAD_M is lost."""
        middle = np.array([[ego.x_m, ego.y_m]])
        index, aside = self._beside(middle)
        self._at = int(index[0])
        in_junction = bool(self._route.in_junction[self._at])
        if in_junction:
            over = abs(float(aside[0])) - float(self._route.half_width_m[self._at])
        else:
            where, sides = self._beside(middle + self._turned(ego.yaw_rad))
            painted = ~self._route.in_junction[where]
            beyond = np.abs(sides) - self._route.half_width_m[where]
            over = float(beyond[painted].max(initial=-math.inf))
        return Placement(float(self._at), float(aside[0]), over, in_junction)

    def _turned(self, yaw_rad: float) -> npt.NDArray[np.float64]:
        c, s = math.cos(yaw_rad), math.sin(yaw_rad)
        return self._corners @ np.array([[c, s], [-s, c]])

    def _beside(self, points: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Each point's nearest route index around the last place, and how far right of the route there it is."""
        low = max(0, self._at - BEHIND_M)
        near = self._route.xy[low : self._at + AHEAD_M]
        gaps = points[:, None, :] - near[None, :, :]
        index = np.einsum("ijk,ijk->ij", gaps, gaps).argmin(axis=1)
        gap = gaps[np.arange(len(points)), index]
        yaw = self._route.yaw_rad[low + index]
        return low + index, np.cos(yaw) * gap[:, 1] - np.sin(yaw) * gap[:, 0]
