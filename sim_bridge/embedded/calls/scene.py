"""Weather, the town's own objects, rays, debug shapes and street lamps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sim_bridge.embedded.calls.desk import Desk, Refused
from sim_bridge.embedded.contracts import Label, StaticBox
from sim_bridge.embedded.wire.structs import BoundingBox, EnvironmentObject, LabelledPoint, Vec3, Weather

_ANY = 255


def get_weather_parameters(desk: Desk) -> Weather:
    return desk.world.weather


def set_weather_parameters(desk: Desk, weather: Weather) -> None:
    desk.world.weather = weather


def get_imui_gravity(desk: Desk) -> float:
    return desk.world.sensing.imu.gravity_mps2


def set_imui_gravity(desk: Desk, gravity: float) -> None:
    """For the IMUs of this episode; bodies fall as ever, as in CARLA."""
    desk.world.sensing.imu.gravity_mps2 = gravity


def query_lights_state(desk: Desk, endpoint: str = "") -> tuple[Any, ...]:
    """Street lamps: these towns have none to switch."""
    return ()


def accept(desk: Desk, *_: Any) -> None:
    """Drawn in CARLA's own window, which this world does not have: accepted, nothing to show."""


def _boxes(desk: Desk, label: int) -> Iterator[tuple[int, StaticBox]]:
    for number, box in enumerate(desk.world.town.boxes, start=1):
        if label in (_ANY, int(box.label)):
            yield number, box


def _bounds(box: StaticBox) -> BoundingBox:
    pose = box.pose
    return BoundingBox((pose.x, pose.y, pose.z), box.extent, (pose.pitch, pose.yaw, pose.roll))


def get_environment_objects(desk: Desk, label: int) -> tuple[EnvironmentObject, ...]:
    """The town's buildings, trunks and poles."""
    return tuple(
        EnvironmentObject(box.pose, _bounds(box), number, box.name, int(box.label))
        for number, box in _boxes(desk, label)
    )


def get_all_level_bbs(desk: Desk, label: int) -> tuple[BoundingBox, ...]:
    """Boxes in the world: the town's own, and the heads of its traffic lights."""
    boxes = [_bounds(box) for _, box in _boxes(desk, label)]
    if label in (_ANY, Label.TRAFFIC_LIGHT):
        boxes += [
            BoundingBox((s.head.x, s.head.y, s.head.z), (0.2, 0.2, 0.5), (0.0, s.head.yaw, 0.0))
            for s in desk.world.town.signals
            if s.kind == "traffic_light"
        ]
    return tuple(boxes)


def get_names_of_all_objects(desk: Desk) -> tuple[str, ...]:
    return tuple(box.name for box in desk.world.town.boxes)


def enable_environment_objects(desk: Desk, ids: Any, is_on: bool) -> None:
    if not is_on:
        raise Refused("not supported by the embedded world: hiding parts of a town")


def no_textures(desk: Desk, *_: Any) -> None:
    raise Refused("not supported by the embedded world: painting textures onto objects")


def cast_ray(desk: Desk, start: Vec3, end: Vec3) -> tuple[LabelledPoint, ...]:
    return tuple(LabelledPoint(location, int(label)) for location, label in desk.world.bodies.cast(start, end))


def project_point(desk: Desk, location: Vec3, direction: Vec3, distance: float) -> tuple[bool, LabelledPoint]:
    """The first thing met from `location` along `direction` (any length) within `distance` metres."""
    length = sum(part * part for part in direction) ** 0.5 or 1.0
    end = tuple(a + distance * part / length for a, part in zip(location, direction, strict=True))
    for met, label in desk.world.bodies.cast(location, (end[0], end[1], end[2])):
        return True, LabelledPoint(met, int(label))
    return False, LabelledPoint((0.0, 0.0, 0.0), 0)
