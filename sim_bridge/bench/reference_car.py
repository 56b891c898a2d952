"""CARLA's default car as others have measured it: what ours is compared with. Pure functions, written from the papers.

Speed: the two polynomials that PDM-Lite's planner forecasts the lincoln.mkz with, fitted on a straight highway up to
80 km/h; each gives the speed 50 ms later, km/h to km/h. Steering: the kinematic bicycle of World on Rails (Chen,
Koltun, Kraehenbuehl 2021), fitted on driven CARLA data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

STEP_S = 0.05
FITTED_KMH = 80.0
# Below this pedal the forecast keeps the speed.
LEAST_THROTTLE = 0.3

# v, v2, t, t2, v t, v t2, v2 t, v2 t2
THROTTLE = (
    0.963873001,
    4.37535692e-4,
    -0.380192912,
    1.74950069,
    0.0916787414,
    -0.0705461530,
    -0.00105996152,
    6.71079346e-4,
)
# v, v2, ... v7
BRAKE = (
    0.00931711370,
    0.0820967431,
    -0.00283832427,
    5.06587474e-5,
    -4.90357228e-7,
    2.44419284e-9,
    -4.91381935e-12,
)
FRONT_M, REAR_M, GAIN_RAD = -0.090769015, 1.4178275, 0.36848336


@dataclass(frozen=True, slots=True)
class State:
    """Metres, radians, m/s; yaw is clockwise."""

    x: float = 0.0
    y: float = 0.0
    yaw_rad: float = 0.0
    speed_mps: float = 0.0


def next_speed(speed_mps: float, throttle: float, is_braking: bool) -> float:
    """m/s after STEP_S."""
    v = 3.6 * speed_mps
    if is_braking:
        after = sum(a * v ** (k + 1) for k, a in enumerate(BRAKE))
    elif throttle < LEAST_THROTTLE:
        after = v
    else:
        t = throttle
        terms = (v, v * v, t, t * t, v * t, v * t * t, v * v * t, v * v * t * t)
        after = sum(a * b for a, b in zip(THROTTLE, terms, strict=True))
    return max(0.0, after) / 3.6


def yaw_rate(speed_mps: float, steer: float) -> float:
    """rad/s, clockwise."""
    return speed_mps / REAR_M * math.sin(slip(steer))


def slip(steer: float) -> float:
    """The angle between the car's nose and where it goes, radians."""
    return math.atan(REAR_M / (FRONT_M + REAR_M) * math.tan(GAIN_RAD * steer))


def moved(state: State, throttle: float, steer: float, is_braking: bool) -> State:
    """One STEP_S on."""
    towards, v = state.yaw_rad + slip(steer), state.speed_mps
    return State(
        state.x + v * math.cos(towards) * STEP_S,
        state.y + v * math.sin(towards) * STEP_S,
        state.yaw_rad + yaw_rate(v, steer) * STEP_S,
        next_speed(v, throttle, is_braking),
    )
