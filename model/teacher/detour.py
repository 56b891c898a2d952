"""A way round somebody who blocks the lane: over the next lane while that is free, and back. Geometry on plain data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model.teacher.lane_walk import has_oncoming_left, may_change, neighbour
from model.teacher.surroundings import Body, Surroundings
from model.teacher.way import LEAD_CORRIDOR_M, along, reach
from model.training.paths import headings

Line = npt.NDArray[np.float64]  # (N, 2), a metre apart
Series = npt.NDArray[np.float64]  # (N,)
LaneAt = Callable[[float, float], Any]  # x, y in the world -> the lane's carla.Waypoint there

# How far before and after the obstacle the shifted way reaches, from box to box, and how long it takes to change.
BEFORE_M, AFTER_M, CHANGE_M = 5.0, 5.0, 10.0
# Free room a lane needs: ahead of the car in its own direction, from behind, and against oncoming traffic.
AHEAD_M, BEHIND_M, ONCOMING_M = 12.0, 14.0, 65.0
# A body this far off the shifted line is not in that lane.
IN_LANE_M = 1.9
# Behind an obstacle that is gone round the car stops here, with room to steer out.
KEPT_GAP_M = 8.0
# What stands this near behind an obstacle is gone round in one go with it.
CHAIN_M = 14.0
STANDS_MPS = 0.2
# Who was gone round and is this fast drives again: the way round would lead beside it for good.
DRIVES_MPS = 1.0
LANE_M = 3.5
SAMPLE_M = 2.0


@dataclass(frozen=True, slots=True)
class Detour:
    """Round `actor_id` over the lane beside the one it blocks: to the right (side 1) or left (-1) of that."""

    actor_id: int
    side: int
    lane_id: int  # of the lane it leads over
    against_traffic: bool


def sides(actor_id: int, lane: Any) -> list[Detour]:
    """The ways round `actor_id` over the lanes beside `lane` (a carla.Waypoint), which it blocks: those of its own
    direction, or where there are none the oncoming one."""
    found = []
    for name, side in (("left", -1), ("right", 1)):
        beside = neighbour(lane, name)
        if beside is not None and may_change(lane, name):
            found.append(Detour(actor_id, side, beside.lane_id, False))
    if not found and has_oncoming_left(lane):
        found.append(Detour(actor_id, -1, lane.get_left_lane().lane_id, True))
    return found


def asides(route: Line, detour: Detour, last_m: float, lane_at: LaneAt) -> Series:
    """(N,) how far right of the route the detour's lane lies at each metre of it.

    The route itself may lie in either lane, or lead from one to the other; the map says which.
    """
    metres = np.arange(0.0, min(len(route) - 1.0, last_m + AFTER_M + CHANGE_M), SAMPLE_M)
    heading_of = headings(route)
    found = []
    for k in metres.astype(int):
        lane = lane_at(float(route[k, 0]), float(route[k, 1]))
        where, yaw = lane.transform.location, heading_of[k]
        middle = math.cos(yaw) * (where.y - route[k, 1]) - math.sin(yaw) * (where.x - route[k, 0])
        found.append(middle + (0.0 if lane.lane_id == detour.lane_id else detour.side * LANE_M))
    return np.interp(np.arange(len(route)), metres, found)


def span(here: Surroundings, route: Line, obstacle: Body) -> tuple[float, float]:
    """From where to where along the route the way is blocked: the obstacle, and what stands close behind it in turn."""
    spans = []
    for body in (*here.bodies, *here.obstacles):
        if body.actor_id == obstacle.actor_id or (body.kind != "pedestrian" and body.speed_mps < STANDS_MPS):
            distance, right, heading = along(route, (body.x, body.y))
            half_along, half_across = reach(body, heading)
            if body.actor_id == obstacle.actor_id or abs(right) - half_across < LEAD_CORRIDOR_M:
                spans.append((distance - half_along, distance + half_along, body.actor_id == obstacle.actor_id))
    first, last = next((a, b) for a, b, is_first in spans if is_first)
    for low, high, _ in sorted(spans):
        if first <= low <= last + CHAIN_M:
            last = max(last, high)
    return first, last


def shifted(route: Line, aside_m: Series, first_m: float, last_m: float) -> Line:
    """The route moved to the right by `aside_m` (N,) from `first_m` to `last_m` of it, points about a metre apart."""
    metres = np.arange(len(route), dtype=np.float64)
    rise = np.clip((metres - (first_m - BEFORE_M - CHANGE_M)) / CHANGE_M, 0.0, 1.0)
    fall = np.clip(((last_m + AFTER_M + CHANGE_M) - metres) / CHANGE_M, 0.0, 1.0)
    u = np.minimum(rise, fall)
    share = u * u * (3.0 - 2.0 * u)
    heading_of = headings(route)
    normal = np.column_stack([-np.sin(heading_of), np.cos(heading_of)])
    return route + (aside_m * share)[:, None] * normal


def is_free(here: Surroundings, route: Line, detour: Detour, aside_m: Series, last_m: float) -> bool:
    """Whether nobody is in the way in the other lane, or comes along it before the car is back past `last_m`."""
    start = along(route, (here.ego.x, here.ego.y))[0]
    reach_ahead = last_m - start + (ONCOMING_M if detour.against_traffic else AHEAD_M)
    for body in (*here.bodies, *here.obstacles):
        distance, right, _ = along(route, (body.x, body.y))
        in_lane = abs(right - aside_m[min(len(aside_m) - 1, max(0, round(distance)))]) < IN_LANE_M
        if in_lane and -BEHIND_M < distance - start < reach_ahead:
            return False
    return True


def is_over(here: Surroundings, route: Line, obstacle: Body) -> bool:
    """Whether the car's rear has left the obstacle behind, or the route itself leads past it."""
    start = along(route, (here.ego.x, here.ego.y))[0]
    distance, right, heading = along(route, (obstacle.x, obstacle.y))
    half_along, half_across = reach(obstacle, heading)
    is_past = start - here.ego.half_length > distance + half_along + AFTER_M / 2.0
    return is_past or abs(right) - half_across > LEAD_CORRIDOR_M
