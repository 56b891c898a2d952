"""Same seed and same commands, same trajectories to the last bit; and a reload makes the world as it was."""

from __future__ import annotations

import hashlib
import random
import struct

import pytest

from sim_bridge.embedded import town
from sim_bridge.embedded.blueprints import Library
from sim_bridge.embedded.contracts import LightState, Pose, Town
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.vehicles import VEHICLES
from sim_bridge.embedded.wire.structs import ActorDescription, VehicleControl, WalkerControl, Weather
from sim_bridge.embedded.world.actors import Actor, Vehicle, Walker
from sim_bridge.embedded.world.parts import Parts
from sim_bridge.embedded.world.spawning import spawn
from sim_bridge.embedded.world.walking import walk
from sim_bridge.embedded.world.world import World
from tests.embedded.fakes import FlatPainter, KeptMessages
from tests.embedded.test_world_client import run_with_manager


@pytest.fixture(scope="module")
def backseat() -> Town:
    return town.load("Backseat01")


def real_world(backseat: Town) -> World:
    parts = Parts(lambda name: backseat, Physics, FlatPainter)
    return World(parts, "Backseat01", KeptMessages(), Library(VEHICLES))


def state(actor: Actor) -> bytes:
    pose, body = actor.pose, actor.body
    places = (pose.x, pose.y, pose.z, pose.pitch, pose.yaw, pose.roll)
    return struct.pack("<15d", *places, *body.velocity, *body.angular_velocity, *body.acceleration)


def driven(world: World, ticks: int = 100) -> str:
    """A hash of every body's motion and every light's state, under commands that look random and are not."""
    draw, digest = random.Random(11), hashlib.sha256()
    ids = sorted(VEHICLES)
    actors: list[Actor] = [
        spawn(world, ActorDescription(0, ids[k]), point) for k, point in enumerate(world.town.spawn_points[::40][:8])
    ]
    start = world.town.spawn_points[1]
    beside = Pose(start.x + 6.0, start.y + 6.0, start.z + 1.5)
    actors.append(spawn(world, ActorDescription(0, "walker.pedestrian.0001"), beside))
    actors.append(spawn(world, ActorDescription(0, "static.prop.trafficcone01"), world.town.spawn_points[5]))
    for tick in range(ticks):
        for actor in actors:
            if isinstance(actor, Vehicle) and tick % 7 == 0:
                world.drive(actor, VehicleControl(draw.random(), draw.uniform(-0.6, 0.6), draw.random() > 0.9))
            elif isinstance(actor, Walker):
                walk(world, actor, WalkerControl((draw.uniform(-1.0, 1.0), 1.0, 0.0), 1.5))
        world.tick(0.05)
        for actor in actors:
            digest.update(state(actor))
        for light in world.lights:
            digest.update(struct.pack("<id", light.state, light.elapsed_s))
    assert sum(actor.body.velocity != (0.0, 0.0, 0.0) for actor in actors) >= 6
    return digest.hexdigest()


def test_two_worlds_under_the_same_commands_go_the_same_way(backseat: Town) -> None:
    assert driven(real_world(backseat)) == driven(real_world(backseat))


def test_a_reload_makes_the_world_as_it_was(backseat: Town) -> None:
    world = real_world(backseat)
    first = driven(world)
    for light in world.lights:
        light.state, light.green_s, light.is_frozen = LightState.OFF, 1.0, True
    world.weather = Weather(cloudiness=90.0)
    world.place(world.spectator, Pose(1.0, 2.0, 3.0))
    world.reload()
    fresh = real_world(backseat)
    assert [(a.type_id, a.description, state(a)) for a in world.actors] == [
        (a.type_id, a.description, state(a)) for a in fresh.actors
    ]
    assert [(light.state, light.green_s, light.is_frozen, light.elapsed_s) for light in world.lights] == [
        (light.state, light.green_s, light.is_frozen, light.elapsed_s) for light in fresh.lights
    ]
    assert (world.weather, world.settings, world.elapsed_s) == (fresh.weather, fresh.settings, fresh.elapsed_s)
    assert driven(world) == first


def test_carlas_traffic_manager_drives_the_same_way_in_every_process_and_after_a_reload() -> None:
    hashes = []
    for _ in range(2):
        hashes += run_with_manager("drives_alike").split()[:2]
    assert len(hashes) == 4 and len(set(hashes)) == 1, hashes
