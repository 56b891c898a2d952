import itertools
import math
import random
from collections.abc import Iterator

import carla
import numpy as np
import pytest

from sim_bridge.embedded import town
from sim_bridge.embedded.contracts import Town
from sim_bridge.frames import wrapped
from sim_bridge.manoeuvre import way_taken
from sim_bridge.messages import EgoState, InstructionKind, Manoeuvre, RouteCommand
from sim_bridge.navigator import Navigator, lane_along, lane_of
from sim_bridge.route import RandomRoute, RoutePoint, command_through

TURNS = (RouteCommand.LEFT, RouteCommand.RIGHT, RouteCommand.STRAIGHT)


@pytest.fixture(scope="module")
def loaded() -> Town:
    return town.load("Backseat01")


@pytest.fixture(scope="module")
def town_map(loaded: Town) -> carla.Map:
    return carla.Map(loaded.name, loaded.opendrive)


def spawned(loaded: Town, spawn: int) -> EgoState:
    pose = loaded.spawn_points[spawn % len(loaded.spawn_points)]
    return EgoState(pose.x, pose.y, math.radians(pose.yaw), 0.0)


def starting(town_map: carla.Map, loaded: Town, spawn: int, seed: int = 0) -> Navigator:
    ego = spawned(loaded, spawn)
    navigator = Navigator(town_map, lane_of(town_map, ego, 0.0), seed)
    navigator.update(ego)
    return navigator


def at(point: RoutePoint, aside_m: float = 0.0) -> EgoState:
    """A car on a route point, `aside_m` right of it."""
    x, y = point.x_m - math.sin(point.yaw_rad) * aside_m, point.y_m + math.cos(point.yaw_rad) * aside_m
    return EgoState(x, y, point.yaw_rad, 8.0)


def walked(navigator: Navigator, metres: int):  # type: ignore[no-untyped-def]
    """The route's own points under a car that follows it exactly."""
    for _ in range(metres):
        point = navigator.dense_route()[1]
        ego = at(point)
        navigator.update(ego)
        yield point, ego


@pytest.mark.parametrize("spawn", [0, 57, 133, 290])
def test_the_route_is_endless_connected_and_points_along_itself(town_map: carla.Map, loaded: Town, spawn: int) -> None:
    navigator = starting(town_map, loaded, spawn)
    before = None
    for point, _ in walked(navigator, 1500):
        if before is not None:
            step = math.hypot(point.x_m - before.x_m, point.y_m - before.y_m)
            assert 0.5 < step < 1.6
            heading = math.atan2(point.y_m - before.y_m, point.x_m - before.x_m)
            assert abs(wrapped(heading - before.yaw_rad)) < math.radians(25)
        assert len(navigator.dense_route()) >= 100
        before = point


def test_a_seed_is_a_route_and_another_seed_another(town_map: carla.Map, loaded: Town) -> None:
    def line(seed: int) -> np.ndarray:
        navigator = starting(town_map, loaded, 10, seed)
        return np.array([[p.x_m, p.y_m] for p, _ in walked(navigator, 600)])

    assert np.array_equal(line(1), line(1))
    assert any(not np.array_equal(line(1), line(seed)) for seed in (2, 3, 4))


def test_commands_say_which_way_the_junction_is_left(town_map: carla.Map, loaded: Town) -> None:
    turned: dict[RouteCommand, list[float]] = {command: [] for command in TURNS}
    for seed in range(4):
        navigator = starting(town_map, loaded, 10 + seed, seed)
        entry = before = None
        for point, _ in walked(navigator, 1200):
            assert point.is_junction == (point.command in TURNS)
            if point.is_junction and (before is None or not before.is_junction):
                entry = before
            if entry is not None and before is not None and before.is_junction and not point.is_junction:
                turned[before.command].append(math.degrees(wrapped(point.yaw_rad - entry.yaw_rad)))
                entry = None
            before = point
    assert all(len(angles) >= 2 for angles in turned.values())
    assert all(abs(angle) < 35 for angle in turned[RouteCommand.STRAIGHT])
    assert all(angle > 25 for angle in turned[RouteCommand.RIGHT]), "yaw is clockwise: a right turn raises it"
    assert all(angle < -25 for angle in turned[RouteCommand.LEFT])


def test_target_points_are_the_next_two_thinned_points(town_map: carla.Map, loaded: Town) -> None:
    navigator = starting(town_map, loaded, 20)
    for _, ego in walked(navigator, 1000):
        hints = navigator.hints(ego)
        first, second = hints.target_points_in(ego)
        assert np.linalg.norm(first) <= 58.5 and np.linalg.norm(second - first) <= 51.5
        assert hints.distance_m == pytest.approx(float(np.linalg.norm(first)), abs=1e-3)
        assert hints.distance_m >= 7.5, "a point within 7.5 m is reached, and the next one is shown"


