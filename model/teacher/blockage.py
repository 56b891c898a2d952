"""A lane that something blocks, drawn for a staged frame: a building site or a car with its hazard lights lit, the car
somewhere before, beside or just past it, and the way round it where that is free.

The teacher's own rules say which way is taken (`detour`); geometry only, as in `arrange`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model.teacher import detour
from model.teacher.arrange import (
    EGO_FRONT_M,
    ROLLING_MPS,
    Arrangement,
    Cast,
    Placed,
    Pose,
    Scene,
    Setting,
    is_in_the_way,
    pose_on,
    put_others,
    put_walkers,
)
from model.teacher.detour import Detour, LaneAt
from model.teacher.lane_walk import Course
from model.teacher.surroundings import OBSTACLE, Body, Surroundings
from model.teacher.way import leader
from model.training.paths import headings

# The lane is blocked from here on, metres of the course; the car stands anywhere from its begin to a little past that.
BLOCKED_FROM_M = 34.0
PAST_M = 12.0
CLEAR_AFTER_M = 20.0
STRAIGHT_WITHIN_DEG = 40.0
SITE_SHARE = 0.55
CONES, CONES_EVERY_M, CONE_STEP_M = (3, 7), 2.5, 0.5
# So often somebody comes along the lane that the way round leads over, this far past where the lane is blocked.
CONTESTED_SHARE = 0.35
# So often the car has come near on its own lane, as one that waited: its front this far behind what blocks the lane.
WAITED_SHARE, WAITED_M = 0.25, (6.5, 12.0)
COMES_M = (-6.0, 50.0)
MOST_BESIDE = 3
# The car has set out for the other lane when its way lies this far aside already.
SET_OUT_M = 0.3
EGO_HALF_WIDTH_M = 0.95
TWO_WHEELER_HALF_M = 0.6


def has_room(route: Course) -> bool:
    """Whether a lane can be blocked on this course: long enough, hardly bent, and no junction near."""
    end = int(BLOCKED_FROM_M + 2 * CLEAR_AFTER_M)
    if len(route.xy) < end + 45 or bool(route.in_junction[:end].any()):
        return False
    return float(np.ptp(headings(route.xy[:end]))) < math.radians(STRAIGHT_WITHIN_DEG)


@dataclass(frozen=True, slots=True, eq=False)
class _WayRound:
    """Over the lane beside, from where to where the lane is blocked; `shifted` is the route that leads round."""

    side: Detour
    first_m: float
    last_m: float
    aside_m: detour.Series
    shifted: detour.Line


def draw(route: Course, setting: Setting, cast: Cast, lane_at: LaneAt, rng: np.random.Generator) -> Scene | None:
    """A blocked lane on `route` (from some metres before the car on), None where the draw found no way round it."""
    # 1. What blocks the lane, the way round that, and where on it the car is.
    order = rng.permutation(len(cast.half_sizes)).tolist()
    made = Arrangement((0.0, 0.0, 0.0))
    if rng.random() < SITE_SHARE:
        made.things = _site(route, rng)
    else:
        made.vehicles = _broken_down(route, cast, order, rng)
    in_the_way = _bodies(cast, made.vehicles, made.things)
    around = _way_round(route, in_the_way, lane_at, rng)
    if around is None:
        return None
    has_waited = bool(rng.random() < WAITED_SHARE)
    begin = int(
        around.first_m - EGO_FRONT_M - rng.uniform(*WAITED_M)
        if has_waited
        else rng.uniform(0.0, around.last_m + PAST_M)
    )
    # 2. Everybody else, and whether they leave the way round free.
    set_out_m = float(np.hypot(*(around.shifted[begin] - route.xy[begin])))
    has_set_out = not has_waited and set_out_m > SET_OUT_M
    taken: list[tuple[Pose, float]] = [(pose_on(around.shifted if has_set_out else route.xy, begin), 3.0)]
    taken += [((body.x, body.y, body.yaw_rad), body.half_length) for body in in_the_way]
    others = _put_traffic(made, taken, route, around, setting, cast, order, has_set_out, rng)
    here = Surroundings(
        _ego(around.shifted if has_set_out else route.xy, begin), (*in_the_way, *_bodies(cast, others, [])), (), {}, 0.0
    )
    is_free = detour.is_free(here, route.xy, around.side, around.aside_m, around.last_m)
    if has_set_out and not is_free:
        return None
    # 3. The way that the teacher takes, the car on it, and walkers.
    way = around.shifted if is_free else route.xy
    stands_on = route.xy if has_waited else way
    aside_m = setting.room * rng.uniform(-0.6, 0.6)
    made.ego = pose_on(stands_on[begin:], 0.0, aside_m, math.radians(rng.uniform(-6.0, 6.0)))
    put_walkers(made, taken, way[begin:], cast, rng)
    blocked_m = around.first_m - begin if begin < around.last_m else None
    keeps_off_m = None if is_free else _keeps_off_m(here, route)
    routes = (_from(route, line, begin, lane_at) for line in (route.xy, way))
    return Scene(*routes, made, blocked_m, keeps_off_m)


def _way_round(
    route: Course, in_the_way: tuple[Body, ...], lane_at: LaneAt, rng: np.random.Generator
) -> _WayRound | None:
    """The teacher's, by its own rules; None where nothing blocks the lane or no lane is beside it."""
    nobody = Surroundings(_ego(route.xy, 0), in_the_way, (), {}, 0.0)
    blocking = leader(nobody, route.xy, None)
    sides = [] if blocking is None else detour.sides(blocking[0].actor_id, lane_at(blocking[0].x, blocking[0].y))
    if blocking is None or not sides:
        return None
    side = sides[int(rng.integers(len(sides)))]
    first, last = detour.span(nobody, route.xy, blocking[0])
    aside = detour.asides(route.xy, side, last, lane_at)
    return _WayRound(side, first, last, aside, detour.shifted(route.xy, aside, first, last))


