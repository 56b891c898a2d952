"""In which order frames are looked at: what is small, rare or decides the way is looked at more often. Pure numpy.

A lamp is one to three pixels wide at braking distance and every fifth frame has one; a walker in the way is as small
and as rare. Looked at evenly, the network learns the road long before it learns either.
"""

from __future__ import annotations

import numpy as np

from model.training.frames import Frames
from model.training.paths import begins_with_bend, offset_of_car
from model.training.samples import FrameFacts

LIGHT_TURNS, WALKER_TURNS, OWN_DRIVING_TURNS, WAY_TURNS = 3, 2, 2, 2
# Where its own driving took it off its line, it goes next; and in bends, it goes there soonest: that far beside the
# line, or so much askew.
ASTRAY_TURNS, ASTRAY_M, ASTRAY_RAD = 4, 0.35, 0.15
# From here on a path of 20 m shows which way through the junction it takes.
WAY_SHOWS_M = 20.0


def turns(facts: FrameFacts) -> int:
    """How often per epoch a frame is looked at. Frames of Pocket's own driving are what it will meet."""
    chooses_way = facts.in_junction or (facts.junction_m is not None and facts.junction_m < WAY_SHOWS_M)
    is_own = facts.source == "pocket"
    reasons = (
        (ASTRAY_TURNS, _is_astray(facts) and (is_own or begins_with_bend(facts.route))),
        (LIGHT_TURNS, facts.light is not None),
        (WALKER_TURNS, facts.pedestrian is not None),
        (OWN_DRIVING_TURNS, is_own),
        (WAY_TURNS, chooses_way),
    )
    return max((times for times, holds in reasons if holds), default=1)


def _is_astray(facts: FrameFacts) -> bool:
    _, right, heading = offset_of_car(facts.route)
    return abs(right) > ASTRAY_M or abs(heading) > ASTRAY_RAD


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
