"""Who may move the car: one person at a time, and nobody pushes another away who is still there. Any thread.

The drive refuses a second pair of hands by itself. What only the page knows is who is still there: somebody who left,
or touched nothing for a while, no longer keeps the wheel from others.
"""

from __future__ import annotations

import threading
import time

from app import text
from sim_bridge.messages import Engagement, SessionView

IDLE_AT_MOST_S = 30.0


class Wheel:
    """Knows when each person last touched anything. Lives as long as the page."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._touched_s: dict[str, float] = {}

    def leave(self, person: str) -> None:
        with self._lock:
            self._touched_s.pop(person, None)

    def touch(self, person: str) -> None:
        now_s = time.monotonic()
        with self._lock:
            # Whoever idles is as good as gone; forgetting them keeps this small however many scripts come and go.
            self._touched_s = {who: at_s for who, at_s in self._touched_s.items() if now_s - at_s <= IDLE_AT_MOST_S}
            self._touched_s[person] = now_s

    def refusal(self, person: str, view: SessionView | None) -> str:
        """A sentence when another person, who is still there, holds the wheel; else nothing."""
        holder = other_holder(person, view)
        return text.wheel_is_held(holder, IDLE_AT_MOST_S) if holder and self._is_there(holder) else ""

    def gone(self, person: str, view: SessionView | None) -> str:
        """The name of another person who holds the wheel and is not there any more; else nothing."""
        holder = other_holder(person, view)
        return holder if holder and not self._is_there(holder) else ""

    def _is_there(self, holder: str) -> bool:
        with self._lock:
            touched_s = self._touched_s.get(holder)
        return touched_s is not None and time.monotonic() - touched_s <= IDLE_AT_MOST_S


def other_holder(person: str, view: SessionView | None) -> str:
    """Who holds the wheel, where that is somebody else; else nothing."""
    is_other = view is not None and view.engagement is Engagement.MANUAL and view.holder != person
    return view.holder if is_other and view is not None else ""
