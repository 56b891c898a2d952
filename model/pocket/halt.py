"""A plan that stops, brought to standing: a network that knows its stop to a metre or so would creep on towards it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

# A step of a quarter of a second shorter than this, 0.2 m/s, is standing: the network's points of a car that stands lie
# two or three centimetres apart, and no car holds such a speed.
STANDING_STEP_M = 0.05
# A plan that comes to rest within this stops now. A car that always has this little left to go rolls over its line at
# 1 m/s and has never stood, which at a stop sign is what counts.
STOPS_WITHIN_M = 1.0
# Whoever began to stop has stopped below this, a fifth of a second later. A plan in between does not let it roll again:
# the network takes a car that has nearly stopped at a stop sign for one that stood there.
STOOD_MPS = 0.1
ROLLS_MPS = 2.0  # nobody who stops within a metre is that fast
# Who has stood may roll up to the line for so long before it is held again.
MOVES_UP_S = 4.0
# Without a plan for so long, or where time begins anew, it is another drive; at the same time, another wish.
FORGETS_S = 1.0


class Halt:
    """One per driver; `pace` once per plan, in order."""

    def __init__(self) -> None:
        self._is_stopping = False
        self._stood_at_s = self._planned_at_s = -math.inf

    def pace(self, speed_xy: npt.NDArray[np.float32], speed_mps: float, now_s: float) -> npt.NDArray[np.float32]:
        """The speed points (N, 2) of a plan made at `speed_mps` and `now_s`, all zero where the car is to stand now."""
        rested = at_rest(speed_xy)
        if not 0.0 < now_s - self._planned_at_s < FORGETS_S:
            self._is_stopping, self._stood_at_s = False, -math.inf
        self._planned_at_s = now_s
        if self._is_stopping and speed_mps < STOOD_MPS:
            self._is_stopping, self._stood_at_s = False, now_s
        may_move_up = now_s - self._stood_at_s < MOVES_UP_S
        stops_now = bool((rested[-1] == rested[-2]).all()) and float(np.hypot(*rested[-1])) < STOPS_WITHIN_M
        self._is_stopping = not may_move_up and speed_mps < ROLLS_MPS and (stops_now or self._is_stopping)
        return np.zeros_like(rested) if self._is_stopping else rested


def at_rest(speed_xy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Speed points (N, 2) without the steps that are too short to be a movement."""
    steps = np.diff(speed_xy, axis=0, prepend=np.zeros((1, 2), np.float32))
    steps[np.hypot(*steps.T) < STANDING_STEP_M] = 0.0
    return steps.cumsum(0)
