"""Journeys in a CarlaSimulator: the car starts where the scene or the route begins, and is led along it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import carla
import pytest

from sim_bridge import scenarios
from sim_bridge.carla_config import CarlaConfig
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.embedded.town.folder import road_file
from sim_bridge.goals import Goals, GuidedRoute
from sim_bridge.journey import FreeDrive, RouteJourney, SceneJourney, journey_of
from sim_bridge.lane_search import way_to
from sim_bridge.messages import Control, JourneyStage, RouteCommand
from sim_bridge.scenarios import SceneRun, route_file
from sim_bridge.scenarios.doings import Wanted
from sim_bridge.scenarios.following import Follower
from sim_bridge.scenarios.places import beside, places
from sim_bridge.scenarios.route_file import Route, RouteScenario, RouteWeather
from sim_bridge.scenarios.route_run import RouteRun, WrongTown
from sim_bridge.scenarios.seen import Seen
from tests.embedded.test_world_client import serving


@pytest.fixture(scope="module")
def town_map() -> Any:
    return carla.Map("Backseat01", road_file("Backseat01").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def simulator() -> Iterator[CarlaSimulator]:
    with (
        serving("tests.embedded.flat_server", "0", "Backseat01") as (_, port),
        CarlaSimulator(CarlaConfig(port=port, traffic_vehicles=0, chase_camera=None, is_embedded=True)) as simulator,
    ):
        yield simulator


def goal_of(town_map: Any, name: str) -> tuple[Any, tuple[Any, ...]]:
    """A scene's start and end, which makes a way through a junction."""
    scene = scenarios.load(name)
    place = next(places(scene, town_map, seed=2))
    return place.course.waypoint(scene.start_m), (place.course.waypoint(scene.goal_m).transform.location,)


def test_a_way_leads_to_its_goal_in_lane_steps(town_map: Any) -> None:
    start, (goal,) = goal_of(town_map, "red_light_runner")
    steps = way_to(start, town_map.get_waypoint(goal))
    assert steps is not None
    last = start
    for step in steps:
        assert step.side or step.waypoint.transform.location.distance(last.transform.location) < 1.6
        last = step.waypoint
    assert last.transform.location.distance(goal) <= 2.0


def test_a_goal_in_the_lane_beside_is_reached_by_a_lane_change(town_map: Any) -> None:
    scene = scenarios.load("cut_in")
    place = next(places(scene, town_map, seed=2))
    goal = beside(place.course.waypoint(60.0), "left")[0].transform.location
    route = GuidedRoute(place.course.waypoint(0.0), None, town_map, Goals([goal]))
    assert route.leads_to == 1
    changes = [point for point in route.points if point.command is RouteCommand.LANE_LEFT]
    assert 8 <= len(changes) <= 16
    end = route.points[-1]
    assert abs(end.x_m - goal.x) + abs(end.y_m - goal.y) < 3.0


def test_a_goal_behind_is_reached_around_the_block_and_never_backwards(town_map: Any) -> None:
    start, _ = goal_of(town_map, "slow_leader")
    behind = start.previous(20.0)[0]
    steps = way_to(start, behind)
    assert steps is not None and len(steps) > 100


def drive_along(simulator: CarlaSimulator, ticks: int, mps: float = 8.0) -> None:
    """Along the navigator's dense route, which is what a driver is led along."""
    for _ in range(ticks):
        ahead = simulator.navigator.dense_route()
        where, speed = simulator.ego.get_transform(), simulator.ego.get_velocity().length()
        waypoints = [point.waypoint for point in ahead[:40]]
        follower = Follower(course_of(waypoints), 0.0, 0.05)
        yaw = where.rotation.yaw * 3.141592653589793 / 180.0
        seen = Seen(where.location.x, where.location.y, yaw, speed, 2.4, 0.9)
        control = follower.control(seen, Wanted(mps))
        simulator.step(Control(control.steer, control.throttle, control.brake))
        if is_over(simulator):
            return


def course_of(waypoints: list[Any]) -> Any:
    from sim_bridge.scenarios.course import Course

    return Course(waypoints, 0.0)


