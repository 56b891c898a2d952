"""What people type to a car: a grammar of our own, with whole phrasings kept back for testing.

A phrasing may hold slots: {side} left/right, {n} a speed as it is written, {type} a vehicle. `phrase` makes a text from
a kind, `read` is the other direction, by rules, for a driver without a language model. Lower case throughout; casing
and typos are put on where a batch is made.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from model.training.phrasings import held_out, load, split
from model.training.questions import QUESTIONS, VEHICLE_TYPES, answer_words
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
    Kind.UNCLEAR: "unclear",
}
SIDE_OF = {
    Kind.LANE_LEFT: "left",
    Kind.LANE_RIGHT: "right",
    Kind.TURN_LEFT: "left",
    Kind.TURN_RIGHT: "right",
}

BEFORE = (
    "please",
    "now",
    "can you please",
    "could you",
    "can you",
    "would you",
    "hey car",
    "ok",
    "car",
    "i want you to",
    "you should",
    "you need to",
    "well",
    "so",
    "right",
    "all right",
    "alright",
)
# "right" is a side in half of all instructions, so it is met where it is none, too.
AFTER = (
    "please",
    "now",
    "for me",
    "thanks",
    "thank you",
    "if you can",
    "will you",
    "right now",
    "right away",
    "all right",
    "then",
)

# The phrasings a newcomer is shown are always learnt.
ALWAYS_LEARNT = frozenset(
    {
        "stop here",
        "drive faster",
        "change to the {side} lane",
        "keep {n}",
        "stop behind the {type}",
        "take the {side} lane",
        "turn {side}",
        "turn {side} at the next junction",
        "slow down",
        "go straight",
        "go",
    }
)
MPS_OF = {"m/s": 1.0, "meters per second": 1.0, "km/h": 1 / 3.6, "kmh": 1 / 3.6, "kph": 1 / 3.6}
NUMBER = r"(\d+(?:\.\d+)?)\s*(m/s|mps|meters per second|km/h|kmh|kph|kilometers per hour)?"


HELD_OUT = held_out(FAMILIES, ALWAYS_LEARNT)


@cache
def phrasings(family: str, unseen: bool = False) -> tuple[str, ...]:
    """A family's phrasings to learn from, or those kept for testing."""
    return tuple(entry for entry in FAMILIES[family] if (entry in HELD_OUT) == unseen)


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


def decorate(text: str, rng: np.random.Generator) -> str:
    """Politeness and fillers around a text, on a third of them."""
    if rng.random() < 0.2:
        text = f"{BEFORE[rng.integers(len(BEFORE))]} {text}"
    if rng.random() < 0.15:
        after = AFTER[rng.integers(len(AFTER))]
        # "go right" and "now" make "go right now", which is another instruction.
        text = text if after == "now" and text.endswith("right") else f"{text} {after}"
    return text


def phrase(
    kind: InstructionKind,
    rng: np.random.Generator,
    *,
    speed_mps: float = 5.0,
    vehicle: str = "",
    unseen: bool = False,
) -> tuple[str, float | None]:
    """A text for `kind` and its value (m/s for TARGET_SPEED, else None). `vehicle` asks to stop behind one."""
    family = "stop_behind" if kind is Kind.STOP and vehicle else FAMILY_OF[kind]
    choices = phrasings(family, unseen)
    text, value = choices[rng.integers(len(choices))], None
    if "{n}" in text:
        written, value = speed_text(speed_mps, rng)
        text = text.replace("{n}", written)
    text = text.replace("{side}", SIDE_OF.get(kind, "")).replace("{type}", vehicle)
    return (text if unseen else decorate(text, rng)), value


# ---- reading, by rules -----------------------------------------------------------------------------------------------


def tidy(text: str) -> str:
    """Lower case, single spaces, no punctuation but what numbers and units need."""
    kept = re.sub(r"[^a-z0-9./ ]+", " ", text.lower().replace("'", ""))
    return re.sub(r"\s+", " ", re.sub(r"\.(?!\d)", " ", kept)).strip()


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    types = "|".join((*VEHICLE_TYPES, "vehicle", "bike"))
    found = []
    for family, entries in FAMILIES.items():
        for entry in entries:
            pattern = re.escape(tidy(entry.replace("{", "0").replace("}", "0")))
            pattern = pattern.replace("0n0", NUMBER).replace("0side0", "(left|right)").replace("0type0", f"({types})")
            found.append((re.compile(pattern), family))
    return tuple(found)


@cache
def _courtesies() -> tuple[re.Pattern[str], re.Pattern[str]]:
    before = "|".join(sorted((re.escape(entry) for entry in BEFORE), key=len, reverse=True))
    after = "|".join(sorted((re.escape(entry) for entry in AFTER), key=len, reverse=True))
    return re.compile(rf"^(?:(?:{before}) )+"), re.compile(rf"(?: (?:{after}))+$")


def _with_side(family: str, side: str) -> InstructionKind:
    if family == "lane":
        return Kind.LANE_LEFT if side == "left" else Kind.LANE_RIGHT
    return Kind.TURN_LEFT if side == "left" else Kind.TURN_RIGHT


def _as_mps(number: str, unit: str | None) -> float:
    unit = {"mps": "m/s", "kilometers per hour": "km/h", None: "m/s"}.get(unit, unit)
    return float(number) * MPS_OF[unit or "m/s"]


def read(text: str) -> tuple[InstructionKind, float | None, str]:
    """What a text means: the kind, its speed in m/s, and the vehicle to stop behind ("" without one).

    First the grammar's own phrasings, then keywords; anything else is UNCLEAR, empty text is NONE.
    """
    plain = tidy(text[:300])
    if not plain:
        return Kind.NONE, None, ""
    before, after = _courtesies()
    for candidate in (plain, after.sub("", before.sub("", plain))):
        for pattern, family in _patterns():
            match = pattern.fullmatch(candidate)
            if match is None:
                continue
            if family in ("lane", "turn"):
                return _with_side(family, match.group(1)), None, ""
            if family == "target_speed":
                return Kind.TARGET_SPEED, _as_mps(match.group(1), match.group(2)), ""
            if family == "stop_behind":
                return Kind.STOP, None, match.group(1)
            return Kind(family), None, ""
    return _by_keywords(plain)


def _by_keywords(plain: str) -> tuple[InstructionKind, float | None, str]:
    words = set(plain.split())
    number = re.search(NUMBER, plain)
    side = "left" if "left" in words else "right" if "right" in words else ""
    if words & {"stop", "halt", "brake"}:
        return Kind.STOP, None, ""
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


# ---- the vocabulary --------------------------------------------------------------------------------------------------


@cache
def words() -> tuple[str, ...]:
    """Every word the grammar, the questions and the car's own sentences are made of, sorted, digits included."""
    texts: list[str] = list(answer_words())
    texts += [entry for entries in FAMILIES.values() for entry in entries]
    texts += [form for entry in QUESTIONS.values() for form in entry]
    texts += [*BEFORE, *AFTER, *MPS_OF, "left", "right", "0 1 2 3 4 5 6 7 8 9", ". , ? !"]
    return tuple(sorted({word for text in texts for word in split(re.sub(r"\{\w+\}", "", text))}))