def test_the_word_for_a_turn_comes_before_the_junction_and_goes_inside_it(town_map: carla.Map, loaded: Town) -> None:
    navigator = starting(town_map, loaded, 20)
    announced_m: list[float] = []
    distance_m = None
    for point, ego in walked(navigator, 1500):
        hints = navigator.hints(ego)
        if hints.command in TURNS and not point.is_junction:
            distance_m = hints.distance_m if distance_m is None else distance_m
        elif distance_m is not None:
            announced_m.append(distance_m)
            distance_m = None
    assert len(announced_m) >= 3 and min(announced_m) >= 7.5


def test_leaving_the_route_at_a_junction_starts_one_where_the_car_went(town_map: carla.Map, loaded: Town) -> None:
    for seed in range(20):
        navigator = starting(town_map, loaded, 30 + seed, seed)
        before = None
        for point, _ in walked(navigator, 400):
            if point.is_junction and before is not None and not before.is_junction:
                others = [w for w in before.waypoint.next(1.0) if w.road_id != point.waypoint.road_id]
                break
            before = point
        else:
            continue
        if others:
            break
    assert others, "no junction with a choice was met"
    turn = {RouteCommand.LEFT: InstructionKind.TURN_LEFT, RouteCommand.RIGHT: InstructionKind.TURN_RIGHT}
    way = turn.get(command_through(others[0]), InstructionKind.STRAIGHT)
    navigator.begin(way)
    for taken in way_on(others[0], 60):
        ego = at(taken)
        assert navigator.progress(way) is Manoeuvre.UNDER_WAY or not taken.is_junction
        navigator.update(ego)
    assert navigator.progress(way) is Manoeuvre.DONE
    for other in {*turn.values(), InstructionKind.STRAIGHT} - {way}:
        assert navigator.progress(other) is Manoeuvre.OTHER_WAY
    nearest = min(math.hypot(p.x_m - ego.x_m, p.y_m - ego.y_m) for p in navigator.dense_route()[:3])
    assert nearest < 1.0


def way_on(start: carla.Waypoint, metres: int) -> list[RoutePoint]:
    route = RandomRoute(start, random.Random(0))
    route.grow(metres)
    return route.points


def two_lane_piece(navigator: Navigator) -> int:
    """Walk to a piece of the route with a second lane of its direction. On which side that is (-1 left, 1 right)."""
    for point, _ in walked(navigator, 1500):
        if point.is_junction or any(p.is_junction for p in navigator.dense_route()[:40]):
            continue
        for side, lane in ((-1, point.waypoint.get_left_lane()), (1, point.waypoint.get_right_lane())):
            if lane and lane.lane_type == carla.LaneType.Driving and lane.lane_id * point.waypoint.lane_id > 0:
                return side
    pytest.fail("the town has no two-lane road on this route")


def test_a_lane_change_is_noticed_counted_on_its_side_and_followed(town_map: carla.Map, loaded: Town) -> None:
    navigator = starting(town_map, loaded, 40, seed=3)
    side = two_lane_piece(navigator)
    asked = InstructionKind.LANE_RIGHT if side > 0 else InstructionKind.LANE_LEFT
    other = InstructionKind.LANE_LEFT if side > 0 else InstructionKind.LANE_RIGHT
    navigator.begin(asked)
    done_at = None
    route = navigator.dense_route()[:30]
    for metre, ahead in enumerate(route):
        aside = side * 3.5 * min(1.0, metre / 20)
        navigator.update(at(ahead, aside))
        if done_at is None and navigator.progress(asked) is Manoeuvre.DONE:
            done_at = abs(aside)
        assert navigator.progress(other) is not Manoeuvre.DONE
    assert done_at is not None and 1.75 < done_at < 3.0
    new = navigator.dense_route()[0]
    assert (
        abs(
            math.cos(route[-1].yaw_rad) * (new.y_m - route[-1].y_m)
            - math.sin(route[-1].yaw_rad) * (new.x_m - route[-1].x_m)
        )
        > 2.5
    )


def test_a_small_swerve_changes_nothing(town_map: carla.Map, loaded: Town) -> None:
    navigator = starting(town_map, loaded, 40, seed=3)
    side = two_lane_piece(navigator)
    end = navigator.dense_route()[60]
    navigator.begin(InstructionKind.LANE_LEFT)
    for metre, ahead in enumerate(navigator.dense_route()[:30]):
        navigator.update(at(ahead, side * 1.2 * math.sin(metre / 5)))
    asked, other = (InstructionKind.LANE_LEFT, InstructionKind.LANE_RIGHT)[::-side]
    assert navigator.progress(asked) is Manoeuvre.UNDER_WAY
    assert navigator.progress(other) is Manoeuvre.NO_LANE, "the town has no third lane"
    assert end in navigator.dense_route()


