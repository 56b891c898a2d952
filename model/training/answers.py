"""What the car answers about a moment: one function a family of questions, each from what the picture shows.

Only facts that one picture can show are spoken of: lamps and brake lights, not how fast another car moves. Our wording.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from model.training.expert import Rolled, light_stop
from model.training.paths import headings, offset_of_car, prolong
from model.training.rollout import IDM_HEADWAY_S, IDM_JAM_GAP_M
from model.training.samples import FrameFacts, LeadFacts, SeenBox
from model.training.sentences import HAZARD_FIRST, STANDING_MPS, STEADY_MPS, commentary, light_seen

NO_LIGHT = "I see no traffic light."
NO_LEAD = "There is no vehicle ahead."
NO_PEDESTRIAN = "I see no pedestrian."
NO_LIMIT = "I see no speed limit sign."
IN_JUNCTION = "We are in a junction."
CLEAR = "The road is clear."
VEHICLE_TYPES = ("car", "van", "truck", "bus", "motorcycle", "bicycle")
COLORS = ("white", "black", "grey", "silver", "red", "blue", "green", "yellow", "orange", "brown")

JUNCTION_NEAR_M = 45.0
# Lower than this share of the picture a vehicle or walker is too small to be counted on: 5 of the 128 rows of an eye.
COUNTED_HEIGHT = 0.04
MOST_COUNTED = 3
# What lies this far from the middle of the picture, in shares of its width, is on that side.
ASIDE = 0.08
OFF_MIDDLE_M = 0.6
BEND_FROM_M, BEND_TO_M, BEND_RAD = 3, 25, math.radians(12.0)
KIND_OF_SIGN = {"stop sign": "stop", "yield sign": "yield", "speed limit sign": "limit"}
TURN_OF_WORDS = {"turn left": "left", "turn right": "right", "go straight": "straight"}


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A frame, the speed it is met at, and the expert's plan for it without an instruction."""

    facts: FrameFacts
    speed_mps: float
    rolled: Rolled

    @property
    def is_near_junction(self) -> bool:
        metres = self.facts.junction_m
        return self.facts.in_junction or (metres is not None and metres <= JUNCTION_NEAR_M)


def bucket_m(distance_m: float) -> int:
    """A distance as it is said: to five metres below 20, to ten above, never 0."""
    step = 5 if distance_m < 20.0 else 10
    return max(5, step * round(distance_m / step))


def _about(distance_m: float) -> str:
    return f"About {bucket_m(distance_m)} meters."


def _a(words: str) -> str:
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"


# ---- lights and signs ------------------------------------------------------------------------------------------------


def _light_is(moment: Moment, slot: str) -> str:
    state = light_seen(moment.facts)
    if not state:
        return f"No, {NO_LIGHT}"
    return f"{'Yes' if state == slot else 'No'}, the light is {state}."


def _light_color(moment: Moment, slot: str) -> str:
    state = light_seen(moment.facts)
    return f"The light is {state}." if state else NO_LIGHT


def _light_distance(moment: Moment, slot: str) -> str:
    light = moment.facts.light
    return NO_LIGHT if light is None or not light_seen(moment.facts) else _about(light.stop_line_m)


def _light_stop(moment: Moment, slot: str) -> str:
    state = light_seen(moment.facts)
    if not state:
        return f"No, {NO_LIGHT}"
    if light_stop(moment.facts, moment.speed_mps) is not None:
        return f"Yes, the light is {state}."
    return f"No, the light is {state}." if state == "green" else "No, I am too close to stop."


def _limit(moment: Moment, slot: str) -> str:
    values = [sign.value_kmh for sign in moment.facts.signs or () if sign.kind == "limit" and sign.value_kmh]
    return f"The sign says {values[0]} km/h." if values else NO_LIMIT


def _sign(moment: Moment, slot: str) -> str:
    is_there = any(sign.kind == KIND_OF_SIGN[slot] for sign in moment.facts.signs or ())
    return f"Yes, there is a {slot}." if is_there else f"No, I see no {slot}."


# ---- vehicles --------------------------------------------------------------------------------------------------------


def _vehicle(moment: Moment, slot: str) -> str:
    lead = moment.facts.lead
    return f"Yes, there is a {lead.type} ahead." if lead else "No, the way ahead is free."


def _kind(moment: Moment, slot: str) -> str:
    lead = moment.facts.lead
    return NO_LEAD if lead is None else f"{_a(f'{lead.color} {lead.type}'.strip()).capitalize()}."


def _lead_color(moment: Moment, slot: str) -> str:
    lead = moment.facts.lead
    if lead is None:
        return NO_LEAD
    if not lead.color:
        return "I can not tell its color."
    return f"{'Yes' if lead.color == slot else 'No'}, it is {lead.color}."


def _lead_type(moment: Moment, slot: str) -> str:
    lead = moment.facts.lead
    return NO_LEAD if lead is None else f"{'Yes' if lead.type == slot else 'No'}, it is {_a(lead.type)}."


def _distance(moment: Moment, slot: str) -> str:
    return NO_LEAD if moment.facts.lead is None else _about(moment.facts.lead.gap_m)


