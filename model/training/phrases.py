"""What people type to a car: a grammar of our own, with whole phrasings kept back for testing.

A phrasing may hold slots: {side} left/right, {n} a speed as it is written, {type} a vehicle, {object} that or a walker.
`phrase` makes a text from a kind, `read` is the other direction, by rules, for a driver without a language model. Lower
case throughout; casing and typos are put on where a batch is made.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from model.training.answers_ahead import VEHICLE_TYPES
from model.training.courtesy import ASKING, INSTRUCTING
from model.training.objects import ABOUT_OBJECTS, WALKER_WORDS
from model.training.phrasings import draw, forms, held_out_texts, load, split
from model.training.questions import QUESTIONS, answer_words
from sim_bridge.messages import InstructionKind

Kind = InstructionKind

FAMILIES = load("instructions")
FAMILY_OF = {
    Kind.STOP: "stop",
    Kind.SLOWER: "slower",
    Kind.FASTER: "faster",
    Kind.TARGET_SPEED: "target_speed",
    Kind.LANE_LEFT: "lane",
    Kind.LANE_RIGHT: "lane",
    Kind.TURN_LEFT: "turn",
    Kind.TURN_RIGHT: "turn",
    Kind.STRAIGHT: "straight",
    Kind.GO: "go",
    Kind.PASS: "pass",
    Kind.KEEP_BEHIND: "keep_behind",
    Kind.CRASH: "crash",
    Kind.RUN_LIGHT: "run_light",
    Kind.SIDEWALK: "sidewalk",
    Kind.ONCOMING: "oncoming",
    Kind.KEEP_RULES: "keep_rules",
    Kind.UNCLEAR: "unclear",
}
# The same wish with somebody named.
NAMING_FAMILY_OF = {
    Kind.STOP: "stop_behind",
    Kind.PASS: "pass_object",
    Kind.KEEP_BEHIND: "keep_behind_object",
    Kind.CRASH: "crash_into",
}
KIND_OF_NAMING = {family: kind for kind, family in NAMING_FAMILY_OF.items()}
SIDE_OF = {
    Kind.LANE_LEFT: "left",
    Kind.LANE_RIGHT: "right",
    Kind.TURN_LEFT: "left",
    Kind.TURN_RIGHT: "right",
}

MPS_OF = {"m/s": 1.0, "meters per second": 1.0, "km/h": 1 / 3.6, "kmh": 1 / 3.6, "kph": 1 / 3.6}
VEHICLE_WORDS = (*VEHICLE_TYPES, "vehicle", "bike")
FILLERS = {"{side}": ("left", "right"), "{type}": VEHICLE_WORDS, "{object}": (*VEHICLE_WORDS, *WALKER_WORDS)}
ANY_NUMBER = "0n0"
NUMBER = r"(\d+(?:\.\d+)?)\s*(m/s|mps|meters per second|km/h|kmh|kph|kilometers per hour)?"


KEPT = held_out_texts(FAMILIES, FILLERS)


@cache
def phrasings(family: str, unseen: bool = False) -> tuple[str, ...]:
    """A family's phrasings to learn from, or those kept for testing."""
    return forms(FAMILIES[family], unseen)


def speed_text(speed_mps: float, rng: np.random.Generator) -> tuple[str, float]:
    """A speed as somebody writes it and the m/s it then means: 70 % in m/s, else km/h in steps of five."""
    if rng.random() < 0.7:
        value = round(speed_mps) if rng.random() < 0.8 else round(speed_mps * 2) / 2
        value = max(1.0, value)
        unit = "m/s" if rng.random() < 0.85 else "meters per second"
        return f"{value:g} {unit}", float(value)
    kmh = max(5, 5 * round(speed_mps * 3.6 / 5))
    unit = ("km/h", "km/h", "kmh", "kph")[rng.integers(4)]
    return f"{kmh} {unit}", kmh / 3.6


def phrase(
    kind: InstructionKind,
    rng: np.random.Generator,
    *,
    speed_mps: float = 5.0,
    named: str = "",
    unseen: bool = False,
) -> tuple[str, float | None]:
    """A text for `kind` and its value (m/s for TARGET_SPEED, else None). `named`: whom it names, to stop behind, to
    pass, to keep behind or to drive into."""
    family = NAMING_FAMILY_OF[kind] if named else FAMILY_OF[kind]
    text, value = draw(FAMILIES[family], unseen, rng), None
    if "{n}" in text:
        written, value = speed_text(speed_mps, rng)
        text = text.replace("{n}", written)
    if "{object}" in text and not named:
        named = str(rng.choice(FILLERS["{object}"]))  # whom the rules spare makes no difference
    text = text.replace("{side}", SIDE_OF.get(kind, "")).replace("{type}", named).replace("{object}", named)
    return (text if unseen else INSTRUCTING.around(text, KEPT, rng)), value


# ---- reading, by rules -----------------------------------------------------------------------------------------------


def tidy(text: str) -> str:
    """Lower case, single spaces, no punctuation but what numbers and units need."""
    kept = re.sub(r"[^a-z0-9./ ]+", " ", text.lower().replace("'", ""))
    return re.sub(r"\s+", " ", re.sub(r"\.(?!\d)", " ", kept)).strip()


