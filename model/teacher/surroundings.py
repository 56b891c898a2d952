"""Who is around the car, as plain data, read through the ordinary `carla` API in one go per tick.

`Surroundings` is what the geometry works on, so that everything past this file runs without a world.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import carla
import numpy as np
import numpy.typing as npt

from model.teacher.signs import Sign, signs_of

# Lamps are small; without light boxes from the server one of this half size is assumed.
LAMP_HALF_M = 0.3
BRAKE_LAMPS = 8  # carla.VehicleLightState.Brake
HAZARD_LAMPS = 16 + 32  # both blinkers
# Pedals this far down light the lamps of a car whose light state nobody keeps.
BRAKE_PEDAL = 0.1
UNKNOWN_LIMIT_MPS = 8.0
OBSTACLE = "obstacle"
# A livery covers most of these; the colour attribute is not what one sees.
UNPAINTED = ("truck", "motorcycle", "bicycle")

# Reference colours of the words people use, RGB.
COLOR_WORDS: dict[str, tuple[int, int, int]] = {
    "white": (240, 240, 240),
    "silver": (190, 190, 195),
    "grey": (110, 110, 115),
    "black": (20, 20, 22),
    "red": (180, 25, 25),
    "orange": (225, 110, 25),
    "yellow": (230, 200, 40),
    "green": (35, 120, 50),
    "blue": (30, 70, 170),
    "brown": (100, 65, 40),
}
TYPE_OF_ID = (
    ("bus", ("fusorosa", "bus")),
    ("truck", ("carlacola", "firetruck", "truck_", "european_hgv")),
    ("van", ("sprinter", "ambulance", "volkswagen.t2", "van")),
    ("motorcycle", ("kawasaki", "yamaha", "harley", "vespa")),
    ("bicycle", ("crossbike", "omafiets", "century", "bike")),
)


@dataclass(frozen=True, slots=True)
class Body:
    """A box on the ground: its middle, heading, half sizes; `kind` is a vehicle's type or "pedestrian"."""

    actor_id: int
    kind: str
    x: float
    y: float
    z: float  # of the middle
    yaw_rad: float
    half_length: float
    half_width: float
    half_height: float
    speed_mps: float
    brakes: bool = False
    color: str = ""
    has_hazard_lights: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """One traffic light: where it makes cars stop, and where its lamps hang. World metres."""

    actor_id: int
    stops: npt.NDArray[np.float64]  # (K, 3): x, y, yaw_rad of each ruled lane's stop point
    lamps: tuple[Body, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """One tick: the car, everybody else, and each light's state by actor id: "red" | "yellow" | "green" | "off"."""

    ego: Body
    bodies: tuple[Body, ...]
    signals: tuple[Signal, ...]
    light_states: dict[int, str]
    speed_limit_mps: float
    walls: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 5)))  # buildings: x, y, halves, yaw
    signs: tuple[Sign, ...] = ()
    obstacles: tuple[Body, ...] = ()  # things on the road: cones, barriers; kind "obstacle"


def type_word(blueprint_id: str) -> str:
    """The word for a vehicle, by its blueprint id: "car" unless it is known to be something else."""
    return next((word for word, marks in TYPE_OF_ID if any(mark in blueprint_id for mark in marks)), "car")


def color_word(attribute: str) -> str:
    """The nearest colour word to a "r,g,b" attribute, "" where there is none."""
    try:
        rgb = np.array([float(part) for part in attribute.split(",")])
    except ValueError:
        return ""
    if rgb.shape != (3,):
        return ""
    return min(COLOR_WORDS, key=lambda word: float(np.sum((rgb - np.array(COLOR_WORDS[word])) ** 2)))


class BodyReader:
    """Actors as bodies. Sizes, types and colours never change and are asked for once per actor."""

    def __init__(self) -> None:
        self._fixed: dict[int, tuple[str, str, float, float, float, float]] = {}

    def read(self, actor: Any, lamps: dict[int, int]) -> Body:
        """`lamps`: the vehicles' light flags by actor id."""
        if actor.id not in self._fixed:
            self._fixed[actor.id] = _fixed_of(actor)
        kind, color, length, width, height, middle = self._fixed[actor.id]
        is_vehicle, lit = kind not in ("pedestrian", OBSTACLE), lamps.get(actor.id, 0)
        transform, velocity = actor.get_transform(), actor.get_velocity()
        return Body(
            actor.id,
            kind,
            transform.location.x,
            transform.location.y,
            transform.location.z + middle,
            math.radians(transform.rotation.yaw),
            length,
            width,
            height,
            math.hypot(velocity.x, velocity.y),
            is_vehicle and (bool(lit & BRAKE_LAMPS) or _presses_brake(actor)),
            color,
            is_vehicle and lit & HAZARD_LAMPS == HAZARD_LAMPS,
        )


def _fixed_of(actor: Any) -> tuple[str, str, float, float, float, float]:
    """Kind, colour, half length, width and height, and the middle's height over the origin."""
    box = actor.bounding_box
    is_walker = actor.type_id.startswith("walker.")
    is_thing = actor.type_id.startswith("static.")
    kind = "pedestrian" if is_walker else OBSTACLE if is_thing else type_word(actor.type_id)
    has_paint = not is_walker and not is_thing and kind not in UNPAINTED
    color = color_word(actor.attributes.get("color", "")) if has_paint else ""
    return kind, color, max(0.2, box.extent.x), max(0.2, box.extent.y), max(0.3, box.extent.z), box.location.z


