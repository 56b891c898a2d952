"""One look of SimLingo at a stored frame: a task, its prompt and answer in the published wording, and the plan. Pure.

Shares follow what is published of the original's mix: half of the views dream, half are the expert's; of those half
are questions and a third commentary; now and then the commentary is given and only the plan is asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model import prompts
from model.prompts import Navigation, Prompt
from model.simlingo.driver import FOLLOWING
from model.training import labels, sentences
from model.training.samples import FrameFacts, Sample
from sim_bridge.messages import InstructionMode, RouteCommand

MIX = {"dream": 0.5, "vqa": 0.25, "commentary": 0.175, "given": 0.0375, "drive": 0.0375}
POINTS_SHARE = 0.5  # of the views, how many are led by target points; the rest are told a command
DREAM_NAVIGATION_SHARE = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What is read and what is to be said and planned. `answer` is without the end token."""

    jpeg: Path
    task: str
    prompt: Prompt
    answer: str
    path: npt.NDArray[np.float32]  # (20, 2)
    speed: npt.NDArray[np.float32]  # (10, 2)


def view(jpeg: Path, facts: FrameFacts, rng: np.random.Generator, task: str | None = None) -> View:
    """A fresh view of a frame, of `task` or one drawn by MIX."""
    task = task or str(rng.choice(list(MIX), p=list(MIX.values())))
    if task not in MIX:
        raise ValueError(f"expected a task of {tuple(MIX)}, got {task!r}")
    sample = labels.sample(facts, rng, "commentary" if task == "given" else task)
    prompt = _prompt(task, sample, navigation(facts, sample, rng), rng)
    return View(jpeg, task, prompt, _answer(task, sample), sample.path, sample.speed)


def navigation(facts: FrameFacts, sample: Sample, rng: np.random.Generator) -> Navigation:
    """By target points or by the navigator's command; a dream goes without now and then."""
    if sample.task == "dream" and rng.random() > DREAM_NAVIGATION_SHARE:
        return prompts.NO_NAVIGATION
    if sample.target_points is not None and rng.random() < POINTS_SHARE:
        return prompts.by_target_points(sample.target_points)
    command, then = RouteCommand(facts.command), RouteCommand(facts.next_command)
    return prompts.by_command(command, facts.command_distance_m, then)


def _prompt(task: str, sample: Sample, hint: Navigation, rng: np.random.Generator) -> Prompt:
    speed = sample.speed_mps
    if task == "given":
        return _given(speed, hint, prompts.bare_answer(sample.answer_text), rng.random() < 0.5)
    if task == "vqa":
        return prompts.question(speed, hint, sample.question)
    if task == "dream":
        return prompts.dream(speed, hint, sample.instruction, sample.mode)
    return prompts.commentary(speed, hint) if task == "commentary" else prompts.driving(speed, hint)


def _given(speed_mps: float, hint: Navigation, words: str, is_command: bool) -> Prompt:
    """The commentary is told and only the plan is asked for, beside the navigator's hint or in its place."""
    shown = Navigation(f"Command: {words}") if is_command else Navigation(f"{hint.text} {words}", hint.target_points)
    return prompts.driving(speed_mps, shown)


def _answer(task: str, sample: Sample) -> str:
    if task == "dream":
        declines = sample.mode is InstructionMode.SAFETY and is_refusal(sample.answer_text)
        return prompts.answer("dream", sample.answer_text if declines else FOLLOWING)
    return prompts.answer("drive" if task == "given" else task, "" if task == "given" else sample.answer_text)


_REFUSED = re.compile("|".join(re.sub(r"\\{\w+\\}", r"\\w+", re.escape(text)) for text in sentences.REFUSALS.values()))


def is_refusal(reply: str) -> bool:
    """Whether a reply declines what was asked."""
    return bool(_REFUSED.match(prompts.bare_answer(reply)))
