"""The world observer's message: where every actor is and what it does, once per tick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_bridge.embedded.contracts import LightState, Pose
from sim_bridge.embedded.wire import messages
from sim_bridge.embedded.wire.messages import SensorType
from sim_bridge.embedded.world.actors import Actor, TrafficLight, TrafficSign, Vehicle, Walker

if TYPE_CHECKING:
    from sim_bridge.embedded.world.world import World

_NOWHERE = Pose()


def world_message(world: World, wall_s: float, delta_s: float, flags: int) -> list[bytes]:
    """Header, episode header, then one record per actor alive; an actor left out would count as destroyed."""
    return [
        messages.header(SensorType.WORLD, world.frame, world.elapsed_s, _NOWHERE),
        messages.episode_header(world.episode, wall_s, delta_s, flags),
        b"".join([_record(actor, world) for actor in world.actors]),
    ]


def _record(actor: Actor, world: World) -> bytes:
    # A town has dozens of lights and signs that stand still: most of an empty world's tick would be packing them.
    if isinstance(actor, TrafficSign):
        return actor.record
    if isinstance(actor, TrafficLight):
        return actor.place_record + _light(actor)
    details = b""
    if isinstance(actor, Vehicle):
        details = _vehicle(actor, world)
    elif isinstance(actor, Walker):
        details = messages.walker_details(actor.control)
    return messages.actor_record(actor.actor_id, actor.body, details)


def _light(light: TrafficLight) -> bytes:
    times = (light.green_s, light.yellow_s, light.red_s)
    return messages.light_details(
        light.wire_id, times, light.elapsed_s, light.signal.pole_index, light.is_frozen, light.state
    )


def _vehicle(vehicle: Vehicle, world: World) -> bytes:
    light = world.find(vehicle.waits_at) if vehicle.waits_at else None
    # CARLA shows green to a car that stands before no light, and red to one that a sign holds; the Traffic Manager then
    # lets them over the junction one by one.
    state = LightState.RED if vehicle.must_wait else LightState.GREEN
    if isinstance(light, TrafficLight):
        state = light.state
    return messages.vehicle_details(vehicle.control, vehicle.speed_limit_kmh, state, vehicle.waits_at)