def is_over(simulator: CarlaSimulator) -> bool:
    journey = simulator.journey
    if isinstance(journey, SceneJourney):
        return journey.run is not None and bool(journey.run.outcome.ended)
    return isinstance(journey, RouteJourney) and journey.run is not None and journey.run.outcome.is_done


def test_the_simulator_plays_a_scene_and_the_navigator_leads_through_it(simulator: CarlaSimulator) -> None:
    simulator.journey = SceneJourney("red_light_runner")
    observation = simulator.reset(seed=5)
    run = simulator.journey.run
    assert run is not None
    assert simulator.ego.get_location().distance(run.ego_start.location) < 1.0
    assert observation.command in (RouteCommand.STRAIGHT, RouteCommand.FOLLOW_ROAD)
    begun = simulator.journey_news
    assert begun is not None and begun.stage is JourneyStage.UNDER_WAY
    assert begun.line == "Scene: Somebody runs a red light. It is still to happen."
    drive_along(simulator, 500)
    assert run.outcome.happened and run.outcome.ended
    ended = simulator.journey_news
    assert ended is not None and ended.stage is JourneyStage.MISSED and "hit another vehicle" in ended.line
    # The next episode is a free one again, with nobody of the cast left.
    simulator.journey = FreeDrive()
    simulator.reset(seed=5)
    assert len(simulator.carla_world.get_actors().filter("vehicle.*")) == 1


def test_a_scene_without_a_place_is_refused_in_words(simulator: CarlaSimulator) -> None:
    wide = scenarios.reading.loads(
        '{"title": "t", "about": "a", "start_m": 0, "place": {"kind": "straight", "length_m": 50, "lanes": 9},'
        ' "cast": [], "happens": [{"after_s": 1}]}',
        "wide",
    )
    simulator.journey = SceneJourney(wide)
    with pytest.raises(ValueError, match=r"'wide' finds no place in Backseat01.*9 lanes"):
        simulator.reset(seed=0)
    simulator.journey = FreeDrive()
    simulator.reset(seed=0)


def route_through(town_map: Any, name: str, scenario: RouteScenario | None = None) -> Route:
    scene = scenarios.load(name)
    place = next(places(scene, town_map, seed=2))
    at = [place.course.waypoint(s).transform.location for s in (0, 50, 80, 110)]
    points = tuple((p.x, p.y, p.z) for p in at)
    weathers = (RouteWeather(0.0, {"cloudiness": 10.0}), RouteWeather(100.0, {"cloudiness": 90.0}))
    return Route("1", "Backseat01", points, weathers, (scenario,) if scenario else ())


def test_a_route_is_driven_to_its_end_in_its_weather(simulator: CarlaSimulator, town_map: Any) -> None:
    before = simulator.carla_world.get_weather().cloudiness
    simulator.journey = RouteJourney(route_through(town_map, "slow_leader"))
    simulator.reset(seed=0)
    drive_along(simulator, 400, mps=10.0)
    run = simulator.journey.run
    assert run is not None and run.outcome.is_done
    simulator.step(Control(brake=1.0))
    simulator.step(Control(brake=1.0))
    assert simulator.carla_world.get_weather().cloudiness == pytest.approx(90.0)
    simulator.journey = FreeDrive()
    simulator.reset(seed=0)
    assert simulator.carla_world.get_weather().cloudiness == pytest.approx(before)


def test_a_routes_scenario_is_played_where_it_is_triggered(simulator: CarlaSimulator, town_map: Any) -> None:
    route = route_through(town_map, "pedestrian_steps_out")
    trigger = (*route.points[0], 0.0)
    known = RouteScenario("Walker_1", "DynamicObjectCrossing", trigger)
    unknown = RouteScenario("Door_1", "VehicleOpensDoorTwoWays", trigger)
    simulator.journey = RouteJourney(Route("1", "Backseat01", route.points, (), (known, unknown)))
    simulator.reset(seed=0)
    drive_along(simulator, 220)
    run = simulator.journey.run
    assert run is not None
    assert [(o.scene, o.happened) for o in run.outcome.scenes] == [("pedestrian_steps_out", True)]
    assert run.outcome.not_played == ("Door_1",)


