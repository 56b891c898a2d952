"""What an instruction is about: the vehicle or walker to drive into, to pass or to keep behind, and the way past it.

Pure functions of FrameFacts. `named` is the word that the instruction says: "van", "vehicle", "pedestrian", or "" where
it names nothing ("crash", "overtake").
"""

from __future__ import annotations

import numpy as np

from model.training.paths import headings
from model.training.samples import FrameFacts, LeadFacts, PedestrianFacts, Polyline
from sim_bridge.messages import InstructionKind

Kind = InstructionKind

ABOUT_OBJECTS = (Kind.CRASH, Kind.PASS, Kind.KEEP_BEHIND)
ANYTHING = ("", "vehicle")
WALKER_WORDS = ("pedestrian", "person", "walker")
BIKES = ("motorcycle", "bicycle")
# A car nearer than this to what it should pass cannot steer clear of it any more.
PASS_GAP_M = 6.0


def target(facts: FrameFacts, kind: InstructionKind, named: str) -> LeadFacts | PedestrianFacts | None:
    """Whom the instruction means; None where nobody like that is ahead. Only CRASH means walkers, too."""
    lead, walker = facts.lead, facts.pedestrian if kind is Kind.CRASH else None
    if named in WALKER_WORDS:
        return walker
    if lead is not None and (named in (*ANYTHING, lead.type) or (named == "bike" and lead.type in BIKES)):
        return lead
    return walker if named == "" else None


def called(facts: FrameFacts, kind: InstructionKind, named: str) -> str:
    """What the car calls it in its reply: as it was named, else by what it is; "" where nobody is meant."""
    meant = target(facts, kind, named)
    if meant is None:
        return ""
    return "pedestrian" if isinstance(meant, PedestrianFacts) else named or "vehicle"


def passing_side(facts: FrameFacts) -> str:
    """Over which lane a leader is passed: "left" | "right" where there is one, the allowed before the forbidden, else
    "oncoming"; "" where there is none."""
    lanes = {"left": (facts.lane_left, facts.may_change_left), "right": (facts.lane_right, facts.may_change_right)}
    there = [side for side, (lane, _) in lanes.items() if lane is not None]
    allowed = [side for side in there if lanes[side][1]]
    if there:
        return (allowed or there)[0]
    return "oncoming" if facts.beside is not None and facts.beside.oncoming_m is not None else ""


def aside(line: Polyline, right_m: float) -> Polyline:
    """The line moved to the right by so many metres, (N, 2), points about a metre apart."""
    course = headings(line)
    return (line + right_m * np.column_stack([-np.sin(course), np.cos(course)])).astype(np.float32)


def line_for(facts: FrameFacts, kind: InstructionKind, named: str) -> Polyline | None:
    """The line of an instruction about an object or a place beside the lane, None where there is no such thing."""
    beside = facts.beside
    if kind is Kind.SIDEWALK:
        return None if beside is None or beside.sidewalk_m is None else aside(facts.route, beside.sidewalk_m)
    if kind is Kind.ONCOMING:
        return None if beside is None or beside.oncoming_m is None else aside(facts.route, -beside.oncoming_m)
    meant = target(facts, kind, named)
    if meant is None:
        return None
    if isinstance(meant, PedestrianFacts):
        return aside(facts.route, meant.lateral_m)
    return _line_past(facts, meant) if kind is Kind.PASS else facts.route


def _line_past(facts: FrameFacts, lead: LeadFacts) -> Polyline | None:
    side = passing_side(facts)
    if lead.gap_m < PASS_GAP_M or side == "":
        return None
    if side == "oncoming":
        assert facts.beside is not None and facts.beside.oncoming_m is not None
        return aside(facts.route, -facts.beside.oncoming_m)
    return facts.lane_left if side == "left" else facts.lane_right


def why_not(facts: FrameFacts, kind: InstructionKind, named: str) -> str:
    """Why there is no line for it: "no_sidewalk" | "no_oncoming" | "no_target" | "no_room" | "no_pass"."""
    if kind in (Kind.SIDEWALK, Kind.ONCOMING):
        return f"no_{kind.value}"
    meant = target(facts, kind, named)
    if not isinstance(meant, LeadFacts):
        return "no_target"
    return "no_room" if meant.gap_m < PASS_GAP_M else "no_pass"
