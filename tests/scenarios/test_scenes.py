"""The scenes that come with the program happen as named, each driven through in the town's own physics."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import carla
import pytest

from sim_bridge import scenarios
from sim_bridge.embedded import town
from sim_bridge.scenarios import NoPlace, Outcome, Scene
from sim_bridge.scenarios.listing import towns_for
from sim_bridge.scenarios.scene import Action
from tests.embedded.test_world_client import serving
from tests.scenarios.steady_ego import SteadyEgo, synchronous

# What becomes of a car that goes on at its speed whatever stands before it.
COLLIDES = {
    "construction",
    "construction_on_the_only_lane",
    "cut_in",
    "cut_in_from_the_kerb",
    "cyclist_ahead",
    "emergency_vehicle_behind",
    "hard_braking_leader",
    "oncoming_left_turn",
    "parked_car_blocks_the_lane",
    "pedestrian_steps_out",
    "red_light_runner",
    "red_light_turner",
    "slow_leader",
    "stop_sign",
}
ELSEWHERE = [name for name in town.names() if name != "Backseat01"]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with serving("tests.embedded.flat_server", "0", "Backseat01") as (_, port):
        yield synchronous(port)


def drive(client: Any, scene: str | Scene, seed: int = 0, **ego: float) -> Outcome:
    steady = SteadyEgo(client, scenarios.load(scene) if isinstance(scene, str) else scene, seed, **ego)
    try:
        return steady.drive()
    finally:
        steady.close()


@pytest.mark.parametrize("name", scenarios.names())
def test_a_scene_happens_as_named(client: Any, name: str) -> None:
    outcome = drive(client, name)
    assert outcome.happened, outcome
    assert (outcome.ended == "collision") == (name in COLLIDES), outcome


@pytest.mark.parametrize("name", [name for name in scenarios.names() if scenarios.load(name).events])
def test_a_scene_whose_cast_does_nothing_does_not_happen(client: Any, name: str) -> None:
    scene = scenarios.load(name)
    idle = replace(scene, events=(), cast=tuple(replace(member, does=Action()) for member in scene.cast))
    outcome = drive(client, idle)
    assert outcome.ended and not outcome.happened, outcome


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_a_scene_happens_in_every_town_that_has_a_place_for_it(elsewhere: str) -> None:
    played = 0
    with serving("tests.embedded.flat_server", "0", elsewhere) as (_, port):
        for name in scenarios.names():
            with contextlib.suppress(NoPlace):
                outcome = drive(synchronous(port), name)
                assert outcome.happened, outcome
                played += 1
    assert played > 0


@pytest.mark.parametrize("kind", ["construction", "cut_in", "red_light", "emergency", "pedestrian", "stop_sign"])
def test_every_town_has_a_place_for_a_scene_of_every_kind(kind: str) -> None:
    found = {name for scene in scenarios.names() if scene.startswith(kind) for name in towns_for(scenarios.load(scene))}
    assert found == set(town.names())


def test_ten_scenes_and_more_come_with_the_program() -> None:
    asked_for = {
        "pedestrian_steps_out",
        "parked_car_blocks_the_lane",
        "construction",
        "slow_leader",
        "hard_braking_leader",
        "cut_in",
        "oncoming_left_turn",
        "red_light_runner",
        "stop_sign",
        "emergency_vehicle_behind",
    }
    assert asked_for <= set(scenarios.names())


def test_a_car_that_stops_hits_nobody_and_fails_to_arrive(client: Any) -> None:
    outcome = drive(client, "parked_car_blocks_the_lane", stop_s=50.0)
    assert (outcome.ended, outcome.hit, outcome.happened) == ("out of time", "", True)
    assert 1.0 < outcome.nearest_m < 12.0


def test_a_parked_car_stays_put_and_shows_its_hazard_lights_without_brake_lamps(client: Any) -> None:
    steady = SteadyEgo(client, scenarios.load("parked_car_blocks_the_lane"), 0, stop_s=-100.0)
    try:
        (parked,) = (car for car in steady.world.get_actors().filter("vehicle.*") if car.id != steady.car.id)
        steady.drive(20)
        before = parked.get_location()
        steady.drive(60)
        assert parked.get_location().distance(before) < 0.02
        assert parked.get_control().brake == 0.0
        lit = parked.get_light_state()
        assert lit & carla.VehicleLightState.LeftBlinker and lit & carla.VehicleLightState.RightBlinker
        assert not lit & carla.VehicleLightState.Brake
    finally:
        steady.close()


def test_a_scene_does_not_happen_to_a_car_that_stays_where_it_is(client: Any) -> None:
    steady = SteadyEgo(client, scenarios.load("pedestrian_steps_out"), 0, stop_s=-100.0)
    outcome = steady.drive(200)
    steady.close()
    assert not outcome.happened
    assert outcome.ended == ""


def test_running_a_stop_sign_is_told_and_stopping_is_not(client: Any) -> None:
    assert drive(client, "stop_sign").unmet == ("stops before the line",)
    steady = SteadyEgo(client, scenarios.load("stop_sign"), 0, mps=5.0, stop_s=-1.5)
    steady.drive(160)
    steady._stop_s = None
    outcome = steady.drive()
    steady.close()
    assert outcome.unmet == (), outcome


def test_the_same_seed_plays_the_same_scene(client: Any) -> None:
    first, again = (drive(client, "red_light_runner", seed=3) for _ in range(2))
    assert first == again


def test_a_run_takes_everything_away_that_it_brought(client: Any) -> None:
    world = client.get_world()
    world.tick()
    before = {actor.id for actor in world.get_actors()}
    drive(client, "red_light_runner")
    world.tick()
    assert {actor.id for actor in world.get_actors()} == before
    lights = list(world.get_actors().filter("traffic.traffic_light*"))
    for _ in range(20 * 60):
        world.tick()
        if any(light.get_state() == carla.TrafficLightState.Yellow for light in lights):
            return
    raise AssertionError("the lights take no turns any more")
