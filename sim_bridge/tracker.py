"""A plan and where the car is now -> a Control, with SimLingo's two PID controllers. The session thread runs it.

Lateral: aim at a point of the path some metres ahead. Longitudinal: the speed that the speed waypoints ask for. All
constants are those of SimLingo's closed-loop agent (its lateral controller comes tuned from its expert).

A plan is always about the past. The path is moved into today's ego frame and what the car has passed is dropped; the
speed waypoints are read `age_s` later. At age 0, on the spot, both are exactly SimLingo's formulas.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from sim_bridge.frames import Floats, lengths_along, moved, nearest_on, pchip
from sim_bridge.messages import SPEED_INTERVAL_S, Control, DrivePlan, EgoState, Points

# The speed is read off the waypoints from 0.25 s to 0.75 s, doubled because they are half a second apart.
SPEED_FROM_S = 0.25
SPEED_TO_S = 0.75
BRAKE_BELOW_MPS = 0.4
BRAKE_RATIO = 1.1
SPEED_ERROR_MAX_MPS = 1.0
SPEED_KP, SPEED_KI, SPEED_KD = 1.75, 1.0, 2.0
SPEED_WINDOW = 20

PATH_STEP_M = 0.1
# Look-ahead in tenths of a metre, linear in km/h, between 2.4 m and 10.5 m.
LOOKAHEAD_PER_KMH, LOOKAHEAD_OFFSET = 0.9755321901954155, 1.9152884533402488
LOOKAHEAD_MIN, LOOKAHEAD_MAX = 24, 105
STEER_KP, STEER_KD, STEER_KI = 3.118357247806046, 1.3782508892109167, 0.6406067986034124
STEER_WINDOW = 6


class Tracker:
    """The controllers' memory, from one `reset` to the next. One `control` call per tick."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the past: at a new episode, and whenever somebody else has driven since the last call."""
        self._speed = _SpeedController()
        self._steer = _SteerController()

    def control(self, plan: DrivePlan, ego: EgoState, age_s: float) -> Control:
        """What wheel and pedals do this tick to follow `plan`, made `age_s` ago, from `ego`."""
        path = path_ahead(plan, ego)
        throttle, brake = self._speed.pedals(desired_speed(plan.speed_xy_in_ego, age_s), ego.speed_mps)
        return Control(steer=self._steer.steer(path, ego.speed_mps), throttle=throttle, brake=brake)


def path_ahead(plan: DrivePlan, ego: EgoState) -> Points:
    """The plan's path in today's ego frame from the car on: (N, 2), N >= 1, without the points already passed."""
    path = moved(plan.path_xy_in_ego, plan.made_from, ego)
    passed_m, _ = nearest_on(path, 0.0, 0.0)
    return path[min(int(np.searchsorted(lengths_along(path), passed_m, side="right")), len(path) - 1) :]


def desired_speed(speed_xy_in_ego: Points, age_s: float) -> float:
    """m/s asked for by the waypoints, for a plan that is `age_s` old."""
    points = np.concatenate([np.zeros((1, 2)), np.asarray(speed_xy_in_ego, dtype=np.float64)])
    times = np.arange(len(points)) * SPEED_INTERVAL_S
    at = np.array([SPEED_FROM_S, SPEED_TO_S]) + max(age_s, 0.0)
    x, y = np.interp(at, times, points[:, 0]), np.interp(at, times, points[:, 1])
    return float(math.hypot(x[1] - x[0], y[1] - y[0]) / (SPEED_TO_S - SPEED_FROM_S))


class _SpeedController:
    def __init__(self) -> None:
        self._errors: deque[float] = deque([0.0] * SPEED_WINDOW, maxlen=SPEED_WINDOW)

    def pedals(self, desired_mps: float, speed_mps: float) -> tuple[float, float]:
        """(throttle, brake). The brake is all or nothing, as in the agent."""
        speed = round(speed_mps, 1)  # the agent steers by the speed it tells the network
        brakes = desired_mps < BRAKE_BELOW_MPS or speed / desired_mps > BRAKE_RATIO
        error = min(max(desired_mps - speed, 0.0), SPEED_ERROR_MAX_MPS)
        self._errors.append(error)
        change = self._errors[-1] - self._errors[-2]
        throttle = SPEED_KP * error + SPEED_KI * sum(self._errors) / SPEED_WINDOW + SPEED_KD * change
        return (0.0, 1.0) if brakes else (min(max(throttle, 0.0), 1.0), 0.0)


class _SteerController:
    def __init__(self) -> None:
        self._errors: deque[float] = deque(maxlen=STEER_WINDOW)

    def steer(self, path: Points, speed_mps: float) -> float:
        """-1 (left) .. 1 (right), three decimals."""
        aim_x, aim_y = _aim(path, speed_mps)
        error = math.atan2(aim_y, aim_x) / (math.pi / 2)  # in quarter turns
        change = error - self._errors[-1] if self._errors else 0.0
        self._errors.append(error)
        steer = STEER_KP * error + STEER_KD * change + STEER_KI * sum(self._errors) / len(self._errors)
        return round(min(max(steer, -1.0), 1.0), 3)


def _aim(path: Points, speed_mps: float) -> tuple[float, float]:
    """The point to look at, in the car's frame: on the curve from the car through the path's points."""
    line: Floats = np.concatenate([np.zeros((1, 2)), np.asarray(path, dtype=np.float64)])
    # A rising trace keeps the knots apart where points coincide (a standing plan).
    along = lengths_along(line) + 1e-4 * np.arange(len(line))
    count = max(int(along[-1] / PATH_STEP_M), 1)
    lookahead = LOOKAHEAD_PER_KMH * speed_mps * 3.6 + LOOKAHEAD_OFFSET
    index = min(int(min(max(lookahead, LOOKAHEAD_MIN), LOOKAHEAD_MAX)), count - 1)
    at = min((index + 1) * PATH_STEP_M, float(along[-1]))
    x, y = pchip(along, line, np.array([at]))[0]
    return float(x), float(y)
