"""The way along a map's lanes from one place to another. Pure over a carla.Map's waypoints, any thread.

An A* search (Hart, Nilsson, Raphael 1968) metre by metre, lane changes included where the paint allows them.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sim_bridge.frames import wrapped
from sim_bridge.route import SPACING_M, heading_rad

# A waypoint this near to a goal that points the goal's way is it.
ARRIVED_M, ARRIVED_RAD = 2.0, math.radians(50.0)
CHANGE_OVER_M = 12.0
# What a lane change costs beside its length: worth a detour of this, so that nobody zigzags.
CHANGE_COST_M = 15.0
SEARCH_MAX = 40_000

Key = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a way: the waypoint it ends on; `side` is -1 or 1 for a change to the lane on the left or right."""

    waypoint: Any
    side: int = 0


def way_to(start: Any, goal: Any) -> list[Step] | None:
    """The cheapest steps from one carla.Waypoint to another, None where there is no way (or none in reach)."""
    order = itertools.count()  # breaks ties before two waypoints would be compared
    opened = [(_apart(start, goal), next(order), Step(start))]
    costs, came = {_key(start): 0.0}, dict[Key, tuple[Key, Step]]()
    closed: set[Key] = set()
    while opened and len(closed) < SEARCH_MAX:
        step = heapq.heappop(opened)[2]
        key = _key(step.waypoint)
        if key in closed:
            continue
        if _is_there(step.waypoint, goal):
            return _steps_to(key, came)
        closed.add(key)
        for onward, price in _onward(step.waypoint):
            there, cost = _key(onward.waypoint), costs[key] + price
            if cost < costs.get(there, math.inf):
                costs[there], came[there] = cost, (key, onward)
                heapq.heappush(opened, (cost + _apart(onward.waypoint, goal), next(order), onward))
    return None


def _onward(waypoint: Any) -> Iterator[tuple[Step, float]]:
    import carla  # the client is needed by whoever has a carla.Waypoint, and by nobody else

    for following in waypoint.next(SPACING_M):
        yield Step(following), SPACING_M
    for side, may, lane in (
        (-1, carla.LaneChange.Left, waypoint.get_left_lane),
        (1, carla.LaneChange.Right, waypoint.get_right_lane),
    ):
        if not waypoint.lane_change & may or waypoint.is_junction:
            continue
        beside = lane()
        if beside is None or beside.lane_type != carla.LaneType.Driving or beside.lane_id * waypoint.lane_id < 0:
            continue
        for landing in beside.next(CHANGE_OVER_M):
            if landing.road_id == waypoint.road_id:
                yield Step(landing, side), CHANGE_OVER_M + CHANGE_COST_M


def _steps_to(key: Key, came: dict[Key, tuple[Key, Step]]) -> list[Step]:
    steps = []
    while key in came:
        key, step = came[key]
        steps.append(step)
    return steps[::-1]


def _is_there(waypoint: Any, goal: Any) -> bool:
    turned = abs(wrapped(heading_rad(waypoint) - heading_rad(goal)))
    return _apart(waypoint, goal) <= ARRIVED_M and turned < ARRIVED_RAD


def _apart(one: Any, other: Any) -> float:
    distance: float = one.transform.location.distance(other.transform.location)
    return distance


def _key(waypoint: Any) -> Key:
    # Half metres: two waypoints a step apart never share one, whatever the last digits of their s.
    return waypoint.road_id, waypoint.section_id, waypoint.lane_id, math.floor(2.0 * waypoint.s / SPACING_M)
