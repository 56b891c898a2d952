"""Everything a session knows at one moment, besides the clock, and the one immutable SessionView of it.

Session thread only; the view made from it is safe anywhere.
"""

from __future__ import annotations

import math
import time

from sim_bridge.acting_plan import ActingPlan
from sim_bridge.actor_words import in_words
from sim_bridge.driver_at_work import DriverAtWork, Sight
from sim_bridge.engagement import Event
from sim_bridge.interfaces import Driver, Simulator
from sim_bridge.lockstep import Lockstep
from sim_bridge.messages import (
    CameraFrame,
    Control,
    EgoState,
    InstructionKind,
    Observation,
    Phase,
    SessionView,
    TalkOrder,
)
from sim_bridge.pace import Rates
from sim_bridge.standing_instruction import StandingInstruction
from sim_bridge.stuck import Unstick
from sim_bridge.wheel import Wheel

NOTICE_TICKS = 100
# Instructions under which a car may stand for good.
HOLDS_CAR = frozenset({InstructionKind.STOP, InstructionKind.SLOWER, InstructionKind.TARGET_SPEED})
NOWHERE = EgoState(0.0, 0.0, 0.0, 0.0)


class DriveState:
    """One per session, changed in place; `restart` at every new episode."""

    def __init__(self, simulator: Simulator, driver: Driver, plan_age_max_s: float, lockstep: Lockstep) -> None:
        self.simulator = simulator
        self.lockstep = lockstep
        self.work = DriverAtWork(driver, finishes_words=lockstep.is_on)
        # The world never moves on an old plan where it waits for each one.
        self.plan = ActingPlan(math.inf if lockstep.is_on else plan_age_max_s)
        self.wheel = Wheel()
        self.instruction = StandingInstruction()
        self.talk_order = TalkOrder.ALONGSIDE
        self.phase, self.failure = Phase.STARTING, ""
        self.control = Control()
        self.rates, self.unstick = Rates(lockstep.window_s), Unstick()
        self.frames: tuple[CameraFrame, ...] = ()
        self._seen: Observation | None = None
        self._collisions = 0
        self._notice, self._notice_until_tick = "", 0

    @property
    def seen(self) -> Observation:
        """The newest observation; there is one from the first reset on."""
        assert self._seen is not None, "a session ticks only after its first reset"
        return self._seen

    @property
    def has_begun(self) -> bool:
        return self._seen is not None

    @property
    def waits_for_plan(self) -> bool:
        """Lockstep: the driver drives and has not yet planned for what is seen and asked now."""
        # Nobody waits for a plan that went wrong: the world ticks on, where the car stops and the driver sees anew.
        if not self.lockstep.is_on or not self.wheel.driver_steers or self.plan.is_in_trouble:
            return False
        asked = self.instruction.asked
        return self.lockstep.is_used_up(self.plan.plan, self.seen.tick, asked.serial if asked else 0)

    @property
    def sight(self) -> Sight:
        """What the driver is to look at next."""
        return Sight(self.seen, self.instruction.asked, self.talk_order)

    def restart(self, first: Observation) -> None:
        """A new episode: everything but the person's choice of talk order starts anew."""
        self.plan.restart(first.episode)
        self.instruction = StandingInstruction(after=self.instruction)
        self.wheel.happens(Event.EPISODE_STARTED)
        self.control, self.rates, self.unstick = Control(), Rates(self.lockstep.window_s), Unstick()
        self.lockstep.forget()
        self.phase, self.failure = Phase.RUNNING, ""
        self._collisions = self._notice_until_tick = 0
        self.sees(first)

    def sees(self, observation: Observation) -> None:
        self._seen = observation
        chase = self.simulator.chase_frame()
        self.frames = (*observation.frames, chase) if chase else observation.frames

        hits = self.simulator.collisions
        if len(hits) > self._collisions:
            self.says(f"The car has hit {in_words(hits[-1].other_type_id)}.")
        self._collisions = len(hits)

    def driven(self) -> Control | None:
        """What the driver, or who frees its car in its place, asks for this tick; None while it does not drive."""
        wanted = self.plan.control(self.seen) if self.wheel.driver_steers else None
        if wanted is None or self.wheel.standing.person:
            self.unstick.rest()
        else:
            may_creep = self.instruction.kind not in HOLDS_CAR
            wanted = self.unstick.control(wanted, self.seen.ego, may_creep, self.simulator.clearance)
            if self.unstick.line:
                self.says(self.unstick.line)
        if wanted is None or self.unstick.is_at_work:
            self.plan.rest()
        return wanted

    def says(self, notice: str) -> None:
        """A sentence for the next five seconds of driving."""
        self._notice, self._notice_until_tick = notice, self.seen.tick + NOTICE_TICKS

    def has_been_answered(self) -> None:
        """A person went on: the last sentence is over, also where the world stands still. Said again, it is news."""
        self._notice_until_tick = 0

    def view(self) -> SessionView:
        """Without its pictures, which are added where they are encoded (`publishing`)."""
        seen, plan, wheel, instruction, speech = self._seen, self.plan, self.wheel, self.instruction, self.work.speech
        tick, ego = (seen.tick, seen.ego) if seen else (0, NOWHERE)
        path, speed = plan.seen_from(ego)
        age_s = plan.age_s(tick)
        return SessionView(
            phase=self.phase,
            episode=seen.episode if seen else 0,
            tick=tick,
            sim_time_us=seen.sim_time_us if seen else 0,
            published_at_ns=time.monotonic_ns(),
            ego=ego,
            control=self.control,
            target_speed_mps=plan.target_speed_mps(tick),
            engagement=wheel.standing.engagement,
            engagement_reason=wheel.standing.reason,
            holder=wheel.standing.holder,
            driver=self.work.driver.info,
            town=self.simulator.town,
            world=self.simulator.world,
            path_xy_in_ego=path,
            speed_xy_in_ego=speed,
            target_points_xy_in_ego=seen.target_points_xy_in_ego if seen else None,
            plan_age_ms=None if age_s is None else age_s * 1000.0,
            plan_hz=self.rates.plans.per_s(),
            inference_ms=plan.plan.inference_ms if plan.plan else 0.0,
            is_on_known_picture=plan.plan is not None and plan.plan.is_on_known_picture,
            frame_hz=self.rates.frames.per_s(),
            real_time_factor=self.rates.sim_time.per_s(),
            instruction_asked=instruction.asked,
            instruction_acting=instruction.acting,
            instruction_kind=instruction.kind,
            instruction_note=instruction.note,
            talk_order=self.talk_order,
            progress=self.work.progress,
            lockstep_ticks=self.lockstep.ticks,
            commentary=speech.commentary,
            answers=speech.answers,
            is_being_freed=self.unstick.is_at_work,
            collisions=self._collisions,
            journey=self.simulator.journey_news if seen else None,
            input_echo=wheel.echo,
            notice=self._notice if tick < self._notice_until_tick else speech.trouble,
            failure=self.failure,
        )
