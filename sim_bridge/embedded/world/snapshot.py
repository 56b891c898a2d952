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
        b"".join([messages.actor_record(a.actor_id, a.body, _details(a, world)) for a in world.actors]),
    ]


def _details(actor: Actor, world: World) -> bytes:
    if isinstance(actor, Vehicle):
        return _vehicle(actor, world)
    if isinstance(actor, TrafficLight):
        times = (actor.green_s, actor.yellow_s, actor.red_s)
        return messages.light_details(
            actor.wire_id, times, actor.elapsed_s, actor.signal.pole_index, actor.is_frozen, actor.state
        )
    if isinstance(actor, Walker):
        return messages.walker_details(actor.control)
    if isinstance(actor, TrafficSign):
        return messages.sign_details(actor.wire_id)
    return b""


def _vehicle(vehicle: Vehicle, world: World) -> bytes:
    light = world.find(vehicle.waits_at) if vehicle.waits_at else None
    # CARLA shows green to a car that stands before no light.
    state = light.state if isinstance(light, TrafficLight) else LightState.GREEN
    return messages.vehicle_details(vehicle.control, vehicle.speed_limit_kmh, state, vehicle.waits_at)
