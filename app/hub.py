"""One place where views arrive and from where every watcher is served. Owns no socket and no process.

Views come on the drive's thread and are handed to the event loop; only the newest is kept, so a slow loop skips views
and never queues them. A view is made ready for the wire once, however many watch.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from app import views
from app.drive import Drive, Supervised
from app.handlers import Handlers
from app.wheel import Wheel
from sim_bridge.messages import Answer, SessionView

WATCHERS_AT_MOST = 32


class Watching(Protocol):
    """One connection, and in whose name its hands move the car."""

    @property
    def holder(self) -> str: ...


class Hub:
    """Lives as long as the page's process. `packet` and `watchers` belong to the event loop's thread."""

    def __init__(self, drive: Drive, supervised: Supervised) -> None:
        self.drive = drive
        self.supervised = supervised
        self.wheel = Wheel()
        self.handlers = Handlers(drive, self.wheel, self.wait_for)
        # Hands go through one thread, so that one person's inputs reach the drive in the order they were made.
        self.hands_thread = ThreadPoolExecutor(1, "hands")
        self.packet: views.Packet | None = None
        self._wakes: dict[Watching, asyncio.Event] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._newest: SessionView | None = None
        self._is_waking = False
        self._serial = 0
        self._arrival = threading.Condition()
        drive.subscribe(self._arrived)

    # ---- watchers come and go, on the event loop ----

    def join(self, watcher: Watching) -> asyncio.Event | None:
        """An event that is set whenever there is a newer packet; None when the house is full."""
        if len(self._wakes) >= WATCHERS_AT_MOST:
            return None
        self._loop = asyncio.get_running_loop()
        wake = self._wakes[watcher] = asyncio.Event()
        view = self.drive.view()
        if view is not None and (self._newest is None or len(self._wakes) == 1):
            self._newest = view
            self._publish()
        wake.set()
        return wake

    def leave(self, watcher: Watching) -> None:
        self._wakes.pop(watcher, None)

    def is_watching(self, holder: str) -> bool:
        return any(watcher.holder == holder for watcher in self._wakes)

    @property
    def watchers(self) -> int:
        return len(self._wakes)

    # ---- views arrive, on the drive's thread ----

    def _arrived(self, view: SessionView) -> None:
        self._newest = view
        with self._arrival:
            self._arrival.notify_all()
        loop = self._loop
        if loop is None or not self._wakes or self._is_waking:
            return
        self._is_waking = True
        try:
            loop.call_soon_threadsafe(self._publish)
        except RuntimeError:  # the loop is closed: the page is going away
            self._is_waking = False

    def _publish(self) -> None:
        self._is_waking = False
        if self._newest is None:
            return
        self._serial += 1
        self.packet = views.packet(self._newest, self._serial)
        for wake in self._wakes.values():
            wake.set()

    # ---- scripts and handlers wait, on worker threads ----

    def wait_for(self, wanted: Callable[[SessionView], Any], timeout_s: float) -> Any:
        """What `wanted` first says that is not None about a view, or None after `timeout_s`."""
        deadline_s = time.monotonic() + timeout_s
        with self._arrival:
            while True:
                view = self.drive.view()
                found = wanted(view) if view is not None else None
                left_s = deadline_s - time.monotonic()
                if found is not None or left_s <= 0:
                    return found
                # A drive that died sends no view, so look again once a second anyway.
                self._arrival.wait(min(left_s, 1.0))

    def wait_for_answer(self, question_id: int, timeout_s: float) -> Answer | None:
        """The closed answer, or None when it does not come in time."""

        def closed(view: SessionView) -> Answer | None:
            return next((a for a in view.answers if a.question_id == question_id and (a.is_final or a.error)), None)

        answer: Answer | None = self.wait_for(closed, timeout_s)
        return answer
