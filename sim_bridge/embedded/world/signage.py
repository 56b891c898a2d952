"""The actors that belong to the town: traffic lights and signs, made from the OpenDRIVE file's signals."""

from __future__ import annotations

import numpy as np

from sim_bridge.embedded.contracts import BodyState, Label, Pose, Signal, Town
from sim_bridge.embedded.wire import messages
from sim_bridge.embedded.wire.structs import ActorDescription, BoundingBox
from sim_bridge.embedded.world.actors import Registry, TrafficLight, TrafficSign
from sim_bridge.embedded.world.geometry import difference_deg, moved, seen_from

_BEFORE_LINE_M = 2.5
_TRIGGER_ALONG_M, _TRIGGER_UP_M = 1.5, 1.0
# Beyond the outer lanes' centres: inside every lane, so that a walk across the trigger meets no lane of other traffic.
_TRIGGER_BESIDE_M = 1.2
_LINE_REACH_M = (2.5, 9.0)  # along and across: lane samples this near a stop line's middle are of its approach
_SIGN_TYPES = {"stop": "traffic.stop", "yield": "traffic.yield"}


def plain(type_id: str) -> ActorDescription:
    """The description of an actor that nobody spawned."""
    return ActorDescription(0, type_id)


def raised(town: Town, actors: Registry) -> list[TrafficLight]:
    """Add an actor per signal of the town; returns the lights."""
    lights = []
    for signal in town.signals:
        if signal.kind == "traffic_light":
            lights.append(_light(actors.new_id(), signal, town))
            actors.add(lights[-1])
        else:
            actors.add(_sign(actors.new_id(), signal, town))
    return lights


def _light(actor_id: int, signal: Signal, town: Town) -> TrafficLight:
    # CARLA's lights have their x axis across the road, and scripts walk along it to find the lanes they rule.
    pose = Pose(signal.pose.x, signal.pose.y, signal.pose.z, yaw=(signal.stop_line.yaw + 90.0 + 180.0) % 360.0 - 180.0)
    return TrafficLight(
        actor_id,
        plain("traffic.traffic_light"),
        BodyState(pose),
        box=_trigger(pose, signal, town),
        labels=bytes([Label.TRAFFIC_LIGHT]),
        signal=signal,
        wire_id=signal.signal_id.encode()[:32],
        place_record=messages.actor_record(actor_id, BodyState(pose), b"")[: messages.PLACE_BYTES],
    )


def _sign(actor_id: int, signal: Signal, town: Town) -> TrafficSign:
    type_id = _SIGN_TYPES.get(signal.kind, f"traffic.speed_limit.{round(signal.speed_limit_kmh)}")
    return TrafficSign(
        actor_id,
        plain(type_id),
        BodyState(signal.pose),
        box=_trigger(signal.pose, signal, town),
        labels=bytes([Label.TRAFFIC_SIGNS]),
        signal=signal,
        record=messages.actor_record(
            actor_id, BodyState(signal.pose), messages.sign_details(signal.signal_id.encode())
        ),
    )


def _trigger(pose: Pose, signal: Signal, town: Town) -> BoundingBox:
    """The box a client calls `trigger_volume`: across the lanes just before the stop line, in the actor's frame."""
    low, high = _lanes_across(signal.stop_line, town)
    middle = moved(signal.stop_line, (-_BEFORE_LINE_M, (low + high) / 2.0, 0.0))
    across = (high - low) / 2.0 + _TRIGGER_BESIDE_M
    is_turned = abs(difference_deg(pose.yaw, signal.stop_line.yaw)) % 180.0 > 45.0
    extent = (across, _TRIGGER_ALONG_M) if is_turned else (_TRIGGER_ALONG_M, across)
    return BoundingBox(seen_from(pose, middle), (*extent, _TRIGGER_UP_M))


def _lanes_across(line: Pose, town: Town) -> tuple[float, float]:
    """How far left and right of the stop line's middle the centres of its own lanes lie, in metres."""
    samples = town.lane_samples
    yaw = np.radians(line.yaw)
    dx, dy = samples[:, 0] - line.x, samples[:, 1] - line.y
    along, across = dx * np.cos(yaw) + dy * np.sin(yaw), dy * np.cos(yaw) - dx * np.sin(yaw)
    is_same_way = np.cos(np.radians(samples[:, 2]) - yaw) > 0.7
    is_near = (np.abs(along) < _LINE_REACH_M[0]) & (np.abs(across) < _LINE_REACH_M[1]) & is_same_way
    if not is_near.any():
        return 0.0, 0.0
    road = samples[is_near][np.argmin(np.abs(across[is_near])), 4]
    own = across[is_near & (samples[:, 4] == road)]
    return float(own.min()), float(own.max())
