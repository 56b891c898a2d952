"""Who goes first at a sign, as one look tells it: the car waits at the line while somebody crosses or is about to.

Unlike `foresight` it counts on no drive, neither the car's nor anybody's rate of turning: a stored frame is viewed at
any speed, and standing at the line it must say the same as a moment later. Geometry on plain data.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from model.teacher.foresight import BESIDE_LANE_M, BESIDE_M, MOVES_MPS, ONCOMING_RAD, SAME_WAY_RAD, forecast
from model.teacher.signs import Sign
from model.teacher.surroundings import Body, Surroundings
from model.teacher.way import along, reach
from model.training.samples import SignFacts
from sim_bridge.frames import wrapped

# Nearer to the line than this it counts whether the way is free: farther off, whoever crosses now will be gone.
COUNTS_WITHIN_M = 12.0
# The way over a junction, from the line on.
CROSSING_M = 28.0
# Others give way themselves on their last metres before a sign of their own.
OWN_SIGN_M, OWN_SIGN_ASIDE_M, OWN_SIGN_RAD = 15.0, 2.0, math.radians(45.0)
ON_ROUTE_M = 2.0


def wait_m(
    here: Surroundings, route: npt.NDArray[np.float64], signs: Sequence[SignFacts], seen: Container[int]
) -> float | None:
    """Metres from the front bumper to the line where the car lets somebody pass, None where the way is free.

    `signs` are those ahead, nearest first; only the vehicles whose ids are in `seen` count.
    """
    line = next((sign.distance_m for sign in signs if sign.kind in ("stop", "yield")), math.inf)
    if line > COUNTS_WITHIN_M:
        return None
    begins = along(route, (here.ego.x, here.ego.y))[0] + here.ego.half_length + line
    others = (body for body in here.bodies if body.actor_id in seen and body.kind != "pedestrian")
    return max(0.0, line) if any(crosses(here, body, route, begins) for body in others) else None


def crosses(here: Surroundings, body: Body, route: npt.NDArray[np.float64], begins_m: float) -> bool:
    """Whether a body is on the way over the junction, which begins `begins_m` along the route, or soon will be."""
    if body.speed_mps < MOVES_MPS or has_own_sign(body, here.signs):
        return False
    _, right, heading = along(route, (body.x, body.y))
    across = abs(wrapped(body.yaw_rad - heading))
    if across < SAME_WAY_RAD and abs(right) < ON_ROUTE_M:
        return False  # it drives our way and is followed
    if across > ONCOMING_RAD and abs(right) > BESIDE_LANE_M:
        return False
    coming = np.vstack([[body.x, body.y, body.yaw_rad], forecast(body, 0.0)])
    return any(_is_on_way(here.ego, replace(body, x=x, y=y, yaw_rad=yaw), route, begins_m) for x, y, yaw in coming)


def _is_on_way(ego: Body, body: Body, route: npt.NDArray[np.float64], begins_m: float) -> bool:
    distance, right, heading = along(route, (body.x, body.y))
    half_across = reach(body, heading)[1]
    is_beside = abs(right) < half_across + ego.half_width + BESIDE_M
    return is_beside and begins_m < distance < begins_m + CROSSING_M


def has_own_sign(body: Body, signs: Sequence[Sign]) -> bool:
    """Whether somebody comes to a stop or yield sign of their own."""
    for sign in signs:
        if sign.kind not in ("stop", "yield"):
            continue
        for x, y, yaw in sign.stops:
            c, s = math.cos(yaw), math.sin(yaw)
            ahead, aside = (x - body.x) * c + (y - body.y) * s, (y - body.y) * c - (x - body.x) * s
            faces = abs(wrapped(body.yaw_rad - yaw)) < OWN_SIGN_RAD
            if faces and -1.0 < ahead < OWN_SIGN_M and abs(aside) < OWN_SIGN_ASIDE_M:
                return True
    return False
