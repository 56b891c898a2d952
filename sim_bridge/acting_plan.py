"""The plan the car follows now: the newest one of this episode, whether it may be followed, and the tracker on it.

Session thread only. A plan of an earlier episode, or older than the one in hand, is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim_bridge.engagement import Event
from sim_bridge.frames import moved
from sim_bridge.messages import TICK_S, Control, DrivePlan, EgoState, Observation, Points
from sim_bridge.plan_checks import objection
from sim_bridge.tracker import Tracker, desired_speed

# SimLingo re-plans every tick; a second without a plan is 14 m at town speed, driven blind.
PLAN_AGE_MAX_S = 1.0


@dataclass(frozen=True, slots=True)
class Health:
    """`event` goes to the engagement table; `line` says it to a person, "" when all is well."""

    event: Event
    line: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class DriverTrouble:
    """The driver raised instead of planning."""

    episode: int
    line: str


class ActingPlan:
    """One per session; `restart` at every new episode."""

    def __init__(self, age_max_s: float = PLAN_AGE_MAX_S) -> None:
        self._age_max_s = age_max_s
        self._tracker = Tracker()
        self.restart(episode=0)

    def restart(self, episode: int) -> None:
        self.plan: DrivePlan | None = None
        self._episode = episode
        self._trouble: Health | None = None
        self._tracker.reset()

    def take(self, outcome: DrivePlan | DriverTrouble) -> bool:
        """The driver's newest outcome. Whether it is a plan to follow."""
        if outcome.episode != self._episode:
            return False
        if isinstance(outcome, DriverTrouble):
            self._trouble = Health(Event.DRIVER_FAILED, outcome.line)
            return False
        if line := objection(outcome):
            self._trouble = Health(Event.PLAN_INVALID, line)
            return False
        if self.plan is not None and outcome.made_at_tick < self.plan.made_at_tick:
            return False
        self.plan, self._trouble = outcome, None
        return True

    @property
    def is_in_trouble(self) -> bool:
        """Whether the driver failed, or made a plan that may not be followed, since the plan in hand."""
        return self._trouble is not None

    def age_s(self, tick: int) -> float | None:
        """How much the world has moved on since the pictures the plan was made from."""
        return None if self.plan is None else (tick - self.plan.made_at_tick) * TICK_S

    def health(self, tick: int) -> Health:
        if self._trouble is not None:
            return self._trouble
        age = tick * TICK_S if self.plan is None else (tick - self.plan.made_at_tick) * TICK_S
        if age > self._age_max_s:
            what = "no plan yet" if self.plan is None else "no new plan"
            return Health(
                Event.PLAN_STALE, f"The driver has made {what} for {age:.1f} s; at most {self._age_max_s} s is safe."
            )
        return Health(Event.PLAN_GOOD)

    def may_take_over(self, tick: int) -> str:
        """Why the driver may not be given the car now; "" when a fresh valid plan is in hand."""
        health = self.health(tick)
        if self.plan is None and health.event is Event.PLAN_GOOD:
            return "It has made no plan yet."
        return health.line

    def control(self, now: Observation) -> Control | None:
        """What the tracker asks for this tick; None without a plan."""
        if self.plan is None:
            return None
        return self._tracker.control(self.plan, now.ego, self.age_s(now.tick) or 0.0)

    def rest(self) -> None:
        """Somebody else drives this tick: the controllers start afresh when the driver is back."""
        self._tracker.reset()

    def target_speed_mps(self, tick: int) -> float:
        return 0.0 if self.plan is None else desired_speed(self.plan.speed_xy_in_ego, self.age_s(tick) or 0.0)

    def seen_from(self, ego: EgoState) -> tuple[Points | None, Points | None]:
        """(path, speed waypoints) of the plan in the frame of the car at `ego`, for drawing."""
        if self.plan is None:
            return None, None
        plan = self.plan
        return moved(plan.path_xy_in_ego, plan.made_from, ego), moved(plan.speed_xy_in_ego, plan.made_from, ego)
