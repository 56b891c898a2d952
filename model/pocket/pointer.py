"""A last look at the facts before each word: an answer quotes what the eye sees. Needs torch.

The pointer of See et al. 2017 (arXiv 1704.04368) over facts instead of source words. What is about to be said asks for
one fact, or for none, and that fact's token is added to it. Four layers of attention between the question and the
picture have to find such a way by chance: they had learnt to answer by light and speed, and guessed who is ahead.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Pointer(nn.Module):
    """`facts`: how many tokens there are to point at."""

    def __init__(self, width: int, facts: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.keys = nn.Parameter(torch.randn(facts + 1, width) * 0.02)  # the last is for pointing at none
        self.value = nn.Linear(width, width, bias=False)
        self.weigh = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width))
        nn.init.eye_(self.value.weight)
        for first in (self.weigh[2].weight, self.weigh[2].bias):
            nn.init.zeros_(first)

    def forward(self, says: Tensor, facts: Tensor) -> Tensor:
        """Hidden states that say words (M, A, width) and the facts' tokens (M, facts, width) -> (M, A, width)."""
        points = (self.query(says) @ self.keys.T * says.shape[-1] ** -0.5).softmax(-1)[..., :-1]
        quoted = self.value(points @ facts)
        return says + quoted + self.weigh(torch.cat([says, quoted], -1))
