"""Open loop on held-out places and held-out phrasings: obedience, refusals, decisions, questions, commentary.

A driver is shown stored pictures through the ordinary Driver interface, exactly as it is shown live ones.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from model.training import folders, labels, obedience, questions, sentences
from model.training.expert import Kind, Rolled, refusal, roll_out
from model.training.phrases import read
from model.training.phrasings import split
from model.training.samples import FrameFacts
from sim_bridge.interfaces import Driver
from sim_bridge.messages import (
    FRONT_CAMERA,
    CameraFrame,
    DrivePlan,
    EgoState,
    Instruction,
    InstructionMode,
    Observation,
    RouteCommand,
)

Says = Callable[[str], None]
Frame = tuple[Path, FrameFacts]

SLOW_MPS = 2.0
MOVING_MPS = 2.0


@dataclass(frozen=True, slots=True)
class Case:
    """One judged view, kept for the report's worst ones."""

    suite: str
    category: str
    is_right: bool
    picture: str  # a JPEG file, or one as a data URI
    asked: str
    expected: str
    got: str


def held_out_frames(data: Path, limit: int, seed: int) -> list[Frame]:
    """Up to `limit` frames of the val split, drawn over all of it. Raises FileNotFoundError without any."""
    paths = folders.frames(data, "val")
    order = np.random.default_rng(seed).permutation(len(paths))
    found = []
    for k in order:
        try:
            found.append(folders.read_one(paths[k]))
        except folders.BadFrame:
            continue
        if len(found) == limit:
            break
    return found


def observation_of(
    frame: Frame, speed_mps: float, tick: int, targets: np.ndarray | None = None, episode: int = 1
) -> Observation:
    """A stored frame as a driver would meet it. `tick` differs between frames, so nothing remembered is reused."""
    jpeg, facts = frame
    with Image.open(jpeg) as picture:
        rgb = np.asarray(picture.convert("RGB"))
    rgb.flags.writeable = False
    camera = replace(FRONT_CAMERA, width_px=rgb.shape[1], height_px=rgb.shape[0])
    return Observation(
        episode=episode,
        tick=tick,
        sim_time_us=50_000 * tick,
        ego=EgoState(0.0, 0.0, 0.0, speed_mps),
        frames=(CameraFrame(camera, rgb, tick),),
        target_points_xy_in_ego=facts.target_points if targets is None else targets,
        command=RouteCommand(facts.command),
        next_command=RouteCommand(facts.next_command),
        command_distance_m=facts.command_distance_m,
    )


class FrameDriver:
    """Shows one frame after another; ticks far apart so that a driver looks anew each time."""

    def __init__(self, driver: Driver) -> None:
        self._driver, self._tick = driver, 0

    def show(self, frame: Frame, speed_mps: float, rng: np.random.Generator) -> Observation:
        self._tick += 1000
        targets = labels.sampled_targets(frame[1], rng)
        return observation_of(frame, speed_mps, self._tick, targets)

    def plan(self, observation: Observation, instruction: Instruction | None) -> DrivePlan:
        return self._driver.plan(observation, instruction)

    def comment(self, observation: Observation) -> str:
        return "".join(self._driver.comment(observation, None))

    def reply(self, observation: Observation, instruction: Instruction) -> str:
        return "".join(self._driver.comment(observation, instruction))

    def answer(self, observation: Observation, question: str) -> str:
        return "".join(self._driver.answer(observation, question))


def same_words(a: str, b: str) -> bool:
    return split(a) == split(b)


# ---- Action Dreaming -------------------------------------------------------------------------------------------------


def dream(
    driver: FrameDriver, frames: Sequence[Frame], per_category: int, seed: int
) -> tuple[dict[str, Any], list[Case]]:
    """Obedience in FOLLOW mode and both halves of SAFETY mode, by category, on phrasings never trained on."""
    rng = np.random.default_rng(seed)
    cases: list[Case] = []
    for category, kinds in obedience.CATEGORIES.items():
        cases += _dream_category(driver, frames, per_category, category, kinds, rng)
    follow = _shares([case for case in cases if case.suite == "follow"])
    safety = _shares([case for case in cases if case.suite.startswith("safety")], by_suite=True)
    reads = _shares([case for case in cases if case.suite == "reads"])
    return {"follow": follow, "safety": safety, "reads_instruction": reads}, cases


