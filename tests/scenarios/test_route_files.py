"""Route files of CARLA's Leaderboard: both versions read, version 2 written, strange ones refused with their place."""

from __future__ import annotations

import random
from pathlib import Path

import carla
import pytest

from sim_bridge import scenarios
from sim_bridge.embedded.town.folder import road_file
from sim_bridge.goals import Goals, GuidedRoute
from sim_bridge.scenarios import route_file
from sim_bridge.scenarios.places import place_at
from sim_bridge.scenarios.route_file import Route, RouteScenario, RouteWeather
from sim_bridge.scenarios.route_run import SCENES, weather_at
from sim_bridge.scenarios.rules import Rules

ROUTES = Path(__file__).resolve().parents[2] / "assets" / "routes"

VERSION_2 = """<?xml version='1.0' encoding='utf-8'?>
<routes>
  <route id="7" town="Town12">
    <weathers>
      <weather route_percentage="100" cloudiness="80.0" sun_altitude_angle="-10"/>
      <weather route_percentage="0" cloudiness="20.0" sun_altitude_angle="30"/>
    </weathers>
    <waypoints>
      <position x="1.5" y="-2.0" z="0.3"/>
      <position x="40" y="-2" z="0.3"/>
      <position x="90" y="30" z="0"/>
    </waypoints>
    <scenarios>
      <scenario name="Cutter_1" type="StaticCutIn">
        <trigger_point x="20" y="-2" z="0.3" yaw="0.5"/>
        <distance value="60"/>
        <interval from="25" to="50"/>
      </scenario>
    </scenarios>
  </route>
</routes>"""
VERSION_1 = """<routes><route id="3" town="Town01"><weather cloudiness="0" precipitation="0"/>
<waypoint pitch="0" roll="0" x="10" y="20" yaw="90" z="0"/><waypoint x="10" y="70" z="0" yaw="90"/></route></routes>"""


def test_version_two_is_read_whole() -> None:
    (route,) = route_file.reads(VERSION_2)
    assert (route.route_id, route.town) == ("7", "Town12")
    assert route.points == ((1.5, -2.0, 0.3), (40.0, -2.0, 0.3), (90.0, 30.0, 0.0))
    assert [weather.percentage for weather in route.weathers] == [0.0, 100.0]
    (scenario,) = route.scenarios
    assert (scenario.kind, scenario.trigger) == ("StaticCutIn", (20.0, -2.0, 0.3, 0.5))
    assert scenario.parameters == {"distance": {"value": "60"}, "interval": {"from": "25", "to": "50"}}


def test_version_one_is_read_too() -> None:
    (route,) = route_file.reads(VERSION_1)
    assert route.points == ((10.0, 20.0, 0.0), (10.0, 70.0, 0.0))
    assert route.weathers == (RouteWeather(0.0, {"cloudiness": 0.0, "precipitation": 0.0}),)


def test_what_is_written_reads_back_equal(tmp_path: Path) -> None:
    scenario = RouteScenario("a & b", "StaticCutIn", (0.1, 1e-7, 3.0, -90.0), {"direction": {"value": "<left>"}})
    points, weather = ((0.0, 0.1, 0.2), (1.0 / 3.0, 5.0, 6.0)), RouteWeather(50.0, {"wetness": 1.5})
    routes = (Route("1", "T", points, (weather,), (scenario,)), Route("2", "T", points))
    route_file.write(tmp_path / "r.xml", routes)
    assert route_file.read(tmp_path / "r.xml") == routes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<routes><route", "line 1"),
        ("<roads/>", "expected <routes>"),
        ("<routes/>", "at least one <route>"),
        ('<routes><route id="4"/></routes>', "route '4': expected the attribute town"),
        (
            '<routes><route id="4" town="T"><waypoints><position x="1" y="2"/></waypoints></route></routes>',
            "at least 2",
        ),
        (VERSION_1.replace('x="10"', 'x="ten"'), "route '3': <waypoint> x: expected a finite number, got 'ten'"),
        (VERSION_1.replace('y="70"', 'y="nan"'), "<waypoint> y: expected a finite number"),
        (VERSION_2.replace("trigger_point", "trigger"), "scenario 'Cutter_1' has no trigger_point"),
        ('<!DOCTYPE a [<!ENTITY b "cc">]><routes>&b;</routes>', "document type"),
    ],
)
def test_a_strange_file_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        route_file.reads(text)


def test_an_unknown_route_is_answered_with_the_known_ones() -> None:
    routes = route_file.reads(VERSION_2)
    assert route_file.pick(routes, "") is routes[0] is route_file.pick(routes, "7")
    with pytest.raises(ValueError, match=r"no route '8'.*7"):
        route_file.pick(routes, "8")


def test_weather_changes_evenly_along_the_route() -> None:
    (route,) = route_file.reads(VERSION_2)
    assert weather_at(route.weathers, 25.0) == {"cloudiness": 35.0, "sun_altitude_angle": 20.0}
    assert weather_at(route.weathers, 100.0)["sun_altitude_angle"] == -10.0
    assert weather_at(route.weathers[:1], 70.0)["cloudiness"] == 20.0


def test_every_scene_that_a_leaderboard_scenario_becomes_exists() -> None:
    assert set(SCENES.values()) <= set(scenarios.names())


def test_the_routes_that_come_with_the_program_can_be_driven_and_their_scenarios_played() -> None:
    town_map = carla.Map("Backseat01", road_file("Backseat01").read_text(encoding="utf-8"))
    rules = Rules(town_map)
    routes = route_file.read(ROUTES / "Backseat01.xml")
    assert len(routes) == 3
    for route in routes:
        start, *goals = [carla.Location(*point) for point in route.points]
        guided = GuidedRoute(town_map.get_waypoint(start), random.Random(0), town_map, Goals(goals))
        assert guided.leads_to == len(goals), route.route_id
        assert 500.0 < len(guided.points) < 700.0
        for block in route.scenarios:
            scene = scenarios.load(SCENES[block.kind])
            anchor = town_map.get_waypoint(carla.Location(*block.trigger[:3]))
            if scene.place.kind == "junction":
                anchor = anchor.next_until_lane_end(1.0)[-1]
            assert place_at(scene, anchor, rules, town_map) is not None, block.name
