"""Driving vehicles and walkers, their lamps, doors and running gear."""

from __future__ import annotations

from typing import Any

from sim_bridge.embedded.calls.desk import Desk, Refused
from sim_bridge.embedded.contracts import Pose
from sim_bridge.embedded.wire.structs import (
    AckermannControl,
    AckermannSettings,
    LightFlags,
    PhysicsControl,
    Telemetry,
    VehicleControl,
    WalkerControl,
)
from sim_bridge.embedded.world import walking
from sim_bridge.embedded.world.actors import Vehicle, Walker
from sim_bridge.embedded.world.running_gear import telemetry, tuning, with_wheel_places

_FRONT, _FARTHEST_DEG = (0, 1), 90.0


def apply_control_to_vehicle(desk: Desk, actor_id: int, control: VehicleControl) -> None:
    desk.world.drive(desk.one(Vehicle, actor_id), control)


def apply_ackermann_control_to_vehicle(desk: Desk, actor_id: int, control: AckermannControl) -> None:
    desk.world.steer(desk.one(Vehicle, actor_id), control)


def get_ackermann_controller_settings(desk: Desk, actor_id: int) -> AckermannSettings:
    return desk.one(Vehicle, actor_id).ackermann_settings


def apply_ackermann_controller_settings(desk: Desk, actor_id: int, settings: AckermannSettings) -> None:
    desk.one(Vehicle, actor_id).ackermann_settings = settings


def get_physics_control(desk: Desk, actor_id: int) -> PhysicsControl:
    return with_wheel_places(desk.one(Vehicle, actor_id))


def apply_physics_control(desk: Desk, actor_id: int, control: PhysicsControl) -> None:
    """All of it is read back; `tuning` says what of it the car drives by."""
    vehicle = desk.one(Vehicle, actor_id)
    if control.mass <= 0.0:
        raise Refused(f"mass: expected more than 0 kg, got {control.mass:g}")
    vehicle.physics_control = control
    desk.world.bodies.tune(actor_id, tuning(vehicle.shape, control))


def get_telemetry_data(desk: Desk, actor_id: int) -> Telemetry:
    return telemetry(desk.one(Vehicle, actor_id))


def get_vehicle_light_state(desk: Desk, actor_id: int) -> LightFlags:
    return LightFlags(desk.one(Vehicle, actor_id).light_flags)


def set_vehicle_light_state(desk: Desk, actor_id: int, lights: LightFlags) -> None:
    desk.one(Vehicle, actor_id).light_flags = lights.flags & 0xFFFFFFFF


def get_vehicle_light_states(desk: Desk) -> tuple[tuple[int, int], ...]:
    return tuple((vehicle.actor_id, vehicle.light_flags) for vehicle in desk.world.actors.of(Vehicle))


def get_wheel_steer_angle(desk: Desk, actor_id: int, wheel: int) -> float:
    """Degrees, positive to the right; rear wheels do not steer."""
    vehicle = desk.one(Vehicle, actor_id)
    return vehicle.wheel_steer_deg if wheel in _FRONT else 0.0


def set_wheel_steer_direction(desk: Desk, actor_id: int, wheel: int, angle_deg: float) -> None:
    """To be seen only, and only while the vehicle has no physics, as in CARLA. Front wheels turn together."""
    vehicle = desk.one(Vehicle, actor_id)
    if wheel in _FRONT:
        vehicle.posed_steer_deg = min(max(angle_deg, -_FARTHEST_DEG), _FARTHEST_DEG)


def get_wheel_pitch_angle(desk: Desk, actor_id: int, wheel: int) -> float:
    desk.one(Vehicle, actor_id)
    return 0.0


def move_part(desk: Desk, actor_id: int, part: int, *_: Any) -> None:
    """Doors, and wheels pitched for show: these bodies have no such parts to show it on."""
    desk.one(Vehicle, actor_id)


def show_vehicle_debug_telemetry(desk: Desk, actor_id: int, is_on: bool) -> None:
    """There is no window to show it in."""


def no_other_physics(desk: Desk, *_: Any) -> None:
    raise Refused("not supported by the embedded world: CarSim and Chrono; vehicles drive on Bullet")


def restore_physx_physics(desk: Desk, actor_id: int) -> None:
    """Vehicles here have one physics, and it is on."""


def apply_control_to_walker(desk: Desk, actor_id: int, control: WalkerControl) -> None:
    walking.walk(desk.world, desk.one(Walker, actor_id), control)


def get_bones_transform(desk: Desk, actor_id: int) -> tuple[tuple[Any, ...], ...]:
    desk.one(Walker, actor_id)
    return ((),)


def pose_bones(desk: Desk, actor_id: int, *_: Any) -> None:
    raise Refused("not supported by the embedded world: posing a walker's bones")


def walker_state(desk: Desk, actor_id: int, transform: Pose, speed: float) -> None:
    """Command 7, from CARLA's walker AI: the point under the walker's feet, and how fast it strides."""
    walking.lead(desk.world, desk.one(Walker, actor_id), transform, speed)
