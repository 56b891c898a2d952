"""Frames and samples -> padded tensors of one training step. Runs in the training process, on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model import prompts
from model.pocket.network import Batch, Talk
from model.pocket.vocabulary import Tokens, Vocabulary
from model.training import choices, labels, phrases, questions, targets
from model.training.courtesy import tersely
from model.training.recipe import SHIPPED, Recipe
from model.training.samples import FrameFacts, Sample
from sim_bridge.messages import RouteCommand

# Shares of what a conversation is for. The dreams carry the instructions; most of them are obeyed, some refused.
TASK_SHARES = {"drive": 0.12, "commentary": 0.14, "vqa": 0.12, "dream": 0.62}
ASIDE_SHARES = {"commentary": 0.24, "vqa": 0.64, "dream": 0.12}
# Of the views whose target points are dropped, how many are told the navigator's command instead.
COMMAND_SHARE = 0.5
# Of the instructions and questions, how many have one word hidden, so that an unknown word is nothing new.
HIDE_WORD_SHARE = 0.08
# Of the instructions and questions, how many are written as a hurried hand does.
TERSE_SHARE = 0.12
# Of the speeds asked for, how many lose their unit: people type "keep 5".
DROP_UNIT_SHARE = 0.2
GAIN, OFFSET = 0.15, 0.15 * 60.0  # per picture, and per channel in grey levels

Labeller = Callable[[FrameFacts, np.random.Generator, str], Sample]


class Targets(NamedTuple):
    """What should come out for B pictures and the M conversations about them that end in a plan."""

    path: Tensor  # (M, 20, 2)
    speed: Tensor  # (M, 10, 2)
    kinds: Tensor  # (M,), IGNORED_KIND where no instruction was shown
    cells: Tensor  # (B, 192)
    lights: Tensor  # (B,)
    flags: Tensor  # (B, flags)
    flags_known: Tensor
    measures: Tensor  # (B, measures)
    measures_known: Tensor
    choices: Tensor  # (B, choices), UNKNOWN where there is nothing to choose


class Look(NamedTuple):
    """One conversation about a frame."""

    sample: Sample
    tokens: Tokens
    answer: npt.NDArray[np.int64]
    acts_at_once: bool


class View(NamedTuple):
    """One frame with what is said about it."""

    eye: npt.NDArray[np.uint8]
    facts: FrameFacts
    looks: tuple[Look, ...]
    asides: tuple[Look, ...] = ()


def navigation(facts: FrameFacts, sample: Sample, rng: np.random.Generator) -> prompts.Navigation:
    """How the navigator shows the way in this view: target points, a command, or not at all."""
    if sample.target_points is not None:
        return prompts.by_target_points(sample.target_points)
    if sample.kind not in labels.TURNS and rng.random() < COMMAND_SHARE:
        command, then = RouteCommand(facts.command), RouteCommand(facts.next_command)
        return prompts.by_command(command, facts.command_distance_m, then)
    return prompts.NO_NAVIGATION


def prompt(sample: Sample, way: prompts.Navigation) -> prompts.Prompt:
    """The prompt of a sample's task."""
    if sample.task == "drive":
        return prompts.driving(sample.speed_mps, way)
    if sample.task == "commentary":
        return prompts.commentary(sample.speed_mps, way)
    if sample.task == "vqa":
        return prompts.question(sample.speed_mps, way, sample.question)
    if sample.task == "dream":
        return prompts.dream(sample.speed_mps, way, sample.instruction, sample.mode)
    raise ValueError(f"expected a task of {sorted(TASK_SHARES)}, got {sample.task!r}")


def look(
    facts: FrameFacts,
    labeller: Labeller,
    words: Vocabulary,
    rng: np.random.Generator,
    shares: Mapping[str, float] = TASK_SHARES,
    acts_at_once: float = SHIPPED.acts_at_once,
) -> Look:
    """One conversation about a frame: a task drawn by `shares`, its labels, and its tokens."""
    task = str(rng.choice(list(shares), p=list(shares.values())))
    sample = labeller(facts, rng, task)
    if rng.random() < TERSE_SHARE:
        sample = _tersely(sample, rng)
    shown = prompt(sample, navigation(facts, sample, rng))
    tokens = words.read(shown)
    if shown.user and rng.random() < HIDE_WORD_SHARE:
        tokens = _hide_word(tokens, words, rng)
    if shown.user and rng.random() < DROP_UNIT_SHARE:
        tokens = _without_unit(tokens, words)
    answer = words.spell(prompts.bare_answer(sample.answer_text)) if sample.task != "drive" else np.zeros(0, np.int64)
    return Look(sample, tokens, answer, bool(rng.random() < acts_at_once))


def view(
    eye: npt.NDArray[np.uint8],
    facts: FrameFacts,
    words: Vocabulary,
    rng: np.random.Generator,
    recipe: Recipe = SHIPPED,
) -> View:
    """A frame with all the conversations of one training view."""
    labeller = partial(labels.sample, targets_dropped=recipe.targets_dropped)
    plans = [look(facts, labeller, words, rng, acts_at_once=recipe.acts_at_once) for _ in range(recipe.plans)]
    asides = [look(facts, labeller, words, rng, ASIDE_SHARES) for _ in range(recipe.asides)]
    return View(recipe.seen(eye), facts, tuple(plans), tuple(asides))


