"""Lines of SimLingo's benchmark, the picture it looks at, and the comparison of results. Any device."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from model import prompts
from model.simlingo import baseline, images
from model.simlingo.config import SimLingoConfig
from model.simlingo.runtime import Runtime, Waypoints

LARGEST_GAP_M = 1e-4


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `target` is in words; `reached` is None where nothing is demanded or it was not run."""

    what: str
    value: float | None
    unit: str
    target: str = ""
    reached: bool | None = None
    note: str = ""


def scene(config: SimLingoConfig) -> tuple[Tensor, prompts.Navigation]:
    """A picture of noise as tiles, and two target points."""
    noise = np.random.default_rng(7).integers(0, 256, (512, 1024, 3), np.uint8)
    tiles = images.normalised(torch.from_numpy(images.tiles(noise, config.tile_px)))
    return tiles, prompts.by_target_points([(12.0, 0.5), (30.0, 4.0)])


def farthest(ours: Waypoints, theirs: Waypoints) -> float:
    """The largest distance along x or y between two plans' points."""
    return float(max(np.abs(ours.path - theirs.path).max(), np.abs(ours.speed - theirs.speed).max()))


def parity(runtime: Runtime, words: int, name: str) -> list[Row]:
    """The same tokens and points as the published procedure after `words` generated tokens?"""
    tiles, navigation = scene(runtime.network.config)
    tiles, prompt = tiles.to(runtime.network.device), prompts.commentary(8.3, navigation)
    theirs_ids, theirs = baseline.frame(runtime, tiles, prompt, words)
    context = runtime.prompt(runtime.encode_tiles(tiles), prompt)
    ids = runtime.generate(context, words, is_endless=True)[0]
    gap = farthest(runtime.act(context)[0], theirs)
    same = sum(a == b for a, b in zip(ids, theirs_ids, strict=True))
    tokens, points = parity_rows(name, words, "")
    return [
        replace(tokens, value=same, reached=same == words),
        replace(points, value=gap, reached=gap <= LARGEST_GAP_M),
    ]


def parity_rows(name: str, words: int, note: str) -> list[Row]:
    """The rows of `parity` without their values."""
    return [
        Row(f"{name}: same token ids of {words}", None, "", "all", note=note),
        Row(f"{name}: farthest of path and speed points", None, "m", "<= 1e-4", note=note),
    ]