def _put_traffic(
    made: Arrangement,
    taken: list[tuple[Pose, float]],
    route: Course,
    around: _WayRound,
    setting: Setting,
    cast: Cast,
    order: list[int],
    has_set_out: bool,
    rng: np.random.Generator,
) -> list[Placed]:
    """Now and then somebody on the way round, unless the car is on it already, and others beside; returns them."""
    before = len(made.vehicles)
    if not has_set_out and rng.random() < CONTESTED_SHARE:
        where = _coming(route.xy, around.aside_m, around.last_m + rng.uniform(*COMES_M), around.side)
        put_others(made, taken, [where], 1, order, cast, rng)
    beside = [pose for pose in setting.others if not is_in_the_way(route.xy, pose)]
    if has_set_out or len(made.vehicles) == before:
        beside = [pose for pose in beside if not is_in_the_way(around.shifted, pose)]
    put_others(made, taken, beside, int(rng.integers(0, MOST_BESIDE + 1)), order, cast, rng)
    return made.vehicles[before:]


def _keeps_off_m(here: Surroundings, route: Course) -> float | None:
    """How far the front may go before what blocks the lane, with room left to steer out."""
    ahead = leader(here, route.xy, None)
    return None if ahead is None else max(0.0, ahead[1] - detour.KEPT_GAP_M)


def _site(route: Course, rng: np.random.Generator) -> list[Placed]:
    """A row of cones that closes in on the lane, often with a barrier behind it."""
    right, count = rng.uniform(0.6, 1.5), int(rng.integers(*CONES))
    step = CONE_STEP_M if rng.random() < 0.7 else 0.0
    found = [
        Placed(k, pose_on(route.xy, BLOCKED_FROM_M + k * CONES_EVERY_M, max(-1.2, right - k * step)))
        for k in range(count)
    ]
    if rng.random() < 0.7:
        end = BLOCKED_FROM_M + count * CONES_EVERY_M + 0.5
        across = math.pi * int(rng.integers(2))
        found.append(Placed(CONES[1] - 1 + int(rng.integers(2)), pose_on(route.xy, end, rng.normal(0.0, 0.3), across)))
    return found


def _broken_down(route: Course, cast: Cast, order: list[int], rng: np.random.Generator) -> list[Placed]:
    """A car, van or larger, standing for good."""
    index = next(index for index in reversed(order) if cast.half_sizes[index][1] > TWO_WHEELER_HALF_M)
    order.remove(index)
    pose = pose_on(route.xy, BLOCKED_FROM_M + 2.5, rng.normal(0.2, 0.3), math.radians(rng.normal(0.0, 3.0)))
    return [Placed(index, pose, has_hazard_lights=True)]


def _bodies(cast: Cast, vehicles: Sequence[Placed], things: Sequence[Placed]) -> tuple[Body, ...]:
    """As the teacher would read them; things are numbered after the vehicles."""
    found = [(OBSTACLE, len(cast.half_sizes) + placed.index, cast.things[placed.index], placed) for placed in things]
    found += [("car", placed.index, cast.half_sizes[placed.index], placed) for placed in vehicles]
    return tuple(
        Body(number, kind, *placed.pose[:2], 0.0, placed.pose[2], *map(float, half), 0.75, placed.speed_mps)
        for kind, number, half, placed in found
    )


def _ego(line: npt.NDArray[np.float64], begin: int) -> Body:
    x, y, yaw = pose_on(line, begin)
    return Body(-1, "car", x, y, 0.0, yaw, EGO_FRONT_M, EGO_HALF_WIDTH_M, 0.75, ROLLING_MPS)


def _coming(line: npt.NDArray[np.float64], aside_m: detour.Series, metres: float, side: Detour) -> Pose:
    k = min(len(line) - 2, int(metres))
    return pose_on(line, k, float(aside_m[k]), math.pi if side.against_traffic else 0.0)


def _from(route: Course, line: npt.NDArray[np.float64], begin: int, lane_at: LaneAt) -> Course:
    """What is left of a line along the route for a car at its metre `begin`."""
    first: Any = lane_at(float(route.xy[begin, 0]), float(route.xy[begin, 1]))
    return Course(line[begin:], route.in_junction[begin:], first)
