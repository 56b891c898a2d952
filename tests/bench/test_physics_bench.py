"""The default car drives as CARLA's does, by the published fits; and the fits are what their papers say."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sim_bridge.bench import physics, reference_car
from sim_bridge.bench.reference_car import State


def test_the_reference_stands_accelerates_and_turns_right_for_positive_steer() -> None:
    assert reference_car.next_speed(0.0, 0.0, True) == 0.0
    assert reference_car.next_speed(5.0, 0.2, False) == 5.0
    assert reference_car.next_speed(5.0, 0.7, False) > 5.0
    state = State(speed_mps=5.0)
    for _ in range(20):
        state = reference_car.moved(state, 0.2, 0.3, False)
    assert state.y > 0.0 and state.yaw_rad > 0.0
    assert math.hypot(state.x, state.y) < 5.0


def test_the_reference_brakes_from_eighty_in_the_fits_distance() -> None:
    speed, distance = 80.0 / 3.6, 0.0
    while speed > 0.05:
        distance += 0.05 * speed
        speed = reference_car.next_speed(speed, 0.0, True)
    assert 28.0 < distance < 34.0


@pytest.fixture(scope="module")
def kinds() -> dict[str, list[physics.Run]]:
    return physics.measured()


def test_every_figure_of_the_comparison_is_met(kinds: dict[str, list[physics.Run]]) -> None:
    assert [figure for figure in physics.figures_of(kinds) if not figure.is_met] == []


def test_models_that_the_car_is_not_made_from_agree_with_it_where_they_agree_with_each_other() -> None:
    for kmh in physics.AGREED_FROM_KMH:
        ways = [physics._way(model, kmh, physics.AGREED_THROTTLE) for model in physics.MODELS]
        assert max(ways) - min(ways) < physics.ONE_PEDAL_M, (kmh, ways)
    assert physics._way(physics.MODELS[0], 0.0, 1.0) > 1.5 * physics._way(physics.MODELS[1], 0.0, 1.0)


@pytest.mark.parametrize("throttle", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("speed_mps", [0.0, 8.0, 20.0])
def test_the_wanted_throttle_is_the_controllers_regression(throttle: float, speed_mps: float) -> None:
    """Put back into the regression, the gain in speed asks for the throttle it came from."""
    v = 0.036 * speed_mps
    e = 0.036 * reference_car.wanted_throttle(speed_mps, throttle) - v
    terms = (v, v * v, 100.0 * e, e * e, v * e, v * v * e)
    asked = sum(a * b for a, b in zip(reference_car.WANTED_THROTTLE, terms, strict=True))
    assert asked == pytest.approx(throttle, abs=1e-9)


def test_a_car_that_drives_otherwise_is_found_out(kinds: dict[str, list[physics.Run]]) -> None:
    """One whose speeds under any pedal, and yaw rates, are a fifth higher than ours."""
    others = {
        kind: [physics.Run(run.name, tuple(1.2 * value for value in run.ours), run.theirs) for run in runs]
        for kind, runs in kinds.items()
    }
    missed = {figure.name.split(",")[0] for figure in physics.figures_of(others) if not figure.is_met}
    assert {"throttle 0.5 to 1", "half throttle", "full brake", "steering"} <= missed


def test_metres_are_what_speeds_and_yaw_rates_add_up_to() -> None:
    speeds = physics.Run("", (0.0,) + (3.0,) * 50, (0.0,) + (1.0,) * 50)
    assert speeds.along_m == pytest.approx(5.0)
    # One degree per second off for 2.5 s at 10 m/s: an arc that ends v w T2 / 2 aside.
    rates = physics.Run("", (11.0,) * 50, (10.0,) * 50)
    assert rates.aside_m(10.0) == pytest.approx(10.0 * math.radians(1.0) * 2.5**2 / 2.0, rel=0.03)


def test_the_curves_are_drawn_into_one_file(kinds: dict[str, list[physics.Run]], tmp_path: Path) -> None:
    physics.draw(tmp_path / "deep" / "car.html", kinds)
    page = (tmp_path / "deep" / "car.html").read_text(encoding="utf-8")
    assert "Steering: yaw rate" in page and "steer 0.3 at 3 m" in page
    assert 'src="http' not in page  # opened from a disk without a network, it still draws
