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


def test_a_car_that_drives_otherwise_is_found_out() -> None:
    run = physics.Run("slow", (0.0, 1.0, 2.0), (0.0, 2.0, 4.0))
    (throttle, *_) = physics.figures_of({kind: [run] for kind in ("throttle", "brake", "steer", "mixed")})
    assert throttle.value == pytest.approx(math.sqrt(5.0 / 3.0), abs=1e-3)
    assert throttle.is_met is False


def test_the_curves_are_drawn_into_one_file(kinds: dict[str, list[physics.Run]], tmp_path: Path) -> None:
    physics.draw(tmp_path / "deep" / "car.html", kinds)
    page = (tmp_path / "deep" / "car.html").read_text(encoding="utf-8")
    assert "Steering: yaw rate" in page and "steer 0.3 at 3 m" in page
    assert 'src="http' not in page  # opened from a disk without a network, it still draws
