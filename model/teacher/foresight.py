"""Who will be in the way soon: others carried on as they move, against the car carried on along its route.

PDM-Lite's idea: every other is forecast from its pose, speed and rate of turning, the car as it would drive if nobody
crossed; where the two boxes meet, the car waits before that place. Geometry on plain data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from model.teacher.surroundings import Body, Surroundings
from model.teacher.way import along, reach
from sim_bridge.frames import wrapped

STEP_S = 0.25
HORIZON_S = 3.5
NEAR_M = 45.0
# Room kept around the boxes, across and along; a car that has come to rest needs none.
BESIDE_M, AHEAD_M = 0.35, 1.0
# The car's front waits this far before the place where it would meet somebody.
WAIT_BEFORE_M = 2.5
MOVES_MPS = 0.5
# Somebody who drives the same way within this angle is followed, not waited for.
SAME_WAY_RAD = math.radians(40.0)
# An oncoming vehicle beside our lane is taken to stay there unless it is turning.
ONCOMING_RAD, BESIDE_LANE_M, TURNS_RADPS = math.radians(150.0), 2.2, 0.12


@dataclass(frozen=True, slots=True)
class Meeting:
    """Somebody will be where the car is going: metres from its front bumper to where it should wait."""

    body: Body
    wait_m: float
    in_s: float


def forecast(body: Body, turn_radps: float) -> npt.NDArray[np.float64]:
    """(T, 3): x, y, yaw of a body at STEP_S, 2 STEP_S .. HORIZON_S, at its speed and rate of turning."""
    times = np.arange(STEP_S, HORIZON_S + 1e-6, STEP_S)
    yaw = body.yaw_rad + turn_radps * times
    middle = body.yaw_rad + turn_radps * (times - STEP_S / 2.0)
    x = body.x + np.cumsum(np.cos(middle)) * body.speed_mps * STEP_S
    y = body.y + np.cumsum(np.sin(middle)) * body.speed_mps * STEP_S
    return np.column_stack([x, y, yaw])


def meeting(
    here: Surroundings,
    route: npt.NDArray[np.float64],
    driven_m: npt.NDArray[np.float64],
    turns_radps: dict[int, float],
) -> Meeting | None:
    """The nearest place where somebody crosses the car's way while it comes. `route` is a 1 m line in the world.

    `driven_m` (T,): how far the car would have driven at each forecast time if nobody crossed.
    """
    start = along(route, (here.ego.x, here.ego.y))[0]
    found: Meeting | None = None
    for body in here.bodies:
        if body.speed_mps < MOVES_MPS or math.hypot(body.x - here.ego.x, body.y - here.ego.y) > NEAR_M:
            continue
        met = _met(here.ego, body, route, start, driven_m, turns_radps.get(body.actor_id, 0.0))
        if met is not None and (found is None or met.wait_m < found.wait_m):
            found = met
    return found


def _met(
    ego: Body,
    body: Body,
    route: npt.NDArray[np.float64],
    start: float,
    driven_m: npt.NDArray[np.float64],
    turn_radps: float,
) -> Meeting | None:
    now_along, now_right, now_heading = along(route, (body.x, body.y))
    across = abs(wrapped(body.yaw_rad - now_heading))
    if now_along - start < -ego.half_length:
        return None  # whoever comes from behind looks out for us
    if across > ONCOMING_RAD and abs(now_right) > BESIDE_LANE_M and abs(turn_radps) < TURNS_RADPS:
        return None
    # One who drives our way is followed; one who will be on it, but comes from the side, goes first.
    follows = across < SAME_WAY_RAD and body.kind != "pedestrian"
    for k, (x, y, yaw) in enumerate(forecast(body, turn_radps)):
        distance, right, heading = along(route, (x, y))
        half_along, half_across = reach(replace(body, yaw_rad=yaw), heading)
        if follows and abs(wrapped(yaw - heading)) < SAME_WAY_RAD:
            continue
        is_beside = abs(right) < half_across + ego.half_width + BESIDE_M
        gap = distance - start - driven_m[k]
        if is_beside and abs(gap) < half_along + ego.half_length + AHEAD_M:
            wait = distance - start - half_along - ego.half_length - WAIT_BEFORE_M
            return Meeting(body, max(0.0, wait), (k + 1) * STEP_S) if wait > -WAIT_BEFORE_M else None
    return None


class TurnRates:
    """How fast everybody turns, from one reading to the next."""

    def __init__(self, tick_s: float) -> None:
        self._tick_s = tick_s
        self._yaws: dict[int, float] = {}
        self._rates: dict[int, float] = {}

    def update(self, here: Surroundings) -> dict[int, float]:
        """Call once a tick; actor id -> radians per second, clockwise, smoothed over some ticks."""
        rates = {}
        for body in here.bodies:
            before = self._yaws.get(body.actor_id, body.yaw_rad)
            turned = wrapped(body.yaw_rad - before)
            rates[body.actor_id] = 0.7 * self._rates.get(body.actor_id, 0.0) + 0.3 * turned / self._tick_s
        self._yaws = {body.actor_id: body.yaw_rad for body in here.bodies}
        self._rates = rates
        return rates
