"""In which order frames are looked at: what is small, rare or decides the way is looked at more often. Pure numpy.

A lamp is one to three pixels wide at braking distance and every fifth frame has one; a walker in the way is as small
and as rare. Looked at evenly, the network learns the road long before it learns either.
"""

from __future__ import annotations

import numpy as np

from model.training.frames import Frames
from model.training.samples import FrameFacts

LIGHT_TURNS, WALKER_TURNS, OWN_DRIVING_TURNS, WAY_TURNS = 3, 2, 2, 2
# From here on a path of 20 m shows which way through the junction it takes.
WAY_SHOWS_M = 20.0


def turns(facts: FrameFacts) -> int:
    """How often per epoch a frame is looked at. Frames of Pocket's own driving are what it will meet."""
    chooses_way = facts.in_junction or (facts.junction_m is not None and facts.junction_m < WAY_SHOWS_M)
    reasons = (
        (LIGHT_TURNS, facts.light is not None),
        (WALKER_TURNS, facts.pedestrian is not None),
        (OWN_DRIVING_TURNS, facts.source == "pocket"),
        (WAY_TURNS, chooses_way),
    )
    return max((times for times, holds in reasons if holds), default=1)


class Order:
    """An endless sequence of frame numbers, a function of the seed alone, so that a resumed run goes on in it."""

    def __init__(self, frames: Frames, seed: int) -> None:
        self._turns = np.repeat(np.arange(len(frames)), [turns(facts) for facts in frames.facts])
        self._seed = seed
        self._epoch, self._shuffled = -1, self._turns

    def frame(self, place: int) -> int:
        """The frame at a place of the sequence; fast where places come in order."""
        epoch, at = divmod(place, len(self._turns))
        if epoch != self._epoch:
            self._epoch = epoch
            self._shuffled = np.random.default_rng([self._seed, 1, epoch]).permutation(self._turns)
        return int(self._shuffled[at])
