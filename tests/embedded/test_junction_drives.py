"""Every way over every junction can be driven by a simple driver, such as CARLA's agents are: at 20 km/h it turns the
wheel of CARLA's published bicycle towards a point a few metres ahead on the lane's middle. That cuts bends, and tight
ones more. See `carla_agents` for the agents themselves."""

from __future__ import annotations

import math
from collections import Counter

import carla
import numpy as np
import numpy.typing as npt
import pytest

from sim_bridge.bench.reference_car import STEP_S, State, moved
from tests.embedded.authored import NAMES, oracle_of
from tests.embedded.carla_agents import Connection, connections

SPEED_MPS = 20.0 / 3.6
FORESIGHT_M = 3.0 + 0.5 * SPEED_MPS
STEER_PER_RAD, STEER_PER_RAD_PER_S, STEER_MOST, STEER_STEP = 1.95, 0.2, 0.8, 0.1


@pytest.fixture(scope="module", params=NAMES)
def town(request: pytest.FixtureRequest) -> carla.Map:
    return oracle_of(request.param)


def _driven(connection: Connection) -> tuple[float, float]:
    """How far past its lane's edge the driver's middle gets at most (negative: it stays within), and how far from the
    end it gives up; in metres."""
    poses = [waypoint.transform for waypoint in connection.way]
    points = np.array([(pose.location.x, pose.location.y) for pose in poses])
    car = State(points[0, 0], points[0, 1], math.radians(poses[0].rotation.yaw), SPEED_MPS)
    farthest, passed, steer, angle = -math.inf, 0, 0.0, 0.0
    for _ in range(round(3.0 * len(points) * 2.0 / SPEED_MPS / STEP_S)):
        away = np.hypot(points[:, 0] - car.x, points[:, 1] - car.y)
        passed = max(passed, int(away.argmin()))
        farthest = max(farthest, _beside(poses[passed], car) - connection.way[passed].lane_width / 2.0)
        ahead = [index for index in range(passed, len(points)) if away[index] > FORESIGHT_M]
        if not ahead:
            break
        before, angle = angle, _angle_to(points[ahead[0]], car)
        wanted = STEER_PER_RAD * angle + STEER_PER_RAD_PER_S * (angle - before) / STEP_S
        wanted = max(steer - STEER_STEP, min(steer + STEER_STEP, wanted))
        steer = max(-STEER_MOST, min(STEER_MOST, wanted))
        car = moved(car, 0.0, steer, is_braking=False)
    return float(farthest), float(away[-1])


def _angle_to(point: npt.NDArray[np.float64], car: State) -> float:
    return math.remainder(math.atan2(point[1] - car.y, point[0] - car.x) - car.yaw_rad, math.tau)


def _beside(pose: carla.Transform, car: State) -> float:
    yaw: float = math.radians(pose.rotation.yaw)
    return abs(float((car.y - pose.location.y) * math.cos(yaw) - (car.x - pose.location.x) * math.sin(yaw)))


def test_each_connection_is_driven_to_its_end_within_its_lane(town: carla.Map) -> None:
    wrong = {}
    for connection in connections(town):
        beyond_edge, left = _driven(connection)
        if beyond_edge > 0.0 or left > FORESIGHT_M + 1.0:
            wrong[connection.name] = (round(beyond_edge, 2), round(left, 1))
    assert not wrong


def test_connections_start_and_end_on_streets_and_no_two_are_alike(town: carla.Map) -> None:
    every = connections(town)
    for connection in every:
        assert not connection.way[0].is_junction and not connection.way[-1].is_junction
    ends = Counter(connection.name for connection in every)
    assert max(ends.values()) == 1
