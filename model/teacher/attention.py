"""What a teacher watches from tick to tick beyond one look: who will cross, who blocks the lane, which signs it has
stopped for. Its findings go into the facts of the look; one per drive.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from model.teacher import detour, foresight
from model.teacher.detour import Detour, LaneAt
from model.teacher.foresight import TurnRates
from model.teacher.lane_walk import Course
from model.teacher.memory import Blocker, StopSigns
from model.teacher.surroundings import OBSTACLE, Body, Surroundings
from model.teacher.way import along, leader, ruling_light, signs_ahead
from model.training.expert import Kind, roll_out
from model.training.samples import FrameFacts
from sim_bridge.messages import TICK_S

# Standing this long is blocking the lane; a car with its brake lamps lit may only be waiting.
BLOCKS_AFTER_S, WAITS_AFTER_S = 2.0, 30.0
QUEUE_SIGN_M = 25.0


class Attention:
    """The route and the facts pass through here once per tick, in this order: `way`, then `heeded`."""

    def __init__(self) -> None:
        self._turns = TurnRates(TICK_S)
        self._stops = StopSigns(TICK_S)
        self._blocker = Blocker(TICK_S)
        self._detour: Detour | None = None
        self._rates: dict[int, float] = {}
        self.stop_m: float | None = None
        self._keeps_off_m: float | None = None
        self._blocked_m: float | None = None

    # ---- before the facts are made

    def way(self, here: Surroundings, route: Course, lane_at: LaneAt) -> Course:
        """The route, moved aside where somebody blocks the lane and the next one is free."""
        self._rates = self._turns.update(here)
        self._keeps_off_m = self._blocked_m = None
        ahead = leader(here, route.xy, None)
        obstacle = None if self._detour is None else body_of(here, self._detour.actor_id)
        if obstacle is None or obstacle.speed_mps > detour.DRIVES_MPS or detour.is_over(here, route.xy, obstacle):
            self._detour = obstacle = None
        if self._detour is None and ahead is not None:
            self._detour, obstacle = self._found_detour(here, route, lane_at, *ahead), ahead[0]
        if self._detour is None or obstacle is None:
            return route
        first, last = detour.span(here, route.xy, obstacle)
        aside = detour.asides(route.xy, self._detour, last, lane_at)
        start = along(route.xy, (here.ego.x, here.ego.y))[0]
        has_set_out = start + here.ego.half_length > first - detour.BEFORE_M - detour.CHANGE_M
        if not has_set_out and not detour.is_free(here, route.xy, self._detour, aside, last):
            self._detour = None
            return route
        self._blocked_m = max(0.0, first - start - here.ego.half_length) if start < last else None
        return Course(detour.shifted(route.xy, aside, first, last), route.in_junction, route.first)

    def _found_detour(
        self, here: Surroundings, route: Course, lane_at: LaneAt, body: Body, gap_m: float
    ) -> Detour | None:
        stays = body.kind == OBSTACLE or body.has_hazard_lights
        stands = body.speed_mps < detour.STANDS_MPS
        is_queue = not stays and self._is_queue(here, route)
        after_s = 0.0 if stays else WAITS_AFTER_S if body.brakes else BLOCKS_AFTER_S
        blocks = self._blocker.update(body.actor_id, stands, is_queue, after_s)
        if stands and not is_queue and (stays or not body.brakes):
            self._keeps_off_m, self._blocked_m = gap_m - detour.KEPT_GAP_M, gap_m
        if not blocks or bool(route.in_junction[:15].any()):
            return None
        last = detour.span(here, route.xy, body)[1]
        for way in detour.sides(body.actor_id, lane_at(body.x, body.y)):
            if detour.is_free(here, route.xy, way, detour.asides(route.xy, way, last, lane_at), last):
                return way
        return None

    @staticmethod
    def _is_queue(here: Surroundings, route: Course) -> bool:
        """Whether a light or a sign ahead says why somebody stands there."""
        light = ruling_light(here, route.xy)
        signs = signs_ahead(here, route.xy, None, [])
        is_signed = any(sign.kind in ("stop", "yield") and sign.distance_m < QUEUE_SIGN_M for sign in signs)
        return is_signed or (light is not None and light[1].state != "green")

    # ---- after

    def heeded(self, facts: FrameFacts, here: Surroundings, route: Course) -> FrameFacts:
        """The facts with the stop sign that still asks for a stop, and the place to wait for whoever crosses."""
        self.stop_m = self._stops.update(facts.signs or (), here.ego.speed_mps)
        plain = roll_out(facts, Kind.NONE, here.ego.speed_mps)
        met = foresight.meeting(here, route.xy, driven(plain.speed), self._rates)
        waits = [metres for metres in (None if met is None else met.wait_m, self._keeps_off_m) if metres is not None]
        return dataclasses.replace(
            facts,
            stop_m=self.stop_m,
            stop_is_due=self.stop_m is not None,
            yield_m=max(0.0, min(waits)) if waits else None,
            blocked_m=self._blocked_m,
        )


def body_of(here: Surroundings, actor_id: int) -> Body | None:
    return next((body for body in (*here.bodies, *here.obstacles) if body.actor_id == actor_id), None)


def driven(speed_xy: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """How far the car gets by each time of a forecast: the plan's ten points, then on at its last speed."""
    points = np.vstack([[0.0, 0.0], np.asarray(speed_xy, dtype=np.float64)])
    metres = np.cumsum(np.hypot(*np.diff(points, axis=0).T))
    missing = round(foresight.HORIZON_S / foresight.STEP_S) - len(metres)
    last = metres[-1] - metres[-2]
    return np.concatenate([metres, metres[-1] + last * np.arange(1, missing + 1)])
