"""How often somebody may speak: a token bucket. Any thread."""

from __future__ import annotations

import threading
import time


class Pace:
    """Lets `burst` through at once and `per_s` afterwards."""

    def __init__(self, burst: int, per_s: float) -> None:
        self._lock = threading.Lock()
        self._burst = float(burst)
        self._per_s = per_s
        self._tokens = float(burst)
        self._last_s = time.monotonic()

    def allows(self) -> bool:
        with self._lock:
            now_s = time.monotonic()
            self._tokens = min(self._burst, self._tokens + (now_s - self._last_s) * self._per_s)
            self._last_s = now_s
            if self._tokens < 1.0:
                return False
            self._tokens -= 1.0
            return True
