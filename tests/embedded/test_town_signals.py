"""Lights and signs: found by the client, seen by the car that waits, never green for traffic that crosses."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import carla
import numpy as np
import pytest

from sim_bridge.embedded.contracts import Pose, Signal, Town
from tests.embedded.authored import NAMES, oracle_of, town_of

# The front camera of the driver: behind the middle of a 4.9 m car whose bumper waits a metre before the line.
CAMERA_BEFORE_LINE_M = 1.0 + 4.9 / 2 + 1.5
CAMERA_HEIGHT_M = 2.0


@pytest.fixture(scope="module", params=NAMES)
def town(request: pytest.FixtureRequest) -> Town:
    return town_of(request.param)


@pytest.fixture(scope="module")
def oracle(town: Town) -> carla.Map:
    return oracle_of(town.name)


def _lights(town: Town) -> list[Signal]:
    return [signal for signal in town.signals if signal.kind == "traffic_light"]


def _along(pose: Pose, x: float, y: float) -> tuple[float, float]:
    """Metres ahead of `pose` and to its right."""
    c, s = math.cos(math.radians(pose.yaw)), math.sin(math.radians(pose.yaw))
    dx, dy = x - pose.x, y - pose.y
    return dx * c + dy * s, dy * c - dx * s


def test_every_signal_is_a_landmark_that_waiting_traffic_sees(town: Town, oracle: carla.Map) -> None:
    for signal in town.signals:
        landmarks = oracle.get_all_landmarks_from_id(signal.signal_id)
        assert [landmark.id for landmark in landmarks] == [signal.signal_id]
        line = signal.stop_line
        back = carla.Location(
            line.x - 8.0 * math.cos(math.radians(line.yaw)) - 1.75 * math.sin(math.radians(line.yaw)),
            line.y - 8.0 * math.sin(math.radians(line.yaw)) + 1.75 * math.cos(math.radians(line.yaw)),
        )
        ahead = oracle.get_waypoint(back).get_landmarks(20.0)
        assert signal.signal_id in {landmark.id for landmark in ahead}, signal


@pytest.mark.parametrize(
    ("name", "lights", "stops", "yields"),
    [
        ("Backseat01", 26, 4, 0),
        ("Backseat02", 13, 13, 4),
        ("Backseat03", 6, 16, 4),
        ("Backseat04", 29, 9, 0),
        ("Backseat05", 7, 21, 4),
    ],
)
def test_the_kinds_that_each_town_has(name: str, lights: int, stops: int, yields: int) -> None:
    kinds = [signal.kind for signal in town_of(name).signals]
    assert [kinds.count(kind) for kind in ("traffic_light", "stop", "yield")] == [lights, stops, yields]


def test_signs_say_the_limit_of_the_road_they_stand_at(town: Town) -> None:
    signs = [signal for signal in town.signals if signal.kind == "speed_limit"]
    assert len(signs) > 20
    for sign in signs:
        x, y = town.lane_samples[:, 0] - sign.stop_line.x, town.lane_samples[:, 1] - sign.stop_line.y
        assert town.lane_samples[np.argmin(np.hypot(x, y)), 3] == sign.speed_limit_kmh


def test_there_are_junctions_with_lights(town: Town) -> None:
    arms: dict[int, int] = defaultdict(int)
    for light in _lights(town):
        arms[light.junction_id] += 1
    assert len(arms) >= 2 and max(arms.values()) >= 3 and min(arms.values()) >= 2


def test_only_opposite_arms_share_a_phase(town: Town) -> None:
    by_phase: dict[tuple[int, int], list[Signal]] = defaultdict(list)
    for light in _lights(town):
        by_phase[light.junction_id, light.phase].append(light)
    for lights in by_phase.values():
        assert len(lights) <= 2
        if len(lights) == 2:
            apart = abs((lights[0].head.yaw - lights[1].head.yaw + 180) % 360 - 180)
            assert apart == pytest.approx(180.0, abs=1.0)
    for junction in {junction for junction, _ in by_phase}:
        assert len({phase for j, phase in by_phase if j == junction}) >= 2


@pytest.mark.parametrize("name", ["Backseat03", "Backseat04"])
def test_where_arms_would_block_each_other_each_has_green_alone(name: str) -> None:
    phases = [(light.junction_id, light.phase) for light in _lights(town_of(name))]
    assert len(set(phases)) == len(phases) > 5


def test_where_four_lit_arms_of_the_avenue_meet_each_has_green_alone() -> None:
    phases = defaultdict(list)
    for light in _lights(town_of("Backseat01")):
        phases[light.junction_id].append(light.phase)
    crossroads = [found for found in phases.values() if len(found) == 4]
    assert len(crossroads) == 2 and all(len(set(found)) == 4 for found in crossroads)


def test_where_the_narrowest_lanes_of_the_hamlets_meet_others_everybody_stops() -> None:
    """Two vehicles that turn there cannot pass each other, and the Traffic Manager would let neither go first."""
    stops = Counter(signal.junction_id for signal in town_of("Backseat05").signals if signal.kind == "stop")
    widths: dict[int, dict[int, float]] = defaultdict(dict)
    for entry, _ in oracle_of("Backseat05").get_topology():
        if entry.is_junction:
            before = entry.previous(1.0)[0]
            widths[entry.junction_id][before.road_id] = before.lane_width
    narrow = {junction: arms for junction, arms in widths.items() if min(arms.values()) < 2.65}
    assert len(narrow) == 5
    assert {junction: stops[junction] for junction in narrow} == {
        junction: len(arms) for junction, arms in narrow.items()
    }


def test_pole_indices_count_the_lights_of_a_junction(town: Town) -> None:
    indices: dict[int, list[int]] = defaultdict(list)
    for light in _lights(town):
        indices[light.junction_id].append(light.pole_index)
    assert all(sorted(numbers) == list(range(len(numbers))) for numbers in indices.values())


@pytest.mark.parametrize("lane", [0, 1])
def test_a_car_at_the_stop_line_sees_its_lamps(town: Town, lane: int) -> None:
    seen = 0
    for light in _lights(town):
        lanes = 2 if light.head.z > 4.0 else 1
        if lane >= lanes:
            continue
        ahead, right = _along(light.stop_line, light.head.x, light.head.y)
        ahead += CAMERA_BEFORE_LINE_M
        right -= (lane - (lanes - 1) / 2) * 3.5
        assert 5.0 < ahead < 12.0
        assert abs(math.degrees(math.atan2(right, ahead))) < 40.0
        top = light.head.z + 0.45 + 0.2
        assert math.degrees(math.atan2(top - CAMERA_HEIGHT_M, math.hypot(ahead, right))) < 28.0
        facing = abs((light.head.yaw - light.stop_line.yaw + 180) % 360 - 180)
        assert facing == pytest.approx(180.0, abs=3.0)  # a bend may begin between the line and the pole
        seen += 1
    assert seen >= 6 or (lane == 1 and town.name in ("Backseat02", "Backseat03", "Backseat05"))


def test_poles_stand_beside_the_road(town: Town) -> None:
    for signal in town.signals:
        distance = min(math.dist((signal.pose.x, signal.pose.y), row[:2]) for row in town.lane_samples)
        assert distance > 1.75 + 0.3, signal


def test_stop_lines_lie_across_the_lanes_of_their_own_direction(town: Town, oracle: carla.Map) -> None:
    for signal in town.signals:
        if signal.kind == "speed_limit":
            continue
        line = signal.stop_line
        # Half a metre to the right of the middle is inside a lane, where the middle may be on the line between two.
        beside = carla.Location(
            line.x - 0.5 * math.sin(math.radians(line.yaw)), line.y + 0.5 * math.cos(math.radians(line.yaw))
        )
        waypoint = oracle.get_waypoint(beside)
        assert abs((waypoint.transform.rotation.yaw - line.yaw + 180) % 360 - 180) < 1.0
        assert not waypoint.is_junction
        assert any(following.is_junction for following in waypoint.next(7.0))
        assert waypoint.next(7.0)[0].get_junction().id == signal.junction_id
