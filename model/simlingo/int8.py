"""Weights and activations in 8-bit integers on a CPU: measured by the benchmark, not offered for driving.

Weights are rounded once, each output's row by its own largest value; activations at every call, all by one scale, which
is what oneDNN's fused kernel takes. The benchmark prints its error beside bfloat16's. For inference alone, as packed
layers are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.simlingo.network import SimLingo

LARGEST, MIDDLE = 127.0, 128  # of a signed byte; of an unsigned one, which oneDNN wants for activations


def is_possible() -> bool:
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.onednn, "qlinear_pointwise")


class Int8Linear(nn.Module):
    """x W^T + b in integers, any leading shape, bfloat16 in and out."""

    def __init__(self, plain: nn.Linear) -> None:
        super().__init__()
        weight = plain.weight.detach().float()
        self.scales = weight.abs().amax(1).clamp(min=1e-8) / LARGEST
        rounded = (weight / self.scales[:, None]).round().clamp(-LARGEST, LARGEST).to(torch.int8)
        self.packed = torch.ops.onednn.qlinear_prepack(rounded, None)
        self.zeros = torch.zeros(plain.out_features, dtype=torch.long)
        self.bias = None if plain.bias is None else plain.bias.detach().float()
        plain.weight = None

    def forward(self, x: Tensor) -> Tensor:
        scale = max(float(x.abs().amax()), 1e-8) / LARGEST
        rounded = (x / scale).round_().add_(MIDDLE).clamp_(0, 255).to(torch.uint8)
        return torch.ops.onednn.qlinear_pointwise(
            rounded, scale, MIDDLE, self.packed, self.scales, self.zeros, self.bias, 1.0, 0, x.dtype, "none", [], ""
        )


@torch.inference_mode()
def quantise(network: SimLingo) -> SimLingo:
    """Puts Int8Linear in place of the blocks' layers and the word head, one at a time."""
    blocks = [*network.vision.encoder.layer, *network.language.model.layers]
    owners = [part for block in blocks for part in (getattr(block, "attention", None) or block.self_attn, block.mlp)]
    for owner in [*owners, network.language]:
        for name, layer in list(owner.named_children()):
            if isinstance(layer, nn.Linear):
                setattr(owner, name, Int8Linear(layer))
    return network
