"""From stored facts to training samples: another speed, task, instruction and hint at every view of a frame.

`plan` is the trajectory under an instruction (FOLLOW mode), `sample` is one view. Both are pure and cheap (well under a
millisecond for a view), so the data set stores facts, never labels.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from model.training import dreams, questions, sentences, telling
from model.training.expert import STOP_SIGN_DONE_M, hazards, roll_out, setting_off_mps
from model.training.paths import at_distance, headings, prolong
from model.training.samples import FrameFacts, Sample
from sim_bridge.messages import InstructionKind, InstructionMode

Kind = InstructionKind

TASKS = ("drive", "commentary", "vqa", "dream")
# Instructions are what needs the most views (target speeds and faster come last), then words, then plain driving.
MIX = {"drive": 0.2, "commentary": 0.2, "vqa": 0.2, "dream": 0.4}
STANDING_SHARE = 0.15
# At a stop sign standing is what tells that one may go.
STANDING_AT_SIGN_SHARE = 0.45
# Cars that have just set off: without them, a car that barely rolls is always one that is about to stand, and whoever
# sets off stops again at the next look.
SETTING_OFF_SHARE, SETTING_OFF_MPS = 0.08, 2.0
# How the navigator thins its route: see sim_bridge.navigator, which is the one that shows the way live.
THINNED_MAX_M = 50.0
REACHED_M = 7.5
TARGET_NOISE_M = 0.5
TARGET_DROPPED = 0.12
# A target point this far past a junction's entry shows where the way leads.
PAST_ENTRY_M = 3.0
# The hardest that a sampled speed may ask the brakes for: faster than this, the scene could not have come about.
PLAUSIBLE_BRAKE_MPS2 = 5.0

# Whoever asks for a turn overrules the navigator: the words alone say which way, see PocketDriver.
TURN_TARGETS_DROPPED = 0.9
TURNS = (Kind.TURN_LEFT, Kind.TURN_RIGHT, Kind.STRAIGHT)


def plan(
    facts: FrameFacts, kind: InstructionKind, speed_mps: float, value: float | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Path (20, 2) and speed points (10, 2) under an instruction, obeyed even where that is unsafe."""
    rolled = roll_out(facts, kind, speed_mps, value)
    return rolled.path, rolled.speed


def sampled_speed(facts: FrameFacts, rng: np.random.Generator) -> float:
    """A speed this frame could have been met at: standing, or up to a little over the limit where nothing is near.

    In tenths, as the prompt says it: what is said of a speed must follow from what is shown.
    """
    return math.floor(10.0 * _sampled_speed(facts, rng)) / 10.0


def _sampled_speed(facts: FrameFacts, rng: np.random.Generator) -> float:
    is_at_sign = facts.stop_m is not None and facts.stop_m <= STOP_SIGN_DONE_M
    if rng.random() < (STANDING_AT_SIGN_SHARE if is_at_sign else STANDING_SHARE):
        return 0.0
    fastest = 1.1 * facts.speed_limit_mps
    if facts.stop_m is not None:
        fastest = min(fastest, max(_plausible(facts.stop_m), setting_off_mps(facts.stop_m)))
    for stop_m, leader in hazards(facts, 0.0).values():
        if leader is not None and math.isinf(stop_m):
            stop_m = leader.gap_m + leader.speed_mps
        fastest = min(fastest, _plausible(stop_m))
    if facts.in_junction:
        fastest = min(fastest, 8.0)
    if fastest < 0.5:
        return float(rng.uniform(0.0, 0.8))
    if rng.random() < SETTING_OFF_SHARE:
        return float(rng.uniform(0.0, min(SETTING_OFF_MPS, fastest)))
    return float(fastest * rng.uniform(0.1, 1.0) ** 0.7)


def _plausible(stop_m: float) -> float:
    """The fastest that one can still be before a stop `stop_m` ahead."""
    return math.sqrt(2.0 * PLAUSIBLE_BRAKE_MPS2 * max(0.0, stop_m - 1.0))


def sampled_ahead(facts: FrameFacts, rng: np.random.Generator) -> tuple[float, float]:
    """Metres along the route to the navigator's two target points, its last one lying anywhere behind."""
    return sparse_ahead(facts.changes_m, float(rng.uniform(0.0, THINNED_MAX_M)))


