"""How a network's parts learn: hidden matrices and convolutions by Muon, everything else by AdamW. Needs torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from model.pocket.network import Pocket

BETAS = (0.9, 0.95)
WEIGHT_DECAY = 0.05
# Tables of rows that each mean something by themselves, as a word's vector does: neither pulled to zero nor turned.
TABLES = ("words", "queries", "places", "keys")


class MuonAndAdamW:
    """Two of torch's optimizers as one.

    Muon (kellerjordan.github.io/posts/muon) turns a matrix's step into the nearest orthogonal one, so that what is
    seldom asked for is learnt as fast as what is common. Its steps are scaled to the size of AdamW's (arXiv
    2502.16982), so that one rate serves both.
    """

    def __init__(self, network: Pocket, rate: float) -> None:
        self._hidden = _hidden(network)
        self._matrices = [nn.Parameter(_rows(p.data)) for p in self._hidden]  # the same memory
        by_muon = {id(p) for p in self._hidden}
        decayed, free = [], []
        for name, p in network.named_parameters():
            if p.requires_grad and id(p) not in by_muon:
                (free if p.ndim < 2 or name.endswith(TABLES) else decayed).append(p)
        groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": free, "weight_decay": 0.0}]
        self._adamw = torch.optim.AdamW(groups, lr=rate, betas=BETAS, fused=True)
        self._muon = torch.optim.Muon(
            self._matrices, lr=rate, weight_decay=WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw"
        )

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of both: the rate of each is set for every step."""
        return [*self._adamw.param_groups, *self._muon.param_groups]

    def step(self) -> None:
        """Learn from every parameter's `.grad`."""
        for p, matrix in zip(self._hidden, self._matrices, strict=True):
            matrix.grad = None if p.grad is None else _rows(p.grad)
        self._adamw.step()
        self._muon.step()

    def state_dict(self) -> dict[str, Any]:
        return {"adamw": self._adamw.state_dict(), "muon": self._muon.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises KeyError or ValueError for a state that is not of this network's."""
        self._adamw.load_state_dict(state["adamw"])
        self._muon.load_state_dict(state["muon"])


def _hidden(network: Pocket) -> list[nn.Parameter]:
    """The layers between other layers. A first or last one has directions that mean something: AdamW keeps them."""
    eye = network.vision
    parts = (eye.backbone.stages, eye.backbone.blocks, eye.projector, network.decoder.blocks, network.adapters.pointer)
    return [
        p
        for part in parts
        for name, p in part.named_parameters()
        if p.requires_grad and p.ndim in (2, 4) and not name.endswith(TABLES)
    ]


def _rows(values: Tensor) -> Tensor:
    """A matrix as it is; a convolution's (out, in, h, w), channels last in memory, as (out, h * w * in). A view."""
    return values if values.ndim == 2 else values.permute(0, 2, 3, 1).view(len(values), -1)
