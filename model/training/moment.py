"""A frame as a question is put to it, and how distances are said. Plain data, any thread."""

from __future__ import annotations

from dataclasses import dataclass

from model.training.expert import Rolled
from model.training.samples import FrameFacts

JUNCTION_NEAR_M = 45.0


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
    """A distance as it is said: to five metres below 20, to ten above, never 0."""
    step = 5 if distance_m < 20.0 else 10
    return max(5, step * round(distance_m / step))


def about(distance_m: float) -> str:
    return f"About {bucket_m(distance_m)} meters."


def a(words: str) -> str:
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"
