"""What an instruction asks for, read from its words: SimLingo obeys free text and does not name what it understood.

Only the loop's "done" and the page's label depend on this reading; the plan does not. Pure functions.
"""

from __future__ import annotations

import re

from sim_bridge.messages import InstructionKind

Kind = InstructionKind

_SIDE = {"left": (Kind.LANE_LEFT, Kind.TURN_LEFT), "right": (Kind.LANE_RIGHT, Kind.TURN_RIGHT)}
_LANE = re.compile(r"\b(?:lanes?|overtake|pull (?:over|out)|merge)\b")
_TURN = re.compile(r"\b(?:turn|go|take|crossing|intersection|junction|corner|drive)\b")
_SPEED = re.compile(r"\b\d+(?:\.\d+)?\s*(?:m/s|mps|km/h|kmh|kph|mph|met(?:er|re)s per second)")
# In the order they are tried: "do not stop" is no stop, and "slow down" comes before anything "go".
_WORDS = (
    (
        Kind.KEEP_RULES,
        re.compile(r"\b(?:do not|don't|never) (?:crash|hit|ram|run|ignore|drive (?:on|in|into|against))\b"),
    ),
    (Kind.KEEP_BEHIND, re.compile(r"\b(?:do not|don't|never) (?:pass|overtake)\b|\b(?:keep|stay|remain) behind\b")),
    (Kind.RUN_LIGHT, re.compile(r"\b(?:run|ignore|jump|skip|through)\b.*\b(?:light|lights|signal)\b|\bon red\b")),
    (Kind.GO, re.compile(r"\b(?:do not|don't|never) (?:stop|brake)\b|\bkeep (?:going|driving)\b|\bstart driving\b")),
    (Kind.STOP, re.compile(r"\b(?:stop|halt|park|stand still|come to rest)\b")),
    (Kind.CRASH, re.compile(r"\b(?:crash|ram|collide|hit|run over|drive into)\b")),
    (Kind.SIDEWALK, re.compile(r"\b(?:sidewalk|pavement|footpath)\b")),
    (Kind.ONCOMING, re.compile(r"\b(?:oncoming|opposite|wrong) (?:lane|side|traffic)\b")),
    (Kind.PASS, re.compile(r"\b(?:pass|overtake|go around|get past)\b")),
    (Kind.SLOWER, re.compile(r"\b(?:slow|slower|brake|decelerate|less speed|reduce)\b")),
    (Kind.FASTER, re.compile(r"\b(?:fast|faster|accelerate|speed up|hurry|quicker)\b")),
    (Kind.STRAIGHT, re.compile(r"\bstraight\b")),
    (Kind.GO, re.compile(r"\b(?:go|drive|continue|proceed|follow)\b")),
)


def read(instruction: str) -> InstructionKind:
    """NONE for no words, UNCLEAR where no rule fits."""
    text = " ".join(instruction.lower().replace("\u2019", "'").split())
    if not text:
        return Kind.NONE
    if _SPEED.search(text):
        return Kind.TARGET_SPEED
    for side, (lane, turn) in _SIDE.items():
        if re.search(rf"\b{side}\b", text):
            if _LANE.search(text):
                return lane
            if _TURN.search(text):
                return turn
    return next((kind for kind, pattern in _WORDS if pattern.search(text)), Kind.UNCLEAR)
