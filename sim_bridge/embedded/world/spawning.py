"""Bringing an actor into the world: its body, its picture, its stream, and whether there is room for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sim_bridge.embedded.blueprints import PROPS, WALKERS, UnknownBlueprint
from sim_bridge.embedded.contracts import BodyState, Label, Pose
from sim_bridge.embedded.sensor_blueprints import UNSUPPORTED
from sim_bridge.embedded.vehicles import label_of
from sim_bridge.embedded.wire.structs import ActorDescription, BoundingBox
from sim_bridge.embedded.world import records
from sim_bridge.embedded.world.actors import Actor, Prop, SensorActor, Vehicle, Walker, WalkerController
from sim_bridge.embedded.world.running_gear import physics_control
from sim_bridge.embedded.world.spring_arm import SpringArm
from sim_bridge.embedded.world.walking import feet_of

if TYPE_CHECKING:
    from sim_bridge.embedded.world.world import World

# Vehicles and props drop onto their wheels from spawn points above the road; the test box starts clear of kerbs.
_CLEARANCE_M = 0.1
# These sensors live in the client: it computes them from world messages and the map.
_CLIENT_SIDE = ("sensor.other.lane_invasion",)


class SpawnFailed(RuntimeError):
    """There is no such actor to spawn, or no room for it. The message is the one the client raises."""


def spawn(
    world: World, description: ActorDescription, pose: Pose, parent_id: int = 0, arm: SpringArm | None = None
) -> Actor:
    """Add an actor. With a parent, `pose` is relative to it and the actor rides along, at the end of `arm` if there is
    one. Raises SpawnFailed."""
    try:
        description = world.library.completed(description)
    except UnknownBlueprint as error:
        raise SpawnFailed(str(error)) from None
    parent = world.find(parent_id) if parent_id else None
    if parent_id and parent is None:
        raise SpawnFailed(f"unable to attach actor: parent actor {parent_id} not found")
    body = BodyState(world.carried(parent, pose, arm, 0.0) if parent else pose)
    actor = _maker(description.id)(world, description, body)
    if parent is not None:
        actor.parent_id = parent_id
        # Walker controllers and the like belong to their parent but do not ride on anything.
        actor.mount, actor.arm = pose, arm
    world.actors.add(actor)
    return actor


Maker = Callable[["World", ActorDescription, BodyState], Actor]


def _maker(type_id: str) -> Maker:
    makers: dict[str, Maker] = {"vehicle": _vehicle, "walker": _walker, "static": _prop, "sensor": _sensor}
    return makers.get(type_id.split(".", 1)[0], _controller)


def _must_fit(world: World, extent: tuple[float, float, float], standing: Pose) -> None:
    lifted = Pose(standing.x, standing.y, standing.z + _CLEARANCE_M, standing.pitch, standing.yaw, standing.roll)
    if world.bodies.overlaps(extent, lifted):
        raise SpawnFailed("Spawn failed because of collision at spawn position")


def _shown(world: World, actor: Actor) -> None:
    attributes = {attribute.id: attribute.value for attribute in actor.description.attributes}
    world.painter.add_actor(actor.actor_id, actor.type_id, attributes)


def _vehicle(world: World, description: ActorDescription, body: BodyState) -> Actor:
    shape = world.library.vehicles[description.id]
    extent = (shape.length / 2.0, shape.width / 2.0, shape.height / 2.0)
    _must_fit(world, extent, body.pose)
    vehicle = Vehicle(
        world.actors.new_id(),
        description,
        body,
        box=BoundingBox((0.0, 0.0, extent[2]), extent),
        labels=bytes([label_of(shape)]),
        shape=shape,
        physics_control=physics_control(shape),
    )
    world.bodies.add_vehicle(vehicle.actor_id, shape, body.pose)
    _shown(world, vehicle)
    return vehicle


def _walker(world: World, description: ActorDescription, body: BodyState) -> Actor:
    shape = WALKERS[description.id]
    extent = (shape.radius, shape.radius, shape.height / 2.0)
    walker = Walker(
        world.actors.new_id(),
        description,
        body,
        box=BoundingBox((0.0, 0.0, 0.0), extent),
        labels=bytes([Label.PEDESTRIANS]),
        shape=shape,
    )
    feet = feet_of(walker, body.pose)
    _must_fit(world, extent, feet)
    world.bodies.add_walker(walker.actor_id, feet, shape.height, shape.radius)
    _shown(world, walker)
    return walker


def _prop(world: World, description: ActorDescription, body: BodyState) -> Actor:
    extent = PROPS[description.id]
    _must_fit(world, extent, body.pose)
    box = BoundingBox((0.0, 0.0, extent[2]), extent)
    prop = Prop(world.actors.new_id(), description, body, box=box, labels=bytes([Label.DYNAMIC]))
    world.bodies.add_box(prop.actor_id, extent, body.pose)
    _shown(world, prop)
    return prop


def _sensor(world: World, description: ActorDescription, body: BodyState) -> Actor:
    if description.id in UNSUPPORTED:
        raise SpawnFailed(f"not supported by the embedded world: {description.id}")
    sensor = SensorActor(world.actors.new_id(), description, body)
    sensor.period_s = records.real(sensor.attribute("sensor_tick", "0"), 0.0, 0.0, 1e6)
    if description.id not in _CLIENT_SIDE:
        # An actor id is never 1, the world's own stream: the spectator took it.
        sensor.stream_id = sensor.actor_id
        world.outlet.open(sensor.stream_id)
    return sensor


def _controller(world: World, description: ActorDescription, body: BodyState) -> Actor:
    return WalkerController(world.actors.new_id(), description, body)
