"""Questions about a frame: which are asked of it, so that the commonest answer scores low, and which one was meant.

`ask(facts, speed, rolled, rng)` picks a family that this frame makes interesting and answers it from the facts.
`answer(facts, speed, rolled, question)` is the other direction: it finds the family of a typed question, first among
the phrasings, then by keywords. What is answered is in `answers`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from model.training import answers, answers_ahead, telling
from model.training.answers import TURN_OF_WORDS
from model.training.answers_ahead import COLORS, KIND_OF_SIGN, VEHICLE_TYPES
from model.training.courtesy import ASKING
from model.training.expert import Rolled
from model.training.moment import Moment
from model.training.phrasings import draw, held_out_texts, load
from model.training.samples import FrameFacts
from model.training.sentences import HAZARD_FIRST, REFUSALS, UNCLEAR_REPLY, light_seen

LIGHT_COLORS = ("red", "green", "yellow")
SIDES = ("left", "right")
CANNOT_ANSWER = "I can only answer about the road."

QUESTIONS = load("questions")

# What may stand in a slot, and what would be right to put there on a frame ("" where nothing would).
SLOTS: dict[str, tuple[Sequence[str], Callable[[FrameFacts], str]]] = {
    "color": (LIGHT_COLORS, light_seen),
    "paint": (COLORS, lambda facts: facts.lead.color if facts.lead else ""),
    "type": (VEHICLE_TYPES, lambda facts: facts.lead.type if facts.lead else ""),
    "side": (SIDES, lambda facts: ""),
    "turn": (tuple(TURN_OF_WORDS), lambda facts: _words_of_turn(facts.route_turn)),
    "sign": (tuple(KIND_OF_SIGN), lambda facts: _words_of_sign(facts)),
}
# How often a slot is filled with what is right, so that "yes" and "no" are about as common.
RIGHT_SHARE = 0.45
# Asked how many there are: none, one, more than one.
COUNT_WEIGHTS = (0.15, 0.4, 1.0)
# A question about a side is asked this often of the one side that has anything to it.
EXISTING_SIDE_SHARE = 0.4
# Families about the way the navigator takes at the next junction.
ABOUT_WAY = ("where", "turn_is")

KEPT = held_out_texts(QUESTIONS, {f"{{{name}}}": words for name, (words, _) in SLOTS.items()})


def _words_of_turn(turn: str) -> str:
    return next((words for words, name in TURN_OF_WORDS.items() if name == turn), "")


def _words_of_sign(facts: FrameFacts) -> str:
    kind = facts.signs[0].kind if facts.signs else ""
    return next((words for words, name in KIND_OF_SIGN.items() if name == kind), "")


# ---- asking ----------------------------------------------------------------------------------------------------------


def weights_of(moment: Moment) -> dict[str, float]:
    """How often each family is asked of this frame: rarely where the answer is the dull "there is none", never where
    neither the facts nor the picture tell."""
    weights = {**_users_weights(moment), **_lights_weights(moment), **_road_weights(moment), **_plan_weights(moment)}
    return weights | dict.fromkeys(telling.untold(moment), 0.0)


def _lights_weights(moment: Moment) -> dict[str, float]:
    light, signs = bool(light_seen(moment.facts)), moment.facts.signs
    has_limit = any(sign.kind == "limit" for sign in signs or ())
    return {
        "light_is": 2.0 if light else 0.25,
        "light_color": 1.0 if light else 0.2,
        "light_distance": 0.8 if light else 0.06,
        "light_stop": 1.0 if light else 0.15,
        "limit": 0.0 if signs is None else 2.0 if has_limit else 0.08,
        "sign": 0.0 if signs is None else 2.0 if signs else 0.15,
    }


def _users_weights(moment: Moment) -> dict[str, float]:
    facts = moment.facts
    lead, walkers = facts.lead, answers_ahead.counted(facts, "pedestrian")
    vehicles = answers_ahead.vehicles_counted(facts)
    aside = any(answers_ahead.side_of(box) for box in vehicles)
    return {
        "vehicle": 1.0 if lead else 0.5,
        "kind": 1.0 if lead else 0.1,
        "lead_color": 0.8 if lead and lead.color else 0.0 if lead else 0.08,
        "lead_type": 0.8 if lead else 0.08,
        "distance": 1.0 if lead else 0.1,
        "braking": 1.0 if lead else 0.1,
        "lead_motion": 0.6 if lead else 0.06,
        "gap": 0.06 if lead is None else 0.4 if answers_ahead.is_far_enough(lead, moment.speed_mps) else 1.2,
        "vehicle_count": COUNT_WEIGHTS[min(len(vehicles), 2)],
        "vehicle_side": 0.8 if aside else 0.2,
        "pedestrian": 2.0 if facts.pedestrian is not None else 0.45,
        "pedestrian_distance": 1.2 if facts.pedestrian is not None else 0.05,
        "pedestrian_where": 0.9 if walkers else 0.06,
        "pedestrian_count": COUNT_WEIGHTS[min(len(walkers), 2)],
    }


def _road_weights(moment: Moment) -> dict[str, float]:
    facts = moment.facts
    exists = facts.lane_left is not None or facts.lane_right is not None
    near = moment.is_near_junction
    reached = near and not facts.in_junction and len(facts.turns) > 0
    is_beside = answers.reply_to("in_lane", "", moment) != "I am in the middle."
    free_road = 0.0 if near else 1.0
    return {
        "lane": 1.2 if exists else 0.4,
        "lane_where": 0.0 if facts.in_junction else 0.5 if exists else 0.15,
        "my_lane": 0.0 if facts.in_junction else 0.6 if exists else 0.2,
        "in_lane": 0.0 if facts.in_junction else 0.6 if is_beside else 0.2,
        "junction": 0.7 if near else 0.3,
        "where": 0.6 if near else 0.15,
        "turn_is": 0.6 if near else 0.1,
        "ways": 0.6 if reached else 0.0 if near else 0.05,
        "bend": free_road * (1.2 if answers.bend_of(facts) else 0.3),
    }


def _plan_weights(moment: Moment) -> dict[str, float]:
    has_cause = moment.rolled.cause not in ("clear", "asked")
    return {
        "speed": 0.5,
        "why": 0.7 if has_cause else 0.2,
        "brake": 0.8 if has_cause else 0.3,
        "next": 0.6,
        "important": 0.5 if answers.reply_to("important", "", moment) != answers.CLEAR else 0.12,
    }


def _slot_for(name: str, facts: FrameFacts, rng: np.random.Generator) -> str:
    choices, right_of = SLOTS[name]
    if name == "side":
        exists = {"left": facts.lane_left is not None, "right": facts.lane_right is not None}
        slot = SIDES[rng.integers(2)]
        for side, other in (SIDES, SIDES[::-1]):
            if exists[side] and not exists[other] and rng.random() < EXISTING_SIDE_SHARE:
                slot = side
        return slot
    right = right_of(facts)
    return right if right and rng.random() < RIGHT_SHARE else str(choices[int(rng.integers(len(choices)))])


def ask(
    facts: FrameFacts,
    speed_mps: float,
    rolled: Rolled,
    rng: np.random.Generator,
    unseen: bool = False,
    shows_turn: bool = True,
) -> tuple[str, str, str]:
    """A question, its answer, and its family. Where the navigator does not show which way a junction is taken
    (`shows_turn`), it is not asked for."""
    moment = Moment(facts, speed_mps, rolled)
    weights = weights_of(moment) | ({} if shows_turn else dict.fromkeys(ABOUT_WAY, 0.0))
    share = np.cumsum(list(weights.values()))
    family = list(weights)[int(np.searchsorted(share, rng.random() * share[-1], side="right"))]
    form = draw(QUESTIONS[family], unseen, rng)
    named = re.search(r"\{(\w+)\}", form)
    slot = _slot_for(named.group(1), facts, rng) if named else ""
    text = form.replace(named.group(), slot) if named else form
    text = text if unseen else ASKING.around(text, KEPT, rng)
    return text, answers.reply_to(family, slot, moment), family


# ---- understanding ---------------------------------------------------------------------------------------------------


_PAINTS, _ONE_AHEAD, _BIG_OR_SMALL = "|".join(COLORS), "vehicle|car|ahead|front", "|".join(VEHICLE_TYPES[1:])
# Keywords of each family, first match wins; the order puts the narrow ones before the wide.
KEYWORDS: tuple[tuple[str, str], ...] = (
    ("why", r"\bwhy\b"),
    (
        "light_is",
        r"\b(red|green|yellow|amber)\b.*\blight|\blight\b.*\b(red|green|yellow|amber)\b|\bis it (red|green|yellow)",
    ),
    ("braking", r"\bbrak.*(lights|ahead|front)|(ahead|front|lights|car|vehicle).*\bbrak|\bstopping\?"),
    ("light_distance", r"(how far|how close|distance|meters).*light"),
    ("light_stop", r"(stop|wait).*light|light.*(stop|wait)"),
    ("light_color", r"\blights?\b|\bsignal\b"),
    ("limit", r"\blimit\b|how fast (may|can)|allowed speed"),
    ("sign", r"\b(stop|yield|give way)\b.*\bsign\b|\bsigns?\b"),
    ("pedestrian_count", r"how many (pedestrian|person|people|walker)"),
    ("pedestrian_distance", r"(how far|how close|distance|meters).*(pedestrian|person|people|walker)"),
    ("pedestrian_where", r"(where|which side).*(pedestrian|person|people|walker)"),
    ("pedestrian", r"pedestrian|person|people|walker|(somebody|anybody).*(road|way)|in the way"),
    ("vehicle_count", r"how many.*(vehicle|car|truck|other)"),
    ("gap", r"too close|enough (distance|gap|room)|(gap|distance).*enough"),
    ("in_lane", r"(middle|center|centre) of|too far to the"),
    ("my_lane", r"(which|what) lane.*(in|use|drive|are)|in which lane"),
    ("lane_where", r"where.*lane|which (lanes|side).*lane"),
    ("lane", r"\blane|change (left|right)"),
    ("bend", r"\b(bend|curve|curvy)"),
    ("where", r"\bwhere\b|which way|left or right"),
    ("ways", r"(can|could|possible|may).*(turn|straight)"),
    ("turn_is", r"(turn (left|right)|straight)"),
    ("where", r"\bturn\b"),
    ("junction", r"junction|intersection|crossing|crossroad"),
    ("distance", r"how (far|close|big|many)|distance|gap"),
    ("lead_motion", r"(vehicle|car|ahead|front).*(standing|moving|move)|(standing|moving).*(vehicle|car|ahead|front)"),
    ("speed", r"how fast|speed|\bmoving\b"),
    ("brake", r"\bbrake\b|slow down"),
    ("important", r"important|watch|matters|look at"),
    ("next", r"next|doing|plan|going to|what now|what happens"),
    ("lead_color", rf"\b({_PAINTS})\b.*({_ONE_AHEAD})|({_ONE_AHEAD}).*\b({_PAINTS})\b"),
    ("kind", r"(what|which|describe).*\b(vehicle|car|front|ahead|following)\b"),
    ("lead_type", rf"({_BIG_OR_SMALL})\b.*(ahead|front)|(ahead|front|behind).*({_BIG_OR_SMALL})"),
    ("vehicle_side", r"(vehicle|car|somebody).*(left|right)"),
    ("vehicle", r"vehicle|\bcar\b|truck|\bvan\b|traffic|front|ahead|following"),
)
# The slot of a family whose question names it, as keywords; the first is taken where none is named.
SLOT_OF_FAMILY = {
    "light_is": "color",
    "sign": "sign",
    "lead_color": "paint",
    "lead_type": "type",
    "lane": "side",
    "vehicle_side": "side",
    "turn_is": "turn",
    "ways": "turn",
}


@cache
def _meanings() -> dict[str, tuple[str, str]]:
    """Every form with its slot filled, without the mark at its end -> its family and slot."""
    found: dict[str, tuple[str, str]] = {}
    for family, wordings in QUESTIONS.items():
        for form in (form for wording in wordings for form in wording.forms):
            named = re.search(r"\{(\w+)\}", form)
            for slot in SLOTS[named.group(1)][0] if named else ("",):
                text = form.replace(named.group(), slot) if named else form
                found.setdefault(text.rstrip("?."), (family, slot))
    return found


def _slot_in(text: str, family: str) -> str:
    if family not in SLOT_OF_FAMILY:
        return ""
    choices = SLOTS[SLOT_OF_FAMILY[family]][0]
    named = re.search("|".join(choices), text.replace("amber", "yellow"))
    if named is not None:
        return named.group()
    if SLOT_OF_FAMILY[family] == "turn":
        return next((f"turn {side}" for side in SIDES if side in text), "go straight")
    return str(choices[0])


def family_of(question: str) -> tuple[str, str]:
    """The family and slot of a typed question; ("", "") when it is about nothing the car knows."""
    text = re.sub(r"\s+", " ", question.lower()[:300]).strip()
    plain = text.rstrip("?.! ")
    for candidate in ASKING.bare(plain):
        if candidate in _meanings():
            return _meanings()[candidate]
    for family, keywords in KEYWORDS:
        if re.search(keywords, text):
            return family, _slot_in(text, family)
    return "", ""


def answer(facts: FrameFacts, speed_mps: float, rolled: Rolled, question: str) -> str:
    family, slot = family_of(question)
    if not family:
        return CANNOT_ANSWER
    return answers.reply_to(family, slot, Moment(facts, speed_mps, rolled))


def answer_words() -> tuple[str, ...]:
    """Texts that together hold every word the car can say."""
    return (
        *REFUSALS.values(),
        *HAZARD_FIRST.values(),
        UNCLEAR_REPLY,
        CANNOT_ANSWER,
        answers_ahead.NO_LIGHT,
        answers_ahead.NO_LEAD,
        answers_ahead.NO_PEDESTRIAN,
        answers_ahead.NO_LIMIT,
        *VEHICLE_TYPES,
        *COLORS,
        *LIGHT_COLORS,
        *KIND_OF_SIGN,
        *TURN_OF_WORDS,
        "Staying stopped. Stopping. Slowing down to m/s. Speeding up to m/s. Keeping m/s. Turning left. Turning right.",
        "Going straight on. for the light, the pedestrian, behind the, for the turn, into the bend, the road is clear",
        "Stopping here. Slowing down. Driving faster. Holding m/s. Changing to the lane. at the junction. Driving on.",
        "Stopping behind the vehicle ahead. Yes No, An A About meters. the way ahead is free. is not braking.",
        "I am standing still. I am driving at. the lane is there to use. does not allow it. for oncoming traffic.",
        "there is no lane on the. we are in a junction. there is no junction near. in about. Because of the ahead.",
        "I am not stopping. I follow the road. I turn left. I go straight on. there is no pedestrian in the way.",
        "I am too close to stop. The sign says km/h. I can not tell its color. it is. there is enough distance.",
        "Its brake lights are on, it is slowing down or standing. are off, it is driving on. I see more than one.",
        "vehicles pedestrians. Straight ahead. Only to the left and to the right. Nowhere here. In the middle lane.",
        "There is only one lane our way. I am in the middle. I am too far to the. there is a way straight on.",
        "It bends to the left. The road goes straight on. I can drive on.",
        "Slowing down to go round what blocks the lane. Speeding up past it, going round it.",
    )
