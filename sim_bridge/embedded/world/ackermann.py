"""Ackermann control: a wanted wheel angle, speed and acceleration turned into pedals."""

from __future__ import annotations

from math import degrees

from sim_bridge.embedded.wire.structs import AckermannControl, VehicleControl
from sim_bridge.embedded.world.actors import Vehicle
from sim_bridge.embedded.world.geometry import rotation, turned_back

# What full pedals do to a passenger car at low speed, m/s2; only the order of magnitude matters inside the loop.
_FULL_THROTTLE = 4.0
_FULL_BRAKE = 8.0
_STANDING_MPS = 0.1
_SPEED_GAIN = 1.5  # m/s2 asked per m/s of error
_INTEGRAL_GAIN, _INTEGRAL_WITHIN_MPS = 0.8, 3.0


def followed(vehicle: Vehicle, wanted: AckermannControl, delta_s: float) -> VehicleControl:
    """The pedals and wheel for this tick. `wanted.speed` below zero drives backwards."""
    speed = turned_back(rotation(vehicle.pose), vehicle.body.velocity)[0]
    steer = degrees(wanted.steer) / max(vehicle.shape.max_steer_deg, 1.0)
    if wanted.steer_speed > 0.0:
        most = degrees(wanted.steer_speed) * delta_s / max(vehicle.shape.max_steer_deg, 1.0)
        steer = vehicle.control.steer + min(max(steer - vehicle.control.steer, -most), most)
    if abs(wanted.speed) < _STANDING_MPS and abs(speed) < _STANDING_MPS:
        return VehicleControl(0.0, steer, 1.0)
    is_reverse = wanted.speed < 0.0
    sign = -1.0 if is_reverse else 1.0
    error = sign * (wanted.speed - speed)
    pull = error * (vehicle.ackermann_settings.speed_kp / 0.15) * _SPEED_GAIN
    # What drag takes from the car has to be put back: the error of the past, slowly, and forgotten when far off.
    is_close = abs(error) < _INTEGRAL_WITHIN_MPS
    vehicle.speed_debt = (vehicle.speed_debt + _INTEGRAL_GAIN * error * delta_s) if is_close else 0.0
    pull += vehicle.speed_debt
    if wanted.acceleration != 0.0:
        limit = abs(wanted.acceleration)
        pull = min(max(pull, -limit), limit)
    throttle = min(max(pull / _FULL_THROTTLE, 0.0), 1.0)
    brake = min(max(-pull / _FULL_BRAKE, 0.0), 1.0)
    return VehicleControl(throttle, steer, brake, reverse=is_reverse)
