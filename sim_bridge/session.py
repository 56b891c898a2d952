"""DriveSession: the clock and the loop that drives a car through a world. One thread runs it and owns the simulator.

One tick: obey commands -> take the newest plan -> engagement and safety -> tracker or hands -> tick the world -> show.
Realtime: the world goes on at 20 Hz with the newest plan, whose age is shown. Lockstep: the world waits for each plan.
A drive that is run live waits for a driver that is too slow for anything else, while people watch, ask and take over;
one that is advanced by its caller reads no wall clock, and two with the same seed and commands are the same.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sim_bridge.acting_plan import PLAN_AGE_MAX_S
from sim_bridge.drive_state import DriveState
from sim_bridge.driver_at_work import Outcome
from sim_bridge.engagement import Event
from sim_bridge.interfaces import Driver, Simulator, SimulatorLost
from sim_bridge.judging import judged
from sim_bridge.lockstep import Lockstep
from sim_bridge.messages import (
    TICK_S,
    Ask,
    Cancel,
    Command,
    CommandResult,
    DrivePlan,
    Engage,
    HolderLeft,
    HumanInput,
    Pause,
    Phase,
    Reset,
    Resume,
    SessionView,
    SetInstruction,
    SetTalkOrder,
    Step,
    Stop,
    Takeover,
    TalkOrder,
)
from sim_bridge.pace import Pacer
from sim_bridge.publishing import Publisher
from sim_bridge.typed_text import cleaned

log = logging.getLogger(__name__)

Item = TypeVar("Item")

PAUSED_LOOK_S = 0.05
PAUSED_SHOW_S = 0.25
# A driver may be silent for as long as this many of its frames take.
STUCK_FRAMES = 5
PLAN_CANCELLED = "Stopped waiting for the plan; the drive is paused. Resume plans anew."
CANCELLED = "Cancelled."


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """`has_pictures`: encode what the cameras saw into the views; scoring in lockstep has no use for it.

    `lockstep_ticks`: how far a live drive moves on each plan that it waited for; 0 never waits, None waits where the
    driver's own frame time leaves no other choice.
    """

    seed: int = 0
    has_pictures: bool = True
    plan_age_max_s: float = PLAN_AGE_MAX_S
    # A driver inside one call for this long is not slow but hung; only another process can replace it.
    driver_stuck_s: float = 30.0
    lockstep_ticks: int | None = None
    talk_order: TalkOrder = TalkOrder.ALONGSIDE


class DriveSession:
    """Either `run` (realtime: blocks until `stop`) or `advance` (lockstep), then `close`, which closes driver and
    world too."""

    def __init__(self, simulator: Simulator, driver: Driver, config: SessionConfig | None = None) -> None:
        self._config = config or SessionConfig()
        lockstep = Lockstep(self._config.lockstep_ticks, driver.info.frame_s)
        self._drive = DriveState(simulator, driver, self._config.plan_age_max_s, lockstep)
        self._drive.talk_order = self._config.talk_order
        self._stuck_s = max(self._config.driver_stuck_s, STUCK_FRAMES * driver.info.frame_s)
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._seed = self._config.seed
        self._steps_left = 0
        self._is_realtime = False
        self._publisher = Publisher(self._drive.view())

    # ---- for everybody, any thread

    def submit(self, command: Command) -> CommandResult:
        """Judged at once against the newest view; obeyed before the next tick."""
        result = judged(command, self.view())
        if not result.line:
            self._commands.put(command)
        return result

    def tell(self, line: str) -> None:
        """Show `line` as a notice in the next view."""
        self._told.put(line)

    def view(self) -> SessionView:
        return self._publisher.newest

    def observe(self, observer: Callable[[SessionView], None]) -> None:
        """Call `observer` with every view, on the publishing thread (lockstep: the caller's)."""
        self._publisher.observe(observer)

    def stop(self) -> None:
        """Let `run` end after the tick in progress."""
        self._stopping.set()

    # ---- realtime

    def run(self) -> None:
        """Drive until `stop` or a Stop command, at 20 ticks per second of wall time or as the driver allows.

        Raises SimulatorLost when the world is gone, and RuntimeError when the driver hangs, after the newest view says
        so: both need another process to go on.
        """
        self._is_realtime = True
        self._publisher.start()
        self._drive.work.start()
        try:
            self._begin(self._seed)
            self._run_ticks()
        except Exception as problem:  # whatever ends the drive, viewers must learn why before it goes on up
            self._fail(problem)
            raise
        finally:
            self._drive.work.stop()
            self._publisher.stop()

    def _run_ticks(self) -> None:
        work, pacer = self._drive.work, Pacer(TICK_S)
        shown_s = 0.0
        while not self._stopping.wait(pacer.wait_s()):
            is_news = self._obey_commands()
            is_news |= self._take(work.outcome())
            if self._stands_still():
                if is_news or time.monotonic() - shown_s > PAUSED_SHOW_S:
                    shown_s = time.monotonic()
                    self._show()
                self._stopping.wait(PAUSED_LOOK_S)
                pacer.restart()
            else:
                self._tick()
                if not self._drive.lockstep.is_on or not self._drive.wheel.driver_steers:
                    self._look()
                pacer.ticked()
            if work.busy_s() > self._stuck_s:
                raise RuntimeError(f"The driver has been inside one call for {work.busy_s():.0f} s; it hangs.")

    def _stands_still(self) -> bool:
        """Whether the world waits: for a person who paused it, or for the driver, which is asked for its plan."""
        if self._drive.phase is Phase.PAUSED and not self._steps_left:
            return True
        if not self._drive.waits_for_plan:
            return False
        self._look()
        return True

    def _look(self) -> None:
        """Show the driver what is seen and asked now; in lockstep once."""
        sight, lockstep = self._drive.sight, self._drive.lockstep
        is_news = lockstep.is_news(sight)
        if lockstep.is_on and is_news:
            self._drive.rates.sim_time.count(0.0)  # the wait for the plan is part of the world's pace
        if is_news or not lockstep.is_on:
            self._drive.work.look(sight)

    # ---- lockstep

    def advance(self, ticks: int = 1) -> SessionView:
        """Drive `ticks` ticks, the world waiting for each plan. No threads. Raises what the world raises."""
        try:
            if not self._drive.has_begun:
                self._begin(self._seed)
            for _ in range(ticks):
                self._obey_commands()
                self._take(self._drive.work.look_now(self._drive.sight))
                self._tick()
        except SimulatorLost as problem:
            self._fail(problem)
            raise
        return self.view()

    def close(self) -> None:
        """End the driver and the world, in this order. Twice is fine."""
        self._stopping.set()
        try:
            self._drive.work.stop()
        finally:
            self._drive.simulator.close()

    # ---- one tick

    def _begin(self, seed: int) -> None:
        drive = self._drive
        drive.phase, self._seed, self._steps_left = Phase.STARTING, seed, 0
        self._show()
        drive.work.rest()
        drive.restart(drive.simulator.reset(seed))
        if self._is_realtime:
            self._look()
        self._show()

    def _take(self, outcome: Outcome | None) -> bool:
        """Whether a plan arrived that the car follows from here on."""
        if outcome is None or not self._drive.plan.take(outcome):
            return False
        assert isinstance(outcome, DrivePlan)
        self._drive.rates.plans.count()
        self._drive.instruction.obeyed_by(outcome, self._drive.simulator, self._drive.seen)
        return True

    def _tick(self) -> None:
        drive, was, now_s = self._drive, self._drive.seen, self._now_s()
        # 1 Who drives: plans first, then silence of the hands.
        health = drive.plan.health(was.tick)
        drive.wheel.happens(health.event)
        drive.wheel.watches(now_s)
        drive.failure = health.line
        # 2 What wheel and pedals do.
        drive.control = drive.wheel.control(drive.driven(), was.ego.speed_mps, now_s)
        # 3 The world moves.
        drive.sees(drive.simulator.step(drive.control))
        self._steps_left = max(0, self._steps_left - 1)
        drive.instruction.watches(drive.simulator, drive.seen)
        # 4 Everybody sees.
        drive.rates.frames.count()
        drive.rates.sim_time.count(TICK_S)
        self._show()

    def _now_s(self) -> float:
        """The clock of the hands: the wall's while a person can be late, the world's where nothing can."""
        return time.monotonic() if self._is_realtime else self._drive.seen.tick * TICK_S

    def _show(self) -> None:
        self._publisher.publish(self._drive.view(), self._drive.frames if self._config.has_pictures else ())

    def _fail(self, problem: Exception) -> None:
        drive = self._drive
        drive.phase, drive.failure = Phase.FAILED, str(problem) or type(problem).__name__
        if isinstance(problem, SimulatorLost):
            drive.wheel.happens(Event.WORLD_LOST)
        log.error("The drive ended: %s", drive.failure)
        self._show()

    # ---- commands

    def _obey_commands(self) -> bool:
        """Whether there were any."""
        commands, told = _taken(self._commands), _taken(self._told)
        # Hands report many times a second; whatever else a person does goes on from what they were last told.
        if any(not isinstance(command, HumanInput | HolderLeft) for command in commands):
            self._drive.has_been_answered()
        for command in commands:
            if refusal := self._obey(command):
                self._drive.says(refusal)
        for line in told:
            self._drive.says(line)
        return bool(commands or told)

    def _obey(self, command: Command) -> str:
        """Obey one command. Returns why it was refused after all, or ""."""
        drive = self._drive
        match command:
            case HumanInput():
                return drive.wheel.hears(command, self._now_s())
            case Takeover(holder, reason):
                return drive.wheel.happens(Event.TAKEOVER, holder, reason)
            case Engage(reason):
                objection = drive.plan.may_take_over(drive.seen.tick)
                return drive.wheel.happens(Event.ENGAGE, reason=reason, plan_objection=objection)
            case HolderLeft(holder):
                return drive.wheel.happens(Event.HOLDER_LEFT, holder)
            case SetInstruction(text, mode):
                drive.instruction.ask(cleaned(text), mode)
                self._look_again()
            case Ask(question, question_id):
                return drive.work.speech.ask(cleaned(question), question_id, drive.seen)
            case SetTalkOrder(order):
                drive.talk_order = order
                self._look_again()
            case Cancel():
                self._cancel()
            case _:
                self._obey_clock(command)
        return ""

    def _obey_clock(self, command: Command) -> None:
        match command:
            case Pause():
                self._drive.phase, self._steps_left = Phase.PAUSED, 0
            case Resume():
                self._drive.phase = Phase.RUNNING
            case Step(ticks):
                self._steps_left += ticks
            case Reset(seed):
                self._begin(self._seed if seed is None else seed)
            case Stop():
                self._stopping.set()

    def _cancel(self) -> None:
        drive, progress = self._drive, self._drive.work.progress
        drive.work.cancel()
        drive.lockstep.forget()
        if progress and progress.doing == "plan" and drive.lockstep.is_on and drive.phase is Phase.RUNNING:
            drive.phase, self._steps_left = Phase.PAUSED, 0
            drive.says(PLAN_CANCELLED)
        else:
            drive.says(CANCELLED)

    def _look_again(self) -> None:
        """While the world stands still no new picture comes: the driver plans for this one with what has changed."""
        if not self._is_realtime:
            return
        if self._drive.lockstep.is_on:
            self._drive.work.cancel(keeps_answers=True)
            # Also where the sight is the same as before, such as a cleared instruction where none stood.
            self._drive.lockstep.forget()
        if self._drive.phase is Phase.PAUSED:
            self._look()


def _taken(waiting: queue.SimpleQueue[Item]) -> list[Item]:
    """Everything that waits, without waiting."""
    taken: list[Item] = []
    while True:
        try:
            taken.append(waiting.get_nowait())
        except queue.Empty:
            return taken
