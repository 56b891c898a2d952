"""How often somebody may speak: a token bucket. One owner, no lock of its own."""

from __future__ import annotations

import time


class Pace:
    """Lets `burst` through at once and `per_s` afterwards."""

    def __init__(self, burst: int, per_s: float) -> None:
        self._burst = float(burst)
        self._per_s = per_s
        self._tokens = float(burst)
        self._last_s = time.monotonic()

    def allows(self) -> bool:
        now_s = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now_s - self._last_s) * self._per_s)
        self._last_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
