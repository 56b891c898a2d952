"""Stop and yield signs: the ground they give way to, and whom they hold."""

from __future__ import annotations

import math
from dataclasses import replace

import carla
import pytest

from sim_bridge.embedded.blueprints import Library
from sim_bridge.embedded.contracts import LightState, Pose, Signal, Town
from sim_bridge.embedded.vehicles import VEHICLES
from sim_bridge.embedded.world.actors import Vehicle
from sim_bridge.embedded.world.snapshot import world_message
from sim_bridge.embedded.world.world import World
from tests.embedded.authored import NAMES, oracle_of, town_of
from tests.embedded.fakes import FLAT, PARTS, KeptMessages
from tests.embedded.test_world import advance, car

WATCHED = tuple((60.0 + step, 21.75) for step in range(10))  # on the other road


def signed_world(kind: str) -> World:
    """A sign on the first road, its line at x = 100, that gives way to a stretch of the second road."""
    line = Pose(100.0, 1.75)
    sign = Signal("7", kind, Pose(103.0, 5.0), Pose(103.0, 5.0, 2.5, yaw=180.0), line, gives_way_at=WATCHED)
    town = replace(FLAT, signals=(sign,))
    return World(replace(PARTS, town=lambda _: town), "Flat", KeptMessages(), Library(VEHICLES))


def put(world: World, vehicle: Vehicle, x: float, y: float = 1.75) -> None:
    world.simulate(vehicle, False)
    world.place(vehicle, Pose(x, y))


def test_a_stop_sign_holds_for_two_seconds_and_only_before_its_line() -> None:
    world = signed_world("stop")
    ego = car(world)
    nose = ego.shape.length / 2.0
    put(world, ego, 80.0)
    advance(world, 1)
    assert not ego.must_wait
    put(world, ego, 99.0 - nose)
    advance(world, 39)
    assert ego.must_wait and ego.waits_at == 0
    advance(world, 2)
    assert not ego.must_wait
    put(world, ego, 80.0)
    advance(world, 1)
    put(world, ego, 99.0 - nose)
    advance(world, 1)
    assert ego.must_wait, "it stops anew when it comes again"


@pytest.mark.parametrize("kind", ["stop", "yield"])
def test_a_sign_holds_while_somebody_drives_where_it_gives_way(kind: str) -> None:
    world = signed_world(kind)
    ego, other = car(world), car(world, y=21.75)
    put(world, ego, 95.0)
    put(world, other, 62.0, 21.75)
    advance(world, 60)
    assert ego.must_wait and not other.must_wait
    put(world, other, 130.0, 21.75)
    advance(world, 1)
    assert not ego.must_wait


def test_the_tail_of_a_long_vehicle_holds_too_and_its_nose_does_not() -> None:
    world = signed_world("yield")
    ego, bus = car(world), car(world, y=21.75, type_id="vehicle.mitsubishi.fusorosa")
    half = bus.shape.length / 2.0
    put(world, ego, 95.0)
    held = {}
    for where, x in (("nose", 59.0 - half), ("tail", 69.0 + half)):
        put(world, bus, x, 21.75)
        advance(world, 1)
        held[where] = ego.must_wait
    assert held == {"nose": False, "tail": True}


def test_a_held_car_is_shown_red_though_it_is_at_no_light() -> None:
    """As in CARLA: the Traffic Manager takes such cars over the junction one by one."""
    world = signed_world("stop")
    ego = car(world)
    put(world, ego, 95.0)
    advance(world, 1)
    held = b"".join(world_message(world, 0.0, 0.05, 0))
    ego.must_wait = False
    free = b"".join(world_message(world, 0.0, 0.05, 0))
    changed = [(before, after) for before, after in zip(held, free, strict=True) if before != after]
    assert changed == [(LightState.RED, LightState.GREEN)]


@pytest.fixture(scope="module", params=NAMES)
def town(request: pytest.FixtureRequest) -> Town:
    return town_of(request.param)


def test_signs_watch_other_ways_over_their_own_junction(town: Town) -> None:
    oracle = oracle_of(town.name)
    signs = [signal for signal in town.signals if signal.kind in ("stop", "yield")]
    assert sum(bool(sign.gives_way_at) for sign in signs) >= 0.8 * len(signs)
    for sign in signs:
        for x, y in sign.gives_way_at:
            waypoint = oracle.get_waypoint(carla.Location(x, y))
            # A way's first and last point lie on the border of the junction.
            assert any(near.is_junction for near in (waypoint, *waypoint.next(1.0), *waypoint.previous(1.0)))
            assert math.dist((x, y), (sign.stop_line.x, sign.stop_line.y)) < 60.0


def test_lights_and_limits_watch_nothing(town: Town) -> None:
    assert not any(s.gives_way_at for s in town.signals if s.kind in ("traffic_light", "speed_limit"))
