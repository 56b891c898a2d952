"""What the language model keeps of what it has read: keys and values per layer. One thread at a time.

`GrowingKeys` appends, so that a fork shares every tensor. `FixedKeys` writes into buffers that never move, which a
CUDA graph needs. Both answer transformers' `update(keys, values, layer)` and hold (B, kv_heads, slots, head_dim).
"""

from __future__ import annotations

import torch
from torch import Tensor

Layers = list[tuple[Tensor, Tensor]]


class GrowingKeys:
    """Grows by concatenation; nothing is ever written in place."""

    def __init__(self, layers: Layers | None = None) -> None:
        self.layers: Layers = list(layers or [])

    @property
    def length(self) -> int:
        return self.layers[0][0].shape[2] if self.layers else 0

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        if layer == len(self.layers):
            self.layers.append((keys, values))
        else:
            old_keys, old_values = self.layers[layer]
            self.layers[layer] = (torch.cat([old_keys, keys], 2), torch.cat([old_values, values], 2))
        return self.layers[layer]

    def fork(self) -> GrowingKeys:
        return GrowingKeys(self.layers)

    def forget(self, slots: int) -> None:
        """Drops the newest `slots`."""
        length = self.length - slots
        self.layers = [(keys[:, :, :length], values[:, :, :length]) for keys, values in self.layers]

    def repeated(self, batch: int) -> GrowingKeys:
        """One row's slots for `batch` rows, as views; the first append makes them real."""
        return GrowingKeys([(k.expand(batch, -1, -1, -1), v.expand(batch, -1, -1, -1)) for k, v in self.layers])


class FixedKeys:
    """Buffers of `capacity` slots for one row. `where` holds the slots that the next pass writes; set it before."""

    def __init__(self, layers: int, kv_heads: int, capacity: int, head_dim: int, like: Tensor) -> None:
        shape = (layers, 2, 1, kv_heads, capacity, head_dim)
        self.buffer = torch.zeros(shape, dtype=like.dtype, device=like.device)
        self.where = torch.zeros(0, dtype=torch.long, device=like.device)

    @property
    def capacity(self) -> int:
        return self.buffer.shape[4]

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        self.buffer[layer, 0].index_copy_(2, self.where, keys)
        self.buffer[layer, 1].index_copy_(2, self.where, values)
        return self.buffer[layer, 0], self.buffer[layer, 1]
