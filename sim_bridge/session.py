"""DriveSession: the clock and the loop that drives a car through a world. One thread runs it and owns the simulator.

One tick: obey commands -> take the newest plan -> engagement and safety -> tracker or hands -> tick the world -> show.
Realtime: the world goes on at 20 Hz with the newest plan, whose age is shown. Lockstep: the world waits for each plan,
nothing reads a wall clock, and two drives with the same seed and commands are the same.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sim_bridge.acting_plan import PLAN_AGE_MAX_S, ActingPlan, Health
from sim_bridge.driver_at_work import DriverAtWork, Outcome, Sight
from sim_bridge.engagement import Event
from sim_bridge.interfaces import Driver, Simulator, SimulatorLost
from sim_bridge.judging import judged
from sim_bridge.messages import (
    TICK_S,
    Ask,
    CameraFrame,
    Command,
    CommandResult,
    Control,
    DrivePlan,
    Engage,
    HolderLeft,
    HumanInput,
    Observation,
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
from sim_bridge.pace import Pacer, Rates
from sim_bridge.publishing import Publisher
from sim_bridge.standing_instruction import StandingInstruction
from sim_bridge.typed_text import cleaned
from sim_bridge.viewing import drive_view
from sim_bridge.wheel import Wheel

log = logging.getLogger(__name__)

NOTICE_TICKS = 100
PAUSED_LOOK_S = 0.05
PAUSED_PUBLISH_S = 0.5


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """`has_pictures`: encode what the cameras saw into the views; scoring in lockstep has no use for it."""

    seed: int = 0
    has_pictures: bool = True
    plan_age_max_s: float = PLAN_AGE_MAX_S
    # A driver inside one call for this long is not slow but hung; only another process can replace it.
    driver_stuck_s: float = 30.0


class DriveSession:
    """Either `run` (realtime: blocks until `stop`) or `advance` (lockstep), then `close`. Owns neither world nor driver
    before that; `close` closes both."""

    def __init__(self, simulator: Simulator, driver: Driver, config: SessionConfig | None = None) -> None:
        self._simulator = simulator
        self._config = config or SessionConfig()
        self._work = DriverAtWork(driver)
        self._plan = ActingPlan(self._config.plan_age_max_s)
        self._wheel = Wheel()
        self._instruction = StandingInstruction()
        self._talk_order = TalkOrder.ALONGSIDE
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._phase, self._failure = Phase.STARTING, ""
        self._notice, self._notice_until_tick = "", 0
        self._seed = self._config.seed
        self._steps_left = 0
        self._is_realtime = False
        self._observation: Observation | None = None
        self._control = Control()
        self._health = Health(Event.PLAN_GOOD)
        self._rates = Rates()
        self._publisher = Publisher(self._view())

    # ---- for everybody, any thread

    def submit(self, command: Command) -> CommandResult:
        """Judged at once against the newest view; obeyed before the next tick."""
        result = judged(command, self.view())
        if not result.line:
            self._commands.put(command)
        return result

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
        """Drive until `stop` or a Stop command, at 20 ticks per second of wall time.

        Raises SimulatorLost when the world is gone, and RuntimeError when the driver hangs, after the newest view says
        so: both need another process to go on.
        """
        self._is_realtime = True
        self._publisher.start()
        self._work.start()
        try:
            self._begin(self._seed)
            self._run_ticks()
        except (
            Exception
        ) as problem:  # the end of this drive whatever it was: viewers must learn why, then it goes on up
            self._fail(problem)
            raise
        finally:
            self._work.stop()
            self._publisher.stop()

    def _run_ticks(self) -> None:
        pacer = Pacer(TICK_S)
        published_s = 0.0
        while not self._stopping.wait(pacer.wait_s()):
            is_news = self._obey_commands()
            if self._phase is Phase.PAUSED and not self._steps_left:
                is_news |= self._take(self._work.outcome())
                if is_news or time.monotonic() - published_s > PAUSED_PUBLISH_S:
                    published_s = time.monotonic()
                    self._show(())
                self._stopping.wait(PAUSED_LOOK_S)
                pacer.restart()
                continue
            self._take(self._work.outcome())
            self._tick()
            self._work.look(self._sight())
            pacer.ticked()
            self._check_driver()

    def _check_driver(self) -> None:
        stuck_s = self._work.busy_s()
        if stuck_s > self._config.driver_stuck_s:
            raise RuntimeError(f"The driver has been inside one call for {stuck_s:.0f} s; it hangs and is replaced.")

    # ---- lockstep

    def advance(self, ticks: int = 1) -> SessionView:
        """Drive `ticks` ticks, the world waiting for each plan. No threads. Raises what the world raises."""
        if self._observation is None:
            self._begin(self._seed)
        for _ in range(ticks):
            self._obey_commands()
            self._take(self._work.look_now(self._sight()))
            try:
                self._tick()
            except SimulatorLost as problem:
                self._fail(problem)
                raise
        return self.view()

    def close(self) -> None:
        """End the driver and the world, in this order. Twice is fine."""
        self._stopping.set()
        try:
            self._work.stop()
        finally:
            self._simulator.close()

    # ---- one tick

    def _begin(self, seed: int) -> None:
        self._phase = Phase.STARTING
        self._show(())
        self._seed = seed
        self._work.rest()
        self._observation = self._simulator.reset(seed)
        self._plan.restart(self._observation.episode)
        self._wheel.happens(Event.EPISODE_STARTED)
        self._control, self._health = Control(), Health(Event.PLAN_GOOD)
        self._phase, self._failure, self._steps_left = Phase.RUNNING, "", 0
        self._notice_until_tick = 0
        self._rates = Rates()
        if self._is_realtime:
            self._work.look(self._sight())
        self._show(self._observation.frames)

    def _take(self, outcome: Outcome | None) -> bool:
        """Whether a plan arrived that the car follows from here on."""
        if outcome is None or not self._plan.take(outcome):
            return False
        assert isinstance(outcome, DrivePlan)
        self._rates.plans.count()
        self._instruction.obeyed_by(outcome, self._simulator)
        return True

    def _tick(self) -> None:
        was = self._seen
        # 1 Who drives: plans first, then silence of the hands.
        self._health = self._plan.health(was.tick)
        self._wheel.happens(self._health.event)
        self._wheel.watches(self._now_s())
        self._failure = self._health.line
        # 2 What wheel and pedals do.
        driver = self._plan.control(was) if self._wheel.driver_steers else None
        if driver is None:
            self._plan.rest()
        self._control = self._wheel.control(driver, was.ego.speed_mps, self._now_s())
        # 3 The world moves.
        self._observation = self._simulator.step(self._control)
        self._steps_left = max(0, self._steps_left - 1)
        self._instruction.watches(self._simulator)
        # 4 Everybody sees.
        self._rates.frames.count()
        self._rates.sim_time.count(TICK_S)
        self._show(self._seen.frames)

    @property
    def _seen(self) -> Observation:
        assert self._observation is not None, "a session ticks only after its first reset"
        return self._observation

    def _now_s(self) -> float:
        """The clock of the hands: the wall's while a person can be late, the world's where nothing can."""
        return time.monotonic() if self._is_realtime else self._seen.tick * TICK_S

    def _sight(self) -> Sight:
        return Sight(self._seen, self._instruction.asked, self._talk_order)

    # ---- commands

    def _obey_commands(self) -> bool:
        """Whether there were any."""
        is_news = False
        while True:
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                return is_news
            is_news = True
            if refusal := self._obey(command):
                self._notice, self._notice_until_tick = refusal, self._seen.tick + NOTICE_TICKS

    def _obey(self, command: Command) -> str:
        """Obey one command. Returns why it was refused after all, or ""."""
        match command:
            case HumanInput():
                return self._wheel.hears(command, self._now_s())
            case Takeover(holder, reason):
                return self._wheel.happens(Event.TAKEOVER, holder, reason)
            case Engage(reason):
                objection = self._plan.may_take_over(self._seen.tick)
                return self._wheel.happens(Event.ENGAGE, reason=reason, plan_objection=objection)
            case HolderLeft(holder):
                return self._wheel.happens(Event.HOLDER_LEFT, holder)
            case SetInstruction(text, mode):
                self._instruction.ask(cleaned(text), mode)
                self._look_again()
            case Ask(question, question_id):
                return self._work.speech.ask(cleaned(question), question_id, self._seen)
            case SetTalkOrder(order):
                self._talk_order = order
                self._look_again()
            case _:
                self._obey_clock(command)
        return ""

    def _obey_clock(self, command: Command) -> None:
        match command:
            case Pause():
                self._phase, self._steps_left = Phase.PAUSED, 0
                self._show(())
            case Resume():
                self._phase = Phase.RUNNING
            case Step(ticks):
                self._steps_left += ticks
            case Reset(seed):
                self._instruction = StandingInstruction(after=self._instruction)
                self._begin(self._seed if seed is None else seed)
            case Stop():
                self._stopping.set()

    def _look_again(self) -> None:
        """While paused no new picture comes: the driver plans for the frozen one with what has changed."""
        if self._is_realtime and self._phase is Phase.PAUSED:
            self._work.look(self._sight())

    # ---- views

    def _fail(self, problem: Exception) -> None:
        self._phase = Phase.FAILED
        self._failure = str(problem) or type(problem).__name__
        if isinstance(problem, SimulatorLost):
            self._wheel.happens(Event.WORLD_LOST)
        log.error("The drive ended: %s", self._failure)
        self._show(())

    def _show(self, frames: tuple[CameraFrame, ...]) -> None:
        view = self._view()
        chase = self._simulator.chase_frame() if frames else None
        shown = (*frames, chase) if chase else frames
        self._publisher.publish(view, shown if self._config.has_pictures else ())

    def _view(self) -> SessionView:
        tick = self._observation.tick if self._observation else 0
        return drive_view(
            phase=self._phase,
            failure=self._failure,
            notice=self._notice if tick < self._notice_until_tick else "",
            seen=self._observation,
            control=self._control,
            talk_order=self._talk_order,
            simulator=self._simulator,
            plan=self._plan,
            wheel=self._wheel,
            instruction=self._instruction,
            work=self._work,
            rates=self._rates,
        )
