"""Radar and obstacle detector: what rays from a sensor meet, and whose body that is. World thread only."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from sim_bridge.embedded.contracts import Label
from sim_bridge.embedded.world import records
from sim_bridge.embedded.world.actors import Actor, Prop, SensorActor, Vehicle, Walker
from sim_bridge.embedded.world.geometry import Vec3, rotation, seen_from, turned

if TYPE_CHECKING:
    from sim_bridge.embedded.world.world import World

# A hit this near a body's box is a hit of that body: boxes are a little tighter than what the physics collides with.
_BOX_SLACK_M = 0.15
_GROUND = frozenset({Label.ROADS, Label.SIDEWALKS, Label.TERRAIN, Label.GROUND, Label.ROAD_LINES})
_MOST_POINTS = 400  # per tick; each is a ray through the physics


class Met(NamedTuple):
    """The first thing on a ray. `actor` is None for the town itself."""

    point: Vec3
    distance_m: float
    label: Label
    actor: Actor | None


def first_met(world: World, sensor: SensorActor, direction: Vec3, reach_m: float) -> Met | None:
    """The nearest thing along `direction` (in the sensor's axes, unit length) that is not what the sensor rides on."""
    pose = sensor.pose
    x, y, z = turned(rotation(pose), direction)
    origin = (pose.x, pose.y, pose.z)
    end = (pose.x + reach_m * x, pose.y + reach_m * y, pose.z + reach_m * z)
    for point, label in world.bodies.cast(origin, end):
        actor = _owner(world, point) if label not in _GROUND else None
        if actor is None or actor.actor_id != sensor.parent_id:
            return Met(point, math.dist(origin, point), label, actor)
    return None


def _owner(world: World, point: Vec3) -> Actor | None:
    """The vehicle, walker or prop whose box holds the point."""
    for actor in world.actors:
        if isinstance(actor, (Vehicle, Walker, Prop)) and _holds(actor, point):
            return actor
    return None


def _holds(actor: Actor, point: Vec3) -> bool:
    place = seen_from(actor.pose, point)
    box = actor.box
    return all(
        abs(at - middle) <= half + _BOX_SLACK_M
        for at, middle, half in zip(place, box.location, box.extent, strict=True)
    )


def obstacle(world: World, sensor: SensorActor) -> Met | None:
    """The nearest thing ahead within `distance`, looked for along the middle and around it at `hit_radius`."""
    reach = records.real(sensor.attribute("distance"), 5.0, 0.01, 500.0)
    radius = records.real(sensor.attribute("hit_radius"), 0.5, 0.0, 10.0)
    is_dynamic_only = records.truth(sensor.attribute("only_dynamics"))
    aims = ((0.0, 0.0), (0.0, radius), (0.0, -radius), (radius, 0.0), (-radius, 0.0))
    found = (first_met(world, sensor, _unit((reach, side, up)), reach) for side, up in aims)
    solid = [met for met in found if met and met.label not in _GROUND]
    if is_dynamic_only:
        solid = [met for met in solid if isinstance(met.actor, (Vehicle, Walker))]
    return min(solid, key=lambda met: met.distance_m, default=None)


class Radar:
    """Rays at random within an ellipse of angles; one random stream per sensor, so a run repeats."""

    def __init__(self) -> None:
        self._streams: dict[int, random.Random] = {}

    def forget(self, actor_id: int) -> None:
        self._streams.pop(actor_id, None)

    def read(self, world: World, sensor: SensorActor, delta_s: float) -> list[tuple[float, float, float, float]]:
        """Per hit: velocity along the ray (m/s, below zero for what nears), azimuth, altitude (rad), depth (m)."""
        reach = records.real(sensor.attribute("range"), 100.0, 0.1, 1000.0)
        rate = records.real(sensor.attribute("points_per_second"), 1500.0, 0.0, 1e6)
        hits = []
        for azimuth, altitude in self._aims(sensor, min(_MOST_POINTS, round(rate * delta_s))):
            direction = (
                math.cos(altitude) * math.cos(azimuth),
                math.cos(altitude) * math.sin(azimuth),
                math.sin(altitude),
            )
            met = first_met(world, sensor, direction, reach)
            if met is not None:
                hits.append((_closing(sensor, direction, met), azimuth, altitude, met.distance_m))
        return hits

    def _aims(self, sensor: SensorActor, count: int) -> Iterator[tuple[float, float]]:
        seed = records.whole(sensor.attribute("noise_seed"), 0, -(1 << 31), 1 << 31)
        stream = self._streams.setdefault(sensor.actor_id, random.Random(seed))
        half_width = math.radians(records.real(sensor.attribute("horizontal_fov"), 30.0, 0.0, 179.0)) / 2.0
        half_height = math.radians(records.real(sensor.attribute("vertical_fov"), 30.0, 0.0, 179.0)) / 2.0
        for _ in range(count):
            radius, angle = stream.random(), 2.0 * math.pi * stream.random()
            yield half_width * radius * math.cos(angle), half_height * radius * math.sin(angle)


def _closing(sensor: SensorActor, direction: Vec3, met: Met) -> float:
    theirs = met.actor.body.velocity if met.actor else (0.0, 0.0, 0.0)
    ray = turned(rotation(sensor.pose), direction)
    return sum((a - b) * part for a, b, part in zip(theirs, sensor.body.velocity, ray, strict=True))


def _unit(vector: Vec3) -> Vec3:
    length = math.hypot(*vector)
    return (vector[0] / length, vector[1] / length, vector[2] / length)
