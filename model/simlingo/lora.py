"""A linear layer with a low-rank correction beside it: for fine-tuning, and for parity with unmerged weights."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.simlingo.config import LORA_DROPOUT, LORA_SCALE

PLACES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class LoraLinear(nn.Module):
    """W x + b + 2 B A x. A and B stay float32 and are added before the cast back, as PEFT does."""

    def __init__(self, plain: nn.Linear, rank: int) -> None:
        super().__init__()
        self.plain = plain
        device = plain.weight.device
        self.down = nn.Parameter(torch.zeros(rank, plain.in_features, device=device, dtype=torch.float32))
        self.up = nn.Parameter(torch.zeros(plain.out_features, rank, device=device, dtype=torch.float32))
        if device.type != "meta":
            nn.init.kaiming_uniform_(self.down, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.plain(x)
        kept = F.dropout(x.float(), LORA_DROPOUT, self.training)
        return (y + F.linear(F.linear(kept, self.down), self.up) * LORA_SCALE).to(y.dtype)


def merged(weight: Tensor, down: Tensor, up: Tensor) -> Tensor:
    """One weight with its correction folded in, computed in float32."""
    return weight.float() + LORA_SCALE * (up.float() @ down.float())


def add_lora(language: nn.Module, rank: int) -> None:
    """Puts a LoraLinear in place of every linear layer of every block; the word head keeps its own."""
    for layer in language.model.layers:
        for part in (layer.self_attn, layer.mlp):
            for name in PLACES:
                if isinstance(plain := getattr(part, name, None), nn.Linear):
                    setattr(part, name, LoraLinear(plain, rank))


def fold_lora(language: nn.Module) -> None:
    """Merges every correction into its weight and puts the plain layers back."""
    for layer in language.model.layers:
        for part in (layer.self_attn, layer.mlp):
            for name in PLACES:
                if isinstance(lora := getattr(part, name, None), LoraLinear):
                    lora.plain.weight.data = merged(lora.plain.weight, lora.down, lora.up).to(lora.plain.weight.dtype)
                    setattr(part, name, lora.plain)
