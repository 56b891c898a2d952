"""Buses and trucks get round a crossing under the steering of CARLA's Traffic Manager without swinging out."""

from __future__ import annotations

import math

import pytest

from sim_bridge.embedded.contracts import PedalState, Pose
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.vehicles import DEFAULT_EGO, VEHICLES
from tests.embedded.plain_towns import plain_town

TICK_S, SUBSTEPS = 0.05, 6
BEND_M = 10.0  # the tightest way over a crossing, of the middle of its lane
STRAIGHT_M = 25.0
SPEED_MPS = 6.0
# The Traffic Manager's: how far ahead it looks, steer per half turn that the goal lies aside, what it holds that to.
AHEAD_M, GAIN, MOST, MOST_CHANGE = 3.0, 4.0, 0.8, 0.15


def _goal(x: float, y: float) -> tuple[float, float]:
    """The point AHEAD_M on along the way: straight on, a quarter circle to the right, straight on."""
    arc_m = BEND_M * math.pi / 2.0
    if x < 0.0:
        along = x + AHEAD_M
    elif y < BEND_M:
        along = BEND_M * math.atan2(x, BEND_M - y) + AHEAD_M
    else:
        along = arc_m + (y - BEND_M) + AHEAD_M
    if along < 0.0:
        return along, 0.0
    if along < arc_m:
        return BEND_M * math.sin(along / BEND_M), BEND_M * (1.0 - math.cos(along / BEND_M))
    return BEND_M, BEND_M + along - arc_m


def _outside_m(x: float, y: float) -> float:
    """How far the middle of the vehicle is outside of the way's middle; negative inside."""
    if x < 0.0:
        return -y
    return math.hypot(x, BEND_M - y) - BEND_M if y < BEND_M else x - BEND_M


def _farthest_out_m(blueprint_id: str) -> float:
    physics = Physics(plain_town())
    physics.add_vehicle(1, VEHICLES[blueprint_id], Pose(-STRAIGHT_M, 0.0, 0.05))
    physics.push(1, (SPEED_MPS, 0.0, 0.0))
    steer, farthest = 0.0, 0.0
    for _ in range(round(12.0 / TICK_S)):
        state = physics.state(1)
        pose, speed = state.pose, math.hypot(*state.velocity[:2])
        if pose.y > BEND_M + STRAIGHT_M:
            return farthest
        farthest = max(farthest, _outside_m(pose.x, pose.y))
        goal = _goal(pose.x, pose.y)
        aside = math.remainder(math.atan2(goal[1] - pose.y, goal[0] - pose.x) - math.radians(pose.yaw), math.tau)
        steer = max(steer - MOST_CHANGE, min(steer + MOST_CHANGE, GAIN * aside / math.pi))
        steer = max(-MOST, min(MOST, steer))
        physics.pedals(1, PedalState(throttle=0.6 if speed < SPEED_MPS else 0.0, steer=steer))
        physics.step(TICK_S, SUBSTEPS)
    raise AssertionError(f"{blueprint_id} is not round the bend after 12 s, but at {pose}")


@pytest.fixture(scope="module")
def car_m() -> float:
    return _farthest_out_m(DEFAULT_EGO)


@pytest.mark.parametrize("blueprint_id", sorted(i for i, s in VEHICLES.items() if s.body in ("bus", "truck", "van")))
def test_a_large_vehicle_swings_out_of_a_bend_no_farther_than_a_car(blueprint_id: str, car_m: float) -> None:
    """Its nose is far enough out as it is: who waits in the lane that comes is hit, and both stand for ever."""
    assert _farthest_out_m(blueprint_id) < car_m
