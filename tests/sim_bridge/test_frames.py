import math

import numpy as np
import pytest

from sim_bridge.frames import in_ego, in_world, lengths_along, moved, nearest_on, pchip, resampled, wrapped
from sim_bridge.messages import EgoState


def test_a_point_on_the_right_of_a_car_facing_plus_y_lies_towards_minus_x() -> None:
    # CARLA: y is right of x, yaw is clockwise seen from above, so facing +y has -x on the right.
    car = EgoState(10.0, 20.0, math.pi / 2, 0.0)
    assert in_world([[5.0, 2.0]], car)[0] == pytest.approx([8.0, 25.0])


def test_ego_and_world_are_each_others_inverse() -> None:
    car = EgoState(-3.0, 7.0, 2.1, 0.0)
    points = np.array([[1.0, 2.0], [-4.0, 0.5]])
    assert in_ego(in_world(points, car), car) == pytest.approx(points)


def test_driving_two_metres_on_brings_a_point_two_metres_closer() -> None:
    was, now = EgoState(0, 0, math.pi / 2, 5.0), EgoState(0, 2.0, math.pi / 2, 5.0)
    assert moved([[10.0, 1.0]], was, now)[0] == pytest.approx([8.0, 1.0])


def test_turning_right_moves_what_was_ahead_to_the_left() -> None:
    was, now = EgoState(0, 0, 0, 0), EgoState(0, 0, math.radians(90), 0)
    assert moved([[10.0, 0.0]], was, now)[0] == pytest.approx([0.0, -10.0], abs=1e-5)


@pytest.mark.parametrize(
    ("angle", "same"), [(3 * math.pi, math.pi), (-math.pi, math.pi), (0.5, 0.5), (7.0, 7.0 - math.tau)]
)
def test_angles_wrap_into_one_turn(angle: float, same: float) -> None:
    assert wrapped(angle) == pytest.approx(same)


def test_resampling_walks_along_the_line() -> None:
    corner = [[0, 0], [4, 0], [4, 4]]
    assert lengths_along(corner) == pytest.approx([0, 4, 8])
    assert resampled(corner, [0.0, 5.0, 99.0]) == pytest.approx(np.array([[0, 0], [4, 1], [4, 4]]))


def test_the_nearest_point_of_a_line_is_found_between_its_points() -> None:
    along, distance = nearest_on([[0, 0], [10, 0], [10, 10]], 12.0, 3.0)
    assert (along, distance) == pytest.approx((13.0, 2.0))


def test_the_curve_goes_through_its_points_and_never_overshoots() -> None:
    knots = np.array([0.0, 1.0, 2.0, 3.0, 5.0])
    values = np.array([0.0, 0.0, 1.0, 1.0, 0.0])
    curve = pchip(knots, values, np.linspace(0, 5, 501))[:, 0]
    assert pchip(knots, values, knots)[:, 0] == pytest.approx(values)
    assert curve.min() >= 0.0 and curve.max() <= 1.0
    assert (np.diff(curve[100:201]) >= -1e-12).all()


def test_a_straight_line_stays_straight() -> None:
    knots = np.array([0.0, 0.7, 2.0, 4.0])
    assert pchip(knots, 3 * knots + 1, np.array([0.1, 1.5, 3.9]))[:, 0] == pytest.approx([1.3, 5.5, 12.7])


def test_the_curve_follows_a_tight_turn_closer_than_straight_lines_do() -> None:
    angle = np.arange(0, 1.4, 1 / 6.0)  # points one metre apart on a turn of 6 m radius
    arc = 6 * np.stack([np.sin(angle), 1 - np.cos(angle)], axis=1)
    middle = (angle[2:-3] + angle[3:-2]) / 2
    on_curve = pchip(angle, arc, middle)
    off = np.abs(np.hypot(on_curve[:, 0], on_curve[:, 1] - 6) - 6).max()
    assert off < 0.002, "straight lines would be 0.02 m off"
