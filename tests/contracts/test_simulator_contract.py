"""What every Simulator promises, asked of each one there is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sim_bridge.carla_config import CarlaConfig
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.frames import in_ego, wrapped
from sim_bridge.interfaces import Simulator
from sim_bridge.messages import CHASE_CAMERA, FRONT_CAMERA, Control, InstructionKind, Manoeuvre, Observation
from tests.fakes import StraightRoad


@pytest.fixture(scope="module", params=["StraightRoad", "CarlaSimulator"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    if request.param == "StraightRoad":
        yield StraightRoad()
        return
    port = request.getfixturevalue("embedded_port")
    made = CarlaSimulator(CarlaConfig(port=port, traffic_vehicles=2, is_embedded=True))
    yield made
    made.close()
    made.close()


def stepped(simulator: Simulator, control: Control, ticks: int) -> Observation:
    for _ in range(ticks):
        seen = simulator.step(control)
    return seen


def test_a_reset_starts_an_episode_with_a_standing_car(simulator: Simulator) -> None:
    first, second = simulator.reset(1), simulator.reset(2)
    assert second.episode == first.episode + 1
    assert (second.tick, second.sim_time_us) == (0, 0)
    assert abs(second.ego.speed_mps) < 0.3


def test_a_seed_is_a_start(simulator: Simulator) -> None:
    a, other, b = simulator.reset(5), simulator.reset(6), simulator.reset(5)
    assert (a.ego.x_m, a.ego.y_m) == pytest.approx((b.ego.x_m, b.ego.y_m), abs=0.02)
    assert a.ego.yaw_rad == pytest.approx(b.ego.yaw_rad, abs=1e-3)
    assert a.target_points_xy_in_ego == pytest.approx(b.target_points_xy_in_ego, abs=0.05)
    assert abs(a.ego.x_m - other.ego.x_m) + abs(a.ego.y_m - other.ego.y_m) > 0.5


def test_the_driver_sees_the_front_camera_only_read_only_and_of_this_tick(simulator: Simulator) -> None:
    simulator.reset(1)
    seen = simulator.step(Control())
    assert [frame.camera for frame in seen.frames] == [FRONT_CAMERA]
    front = seen.frame("front")
    assert front.rgb.shape == (512, 1024, 3) and front.rgb.dtype == np.uint8
    assert not front.rgb.flags.writeable and front.rgb.flags.c_contiguous
    assert front.tick == seen.tick == 1


def test_people_see_the_car_from_behind(simulator: Simulator) -> None:
    simulator.reset(1)
    seen = stepped(simulator, Control(), 3)
    chase = simulator.chase_frame()
    assert chase is not None and chase.camera == CHASE_CAMERA and chase.rgb.shape == (256, 512, 3)
    assert seen.tick - chase.tick <= 1


def test_a_step_is_a_twentieth_of_a_second(simulator: Simulator) -> None:
    simulator.reset(1)
    seen = stepped(simulator, Control(), 7)
    assert (seen.tick, seen.sim_time_us) == (7, 350_000)


def test_throttle_drives_forward_and_the_brake_stops(simulator: Simulator) -> None:
    start = simulator.reset(3)
    seen = stepped(simulator, Control(throttle=0.8), 40)
    ahead, aside = in_ego([[seen.ego.x_m, seen.ego.y_m]], start.ego)[0]
    assert seen.ego.speed_mps > 2.0 and ahead > 2.0 and abs(aside) < 0.5
    seen = stepped(simulator, Control(brake=1.0), 60)
    assert abs(seen.ego.speed_mps) < 0.1


@pytest.mark.parametrize(("steer", "side"), [(0.5, 1.0), (-0.5, -1.0)])
def test_steering_right_turns_right(simulator: Simulator, steer: float, side: float) -> None:
    start = simulator.reset(3)
    stepped(simulator, Control(throttle=0.8), 25)
    seen = stepped(simulator, Control(throttle=0.4, steer=steer), 12)
    assert wrapped(seen.ego.yaw_rad - start.ego.yaw_rad) * side > 0.1, "yaw rises clockwise, to the right"


def test_reverse_drives_backwards(simulator: Simulator) -> None:
    start = simulator.reset(3)
    seen = stepped(simulator, Control(throttle=0.6, reverse=True), 40)
    ahead, _ = in_ego([[seen.ego.x_m, seen.ego.y_m]], start.ego)[0]
    assert ahead < -0.5 and seen.ego.speed_mps < -0.5


def test_the_navigator_points_ahead(simulator: Simulator) -> None:
    seen = simulator.reset(1)
    points = seen.target_points_xy_in_ego
    assert points.shape == (2, 2) and points.dtype == np.float32 and np.isfinite(points).all()
    assert points[0, 0] > 0 and 7.0 < np.linalg.norm(points[0]) < 60.0


def test_a_manoeuvre_just_begun_is_not_finished(simulator: Simulator) -> None:
    simulator.reset(1)
    for kind in (InstructionKind.LANE_LEFT, InstructionKind.LANE_RIGHT, InstructionKind.TURN_LEFT):
        simulator.begin(kind)
        simulator.step(Control())
        assert simulator.progress(kind) in (Manoeuvre.UNDER_WAY, Manoeuvre.NO_LANE)


def test_it_says_where_it_is(simulator: Simulator) -> None:
    assert simulator.town
    assert simulator.world == "embedded" or simulator.world.startswith("carla ")
