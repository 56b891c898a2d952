"""Whether a scene's conditions hold in one tick. Pure functions over what was seen, any thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim_bridge.scenarios.scene import Condition
from sim_bridge.scenarios.seen import Seen, gap_m

# A member is in the car's lane while its middle is this near to the middle of the car's way.
IN_LANE_M = 1.75


@dataclass(frozen=True, slots=True)
class Other:
    """A member of the cast on the car's way: `s` and `aside` of its middle, and what its arm's light shows."""

    seen: Seen
    s: float
    aside: float
    in_junction: bool = False
    light: str = ""
    has_siren: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """One tick: the car, its place on its way, and everybody else by name."""

    elapsed_s: float
    ego: Seen
    ego_s: float
    others: dict[str, Other]

    @property
    def front_s(self) -> float:
        return self.ego_s + self.ego.half_length

    def ahead_m(self, other: Other) -> float:
        """Bumper to bumper along the way, negative for who is behind; about 0 for who is beside."""
        apart, reach = other.s - self.ego_s, other.seen.half_length + self.ego.half_length
        return max(0.0, apart - reach) if apart >= 0.0 else min(0.0, apart + reach)


_ABOUT_EGO: dict[str, Callable[[Moment, float], bool]] = {
    "after_s": lambda now, s: now.elapsed_s >= s,
    "ego_past_m": lambda now, m: now.front_s >= m,
    "ego_before_m": lambda now, m: now.front_s <= m,
    "ego_faster_mps": lambda now, v: now.ego.speed_mps >= v,
    "ego_slower_mps": lambda now, v: now.ego.speed_mps <= v,
}
_ABOUT_OTHER: dict[str, Callable[[Moment, Other, float | bool | str], bool]] = {
    "within_m": lambda now, who, m: gap_m(now.ego, who.seen) <= m,  # type: ignore[operator]
    "beyond_m": lambda now, who, m: gap_m(now.ego, who.seen) >= m,  # type: ignore[operator]
    "gap_under_s": lambda now, who, s: _is_gap_under(now, who, float(s)),
    "in_ego_lane": lambda now, who, is_in: (abs(who.aside) < IN_LANE_M) == is_in,
    "ahead": lambda now, who, is_ahead: (who.s > now.ego_s) == is_ahead,
    "in_junction": lambda now, who, is_in: who.in_junction == is_in,
    "faster_mps": lambda now, who, v: who.seen.speed_mps >= v,  # type: ignore[operator]
    "slower_mps": lambda now, who, v: who.seen.speed_mps <= v,  # type: ignore[operator]
    "braking_mps2": lambda now, who, a: who.seen.braking_mps2 >= a,  # type: ignore[operator]
    "light": lambda now, who, word: who.light == word,
    "siren": lambda now, who, has: who.has_siren == has,
}


def holds(condition: Condition, now: Moment) -> bool:
    """False too when the member asked about is no longer there."""
    for name, ask in _ABOUT_EGO.items():
        value = getattr(condition, name)
        if value is not None and not ask(now, value):
            return False
    if not condition.who:
        return True
    other = now.others.get(condition.who)
    if other is None:
        return False
    asked = ((ask, getattr(condition, name)) for name, ask in _ABOUT_OTHER.items())
    return all(ask_other(now, other, value) for ask_other, value in asked if value not in (None, ""))


def _is_gap_under(now: Moment, who: Other, seconds: float) -> bool:
    """A standing car has no time gap to anybody."""
    ahead = now.ahead_m(who)
    return now.ego.speed_mps > 1.0 and 0.0 <= ahead <= seconds * now.ego.speed_mps and who.s > now.ego_s
