import math
from dataclasses import replace

import numpy as np
import pytest

from sim_bridge.messages import DrivePlan, EgoState, InstructionKind
from sim_bridge.tracker import Tracker, desired_speed, path_ahead

STANDING = EgoState(0.0, 0.0, 0.0, 0.0)


def plan(path: np.ndarray | None = None, speed_mps: float = 5.0, made_from: EgoState = STANDING) -> DrivePlan:
    straight = np.stack([np.arange(20.0), np.zeros(20)], axis=1)
    speed = np.stack([np.arange(1, 11) * 0.25 * speed_mps, np.zeros(10)], axis=1)
    return DrivePlan(
        1,
        0,
        made_from,
        (straight if path is None else path).astype(np.float32),
        speed.astype(np.float32),
        0,
        InstructionKind.NONE,
        1.0,
    )


def bend(radius_m: float) -> np.ndarray:
    """Twenty points one metre apart on a circle; positive turns right."""
    angle = np.arange(20.0) / radius_m
    return np.stack([radius_m * np.sin(angle), radius_m * (1 - np.cos(angle))], axis=1)


@pytest.mark.parametrize("speed", [0.0, 3.0, 8.0, 13.9])
def test_the_desired_speed_is_what_evenly_spaced_waypoints_say_at_any_age(speed: float) -> None:
    for age_s in (0.0, 0.1, 0.5, 1.0):
        assert desired_speed(plan(speed_mps=speed).speed_xy_in_ego, age_s) == pytest.approx(speed, abs=1e-4)


def test_at_age_zero_the_desired_speed_is_twice_the_way_between_the_first_and_third_waypoint() -> None:
    points = np.zeros((10, 2), dtype=np.float32)
    points[:, 0] = [0.3, 0.9, 1.9, 3.2, 4.9, 7, 9, 11, 13, 15]
    assert desired_speed(points, 0.0) == pytest.approx(2 * (1.9 - 0.3))


def test_an_older_plan_that_speeds_up_asks_for_the_speed_of_now() -> None:
    times = np.arange(1, 11) * 0.25
    points = np.stack([0.5 * 2.0 * times**2, np.zeros(10)], axis=1).astype(np.float32)  # 2 m/s2 from standing
    assert desired_speed(points, 1.0) - desired_speed(points, 0.0) == pytest.approx(2.0, abs=0.1)


def test_a_car_too_slow_gets_the_agents_throttle() -> None:
    control = Tracker().control(plan(speed_mps=5.0), replace(STANDING, speed_mps=4.5), 0.0)
    # error 0.5: 1.75 * 0.5 + 1.0 * 0.5 / 20 + 2.0 * 0.5 = 1.9, clipped to full throttle
    assert (control.throttle, control.brake) == (1.0, 0.0)
    control = Tracker().control(plan(speed_mps=5.0), replace(STANDING, speed_mps=4.9), 0.0)
    assert control.throttle == pytest.approx(1.75 * 0.1 + 0.1 / 20 + 2.0 * 0.1, abs=1e-4)


@pytest.mark.parametrize(
    ("desired", "speed", "brakes"), [(5.0, 5.6, True), (5.0, 5.4, False), (0.3, 0.0, True), (0.5, 0.0, False)]
)
def test_it_brakes_at_a_tenth_too_fast_and_to_stand(desired: float, speed: float, brakes: bool) -> None:
    control = Tracker().control(plan(speed_mps=desired), replace(STANDING, speed_mps=speed), 0.0)
    assert (control.brake == 1.0) is brakes
    if brakes:
        assert control.throttle == 0.0


def test_the_speed_is_rounded_as_the_network_was_told() -> None:
    a = Tracker().control(plan(speed_mps=5.0), replace(STANDING, speed_mps=4.86), 0.0)
    b = Tracker().control(plan(speed_mps=5.0), replace(STANDING, speed_mps=4.94), 0.0)
    assert a.throttle == b.throttle


def test_a_straight_path_needs_no_steering_and_bends_steer_their_way() -> None:
    assert Tracker().control(plan(), replace(STANDING, speed_mps=5.0), 0.0).steer == 0.0
    assert Tracker().control(plan(bend(20.0)), replace(STANDING, speed_mps=5.0), 0.0).steer > 0.1
    assert Tracker().control(plan(bend(-20.0)), replace(STANDING, speed_mps=5.0), 0.0).steer < -0.1


def test_the_first_steer_is_the_agents_formula_on_the_look_ahead_point() -> None:
    speed = 10.0
    index = int(0.9755321901954155 * speed * 3.6 + 1.9152884533402488)
    aim_m = (index + 1) * 0.1
    radius = 60.0
    x, y = radius * math.sin(aim_m / radius), radius * (1 - math.cos(aim_m / radius))
    error = math.atan2(y, x) / (math.pi / 2)
    expected = (3.118357247806046 + 0.6406067986034124) * error
    steer = Tracker().control(plan(bend(radius)), replace(STANDING, speed_mps=speed), 0.0).steer
    assert steer == pytest.approx(expected, abs=0.002)


def test_a_plan_is_followed_from_where_the_car_is_now() -> None:
    beside = EgoState(2.0, 1.0, 0.0, 5.0)  # 2 m on, 1 m right of the path
    assert Tracker().control(plan(), beside, 0.1).steer < 0.0
    turned = EgoState(2.0, 0.0, math.radians(10), 5.0)
    assert Tracker().control(plan(), turned, 0.1).steer < 0.0


def test_what_the_car_has_passed_is_no_longer_aimed_at() -> None:
    ahead = path_ahead(plan(), EgoState(5.5, 0.2, 0.0, 5.0))
    assert ahead[0] == pytest.approx([0.5, -0.2], abs=1e-5) and len(ahead) == 14
    past_the_end = path_ahead(plan(), EgoState(40.0, 0.0, 0.0, 5.0))
    assert len(past_the_end) == 1


def test_reset_forgets() -> None:
    tracker = Tracker()
    first = tracker.control(plan(bend(15.0)), replace(STANDING, speed_mps=4.0), 0.0)
    tracker.control(plan(bend(-15.0)), replace(STANDING, speed_mps=1.0), 0.0)
    tracker.reset()
    assert tracker.control(plan(bend(15.0)), replace(STANDING, speed_mps=4.0), 0.0) == first


def test_a_standing_plan_whose_points_coincide_does_no_harm() -> None:
    control = Tracker().control(plan(np.zeros((20, 2)), speed_mps=0.0), STANDING, 0.0)
    assert control.brake == 1.0 and math.isfinite(control.steer)
