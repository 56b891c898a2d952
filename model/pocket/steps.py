"""The decoder as a pure step on a cache: what is exported, and what the torch graphs run. Needs torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.pocket.network import Decoder
from model.pocket.vision import Vision


class DecoderStep(nn.Module):
    """(1, N, width) on a cache (layers, 2, 1, kv_heads, T, head_dim) -> hidden (1, N, width), cache of T + N."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, embeddings: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        T, N = cache.shape[4], embeddings.shape[1]
        rows = torch.arange(T, T + N, device=embeddings.device)
        # Compared, not cut from a triangle: the exported graph keeps both lengths free.
        mask = torch.arange(T + N, device=embeddings.device)[None, :] <= rows[:, None]
        hidden, kept = self.decoder(embeddings, rows[None], mask[None, None], cache)
        return hidden, torch.stack(kept)


class VisionStep(nn.Module):
    """(1, 2, 96, 256, 3) uint8 -> image tokens (1, 77, width)."""

    def __init__(self, vision: Vision) -> None:
        super().__init__()
        self.vision = vision

    def forward(self, eye: Tensor) -> Tensor:
        return self.vision(eye)[0]
