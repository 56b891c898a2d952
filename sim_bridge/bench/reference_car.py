"""CARLA's default car as others have measured it: what ours is compared with. Pure functions, written from the papers.

`next_speed`, `yaw_rate`: the polynomials that PDM-Lite's planner forecasts the lincoln.mkz with, fitted on a straight
highway up to 80 km/h, each the speed 50 ms later, km/h to km/h; and the kinematic bicycle of World on Rails (Chen,
Koltun, Kraehenbuehl 2021), fitted on driven CARLA data. Our car's pedals and wheel are made from these, braking apart,
so agreement with them says that Bullet does what it is told, and nothing about CARLA.

`wanted_throttle`, `constant_pull`: the regression of throttle on speed and gain in speed with which PDM-Lite's
controller holds speeds in CARLA, and World on Rails' one acceleration per throttle. Our car knows nothing of them.
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
# v, v2, 100 e, e2, v e, v2 e of v / 100 and the gain e / 100, km/h and km/h in 50 ms.
WANTED_THROTTLE = (
    1.1990342347353184,
    -0.8057602384167799,
    1.710818710950062,
    0.921890257450335,
    1.556497522998393,
    -0.7013479734904027,
)
PULL_MPS2 = 0.5633837  # at full throttle
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


def wanted_throttle(speed_mps: float, throttle: float) -> float:
    """m/s after STEP_S, by the controller's regression solved for the gain that this throttle is wanted for."""
    v = 0.036 * speed_mps
    a1, a2, b, c, d1, d2 = WANTED_THROTTLE
    square, slope, level = c, 100.0 * b + d1 * v + d2 * v * v, a1 * v + a2 * v * v - throttle
    gain = (-slope + math.sqrt(max(0.0, slope * slope - 4.0 * square * level))) / (2.0 * square)
    return max(0.0, speed_mps + gain / 0.036)


def constant_pull(speed_mps: float, throttle: float) -> float:
    """m/s after STEP_S, by World on Rails' acceleration."""
    return speed_mps + PULL_MPS2 * throttle * STEP_S


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
