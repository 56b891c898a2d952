"""Who may move the car: one person at a time, and nobody may push a present person away. Used on the event loop's
thread and on Gradio's, so it keeps a small lock.

The drive decides what an input does; this only keeps a second person's commands from reaching it.
"""

from __future__ import annotations

import threading
import time

from app import text
from sim_bridge.messages import Engagement, SessionView

IDLE_AT_MOST_S = 30.0  # someone who touches nothing for this long no longer keeps the wheel from others


class Wheel:
    """Knows which holders are present and when each last touched anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._touched_s: dict[str, float] = {}

    def arrive(self, holder: str) -> None:
        with self._lock:
            self._touched_s[holder] = time.monotonic()

    def leave(self, holder: str) -> None:
        with self._lock:
            self._touched_s.pop(holder, None)

    def touch(self, holder: str) -> None:
        with self._lock:
            if holder in self._touched_s:
                self._touched_s[holder] = time.monotonic()

    def refusal(self, holder: str, view: SessionView | None) -> str:
        """A sentence when another present person holds the wheel, else nothing."""
        if view is None or view.holder == holder or not held_by_person(view):
            return ""
        with self._lock:
            touched_s = self._touched_s.get(view.holder)
        if touched_s is None or time.monotonic() - touched_s > IDLE_AT_MOST_S:
            return ""
        return text.wheel_is_held(view.holder, IDLE_AT_MOST_S)


def held_by_person(view: SessionView) -> bool:
    return view.engagement in (Engagement.MANUAL, Engagement.OVERRIDDEN)
