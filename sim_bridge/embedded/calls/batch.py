"""`apply_batch`: many small commands in one call, each with its own result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim_bridge.embedded.calls import actors, lights, vehicles
from sim_bridge.embedded.calls.desk import Desk, Refused
from sim_bridge.embedded.calls.episode import tick_cue
from sim_bridge.embedded.calls.signature import Signature
from sim_bridge.embedded.contracts import Pose
from sim_bridge.embedded.wire import replies
from sim_bridge.embedded.wire.codec import WrongArgument, array, integer
from sim_bridge.embedded.wire.structs import ActorDescription, LightFlags
from sim_bridge.embedded.world.spawning import SpawnFailed, spawn

SPAWN = 0
# `do_after` commands are written before the actor exists and carry this id instead of its own.
FUTURE_ACTOR = 0


def destroy(desk: Desk, actor_id: int) -> None:
    if not desk.world.destroy(actor_id):
        raise Refused(f"unable to destroy actor {actor_id}: not found")


def set_lights(desk: Desk, actor_id: int, flags: int) -> None:
    vehicles.set_vehicle_light_state(desk, actor_id, LightFlags(flags))


def console(desk: Desk, command: str) -> None:
    raise Refused("not supported by the embedded world: console commands")


# By the variant's index on the wire.
COMMANDS: dict[int, Callable[..., None]] = {
    1: destroy,
    2: vehicles.apply_control_to_vehicle,
    3: vehicles.apply_ackermann_control_to_vehicle,
    4: vehicles.apply_control_to_walker,
    5: vehicles.apply_physics_control,
    6: actors.set_actor_transform,
    7: vehicles.walker_state,
    8: actors.set_actor_target_velocity,
    9: actors.set_actor_target_angular_velocity,
    10: actors.add_actor_impulse,
    11: actors.add_actor_force,
    12: actors.add_actor_angular_impulse,
    13: actors.add_actor_torque,
    14: actors.set_actor_simulate_physics,
    15: actors.set_actor_enable_gravity,
    16: actors.set_actor_autopilot,
    17: vehicles.show_vehicle_debug_telemetry,
    18: set_lights,
    19: actors.set_actor_location,
    20: console,
    21: lights.set_traffic_light_state,
}
_SIGNATURES = {index: Signature(function) for index, function in COMMANDS.items()}


def apply_batch(desk: Desk, commands: Any, do_tick: bool = False) -> list[object]:
    """One Response per command, in order; a failed command stops none of the others."""
    results: list[object] = [_applied(desk, command, FUTURE_ACTOR) for command in array(commands, "commands")]
    if do_tick:
        tick_cue(desk)
    return results


def _applied(desk: Desk, command: Any, future_id: int) -> list[object]:
    try:
        return replies.value(_apply(desk, command, future_id))
    except (WrongArgument, Refused, SpawnFailed) as error:
        return replies.failure(str(error))


def _apply(desk: Desk, command: Any, future_id: int) -> int:
    index, payload = _opened(command)
    if index == SPAWN:
        return _spawn(desk, payload)
    signature = _SIGNATURES.get(index)
    if signature is None:
        raise WrongArgument(f"command: expected an index of 0 to 21, got {index}")
    if payload and payload[0] == FUTURE_ACTOR:
        payload = [future_id, *payload[1:]]
    signature.call(desk, payload)
    return payload[0] if payload and type(payload[0]) is int else 0


def _opened(command: Any) -> tuple[int, list[Any]]:
    """A command is `[[index, payload]]`."""
    outer = array(command, "command")
    variant = array(outer[0], "command") if len(outer) == 1 else []
    if len(variant) != 2:
        raise WrongArgument("command: expected [[index, payload]]")
    return integer(variant[0], "command.index"), array(variant[1], "command.payload")


_SPAWN_FIELDS = Signature(lambda *_: None, (ActorDescription, Pose, int | None))


def _spawn(desk: Desk, payload: list[Any]) -> int:
    """The attachment type that follows is uninitialised memory in the Python client; every mount here is rigid."""
    description, pose, parent = _SPAWN_FIELDS.decoded(payload[:3], ("description", "transform", "parent"))
    actor_id = spawn(desk.world, description, pose, parent or 0).actor_id
    for command in array(payload[5], "do_after") if len(payload) > 5 else ():
        _applied(desk, command, actor_id)
    return actor_id
