"""How the world waits for a driver that is slower than it: so many ticks on each plan. Session thread only.

A driver that plans well within a second is followed in realtime. One that takes longer would always steer by a picture
of somewhere else; for it the world stands still until the plan for exactly this moment is there.
"""

from __future__ import annotations

from sim_bridge.driver_at_work import Sight
from sim_bridge.messages import DrivePlan
from sim_bridge.pace import WINDOW_S

# From here on a plan is too old when it arrives: at 10 m/s the car is 5 m further.
FRAME_MAX_S = 0.5
# A quarter of a second, one step of the speed waypoints: far less than a plan reaches, and five times as lively.
TICKS_PER_PLAN = 5
# Rates over the bursts of several plans.
PLANS_IN_WINDOW = 6


class Lockstep:
    """`ticks` 0 waits for nobody; None waits where a frame takes longer than FRAME_MAX_S."""

    def __init__(self, ticks: int | None, frame_s: float) -> None:
        self.ticks = ticks if ticks is not None else TICKS_PER_PLAN if frame_s > FRAME_MAX_S else 0
        self.window_s = max(WINDOW_S, PLANS_IN_WINDOW * frame_s)
        self._asked_for: tuple[int, int, object, object] | None = None

    @property
    def is_on(self) -> bool:
        return self.ticks > 0

    def is_used_up(self, plan: DrivePlan | None, tick: int, serial: int) -> bool:
        """Whether `plan` has moved the world as far as one plan may, or reads another instruction than `serial`."""
        return plan is None or tick - plan.made_at_tick >= self.ticks or plan.instruction_serial != serial

    def is_news(self, sight: Sight) -> bool:
        """Whether the driver has not been asked about this sight yet. It counts as asked from here on."""
        seen = sight.observation
        wanted = (seen.episode, seen.tick, sight.instruction, sight.talk_order)
        was, self._asked_for = self._asked_for, wanted
        return was != wanted

    def forget(self) -> None:
        """Whatever was asked will not be answered."""
        self._asked_for = None
