"""Keeping time: ticks at their due moments, and how often things happened lately. Each object belongs to one thread."""

from __future__ import annotations

import time
from collections import deque

# Lateness up to this is made up for by the next ticks; after a longer stall the world goes on at its normal speed.
DEBT_MAX_S = 0.1
WINDOW_S = 3.0


class Pacer:
    """Says how long to wait for the next tick, so that ticks come every `period_s` on average."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._due = time.monotonic()

    def wait_s(self) -> float:
        """Seconds until the next tick is due; 0 when it is."""
        return max(0.0, self._due - time.monotonic())

    def ticked(self) -> None:
        self._due = max(self._due + self._period_s, time.monotonic() - DEBT_MAX_S)

    def restart(self) -> None:
        """The next tick is due at once, whatever was missed."""
        self._due = time.monotonic()


class Rate:
    """How much of something came per second of wall time, over the last few seconds."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._counted: deque[tuple[float, float]] = deque()

    def count(self, amount: float = 1.0) -> None:
        self._counted.append((time.monotonic(), amount))

    def per_s(self) -> float:
        """0 until two counts lie within the window."""
        now = time.monotonic()
        while self._counted and now - self._counted[0][0] > self._window_s:
            self._counted.popleft()
        if len(self._counted) < 2:
            return 0.0
        # The first count marks the start of the span and is not part of it; a silence since the last one is.
        since_s = self._counted[-1][0] - self._counted[0][0]
        mean_gap_s = since_s / (len(self._counted) - 1)
        silence_s = now - self._counted[-1][0]
        span_s = since_s if silence_s < 2 * mean_gap_s else now - self._counted[0][0]
        return sum(amount for _, amount in list(self._counted)[1:]) / max(span_s, 1e-6)


class Rates:
    """What a session counts, from one reset to the next. `sim_time` counts seconds of the world."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self.plans, self.frames, self.sim_time = Rate(window_s), Rate(window_s), Rate(window_s)