def test_a_scenario_that_the_car_goes_past_is_counted_and_makes_room_for_the_next(
    simulator: CarlaSimulator, town_map: Any
) -> None:
    found = places(scenarios.load("pedestrian_steps_out"), town_map, seed=2)
    first = next(found).course
    begins = first.waypoint(0.0).transform.location
    second = next(p.course for p in found if p.course.waypoint(0.0).transform.location.distance(begins) > 200.0)
    triggers = [(p.x, p.y, p.z, 0.0) for p in (course.waypoint(0.0).transform.location for course in (first, second))]
    walkers = tuple(RouteScenario(f"Walker_{k}", "DynamicObjectCrossing", at) for k, at in enumerate(triggers))
    points = route_through(town_map, "pedestrian_steps_out").points
    simulator.journey = RouteJourney(Route("1", "Backseat01", points, (), walkers))
    simulator.reset(seed=0)
    run = simulator.journey.run
    assert run is not None
    stand_on(simulator, first.waypoint(30.0))
    assert run.outcome.not_played == ("Walker_0", "Walker_1"), "one waits, one is far"
    assert len(simulator.carla_world.get_actors().filter("walker.pedestrian.*")) == 1
    stand_on(simulator, second.waypoint(0.0))
    assert (len(run.outcome.scenes), run.outcome.not_played) == (1, ("Walker_0",))
    assert len(simulator.carla_world.get_actors().filter("walker.pedestrian.*")) == 1


def stand_on(simulator: CarlaSimulator, waypoint: Any) -> None:
    """Put the car there, for as many ticks as a scene takes to come in and begin."""
    where = waypoint.transform
    where.location.z += 0.2
    simulator.ego.set_transform(where)
    for _ in range(5):
        simulator.step(Control(brake=1.0))


def test_an_episodes_weather_ends_with_it(simulator: CarlaSimulator) -> None:
    simulator.journey = FreeDrive()
    simulator.reset(seed=0)
    before = simulator.carla_world.get_weather()
    simulator.journey = SceneJourney(replace(scenarios.load("slow_leader"), weather="HardRainNoon"))
    simulator.reset(seed=5)
    simulator.step(Control(brake=1.0))
    assert simulator.carla_world.get_weather().precipitation > before.precipitation
    simulator.journey = FreeDrive()
    simulator.reset(seed=0)
    assert simulator.carla_world.get_weather() == before


def test_a_car_that_leans_on_something_has_hit_it_once() -> None:
    run = SceneRun(None, scenarios.load("slow_leader"), seed=0)
    for second in range(1000):
        run._hit(SimpleNamespace(timestamp=float(second), other_actor=SimpleNamespace(type_id="vehicle.audi.tt")))
    assert run._hits == [(0.0, "vehicle.audi.tt")]


def test_a_route_of_another_town_is_refused(simulator: CarlaSimulator) -> None:
    run = RouteRun(simulator.carla_world, Route("9", "Town12", ((0.0, 0.0, 0.0), (9.0, 0.0, 0.0))), 0)
    with pytest.raises(WrongTown, match="Route 9 is for Town12, this world has Backseat01"):
        run.prepare()


def test_a_drives_wishes_make_its_journey(tmp_path: Path) -> None:
    assert isinstance(journey_of("", "", ""), FreeDrive)
    journey = journey_of("cut_in", "", "")
    assert isinstance(journey, SceneJourney) and journey.scene.name == "cut_in"
    route_file.write(tmp_path / "r.xml", [Route("5", "T", ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)))])
    routed = journey_of("", str(tmp_path / "r.xml"), "5")
    assert isinstance(routed, RouteJourney) and routed.route.town == "T"
    with pytest.raises(ValueError, match="both"):
        journey_of("cut_in", "r.xml", "")
    with pytest.raises(ValueError, match="no scene"):
        journey_of("flood", "", "")
