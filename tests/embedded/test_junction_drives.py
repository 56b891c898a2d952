"""Every way over every junction can be driven by a simple driver, such as CARLA's agents are: it steers at 20 km/h for
a point a few metres ahead on the lane's middle. See `carla_agents` for the agents themselves."""

from __future__ import annotations

import math
from collections import Counter

import carla
import numpy as np
import pytest

from tests.embedded.authored import NAMES, oracle_of
from tests.embedded.carla_agents import Connection, connections

SPEED_MPS = 20.0 / 3.6
FORESIGHT_M = 3.0 + 0.5 * SPEED_MPS
TIGHTEST_M = 5.5  # the circle of a car's wheels at their largest angle
STEP_S = 0.1


@pytest.fixture(scope="module", params=NAMES)
def town(request: pytest.FixtureRequest) -> carla.Map:
    return oracle_of(request.param)


def _aside(connection: Connection) -> tuple[float, float]:
    """How far from the lane's middle the driver gets at most, and how far from the end it gives up."""
    poses = [waypoint.transform for waypoint in connection.way]
    points = np.array([(pose.location.x, pose.location.y) for pose in poses])
    x, y, yaw = *points[0], math.radians(poses[0].rotation.yaw)
    farthest, passed = 0.0, 0
    for _ in range(round(3.0 * len(points) * 2.0 / SPEED_MPS / STEP_S)):
        away = np.hypot(points[:, 0] - x, points[:, 1] - y)
        passed = max(passed, int(away.argmin()))
        farthest = max(farthest, _beside(poses[int(away.argmin())], x, y))
        ahead = [index for index in range(passed, len(points)) if away[index] > FORESIGHT_M]
        if not ahead:
            break
        goal = points[ahead[0]]
        angle = math.atan2(goal[1] - y, goal[0] - x) - yaw
        curvature = 2.0 * math.sin(angle) / away[ahead[0]]
        yaw += SPEED_MPS * STEP_S * max(-1.0 / TIGHTEST_M, min(1.0 / TIGHTEST_M, curvature))
        x += SPEED_MPS * STEP_S * math.cos(yaw)
        y += SPEED_MPS * STEP_S * math.sin(yaw)
    return float(farthest), float(away[-1])


def _beside(pose: carla.Transform, x: float, y: float) -> float:
    yaw = math.radians(pose.rotation.yaw)
    return abs((y - pose.location.y) * math.cos(yaw) - (x - pose.location.x) * math.sin(yaw))


def test_each_connection_is_driven_to_its_end_within_its_lane(town: carla.Map) -> None:
    wrong = {}
    for connection in connections(town):
        aside, left = _aside(connection)
        narrowest = min(waypoint.lane_width for waypoint in connection.way)
        if aside > narrowest / 2.0 or left > FORESIGHT_M + 1.0:
            wrong[connection.name] = (round(aside, 2), round(left, 1))
    assert not wrong


def test_connections_start_and_end_on_streets_and_no_two_are_alike(town: carla.Map) -> None:
    every = connections(town)
    for connection in every:
        assert not connection.way[0].is_junction and not connection.way[-1].is_junction
    ends = Counter(connection.name for connection in every)
    assert max(ends.values()) == 1
