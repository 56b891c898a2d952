"""Spawning, finding, moving and destroying actors of every kind."""

from __future__ import annotations

from dataclasses import replace
from math import radians

from sim_bridge.embedded.calls.desk import Desk, Refused
from sim_bridge.embedded.contracts import Pose
from sim_bridge.embedded.wire.structs import ActorDescription, ActorRecord, BoundingBox, Vec3
from sim_bridge.embedded.world import walking
from sim_bridge.embedded.world.actors import Prop, Vehicle, Walker
from sim_bridge.embedded.world.records import record
from sim_bridge.embedded.world.spawning import SpawnFailed, spawn
from sim_bridge.embedded.world.spring_arm import arm_of

# CARLA hands what scripts give for turning to Unreal as degrees, where masses are kilograms and lengths centimetres.
_NMS_PER_CARLA_UNIT = radians(1.0) / 100.0**2


def get_actors_by_id(desk: Desk, ids: tuple[int, ...]) -> tuple[ActorRecord, ...]:
    """Unknown ids are left out."""
    found = (desk.world.find(actor_id) for actor_id in ids)
    return tuple(record(actor, desk.world) for actor in found if actor is not None)


def get_spectator(desk: Desk) -> ActorRecord:
    return record(desk.world.spectator, desk.world)


def spawn_actor(desk: Desk, description: ActorDescription, transform: Pose) -> ActorRecord:
    try:
        return record(spawn(desk.world, description, transform), desk.world)
    except SpawnFailed as error:
        raise Refused(str(error)) from None


def spawn_actor_with_parent(
    desk: Desk, description: ActorDescription, transform: Pose, parent: int, attachment: int = 0, socket: str = ""
) -> ActorRecord:
    try:
        return record(spawn(desk.world, description, transform, parent, arm_of(attachment)), desk.world)
    except SpawnFailed as error:
        raise Refused(str(error)) from None


def destroy_actor(desk: Desk, actor_id: int) -> bool:
    actor = desk.world.find(actor_id)
    if actor is not None and actor.stream_id:
        desk.streams.part(actor.stream_id)
    return desk.world.destroy(actor_id)


def get_actor_bounding_box(desk: Desk, actor_id: int) -> BoundingBox:
    """Never an error: a Traffic Manager asks for vehicles that are just gone, and an error ends its process."""
    actor = desk.world.find(actor_id)
    return actor.box if actor else BoundingBox()


def set_actor_location(desk: Desk, actor_id: int, location: Vec3) -> None:
    actor = desk.actor(actor_id)
    stays = actor.mount if actor.mount is not None else actor.pose
    desk.world.place(actor, replace(stays, x=location[0], y=location[1], z=location[2]))


def set_actor_transform(desk: Desk, actor_id: int, transform: Pose) -> None:
    desk.world.place(desk.actor(actor_id), transform)


def set_actor_target_velocity(desk: Desk, actor_id: int, velocity: Vec3) -> None:
    desk.world.push(desk.actor(actor_id), velocity)


def set_actor_target_angular_velocity(desk: Desk, actor_id: int, angular_deg_s: Vec3) -> None:
    if isinstance(desk.actor(actor_id), (Vehicle, Walker, Prop)):
        desk.world.bodies.spin(actor_id, angular_deg_s)


def enable_actor_constant_velocity(desk: Desk, actor_id: int, velocity: Vec3) -> None:
    """The velocity is along the vehicle's own axes."""
    desk.one(Vehicle, actor_id).constant_velocity = velocity


def disable_actor_constant_velocity(desk: Desk, actor_id: int) -> None:
    desk.one(Vehicle, actor_id).constant_velocity = None


def add_actor_impulse(desk: Desk, actor_id: int, impulse: Vec3) -> None:
    if isinstance(desk.actor(actor_id), (Vehicle, Walker, Prop)):
        desk.world.bodies.impulse(actor_id, impulse)


def add_actor_force(desk: Desk, actor_id: int, force: Vec3) -> None:
    """A force for the length of one tick, given as the impulse it amounts to."""
    delta = desk.world.settings.fixed_delta_s or 0.05
    add_actor_impulse(desk, actor_id, (force[0] * delta, force[1] * delta, force[2] * delta))


def add_actor_impulse_at_location(desk: Desk, actor_id: int, impulse: Vec3, location: Vec3) -> None:
    add_actor_impulse(desk, actor_id, impulse)


def add_actor_force_at_location(desk: Desk, actor_id: int, force: Vec3, location: Vec3) -> None:
    add_actor_force(desk, actor_id, force)


def add_actor_torque(desk: Desk, actor_id: int, torque: Vec3) -> None:
    """For the length of one tick, given as the impulse it amounts to."""
    delta = desk.world.settings.fixed_delta_s or 0.05
    add_actor_angular_impulse(desk, actor_id, (torque[0] * delta, torque[1] * delta, torque[2] * delta))


def add_actor_angular_impulse(desk: Desk, actor_id: int, impulse: Vec3) -> None:
    if isinstance(desk.actor(actor_id), (Vehicle, Walker, Prop)):
        x, y, z = (_NMS_PER_CARLA_UNIT * part for part in impulse)
        desk.world.bodies.twist(actor_id, (x, y, z))


def set_actor_simulate_physics(desk: Desk, actor_id: int, is_on: bool) -> None:
    """An actor without a body has nothing to switch; a Traffic Manager's call is never refused."""
    actor = desk.world.find(actor_id)
    if actor is not None:
        desk.world.simulate(actor, is_on)


def set_actor_collisions(desk: Desk, actor_id: int, is_on: bool) -> None:
    """Walkers stay solid, so that hitting one is still a collision: their AI switches it off for all of them."""
    if isinstance(desk.actor(actor_id), (Vehicle, Prop)):
        desk.world.bodies.make_solid(actor_id, is_on)


def set_actor_enable_gravity(desk: Desk, actor_id: int, is_on: bool) -> None:
    if isinstance(desk.actor(actor_id), (Vehicle, Walker, Prop)):
        desk.world.bodies.weigh(actor_id, is_on)


def set_actor_dead(desk: Desk, actor_id: int) -> None:
    walking.kill(desk.world, desk.one(Walker, actor_id))


def set_actor_autopilot(desk: Desk, actor_id: int, is_on: bool) -> None:
    """The Traffic Manager lives in the client; there is nothing to do here."""


def get_actor_component_names(desk: Desk, actor_id: int) -> tuple[str, ...]:
    return ("root",)


def get_actor_component_world_transform(desk: Desk, actor_id: int, name: str) -> Pose:
    return desk.actor(actor_id).pose


def get_actor_component_relative_transform(desk: Desk, actor_id: int, name: str) -> Pose:
    return Pose()


def get_names(desk: Desk, actor_id: int) -> tuple[str, ...]:
    """Bones and sockets: bodies here are rigid and have none."""
    return ()


def get_transforms(desk: Desk, actor_id: int) -> tuple[Pose, ...]:
    return ()
