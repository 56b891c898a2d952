"""Questions about a frame and their answers, worded by us, balanced so that the commonest answer scores low.

`ask(facts, speed, rolled, rng)` picks a family that this frame makes interesting and answers it from the facts.
`answer(facts, speed, rolled, question)` is the other direction: it finds the family of a typed question by keywords.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from model.training.expert import Rolled
from model.training.phrasings import held_out, load
from model.training.samples import FrameFacts
from model.training.sentences import HAZARD_FIRST, REFUSALS, STANDING_MPS, UNCLEAR_REPLY, commentary, light_seen

VEHICLE_TYPES = ("car", "van", "truck", "bus", "motorcycle", "bicycle")
COLORS = ("white", "black", "grey", "silver", "red", "blue", "green", "yellow", "orange", "brown")
LIGHT_COLORS = ("red", "green", "yellow")

NO_LIGHT = "I see no traffic light."
NO_LEAD = "There is no vehicle ahead."


QUESTIONS = load("questions")


def bucket_m(distance_m: float) -> int:
    """A distance as it is said: to five metres below 20, to ten above, never 0."""
    step = 5 if distance_m < 20.0 else 10
    return max(5, step * round(distance_m / step))


# ---- the answers -----------------------------------------------------------------------------------------------------


def _light_is(facts: FrameFacts, slot: str) -> str:
    state = light_seen(facts)
    if not state:
        return f"No, {NO_LIGHT}"
    return f"{'Yes' if state == slot else 'No'}, the light is {state}."


def _kind(facts: FrameFacts) -> str:
    if facts.lead is None:
        return NO_LEAD
    article = "An" if facts.lead.color[:1] in ("o",) else "A"
    return f"{article} {facts.lead.color} {facts.lead.type}.".replace("  ", " ")


def _braking(facts: FrameFacts) -> str:
    if facts.lead is None:
        return NO_LEAD
    if facts.lead.brakes:
        return f"Yes, the {facts.lead.type} is braking."
    return f"No, the {facts.lead.type} is not braking."


def _speed(speed_mps: float) -> str:
    return "I am standing still." if speed_mps < STANDING_MPS else f"I am driving at {max(1, round(speed_mps))} m/s."


def _lane(facts: FrameFacts, side: str) -> str:
    exists = (facts.lane_left if side == "left" else facts.lane_right) is not None
    if exists and (facts.may_change_left if side == "left" else facts.may_change_right):
        return f"Yes, the {side} lane is there to use."
    if exists:
        return "No, the marking does not allow it."
    if side == "left" and facts.oncoming_left:
        return "No, the left lane is for oncoming traffic."
    return f"No, there is no lane on the {side}."


def _junction(facts: FrameFacts) -> str:
    if facts.in_junction:
        return "Yes, we are in a junction."
    if facts.junction_m is None or facts.junction_m > 45.0:
        return "No, there is no junction near."
    return f"Yes, in about {bucket_m(facts.junction_m)} meters."


def _why(facts: FrameFacts, speed_mps: float, rolled: Rolled) -> str:
    if rolled.cause in HAZARD_FIRST:
        named = {"red": "the red light", "yellow": "the yellow light", "pedestrian": "the pedestrian"}
        vehicle = f"the {facts.lead.type} ahead" if facts.lead is not None else ""
        return f"Because of {named.get(rolled.cause, vehicle)}."
    if rolled.cause in ("turn", "bend"):
        return f"Because of the {rolled.cause} ahead."
    return "I am not stopping, the road is clear."


def _where(facts: FrameFacts) -> str:
    if not facts.in_junction and (facts.junction_m is None or facts.junction_m > 45.0):
        return "I follow the road."
    ways = {"left": "I turn left.", "right": "I turn right.", "straight": "I go straight on."}
    return ways.get(facts.route_turn, "I follow the road.")


def reply_to(family: str, slot: str, facts: FrameFacts, speed_mps: float, rolled: Rolled) -> str:
    """The answer of a family on a frame; `slot` is the colour or side in the question."""
    answers: dict[str, Callable[[], str]] = {
        "light_is": lambda: _light_is(facts, slot),
        "light_color": lambda: f"The light is {light_seen(facts)}." if light_seen(facts) else NO_LIGHT,
        "vehicle": lambda: f"Yes, there is a {facts.lead.type} ahead." if facts.lead else "No, the way ahead is free.",
        "kind": lambda: _kind(facts),
        "distance": lambda: f"About {bucket_m(facts.lead.gap_m)} meters." if facts.lead else NO_LEAD,
        "braking": lambda: _braking(facts),
        "pedestrian": lambda: (
            "Yes, a pedestrian is in the way." if facts.pedestrian else "No, there is no pedestrian in the way."
        ),
        "speed": lambda: _speed(speed_mps),
        "lane": lambda: _lane(facts, slot),
        "junction": lambda: _junction(facts),
        "why": lambda: _why(facts, speed_mps, rolled),
        "next": lambda: commentary(facts, speed_mps, rolled),
        "where": lambda: _where(facts),
    }
    return answers[family]()


# ---- asking ----------------------------------------------------------------------------------------------------------


HELD_OUT = held_out(QUESTIONS, frozenset({"is the traffic light {color}?"}))


def is_held_out(form: str) -> bool:
    return form in HELD_OUT


def _weights(facts: FrameFacts, rolled: Rolled) -> dict[str, float]:
    """How often each family is asked of this frame: rarely where the answer is the dull "there is none"."""
    light, lead = bool(light_seen(facts)), facts.lead is not None
    exists = facts.lane_left is not None or facts.lane_right is not None
    near = facts.in_junction or (facts.junction_m is not None and facts.junction_m < 45.0)
    return {
        "light_is": 2.0 if light else 0.4,
        "light_color": 1.0 if light else 0.2,
        "vehicle": 1.0 if lead else 0.6,
        "kind": 1.0 if lead else 0.1,
        "distance": 1.0 if lead else 0.1,
        "braking": 1.0 if lead else 0.1,
        "pedestrian": 2.0 if facts.pedestrian is not None else 0.6,
        "speed": 0.5,
        "lane": 1.2 if exists else 0.4,
        "junction": 0.7 if near else 0.3,
        "why": 0.7 if rolled.cause not in ("clear", "asked") else 0.2,
        "next": 0.6,
        "where": 0.6 if near else 0.15,
    }


def ask(
    facts: FrameFacts, speed_mps: float, rolled: Rolled, rng: np.random.Generator, unseen: bool = False
) -> tuple[str, str, str]:
    """A question, its answer, and its family."""
    weights = _weights(facts, rolled)
    names = [name for name in weights if not unseen or any(is_held_out(form) for form in QUESTIONS[name])]
    share = np.cumsum([weights[name] for name in names])
    family = names[int(np.searchsorted(share, rng.random() * share[-1], side="right"))]
    forms = [form for form in QUESTIONS[family] if is_held_out(form) == unseen]
    form = forms[rng.integers(len(forms))]
    slot = ""
    if "{color}" in form:
        slot = light_seen(facts) if light_seen(facts) and rng.random() < 0.45 else LIGHT_COLORS[rng.integers(3)]
    elif "{side}" in form:
        slot = ("left", "right")[rng.integers(2)]
        if facts.lane_left is None and facts.lane_right is not None and rng.random() < 0.4:
            slot = "right"
        elif facts.lane_right is None and facts.lane_left is not None and rng.random() < 0.4:
            slot = "left"
    text = form.replace("{color}", slot).replace("{side}", slot)
    return text, reply_to(family, slot, facts, speed_mps, rolled), family


# Keywords of each family, first match wins; the order puts the narrow ones before the wide.
KEYWORDS: tuple[tuple[str, str], ...] = (
    ("why", r"\bwhy\b"),
    (
        "light_is",
        r"\b(red|green|yellow|amber)\b.*\blight|\blight\b.*\b(red|green|yellow|amber)\b|\bis it (red|green|yellow)",
    ),
    ("braking", r"\bbrak|slowing down\?|\bstopping\?"),
    ("light_color", r"\blights?\b|\bsignal\b"),
    ("pedestrian", r"pedestrian|person|people|walker|(somebody|anybody).*(road|way)|in the way"),
    ("lane", r"\blane|change (left|right)"),
    ("where", r"\bwhere\b|which way|will you turn|\bturn\b"),
    ("junction", r"junction|intersection|crossing|crossroad"),
    ("distance", r"how (far|close|big|many)|distance|gap"),
    ("speed", r"how fast|speed|\bmoving\b"),
    ("next", r"next|doing|plan|going to|what now|what happens"),
    ("kind", r"(what|which|describe).*\b(vehicle|car|front|ahead|following)\b"),
    ("vehicle", r"vehicle|\bcar\b|truck|\bvan\b|traffic|front|ahead|following"),
)


def family_of(question: str) -> tuple[str, str]:
    """The family and slot of a typed question; ("", "") when it is about nothing the car knows."""
    text = question.lower()[:300]
    for family, pattern in KEYWORDS:
        if re.search(pattern, text):
            color = re.search(r"red|green|yellow|amber", text)
            side = re.search(r"left|right", text)
            slot = color.group().replace("amber", "yellow") if family == "light_is" and color else ""
            return family, (side.group() if side else "left") if family == "lane" else slot
    return "", ""


def answer(facts: FrameFacts, speed_mps: float, rolled: Rolled, question: str) -> str:
    family, slot = family_of(question)
    if not family:
        return "I can only answer about the road."
    return reply_to(family, slot, facts, speed_mps, rolled)


def answer_words() -> tuple[str, ...]:
    """Texts that together hold every word the car can say."""
    return (
        *REFUSALS.values(),
        *HAZARD_FIRST.values(),
        UNCLEAR_REPLY,
        NO_LIGHT,
        NO_LEAD,
        *VEHICLE_TYPES,
        *COLORS,
        *LIGHT_COLORS,
        "Staying stopped. Stopping. Slowing down to m/s. Speeding up to m/s. Keeping m/s. Turning left. Turning right.",
        "Going straight on. for the light, the pedestrian, behind the, for the turn, into the bend, the road is clear",
        "Stopping here. Slowing down. Driving faster. Holding m/s. Changing to the lane. at the junction. Driving on.",
        "Stopping behind the vehicle ahead. Yes No, An A About meters. the way ahead is free. is not braking.",
        "I am standing still. I am driving at. the lane is there to use. does not allow it. for oncoming traffic.",
        "there is no lane on the. we are in a junction. there is no junction near. in about. Because of the ahead.",
        "I am not stopping. I follow the road. I turn left. I go straight on. there is no pedestrian in the way.",
        "I can only answer about the road.",
    )
