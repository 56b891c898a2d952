"""What the eye's choices should be on a frame, by the same rules the answers in words follow. No torch, any thread."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.pocket.config import CHOICES
from model.training import answers, answers_ahead, telling
from model.training.moment import JUNCTION_NEAR_M, bucket_m
from model.training.paths import offset_of_car
from model.training.samples import FrameFacts
from model.training.sentences import light_seen

UNKNOWN = -100
# Which choices have no answer that could be told where these families of questions have none.
_TOLD_WITH = {
    "kind": ("lead_type", "lead_color"),
    "distance": ("lead_said_m",),
    "pedestrian_distance": ("pedestrian_said_m",),
    "light_distance": ("light_said_m",),
    "junction": ("junction_said_m", "way_left", "way_straight", "way_right"),
    "vehicle_count": ("vehicle_count",),
    "vehicle_side": ("vehicle_left", "vehicle_right"),
    "pedestrian_count": ("pedestrian_count",),
    "pedestrian_where": ("pedestrian_where",),
    "in_lane": ("in_lane",),
    "bend": ("bend",),
    "limit": ("limit_kmh",),
}


def choices(facts: FrameFacts) -> npt.NDArray[np.int64]:
    """(len(CHOICES),) numbers of the right names, UNKNOWN where there is nothing to choose or no picture tells."""
    named = {**_of_road(facts), **_of_signs(facts), **_of_users(facts)}
    for family in telling.untold_by_facts(facts):
        named |= dict.fromkeys(_TOLD_WITH.get(family, ()), "")
    return np.array([names.index(named[k]) if named[k] else UNKNOWN for k, names in CHOICES.items()], np.int64)


def _said(distance_m: float | None) -> str:
    return "" if distance_m is None else str(bucket_m(distance_m))


def _no_yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _of_users(facts: FrameFacts) -> dict[str, str]:
    vehicles, walkers = answers_ahead.vehicles_counted(facts), answers_ahead.counted(facts, "pedestrian")
    sides = {answers_ahead.side_of(box) for box in vehicles}
    walker_side = (answers_ahead.side_of(walkers[0]) or "ahead") if walkers else "nowhere"
    lead, walker = facts.lead, facts.pedestrian
    return {
        "lead_type": lead.type if lead else "",
        "lead_color": lead.color if lead else "",
        "lead_said_m": _said(lead.gap_m if lead else None),
        "pedestrian_said_m": _said(walker.distance_m if walker else None),
        "vehicle_count": _count(len(vehicles)),
        "pedestrian_count": _count(len(walkers)),
        "vehicle_left": _no_yes("left" in sides),
        "vehicle_right": _no_yes("right" in sides),
        "pedestrian_where": walker_side,
    }


def _count(found: int) -> str:
    return str(found) if found <= answers_ahead.MOST_COUNTED else "more"


def _of_signs(facts: FrameFacts) -> dict[str, str]:
    light = facts.light if light_seen(facts) else None
    named = {"light_said_m": _said(light.stop_line_m if light else None)}
    if facts.signs is None:
        return named | dict.fromkeys(("stop_sign", "yield_sign", "limit_kmh"), "")
    limits = [str(sign.value_kmh) for sign in facts.signs if sign.kind == "limit" and sign.value_kmh]
    kinds = {sign.kind for sign in facts.signs}
    return named | {
        "stop_sign": _no_yes("stop" in kinds),
        "yield_sign": _no_yes("yield" in kinds),
        "limit_kmh": limits[0] if limits else "none",
    }


def _of_road(facts: FrameFacts) -> dict[str, str]:
    near = facts.in_junction or (facts.junction_m is not None and facts.junction_m <= JUNCTION_NEAR_M)
    reached = near and not facts.in_junction and len(facts.turns) > 0
    right_m = offset_of_car(facts.route)[1]
    return {
        "junction_said_m": "inside" if facts.in_junction else _said(facts.junction_m) if near else "none",
        "lane_left": _lane(facts, "left"),
        "lane_right": _lane(facts, "right"),
        "in_lane": _side(right_m if abs(right_m) >= answers.OFF_MIDDLE_M else 0.0, "middle"),
        "bend": answers.bend_of(facts) or "straight",
        "lane_blocked": _no_yes(facts.blocked_m is not None),
        **{f"way_{turn}": _no_yes(turn in facts.turns) if reached else "" for turn in ("left", "straight", "right")},
    }


def _side(right_m: float, else_named: str) -> str:
    return else_named if right_m == 0.0 else "right" if right_m > 0.0 else "left"


def _lane(facts: FrameFacts, side: str) -> str:
    if answers.may_use(facts, side):
        return "free"
    if (facts.lane_left if side == "left" else facts.lane_right) is not None:
        return "marked"
    return "oncoming" if side == "left" and facts.oncoming_left else "none"
