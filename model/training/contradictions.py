"""Frames whose label no picture can tell. One place for the rule: collection leaves them out, training too."""

from __future__ import annotations

from model.training.paths import offset_of_car
from model.training.samples import FrameFacts

# Half a lane is 1.75 m: past this a car stands more in its neighbour's lane than in its own.
IN_NEIGHBOUR_M = 1.6


def looks_at_home_elsewhere(facts: FrameFacts) -> bool:
    """Whether the car stands in another lane of its direction than its route's, as a car that belongs there would.

    Half of such frames would say "come back" and half "drive on" to the same picture.
    """
    right = offset_of_car(facts.route)[1]
    return (right > IN_NEIGHBOUR_M and facts.lane_right is not None) or (
        right < -IN_NEIGHBOUR_M and facts.lane_left is not None
    )