def _tersely(sample: Sample, rng: np.random.Generator) -> Sample:
    """The same view with little words left out of what the person says."""
    return replace(
        sample,
        instruction=tersely(sample.instruction, phrases.KEPT, rng),
        question=tersely(sample.question, questions.KEPT, rng),
    )


def _hide_word(tokens: Tokens, words: Vocabulary, rng: np.random.Generator) -> Tokens:
    """An unknown word put in somewhere among the person's words: the meaning is still all there."""
    start = len(tokens.ids) - int(rng.integers(0, 4))
    at = max(start, 1)
    ids = np.insert(tokens.ids, at, words.unknown)
    return Tokens(ids, np.insert(tokens.values, at, 0.0, axis=0))


def _without_unit(tokens: Tokens, words: Vocabulary) -> Tokens:
    """The same words with the unit behind a number gone; every number in them is in m/s already."""
    behind_number = np.concatenate([[False], tokens.ids[:-1] == words.valued[1]])
    kept = ~(behind_number & (tokens.ids == words.mps))
    return Tokens(tokens.ids[kept], tokens.values[kept])


def augmented(eyes: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """(B, views, H, W, 3) uint8 -> float32 with a random gain and colour offset per picture, the same in its views. No
    flips: left stays left."""
    count = len(eyes)
    gain = rng.uniform(1 - GAIN, 1 + GAIN, (count, 1, 1, 1, 1)).astype(np.float32)
    offset = rng.uniform(-OFFSET, OFFSET, (count, 1, 1, 1, 3)).astype(np.float32)
    return eyes.astype(np.float32) * gain + offset


def collate(views: Sequence[View], words: Vocabulary, rng: np.random.Generator | None) -> tuple[Batch, Targets]:
    """Views -> tensors. Without `rng` the pictures stay as they are (held-out figures)."""
    eyes = np.stack([v.eye for v in views])
    looks = [one for v in views for one in v.looks]
    asides = [v.asides for v in views]
    batch = Batch(
        torch.from_numpy(eyes if rng is None else augmented(eyes, rng)),
        _talk([v.looks for v in views], words),
        torch.tensor([one.acts_at_once for one in looks]),
        torch.tensor([one.sample.speed_mps for one in looks], dtype=torch.float32),
        _talk(asides, words) if any(asides) else None,
    )
    return batch, _targets(views, looks)


def _talk(of_pictures: Sequence[Sequence[Look]], words: Vocabulary) -> Talk:
    looks = [one for some in of_pictures for one in some]
    ids = _padded([one.tokens.ids for one in looks], words.pad)
    values = np.zeros((*ids.shape, 2), np.float32)
    for row, one in enumerate(looks):
        values[row, : len(one.tokens.ids)] = one.tokens.values
    return Talk(
        torch.tensor([picture for picture, some in enumerate(of_pictures) for _ in some]),
        torch.from_numpy(ids),
        torch.from_numpy(values),
        torch.tensor([len(one.tokens.ids) for one in looks]),
        torch.from_numpy(_padded([one.answer for one in looks], words.pad)),
        torch.tensor([len(one.answer) for one in looks]),
    )


def _targets(views: Sequence[View], looks: Sequence[Look]) -> Targets:
    # What the picture shows is the same in every conversation about it.
    facts = [targets.aux(v.looks[0].sample.aux) for v in views]
    return Targets(
        torch.from_numpy(np.stack([one.sample.path for one in looks]).astype(np.float32)),
        torch.from_numpy(np.stack([one.sample.speed for one in looks]).astype(np.float32)),
        torch.tensor([targets.kind(one.sample) for one in looks]),
        torch.from_numpy(np.stack([targets.cells(v.facts.seen) for v in views])),
        torch.tensor([f.light for f in facts]),
        *(torch.from_numpy(np.stack([getattr(f, name) for f in facts])) for name in targets.Aux._fields[1:]),
        torch.from_numpy(np.stack([choices.choices(v.facts) for v in views])),
    )


def _padded(rows: Sequence[npt.NDArray[np.int64]], pad: int) -> npt.NDArray[np.int64]:
    out = np.full((len(rows), max(1, *(len(row) for row in rows))), pad, np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def to(device: torch.device, batch: Batch, wanted: Targets) -> tuple[Batch, Targets]:
    if device.type == "cpu":
        return batch, wanted
    moved = Batch(
        batch.eyes.to(device, non_blocking=True),
        Talk(*(t.to(device, non_blocking=True) for t in batch.talk)),
        batch.acts_at_once.to(device, non_blocking=True),
        batch.speeds.to(device, non_blocking=True),
        batch.asides and Talk(*(t.to(device, non_blocking=True) for t in batch.asides)),
    )
    return moved, Targets(*(t.to(device, non_blocking=True) for t in wanted))
