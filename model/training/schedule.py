"""How fast Pocket learns at each moment of a run. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass

PEAK_RATE = 1.5e-3
WARM_UP_STEPS = 80
STEADY = 0.7  # of the budget at the peak
FLOOR = 0.03  # of the peak, at the end


@dataclass(frozen=True, slots=True)
class Budget:
    """A run ends after `minutes` of training or `views` looked at, whichever is given. Exactly one is."""

    minutes: float | None = None
    views: int | None = None

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.views is None):
            raise ValueError("expected either minutes or views as the budget of a run, got both or neither")

    def progress(self, seconds: float, views: int) -> float:
        """0 at the start .. 1 when the budget is spent. Time-based runs re-plan themselves by this at every step."""
        spent = views / self.views if self.views is not None else seconds / (60 * (self.minutes or 1.0))
        return min(1.0, spent)


def rate(progress: float, step: int, peak: float = PEAK_RATE) -> float:
    """Linear warm-up over WARM_UP_STEPS, the peak, and from STEADY on down to FLOOR of it by one minus a root.

    After arXiv 2405.18392: as good as a cosine, and a run that is resumed with another budget has lost nothing.
    """
    cooling = max(0.0, min(1.0, progress) - STEADY) / (1.0 - STEADY)
    return peak * max(FLOOR, 1.0 - math.sqrt(cooling)) * min(1.0, (step + 1) / WARM_UP_STEPS)
