"""Ticks longer than the settings' substeps together, as CARLA's own `lidar_to_camera` takes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim_bridge.embedded.blueprints import Library
from sim_bridge.embedded.contracts import Pose
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.vehicles import VEHICLES
from sim_bridge.embedded.wire.structs import ActorDescription, VehicleControl
from sim_bridge.embedded.world.actors import Vehicle
from sim_bridge.embedded.world.parts import Parts
from sim_bridge.embedded.world.spawning import spawn
from sim_bridge.embedded.world.world import World
from tests.embedded.fakes import FlatPainter, KeptMessages
from tests.embedded.plain_towns import plain_town

SPEED_MPS = 10.0


def _world(delta_s: float, max_substeps: int) -> World:
    world = World(Parts(lambda name: plain_town(), Physics, FlatPainter), "Plain", KeptMessages(), Library(VEHICLES))
    world.settings = replace(world.settings, fixed_delta_s=delta_s, max_substeps=max_substeps)
    return world


def _car(world: World, z: float = 0.0) -> Vehicle:
    car = spawn(world, ActorDescription(0, "vehicle.lincoln.mkz_2020"), Pose(0.0, 0.0, z))
    assert isinstance(car, Vehicle)
    return car


@pytest.mark.parametrize(
    ("delta_s", "max_substeps", "moved_s"), [(0.05, 10, 0.05), (0.1, 10, 0.1), (3.0, 10, 0.1), (0.5, 50, 0.5)]
)
def test_bodies_move_no_longer_than_all_substeps_last(delta_s: float, max_substeps: int, moved_s: float) -> None:
    world = _world(delta_s, max_substeps)
    car = _car(world)
    world.bodies.push(car.actor_id, (SPEED_MPS, 0.0, 0.0))
    world.tick()
    assert world.elapsed_s == pytest.approx(delta_s)
    assert car.pose.x == pytest.approx(SPEED_MPS * moved_s, rel=0.1)


def test_a_car_stays_on_its_wheels_through_long_ticks() -> None:
    world = _world(3.0, 10)
    car = _car(world, z=0.5)
    world.drive(car, VehicleControl(throttle=0.6, steer=0.2))
    for _ in range(60):
        world.tick()
    assert abs(car.pose.z) < 0.1 and abs(car.pose.roll) < 5.0 and abs(car.pose.pitch) < 5.0
