"""Pocket's losses and their weights. Needs torch."""

from __future__ import annotations

from collections.abc import Collection

import torch
import torch.nn.functional as F
from torch import Tensor

from model.pocket.config import CELL_CLASSES
from model.pocket.network import Batch, Output, Talk
from model.pocket.vision import CHOICE_SIZES, Seen
from model.training.batches import Targets
from model.training.choices import UNKNOWN
from model.training.targets import IGNORED_KIND

WEIGHTS = {
    "words": 1.0,
    "path": 2.0,
    "speed": 2.0,
    "path_steps": 2.0,
    "speed_steps": 2.0,
    "aux": 0.5,
    "cells": 2.0,
    "choices": 1.0,
    "kind": 0.3,
}
# The tracker steers by the path's first ten metres, where the way back to the lane is decimetres; with SimLingo's 1 m
# their squares vanish beside the far points, and a car that is a metre off drives on straight.
PATH_BETA_M = 0.2
# The points the tracker aims at below 10 m/s, 2.4 to 6 m ahead, weigh this much: where a car beside its lane is to go
# first is decimetres there, and a network that is right about the road 20 m ahead and wrong here drifts out of a bend.
NEAR_POINTS, NEAR_WEIGHT = 7, 4.0
# From one point to the next: a standing car's points coincide to centimetres, and a path that zigzags by a decimetre
# about the right line makes the wheel tremble. Both are nothing to the points' own loss.
STEP_BETA_M = 0.05
# Standing is no speed at all: below 0.1 m/s, which is 2.5 cm from one point to the next.
PACE_BETA_M = 0.015
STANDS_M, STANDS_WEIGHT = 0.02, 3.0
# Background fills nearly every cell. A lamp is in one cell of every fifth picture, walkers in a few cells of most, and
# the mean is over weights: what is weighted without need takes from the others.
CELL_WEIGHTS = {"nothing": 1.0, "vehicle": 3.0, "pedestrian": 20.0, "red": 40.0, "yellow": 40.0, "green": 40.0}
OTHER_CELL_WEIGHT = 8.0
# "Yes" or "No" is one of seven words and all that was asked.
FIRST_WORD_WEIGHT = 3.0
LIGHT_WEIGHT = 3.0  # of the whole picture's light among the other facts
PEDESTRIAN_FLAG = 2  # in config.FLAGS
PEDESTRIAN_WEIGHT, PEDESTRIAN_POSITIVE = 2.0, 5.0


def total(
    output: Output, batch: Batch, wanted: Targets, left_out: Collection[str] = ()
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum of what is not left out, and each part unweighted for the log."""
    parts = {
        "words": _words(output, batch),
        "path": points(output.path, wanted.path, PATH_BETA_M, _near(output.path.shape[1])),
        "speed": points(output.speed, wanted.speed),
        "path_steps": points(
            output.path.diff(dim=1), wanted.path.diff(dim=1), STEP_BETA_M, _near(output.path.shape[1] - 1)
        ),
        "speed_steps": _pace(output.speed.diff(dim=1), wanted.speed.diff(dim=1)),
        "aux": _whole_picture(output.seen, wanted),
        "cells": _cells(output.seen.cells, wanted.cells),
        "choices": _choices(output.seen.choices, wanted.choices),
        "kind": _kinds(output.kinds, wanted.kinds),
    }
    return sum(WEIGHTS[name] * part for name, part in parts.items() if name not in left_out), parts


def points(said: Tensor, wanted: Tensor, beta_m: float = 1.0, weights: Tensor | None = None) -> Tensor:
    """Smooth L1 summed over x and y, mean over points and batch, points weighted; SimLingo's beta is 1 m."""
    loss = F.smooth_l1_loss(said, wanted, reduction="none", beta=beta_m).sum(-1)
    return loss.mean() if weights is None else (loss * weights.to(loss.device)).mean()


def _pace(said: Tensor, wanted: Tensor) -> Tensor:
    """The loss of a plan's steps from one speed point to the next, (B, 9, 2); where it stands they weigh more."""
    stands = (wanted.norm(dim=-1) < STANDS_M).float()
    return points(said, wanted, PACE_BETA_M, 1.0 + (STANDS_WEIGHT - 1.0) * stands)


def _near(count: int) -> Tensor:
    """(count,) weights of a path's points from the car on."""
    weights = torch.ones(count)
    weights[:NEAR_POINTS] = NEAR_WEIGHT
    return weights


def answer_is_real(talk: Talk) -> Tensor:
    """(M, A): which answer tokens are not padding."""
    index = torch.arange(talk.answer_ids.shape[1], device=talk.answer_ids.device)
    return index[None] < talk.answer_lengths[:, None]


def _words(output: Output, batch: Batch) -> Tensor:
    """Mean over every word said, with a plan or aside."""
    spoken = [(output.words, batch.talk)]
    if output.asides is not None and batch.asides is not None:
        spoken.append((output.asides, batch.asides))
    losses, counts = zip(*(_word_losses(logits, talk) for logits, talk in spoken), strict=True)
    return sum(losses) / sum(counts).clamp(min=1)


def _word_losses(logits: Tensor, talk: Talk) -> tuple[Tensor, Tensor]:
    """The summed loss of what should be said, and the weights' sum; the first word decides most answers."""
    is_real = answer_is_real(talk)
    wanted = torch.where(is_real, talk.answer_ids, -100)
    loss = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=-100, reduction="none")
    weights = is_real.to(loss.dtype)
    weights[:, 0] *= FIRST_WORD_WEIGHT
    return (loss * weights.flatten()).sum(), weights.sum()


def _kinds(logits: Tensor, wanted: Tensor) -> Tensor:
    loss = F.cross_entropy(logits, wanted, ignore_index=IGNORED_KIND, reduction="sum")
    return loss / (wanted != IGNORED_KIND).sum().clamp(min=1)


def _cells(logits: Tensor, wanted: Tensor) -> Tensor:
    weights = torch.tensor([CELL_WEIGHTS.get(name, OTHER_CELL_WEIGHT) for name in CELL_CLASSES], device=logits.device)
    return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), weight=weights)


def _choices(logits: Tensor, wanted: Tensor) -> Tensor:
    """The mean over choices of each one's mean loss; one with nothing to choose in the whole batch adds nothing."""
    losses = [
        F.cross_entropy(part, right, ignore_index=UNKNOWN, reduction="sum") / (right != UNKNOWN).sum().clamp(min=1)
        for part, right in zip(logits.split(CHOICE_SIZES, -1), wanted.unbind(-1), strict=True)
    ]
    return torch.stack(losses).mean()


def _whole_picture(seen: Seen, wanted: Targets) -> Tensor:
    """Light, flags, and distances where they exist. A walker's flag counts double: it is rare and it matters most."""
    light = F.cross_entropy(seen.lights, wanted.lights)
    weight, positive = torch.ones_like(seen.flags[0]), torch.ones_like(seen.flags[0])
    weight[PEDESTRIAN_FLAG], positive[PEDESTRIAN_FLAG] = PEDESTRIAN_WEIGHT, PEDESTRIAN_POSITIVE
    flags = F.binary_cross_entropy_with_logits(
        seen.flags, wanted.flags, weight=weight * wanted.flags_known, pos_weight=positive, reduction="none"
    )
    measures = F.smooth_l1_loss(seen.measures, wanted.measures, reduction="none") * wanted.measures_known
    return LIGHT_WEIGHT * light + flags.mean(0).sum() + measures.mean(0).sum()
