"""A vehicle along a course by its own wheel and pedals, so that it drives by the world's physics. Session thread.

Steering is pure pursuit (Coulter 1992): a circle through a point ahead on the way. Speed is a plain PI controller.
"""

from __future__ import annotations

import math
from typing import Any

import carla

from sim_bridge.scenarios.course import Course
from sim_bridge.scenarios.doings import Wanted
from sim_bridge.scenarios.seen import Seen

LOOK_AHEAD_S, LOOK_AHEAD_M = 0.55, (4.0, 14.0)
WHEEL_BASE_M = 2.85
# Road-wheel angle per unit of steer around straight ahead, of CARLA's default car.
STEER_RAD = 0.79
SPEED_KP, SPEED_KI, INTEGRAL_MAX = 0.35, 0.25, 0.6
# So much too fast is worth the brake pedal; below it, rolling out does.
BRAKE_FROM_MPS, BRAKE_PER_MPS = 0.7, 0.16
STANDING_MPS = 0.2


class Follower:
    """Drives one vehicle. `aside` tells how far to the right of the course it keeps at each place."""

    def __init__(self, course: Course, aside_m: float, tick_s: float) -> None:
        self.course = course
        self._tick_s = tick_s
        self._from = self._to = aside_m
        self._shift_s = (0.0, 1.0)
        self._integral = 0.0

    @property
    def heads_for_m(self) -> float:
        """How far to the right of the course it keeps once every move over is done."""
        return self._to

    def shift(self, s: float, over_m: float, by_m: float) -> None:
        """Move over to another line beside the course, from `s` on."""
        self._from, self._to = self.aside(s), self._to + by_m
        self._shift_s = (s, s + max(over_m, 1.0))

    def aside(self, s: float) -> float:
        low, high = self._shift_s
        share = min(max((s - low) / (high - low), 0.0), 1.0)
        return self._from + (self._to - self._from) * share * share * (3.0 - 2.0 * share)

    def control(self, seen: Seen, wanted: Wanted) -> Any:
        """The carla.VehicleControl of this tick."""
        throttle, brake = self._pedals(seen.speed_mps, wanted)
        return carla.VehicleControl(
            throttle=throttle,
            steer=self._steer(seen),
            brake=brake,
            hand_brake=wanted.is_parked or (wanted.mps == 0.0 and wanted.brake >= 1.0),
        )

    def _steer(self, seen: Seen) -> float:
        s, _ = self.course.locate(seen.x, seen.y)
        ahead = s + min(max(LOOK_AHEAD_S * seen.speed_mps + LOOK_AHEAD_M[0], LOOK_AHEAD_M[0]), LOOK_AHEAD_M[1])
        aim = self.course.pose(ahead, self.aside(ahead))
        dx, dy = aim.x - seen.x, aim.y - seen.y
        along = dx * math.cos(seen.yaw_rad) + dy * math.sin(seen.yaw_rad)
        across = dy * math.cos(seen.yaw_rad) - dx * math.sin(seen.yaw_rad)
        curvature = 2.0 * across / max(along * along + across * across, 1.0)
        return min(max(math.atan(WHEEL_BASE_M * curvature) / STEER_RAD, -1.0), 1.0)

    def _pedals(self, speed: float, wanted: Wanted) -> tuple[float, float]:
        if wanted.is_parked:
            return 0.0, 0.0
        if wanted.brake > 0.0 or (wanted.mps <= 0.0 and speed < STANDING_MPS):
            self._integral = 0.0
            return 0.0, max(wanted.brake, 0.0) or 1.0
        error = wanted.mps - speed
        if error < -BRAKE_FROM_MPS:
            self._integral = 0.0
            return 0.0, min(1.0, -error * BRAKE_PER_MPS)
        self._integral = min(max(self._integral + SPEED_KI * error * self._tick_s, 0.0), INTEGRAL_MAX)
        return min(max(SPEED_KP * error + self._integral, 0.0), 1.0), 0.0
