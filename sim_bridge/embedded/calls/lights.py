"""Traffic lights: states, times, freezing and groups."""

from __future__ import annotations

from sim_bridge.embedded.calls.desk import Desk, Refused
from sim_bridge.embedded.contracts import LightState
from sim_bridge.embedded.wire.structs import BoundingBox
from sim_bridge.embedded.world.actors import TrafficLight

_HEAD_EXTENT = (0.2, 0.2, 0.5)


def set_traffic_light_state(desk: Desk, actor_id: int, state: int) -> None:
    """Holds until the group's next change; freeze the light to keep it."""
    light = desk.one(TrafficLight, actor_id)
    if state not in tuple(LightState):
        raise Refused(f"state: expected 0 to 4, got {state}")
    light.state, light.elapsed_s = LightState(state), 0.0


def set_traffic_light_green_time(desk: Desk, actor_id: int, seconds: float) -> None:
    desk.one(TrafficLight, actor_id).green_s = max(0.0, seconds)


def set_traffic_light_yellow_time(desk: Desk, actor_id: int, seconds: float) -> None:
    desk.one(TrafficLight, actor_id).yellow_s = max(0.0, seconds)


def set_traffic_light_red_time(desk: Desk, actor_id: int, seconds: float) -> None:
    desk.one(TrafficLight, actor_id).red_s = max(0.0, seconds)


def freeze_traffic_light(desk: Desk, actor_id: int, is_frozen: bool) -> None:
    desk.one(TrafficLight, actor_id).is_frozen = is_frozen


def freeze_all_traffic_lights(desk: Desk, is_frozen: bool) -> None:
    for light in desk.world.lights:
        light.is_frozen = is_frozen


def reset_traffic_light_group(desk: Desk, actor_id: int) -> None:
    desk.one(TrafficLight, actor_id)
    desk.world.groups[actor_id].reset()


def reset_all_traffic_lights(desk: Desk) -> None:
    for group in dict.fromkeys(desk.world.groups.values()):
        group.reset()


def get_group_traffic_lights(desk: Desk, actor_id: int) -> tuple[int, ...]:
    desk.one(TrafficLight, actor_id)
    return tuple(light.actor_id for light in desk.world.groups[actor_id].lights)


def get_light_boxes(desk: Desk, actor_id: int) -> tuple[BoundingBox, ...]:
    """The lamps' boxes in the world, as CARLA gives them."""
    head = desk.one(TrafficLight, actor_id).signal.head
    return (BoundingBox((head.x, head.y, head.z), _HEAD_EXTENT, (head.pitch, head.yaw, head.roll)),)
