"""The driver's side of the loop: plans first, words between them, on its own thread in realtime, inline in lockstep.

The session puts the newest observation into one mailbox and takes the newest outcome from another; neither ever waits
for the other. Only this file calls a Driver.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace

from sim_bridge.acting_plan import DriverTrouble
from sim_bridge.interfaces import Cancelled, Driver, SlowDriver
from sim_bridge.mailbox import Mailbox
from sim_bridge.messages import DrivePlan, Instruction, Observation, Progress, TalkOrder
from sim_bridge.speech import Speech

log = logging.getLogger(__name__)

Outcome = DrivePlan | DriverTrouble

# Pieces said per plan when plans leave no time of their own, and per tick in lockstep, where time cannot decide.
PIECES_PER_PLAN = 1
PIECES_PER_LOCKSTEP_TICK = 4
# What is done sooner is never shown: a bar that flashes by tells nobody anything.
PROGRESS_SHOWN_AFTER_S = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What the driver is to look at next."""

    observation: Observation
    instruction: Instruction | None
    talk_order: TalkOrder


class DriverAtWork:
    """Owns a driver between `start` and `stop` (its own thread), or is called through `look_now` (the caller's).

    `finishes_words`: a world that waits lets the driver say all it has to say between two plans.
    """

    def __init__(self, driver: Driver, finishes_words: bool = False) -> None:
        self.driver = driver
        self._finishes_words = finishes_words
        self.speech = Speech(driver)
        self._sights: Mailbox[Sight] = Mailbox()
        self._outcomes: Mailbox[Outcome] = Mailbox()
        self._stopping = threading.Event()
        self._rest, self._is_resting = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None
        self._has_failed = False
        self._doing, self._doing_since = "", 0.0
        self._progress: Progress | None = None
        self._is_unwanted = threading.Event()
        if isinstance(driver, SlowDriver):
            driver.report = self._hears

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
        self.cancel(keeps_answers=True)
        self._sights.take()
        self._sights.wake()
        self._is_resting.wait(timeout_s if self._thread is not None else 0.0)

    def cancel(self, keeps_answers: bool = False) -> None:
        """Give up the call in progress at its next report. A driver that does not report finishes it."""
        if not (keeps_answers and self._doing == "answer"):
            self._is_unwanted.set()

    def look_now(self, sight: Sight) -> Outcome | None:
        """Lockstep: plan for this observation and say the next few words, in the caller's thread."""
        outcome = self._planned(sight)
        sight = _left_to_say(sight, outcome)
        for _ in range(PIECES_PER_LOCKSTEP_TICK):
            if not self._speaks(sight):
                break
        return outcome

    def outcome(self) -> Outcome | None:
        return self._outcomes.take()

    def busy_s(self) -> float:
        """Seconds of wall time the driver has been inside one call without a sign; 0 when it is idle."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def progress(self) -> Progress | None:
        """What the driver is busy with, once it has been for a moment."""
        progress, elapsed_s = self._progress, time.monotonic() - self._doing_since
        if progress is None or elapsed_s < PROGRESS_SHOWN_AFTER_S:
            return None
        return replace(progress, doing=self._doing, elapsed_s=elapsed_s)

    def stop(self, timeout_s: float = 3.0) -> bool:
        """End the thread. False when the driver is stuck in a call: the daemon thread then dies with the process.

        Twice is fine, and the second time waits for nobody.
        """
        if self._stopping.is_set():
            timeout_s = 0.0
        self._stopping.set()
        self.cancel()
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
                outcome = self._planned(sight)
                sight = _left_to_say(sight, outcome)
                if outcome is None:
                    continue
                self._outcomes.put(outcome)
                self._speaks_between_plans(sight)
            elif sight is None or not self._speaks(sight):
                self._sights.wait(timeout_s=0.25)

    def _speaks_between_plans(self, sight: Sight) -> None:
        pieces = 0
        while pieces < PIECES_PER_PLAN or self._finishes_words:
            if self._stopping.is_set() or self._rest.is_set() or not self._speaks(sight):
                return
            pieces += 1

    def _hears(self, progress: Progress) -> None:
        """The driver's own sign of life, on its thread. Raises Cancelled where nobody waits for it any more."""
        self._busy_since = time.monotonic()
        self._progress = progress
        if self._is_unwanted.is_set():
            self._is_unwanted.clear()
            raise Cancelled("nobody waits for this any more")

    def _begins(self, doing: str) -> None:
        self._busy_since = time.monotonic()
        if doing != self._doing:
            self._doing, self._doing_since, self._progress = doing, self._busy_since, None
            if not self._stopping.is_set():
                self._is_unwanted.clear()

    def _ends(self, is_over: bool) -> None:
        self._busy_since = None
        if is_over:
            self._doing, self._progress = "", None

    def _planned(self, sight: Sight) -> Outcome | None:
        """None where the person gave it up."""
        observation = sight.observation
        self._begins("plan")
        try:
            plan = self.driver.plan(observation, sight.instruction, sight.talk_order is TalkOrder.TALK_FIRST)
        except Cancelled:
            return None
        except Exception as problem:  # whatever a driver raises must brake the car, not end the drive
            if not self._has_failed:
                log.exception("The driver failed; it is asked again with every picture.")
            self._has_failed = True
            line = f"The driver failed: {type(problem).__name__}: {problem}. It is asked again with every picture."
            return DriverTrouble(observation.episode, line)
        finally:
            self._ends(is_over=True)
        self._has_failed = False
        if plan.commentary:
            self.speech.says_first(plan.commentary, plan.made_at_tick)
        return plan

    def _speaks(self, sight: Sight) -> bool:
        self._begins(self.speech.topic)
        try:
            talks_alongside = sight.talk_order is TalkOrder.ALONGSIDE
            return self.speech.advance(sight.observation, sight.instruction, comments=talks_alongside)
        finally:
            self._ends(is_over=not self.speech.is_within_words)


def _left_to_say(sight: Sight, outcome: Outcome | None) -> Sight:
    """The sight to talk about after its plan: only answers where nobody wanted it, or it came with words."""
    is_said = outcome is None or (isinstance(outcome, DrivePlan) and bool(outcome.commentary))
    return replace(sight, talk_order=TalkOrder.TALK_FIRST) if is_said else sight
