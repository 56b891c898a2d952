"""Obstacle detector: what rays from a sensor meet in the physics, and whose body that is. World thread only."""

from __future__ import annotations

import math
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


def _unit(vector: Vec3) -> Vec3:
    length = math.hypot(*vector)
    return (vector[0] / length, vector[1] / length, vector[2] / length)
