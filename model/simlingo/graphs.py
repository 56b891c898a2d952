"""Reading on a GPU: fixed buffers, and passes captured once as CUDA graphs and replayed. One thread.

A pass of 31 tokens over 24 layers is some 500 kernel launches, which take longer than the kernels; a replay is one.
Pass lengths are rounded up to a bucket: what a pass writes behind its real tokens is overwritten by the next one and
hidden from it by causal order. There is one set of buffers; a context that is not in it is kept as a copy and loaded
when its turn comes (some 7 MB, microseconds on a GPU). Batches go to the eager reader.

`is_captured=False` runs the same passes without graphs on any device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from model.simlingo.cache import FixedKeys, GrowingKeys
from model.simlingo.config import HEAD_DIM
from model.simlingo.context import Context
from model.simlingo.network import SimLingo
from model.simlingo.reading import EagerReader

# One word; the action pass; prompts; the picture; picture, prompt and queries in one; and the longest of those.
BUCKETS = (1, 32, 64, 96, 160, 256, 384, 528, 576, 608, 672, 960)
WARM_UP_RUNS = 3  # before a capture, so that libraries have chosen their kernels and workspaces


class ContextFull(RuntimeError):
    """More was said behind one picture than the buffers hold."""


@dataclass(eq=False)
class LaneKeys:
    """A context's place: the first `length` slots of the lane's buffers while it is `resident`, else `saved`."""

    reader: GraphReader
    length: int = 0
    saved: Tensor | None = None

    def fork(self) -> LaneKeys:
        return LaneKeys(self.reader, self.length, self.copy())

    def copy(self) -> Tensor | None:
        """(layers, 2, 1, kv_heads, length, head_dim), never written again."""
        if self.reader.resident is self:
            return self.reader.keys.buffer[..., : self.length, :].clone()
        return self.saved

    def repeated(self, batch: int) -> GrowingKeys:
        buffer = self.copy()
        assert buffer is not None, "a context is repeated only after its picture is read"
        one_row = [(keys[:, :, : self.length], values[:, :, : self.length]) for keys, values in buffer]
        return GrowingKeys(one_row).repeated(batch)


class GraphReader:
    """Reads one row at a time on fixed buffers."""

    def __init__(self, network: SimLingo, capacity: int = 1024, is_captured: bool = True) -> None:
        config = network.config
        self.network, self.is_captured = network, is_captured
        self.eager = EagerReader(network)
        like = network.language.model.embed_tokens.weight
        self.keys = FixedKeys(config.layers, config.kv_heads, capacity, HEAD_DIM, like)
        self.resident: LaneKeys | None = None
        self._passes: dict[int, Pass] = {}
        self._vision: Replay | None = None

    def blank(self) -> LaneKeys:
        return LaneKeys(self)

    @torch.inference_mode()
    def see(self, tiles: Tensor) -> Tensor:
        tiles = tiles.to(self.network.dtype)
        if self._vision is None:
            self._vision = Replay(self.network.see, tiles.clone(), self.is_captured)
        return self._vision(tiles)

    @torch.inference_mode()
    def read(self, context: Context, embeddings: Tensor, valid: Tensor) -> Tensor:
        if not isinstance(context.keys, LaneKeys):
            return self.eager.read(context, embeddings, valid)
        count = embeddings.shape[1]
        bucket = next((size for size in BUCKETS if size >= count), count)
        if context.keys.length + bucket > self.keys.capacity:
            raise ContextFull(f"one frame's words fill all {self.keys.capacity} slots: ask again on a new frame")
        if bucket not in self._passes:
            self._evict()  # a capture writes over the first slots
            self._passes[bucket] = Pass(self.network, self.keys, bucket, self.is_captured)
        self._make_resident(context.keys)
        hidden = self._passes[bucket](embeddings, context.keys.length)
        context.keys.length += count
        context.valid = torch.cat([context.valid, valid], 1)
        context.positions = context.positions + count
        return hidden

    def forget(self, context: Context, slots: int) -> None:
        if not isinstance(context.keys, LaneKeys):
            self.eager.forget(context, slots)
            return
        context.keys.length -= slots
        context.positions = context.positions - slots
        context.valid = context.valid[:, :-slots]

    def _make_resident(self, keys: LaneKeys) -> None:
        if self.resident is keys:
            return
        self._evict()
        if keys.saved is not None:
            self.keys.buffer[..., : keys.length, :].copy_(keys.saved[..., : keys.length, :])
        self.resident, keys.saved = keys, None

    def _evict(self) -> None:
        if self.resident is not None:
            self.resident.saved = self.resident.copy()
            self.resident = None


class Pass:
    """The language model over `bucket` tokens of one row, from any slot on."""

    def __init__(self, network: SimLingo, keys: FixedKeys, bucket: int, is_captured: bool) -> None:
        like = network.language.model.embed_tokens.weight
        self.body, self.keys = network.language.model, keys
        self.offsets = torch.arange(bucket, device=like.device)
        self.where = self.offsets.clone()
        self.slots = torch.arange(keys.capacity, device=like.device)
        blank = torch.zeros(1, bucket, network.config.width, dtype=like.dtype, device=like.device)
        self.replay = Replay(self._run, blank, is_captured)

    def __call__(self, embeddings: Tensor, start: int) -> Tensor:
        """(1, n, width) with n up to the bucket -> hidden states (1, n, width), good until the next pass."""
        torch.add(self.offsets, start, out=self.where)
        return self.replay(embeddings)[:, : embeddings.shape[1]]

    def _run(self, embeddings: Tensor) -> Tensor:
        self.keys.where = self.where
        mask = (self.slots[None] <= self.where[:, None])[None, None]  # (1, 1, bucket, capacity)
        return self.body(
            inputs_embeds=embeddings,
            position_ids=self.where[None],
            attention_mask={"full_attention": mask},
            past_key_values=self.keys,
            use_cache=True,
        ).last_hidden_state


class Replay:
    """One function of one tensor, captured as a CUDA graph where `is_captured`. Input and output never move.

    A shorter input fills the front of the captured one; the rest keeps what it held.
    """

    def __init__(self, work: Callable[[Tensor], Tensor], example: Tensor, is_captured: bool) -> None:
        self.work, self.input = work, example
        self.graph: torch.cuda.CUDAGraph | None = None
        if is_captured:
            self._capture()

    def _capture(self) -> None:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_RUNS):
                self.work(self.input)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.output = self.work(self.input)

    def __call__(self, given: Tensor) -> Tensor:
        self.input[:, : given.shape[1]].copy_(given)
        if self.graph is None:
            return self.work(self.input)
        self.graph.replay()
        return self.output
