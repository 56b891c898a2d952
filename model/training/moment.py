"""A frame as a question is put to it, and how distances are said. Plain data, any thread."""

from __future__ import annotations

import math
from dataclasses import dataclass

from model.training.expert import Rolled
from model.training.samples import FrameFacts

JUNCTION_NEAR_M = 45.0
# (below this many metres, said as)
SAID_M = ((7.5, 5), (15.0, 10), (25.0, 20), (40.0, 30), (math.inf, 50))


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A frame, the speed it is met at, and the expert's plan for it without an instruction."""

    facts: FrameFacts
    speed_mps: float
    rolled: Rolled

    @property
    def is_near_junction(self) -> bool:
        metres = self.facts.junction_m
        return self.facts.in_junction or (metres is not None and metres <= JUNCTION_NEAR_M)


def bucket_m(distance_m: float) -> int:
    """A distance as it is said by somebody who judges it by eye, the steps growing with it: 5, 10, 20, 30 or 50."""
    return next(said for below_m, said in SAID_M if distance_m < below_m)


def about(distance_m: float) -> str:
    return f"About {bucket_m(distance_m)} meters."


def a(words: str) -> str:
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"
