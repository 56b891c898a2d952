"""Which instructions are declined, and why: what cannot be done, and in SAFETY mode what is forbidden or unsafe.

Pure functions of FrameFacts. Where an instruction is declined, the plan is the expert's own.
"""

from __future__ import annotations

from model.training import objects
from model.training.expert import LANE_SIDE, TURN_NAME, Kind, Rolled, light_stop, line_for, roll_out
from model.training.rollout import kept_gap_m
from model.training.samples import FrameFacts
from sim_bridge.messages import InstructionKind, InstructionMode

# What cannot be done at all, in either mode; everything else that is declined is declined in SAFETY mode alone.
IMPOSSIBLE = ("no_lane", "no_turn", "no_sidewalk", "no_oncoming", "no_target", "no_room", "no_pass", "no_red")
# A plan that ends this much below the present speed slows down for what is ahead.
SLOWS_MPS = 0.8


def refusal(facts: FrameFacts, kind: InstructionKind, speed_mps: float, value: float | None, named: str = "") -> str:
    """Why SAFETY mode declines, "" where it does not.

    One of IMPOSSIBLE, which hold in FOLLOW mode too, or "marking" | "limit" | "red" | "yellow" | "stop_sign" | "yield"
    | "blocked" | "pedestrian" | "lead" | "crash" | "sidewalk" | "oncoming".
    """
    if line_for(facts, kind, named) is None:
        no_lane = "no_lane" if kind in LANE_SIDE else "no_turn" if kind in TURN_NAME else ""
        return no_lane or objects.why_not(facts, kind, named)
    if kind in (Kind.CRASH, Kind.SIDEWALK, Kind.ONCOMING):
        return kind.value
    if kind is Kind.RUN_LIGHT:
        return facts.light.state if light_stop(facts, speed_mps) is not None and facts.light is not None else "no_red"
    if kind is Kind.PASS:
        return _passing_refusal(facts)
    if kind is Kind.LANE_LEFT and not facts.may_change_left:
        return "marking"
    if kind is Kind.LANE_RIGHT and not facts.may_change_right:
        return "marking"
    if kind is Kind.TARGET_SPEED and value is not None and value > facts.speed_limit_mps + 0.3:
        return "limit"
    if kind is Kind.FASTER and speed_mps > 0.95 * facts.speed_limit_mps:
        return "limit"
    if kind in (Kind.FASTER, Kind.GO):
        return _in_the_way(facts, speed_mps)
    return ""


def _passing_refusal(facts: FrameFacts) -> str:
    side = objects.passing_side(facts)
    if side == "oncoming":
        return side
    return "" if (facts.may_change_left if side == "left" else facts.may_change_right) else "marking"


def _in_the_way(facts: FrameFacts, speed_mps: float) -> str:
    """What the car already slows for, so that it must not go faster; "" where nothing does."""
    plain = roll_out(facts, Kind.NONE, speed_mps)
    if plain.cause == "lead" and facts.lead is not None:
        slows = plain.end_mps < speed_mps - SLOWS_MPS
        return "lead" if slows or facts.lead.gap_m < kept_gap_m(speed_mps) else ""
    return plain.cause if plain.cause in ("red", "yellow", "stop_sign", "yield", "blocked", "pedestrian") else ""


def obey(
    facts: FrameFacts,
    kind: InstructionKind,
    speed_mps: float,
    value: float | None,
    mode: InstructionMode,
    named: str = "",
) -> tuple[Rolled, str]:
    """The plan in a mode, and why it is not what was asked for ("" where it is)."""
    reason = refusal(facts, kind, speed_mps, value, named)
    if reason and (mode is InstructionMode.SAFETY or reason in IMPOSSIBLE):
        return roll_out(facts, Kind.NONE, speed_mps), reason
    return roll_out(facts, kind, speed_mps, value, mode, named), ""
