"""One reading: picture, prompt and the words said so far, as the language model holds them. One thread at a time.

A context is extended only by the runtime. `pending` embeddings are decided but not yet read, so that a prompt and the
action queries behind it cost one pass; `fork` copies no tensor of keys that it can share.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(slots=True, eq=False)
class Context:
    """`keys` belongs to the reader that made it. Tensors are (B, ...); rows share slots, positions are their own."""

    keys: Any
    positions: Tensor  # (B,) how many real tokens a row has read, which is its next rotary position
    valid: Tensor  # (B, slots) which slots hold a real token of the row
    pending: Tensor  # (B, n, width)
    pending_valid: Tensor  # (B, n)
    hidden: Tensor | None = None  # (B, width) of the last real token read
    said: list[list[int]] = field(default_factory=list)  # generated ids per row, with the end token
    ended: list[bool] = field(default_factory=list)  # rows whose end token is said
    is_ragged: bool = False  # whether some slot is not a real token of its row: known here, a GPU is not asked

    @property
    def rows(self) -> int:
        return self.positions.shape[0]

    def fork(self) -> Context:
        """A context that reads on by itself from here."""
        twin = copy.copy(self)
        twin.keys = self.keys.fork()
        twin.said = [list(row) for row in self.said]
        twin.ended = list(self.ended)
        return twin

    def append(self, embeddings: Tensor, valid: Tensor) -> None:
        """Decides what is read next."""
        self.pending = torch.cat([self.pending, embeddings], 1)
        self.pending_valid = torch.cat([self.pending_valid, valid], 1)
