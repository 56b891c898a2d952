"""One picture, different words: does what is said decide what is done, and does the plan do what the car says?

    paraphrases   the same wish in several wordings, most of them never trained on: the plans must agree
    opposites     two contrary wishes: the plans must part, each to its own side
    nothing       no instruction, an empty one, one that is not about driving: the plan must not change
    words         what the car says of its own plan, asked or told or not: the plan must do that

Each is judged on the driver's own plans alone, so that it can fail a driver that obeys well and be met by one that does
not; only which wishes are possible on a frame is taken from the facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from model.training import claims, labels, obedience, phrases
from model.training.consent import IMPOSSIBLE, refusal
from model.training.expert import Kind, roll_out
from model.training.judged_frames import Case, Frame, FrameDriver, shares
from model.training.samples import FrameFacts
from sim_bridge.messages import DrivePlan, Instruction, InstructionMode

# Plans agree when their paths and their 2.5 s positions end this near to each other.
SAME_PATH_M, SAME_PLACE_M = 1.0, 1.5
# Contrary wishes must end this far apart: in speed, or sideways along the path.
APART_MPS, APART_M = 1.0, 1.0
WORDINGS = 4
WORDED_BEFORE = 1  # of these, wordings of the training set
MOVING_MPS = 3.0

ALIKE = (
    Kind.STOP,
    Kind.SLOWER,
    Kind.FASTER,
    Kind.TARGET_SPEED,
    Kind.LANE_LEFT,
    Kind.LANE_RIGHT,
    Kind.TURN_LEFT,
    Kind.TURN_RIGHT,
)
# (the one, its contrary): by speed the first ends slower, by path the first ends farther left.
BY_SPEED = ((Kind.SLOWER, Kind.FASTER), (Kind.STOP, Kind.FASTER), (Kind.STOP, Kind.GO))
BY_PATH = ((Kind.LANE_LEFT, Kind.LANE_RIGHT), (Kind.TURN_LEFT, Kind.TURN_RIGHT))
SLOW_AND_FAST_MPS = (3.0, 9.0)


def language(
    driver: FrameDriver, frames: Sequence[Frame], per_category: int, seed: int
) -> tuple[dict[str, Any], list[Case]]:
    """Shares of groups of wordings that agree, of pairs that part, of idle words without effect, of true claims."""
    cases: list[Case] = []
    for name, judge in (
        ("paraphrases", _paraphrases),
        ("opposites", _opposites),
        ("nothing", _nothing),
        ("words", _words),
    ):
        rng = np.random.default_rng([seed, len(name)])
        made: list[Case] = []
        for frame in frames:
            if len(made) >= WORDINGS * per_category:
                break
            made += judge(driver, frame, rng)
        cases += made
    figures = {
        name: shares([case for case in cases if case.suite == name])
        for name in ("paraphrases", "opposites", "nothing", "words")
    }
    return figures, cases


def possible(facts: FrameFacts, kind: Kind, speed_mps: float) -> bool:
    """Whether the town has what is asked for, and the car moves where it should slow down."""
    if kind in (Kind.STOP, Kind.SLOWER) and speed_mps < MOVING_MPS:
        return False
    return refusal(facts, kind, speed_mps, None) not in IMPOSSIBLE


def agree(one: DrivePlan, other: DrivePlan) -> bool:
    ends = [
        np.hypot(*(getattr(one, name)[-1] - getattr(other, name)[-1])) for name in ("path_xy_in_ego", "speed_xy_in_ego")
    ]
    return bool(ends[0] < SAME_PATH_M and ends[1] < SAME_PLACE_M)


def shown(plan: DrivePlan) -> str:
    return f"{obedience.end_speed(plan.speed_xy_in_ego):.1f} m/s, {plan.path_xy_in_ego[-1][1]:.1f} m aside"


def _told(driver: FrameDriver, observation: Any, text: str) -> DrivePlan:
    return driver.plan(observation, Instruction(text, InstructionMode.FOLLOW, 1))


def _paraphrases(driver: FrameDriver, frame: Frame, rng: np.random.Generator) -> list[Case]:
    """One wish on this frame in WORDINGS wordings."""
    facts, speed = frame[1], labels.sampled_speed(frame[1], rng)
    kinds = [kind for kind in ALIKE if possible(facts, kind, speed)]
    if not kinds:
        return []
    kind = kinds[int(rng.integers(len(kinds)))]
    wish_mps = float(rng.integers(3, 13))
    texts = [worded(kind, rng, wish_mps, unseen=k >= WORDED_BEFORE) for k in range(WORDINGS)]
    observation = driver.show(frame, speed, rng)
    plans = [_told(driver, observation, text) for text in texts]
    is_right = all(agree(plans[0], plan) for plan in plans[1:])
    got = "; ".join(shown(plan) for plan in plans)
    return [Case("paraphrases", kind.value, is_right, str(frame[0]), " / ".join(texts), "one plan", got)]


def worded(kind: Kind, rng: np.random.Generator, wish_mps: float, unseen: bool) -> str:
    """A wording of `kind`; of a speed in m/s, so that every wording asks for exactly the same."""
    for _ in range(100):
        text, value = phrases.phrase(kind, rng, speed_mps=wish_mps, unseen=unseen)
        if value is None or value == wish_mps:
            return text
    raise ValueError(f"no wording of {kind.value} asks for exactly {wish_mps:g} m/s")


def _opposites(driver: FrameDriver, frame: Frame, rng: np.random.Generator) -> list[Case]:
    """One contrary pair on this frame, of those whose plans would part for the expert too."""
    facts, speed = frame[1], max(MOVING_MPS, labels.sampled_speed(frame[1], rng))
    pairs = [(pair, True) for pair in BY_SPEED if _would_part(facts, pair, speed, True)]
    pairs += [(pair, False) for pair in BY_PATH if _would_part(facts, pair, speed, False)]
    if not pairs:
        return []
    pair, by_speed = pairs[int(rng.integers(len(pairs)))]
    texts = [phrases.phrase(kind, rng, unseen=True)[0] for kind in pair]
    observation = driver.show(frame, speed, rng)
    plans = [_told(driver, observation, text) for text in texts]
    ends = [_measure(*_points(plan), by_speed) for plan in plans]
    is_right = ends[1] - ends[0] > (APART_MPS if by_speed else APART_M)
    got = "; ".join(shown(plan) for plan in plans)
    name = f"{pair[0].value} / {pair[1].value}"
    return [Case("opposites", name, is_right, str(frame[0]), " / ".join(texts), "two plans apart", got)]


def _points(plan: DrivePlan) -> tuple[Any, Any]:
    return plan.path_xy_in_ego, plan.speed_xy_in_ego


def _measure(path: Any, speed_xy: Any, by_speed: bool) -> float:
    return obedience.end_speed(speed_xy) if by_speed else float(path[-1][1])


def _would_part(facts: FrameFacts, pair: tuple[Kind, Kind], speed: float, by_speed: bool) -> bool:
    if not all(possible(facts, kind, speed) for kind in pair):
        return False
    low, high = (roll_out(facts, kind, speed) for kind in pair)
    apart = _measure(high.path, high.speed, by_speed) - _measure(low.path, low.speed, by_speed)
    return apart > 1.5 * (APART_MPS if by_speed else APART_M)


def _nothing(driver: FrameDriver, frame: Frame, rng: np.random.Generator) -> list[Case]:
    """Words that ask for nothing, against no words at all."""
    speed = labels.sampled_speed(frame[1], rng)
    observation = driver.show(frame, speed, rng)
    plain = driver.plan(observation, None)
    cases = []
    for name, text in (("empty", ""), ("irrelevant", phrases.phrase(Kind.UNCLEAR, rng, unseen=True)[0])):
        plan = _told(driver, observation, text)
        cases.append(Case("nothing", name, agree(plain, plan), str(frame[0]), text, shown(plain), shown(plan)))
    return cases


def _words(driver: FrameDriver, frame: Frame, rng: np.random.Generator) -> list[Case]:
    """The commentary against the plan without an instruction, and a reply against the plan under it."""
    facts, speed = frame[1], labels.sampled_speed(frame[1], rng)
    observation = driver.show(frame, speed, rng)
    cases = []
    kinds = [kind for kind in ALIKE if possible(facts, kind, speed)]
    kind = kinds[int(rng.integers(len(kinds)))] if kinds else Kind.FASTER
    text = phrases.phrase(kind, rng, unseen=True)[0]
    plain = driver.plan(observation, None)
    for name, instruction in (
        ("commentary", None),
        ("reply", Instruction(text, InstructionMode.FOLLOW, 1)),
        ("safety reply", Instruction(text, InstructionMode.SAFETY, 1)),
    ):
        plan = plain if instruction is None else driver.plan(observation, instruction)
        said = driver.comment(observation) if instruction is None else driver.reply(observation, instruction)
        fits = claims.fits(said, _points(plan), _points(plain), speed)
        if fits is not None:
            asked = "" if instruction is None else f"[{instruction.mode.value}] {text}"
            cases.append(Case("words", name, fits, str(frame[0]), f"{asked} at {speed:.1f} m/s", said, shown(plan)))
    return cases