def _braking(moment: Moment, slot: str) -> str:
    lead = moment.facts.lead
    if lead is None:
        return NO_LEAD
    return f"Yes, the {lead.type} is braking." if lead.brakes else f"No, the {lead.type} is not braking."


def _lead_motion(moment: Moment, slot: str) -> str:
    if moment.facts.lead is None:
        return NO_LEAD
    if moment.facts.lead.brakes:
        return "Its brake lights are on, it is slowing down or standing."
    return "Its brake lights are off, it is driving on."


def is_far_enough(lead: LeadFacts, speed_mps: float) -> bool:
    """Whether the gap is what the car would keep itself at its speed."""
    return lead.gap_m >= IDM_JAM_GAP_M + IDM_HEADWAY_S * speed_mps


def _gap(moment: Moment, slot: str) -> str:
    if moment.facts.lead is None:
        return NO_LEAD
    is_enough = is_far_enough(moment.facts.lead, moment.speed_mps)
    return "There is enough distance." if is_enough else "I am too close."


def counted(facts: FrameFacts, *kinds: str) -> list[SeenBox]:
    """The boxes of these kinds that are tall enough in the picture to be counted, tallest first."""
    boxes = [box for box in facts.seen if box.kind in kinds and box.v1 - box.v0 >= COUNTED_HEIGHT]
    return sorted(boxes, key=lambda box: box.v0 - box.v1)


def vehicles_counted(facts: FrameFacts) -> list[SeenBox]:
    return counted(facts, "vehicle", "lead", "lead_brakes")


def _count(boxes: list[SeenBox], name: str) -> str:
    if len(boxes) > MOST_COUNTED:
        return f"I see more than {MOST_COUNTED} {name}s."
    return (f"I see no {name}.", f"I see one {name}.")[len(boxes)] if len(boxes) < 2 else f"I see {len(boxes)} {name}s."


def side_of(box: SeenBox) -> str:
    middle = (box.u0 + box.u1) / 2.0 - 0.5
    return "" if abs(middle) < ASIDE else "left" if middle < 0.0 else "right"


def _vehicle_side(moment: Moment, slot: str) -> str:
    is_there = any(side_of(box) == slot for box in vehicles_counted(moment.facts))
    return f"Yes, there is a vehicle on the {slot}." if is_there else f"No, I see no vehicle on the {slot}."


# ---- walkers ---------------------------------------------------------------------------------------------------------


def _pedestrian(moment: Moment, slot: str) -> str:
    is_there = moment.facts.pedestrian is not None
    return "Yes, a pedestrian is in the way." if is_there else "No, there is no pedestrian in the way."


def _pedestrian_distance(moment: Moment, slot: str) -> str:
    walker = moment.facts.pedestrian
    return "There is no pedestrian in the way." if walker is None else _about(walker.distance_m)


def _pedestrian_where(moment: Moment, slot: str) -> str:
    walkers = counted(moment.facts, "pedestrian")
    if not walkers:
        return NO_PEDESTRIAN
    side = side_of(walkers[0])
    return f"On the {side}." if side else "Straight ahead."


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


def bend_of(facts: FrameFacts) -> str:
    """Where the road ahead bends: "left" | "right" | "" straight on."""
    course = headings(prolong(facts.route))
    turned = float(course[BEND_TO_M] - course[BEND_FROM_M])
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
    cause, lead = moment.rolled.cause, moment.facts.lead
    if cause in ("red", "yellow"):
        return f"the {cause} light"
    if cause in ("stop_sign", "pedestrian"):
        return f"the {cause.replace('_', ' ')}"
    if cause == "yield":
        return "the vehicle"
    if cause == "lead":
        return f"the {lead.type} ahead" if lead is not None else ""
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
            cause = f"the {facts.lead.type} ahead"
        elif moment.is_near_junction and not facts.in_junction:
            cause = "the junction ahead"
    return f"{cause.capitalize()}." if cause else CLEAR


REPLIES: dict[str, Callable[[Moment, str], str]] = {
    "light_is": _light_is,
    "light_color": _light_color,
    "light_distance": _light_distance,
    "light_stop": _light_stop,
    "limit": _limit,
    "sign": _sign,
    "vehicle": _vehicle,
    "kind": _kind,
    "lead_color": _lead_color,
    "lead_type": _lead_type,
    "distance": _distance,
    "braking": _braking,
    "lead_motion": _lead_motion,
    "gap": _gap,
    "vehicle_count": lambda moment, slot: _count(vehicles_counted(moment.facts), "vehicle"),
    "vehicle_side": _vehicle_side,
    "pedestrian": _pedestrian,
    "pedestrian_distance": _pedestrian_distance,
    "pedestrian_where": _pedestrian_where,
    "pedestrian_count": lambda moment, slot: _count(counted(moment.facts, "pedestrian"), "pedestrian"),
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
    "next": lambda moment, slot: commentary(moment.facts, moment.speed_mps, moment.rolled),
    "important": _important,
}


def reply_to(family: str, slot: str, moment: Moment) -> str:
    """The answer of a family on a moment; `slot` is the colour, side, turn, type or sign in the question."""
    return REPLIES[family](moment, slot)
