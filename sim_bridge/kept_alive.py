"""A child process that is started again when it falls: noticing, waiting longer each time, giving up at last.

Pure bookkeeping over anything that looks like a process; the supervisor's thread calls `step` many times a second.

    state        meaning                                   becomes
    stopped      nobody wants it to run                     starting by `want`
    starting     its process runs but is not ready yet      running, or restarting when it dies or takes too long
    running      ready                                      restarting when it dies or hangs
    restarting   it fell; the next start is due in a while  starting, or failed after too many falls
    failed       a person has to start it again             starting by `want`
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

FALLS_MAX = 5
FALLS_WITHIN_S = 60.0
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 16.0

STOPPED, STARTING, RUNNING, RESTARTING, FAILED = "stopped", "starting", "running", "restarting", "failed"


class Child(Protocol):
    """A process that can be started once. Its own file says what ready, trouble and stopping mean for it."""

    def start(self) -> None: ...

    @property
    def is_alive(self) -> bool: ...

    @property
    def is_ready(self) -> bool: ...

    def trouble(self) -> str:
        """Why it must be killed although it lives (it hangs); "" when all is well."""

    def obituary(self) -> str:
        """Why it died, as a sentence."""

    def can_retry(self) -> bool:
        """Whether the same start may well work the next time."""

    def stop(self) -> None:
        """Ask it to end, then insist. Blocks for seconds at most."""

    def kill(self) -> None: ...


class KeptAlive:
    """`name` is for a person; `by_hand` says how to start it again when this gives up."""

    def __init__(self, name: str, make: Callable[[], Child], ready_within_s: float, by_hand: str) -> None:
        self.name = name
        self.state = STOPPED
        self.line = ""
        self.child: Child | None = None
        self.falls = 0
        self._make = make
        self._ready_within_s = ready_within_s
        self._by_hand = by_hand
        self._fell_at: deque[float] = deque(maxlen=FALLS_MAX)
        self._due_s = 0.0
        self._started_s = 0.0

    def want(self, now_s: float) -> None:
        """Start it, forgetting earlier falls. Nothing happens to one that runs."""
        if self.state in (STOPPED, FAILED, RESTARTING):
            self._fell_at.clear()
            self.state, self._due_s, self.line = RESTARTING, now_s, f"The {self.name} is starting."

    def step(self, now_s: float, may_start: bool = True) -> None:
        """Look after it once. `may_start`: what it needs is there."""
        if self.state == RESTARTING and may_start and now_s >= self._due_s:
            self._start(now_s)
        elif self.state in (STARTING, RUNNING):
            self._watch(now_s)

    def fall(self, now_s: float, why: str, counts: bool = True, can_retry: bool = True) -> None:
        """End what is left of it and plan the next start. `counts` False: it fell with something else that counts."""
        child, self.child = self.child, None
        self.falls += 1
        if counts:
            self._fell_at.append(now_s)
        recent = [at for at in self._fell_at if now_s - at < FALLS_WITHIN_S]
        if not can_retry:
            self.state, self.line = FAILED, f"{why} {self._by_hand}"
        elif len(recent) >= FALLS_MAX:
            self.state = FAILED
            self.line = (
                f"{why} The {self.name} fell {len(recent)} times within a minute and stays down. {self._by_hand}"
            )
        else:
            wait_s = min(BACKOFF_FIRST_S * 2 ** max(0, len(recent) - 1), BACKOFF_MAX_S) if counts else 0.0
            self.state, self._due_s = RESTARTING, now_s + wait_s
            self.line = f"{why} It is started again" + (f" in {wait_s:.0f} s." if wait_s else ".")
        # Last, because ending a process takes a while, in which nobody should take it for running.
        if child is not None:
            child.kill()

    def stop(self) -> None:
        child, self.child = self.child, None
        self.state, self.line = STOPPED, ""
        if child is not None:
            child.stop()

    def _start(self, now_s: float) -> None:
        self.state, self._started_s = STARTING, now_s
        self.child = self._make()
        try:
            self.child.start()
        except OSError as problem:
            self.fall(now_s, f"The {self.name} could not be started: {problem}.")

    def _watch(self, now_s: float) -> None:
        assert self.child is not None, "a part that starts or runs has a child"
        if not self.child.is_alive:
            self.fall(now_s, self.child.obituary(), can_retry=self.child.can_retry())
        elif self.state == STARTING and self.child.is_ready:
            self.state, self.line = RUNNING, ""
        elif self.state == STARTING and now_s - self._started_s > self._ready_within_s:
            self.fall(now_s, f"The {self.name} was not ready within {self._ready_within_s:.0f} s.")
        elif self.state == RUNNING and (trouble := self.child.trouble()):
            self.fall(now_s, trouble)
