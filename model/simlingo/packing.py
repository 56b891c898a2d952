"""Weights in the order in which a CPU's matrix kernels read them, so that one new token costs one reading of them.

A plain bfloat16 linear layer rearranges its weight at every call; for a single token that takes longer than the
product. A packed layer rearranges once, and applies the activation behind it while the results are in registers.
oneDNN does both. A packed network is for inference alone: its layers have no `weight` to train, save or convert.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.simlingo.network import SimLingo

GELU, SILU = "gelu", "swish"  # oneDNN's names; its gelu is the exact one, by the error function


def is_possible(dtype: torch.dtype, device: torch.device | str) -> bool:
    """Whether this machine's kernels take such a network: bfloat16 on a CPU whose oneDNN computes in it."""
    return (
        dtype == torch.bfloat16
        and torch.device(device).type == "cpu"
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )


class PackedLinear(nn.Module):
    """`then` of x W^T + b, any leading shape. Takes over the plain layer's weight, which is given up."""

    def __init__(self, plain: nn.Linear, then: str = "none") -> None:
        super().__init__()
        self.in_features, self.out_features, self.then = plain.in_features, plain.out_features, then
        self.bias = None if plain.bias is None else nn.Parameter(plain.bias.detach(), requires_grad=False)
        # The layout for one token serves a thousand as well.
        self.packed = torch.ops.mkldnn._reorder_linear_weight(plain.weight.detach(), 1)
        plain.weight = None

    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, self.then, [], "none")


@torch.inference_mode()
def pack(network: SimLingo) -> SimLingo:
    """Packs the language model's and the eye's layers in place, one at a time; the short heads stay as they are."""
    for layer in network.language.model.layers:
        _put(layer.self_attn, "q_proj", "k_proj", "v_proj", "o_proj")
        _put(layer.mlp, "up_proj", "down_proj")
        _put_with(layer.mlp, "gate_proj", "act_fn", SILU)
    pack_word_head(network)
    for layer in network.vision.encoder.layer:
        _put(layer.attention, "q_proj", "k_proj", "v_proj", "projection_layer")
        _put_with(layer.mlp, "fc1", "activation_fn", GELU)
        _put(layer.mlp, "fc2")
    return network


@torch.inference_mode()
def pack_word_head(network: SimLingo) -> None:
    """The largest layer; whoever loads packs it first, while two copies of it find room."""
    if isinstance(network.language.lm_head, nn.Linear):
        _put(network.language, "lm_head")


def _put(owner: nn.Module, *names: str) -> None:
    for name in names:
        setattr(owner, name, PackedLinear(getattr(owner, name)))


def _put_with(owner: nn.Module, linear: str, activation: str, then: str) -> None:
    setattr(owner, linear, PackedLinear(getattr(owner, linear), then))
    setattr(owner, activation, nn.Identity())
