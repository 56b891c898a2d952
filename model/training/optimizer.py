"""How a network's parts learn: hidden matrices and convolutions by Muon, everything else by AdamW. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from model.pocket.network import Pocket

BETAS = (0.9, 0.95)
WEIGHT_DECAY = 0.05
# Tables of rows that each mean something by themselves, as a word's vector does: neither pulled to zero nor turned.
TABLES = ("words", "queries", "places", "keys")

MOMENTUM = 0.95
# Five rounds of a quintic that pulls every singular value to somewhere near one, by the author of Muon.
ROUNDS, QUINTIC = 5, (3.4445, -4.7750, 2.0315)


def orthogonal(values: Tensor) -> Tensor:
    """About the nearest orthogonal matrix to (rows, columns): the same directions, each as long as any other."""
    wide = values if values.shape[0] <= values.shape[1] else values.T
    wide = wide / wide.norm().clamp(min=1e-7)
    a, b, c = QUINTIC
    for _ in range(ROUNDS):
        squares = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(squares, squares, squares, beta=b, alpha=c), wide, beta=a)
    return wide if wide.shape == values.shape else wide.T


class Muon(torch.optim.Optimizer):
    """Turns a matrix's step into the nearest orthogonal one (kellerjordan.github.io/posts/muon), so that what is seldom
    asked for is learnt as fast as what is common. Its steps are scaled to the size of AdamW's (arXiv 2502.16982), so
    that one rate serves both.

    torch's own computes in bfloat16 whatever the machine: on a CPU without instructions for it that takes twice as long
    as all the rest of a training step, in float32 a tenth of it. Here each process turns a part of the matrices only.
    """

    def __init__(self, matrices: Sequence[nn.Parameter], rate: float) -> None:
        super().__init__(matrices, {"lr": rate, "weight_decay": WEIGHT_DECAY})
        rank, processes = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        self._mine = shares([m.shape for m in matrices], processes)[rank]

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Learn from every matrix's `.grad`, which is the same in all processes."""
        (group,) = self.param_groups
        matrices = group["params"]
        sizes = [m.numel() for m in matrices]
        turned = matrices[0].new_zeros(sum(sizes))
        parts = [part.view(m.shape) for part, m in zip(turned.split(sizes), matrices, strict=True)]
        for i, m in enumerate(matrices):
            state = self.state[m]
            if not state:
                state["momentum"] = torch.zeros_like(m)
            state["momentum"].lerp_(m.grad, 1.0 - MOMENTUM)
            if i in self._mine:
                parts[i].copy_(orthogonal(m.grad.lerp(state["momentum"], MOMENTUM)))
        if dist.is_initialized():
            dist.all_reduce(turned)
        for m, part in zip(matrices, parts, strict=True):
            m.mul_(1.0 - group["lr"] * group["weight_decay"])
            m.add_(part, alpha=-0.2 * max(m.shape) ** 0.5 * group["lr"])


def shares(shapes: Sequence[Sequence[int]], processes: int) -> list[set[int]]:
    """Which matrices each process turns, so that all have about as much to compute."""
    costs = {i: min(shape) ** 2 * max(shape) for i, shape in enumerate(shapes)}
    taken: list[set[int]] = [set() for _ in range(processes)]
    for i in sorted(costs, key=costs.__getitem__, reverse=True):
        min(taken, key=lambda mine: sum(costs[j] for j in mine)).add(i)
    return taken


class MuonAndAdamW:
    """Two optimizers as one."""

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
        self._muon = Muon(self._matrices, rate)

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
