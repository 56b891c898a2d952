"""What the car answers about a moment: one function a family of questions, each from what the picture shows.

Only facts that one picture can show are spoken of: lamps and brake lights, not how fast another car moves. Lanes,
junctions and the car's own doing are here, what is ahead of it in `answers_ahead`. Our wording.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from model.training.answers_ahead import AHEAD
from model.training.moment import Moment, bucket_m
from model.training.paths import headings, offset_of_car, prolong
from model.training.samples import FrameFacts
from model.training.sentences import (
    HAZARD_FIRST,
    STANDING_MPS,
    STEADY_MPS,
    WHAT_BLOCKS,
    heading_phrase,
    light_seen,
    speed_phrase,
)

IN_JUNCTION = "We are in a junction."
CLEAR = "The road is clear."
THE_LEAD = "the vehicle ahead"
TURN_OF_WORDS = {"turn left": "left", "turn right": "right", "go straight": "straight"}

OFF_MIDDLE_M = 0.6
BEND_FROM_M, BEND_TO_M, BEND_RAD = 3, 25, math.radians(12.0)


# ---- lanes and junctions ---------------------------------------------------------------------------------------------


def may_use(facts: FrameFacts, side: str) -> bool:
    if side == "left":
        return facts.lane_left is not None and facts.may_change_left
    return facts.lane_right is not None and facts.may_change_right


def _lane(moment: Moment, slot: str) -> str:
    facts = moment.facts
    if may_use(facts, slot):
        return f"Yes, the {slot} lane is there to use."
    if (facts.lane_left if slot == "left" else facts.lane_right) is not None:
        return "No, the marking does not allow it."
    if slot == "left" and facts.oncoming_left:
        return "No, the left lane is for oncoming traffic."
    return f"No, there is no lane on the {slot}."


def _lane_where(moment: Moment, slot: str) -> str:
    sides = [side for side in ("left", "right") if may_use(moment.facts, side)]
    if len(sides) == 2:
        return "To the left and to the right."
    return f"Only to the {sides[0]}." if sides else "Nowhere here."


def _my_lane(moment: Moment, slot: str) -> str:
    left, right = moment.facts.lane_left is not None, moment.facts.lane_right is not None
    if moment.facts.in_junction:
        return IN_JUNCTION
    if left and right:
        return "In the middle lane."
    if left or right:
        return f"In the {'right' if left else 'left'} lane."
    return "There is only one lane our way."


def _in_lane(moment: Moment, slot: str) -> str:
    right = offset_of_car(moment.facts.route)[1]
    if abs(right) < OFF_MIDDLE_M:
        return "I am in the middle."
    return f"I am too far to the {'right' if right > 0.0 else 'left'}."


def _junction(moment: Moment, slot: str) -> str:
    if moment.facts.in_junction:
        return "Yes, we are in a junction."
    if moment.facts.junction_m is None or not moment.is_near_junction:
        return "No, there is no junction near."
    return f"Yes, in about {bucket_m(moment.facts.junction_m)} meters."


def _where(moment: Moment, slot: str) -> str:
    ways = {"left": "I turn left.", "right": "I turn right.", "straight": "I go straight on."}
    return ways.get(moment.facts.route_turn, "I follow the road.") if moment.is_near_junction else "I follow the road."


def _turn_is(moment: Moment, slot: str) -> str:
    way = _where(moment, "")
    is_so = moment.is_near_junction and moment.facts.route_turn == TURN_OF_WORDS[slot]
    return f"{'Yes' if is_so else 'No'}, {way}"


def _ways(moment: Moment, slot: str) -> str:
    if moment.facts.in_junction:
        return IN_JUNCTION
    if not moment.is_near_junction or not moment.facts.turns:
        return "No, there is no junction near."
    turn = TURN_OF_WORDS[slot]
    way = "a way straight on" if turn == "straight" else f"a way to the {turn}"
    return f"Yes, there is {way}." if turn in moment.facts.turns else f"No, there is no {way[2:]}."


def bend_rad(facts: FrameFacts) -> float:
    """By how much the road ahead turns, to the right positive."""
    course = headings(prolong(facts.route))
    return float(course[BEND_TO_M] - course[BEND_FROM_M])


def bend_of(facts: FrameFacts) -> str:
    """Where the road ahead bends: "left" | "right" | "" straight on."""
    turned = bend_rad(facts)
    return "" if abs(turned) < BEND_RAD else "right" if turned > 0.0 else "left"


def _bend(moment: Moment, slot: str) -> str:
    side = bend_of(moment.facts)
    return f"It bends to the {side}." if side else "The road goes straight on."


# ---- what the car does -----------------------------------------------------------------------------------------------


def _speed(moment: Moment, slot: str) -> str:
    if moment.speed_mps < STANDING_MPS:
        return "I am standing still."
    return f"I am driving at {max(1, round(moment.speed_mps))} m/s."


def named_cause(moment: Moment) -> str:
    """What decides the speed, as a noun; "" where nothing does."""
    cause = moment.rolled.cause
    if cause in ("red", "yellow"):
        return f"the {cause} light"
    if cause in ("stop_sign", "pedestrian"):
        return f"the {cause.replace('_', ' ')}"
    if cause == "yield":
        return "the vehicle"
    if cause in ("blocked", "round"):
        return WHAT_BLOCKS
    if cause == "lead":
        return THE_LEAD
    return f"the {cause} ahead" if cause in ("turn", "bend") else ""


def _why(moment: Moment, slot: str) -> str:
    cause = named_cause(moment)
    return f"Because of {cause}." if cause else "I am not stopping, the road is clear."


def _brake(moment: Moment, slot: str) -> str:
    end, cause = moment.rolled.end_mps, named_cause(moment)
    stands = moment.speed_mps < STANDING_MPS and end < STANDING_MPS and moment.rolled.cause in HAZARD_FIRST
    if cause and (stands or end < moment.speed_mps - STEADY_MPS):
        return f"Yes, because of {cause}."
    return "No, I can drive on."


def _important(moment: Moment, slot: str) -> str:
    facts, cause = moment.facts, named_cause(moment)
    if not cause:
        light = light_seen(facts)
        if facts.pedestrian is not None:
            cause = "the pedestrian"
        elif light:
            cause = f"the {light} light"
        elif facts.lead is not None:
            cause = THE_LEAD
        elif moment.is_near_junction and not facts.in_junction:
            cause = "the junction ahead"
    return f"{cause.capitalize()}." if cause else CLEAR


def _next(moment: Moment, slot: str) -> str:
    """Where and how fast the car goes on, without the speed that is aimed at, which nobody can see to the metre per
    second, and without the reason, which is a question of its own."""
    pace = re.sub(r" to \d+ m/s", "", speed_phrase(moment.speed_mps, moment.rolled))
    return f"{heading_phrase(moment.facts)}{pace}."


REPLIES: dict[str, Callable[[Moment, str], str]] = {
    **AHEAD,
    "lane": _lane,
    "lane_where": _lane_where,
    "my_lane": _my_lane,
    "in_lane": _in_lane,
    "junction": _junction,
    "where": _where,
    "turn_is": _turn_is,
    "ways": _ways,
    "bend": _bend,
    "speed": _speed,
    "why": _why,
    "brake": _brake,
    "next": _next,
    "important": _important,
}


def reply_to(family: str, slot: str, moment: Moment) -> str:
    """The answer of a family on a moment; `slot` is the colour, side, turn, type or sign in the question."""
    return REPLIES[family](moment, slot)
