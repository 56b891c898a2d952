"""The actors that belong to the town: traffic lights and signs, made from the OpenDRIVE file's signals."""

from __future__ import annotations

from sim_bridge.embedded.contracts import BodyState, Label, Pose, Signal, Town
from sim_bridge.embedded.wire import messages
from sim_bridge.embedded.wire.structs import ActorDescription, BoundingBox
from sim_bridge.embedded.world.actors import Registry, TrafficLight, TrafficSign
from sim_bridge.embedded.world.geometry import moved, seen_from

_BEFORE_LINE_M = 2.5
_TRIGGER_EXTENT = (2.8, 1.5, 1.0)  # across, along the road, up
_SIGN_TYPES = {"stop": "traffic.stop", "yield": "traffic.yield"}


def plain(type_id: str) -> ActorDescription:
    """The description of an actor that nobody spawned."""
    return ActorDescription(0, type_id)


def raised(town: Town, actors: Registry) -> list[TrafficLight]:
    """Add an actor per signal of the town; returns the lights."""
    lights = []
    for signal in town.signals:
        if signal.kind == "traffic_light":
            lights.append(_light(actors.new_id(), signal))
            actors.add(lights[-1])
        else:
            actors.add(_sign(actors.new_id(), signal))
    return lights


def _light(actor_id: int, signal: Signal) -> TrafficLight:
    # CARLA's lights have their x axis across the road, and scripts walk along it to find the lanes they rule.
    pose = Pose(signal.pose.x, signal.pose.y, signal.pose.z, yaw=(signal.stop_line.yaw + 90.0 + 180.0) % 360.0 - 180.0)
    return TrafficLight(
        actor_id,
        plain("traffic.traffic_light"),
        BodyState(pose),
        box=_trigger(pose, signal),
        labels=bytes([Label.TRAFFIC_LIGHT]),
        signal=signal,
        wire_id=signal.signal_id.encode()[:32],
        place_record=messages.actor_record(actor_id, BodyState(pose), b"")[: messages.PLACE_BYTES],
    )


def _sign(actor_id: int, signal: Signal) -> TrafficSign:
    type_id = _SIGN_TYPES.get(signal.kind, f"traffic.speed_limit.{round(signal.speed_limit_kmh)}")
    return TrafficSign(
        actor_id,
        plain(type_id),
        BodyState(signal.pose),
        box=_trigger(signal.pose, signal),
        labels=bytes([Label.TRAFFIC_SIGNS]),
        signal=signal,
        record=messages.actor_record(
            actor_id, BodyState(signal.pose), messages.sign_details(signal.signal_id.encode())
        ),
    )


def _trigger(pose: Pose, signal: Signal) -> BoundingBox:
    """The box a client calls `trigger_volume`: on the lanes just before the stop line, in the actor's frame."""
    return BoundingBox(seen_from(pose, moved(signal.stop_line, (-_BEFORE_LINE_M, 0.0, 0.0))), _TRIGGER_EXTENT)
