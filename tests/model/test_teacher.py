"""The teacher's geometry: on plain data, and on the authored town's map without any server."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from pathlib import Path
from typing import Any

import carla
import numpy as np
import pytest

from model.teacher import arrange, lane_walk, right_of_way, sight
from model.teacher.facts import frame_facts, in_ego, lanes_at
from model.teacher.lane_walk import Course
from model.teacher.places import Places
from model.teacher.sight import eye_of
from model.teacher.signs import Sign, signs_of
from model.teacher.surroundings import Body, Signal, Surroundings, color_word, type_word
from model.teacher.way import leader, pedestrian, ruling_light, signs_ahead
from model.training.samples import SignFacts

TOWN = Path(__file__).resolve().parents[2] / "assets" / "towns" / "Backseat01.xodr"
STRAIGHT = np.column_stack([np.arange(61.0), np.zeros(61)])
NO_WALLS = np.zeros((0, 5))


@pytest.fixture(scope="module")
def town_map() -> Any:
    return carla.Map("Backseat01", TOWN.read_text())


def car(actor_id: int, x: float, y: float, kind: str = "car", **changes: Any) -> Body:
    body = Body(actor_id, kind, x, y, 0.75, 0.0, 2.4, 0.9, 0.75, 0.0, color="red")
    return dataclasses.replace(body, **changes)


def person(actor_id: int, x: float, y: float) -> Body:
    return Body(actor_id, "pedestrian", x, y, 0.9, 0.0, 0.25, 0.25, 0.9, 1.0)


def around(*bodies: Body, signals: tuple[Signal, ...] = (), states: dict[int, str] | None = None) -> Surroundings:
    ego = Body(1, "car", 0.0, 0.0, 0.75, 0.0, 2.45, 0.92, 0.75, 6.0)
    return Surroundings(ego, bodies, signals, states or {}, 13.9)


def test_world_points_are_seen_from_the_car() -> None:
    ego = dataclasses.replace(car(1, 10.0, 5.0), yaw_rad=math.pi / 2)  # facing the town's +y
    assert np.allclose(in_ego(ego, [[10.0, 8.0], [7.0, 5.0]]), [[3.0, 0.0], [0.0, 3.0]], atol=1e-5)


def test_the_leader_is_the_nearest_vehicle_in_the_way() -> None:
    here = around(
        car(2, 30.0, 0.0), car(3, 20.0, 0.4, "van"), car(4, 12.0, 3.5), person(5, 8.0, 0.0), car(6, -9.0, 0.0)
    )
    found = leader(here, STRAIGHT, None)
    assert found is not None and found[0].actor_id == 3
    assert found[1] == pytest.approx(20.0 - 2.4 - 2.45, abs=0.05)
    assert leader(around(car(4, 12.0, 3.5)), STRAIGHT, None) is None


def test_a_car_across_the_lane_is_in_the_way_from_its_side() -> None:
    across = car(2, 15.0, 2.0, yaw_rad=math.pi / 2)
    found = leader(around(across), STRAIGHT, None)
    assert found is not None and found[1] == pytest.approx(15.0 - 0.9 - 2.45, abs=0.05)


def test_a_walker_in_the_lane_counts_and_one_on_the_pavement_does_not() -> None:
    found = pedestrian(around(person(2, 14.0, 1.0), person(3, 8.0, 5.0)), STRAIGHT, None)
    assert found is not None and found[1].lateral_m == pytest.approx(1.0)
    assert found[1].distance_m == pytest.approx(14.0 - 0.25 - 2.45)


def test_only_the_light_of_ones_own_lane_rules() -> None:
    lamp = (Body(0, "lamp", 23.5, 0.0, 4.7, 0.0, 0.2, 0.2, 0.5, 0.0),)
    ours = Signal(10, np.array([[20.0, 0.0, 0.0]]), lamp)
    oncoming = Signal(11, np.array([[10.0, 0.0, math.pi]]), lamp)
    beside = Signal(12, np.array([[15.0, 3.5, 0.0]]), lamp)
    here = around(signals=(oncoming, beside, ours), states={10: "red", 11: "green", 12: "green"})
    found = ruling_light(here, STRAIGHT)
    assert found is not None and found[0] is ours
    assert found[1].state == "red" and found[1].stop_line_m == pytest.approx(20.0 - 2.45)
    dark = around(signals=(ours,), states={10: "off"})
    assert ruling_light(dark, STRAIGHT) is None


def test_signs_count_on_ones_own_way_and_only_from_their_front() -> None:
    ahead = Sign("limit", 30, np.array([[20.0, 0.0, 0.0]]), (20.0, 4.3, 2.5))
    oncoming = Sign("stop", 0, np.array([[15.0, -3.5, math.pi]]), (15.0, -7.0, 2.5))
    here = dataclasses.replace(around(), signs=(ahead, oncoming))
    found = signs_ahead(here, STRAIGHT, None, [])
    assert [(sign.kind, sign.value_kmh) for sign in found] == [("limit", 30)]
    assert found[0].distance_m == pytest.approx(20.0 - 2.45)
    eye = eye_of(here.ego, 0.0)
    assert signs_ahead(here, STRAIGHT, eye, []) == found
    behind_a_house = dataclasses.replace(here, walls=np.array([[12.0, 2.5, 1.0, 1.0, 0.0]]))
    assert signs_ahead(behind_a_house, STRAIGHT, eye, []) == ()


def test_at_a_sign_one_waits_for_who_crosses_and_not_for_who_gives_way_too() -> None:
    line = SignFacts("stop", 4.0)
    crosses = car(2, 24.0, -12.0, yaw_rad=math.pi / 2, speed_mps=5.0)
    oncoming = car(3, 30.0, -3.5, yaw_rad=math.pi, speed_mps=5.0)
    leads = car(4, 25.0, 0.0, speed_mps=5.0)
    gone = car(5, 24.0, 12.0, yaw_rad=math.pi / 2, speed_mps=5.0)
    stands = car(6, 24.0, -12.0, yaw_rad=math.pi / 2, speed_mps=0.0)
    for others, waits in (((crosses,), 4.0), ((oncoming, leads, gone, stands), None), ((oncoming, crosses), 4.0)):
        seen = {body.actor_id for body in others}
        assert right_of_way.wait_m(around(*others), STRAIGHT, (line,), seen) == waits
    assert right_of_way.wait_m(around(crosses), STRAIGHT, (line,), ()) is None
    assert right_of_way.wait_m(around(crosses), STRAIGHT, (SignFacts("stop", 20.0),), {2}) is None
    assert right_of_way.wait_m(around(crosses), STRAIGHT, (SignFacts("limit", 4.0, 30),), {2}) is None
    its_own = Sign("yield", 0, np.array([[24.0, -6.0, math.pi / 2]]), (21.0, -6.0, 2.5))
    here = dataclasses.replace(around(crosses), signs=(its_own,))
    assert right_of_way.wait_m(here, STRAIGHT, (line,), {2}) is None


def test_boxes_land_where_a_pinhole_camera_puts_them() -> None:
    eye = eye_of(around().ego, 0.0)
    ahead = sight.project(eye, car(2, 18.5, 0.0))
    assert ahead is not None
    assert (ahead.u0 + ahead.u1) / 2 == pytest.approx(0.5, abs=1e-6)
    # The near face is 17.6 m from the camera, its lower edge 2 m below: 358.5 px focal length of 512 px height.
    assert ahead.v1 == pytest.approx(0.5 + 358.5 * 2.0 / 17.6 / 512, abs=2e-3)
    right = sight.project(eye, car(3, 18.5, 6.0))
    assert right is not None and right.u0 > 0.5
    assert sight.project(eye, car(4, -10.0, 0.0)) is None
    assert sight.project(eye, car(5, 90.0, 0.0)) is None


def test_what_stands_behind_a_bus_or_a_house_is_not_seen() -> None:
    eye = eye_of(around().ego, 0.0)
    bus = car(2, 12.0, 0.0, "bus", half_length=5.0, half_width=1.3, half_height=1.6, z=1.6)
    hidden = car(3, 28.0, 0.0)
    assert set(sight.visible(eye, (bus, hidden), NO_WALLS)) == {2}
    assert set(sight.visible(eye, (hidden,), NO_WALLS)) == {3}
    house = np.array([[20.0, 0.0, 3.0, 5.0, 0.3]])
    assert sight.visible(eye, (hidden,), house) == {}
    assert set(sight.visible(eye, (hidden,), np.array([[20.0, 12.0, 3.0, 5.0, 0.3]]))) == {3}


def test_words_for_vehicles_and_colours() -> None:
    assert type_word("vehicle.mercedes.sprinter") == "van"
    assert type_word("vehicle.tesla.model3") == "car"
    assert type_word("vehicle.bh.crossbike") == "bicycle"
    assert color_word("225,225,230") == "white" and color_word("10,12,14") == "black"
    assert color_word("170,20,20") == "red" and color_word("") == "" and color_word("1,2") == ""


# ---- on the map ------------------------------------------------------------------------------------------------------


def test_walks_are_metre_by_metre_and_go_along_the_lane(town_map: Any) -> None:
    rng = np.random.default_rng(4)
    points = town_map.generate_waypoints(9.0)
    for _ in range(40):
        start = points[rng.integers(len(points))]
        course = lane_walk.walk(start, 60.0)
        steps = np.hypot(*np.diff(course.xy, axis=0).T)
        assert np.abs(steps - 1.0).max() < 0.06
        yaw = math.radians(start.transform.rotation.yaw)
        assert (course.xy[1] - course.xy[0]) @ [math.cos(yaw), math.sin(yaw)] > 0.9


def test_turns_ahead_go_where_they_say(town_map: Any) -> None:
    places = Places(town_map)
    seen: set[str] = set()
    for point in places.outside[::7]:
        origin = car(1, point.transform.location.x, point.transform.location.y)
        ego = dataclasses.replace(origin, yaw_rad=math.radians(point.transform.rotation.yaw))
        for name, course in lane_walk.turns_ahead(point, 70.0, 20.0).items():
            end = in_ego(ego, course.xy)[-1]
            bearing = math.degrees(math.atan2(end[1], end[0]))
            seen.add(name)
            if name != "straight" and len(course.xy) > 60:
                assert (bearing < 0.0) == (name == "left"), (point.road_id, name, bearing)
    assert seen == {"left", "right", "straight"}


def test_neighbours_share_the_direction_and_oncoming_lanes_are_told_apart(town_map: Any) -> None:
    lefts = rights = oncoming = 0
    for point in town_map.generate_waypoints(25.0):
        for side, sign in (("left", -1.0), ("right", 1.0)):
            beside = lane_walk.neighbour(point, side)
            if beside is None:
                continue
            ego = dataclasses.replace(
                car(1, point.transform.location.x, point.transform.location.y),
                yaw_rad=math.radians(point.transform.rotation.yaw),
            )
            there = beside.transform.location
            assert sign * in_ego(ego, [[there.x, there.y]])[0, 1] > 2.0
            lefts, rights = lefts + (side == "left"), rights + (side == "right")
        oncoming += lane_walk.has_oncoming_left(point)
        assert not (lane_walk.has_oncoming_left(point) and lane_walk.neighbour(point, "left"))
    assert lefts and rights and oncoming


def test_whole_facts_from_the_map(town_map: Any) -> None:
    rng = np.random.default_rng(8)
    places = Places(town_map)
    for _ in range(30):
        start = places.draw(rng)
        route = lane_walk.walk(start, 110.0, lambda ways: ways[rng.integers(len(ways))])
        where = start.transform
        ego = Body(1, "car", where.location.x, where.location.y, 0.75, math.radians(where.rotation.yaw), 2.45, 0.92,
                   0.75, 5.0)  # fmt: skip
        facts = frame_facts(
            Surroundings(ego, (), (), {}, 13.9),
            lanes_at(start, route),
            eye_of(ego, 0.0),
            only_seen=True,
            town="Backseat01",
            weather="clear_noon",
            source="staged",
        )
        assert np.abs(facts.route[0]).max() < 0.01 and abs(facts.route[1, 1]) < 0.3
        assert facts.in_junction == start.is_junction
        assert facts.target_points.shape == (2, 2)
        assert (facts.junction_m is None) == (not route.in_junction[:61].any())
        assert facts.lane_left is None or facts.lane_left[0, 1] < -2.5
        assert facts.lane_right is None or facts.lane_right[0, 1] > 2.5


def test_the_towns_signs_are_read_with_their_lanes(town_map: Any) -> None:
    signs = signs_of(town_map)
    assert {sign.kind for sign in signs} >= {"limit"}
    assert all(sign.value_kmh in (30, 50, 70) for sign in signs if sign.kind == "limit")
    for sign in signs:
        aside = np.hypot(*(sign.stops[:, :2] - sign.plate[:2]).T).min()
        assert 1.5 < aside < 9.0


def test_places_before_signs_lie_on_the_way_to_one() -> None:
    suburb = carla.Map("Backseat02", TOWN.with_name("Backseat02.xodr").read_text())
    places, rng = Places(suburb), np.random.default_rng(4)
    assert places.has_signs
    signs, left = signs_of(suburb), []
    for _ in range(150):
        start = places.draw_before_sign(rng)
        if start is None:
            continue
        here = start.transform
        ego = car(1, here.location.x, here.location.y, yaw_rad=math.radians(here.rotation.yaw))
        seen = dataclasses.replace(around(), ego=ego, signs=signs)
        route = lane_walk.walk(start, 60.0)
        left += [sign.distance_m for sign in signs_ahead(seen, route.xy, None, []) if sign.kind != "limit"][:1]
    assert len(left) > 120 and max(left) < 38.0
    assert 0.3 < np.mean(np.array(left) < 3.2) < 0.65 and np.mean(np.array(left) > 20.0) > 0.15


def test_half_of_the_places_are_drawn_towards_junctions(town_map: Any) -> None:
    places, rng = Places(town_map), np.random.default_rng(2)
    drawn = [places.draw(rng) for _ in range(600)]
    assert 0.07 < np.mean([point.is_junction for point in drawn]) < 0.18


def test_a_course_knows_its_turn() -> None:
    inside = np.zeros(61, dtype=bool)
    assert lane_walk.route_turn(Course(STRAIGHT, inside, None)) == ""
    inside[10:30] = True
    assert lane_walk.route_turn(Course(STRAIGHT, inside, None)) == "straight"
    angle = np.clip((np.arange(61) - 10) / 20.0, 0.0, 1.0) * math.pi / 2
    bend = np.cumsum(np.column_stack([np.cos(angle), np.sin(angle)]), axis=0)
    assert lane_walk.route_turn(Course(bend, inside, None)) == "right"
    assert lane_walk.route_turn(Course(bend * [1, -1], inside, None)) == "left"


# ---- staged scenes ---------------------------------------------------------------------------------------------------


def test_in_bends_the_car_is_often_late_and_on_straight_roads_it_is_not() -> None:
    rng = np.random.default_rng(0)
    bend = np.array([(12.0 * math.sin(k / 12.0), 12.0 * (1.0 - math.cos(k / 12.0))) for k in range(61)])
    wide = arrange.Setting(3.5, ())
    askew = {name: [abs(arrange.ego_pose(course, rng, wide)[2]) for _ in range(400)] for name, course in
             (("bend", bend), ("straight", STRAIGHT))}  # fmt: skip
    late = {name: np.mean(np.degrees(turns) > 13.0) for name, turns in askew.items()}
    assert late["bend"] > 0.2
    assert late["straight"] == 0.0
    before_sign = arrange.Setting(3.5, (), is_before_sign=True)
    assert max(abs(arrange.ego_pose(bend, rng, before_sign)[2]) for _ in range(400)) < math.radians(13.0)


def test_in_a_narrow_lane_the_car_is_put_less_far_aside() -> None:
    rng = np.random.default_rng(1)
    aside = {
        width: max(abs(arrange.ego_pose(STRAIGHT, rng, arrange.Setting(width, ()))[1]) for _ in range(400))
        for width in (2.0, 2.6, 3.5, 5.0)
    }
    assert 2.6 < aside[3.5] <= 2.8 and 2.6 < aside[5.0] <= 2.8
    assert 1.9 < aside[2.6] <= 2.8 * 2.6 / 3.5
    assert 1.8 < aside[2.0] <= 2.8 * arrange.LEAST_ROOM


def test_before_a_sign_somebody_crosses_every_other_time() -> None:
    rng = np.random.default_rng(2)
    cast = arrange.Cast(np.array([[2.4, 0.9]] * 8), 0)
    crossing = [(30.0, float(y), math.pi / 2) for y in range(-14, 0, 3)]
    setting = arrange.Setting(3.0, (), is_before_sign=True, crossing=crossing)
    made = [arrange.arrange(STRAIGHT, setting, cast, rng) for _ in range(300)]
    crossed = [sum(placed.pose in crossing for placed in one.vehicles) for one in made]
    assert 0.4 < np.mean(np.array(crossed) > 0) < 0.6 and max(crossed) <= arrange.CROSSING_MOST
    assert all(placed.speed_mps > 0.0 for one in made for placed in one.vehicles if placed.pose in crossing)


def test_everybody_is_in_the_way_and_everybody_stands_by_now_and_then() -> None:
    rng = np.random.default_rng(3)
    cast = arrange.Cast(np.array([[2.4, 0.9]] * 4), 8)
    made = [arrange.arrange(STRAIGHT, arrange.Setting(3.5, ()), cast, rng) for _ in range(900)]
    in_way, aside = (
        Counter(p.index for one in made for p in one.walkers if (abs(p.pose[1]) < 2.0) == is_in_way)
        for is_in_way in (True, False)
    )
    for found in (in_way, aside):
        assert set(found) == set(range(8))
        assert max(found.values()) < 3 * min(found.values())


def test_scenes_never_put_two_actors_into_each_other() -> None:
    rng = np.random.default_rng(6)
    course = np.column_stack([np.arange(111.0), np.zeros(111)])
    others = [(float(x), y, 0.0) for x in range(-20, 100, 6) for y in (-3.5, -7.0, 3.5)]
    cast = arrange.Cast(np.array([[2.4, 0.9]] * 8 + [[5.1, 1.25]]), 4)
    leads = walkers = 0
    for _ in range(300):
        made = arrange.arrange(course, arrange.Setting(3.5, others), cast, rng)
        bodies = [(made.ego, 2.4), *((p.pose, cast.half_sizes[p.index][0]) for p in made.vehicles)]
        for i, (a, size_a) in enumerate(bodies):
            for b, size_b in bodies[i + 1 :]:
                aside, along = abs(a[1] - b[1]), abs(a[0] - b[0])
                assert aside > 1.8 or along > size_a + size_b, (a, b)
        assert len({placed.index for placed in made.vehicles}) == len(made.vehicles)
        leads += any(abs(placed.pose[1]) < 1.0 for placed in made.vehicles)
        walkers += any(abs(placed.pose[1]) < 2.0 for placed in made.walkers)
        assert all(placed.brakes == (placed.speed_mps == 0.0) for placed in made.vehicles if abs(placed.pose[1]) < 1.0)
    assert 0.35 < leads / 300 < 0.6
    assert 0.15 < walkers / 300 < 0.3
