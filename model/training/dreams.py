"""Action Dreaming: which instruction somebody may give on a frame, in which words, and what it leads to.

Plain functions of FrameFacts and a random generator, well under a millisecond each.
"""

from __future__ import annotations

import numpy as np

from model.training import objects, phrases, sentences, telling
from model.training.consent import obey
from model.training.expert import PASSED_LINE_M, TURN_NAME, Rolled, cruise_speed
from model.training.samples import FrameFacts, PedestrianFacts
from sim_bridge.messages import InstructionKind, InstructionMode

Kind = InstructionKind

KIND_WEIGHTS = {
    Kind.STOP: 0.24,
    Kind.SLOWER: 0.14,
    Kind.FASTER: 0.2,
    Kind.TARGET_SPEED: 0.2,
    Kind.LANE_LEFT: 0.09,
    Kind.LANE_RIGHT: 0.09,
    Kind.TURN_LEFT: 0.05,
    Kind.TURN_RIGHT: 0.05,
    Kind.STRAIGHT: 0.03,
    Kind.GO: 0.05,
    Kind.UNCLEAR: 0.08,
    Kind.PASS: 0.16,
    Kind.KEEP_BEHIND: 0.03,
    Kind.CRASH: 0.06,
    Kind.RUN_LIGHT: 0.08,
    Kind.SIDEWALK: 0.05,
    Kind.ONCOMING: 0.04,
    Kind.KEEP_RULES: 0.05,
}
# A red light that holds the car, somebody to pass, a sidewalk: frames where such an instruction shows in the plan are
# rare, and a plan that learns from too few of them hears the instruction and drives on.
WHERE_IT_SHOWS_TIMES, RED_HOLDS_TIMES = 4.0, 10.0
# Within this a red light shows in the plan's 2.5 s.
LIGHT_SHOWS_M = 30.0
# Whom an instruction names: mostly who is there, now and then nobody or somebody else.
NAMES_SHARE, NAMES_OTHER_SHARE = 0.75, 0.12
# A lane or turn that the town does not have is asked for this much less often, enough to learn the refusal.
IMPOSSIBLE_SHARE = 0.25
# A turn shows in the path's 20 m only where the junction is this near; there it is asked for this much more often.
TURN_SHOWS_M, TURN_SHOWN_TIMES = 16.0, 5.0
# A lane that is there and may not be used: the only views in which SAFETY mode declines a lane change.
FORBIDDEN_LANE_TIMES = 2.0


def sampled_kind(facts: FrameFacts, rng: np.random.Generator) -> InstructionKind:
    """An instruction somebody may give here: seldom what cannot be done, often what this frame alone can teach."""
    weights = dict(KIND_WEIGHTS)
    shows = facts.junction_m is not None and facts.junction_m < TURN_SHOWS_M and len(facts.turns) > 1
    for kind, name in TURN_NAME.items():
        weights[kind] *= IMPOSSIBLE_SHARE if name not in facts.turns else TURN_SHOWN_TIMES if shows else 1.0
    lanes = {
        Kind.LANE_LEFT: (facts.lane_left, facts.may_change_left),
        Kind.LANE_RIGHT: (facts.lane_right, facts.may_change_right),
    }
    for kind, (lane, is_allowed) in lanes.items():
        weights[kind] *= IMPOSSIBLE_SHARE if lane is None else 1.0 if is_allowed else FORBIDDEN_LANE_TIMES
    for kind in (*objects.ABOUT_OBJECTS, Kind.RUN_LIGHT, Kind.SIDEWALK, Kind.ONCOMING):
        weights[kind] *= _told_share(facts, kind)
    share = np.cumsum(list(weights.values()))
    return list(weights)[int(np.searchsorted(share, rng.random() * share[-1], side="right"))]


def _told_share(facts: FrameFacts, kind: InstructionKind) -> float:
    """How much oftener or less often an instruction about others and places beside the lane is given on this frame; 0
    where nobody knows what it would lead to."""
    if kind in (Kind.SIDEWALK, Kind.ONCOMING) and facts.beside is None:
        return 0.0
    if kind in objects.ABOUT_OBJECTS and telling.is_on_detour(facts):
        return 0.0
    if kind is Kind.PASS and facts.beside is None and objects.passing_side(facts) == "":
        return 0.0
    if kind is Kind.RUN_LIGHT:
        return RED_HOLDS_TIMES if _red_holds(facts) else IMPOSSIBLE_SHARE
    return WHERE_IT_SHOWS_TIMES if objects.line_for(facts, kind, "") is not None else IMPOSSIBLE_SHARE


def _red_holds(facts: FrameFacts) -> bool:
    """Whether a red or yellow light is what stops the car here, and not a leader before its line."""
    light, lead = facts.light, facts.lead
    if light is None or light.state == "green" or not PASSED_LINE_M <= light.stop_line_m < LIGHT_SHOWS_M:
        return False
    return lead is None or lead.gap_m > light.stop_line_m


def sampled_name(facts: FrameFacts, kind: InstructionKind, rng: np.random.Generator) -> str:
    """Whom an instruction about others names, "" nobody."""
    if rng.random() > NAMES_SHARE:
        return ""
    words = phrases.FILLERS["{object}" if kind is Kind.CRASH else "{type}"]
    meant = objects.target(facts, kind, "")
    if kind is Kind.CRASH and facts.pedestrian is not None and (facts.lead is None or rng.random() < 0.5):
        meant = facts.pedestrian
    if meant is None or rng.random() < NAMES_OTHER_SHARE:
        return str(words[int(rng.integers(len(words)))])
    if isinstance(meant, PedestrianFacts):
        return str(rng.choice(objects.WALKER_WORDS))
    return sentences.lead_name(facts) if rng.random() < 0.7 else "vehicle"


def sampled_target_speed(facts: FrameFacts, speed_mps: float, rng: np.random.Generator) -> float:
    """A speed somebody may ask for: any town speed, or near the present one."""
    if rng.random() < 0.6:
        return float(rng.uniform(1.0, 15.0))
    return float(max(1.0, (speed_mps or cruise_speed(facts)) * rng.uniform(0.6, 1.4)))


def dream(
    facts: FrameFacts, speed: float, rng: np.random.Generator, unseen: bool, wanted: InstructionKind | None
) -> tuple[str, InstructionMode, str, InstructionKind, Rolled]:
    """An instruction with what it leads to: its text, mode, the car's reply, what it means, the plan."""
    kind = sampled_kind(facts, rng) if wanted is None else wanted
    mode = InstructionMode.FOLLOW if rng.random() < 0.5 else InstructionMode.SAFETY
    named, stop_at = "", None
    if kind is Kind.STOP and wanted is None and facts.lead is not None and rng.random() < 0.3:
        named, stop_at = facts.lead.type, max(0.0, facts.lead.gap_m - 3.0)
    elif kind in objects.ABOUT_OBJECTS:
        named = sampled_name(facts, kind, rng)
    text, value = phrases.phrase(
        kind, rng, speed_mps=sampled_target_speed(facts, speed, rng), named=named, unseen=unseen
    )
    value = value if stop_at is None else stop_at
    rolled, refused = obey(facts, kind, speed, value, mode, named)
    about = sentences.named_in_reply(facts, kind, named)
    return text, mode, sentences.reply(kind, value, rolled, refused, about), kind, rolled