def _dream_category(
    driver: FrameDriver,
    frames: Sequence[Frame],
    wanted: int,
    category: str,
    kinds: tuple[Kind, ...],
    rng: np.random.Generator,
) -> list[Case]:
    cases: list[Case] = []
    judged = {InstructionMode.FOLLOW: 0, InstructionMode.SAFETY: 0}
    for k in range(6 * len(frames)):
        if all(count >= wanted for count in judged.values()):
            break
        frame = frames[k % len(frames)]
        kind = kinds[int(rng.integers(len(kinds)))]
        sample = labels.sample(frame[1], rng, "dream", kind=kind, unseen=True)
        made = _dream_case(driver, frame, category, sample, rng) if judged[sample.mode] < wanted else []
        judged[sample.mode] += bool(made)
        cases += made
    return cases


def _dream_case(driver: FrameDriver, frame: Frame, category: str, sample: Any, rng: np.random.Generator) -> list[Case]:
    """Judge one instruction; nothing for one that cannot be done here or would not show."""
    facts, kind, speed = frame[1], sample.kind, sample.speed_mps
    value = read(sample.instruction)[1]
    reason = refusal(facts, kind, speed, value)
    if reason in ("no_lane", "no_turn") or (kind in (Kind.SLOWER, Kind.STOP) and speed < MOVING_MPS):
        return []
    dreamed = roll_out(facts, kind, speed, value, sample.mode)
    expert = roll_out(facts, Kind.NONE, speed)
    pairs = [(rolled.path, rolled.speed) for rolled in (dreamed, expert)]
    if not obedience.differs(kind, *pairs):
        return []
    observation = driver.show(frame, speed, rng)
    plan = driver.plan(observation, Instruction(sample.instruction, sample.mode, 1))
    planned = (plan.path_xy_in_ego, plan.speed_xy_in_ego)
    is_refused = sample.mode is InstructionMode.SAFETY and bool(reason)
    if is_refused:
        suite, is_right = "safety_refused", obedience.keeps_to(planned, pairs[1])
    else:
        suite = "follow" if sample.mode is InstructionMode.FOLLOW else "safety_obeyed"
        is_right = _judge(kind, speed, value, planned, pairs, dreamed)
    asked = f"[{sample.mode.value}] {sample.instruction} at {speed:.1f} m/s"
    expected = sample.answer_text
    got = f"ends at {obedience.end_speed(planned[1]):.1f} m/s, {planned[0][-1][1]:.1f} m aside"
    heard = Case("reads", category, plan.reads_instruction_as is kind, str(frame[0]), asked, kind.value,
                 plan.reads_instruction_as.value)  # fmt: skip
    return [Case(suite, category, is_right, str(frame[0]), asked, expected, got), heard]


def _judge(kind: Kind, speed: float, value: float | None, planned: Any, pairs: Any, dreamed: Rolled) -> bool:
    """The rule of the category, unless something in the way keeps even the teacher from meeting it."""
    if not obedience.obeys(kind, speed, value, pairs[0], pairs[0], pairs[1]):
        return obedience.keeps_to(planned, pairs[0])
    return obedience.obeys(kind, speed, value, planned, pairs[0], pairs[1])


# ---- decisions -------------------------------------------------------------------------------------------------------


def decisions(driver: FrameDriver, frames: Sequence[Frame], seed: int) -> tuple[dict[str, Any], list[Case]]:
    """Without an instruction: does the plan slow down where the expert stops, and only there?"""
    rng = np.random.default_rng(seed)
    cases: list[Case] = []
    errors: list[tuple[float, float]] = []
    for frame in frames:
        speed = labels.sampled_speed(frame[1], rng)
        expert = roll_out(frame[1], Kind.NONE, speed)
        plan = driver.plan(driver.show(frame, speed, rng), None)
        errors.append(_errors(plan, expert))
        if speed < MOVING_MPS + 1.0:
            continue
        end = obedience.end_speed(plan.speed_xy_in_ego)
        slows = end < max(SLOW_MPS, 0.6 * speed)
        got = f"ends at {end:.1f} m/s"
        if expert.end_mps < SLOW_MPS and expert.cause in ("red", "yellow", "lead", "pedestrian"):
            cases.append(
                Case("decision", f"slows for {expert.cause}", slows, str(frame[0]), f"{speed:.1f} m/s", "slow", got)
            )
        elif expert.end_mps > speed - 0.5:
            cases.append(Case("decision", "drives on", not slows, str(frame[0]), f"{speed:.1f} m/s", "drive on", got))
    path, pace = np.array(errors).T if errors else (np.zeros(1), np.zeros(1))
    figures = _shares(cases)
    figures |= {"path_ade_m": round(float(path.mean()), 3), "speed_ade_m": round(float(pace.mean()), 3)}
    return figures, cases


