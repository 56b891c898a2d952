"""A vehicle's physics as CARLA describes it: wheels, mass, gears, telemetry. Scripts read it and write it back."""

from __future__ import annotations

import math
from dataclasses import replace

from sim_bridge.embedded.contracts import Pose, VehicleShape
from sim_bridge.embedded.wire.structs import PhysicsControl, Telemetry, Vec3, Wheel, WheelTelemetry
from sim_bridge.embedded.world.actors import Vehicle
from sim_bridge.embedded.world.geometry import moved

_CENTIMETRES = 100.0
_RPM_PER_RAD_S = 60.0 / (2.0 * math.pi)
_IDLE_RPM = 800.0
# Upper speeds of the gears, m/s: what an automatic gearbox of a passenger car shows.
_GEAR_SPEEDS = (6.0, 11.0, 17.0, 24.0)


def physics_control(shape: VehicleShape) -> PhysicsControl:
    front = Wheel(
        max_steer_angle=shape.max_steer_deg, radius=shape.wheel_radius * _CENTIMETRES, max_handbrake_torque=0.0
    )
    rear = replace(front, max_steer_angle=0.0, max_handbrake_torque=3000.0)
    return PhysicsControl(
        mass=shape.mass, center_of_mass=(0.0, 0.0, 0.3 * shape.height), wheels=(front, front, rear, rear)
    )


def with_wheel_places(vehicle: Vehicle) -> PhysicsControl:
    """The vehicle's physics with every wheel where it is in the world, in centimetres, as CARLA reports it."""
    places = wheel_places(vehicle.shape, vehicle.pose)
    wheels = tuple(
        replace(wheel, position=place) for wheel, place in zip(vehicle.physics_control.wheels, places, strict=False)
    )
    return replace(vehicle.physics_control, wheels=wheels)


def wheel_places(shape: VehicleShape, pose: Pose) -> list[Vec3]:
    """Front left, front right, rear left, rear right; centimetres in the world."""
    half_base, half_track = shape.wheel_base / 2.0, shape.track / 2.0
    places = []
    for x, y in (
        (half_base, -half_track),
        (half_base, half_track),
        (-half_base, -half_track),
        (-half_base, half_track),
    ):
        wx, wy, wz = moved(pose, (x, y, shape.wheel_radius))
        places.append((wx * _CENTIMETRES, wy * _CENTIMETRES, wz * _CENTIMETRES))
    return places


def speed_of(vehicle: Vehicle) -> float:
    return math.hypot(*vehicle.body.velocity)


def gear_of(vehicle: Vehicle) -> int:
    if vehicle.control.reverse:
        return -1
    return 1 + sum(speed_of(vehicle) > limit for limit in _GEAR_SPEEDS)


def telemetry(vehicle: Vehicle) -> Telemetry:
    """Speed, pedals and rolling wheels; forces are shares of the weight, slip is not modelled and reads zero."""
    speed, control = speed_of(vehicle), vehicle.control
    turning = speed / vehicle.shape.wheel_radius
    gear = gear_of(vehicle)
    ratio = (
        vehicle.physics_control.forward_gears[min(max(gear, 1), 5) - 1].ratio
        if vehicle.physics_control.forward_gears
        else 1.0
    )
    rpm = min(_IDLE_RPM + turning * _RPM_PER_RAD_S * ratio, vehicle.physics_control.max_rpm)
    load = vehicle.physics_control.mass * 9.81 / 4.0
    wheel = WheelTelemetry(tire_friction=3.5, omega=turning, tire_load=load, normalized_tire_load=1.0)
    return Telemetry(
        speed, control.steer, control.throttle, control.brake, rpm, gear, 0.3 * speed * speed, (wheel,) * 4
    )
