"""Figures on frames of places the network was never trained on, looked at the same way every time. Needs torch.

Open loop: what the network says and plans for a picture, against what the teacher would. A sentence counts when every
word of it is right; said greedily it would then come out the same, so no free-running pass is needed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from model.pocket.config import CHOICES, FLAGS, LIGHTS
from model.pocket.network import Batch, Output, Pocket
from model.pocket.vision import CHOICE_SIZES
from model.pocket.vocabulary import Vocabulary
from model.training import batches
from model.training.batches import Labeller, Targets, View
from model.training.choices import UNKNOWN
from model.training.frames import Frames
from model.training.losses import answer_is_real
from model.training.recipe import SHIPPED, Recipe
from model.training.samples import Sample

# An instruction counts as obeyed when the plan ends this near the teacher's: the path's end, and the car after 2.5 s.
PATH_END_M, PLAN_END_M = 1.25, 1.5
NEAR_LIGHT_M = 30.0
# What the looks are for, the same in every run.
LOOK_SHARES = {"drive": 0.11, "commentary": 0.20, "vqa": 0.22, "dream": 0.47}

Sums = dict[str, tuple[float, float]]  # name -> (sum, count)


SEED = 7


def views(frames: Frames, labeller: Labeller, words: Vocabulary, count: int, recipe: Recipe = SHIPPED) -> list[View]:
    """`count` fixed looks at as many frames, spread over the split, through the eye of `recipe`."""
    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(len(frames))[:count]
    return [
        View(
            recipe.seen(frames.eye(i)),
            frames.facts[i],
            (batches.look(frames.facts[i], labeller, words, np.random.default_rng([SEED, i]), LOOK_SHARES),),
        )
        for i in chosen
    ]


@torch.no_grad()
def sums(network: Pocket, looks: Sequence[View], words: Vocabulary, batch_size: int = 32) -> Sums:
    """Sums and counts of every figure over `looks`, so that several processes can add theirs up."""
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for start in range(0, len(looks), batch_size):
        some = looks[start : start + batch_size]
        batch, wanted = batches.to(device, *batches.collate(some, words, None))
        for name, value, counts in _figures(network(batch), batch, wanted, some):
            found[name][0] += float((value.float() * counts.float()).sum())
            found[name][1] += float(counts.float().sum())
    network.train(was_training)
    return {name: (total, count) for name, (total, count) in found.items()}


def means(added: Sums) -> dict[str, float]:
    return {name: total / count for name, (total, count) in sorted(added.items()) if count}


def _figures(output: Output, batch: Batch, wanted: Targets, looks: Sequence[View]) -> list[tuple[str, Tensor, Tensor]]:
    everything = torch.ones_like(batch.speeds)
    path_error = (output.path - wanted.path).norm(dim=-1)
    speed_error = (output.speed - wanted.speed).norm(dim=-1)
    figures = [
        ("path_ade_m", path_error.mean(1), everything),
        ("speed_ade_m", speed_error.mean(1), everything),
        *_eyes(output, wanted),
        *_words(output, batch, looks),
    ]
    obeyed = (path_error[:, -1] < PATH_END_M) & (speed_error[:, -1] < PLAN_END_M)
    is_dream = _where(looks, lambda s: s.task == "dream", obeyed)
    at_once, guided = batch.acts_at_once, _where(looks, lambda s: s.target_points is not None, obeyed)
    figures += [
        ("obeys_at_once", obeyed, is_dream & at_once),
        ("obeys_after_words", obeyed, is_dream & ~at_once),
        ("path_ade_m/guided", path_error.mean(1), guided),
        ("path_ade_m/unguided", path_error.mean(1), ~guided),
    ]
    figures += [("obeys", obeyed, is_dream), ("reads", output.kinds.argmax(-1) == wanted.kinds, is_dream)]
    for kind in sorted({s.kind.value for s in map(_sample, looks) if s.task == "dream"}):
        is_kind = _where(looks, lambda s, k=kind: s.task == "dream" and s.kind.value == k, obeyed)
        figures.append((f"obeys/{kind}", obeyed, is_kind))
    plain = _where(looks, lambda s: s.task != "dream" and s.speed_mps > 2.0, obeyed)
    for cause, holds in _causes(wanted).items():
        figures.append((f"plan_end/{cause}", speed_error[:, -1] < PLAN_END_M, plain * holds))
    return figures


def _eyes(output: Output, wanted: Targets) -> list[tuple[str, Tensor, Tensor]]:
    """Lights, leaders and walkers, each as recall where there is one and correct silence where there is none, and every
    choice where a picture tells it."""
    light_m = wanted.measures[:, 0] * 10.0
    near = wanted.lights > 0
    near = near & (light_m < NEAR_LIGHT_M)
    figures = [
        ("light_near", output.seen.lights.argmax(-1) == wanted.lights, near),
        ("light_none", output.seen.lights.argmax(-1) == 0, wanted.lights == LIGHTS.index("none")),
    ]
    for name in ("lead", "pedestrian", "left_lane"):
        column = FLAGS.index(name)
        said, there = output.seen.flags[:, column] > 0, wanted.flags[:, column] > 0.5
        figures += [(f"{name}_found", said, there), (f"{name}_quiet", ~said, ~there)]
    chosen = output.seen.choices.split(CHOICE_SIZES, -1)
    for name, logits, right in zip(CHOICES, chosen, wanted.choices.unbind(-1), strict=True):
        figures.append((f"sees/{name}", logits.argmax(-1) == right, right != UNKNOWN))
    return figures


def _words(output: Output, batch: Batch, looks: Sequence[View]) -> list[tuple[str, Tensor, Tensor]]:
    right = ((output.words.argmax(-1) == batch.talk.answer_ids) | ~answer_is_real(batch.talk)).all(1)
    speaks = batch.talk.answer_lengths > 0
    figures = [("sentence", right, speaks)]
    for task in ("commentary", "vqa", "dream"):
        figures.append((f"sentence/{task}", right, _where(looks, lambda s, t=task: s.task == t, right)))
    return figures


def _causes(wanted: Targets) -> dict[str, Tensor]:
    lead, walker = wanted.flags[:, FLAGS.index("lead")] > 0.5, wanted.flags[:, FLAGS.index("pedestrian")] > 0.5
    red = wanted.lights == LIGHTS.index("red")
    return {"clear": ~lead & ~walker & ~red, "red": red, "lead": lead & ~red, "pedestrian": walker & ~red & ~lead}


def _where(looks: Sequence[View], holds: Callable[[Sample], bool], like: Tensor) -> Tensor:
    return torch.tensor([holds(_sample(v)) for v in looks], device=like.device)


def _sample(view: View) -> Sample:
    return view.looks[0].sample
