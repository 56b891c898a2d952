"""How pedals and the wheel become acceleration and road-wheel angle. Pure functions, no Bullet.

The figures are the published fits of CARLA's vehicle.lincoln.mkz_2020 that PDM-Lite drives with: a polynomial for the
speed 50 ms after a throttle, one for braking, and World on Rails' kinematic bicycle for steering. Other vehicles scale
them by mass class and wheel base.
"""

from __future__ import annotations

import math

from sim_bridge.embedded.contracts import VehicleShape
from sim_bridge.embedded.tuning import STEERING_CURVE, Tuning, steer_share

# Next speed (km/h, 50 ms later) = sum of these times v, v2, t, t2, v t, v t2, v2 t, v2 t2 with v in km/h, t throttle.
_THROTTLE_FIT = (
    0.963873001,
    4.37535692e-4,
    -0.380192912,
    1.74950069,
    0.0916787414,
    -0.0705461530,
    -0.00105996152,
    6.71079346e-4,
)
_FIT_INTERVAL_S = 0.05
_MPS2_PER_KMH_STEP = 1.0 / 3.6 / _FIT_INTERVAL_S
# The fit holds for throttles the car answers to; below, it is blended towards rolling out.
_LEAST_FITTED_THROTTLE = 0.3
_FASTEST_FITTED_KMH = 110.0

# World on Rails' bicycle: slip = atan(REAR / (FRONT + REAR) tan(GAIN steer)), yaw rate = v / REAR sin(slip).
_STEER_GAIN_RAD = 0.36848336
_FRONT_M, _REAR_M = -0.090769015, 1.4178275
_FITTED_BASE_M = 2.85
_FITTED_MAX_STEER_DEG = 70.0
# The bicycle fits a passenger car, whose wheels it turns about 0.6 times as far as they say. With that share buses and
# trucks swing out before who waits; CARLA's cut their bends on the inside (issues 4606 and 7951, pull request 9384 of
# CARLA), so theirs turn as far as they say, less what CARLA's steering curves take at 20 km/h.
_LARGE = ("van", "truck", "bus")
_LARGE_SHARE = 0.9

# PDM-Lite's braking polynomial in two levels and a slope, least squares of speed over stops from 20 to 80 km/h. Its
# last metres ask for 22 m/s2; tyres here give 12.
_BRAKE_MPS2, _FINAL_BRAKE_MPS2 = 6.8, 12.0
_BITE_MPS = (8.0, 10.5)
HAND_BRAKE_MPS2 = 5.0
REVERSE_LIMIT_MPS = 9.0

_LIVELINESS = {"suv": 0.85, "pickup": 0.85, "van": 0.65, "truck": 0.45, "bus": 0.40, "motorcycle": 1.2, "bicycle": 0.22}
_TOP_SPEED_MPS = {"van": 42.0, "truck": 30.0, "bus": 28.0, "bicycle": 9.0}


def rolling_mps2(speed_mps: float) -> float:
    """Slowing with no pedal pressed: rolling resistance, engine drag and air, positive, 0 at rest."""
    v = abs(speed_mps)
    return min(0.22 + 0.014 * v + 0.00035 * v * v, v / _FIT_INTERVAL_S)


def _fitted_mps2(speed_kmh: float, throttle: float) -> float:
    v, t = min(speed_kmh, _FASTEST_FITTED_KMH), throttle
    terms = (v, v * v, t, t * t, v * t, v * t * t, v * v * t, v * v * t * t)
    step = sum(a * b for a, b in zip(_THROTTLE_FIT, terms, strict=True)) - v
    # Past the fit, air takes what is left: acceleration falls to zero at 1.8 times the fitted range.
    over = max(0.0, speed_kmh / _FASTEST_FITTED_KMH - 1.0) / 0.8
    return step * _MPS2_PER_KMH_STEP * max(0.0, 1.0 - over)


def throttle_mps2(shape: VehicleShape, speed_mps: float, throttle: float) -> float:
    """Acceleration along the nose at this forward speed, losses included; throttle 0..1."""
    v = max(0.0, speed_mps)
    rolling = -rolling_mps2(v)
    if throttle <= 0.0 or v >= _TOP_SPEED_MPS.get(shape.body, 60.0):
        return rolling
    lively = _LIVELINESS.get(shape.body, 1.0)
    if throttle >= _LEAST_FITTED_THROTTLE:
        return max(rolling, lively * _fitted_mps2(v * 3.6, throttle))
    least = max(rolling, lively * _fitted_mps2(v * 3.6, _LEAST_FITTED_THROTTLE))
    return rolling + (least - rolling) * throttle / _LEAST_FITTED_THROTTLE


def full_brake_mps2(speed_mps: float) -> float:
    """What the pedal to the floor takes off the speed, losses not included."""
    low, high = _BITE_MPS
    bite = min(1.0, max(0.0, (high - abs(speed_mps)) / (high - low)))
    return _BRAKE_MPS2 + bite * (_FINAL_BRAKE_MPS2 - _BRAKE_MPS2)


def wheel_angle_deg(shape: VehicleShape, speed_mps: float, steer: float, tuning: Tuning | None = None) -> float:
    """Road-wheel angle for steer -1 (left) .. 1 (right), positive to the right."""
    curve = tuning.steering_curve if tuning else STEERING_CURVE
    most_deg = tuning.max_steer_deg if tuning else shape.max_steer_deg
    held = max(-1.0, min(1.0, steer))
    angle = _LARGE_SHARE * _FITTED_MAX_STEER_DEG * held if shape.body in _LARGE else _fitted_angle_deg(held)
    return angle * (most_deg / _FITTED_MAX_STEER_DEG) * steer_share(curve, abs(speed_mps) * 3.6)


def _fitted_angle_deg(steer: float) -> float:
    """The angle at which a car of the fitted base turns as the fitted bicycle does."""
    slip_tangent = _REAR_M / (_FRONT_M + _REAR_M) * math.tan(_STEER_GAIN_RAD * steer)
    return math.degrees(math.atan(slip_tangent * _FITTED_BASE_M / _REAR_M))


def ackermann_deg(shape: VehicleShape, wheel_deg: float) -> tuple[float, float]:
    """Left and right front wheel for the bicycle's angle, so that no wheel scrubs and both circles share a centre."""
    if abs(wheel_deg) < 1e-3:
        return wheel_deg, wheel_deg
    cotangent = 1.0 / math.tan(math.radians(wheel_deg))
    half = shape.track / (2.0 * shape.wheel_base)
    left, right = (math.degrees(math.atan(1.0 / (cotangent + side))) for side in (half, -half))
    return left, right
