"""Frames and samples -> padded tensors of one training step. Runs in the training process, on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model import prompts
from model.pocket.network import Batch
from model.pocket.vocabulary import Tokens, Vocabulary
from model.training import labels, targets
from model.training.samples import FrameFacts, Sample
from sim_bridge.messages import RouteCommand

# Shares of what a view is shown for. The dreams carry the instructions; most of them are obeyed, some refused.
TASK_SHARES = {"drive": 0.11, "commentary": 0.20, "vqa": 0.22, "dream": 0.47}
ACT_AT_ONCE_SHARE = 0.5
# Of the views whose target points are dropped, how many are told the navigator's command instead.
COMMAND_SHARE = 0.5
# Of the instructions and questions, how many have one word hidden, so that an unknown word is nothing new.
HIDE_WORD_SHARE = 0.08
# Of the speeds asked for, how many lose their unit: people type "keep 5".
DROP_UNIT_SHARE = 0.2
GAIN, OFFSET = 0.15, 0.15 * 60.0  # per picture, and per channel in grey levels

Labeller = Callable[[FrameFacts, np.random.Generator, str], Sample]


class Targets(NamedTuple):
    path: Tensor  # (B, 20, 2)
    speed: Tensor  # (B, 10, 2)
    kinds: Tensor  # (B,), IGNORED_KIND where no instruction was shown
    cells: Tensor  # (B, 96)
    lights: Tensor  # (B,)
    flags: Tensor  # (B, flags)
    flags_known: Tensor
    measures: Tensor  # (B, measures)
    measures_known: Tensor


class View(NamedTuple):
    """One frame looked at once."""

    eye: npt.NDArray[np.uint8]
    facts: FrameFacts
    sample: Sample
    tokens: Tokens
    answer: npt.NDArray[np.int64]
    acts_at_once: bool


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


def view(
    eye: npt.NDArray[np.uint8], facts: FrameFacts, labeller: Labeller, words: Vocabulary, rng: np.random.Generator
) -> View:
    """One look at a frame: a task drawn by TASK_SHARES, its labels, and its tokens."""
    task = str(rng.choice(list(TASK_SHARES), p=list(TASK_SHARES.values())))
    sample = labeller(facts, rng, task)
    shown = prompt(sample, navigation(facts, sample, rng))
    tokens = words.read(shown)
    if shown.user and rng.random() < HIDE_WORD_SHARE:
        tokens = _hide_word(tokens, words, rng)
    if shown.user and rng.random() < DROP_UNIT_SHARE:
        tokens = _without_unit(tokens, words)
    answer = words.spell(prompts.bare_answer(sample.answer_text)) if sample.task != "drive" else np.zeros(0, np.int64)
    return View(eye, facts, sample, tokens, answer, bool(rng.random() < ACT_AT_ONCE_SHARE))


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
    """(B, H, W, 3) uint8 -> float32 with a random gain and colour offset per picture. No flips: left stays left."""
    count = len(eyes)
    gain = rng.uniform(1 - GAIN, 1 + GAIN, (count, 1, 1, 1)).astype(np.float32)
    offset = rng.uniform(-OFFSET, OFFSET, (count, 1, 1, 3)).astype(np.float32)
    return eyes.astype(np.float32) * gain + offset


def collate(views: Sequence[View], words: Vocabulary, rng: np.random.Generator | None) -> tuple[Batch, Targets]:
    """Views -> tensors. Without `rng` the pictures stay as they are (held-out figures)."""
    eyes = np.stack([v.eye for v in views])
    ids = _padded([v.tokens.ids for v in views], words.pad)
    values = np.zeros((*ids.shape, 2), np.float32)
    for row, v in enumerate(views):
        values[row, : len(v.tokens.ids)] = v.tokens.values
    batch = Batch(
        torch.from_numpy(eyes if rng is None else augmented(eyes, rng)),
        torch.from_numpy(ids),
        torch.from_numpy(values),
        torch.tensor([len(v.tokens.ids) for v in views]),
        torch.from_numpy(_padded([v.answer for v in views], words.pad)),
        torch.tensor([len(v.answer) for v in views]),
        torch.tensor([v.acts_at_once for v in views]),
        torch.tensor([v.sample.speed_mps for v in views], dtype=torch.float32),
    )
    return batch, _targets(views)


def _targets(views: Sequence[View]) -> Targets:
    facts = [targets.aux(v.sample.aux) for v in views]
    return Targets(
        torch.from_numpy(np.stack([v.sample.path for v in views]).astype(np.float32)),
        torch.from_numpy(np.stack([v.sample.speed for v in views]).astype(np.float32)),
        torch.tensor([targets.kind(v.sample) for v in views]),
        torch.from_numpy(np.stack([targets.cells(v.facts.seen) for v in views])),
        torch.tensor([f.light for f in facts]),
        *(torch.from_numpy(np.stack([getattr(f, name) for f in facts])) for name in targets.Aux._fields[1:]),
    )


def _padded(rows: Sequence[npt.NDArray[np.int64]], pad: int) -> npt.NDArray[np.int64]:
    out = np.full((len(rows), max(1, *(len(row) for row in rows))), pad, np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def to(device: torch.device, batch: Batch, wanted: Targets) -> tuple[Batch, Targets]:
    if device.type == "cpu":
        return batch, wanted
    return (
        Batch(*(t.to(device, non_blocking=True) for t in batch)),
        Targets(*(t.to(device, non_blocking=True) for t in wanted)),
    )
