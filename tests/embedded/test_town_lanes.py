"""Every town against libcarla, which every client reads the same file with."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

import carla
import numpy as np
import pytest

from sim_bridge.embedded.contracts import Pose, Town
from tests.embedded.authored import NAMES, oracle_of, town_of


@pytest.fixture(scope="module", params=NAMES)
def town(request: pytest.FixtureRequest) -> Town:
    return town_of(request.param)


@pytest.fixture(scope="module")
def oracle(town: Town) -> carla.Map:
    return oracle_of(town.name)


LIMITS_KMH = {
    "Backseat01": {30.0, 50.0, 70.0},
    "Backseat02": {20.0, 30.0, 40.0, 50.0},
    "Backseat03": {20.0, 30.0, 40.0},
    "Backseat04": {30.0, 50.0, 60.0, 70.0, 90.0},
    "Backseat05": {20.0, 30.0, 40.0},
}
TIGHTEST_LANE_M = 6.5
LONGEST_STEP_M = 1.35  # a metre of the reference line, in the middle of a lane outside of its tightest bend
TOWNS_OF_SEVERAL_LANES = ("Backseat01", "Backseat04")


def _lanes(town: Town) -> Iterator[tuple[int, int, np.ndarray]]:
    ids = town.lane_samples[:, 4:6].astype(int)
    for road_id, lane_id in np.unique(ids, axis=0).tolist():
        yield road_id, lane_id, town.lane_samples[(ids == (road_id, lane_id)).all(axis=1)]


def test_every_waypoint_is_finite(oracle: carla.Map) -> None:
    waypoints = oracle.generate_waypoints(1.0)
    assert len(waypoints) > 4000
    for waypoint in waypoints:
        place, turn = waypoint.transform.location, waypoint.transform.rotation
        assert all(map(math.isfinite, (place.x, place.y, place.z, turn.yaw)))


def test_no_pair_of_the_topology_repeats(oracle: carla.Map) -> None:
    pairs = [(a.road_id, a.lane_id, a.s, b.road_id, b.lane_id, b.s) for a, b in oracle.get_topology()]
    assert len(pairs) == len(set(pairs))


def test_lane_centres_are_libcarlas(town: Town, oracle: carla.Map) -> None:
    for x, y, yaw, _, road_id, lane_id, s in town.lane_samples:
        waypoint = oracle.get_waypoint_xodr(int(road_id), int(lane_id), float(s))
        if waypoint is None:  # libcarla has no waypoint on the very end of a lane
            continue
        there = waypoint.transform
        assert math.hypot(there.location.x - x, there.location.y - y) < 0.05
        assert abs((there.rotation.yaw - yaw + 180) % 360 - 180) < 1.0


def test_lane_samples_leave_no_hole(town: Town) -> None:
    assert len(list(_lanes(town))) > 80
    for _, _, rows in _lanes(town):
        steps = np.linalg.norm(np.diff(rows[:, :2], axis=0), axis=1)
        assert steps.max() <= 2.01
        assert (rows[:, 2] >= -180).all() and (rows[:, 2] < 180).all()


def test_limits_are_the_files(town: Town) -> None:
    assert set(np.unique(town.lane_samples[:, 3])) == LIMITS_KMH[town.name]


def test_the_towns_together_have_slow_and_fast_roads() -> None:
    limits = set().union(*LIMITS_KMH.values())
    assert min(limits) == 20.0 and max(limits) == 90.0


def test_every_lane_leads_to_every_other(oracle: carla.Map) -> None:
    follow: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    behind: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    lanes = set()
    for waypoint in oracle.generate_waypoints(3.0):
        here = (waypoint.road_id, waypoint.lane_id)
        lanes.add(here)
        for following in waypoint.next(4.0):
            there = (following.road_id, following.lane_id)
            follow[here].add(there)
            behind[there].add(here)
    for edges in (follow, behind):
        assert _reached(next(iter(lanes)), edges) == lanes


def _reached(start: tuple[int, int], edges: dict[tuple[int, int], set[tuple[int, int]]]) -> set[tuple[int, int]]:
    reached, fresh = {start}, [start]
    while fresh:
        new = edges[fresh.pop()] - reached
        reached |= new
        fresh += new
    return reached


def test_each_way_over_a_junction_comes_out_on_a_street(oracle: carla.Map) -> None:
    ways = 0
    for entry, _ in oracle.get_topology():
        if entry.is_junction:
            ways += 1
            waypoint, driven = entry, 0.0
            while waypoint.is_junction:
                onward = waypoint.next(1.0)
                assert len(onward) == 1, f"connector {entry.road_id} forks or ends"
                step = onward[0].transform.location.distance(waypoint.transform.location)
                assert 0.75 < step < LONGEST_STEP_M
                waypoint, driven = onward[0], driven + step
            assert 9.0 < driven < 100.0
    assert ways > 40


def test_lanes_of_one_direction_can_be_changed_and_others_not(oracle: carla.Map) -> None:
    changes = 0
    for waypoint in oracle.generate_waypoints(5.0):
        for allowed, neighbour in (
            (waypoint.lane_change & carla.LaneChange.Left, waypoint.get_left_lane()),
            (waypoint.lane_change & carla.LaneChange.Right, waypoint.get_right_lane()),
        ):
            if allowed:
                changes += 1
                assert neighbour is not None and neighbour.lane_type == carla.LaneType.Driving
                assert neighbour.lane_id * waypoint.lane_id > 0
    assert changes > 300 or town.name not in TOWNS_OF_SEVERAL_LANES


def _transform(pose: Pose) -> carla.Transform:
    return carla.Transform(carla.Location(pose.x, pose.y, pose.z), carla.Rotation(yaw=pose.yaw))


def _from(origin: carla.Transform, x: float, y: float) -> tuple[float, float]:
    """Metres ahead of and to the right of `origin`."""
    c, s = math.cos(math.radians(origin.rotation.yaw)), math.sin(math.radians(origin.rotation.yaw))
    dx, dy = x - origin.location.x, y - origin.location.y
    return dx * c + dy * s, dy * c - dx * s


def test_spawn_points_stand_on_lanes_apart_and_clear(town: Town, oracle: carla.Map) -> None:
    assert len(town.spawn_points) >= 100
    lines = [signal.stop_line for signal in town.signals if signal.kind != "speed_limit"]
    by_lane = defaultdict(list)
    for pose in town.spawn_points:
        place = carla.Location(pose.x, pose.y, pose.z)
        waypoint = oracle.get_waypoint(place)
        assert not waypoint.is_junction
        assert 0.3 <= pose.z <= 0.5
        # libcarla finds the nearest waypoint to a decimetre along the lane, exactly across it.
        ahead, aside = _from(waypoint.transform, pose.x, pose.y)
        assert abs(aside) < 0.05 and abs(ahead) < 0.5
        # What it lies ahead or behind, the lane has turned meanwhile.
        turned = math.degrees(abs(ahead) / TIGHTEST_LANE_M)
        assert abs((waypoint.transform.rotation.yaw - pose.yaw + 180) % 360 - 180) < 1.0 + turned
        for line in lines:
            ahead, aside = _from(_transform(line), pose.x, pose.y)
            same_way = abs((line.yaw - pose.yaw + 180) % 360 - 180) < 45.0
            assert not (same_way and abs(aside) < 4.0 and -12.0 < ahead < 0.0)
        by_lane[waypoint.road_id, waypoint.lane_id].append((pose.x, pose.y))
    for points in by_lane.values():
        for i, a in enumerate(points):
            assert all(math.dist(a, b) >= 10.0 for b in points[i + 1 :])


def test_the_first_spawn_points_spread_over_the_town(town: Town) -> None:
    first = np.array([(pose.x, pose.y) for pose in town.spawn_points[:15]])
    assert (np.ptp(first, axis=0) > 200.0).all()


def test_crosswalks_are_found(oracle: carla.Map) -> None:
    corners = oracle.get_crosswalks()
    assert len(corners) >= 50 and len(corners) % 5 == 0


def test_the_plane_lies_on_earth(oracle: carla.Map) -> None:
    here = oracle.transform_to_geolocation(carla.Location(100.0, 0.0, 0.0))
    assert here.latitude == pytest.approx(48.2, abs=0.01)
    assert here.longitude > 11.6
