"""A way round somebody who blocks the lane: over the next lane while that is free, and back. Geometry on plain data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.teacher.surroundings import Body, Surroundings
from model.teacher.way import along, reach
from model.training.paths import headings

Line = npt.NDArray[np.float64]

# How far before and after the obstacle the shifted way reaches, from box to box, and how long it takes to change.
BEFORE_M, AFTER_M, CHANGE_M = 5.0, 5.0, 10.0
# Free room a lane needs: ahead of the car in its own direction, from behind, and against oncoming traffic.
AHEAD_M, BEHIND_M, ONCOMING_M = 12.0, 14.0, 65.0
# A body this far off the shifted line is not in that lane.
IN_LANE_M = 1.9
# Behind an obstacle that is gone round the car stops here, with room to steer out.
KEPT_GAP_M = 8.0


@dataclass(frozen=True, slots=True)
class Detour:
    """Round `actor_id`, by this much to the right (negative: left) of the route."""

    actor_id: int
    aside_m: float
    against_traffic: bool


def shifted(route: Line, detour: Detour, obstacle: Body) -> Line:
    """The route moved aside along the obstacle, (N, 2); points stay about a metre apart."""
    distance, _, heading = along(route, (obstacle.x, obstacle.y))
    half, _ = reach(obstacle, heading)
    first, last = distance - half - BEFORE_M, distance + half + AFTER_M
    metres = np.arange(len(route), dtype=np.float64)
    rise = np.clip((metres - (first - CHANGE_M)) / CHANGE_M, 0.0, 1.0)
    fall = np.clip(((last + CHANGE_M) - metres) / CHANGE_M, 0.0, 1.0)
    u = np.minimum(rise, fall)
    share = u * u * (3.0 - 2.0 * u)
    heading_of = headings(route)
    normal = np.column_stack([-np.sin(heading_of), np.cos(heading_of)])
    return route + detour.aside_m * share[:, None] * normal


def is_free(here: Surroundings, route: Line, detour: Detour, obstacle: Body) -> bool:
    """Whether nobody is in the way in the other lane, or comes along it before the car is back."""
    start = along(route, (here.ego.x, here.ego.y))[0]
    past = along(route, (obstacle.x, obstacle.y))[0] - start + obstacle.half_length
    reach_ahead = past + (ONCOMING_M if detour.against_traffic else AHEAD_M)
    for body in (*here.bodies, *here.obstacles):
        if body.actor_id == obstacle.actor_id:
            continue
        distance, right, _ = along(route, (body.x, body.y))
        if abs(right - detour.aside_m) < IN_LANE_M and -BEHIND_M < distance - start < reach_ahead:
            return False
    return True


def is_past(here: Surroundings, route: Line, obstacle: Body) -> bool:
    """Whether the car's rear has left the obstacle behind."""
    start = along(route, (here.ego.x, here.ego.y))[0]
    distance = along(route, (obstacle.x, obstacle.y))[0]
    return start - here.ego.half_length > distance + obstacle.half_length + AFTER_M / 2.0
