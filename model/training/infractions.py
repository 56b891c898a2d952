"""What a drive does wrong and what that costs: the CARLA Leaderboard's score on a route planned at the start.

    driving score = route completion (percent) x infraction score x share of the way driven within the lane
    infraction score = the product of one penalty for each infraction

Penalties are those of Leaderboard 2.0. A drive is `done` when the whole route is driven without a collision and without
leaving the lane, and a `success`, as in Bench2Drive, when nothing at all was done wrong besides.

Leaving the lane: a side of the car over the edge of its route's lane by more than the paint is wide for half a second,
or by half a metre at once. Inside a junction it is the car's middle that must stay in the lane that leads through.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from model.training.lane_keeping import Placement
from model.training.samples import LeadFacts, LightFacts, PedestrianFacts, SignFacts
from sim_bridge.messages import TICK_S, Collision, EgoState

PENALTIES = {
    "collision_pedestrian": 0.50,
    "collision_vehicle": 0.60,
    "collision_static": 0.65,
    "red_light": 0.70,
    "stop_sign": 0.80,
}
PAINT_M = 0.15
OVER_TICKS = 10
OVER_AT_ONCE_M = 0.5
# Hits of the same kind within this are one collision.
ONE_COLLISION_TICKS = 60
# Farther than this from the planned route the car is on another road and is not coming back.
OFF_ROUTE_M = 15.0
# Standing this long without a red light, a leader or a walker ahead is being stuck; for any reason, being blocked.
STUCK_S, BLOCKED_S = 20.0, 90.0
STANDING_MPS = 0.3
STOP_SIGN_NEAR_M = 5.0


class Road(Protocol):
    """What a judge needs to know of the road ahead; FrameFacts has it too."""

    @property
    def light(self) -> LightFacts | None: ...

    @property
    def lead(self) -> LeadFacts | None: ...

    @property
    def pedestrian(self) -> PedestrianFacts | None: ...

    @property
    def signs(self) -> tuple[SignFacts, ...] | None: ...


@dataclass(slots=True)
class Watch:
    """Takes a drive in tick by tick and counts. `end` is "" while the drive goes on.

    `may_leave_lane`: the way leads over another lane, so being out of it is neither counted nor taken off the score.
    """

    route_m: float
    may_leave_lane: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    end: str = ""
    first_fault: str = ""
    along_m: float = 0.0
    driven_m: float = 0.0
    outside_m: float = 0.0
    over_paint_s: float = 0.0
    worst_over_m: float = -math.inf
    seconds: float = 0.0
    _over_ticks: int = 0
    _is_outside: bool = False
    _hits_seen: int = 0
    _hit_ticks: dict[str, int] = field(default_factory=dict)
    _standing_s: float = 0.0
    _idle_s: float = 0.0
    _light_before: tuple[str, float] | None = None
    _stop_before: float | None = None
    _has_stopped: bool = False
    _ego: EgoState | None = None

    def sees(self, ego: EgoState, place: Placement, road: Road, hits: Sequence[Collision]) -> str:
        """One tick. Returns what went wrong at it, "" where nothing did."""
        before = sum(self.counts.values())
        self.seconds += TICK_S
        self._moves(ego, place)
        if not self.may_leave_lane:
            self._sees_lane(place)
        self._sees_hits(hits)
        self._sees_light(road)
        self._sees_stop_sign(ego, road)
        self._sees_standing(ego, road)
        if not self.end and self.along_m >= self.route_m:
            self.end = "done"
        return self.first_fault if sum(self.counts.values()) > before else ""

    def _counts_one(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1
        self.first_fault = self.first_fault or f"{name.replace('_', ' ')} after {self.along_m:.0f} m"

    def _moves(self, ego: EgoState, place: Placement) -> None:
        step = 0.0 if self._ego is None else math.hypot(ego.x_m - self._ego.x_m, ego.y_m - self._ego.y_m)
        self._ego = ego
        self.driven_m += step
        self.along_m = max(self.along_m, place.along_m)
        if place.over_m > OVER_AT_ONCE_M and not self.may_leave_lane:
            self.outside_m += step
        if abs(place.aside_m) > OFF_ROUTE_M:
            self.end = "off the route"

    def _sees_lane(self, place: Placement) -> None:
        over = place.over_m
        self.worst_over_m = max(self.worst_over_m, over)
        self.over_paint_s += TICK_S if over > PAINT_M else 0.0
        self._over_ticks = self._over_ticks + 1 if over > PAINT_M else 0
        leaves = self._over_ticks >= OVER_TICKS or over > OVER_AT_ONCE_M
        if leaves and not self._is_outside:
            self._counts_one("left_lane")
        # Out until a side is back within the paint, so that one excursion counts once.
        self._is_outside = leaves or (self._is_outside and over > 0.0)

    def _sees_hits(self, hits: Sequence[Collision]) -> None:
        for hit in hits[self._hits_seen :]:
            what = hit.other_type_id
            kind = "pedestrian" if what.startswith("walker") else "vehicle" if what.startswith("vehicle") else "static"
            if hit.tick - self._hit_ticks.get(kind, -ONE_COLLISION_TICKS) >= ONE_COLLISION_TICKS:
                self._counts_one(f"collision_{kind}")
            self._hit_ticks[kind] = hit.tick
        self._hits_seen = len(hits)

    def _sees_light(self, road: Road) -> None:
        """A light that was red and near and is gone from the road ahead has been run."""
        light = None if road.light is None else (road.light.state, road.light.stop_line_m)
        was, self._light_before = self._light_before, light
        if was is None or was[0] != "red":
            return
        if 0.0 <= was[1] < 2.0 and (light is None or light[1] < 0.0 or light[1] > was[1] + 5.0):
            self._counts_one("red_light")

    def _sees_stop_sign(self, ego: EgoState, road: Road) -> None:
        """A stop sign whose line is passed without having stood before it."""
        ahead = [sign.distance_m for sign in road.signs or () if sign.kind == "stop" and sign.distance_m > -0.5]
        left = min(ahead, default=None)
        was, self._stop_before = self._stop_before, left
        if left is not None and left < STOP_SIGN_NEAR_M and ego.speed_mps < STANDING_MPS:
            self._has_stopped = True
        if was is not None and was < 2.0 and (left is None or left > was + 5.0):
            if not self._has_stopped:
                self._counts_one("stop_sign")
            self._has_stopped = False

    def _sees_standing(self, ego: EgoState, road: Road) -> None:
        has_reason = (
            (road.light is not None and road.light.state != "green" and road.light.stop_line_m < 15.0)
            or (road.lead is not None and road.lead.gap_m < 12.0)
            or road.pedestrian is not None
        )
        stands = ego.speed_mps <= STANDING_MPS
        self._standing_s = self._standing_s + TICK_S if stands else 0.0
        self._idle_s = self._idle_s + TICK_S if stands and not has_reason else 0.0
        if self._idle_s > STUCK_S or self._standing_s > BLOCKED_S:
            self.end = "stuck"

    # ---- the scores

    @property
    def completion(self) -> float:
        """0..1 of the planned route."""
        return min(1.0, self.along_m / max(self.route_m, 1.0))

    @property
    def infraction_score(self) -> float:
        return math.prod(PENALTIES[name] ** count for name, count in self.counts.items() if name in PENALTIES)

    @property
    def driving_score(self) -> float:
        """0..100."""
        within = 1.0 - min(1.0, self.outside_m / max(self.driven_m, 1.0))
        return 100.0 * self.completion * self.infraction_score * within

    @property
    def is_done(self) -> bool:
        """The whole way without a collision and without leaving the lane."""
        bad = ("left_lane", *(name for name in PENALTIES if name.startswith("collision")))
        return self.end == "done" and not any(self.counts.get(name) for name in bad)

    @property
    def is_success(self) -> bool:
        return self.end == "done" and not self.counts