def test_a_car_beside_the_road_keeps_the_route_it_had(town_map: carla.Map, loaded: Town) -> None:
    navigator = starting(town_map, loaded, 40, seed=3)
    route = navigator.dense_route()
    straight = next(p for p in route[10:] if not p.is_junction)
    rightmost = straight.waypoint
    while (right := rightmost.get_right_lane()) is not None and right.lane_type == carla.LaneType.Driving:
        rightmost = right
    aside_m = straight.waypoint.transform.location.distance(rightmost.transform.location) + 9.0
    for metres in (3.0, 6.0, aside_m, aside_m, aside_m):
        navigator.update(at(straight, metres))
        first, second = navigator.hints(at(straight)).target_points_xy_in_world, navigator.dense_route()
    navigator.update(at(straight, aside_m))
    assert np.array_equal(navigator.hints(at(straight)).target_points_xy_in_world, first)
    assert navigator.dense_route() == second


def test_on_the_wrong_side_the_lane_along_is_the_cars_own(town_map: carla.Map, loaded: Town) -> None:
    for spawn in range(0, len(loaded.spawn_points), 9):
        ego = spawned(loaded, spawn)
        lane = lane_of(town_map, ego, 0.0)
        left = lane.get_left_lane()
        if left is not None and left.lane_id * lane.lane_id < 0:
            there = EgoState(left.transform.location.x, left.transform.location.y, ego.yaw_rad, 5.0)
            assert lane_of(town_map, there, 0.0).lane_id == left.lane_id
            assert lane_along(town_map, there, 0.0).lane_id == lane.lane_id
            return
    pytest.fail("the town has no two-way road")


def test_the_way_taken_is_called_as_a_passenger_calls_it() -> None:
    """Yaw rises clockwise: to the right."""
    for heading in (0.0, 100.0, 179.0, -170.0):
        before = math.radians(heading)
        assert way_taken(before, before + math.radians(90.0)) is InstructionKind.TURN_RIGHT
        assert way_taken(before, before - math.radians(90.0)) is InstructionKind.TURN_LEFT
        assert way_taken(before, before + math.radians(10.0)) is InstructionKind.STRAIGHT


def road(number: int, x: float, y: float, heading_rad: float, z: float) -> str:
    """400 m of one lane, straight and level."""
    return f"""
    <road name="" length="400" id="{number}" junction="-1">
      <planView>
        <geometry s="0" x="{x}" y="{y}" hdg="{heading_rad}" length="400"><line/></geometry>
      </planView>
      <elevationProfile><elevation s="0" a="{z}" b="0" c="0" d="0"/></elevationProfile>
      <lateralProfile/>
      <lanes><laneSection s="0">
        <center><lane id="0" type="none" level="false"/></center>
        <right><lane id="-1" type="driving" level="false"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></right>
      </laneSection></lanes>
    </road>"""


BRIDGE = f"""<OpenDRIVE><header revMajor="1" revMinor="4" name="bridge">
  <geoReference>+proj=tmerc +lat_0=0 +lon_0=0</geoReference></header>
  {road(1, -200.0, 0.0, 0.0, 10.0)}
  {road(2, 0.0, -200.0, math.pi / 2, 0.0)}
</OpenDRIVE>"""


def test_a_car_on_a_bridge_is_not_taken_for_one_on_the_road_below() -> None:
    bridge = carla.Map("bridge", BRIDGE)
    start = bridge.get_waypoint_xodr(1, -1, 120.0)
    navigator = Navigator(bridge, start, seed=0)
    lanes = {navigator._lane.road_id for _ in walked(navigator, 150)}
    assert lanes == {1}
    where = start.next(78.0)[0].transform.location
    above = EgoState(where.x, where.y, 0.0, 8.0)
    assert (lane_along(bridge, above, 10.0).road_id, lane_of(bridge, above, 0.0).road_id) == (1, 2)


def round_and_out(start: carla.Waypoint, exits_passed: int) -> Iterator[carla.Waypoint]:
    """Metre by metre over a roundabout, out at the exit after those that are passed."""
    waypoint = start
    while True:
        ways = {command_through(way): way for way in waypoint.next(1.0)}
        stays = [way for command, way in ways.items() if command is not RouteCommand.RIGHT]
        goes_on = len(ways) > 1 and exits_passed > 0
        waypoint = stays[0] if goes_on or RouteCommand.RIGHT not in ways else ways[RouteCommand.RIGHT]
        exits_passed -= goes_on
        yield waypoint


@pytest.mark.parametrize(
    ("exits_passed", "way"),
    [(0, InstructionKind.TURN_RIGHT), (1, InstructionKind.STRAIGHT), (2, InstructionKind.TURN_LEFT)],
)
def test_a_roundabout_of_several_junctions_is_passed_as_one_crossing(exits_passed: int, way: InstructionKind) -> None:
    village = town.load("Backseat03")
    lanes = carla.Map(village.name, village.opendrive)
    start = lanes.get_waypoint(carla.Location(-40.0, 1.6))
    navigator = Navigator(lanes, start, 0)
    navigator.begin(way)
    for waypoint in itertools.islice(round_and_out(start, exits_passed), 150):
        where = waypoint.transform
        navigator.update(EgoState(where.location.x, where.location.y, math.radians(where.rotation.yaw), 8.0))
        if navigator.progress(way) is not Manoeuvre.UNDER_WAY:
            break
    assert navigator.progress(way) is Manoeuvre.DONE