def shows_turn(facts: FrameFacts, ahead: tuple[float, float]) -> bool:
    """Whether target points tell which way the junction ahead is taken: one of them lies past its entry."""
    return facts.in_junction or (len(facts.changes_m) > 0 and ahead[1] > facts.changes_m[0] + PAST_ENTRY_M)


def targets_at(facts: FrameFacts, ahead: tuple[float, float], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """The navigator's two target points with its noise, (2, 2)."""
    points = at_distance(np.asarray(facts.route, dtype=np.float64), list(ahead))
    return (points + rng.normal(0.0, TARGET_NOISE_M, (2, 2))).astype(np.float32)


def sparse_ahead(changes_m: tuple[float, ...], since_m: float) -> tuple[float, float]:
    """Metres along the route to the navigator's next two sparse points, the last one lying `since_m` behind.

    A sparse point stands at every change of command and 50 m after the last one; within 7.5 m it counts as reached.
    """
    points, last = [], -since_m
    for change in (*changes_m, math.inf):
        while last + THINNED_MAX_M < min(change, 3 * THINNED_MAX_M):
            last += THINNED_MAX_M
            points.append(last)
        last = change
        points.append(change)
    ahead = [metres for metres in points if metres >= REACHED_M]
    return ahead[0], ahead[1]


def aux_of(facts: FrameFacts) -> dict[str, float]:
    """What the picture shows, as numbers for auxiliary losses; distances of absent things are 0."""
    light = facts.light if sentences.light_seen(facts) else None
    heading = headings(prolong(facts.route)[:22])
    return {
        "light": float({"red": 1, "yellow": 2, "green": 3}[light.state]) if light else 0.0,
        "light_m": float(light.stop_line_m) if light else 0.0,
        "lead": float(facts.lead is not None),
        "lead_known": float(not telling.is_on_detour(facts)),
        "lead_m": float(facts.lead.gap_m) if facts.lead else 0.0,
        "lead_brakes": float(facts.lead.brakes) if facts.lead else 0.0,
        "pedestrian": float(facts.pedestrian is not None),
        "pedestrian_m": float(facts.pedestrian.distance_m) if facts.pedestrian else 0.0,
        "curvature": float(heading[20] - heading[5]) / 15.0,
        "left_lane": float(facts.lane_left is not None),
        "right_lane": float(facts.lane_right is not None),
        "junction_m": 0.0 if facts.in_junction else 60.0 if facts.junction_m is None else float(facts.junction_m),
    }


def sample(
    facts: FrameFacts,
    rng: np.random.Generator,
    task: str | None = None,
    *,
    kind: InstructionKind | None = None,
    unseen: bool = False,
    speed_mps: float | None = None,
    targets_dropped: float = TARGET_DROPPED,
) -> Sample:
    """One view of a frame. `kind` fixes a dream's instruction; `unseen` words it, or the question, unlike training.
    The navigator's points are left out of `targets_dropped` of the views, and of nearly all where a turn is asked for.

    Raises ValueError for a task that is not one of TASKS.
    """
    if task is None:
        task = TASKS[int(np.searchsorted(np.cumsum(list(MIX.values())), rng.random(), side="right").clip(0, 3))]
    if task not in TASKS:
        raise ValueError(f"expected a task of {TASKS}, got {task!r}")
    speed = sampled_speed(facts, rng) if speed_mps is None else speed_mps
    instruction, question, text, mode, meant = "", "", "", InstructionMode.FOLLOW, Kind.NONE
    if task == "dream":
        instruction, mode, text, meant, rolled = dreams.dream(facts, speed, rng, unseen, kind)
    dropped = TURN_TARGETS_DROPPED if meant in TURNS else targets_dropped
    ahead = None if rng.random() < dropped else sampled_ahead(facts, rng)
    if task != "dream":
        rolled = roll_out(facts, Kind.NONE, speed)
        if task == "vqa":
            is_shown = ahead is not None and shows_turn(facts, ahead)
            question, text, _ = questions.ask(facts, speed, rolled, rng, unseen, is_shown)
        elif task == "commentary":
            text = sentences.commentary(facts, speed, rolled)
    return Sample(
        task=task,
        speed_mps=speed,
        target_points=None if ahead is None else targets_at(facts, ahead, rng),
        instruction=instruction,
        mode=mode,
        question=question,
        answer_text=text,
        kind=meant,
        path=rolled.path,
        speed=rolled.speed,
        aux=aux_of(facts),
    )
