"""Blocked lanes that are staged: where who stands, and that the way taken is the teacher's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import carla
import numpy as np
import pytest

from model.teacher import blockage
from model.teacher.arrange import EGO_FRONT_M, Cast, Scene, Setting
from model.teacher.lane_walk import Course

ROUTE = Course(np.column_stack([np.arange(181.0), np.zeros(181)]), np.zeros(181, bool), None)
CAST = Cast(np.array([[2.4, 0.9]] * 6 + [[1.1, 0.4]] * 2), 4, np.array([[0.2, 0.2]] * 6 + [[0.9, 0.15]] * 2))


@dataclass(frozen=True)
class FakeLane:
    """A road of two lanes along x: ours at y = 0 and the oncoming one at y = -3.5."""

    x: float
    lane_id: int = -1
    lane_type: Any = carla.LaneType.Driving
    lane_change: Any = carla.LaneChange.NONE

    @property
    def transform(self) -> carla.Transform:
        return carla.Transform(carla.Location(self.x, 0.0, 0.0))

    def get_left_lane(self) -> FakeLane | None:
        return FakeLane(self.x, 1) if self.lane_id < 0 else None

    def get_right_lane(self) -> None:
        return None


def drawn(oncoming: list[tuple[float, float, float]] | None = None, count: int = 300) -> Iterator[Scene]:
    rng = np.random.default_rng(4)
    for _ in range(count):
        scene = blockage.draw(ROUTE, Setting(3.5, oncoming or []), CAST, lambda x, y: FakeLane(x), rng)
        if scene is not None:
            yield scene


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return list(drawn())


def test_most_draws_find_a_way(scenes: list[Scene]) -> None:
    assert len(scenes) > 250


def test_cones_barriers_and_cars_with_hazard_lights_stand_in_the_lane(scenes: list[Scene]) -> None:
    sites = [scene.made for scene in scenes if scene.made.things]
    cars = [scene.made.vehicles[0] for scene in scenes if not scene.made.things]
    assert 0.4 < len(sites) / len(scenes) < 0.7
    assert all(abs(thing.pose[1]) < 2.0 for made in sites for thing in made.things)
    assert all(len({thing.index for thing in made.things}) == len(made.things) >= 3 for made in sites)
    assert all(car.has_hazard_lights and car.speed_mps == 0.0 and abs(car.pose[1]) < 1.5 for car in cars)
    assert all(car.index < 6 for car in cars)  # a motorcycle would be no reason to leave the lane


def test_the_way_leads_round_and_the_navigator_still_points_through(scenes: list[Scene]) -> None:
    going = [s for s in scenes if s.keeps_off_m is None and s.blocked_m is not None and s.blocked_m > 5.0]
    assert len(going) > 80
    for scene in going:
        beside = int(scene.blocked_m) + 1
        assert scene.way.xy[beside, 1] == pytest.approx(-3.5, abs=0.2)
        assert np.ptp(scene.route.xy[:, 1]) == 0.0
        assert len(scene.way.xy) == len(scene.route.xy) >= 45


def test_the_car_is_on_its_way_before_beside_and_behind_what_blocks(scenes: list[Scene]) -> None:
    on_way = [abs(scene.made.ego[1] - scene.way.xy[0, 1]) <= 0.65 for scene in scenes]
    assert np.mean(on_way) > 0.7
    ahead = np.array([math.inf if scene.blocked_m is None else scene.blocked_m for scene in scenes])
    assert (ahead > 20.0).mean() > 0.2 and (ahead < 0.0).mean() > 0.1 and np.isinf(ahead).mean() > 0.1


def test_who_has_waited_close_behind_goes_round_from_its_own_lane(scenes: list[Scene]) -> None:
    waited = [scene for scene in scenes if abs(scene.made.ego[1] - scene.way.xy[0, 1]) > 0.65]
    assert 0.05 < len(waited) / len(scenes) < 0.3
    for scene in waited:
        assert scene.keeps_off_m is None and abs(scene.made.ego[1]) <= 0.65
        assert scene.blocked_m is not None and 6.0 < scene.blocked_m - EGO_FRONT_M < 13.0
        assert scene.way.xy[int(scene.blocked_m), 1] == pytest.approx(-3.5, abs=0.2)


def test_who_comes_is_waited_for_and_never_met_in_the_other_lane(scenes: list[Scene]) -> None:
    waiting = [scene for scene in scenes if scene.keeps_off_m is not None]
    assert 0.05 < len(waiting) / len(scenes) < 0.35
    for scene in waiting:
        assert any(car.pose[1] < -2.5 and car.speed_mps > 0.0 for car in scene.made.vehicles)
        assert scene.way.xy[:, 1] == pytest.approx(0.0) and abs(scene.made.ego[1]) < 0.7
        assert scene.keeps_off_m < scene.blocked_m
    for scene in drawn([(float(x), -3.5, math.pi) for x in range(-10, 170, 12)], 150):
        if scene.keeps_off_m is None and abs(scene.way.xy[0, 1]) > 1.0:  # it has set out
            ego = scene.made.ego[0]
            assert not any(abs(car.pose[1] + 3.5) < 1.0 and -5 < car.pose[0] - ego < 40 for car in scene.made.vehicles)


def test_short_bent_and_junction_courses_have_no_room() -> None:
    bent = np.column_stack([60.0 * np.sin(np.arange(181) / 60.0), 60.0 * (1.0 - np.cos(np.arange(181) / 60.0))])
    near_junction = ROUTE.in_junction.copy()
    near_junction[50] = True
    assert blockage.has_room(ROUTE)
    for course in (
        Course(ROUTE.xy[:90], ROUTE.in_junction[:90], None),
        Course(bent, ROUTE.in_junction, None),
        Course(ROUTE.xy, near_junction, None),
    ):
        assert not blockage.has_room(course)
