"""Reading on a GPU: fixed buffers, and passes recorded once and replayed. One thread.

A pass of 31 tokens over 24 layers is some 500 kernel launches, which take longer than the kernels; a replay is one.
Pass lengths are rounded up to a bucket: what a pass writes behind its real tokens is overwritten by the next one and
hidden from it by causal order. There is one set of buffers; a context that is not in it is kept as a copy and loaded
when its turn comes (some 7 MB, microseconds on a GPU). Batches go to the eager reader.

Without a recorder the same passes run as plain calls, on any device.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from model.simlingo.cache import FixedKeys, GrowingKeys
from model.simlingo.config import HEAD_DIM, TILES
from model.simlingo.context import Context
from model.simlingo.network import SimLingo
from model.simlingo.reading import EagerReader
from model.simlingo.recording import Recorder

# One word; the action pass; prompts; the picture; picture, prompt and queries in one; and the longest of those.
BUCKETS = (1, 32, 64, 96, 160, 256, 384, 528, 576, 608, 672, 960)


class ContextFull(RuntimeError):
    """More was said behind one picture than the buffers hold."""


@dataclass(eq=False)
class LaneKeys:
    """A context's place: the first `length` slots of the lane's buffers while it is there, else `saved`."""

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

    def __init__(self, network: SimLingo, capacity: int = 1024, record: Recorder | None = None) -> None:
        config = network.config
        self.network, self.record = network, record
        self.eager = EagerReader(network)
        like = network.language.model.embed_tokens.weight
        self.keys = FixedKeys(config.layers, config.kv_heads, capacity, HEAD_DIM, like)
        self._resident: weakref.ref[LaneKeys] | None = None
        self._passes: dict[int, Pass] = {}
        self._vision: Replay | None = None

    @property
    def resident(self) -> LaneKeys | None:
        """Whose keys the buffers hold; None where nobody has them any more."""
        return self._resident() if self._resident else None

    def blank(self) -> LaneKeys:
        return LaneKeys(self)

    @torch.inference_mode()
    def prepare(self) -> None:
        """Records everything, the largest first, so that no frame waits for it or runs out of memory over it."""
        px, network = self.network.config.tile_px, self.network
        self.see(torch.zeros(1, TILES, 3, px, px, dtype=network.dtype, device=network.device))
        for bucket in sorted(BUCKETS, reverse=True):
            if bucket <= self.keys.capacity:
                self._pass(bucket)

    @torch.inference_mode()
    def see(self, tiles: Tensor) -> Tensor:
        tiles = tiles.to(self.network.dtype)
        if self._vision is None:
            self._vision = Replay(self.network.see, tiles.clone(), self.record)
        return self._vision(tiles)

    @torch.inference_mode()
    def read(self, context: Context, embeddings: Tensor, valid: Tensor) -> Tensor:
        if not isinstance(context.keys, LaneKeys):
            return self.eager.read(context, embeddings, valid)
        assert not context.is_ragged, "a row by itself is read while it speaks, so all its tokens are real"
        count = embeddings.shape[1]
        bucket = next((size for size in BUCKETS if size >= count), count)
        if context.keys.length + bucket > self.keys.capacity:
            raise ContextFull(f"one frame's words fill all {self.keys.capacity} slots: ask again on a new frame")
        work = self._pass(bucket)
        self._make_resident(context.keys)
        hidden = work(embeddings, context.keys.length)
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

    def _pass(self, bucket: int) -> Pass:
        if bucket not in self._passes:
            self._evict()  # a recording writes over the first slots
            self._passes[bucket] = Pass(self.network, self.keys, bucket, self.record)
        return self._passes[bucket]

    def _make_resident(self, keys: LaneKeys) -> None:
        if self.resident is keys:
            return
        self._evict()
        if keys.saved is not None:
            self.keys.buffer[..., : keys.length, :].copy_(keys.saved[..., : keys.length, :])
        self._resident, keys.saved = weakref.ref(keys), None

    def _evict(self) -> None:
        if (resident := self.resident) is not None:
            resident.saved = resident.copy()
        self._resident = None


class Pass:
    """The language model over `bucket` tokens of one row, from any slot on."""

    def __init__(self, network: SimLingo, keys: FixedKeys, bucket: int, record: Recorder | None) -> None:
        like = network.language.model.embed_tokens.weight
        self.body, self.keys = network.language.model, keys
        self.offsets = torch.arange(bucket, device=like.device)
        self.where = self.offsets.clone()
        self.slots = torch.arange(keys.capacity, device=like.device)
        blank = torch.zeros(1, bucket, network.config.width, dtype=like.dtype, device=like.device)
        self.replay = Replay(self._run, blank, record)

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
    """One function of one tensor, recorded where there is a recorder. Input and output never move.

    A shorter input fills the front of the recorded one; the rest keeps what it held.
    """

    def __init__(self, work: Callable[[Tensor], Tensor], example: Tensor, record: Recorder | None) -> None:
        self.work, self.input = work, example
        self.again: Callable[[], None] | None = None
        if record is not None:
            self.again, self.output = record(lambda: work(self.input))

    def __call__(self, given: Tensor) -> Tensor:
        self.input[:, : given.shape[1]].copy_(given)
        if self.again is None:
            return self.work(self.input)
        self.again()
        return self.output
