"""Scene files: every mistake is named with its place, and scenes find their places in a map without any world."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import carla
import pytest

from sim_bridge import scenarios
from sim_bridge.embedded.town.folder import road_file
from sim_bridge.scenarios.places import places
from sim_bridge.scenarios.reading import loads
from sim_bridge.scenarios.scene import Action, Condition, Member, PlaceWish, Spot

MEMBER = {"name": "car", "blueprints": ["vehicle.*"], "along_m": 20}
SCENE: dict[str, Any] = {
    "title": "t",
    "about": "a",
    "start_m": 0,
    "place": {"kind": "straight", "length_m": 80},
    "cast": [MEMBER],
    "happens": [{"who": "car", "within_m": 10}],
}


def read(**changes: Any) -> scenarios.Scene:
    return loads(json.dumps(SCENE | changes), "mine")


def test_a_small_scene_reads_with_its_defaults() -> None:
    scene = read()
    assert (scene.name, scene.goal_m, scene.cast[0].spot.along_m, scene.cast[0].does.kind) == ("mine", 80, 20, "stand")


def test_a_row_is_many_members_with_names_of_their_own() -> None:
    row = MEMBER | {"name": "cone", "row": {"count": 3, "every_m": 2, "step_m": -0.5}}
    scene = read(cast=[row], happens=[{"who": "cone 3", "within_m": 5}])
    assert [(m.name, m.spot.along_m, m.spot.aside_m) for m in scene.cast] == [
        ("cone 1", 20, 0), ("cone 2", 22, -0.5), ("cone 3", 24, -1.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"plac": {}}, "scene.plac: nothing is called so"),
        ({"place": {"kind": "bridge", "length_m": 3}}, "place.kind: expected one of straight, junction"),
        ({"place": {"kind": "straight"}}, "place: length_m is missing"),
        ({"place": {"kind": "straight", "length_m": "80"}}, "place.length_m: expected a finite number"),
        ({"place": {"kind": "straight", "length_m": float("nan")}}, "place.length_m: expected a finite number"),
        ({"cast": [MEMBER, MEMBER]}, "two members are called 'car'"),
        ({"cast": [MEMBER | {"does": {"kind": "fly"}}]}, r"cast\[0\].does.kind: expected one of stand"),
        ({"cast": {}}, "cast: expected a list"),
        ({"happens": []}, "happens: expected at least one stage"),
        ({"happens": [{"who": "bus", "within_m": 3}]}, r"happens\[0\].who: nobody of the cast is called 'bus'"),
        ({"happens": [{"within_m": 3}]}, r"happens\[0\]: expected who"),
        ({"happens": [{}]}, r"happens\[0\]: expected at least one thing"),
        ({"events": [{"when": {"after_s": 1}, "who": "bus", "do": {}}]}, r"events\[0\].who"),
        ({"demands": [{"says": "stops"}]}, r"demands\[0\]: expected either once or never"),
        ({"lights": {"ego": "blue"}}, "lights.ego"),
    ],
)
def test_a_mistake_is_named_with_its_place(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(**changes)


def test_broken_json_names_the_line() -> None:
    with pytest.raises(ValueError, match="line 2"):
        loads('{\n"title": }', "mine")


def test_an_unknown_scene_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no scene 'tsunami'.*cut_in"):
        scenarios.load("tsunami")


@pytest.mark.parametrize("name", scenarios.names())
def test_every_scene_finds_places_in_the_first_town(name: str) -> None:
    town_map = carla.Map("Backseat01", road_file("Backseat01").read_text(encoding="utf-8"))
    scene = scenarios.load(name)
    first, again = (next(places(scene, town_map, seed=4)) for _ in range(2))
    assert first.course.pose(0.0) == again.course.pose(0.0)
    low = scene.start_m if scene.place.kind == "junction" else 0.0
    along = [first.course.waypoint(s) for s in range(int(low), 0 if low < 0 else int(scene.place.length_m))]
    assert not any(waypoint.is_junction for waypoint in along)
    assert set(scene.place.arms) <= set(first.arms)


def test_the_readmes_scene_can_be_played_as_it_stands() -> None:
    readme = (Path(scenarios.__file__).parent / "README.md").read_text(encoding="utf-8")
    scene = loads(readme.split("```json\n")[1].split("```")[0], "mine")
    town_map = carla.Map("Backseat01", road_file("Backseat01").read_text(encoding="utf-8"))
    assert next(places(scene, town_map, seed=0)) is not None
    keys = {field.name for kind in (PlaceWish, Spot, Action, Condition, Member) for field in dataclasses.fields(kind)}
    assert {key for key in keys if f"`{key}`" not in readme} <= {"spot", "who", "kind"}
