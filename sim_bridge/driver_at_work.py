"""The driver's side of the loop: plans first, words between them, on its own thread in realtime, inline in lockstep.

The session puts the newest observation into one mailbox and takes the newest outcome from another; neither ever waits
for the other. Only this file calls a Driver.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from sim_bridge.acting_plan import DriverTrouble
from sim_bridge.interfaces import Driver
from sim_bridge.mailbox import Mailbox
from sim_bridge.messages import DrivePlan, Instruction, Observation, TalkOrder
from sim_bridge.speech import Speech

log = logging.getLogger(__name__)

Outcome = DrivePlan | DriverTrouble

# Pieces said per plan when plans leave no time of their own, and per tick in lockstep, where time cannot decide.
PIECES_PER_PLAN = 1
PIECES_PER_LOCKSTEP_TICK = 4


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What the driver is to look at next."""

    observation: Observation
    instruction: Instruction | None
    talk_order: TalkOrder


class DriverAtWork:
    """Owns a driver between `start` and `stop` (realtime), or is called through `look_now` (lockstep)."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.speech = Speech(driver)
        self._sights: Mailbox[Sight] = Mailbox()
        self._outcomes: Mailbox[Outcome] = Mailbox()
        self._stopping = threading.Event()
        self._rest, self._is_resting = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None
        self._has_failed = False

    # ---- the session's side

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="driver", daemon=True)
        self._thread.start()

    def look(self, sight: Sight) -> None:
        self._rest.clear()
        self._sights.put(sight)

    def rest(self, timeout_s: float = 1.0) -> None:
        """Look at nothing and say nothing until the next `look`: the world is about to change under the driver.

        Waits for the call in progress, but not for a driver that hangs in it.
        """
        self._is_resting.clear()
        self._rest.set()
        self._sights.take()
        self._sights.wake()
        self._is_resting.wait(timeout_s if self._thread is not None else 0.0)

    def look_now(self, sight: Sight) -> Outcome:
        """Lockstep: plan for this observation and say the next few words, in the caller's thread."""
        outcome = self._planned(sight)
        for _ in range(PIECES_PER_LOCKSTEP_TICK):
            if not self._speaks(sight):
                break
        return outcome

    def outcome(self) -> Outcome | None:
        return self._outcomes.take()

    def busy_s(self) -> float:
        """Seconds of wall time the driver has been inside one call; 0 when it is idle."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def stop(self, timeout_s: float = 3.0) -> bool:
        """End the thread. False when the driver is stuck in a call: the daemon thread then dies with the process."""
        self._stopping.set()
        self._sights.close()
        if self._thread is not None:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                return False
        self.driver.close()
        return True

    # ---- the driver's side

    def _work(self) -> None:
        sight: Sight | None = None
        while not self._stopping.is_set():
            if self._rest.is_set():
                sight = None
                self._is_resting.set()
            # Plan first; with nothing to plan, talk; with nothing to say either, wait for the next picture.
            if (newer := self._sights.take()) is not None:
                sight = newer
                self._outcomes.put(self._planned(sight))
                for _ in range(PIECES_PER_PLAN):
                    self._speaks(sight)
            elif sight is None or not self._speaks(sight):
                self._sights.wait(timeout_s=0.25)

    def _planned(self, sight: Sight) -> Outcome:
        observation = sight.observation
        self._busy_since = time.monotonic()
        try:
            plan = self.driver.plan(observation, sight.instruction, sight.talk_order is TalkOrder.TALK_FIRST)
        except Exception as problem:  # whatever a driver raises must brake the car, not end the drive
            if not self._has_failed:
                log.exception("The driver failed; it is asked again with every picture.")
            self._has_failed = True
            line = f"The driver failed: {type(problem).__name__}: {problem}. It is asked again with every picture."
            return DriverTrouble(observation.episode, line)
        finally:
            self._busy_since = None
        self._has_failed = False
        if plan.commentary:
            self.speech.says_first(plan.commentary, plan.made_at_tick)
        return plan

    def _speaks(self, sight: Sight) -> bool:
        self._busy_since = time.monotonic()
        try:
            talks_alongside = sight.talk_order is TalkOrder.ALONGSIDE
            return self.speech.advance(sight.observation, sight.instruction, comments=talks_alongside)
        finally:
            self._busy_since = None