def _presses_brake(vehicle: Any) -> bool:
    return bool(vehicle.get_control().brake > BRAKE_PEDAL)


def signal_of(light: Any, town_map: Any) -> Signal | None:
    """A traffic light's stop points and lamps; None for one that rules no lane."""
    stops = [(w.transform.location.x, w.transform.location.y, math.radians(w.transform.rotation.yaw))
             for w in stop_waypoints(light, town_map)]  # fmt: skip
    if not stops:
        return None
    return Signal(light.id, np.array(stops), _lamps(light, town_map))


def stop_waypoints(light: Any, town_map: Any) -> list[Any]:
    """Where cars stop for a light: its signal's own lanes where that lies on an approach, else the client's reckoning.

    The client walks back from a box around the pole and can land in the lane of the other direction; on an approach
    road the signal's record names lanes and place exactly. CARLA's own towns keep signals inside the junction.
    """
    landmark = _landmark(light, town_map)
    if landmark is not None:
        lanes = [
            lane for low, high in landmark.get_lane_validities() for lane in range(min(low, high), max(low, high) + 1)
        ]
        points = [town_map.get_waypoint_xodr(landmark.road_id, lane, landmark.s) for lane in lanes if lane != 0]
        driving = [point for point in points if point is not None and point.lane_type == carla.LaneType.Driving]
        if driving and not any(point.is_junction for point in driving):
            return driving
    return list(light.get_stop_waypoints())


def _landmark(light: Any, town_map: Any) -> Any | None:
    found = town_map.get_all_landmarks_from_id(light.get_opendrive_id())
    return found[0] if found else None


def _lamps(light: Any, town_map: Any) -> tuple[Body, ...]:
    boxes = list(light.get_light_boxes())
    if boxes:
        return tuple(_lamp(light.id, _placed(light, box.location), box.extent) for box in boxes)
    landmark = _landmark(light, town_map)
    where = landmark.transform.location if landmark is not None else light.get_transform().location
    return (_lamp(light.id, where, carla.Vector3D(LAMP_HALF_M, LAMP_HALF_M, 2 * LAMP_HALF_M)),)


def _placed(light: Any, location: Any) -> Any:
    """A light box in the world: some servers say where in the world, some in the light's own frame."""
    pole = light.get_transform()
    moved = pole.transform(carla.Location(location.x, location.y, location.z))
    return min((moved, location), key=lambda point: pole.location.distance(point))


def _lamp(actor_id: int, where: Any, extent: Any) -> Body:
    return Body(actor_id, "lamp", where.x, where.y, where.z, 0.0, extent.x, extent.y, extent.z, 0.0)


def walls_of(world: Any) -> npt.NDArray[np.float64]:
    """The footprints of the town's buildings, (M, 5): x, y, half length, half width, yaw_rad."""
    boxes = world.get_level_bbs(carla.CityObjectLabel.Buildings)
    rows = [(b.location.x, b.location.y, b.extent.x, b.extent.y, math.radians(b.rotation.yaw)) for b in boxes]
    found = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return found[(found[:, 2] > 0.5) & (found[:, 3] > 0.5)]


def state_word(state: Any) -> str:
    return str(state).rsplit(".", 1)[-1].lower()


class SurroundingsReader:
    """Reads a running world around one ego car. Signals are worked out once."""

    def __init__(self, world: Any, town_map: Any) -> None:
        self._world, self._map = world, town_map
        self._bodies = BodyReader()
        lights = list(world.get_actors().filter("traffic.traffic_light*"))
        self._lights = {light.id: light for light in lights}
        self.walls = walls_of(world)
        self.signs = signs_of(town_map)
        self.signals = tuple(signal for light in lights if (signal := signal_of(light, town_map)) is not None)

    def states(self) -> dict[int, str]:
        return {light_id: state_word(light.get_state()) for light_id, light in self._lights.items()}

    def read(self, ego: Any, reach_m: float = 80.0) -> Surroundings:
        """Everybody within `reach_m` of `ego` at the newest tick."""
        lamps = {actor_id: int(flags) for actor_id, flags in self._world.get_vehicles_light_states().items()}
        me = self._bodies.read(ego, lamps)
        found, things = [], []
        for actor in self._world.get_actors():
            if actor.id == ego.id or not actor.type_id.startswith(("vehicle.", "walker.pedestrian", "static.prop.")):
                continue
            body = self._bodies.read(actor, lamps)
            if math.hypot(body.x - me.x, body.y - me.y) < reach_m:
                (things if body.kind == OBSTACLE else found).append(body)
        limit = ego.get_speed_limit() / 3.6
        near = np.hypot(self.walls[:, 0] - me.x, self.walls[:, 1] - me.y) < 2 * reach_m
        return Surroundings(
            me,
            tuple(found),
            self.signals,
            self.states(),
            limit if limit > 1.0 else UNKNOWN_LIMIT_MPS,
            self.walls[near],
            self.signs,
            tuple(things),
        )