@cache
def _meanings() -> dict[str, tuple[str, str]]:
    """Every form with its side or whom it names, as `tidy` leaves it -> its family, and the side or name."""
    found: dict[str, tuple[str, str]] = {}
    for family, wordings in FAMILIES.items():
        for form in (form for wording in wordings for form in wording.forms):
            slot = next((name for name in FILLERS if name in form), "")
            for filler in FILLERS.get(slot, ("",)):
                text = form.replace(slot, filler) if slot else form
                found.setdefault(tidy(text.replace("{n}", ANY_NUMBER)), (family, filler))
    return found


def _with_side(family: str, side: str) -> InstructionKind:
    if family == "lane":
        return Kind.LANE_LEFT if side == "left" else Kind.LANE_RIGHT
    return Kind.TURN_LEFT if side == "left" else Kind.TURN_RIGHT


def _as_mps(number: str, unit: str | None) -> float:
    unit = {"mps": "m/s", "kilometers per hour": "km/h", None: "m/s"}.get(unit, unit)
    return float(number) * MPS_OF[unit or "m/s"]


def read(text: str) -> tuple[InstructionKind, float | None, str]:
    """What a text means: the kind, its speed in m/s, and whom it names ("" nobody).

    First the grammar's own phrasings, then keywords; anything else is UNCLEAR, empty text is NONE.
    """
    plain = tidy(text[:300])
    if not plain:
        return Kind.NONE, None, ""
    number = re.search(NUMBER, plain)
    bare = re.sub(NUMBER, ANY_NUMBER, plain, count=1)
    for candidate in INSTRUCTING.bare(bare):
        family, filler = _meanings().get(candidate, ("", ""))
        if family in ("lane", "turn"):
            return _with_side(family, filler), None, ""
        if family == "target_speed" and number is not None:
            return Kind.TARGET_SPEED, _as_mps(number.group(1), number.group(2)), ""
        if family == "keep_rules":
            return Kind.KEEP_RULES, None, ""
        if family in KIND_OF_NAMING:
            return KIND_OF_NAMING[family], None, filler
        if family:
            return Kind(family), None, ""
    return _by_keywords(plain)


def _by_keywords(plain: str) -> tuple[InstructionKind, float | None, str]:
    words = set(plain.split())
    number = re.search(NUMBER, plain)
    side = "left" if "left" in words else "right" if "right" in words else ""
    if words & {"stop", "halt", "brake", "brakes"}:
        return Kind.STOP, None, ""
    if (dared := _dared(words)) is not Kind.NONE:
        named = next((word for word in FILLERS["{object}"] if word in words), "")
        return dared, None, named if dared in ABOUT_OBJECTS else ""
    if side and words & {"lane", "lanes", "merge", "overtake"}:
        return _with_side("lane", side), None, ""
    if side and words & {"turn", "go", "take", "junction", "intersection", "crossing"}:
        return _with_side("turn", side), None, ""
    if number and (number.group(2) or words & {"speed", "keep", "hold", "drive"}):
        return Kind.TARGET_SPEED, _as_mps(number.group(1), number.group(2)), ""
    if words & {"slow", "slower", "slowly", "decelerate"}:
        return Kind.SLOWER, None, ""
    if words & {"fast", "faster", "accelerate", "quicker", "hurry", "speed"}:
        return Kind.FASTER, None, ""
    if "straight" in words:
        return Kind.STRAIGHT, None, ""
    if words & {"go", "drive", "continue", "start", "resume"}:
        return Kind.GO, None, ""
    return Kind.UNCLEAR, None, ""


DARES = ("crash", "ram", "collide", "hit", "sidewalk", "pavement", "footpath")


def _dared(words: set[str]) -> InstructionKind:
    """What nobody does of his own accord, by its keywords, or what says not to do it; NONE without any."""
    says_not = bool(words & {"not", "dont", "never", "avoid"})
    if says_not and words & {"pass", "overtake"}:
        return Kind.KEEP_BEHIND
    if says_not and words & {*DARES, "oncoming", "red"}:
        return Kind.KEEP_RULES
    if says_not:
        return Kind.NONE
    if words & set(DARES[:4]):
        return Kind.CRASH
    if words & set(DARES[4:]):
        return Kind.SIDEWALK
    if "oncoming" in words or {"wrong", "side"} <= words:
        return Kind.ONCOMING
    if words & {"run", "ignore", "jump", "through"} and words & {"red", "light", "lights"}:
        return Kind.RUN_LIGHT
    if words & {"overtake", "pass"} and not words & {"left", "right"}:
        return Kind.PASS
    return Kind.NONE


# ---- the vocabulary --------------------------------------------------------------------------------------------------


@cache
def words() -> tuple[str, ...]:
    """Every word of the learnt instructions, the learnt questions and the car's own sentences, sorted, and the digits.

    Words that only idle talk or phrasings for testing hold are unknown to the network, as most of a stranger's are: so
    it learns that a text full of unknown words is no instruction.
    """
    texts: list[str] = list(answer_words())
    texts += [form for family in FAMILIES if family != "unclear" for form in phrasings(family)]
    texts += [form for wordings in QUESTIONS.values() for form in forms(wordings, False)]
    texts += [*INSTRUCTING.before, *INSTRUCTING.after, *ASKING.before, *ASKING.after]
    texts += [*MPS_OF, "left", "right", "0 1 2 3 4 5 6 7 8 9", ". , ? !"]
    pieces = {piece for text in texts for piece in re.sub(r"\{\w+\}", "", text).split()}
    return tuple(sorted({word for piece in pieces for word in split(piece)}))
