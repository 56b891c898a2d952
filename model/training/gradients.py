"""One flat gradient for all parameters: averaged over processes in one message, clipped per part of the network."""

from __future__ import annotations

import torch
import torch.distributed as dist

from model.pocket.network import Pocket

MAX_NORM = 1.0
NOTES = 3  # numbers that ride along with every all-reduce: see FlatGradients.exchange


class FlatGradients:
    """Owns the memory behind every learning parameter's `.grad`, vision first, then the decoder and its adapters."""

    def __init__(self, network: Pocket) -> None:
        vision = [p for p in network.vision.parameters() if p.requires_grad]
        rest = [p for part in (network.adapters, network.decoder) for p in part.parameters() if p.requires_grad]
        self._flat = torch.zeros(sum(p.numel() for p in vision + rest) + NOTES, device=rest[0].device)
        at = 0
        for p in vision + rest:
            # The parameter's own strides: convolutions keep their channels last.
            p.grad = self._flat[at : at + p.numel()].as_strided(p.size(), p.stride())
            at += p.numel()
        middle = sum(p.numel() for p in vision)
        self._parts = (self._flat[:middle], self._flat[middle:-NOTES])

    def zero(self) -> None:
        self._flat.zero_()

    def exchange(self, *notes: float) -> tuple[float, ...]:
        """Average gradients over all processes; returns the `notes` (exactly NOTES of them) averaged alike."""
        self._flat[-NOTES:] = torch.tensor(notes)
        if dist.is_initialized():
            dist.all_reduce(self._flat)
            self._flat /= dist.get_world_size()
        return tuple(self._flat[-NOTES:].tolist())

    def clip(self) -> tuple[float, float]:
        """Scale each part to at most MAX_NORM, apart: a burst in the policy must not silence the eyes. -> norms"""
        norms = []
        for part in self._parts:
            norm = float(part.norm())
            if norm > MAX_NORM:
                part *= MAX_NORM / norm
            norms.append(norm)
        return norms[0], norms[1]
