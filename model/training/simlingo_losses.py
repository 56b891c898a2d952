"""SimLingo's two losses: the next word over the answer, and smooth L1 on path and speed, weight one each. Needs torch.

Layout of one row: picture, prompt, answer with its end token, 30 queries, then padding, which causal order hides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from model.simlingo import images
from model.simlingo.config import QUERIES
from model.simlingo.network import SimLingo
from model.simlingo.runtime import placeholder_places
from model.simlingo.tokens import Words
from model.training.losses import points
from model.training.simlingo_views import View

# The words loss begins with the role header, as published: it is the same for every answer.
ROLE_HEADER = "<|im_start|>assistant\n"


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows of different lengths; `first_spoken` is where the role header begins in a row, `queries` where they do."""

    tiles: Tensor  # (B, 2, 3, px, px) uint8
    ids: list[Tensor]  # per row: picture, prompt and answer
    targets: list[Tensor]  # per row: (2, 2) or (0, 2) metres
    first_spoken: list[int]
    path: Tensor  # (B, 20, 2)
    speed: Tensor  # (B, 10, 2)

    def to(self, device: torch.device) -> Batch:
        moved = ([tensor.to(device) for tensor in rows] for rows in (self.ids, self.targets))
        tensors = (self.tiles, self.path, self.speed)
        tiles, path, speed = (tensor.to(device, non_blocking=True) for tensor in tensors)
        return Batch(tiles, *moved, self.first_spoken, path, speed)


def collate(views: Sequence[View], words: Words, network: SimLingo) -> Batch:
    """Views -> tensors on the CPU. Raises ValueError where a prompt's points and placeholders disagree."""
    picture = words.picture_ids(network.config.image_tokens)
    header = len(words.ids(ROLE_HEADER))
    ids, targets, first = [], [], []
    for view in views:
        prompt = words.prompt_ids(view.prompt.text)
        ids.append(torch.tensor([*picture, *prompt, *words.answer_ids(view.answer)]))
        first.append(len(picture) + len(prompt) - header)
        targets.append(torch.tensor(view.prompt.target_points, dtype=torch.float32).reshape(-1, 2))
    tiles = [images.cut(np.asarray(Image.open(view.jpeg).convert("RGB")), network.config.tile_px) for view in views]
    plans = (torch.from_numpy(np.stack([getattr(view, name) for view in views])) for name in ("path", "speed"))
    return Batch(torch.from_numpy(np.stack(tiles)), ids, targets, first, *plans)


def total(network: SimLingo, words: Words, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """The sum to minimise, and its parts for the log."""
    hidden = network.language.model(
        inputs_embeds=_sequence(network, words, batch), attention_mask={"full_attention": None}, use_cache=False
    ).last_hidden_state
    ends = [len(row) for row in batch.ids]
    asked = torch.stack([row[end : end + QUERIES] for row, end in zip(hidden, ends, strict=True)])
    path, speed = network.driving.points(asked)
    parts = {
        "words": _words(network, hidden, batch),
        "path": points(path, batch.path),
        "speed": points(speed, batch.speed),
    }
    return sum(parts.values()), parts


def _sequence(network: SimLingo, words: Words, batch: Batch) -> Tensor:
    """(B, N, width): every row's embeddings with its queries behind them, then zeros."""
    seen = network.see(images.normalised(batch.tiles))
    queries = network.driving.queries(1)[0]
    rows = []
    for ids, targets, image in zip(batch.ids, batch.targets, seen, strict=True):
        row = network.embed(ids).clone()
        row[ids == words.image] = image.to(row.dtype)
        if len(targets):
            row[placeholder_places(ids.tolist(), words, len(targets))] = network.embed_points(targets).to(row.dtype)
        rows.append(torch.cat([row, queries.to(row.dtype)]))
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def _words(network: SimLingo, hidden: Tensor, batch: Batch) -> Tensor:
    """Mean over all spoken tokens of the batch; a token is foretold by the position before it."""
    before = [
        row[first - 1 : len(ids) - 1] for row, ids, first in zip(hidden, batch.ids, batch.first_spoken, strict=True)
    ]
    spoken = torch.cat([ids[first:] for ids, first in zip(batch.ids, batch.first_spoken, strict=True)])
    return F.cross_entropy(network.word_scores(torch.cat(before)).float(), spoken)
