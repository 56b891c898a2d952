"""What is seen of traffic that ought to flow: who stands too long though at no light, where, and what holds it."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

STILL_MPS = 0.3
LONG_S = 45.0  # longer than any red light lasts
NEAR_M = 12.0
AHEAD_RAD = math.radians(60.0)
# Impulses come tick by tick while two vehicles push each other; after a pause this long it is another collision.
APART_S = 2.0


@dataclass(frozen=True, slots=True)
class Sight:
    """One vehicle at one moment; x, y in metres and yaw in radians in CARLA's world frame."""

    actor_id: int
    kind: str
    x_m: float
    y_m: float
    yaw_rad: float
    speed_mps: float
    road: int
    lane: int
    is_at_light: bool = False
    is_shown_red: bool = False


@dataclass(frozen=True, slots=True)
class Knot:
    """Somebody who stood for `LONG_S` though at no light, as first seen."""

    at_s: float
    who: Sight
    reason: str

    def sentence(self) -> str:
        who = self.who
        return (
            f"{who.kind} {who.actor_id} stood {LONG_S:.0f} s at {self.at_s:.0f} s, at ({who.x_m:.1f}, {who.y_m:.1f}) "
            f"heading {math.degrees(who.yaw_rad):.0f} degrees, road {who.road} lane {who.lane}: {self.reason}"
        )


@dataclass
class Watch:
    """Owned by one run; `look` is called with everybody alive, at equal steps of time."""

    metres: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    roads: set[int] = field(default_factory=set)
    knots: list[Knot] = field(default_factory=list)
    collisions: int = 0
    longest_s: float = 0.0
    _last: dict[int, Sight] = field(default_factory=dict)
    _still_since_s: dict[int, float] = field(default_factory=dict)
    _knotted: set[int] = field(default_factory=set)
    _shown_red: set[int] = field(default_factory=set)  # since they stand
    _touched: dict[tuple[int, int], tuple[float, str]] = field(default_factory=dict)

    def look(self, now_s: float, sights: list[Sight]) -> None:
        """Take in a moment. Sights of one actor follow each other in time."""
        for sight in sights:
            before = self._last.get(sight.actor_id, sight)
            self.metres[sight.actor_id] += math.hypot(sight.x_m - before.x_m, sight.y_m - before.y_m)
            self.roads.add(sight.road)
            self._last[sight.actor_id] = sight
        for sight in sights:
            self._judge(now_s, sight, sights)

    def _judge(self, now_s: float, sight: Sight, sights: list[Sight]) -> None:
        who = sight.actor_id
        if sight.speed_mps >= STILL_MPS:
            self._still_since_s.pop(who, None)
            self._knotted.discard(who)
            self._shown_red.discard(who)
            return
        stood_s = now_s - self._still_since_s.setdefault(who, now_s)
        self.longest_s = max(self.longest_s, stood_s)
        if sight.is_shown_red:
            self._shown_red.add(who)
        if stood_s >= LONG_S and who not in self._knotted and not sight.is_at_light:
            self._knotted.add(who)
            self.knots.append(Knot(now_s, sight, self._reason(now_s, sight, sights)))

    def touch(self, now_s: float, a: int, b: int, what: str) -> None:
        """`a` reports an impulse from `b` (0 where it is no actor), which is `what`. Either or both of a pair may."""
        pair = (min(a, b), max(a, b))
        if now_s - self._touched.get(pair, (-math.inf, ""))[0] > APART_S:
            self.collisions += 1
        self._touched[pair] = (now_s, what)

    def _reason(self, now_s: float, sight: Sight, sights: list[Sight]) -> str:
        """The nearest cause that shows: a touch, a sign, somebody ahead."""
        who, parts = sight.actor_id, []
        since_s = self._still_since_s[who] - APART_S
        kinds = {one.actor_id: f"{one.kind} {one.actor_id}" for one in sights}
        for pair, (at_s, what) in self._touched.items():
            if who in pair and at_s >= since_s:
                other = pair[0] if pair[1] == who else pair[1]
                parts.append(f"touches {kinds.get(other, what)}, last {max(0.0, now_s - at_s):.0f} s ago")
        if sight.is_shown_red:
            parts.append("held by a stop or yield sign")
        elif who in self._shown_red:
            parts.append("waits its turn at a sign: the Traffic Manager lets one vehicle at a time over")
        if (ahead := self._ahead(sight, sights)) is not None:
            stood_s = now_s - self._still_since_s.get(ahead.actor_id, now_s)
            metres = math.hypot(ahead.x_m - sight.x_m, ahead.y_m - sight.y_m)
            parts.append(f"{kinds[ahead.actor_id]} is {metres:.1f} m ahead, still for {stood_s:.0f} s")
        return "; ".join(parts) or "nothing near holds it"

    @staticmethod
    def _ahead(sight: Sight, sights: list[Sight]) -> Sight | None:
        def away(other: Sight) -> float:
            return math.hypot(other.x_m - sight.x_m, other.y_m - sight.y_m)

        def is_ahead(other: Sight) -> bool:
            bearing = math.atan2(other.y_m - sight.y_m, other.x_m - sight.x_m) - sight.yaw_rad
            return abs(math.remainder(bearing, math.tau)) < AHEAD_RAD

        others = [one for one in sights if one.actor_id != sight.actor_id and away(one) < NEAR_M and is_ahead(one)]
        return min(others, key=away, default=None)

    def stuck(self, alive: set[int]) -> list[str]:
        """Sentences on everybody who was taken away or still stands in a knot; `alive` are those still there."""
        sentences = []
        for who, sight in self._last.items():
            told = [knot.sentence() for knot in self.knots if knot.who.actor_id == who]
            if who not in alive:
                why = told[-1] if told else f"{sight.kind} {who} vanished at ({sight.x_m:.1f}, {sight.y_m:.1f})"
                sentences.append(f"taken away: {why}")
            elif who in self._knotted:
                sentences.append(f"stands still: {told[-1]}")
        return sentences
