"""Answers about what is ahead: lights, signs, vehicles, walkers. One function a family of questions. Our wording.

An answer says what was asked for and no more: a type or a colour that nobody asked for would be one more thing to be
wrong about.
"""

from __future__ import annotations

from collections.abc import Callable

from model.training.expert import light_stop
from model.training.moment import Moment, a, about
from model.training.rollout import kept_gap_m
from model.training.samples import FrameFacts, LeadFacts, SeenBox
from model.training.sentences import light_seen

NO_LIGHT = "I see no traffic light."
NO_LEAD = "There is no vehicle ahead."
NO_PEDESTRIAN = "I see no pedestrian."
NONE_IN_THE_WAY = "There is no pedestrian in the way."
NO_LIMIT = "I see no speed limit sign."
VEHICLE_TYPES = ("car", "van", "truck", "bus", "motorcycle", "bicycle")
COLORS = ("white", "black", "grey", "silver", "red", "blue", "green", "yellow", "orange", "brown")
KIND_OF_SIGN = {"stop sign": "stop", "yield sign": "yield", "speed limit sign": "limit"}

# Lower than this share of the picture a vehicle or walker is too small to be counted on: 5 of the 128 rows of an eye.
COUNTED_HEIGHT = 0.04
MOST_COUNTED = 3
# What lies this far from the middle of the picture, in shares of its width, is on that side.
ASIDE = 0.08


# ---- lights and signs ------------------------------------------------------------------------------------------------


def _light_is(moment: Moment, slot: str) -> str:
    state = light_seen(moment.facts)
    if not state:
        return NO_LIGHT
    return f"{'Yes' if state == slot else 'No'}, the light is {state}."


def _light_color(moment: Moment, slot: str) -> str:
    state = light_seen(moment.facts)
    return f"The light is {state}." if state else NO_LIGHT


def _light_distance(moment: Moment, slot: str) -> str:
    light = moment.facts.light
    return NO_LIGHT if light is None or not light_seen(moment.facts) else about(light.stop_line_m)


def _light_stop(moment: Moment, slot: str) -> str:
    state = light_seen(moment.facts)
    if not state:
        return NO_LIGHT
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
    return "Yes, there is a vehicle ahead." if lead else NO_LEAD


def _kind(moment: Moment, slot: str) -> str:
    lead = moment.facts.lead
    return NO_LEAD if lead is None else f"{a(f'{lead.color} {lead.type}'.strip()).capitalize()}."


def _lead_color(moment: Moment, slot: str) -> str:
    lead = moment.facts.lead
    if lead is None:
        return NO_LEAD
    if not lead.color:
        return "I can not tell its color."
    return f"{'Yes' if lead.color == slot else 'No'}, it is {lead.color}."


def _lead_type(moment: Moment, slot: str) -> str:
    lead = moment.facts.lead
    return NO_LEAD if lead is None else f"{'Yes' if lead.type == slot else 'No'}, it is {a(lead.type)}."


def _distance(moment: Moment, slot: str) -> str:
    return NO_LEAD if moment.facts.lead is None else about(moment.facts.lead.gap_m)


def _braking(moment: Moment, slot: str) -> str:
    lead = moment.facts.lead
    if lead is None:
        return NO_LEAD
    return "Yes, it is braking." if lead.brakes else "No, it is not braking."


def _lead_motion(moment: Moment, slot: str) -> str:
    if moment.facts.lead is None:
        return NO_LEAD
    if moment.facts.lead.brakes:
        return "Its brake lights are on, it is slowing down or standing."
    return "Its brake lights are off, it is driving on."


def is_far_enough(lead: LeadFacts, speed_mps: float) -> bool:
    """Whether the gap is what the car would keep itself at its speed."""
    return lead.gap_m >= kept_gap_m(speed_mps)


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
    return "Yes, a pedestrian is in the way." if is_there else NONE_IN_THE_WAY


def _pedestrian_distance(moment: Moment, slot: str) -> str:
    walker = moment.facts.pedestrian
    return NONE_IN_THE_WAY if walker is None else about(walker.distance_m)


def _pedestrian_where(moment: Moment, slot: str) -> str:
    walkers = counted(moment.facts, "pedestrian")
    if not walkers:
        return NO_PEDESTRIAN
    side = side_of(walkers[0])
    return f"On the {side}." if side else "Straight ahead."


AHEAD: dict[str, Callable[[Moment, str], str]] = {
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
}