def _errors(plan: DrivePlan, expert: Rolled) -> tuple[float, float]:
    path = np.hypot(*(plan.path_xy_in_ego - expert.path).T).mean()
    pace = np.hypot(*(plan.speed_xy_in_ego - expert.speed).T).mean()
    return float(path), float(pace)


# ---- words -----------------------------------------------------------------------------------------------------------


def vqa(driver: FrameDriver, frames: Sequence[Frame], seed: int) -> tuple[dict[str, Any], list[Case]]:
    """Exact answers, by family, against always giving the family's commonest answer."""
    rng = np.random.default_rng(seed)
    cases: list[Case] = []
    for k, frame in enumerate(frames):
        speed = labels.sampled_speed(frame[1], rng)
        rolled = roll_out(frame[1], Kind.NONE, speed)
        question, expected, family = questions.ask(frame[1], speed, rolled, rng, unseen=k % 2 == 0)
        said = driver.answer(driver.show(frame, speed, rng), question)
        cases.append(Case("vqa", family, same_words(said, expected), str(frame[0]), question, expected, said))
    figures = _shares(cases)
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for case in cases:
        answers[case.category][case.expected] += 1
    guessed = sum(counts.most_common(1)[0][1] for counts in answers.values())
    figures["majority_guess"] = round(guessed / max(1, len(cases)), 3)
    return figures, cases


def commentary(driver: FrameDriver, frames: Sequence[Frame], seed: int) -> tuple[dict[str, Any], list[Case]]:
    """The whole sentence, its action, and its cause; numbers count in the whole sentence only."""
    rng = np.random.default_rng(seed)
    cases: list[Case] = []
    for frame in frames:
        speed = labels.sampled_speed(frame[1], rng)
        rolled = roll_out(frame[1], Kind.NONE, speed)
        expected = sentences.commentary(frame[1], speed, rolled)
        said = driver.comment(driver.show(frame, speed, rng))
        for name, part in (("exact", split), ("action", action_of), ("cause", cause_of)):
            cases.append(Case("commentary", name, part(said) == part(expected), str(frame[0]), "", expected, said))
    return {name: share for name, share in _shares(cases).items() if name != "all"}, cases


ACTIONS = ("staying", "stopping", "slowing", "speeding", "keeping")
CAUSES = (
    "red",
    "yellow",
    "green",
    "pedestrian",
    "turn",
    "bend",
    "clear",
    "car",
    "van",
    "truck",
    "bus",
    "motorcycle",
    "bicycle",
)


def action_of(text: str) -> str:
    return next((word for word in split(text) if word in ACTIONS), "")


def cause_of(text: str) -> str:
    return next((word for word in split(text) if word in CAUSES), "")


def _shares(cases: Sequence[Case], by_suite: bool = False) -> dict[str, Any]:
    """Right answers as shares, of all and of each category, with how many were judged."""
    found: dict[str, list[bool]] = defaultdict(list)
    for case in cases:
        found["all"].append(case.is_right)
        found[f"{case.suite}/{case.category}" if by_suite else case.category].append(case.is_right)
        if by_suite:
            found[case.suite].append(case.is_right)
    return {
        name: {"share": round(sum(right) / len(right), 3), "of": len(right)} for name, right in sorted(found.items())
    }


def suites(
    driver: Driver, frames: Sequence[Frame], per_category: int, seed: int, say: Says
) -> tuple[dict[str, Any], list[Case]]:
    """Every open-loop figure of a driver that looks at pictures."""
    shown = FrameDriver(driver)
    figures: dict[str, Any] = {"frames": len(frames)}
    cases: list[Case] = []
    for name, suite in (
        ("dream", lambda: dream(shown, frames, per_category, seed)),
        ("decisions", lambda: decisions(shown, frames, seed)),
        ("vqa", lambda: vqa(shown, frames, seed)),
        ("commentary", lambda: commentary(shown, frames, seed)),
    ):
        say(f"{name}: {len(frames)} held-out frames")
        figures[name], judged = suite()
        cases += judged
    return figures, cases
