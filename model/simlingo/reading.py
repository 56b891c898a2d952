"""Passes over the language model: embeddings in, hidden states out, the context one stretch longer. One thread.

`EagerReader` takes any batch and length and is what a CPU uses. `graphs.py` has the reader for CUDA.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from model.simlingo.cache import GrowingKeys
from model.simlingo.context import Context
from model.simlingo.network import SimLingo


class Reader(Protocol):
    def see(self, tiles: Tensor) -> Tensor:
        """Tiles (1, 2, 3, px, px) -> image tokens (1, image_tokens, width)."""

    def blank(self) -> Any:
        """Keys of a context that has read nothing."""

    def read(self, context: Context, embeddings: Tensor, valid: Tensor) -> Tensor:
        """Reads (B, n, width), real where `valid` (B, n), into `context` -> hidden states after the last norm."""

    def forget(self, context: Context, slots: int) -> None:
        """Undoes the newest `slots` of a context."""

    def prepare(self) -> None:
        """Does once what the first frames would otherwise wait for."""


def visible(read: Tensor, new: Tensor, is_ragged: bool) -> Tensor | None:
    """Which slots each new token may look at, (B, 1, n, slots + n) bool; None where plain causal order says it all.

    `read` (B, slots) and `new` (B, n) say which slots hold real tokens; all do unless `is_ragged`.
    """
    slots, n = read.shape[1], new.shape[1]
    if not is_ragged and (n == 1 or slots == 0):
        return None
    everything = torch.cat([read, new], 1)
    index = torch.arange(slots + n, device=new.device)
    causal = index[None, :] <= index[slots:, None]
    return causal[None, None] & everything[:, None, None, :]


class EagerReader:
    """Plain calls on a growing cache."""

    def __init__(self, network: SimLingo) -> None:
        self.network = network
        self.body = network.language.model

    def see(self, tiles: Tensor) -> Tensor:
        return self.network.see(tiles)

    def blank(self) -> GrowingKeys:
        return GrowingKeys()

    def read(self, context: Context, embeddings: Tensor, valid: Tensor) -> Tensor:
        positions = context.positions[:, None] + valid.cumsum(1) - 1
        keys = context.keys.fork()  # a pass that is given up between two layers leaves nothing behind
        hidden = self.body(
            inputs_embeds=embeddings,
            position_ids=positions.clamp(min=0),
            attention_mask={"full_attention": visible(context.valid, valid, context.is_ragged)},
            past_key_values=keys,
            use_cache=True,
        ).last_hidden_state
        context.keys = keys
        context.valid = torch.cat([context.valid, valid], 1)
        context.positions = context.positions + valid.sum(1)
        return hidden

    def forget(self, context: Context, slots: int) -> None:
        context.keys.forget(slots)
        context.positions = context.positions - context.valid[:, -slots:].sum(1)
        context.valid = context.valid[:, :-slots]

    def prepare(self) -> None:
        """Plain calls need nothing."""


def fitting_reader(network: SimLingo) -> Reader:
    """CUDA graphs where the network is on a GPU, plain calls elsewhere."""
    if network.device.type != "cuda":
        return EagerReader(network)
    from model.simlingo.graphs import GraphReader
    from model.simlingo.recording import CudaGraphs

    return GraphReader(network, record=CudaGraphs(network.device))
