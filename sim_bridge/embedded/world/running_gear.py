"""A vehicle's physics as CARLA describes it: wheels, mass, gears, telemetry. Scripts read it and write it back."""

from __future__ import annotations

import math
from dataclasses import replace

from sim_bridge.embedded.contracts import Pose, VehicleShape
from sim_bridge.embedded.tuning import STEERING_CURVE, Tuning
from sim_bridge.embedded.wire.structs import PhysicsControl, Telemetry, Vec3, Wheel, WheelTelemetry
from sim_bridge.embedded.world.actors import Vehicle
from sim_bridge.embedded.world.geometry import moved

_CENTIMETRES = 100.0
_RPM_PER_RAD_S = 60.0 / (2.0 * math.pi)
_IDLE_RPM = 800.0
_LEAST_MASS, _MOST_MASS = 10.0, 1e6
_LEAST_SHARE, _MOST_SHARE = 0.01, 20.0
# Upper speeds of the gears, m/s: what an automatic gearbox of a passenger car shows.
_GEAR_SPEEDS = (6.0, 11.0, 17.0, 24.0)


def physics_control(shape: VehicleShape) -> PhysicsControl:
    front = Wheel(
        max_steer_angle=shape.max_steer_deg, radius=shape.wheel_radius * _CENTIMETRES, max_handbrake_torque=0.0
    )
    rear = replace(front, max_steer_angle=0.0, max_handbrake_torque=3000.0)
    return PhysicsControl(
        mass=shape.mass,
        center_of_mass=(0.0, 0.0, 0.3 * shape.height),
        steering_curve=STEERING_CURVE,
        wheels=(front, front, rear, rear),
    )


def tuning(shape: VehicleShape, control: PhysicsControl) -> Tuning:
    """What of `control` this world's cars act on, as shares of the vehicle's own figures.

    The engine is a fit of the whole car, so its torque curve, gears and final ratio count by their means: pull at the
    road, and the speeds over which there is any. Mass, brakes, drag, each tyre's friction, the steering curve and the
    largest wheel angle act as they are. The rest is kept and read back.
    """
    own = physics_control(shape)
    final = _share(control.final_ratio, own.final_ratio)
    radius = _share(_mean([w.radius for w in control.wheels]), _mean([w.radius for w in own.wheels]))
    torque = _share(_mean([torque for _, torque in control.torque_curve]), _mean([t for _, t in own.torque_curve]))
    gears = _share(_mean([g.ratio for g in control.forward_gears]), _mean([g.ratio for g in own.forward_gears]))
    highest = _share(_last_ratio(control), _last_ratio(own))
    wheels = (*control.wheels[:4], *own.wheels[len(control.wheels[:4]) :])
    grip = [_share(wheel.tire_friction, mine.tire_friction) for wheel, mine in zip(wheels, own.wheels, strict=True)]
    return Tuning(
        mass=min(max(control.mass, _LEAST_MASS), _MOST_MASS),
        max_steer_deg=min(max(wheel.max_steer_angle for wheel in wheels), 80.0),
        pull=torque * final * gears / max(radius, _LEAST_SHARE),
        stretch=max(_share(control.max_rpm, own.max_rpm) / max(final * highest, _LEAST_SHARE) * radius, _LEAST_SHARE),
        drag=_share(control.drag_coefficient, own.drag_coefficient),
        brake=_share(_mean([w.max_brake_torque for w in wheels]), _mean([w.max_brake_torque for w in own.wheels])),
        hand_brake=_share(sum(w.max_handbrake_torque for w in wheels), sum(w.max_handbrake_torque for w in own.wheels)),
        grip=(grip[0], grip[1], grip[2], grip[3]),
        steering_curve=tuple(sorted(control.steering_curve)),
    )


def _last_ratio(control: PhysicsControl) -> float:
    return control.forward_gears[-1].ratio if control.forward_gears else 0.0


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _share(value: float, own: float) -> float:
    """`value` as a share of the vehicle's own; what a script left empty counts as its own."""
    return min(max(value / own, 0.0), _MOST_SHARE) if own > 0.0 and value != 0.0 else 1.0


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
    """-1 in reverse, else by the speed, and never above the highest that a script left the car."""
    if vehicle.control.reverse:
        return -1
    highest = max(1, len(vehicle.physics_control.forward_gears))
    return min(highest, 1 + sum(speed_of(vehicle) > limit for limit in _GEAR_SPEEDS))


def telemetry(vehicle: Vehicle) -> Telemetry:
    """Speed, pedals and rolling wheels; forces are shares of the weight, slip is not modelled and reads zero."""
    speed, control = speed_of(vehicle), vehicle.control
    turning = speed / vehicle.shape.wheel_radius
    gear, gears = gear_of(vehicle), vehicle.physics_control.forward_gears
    ratio = gears[max(gear, 1) - 1].ratio if gears else 1.0
    rpm = min(_IDLE_RPM + turning * _RPM_PER_RAD_S * ratio, vehicle.physics_control.max_rpm)
    load = vehicle.physics_control.mass * 9.81 / 4.0
    wheels = tuple(
        WheelTelemetry(tire_friction=wheel.tire_friction, omega=turning, tire_load=load, normalized_tire_load=1.0)
        for wheel in vehicle.physics_control.wheels
    )
    drag = vehicle.physics_control.drag_coefficient * speed * speed
    return Telemetry(speed, control.steer, control.throttle, control.brake, rpm, gear, drag, wheels)
