"""A driver that follows the navigator's dense route at a steady speed: privileged, blind to lights and traffic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim_bridge.frames import Floats, in_ego, resampled
from sim_bridge.messages import DrivePlan, DriverInfo, Instruction, Observation
from tests.fakes import SteadyDriver, steady_plan


class RouteDriver(SteadyDriver):
    info = DriverInfo("route", "Route follower", True)

    def __init__(self, route_in_world: Callable[[], Floats], speed_mps: float) -> None:
        super().__init__(speed_mps)
        self._route = route_in_world

    def plan(self, observation: Observation, instruction: Instruction | None, talk_first: bool = False) -> DrivePlan:
        plan = steady_plan(observation, instruction, self.speed_mps)
        ahead = in_ego(self._route(), observation.ego)[2:40]
        plan.path_xy_in_ego[:] = resampled(np.vstack([[0.0, 0.0], ahead]), np.arange(20.0))
        return plan
