"""Optical flow against geometry: what moves across the picture, by how much, and what does not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim_bridge.embedded.contracts import Camera, Drawn, Pose, Sky, Town
from sim_bridge.embedded.renderer import Renderer
from sim_bridge.embedded.vehicles import DEFAULT_EGO, VEHICLES
from tests.embedded.plain_towns import block, plain_town

WIDTH, HEIGHT = 160, 80
WALL_M = 20.0
WALLED = plain_town((block((WALL_M + 30.0, 0.0, 0.0), 30.0, (0.5, 0.5, 0.5), tall=60.0),))
# Where the middles of the pixels cross the plane a metre ahead: to the right, and up.
RIGHT = (np.arange(WIDTH) + 0.5) / WIDTH * 2.0 - 1.0
UP = 0.5 - (np.arange(HEIGHT) + 0.5) / HEIGHT
EYE = Pose(0.0, 0.0, 2.0)


def camera(pose: Pose) -> Camera:
    return Camera(1, WIDTH, HEIGHT, 90.0, pose, "flow")


def flows(town: Town, *moments: tuple[Pose, list[Drawn]], actors: tuple[int, ...] = ()) -> list[np.ndarray]:
    renderer = Renderer(town, "software")
    try:
        for actor_id in actors:
            renderer.add_actor(actor_id, DEFAULT_EGO, {})
        renderer.add_camera(camera(moments[0][0]))
        return [renderer.render(drawn, [camera(pose)], {}, Sky())[1] for pose, drawn in moments]
    finally:
        renderer.close()


def test_the_first_picture_and_a_still_one_have_no_flow() -> None:
    first, still = flows(WALLED, (EYE, []), (EYE, []))
    assert first.shape == (HEIGHT, WIDTH, 2) and first.dtype == np.float32
    assert max(np.abs(first).max(), np.abs(still).max()) < 1e-6


def test_a_wall_that_one_drives_at_swells_from_the_middle() -> None:
    _, flow = flows(WALLED, (Pose(-1.0, 0.0, 2.0), []), (EYE, []))
    # A metre farther away it was this much nearer to the middle.
    share = 1.0 - WALL_M / (WALL_M + 1.0)
    upper = slice(0, HEIGHT // 2)
    assert flow[upper, :, 0] == pytest.approx(np.tile(RIGHT * share, (HEIGHT // 2, 1)), abs=1e-4)
    # Half the picture's height is half a metre, a metre ahead.
    assert flow[upper, :, 1] == pytest.approx(np.tile((UP[upper] * share / 0.5)[:, None], (1, WIDTH)), abs=1e-4)


def test_the_road_flows_by_its_distance() -> None:
    _, flow = flows(plain_town(), (Pose(-0.5, 0.0, 2.0), []), (EYE, []))
    row, column = HEIGHT - 5, 20
    ahead = 2.0 / -UP[row]
    was_right, was_up = RIGHT[column] * ahead / (ahead + 0.5), -2.0 / (ahead + 0.5)
    assert flow[row, column] == pytest.approx((RIGHT[column] - was_right, (UP[row] - was_up) / 0.5), abs=1e-3)


def test_a_turn_to_the_right_moves_everything_to_the_left_the_sky_too() -> None:
    _, flow = flows(plain_town(), (EYE, []), (Pose(0.0, 0.0, 2.0, yaw=2.0), []))
    middle = WIDTH // 2
    expected = RIGHT[middle] - math.tan(math.atan(RIGHT[middle]) + math.radians(2.0))
    assert flow[HEIGHT // 2 - 1, middle, 0] == pytest.approx(expected, abs=1e-3)
    assert flow[HEIGHT - 2, middle, 0] < -0.02


def test_a_car_that_crosses_flows_and_the_wall_behind_it_does_not() -> None:
    def car(y: float) -> list[Drawn]:
        return [Drawn(5, Pose(10.0, y, 0.0, yaw=90.0))]

    _, flow = flows(WALLED, (EYE, car(-0.4)), (EYE, car(0.1)), actors=(5,))
    moving = np.abs(flow[..., 0]) > 1e-4
    near_m = 10.0 - VEHICLES[DEFAULT_EGO].width / 2.0
    assert 0.01 < moving.mean() < 0.2
    assert np.median(flow[moving][:, 0]) == pytest.approx(0.5 / near_m, rel=0.05)
    assert not moving[: HEIGHT // 4].any() and np.abs(flow[~moving]).max() < 1e-4


def test_a_car_that_takes_anothers_place_did_not_leap_there() -> None:
    renderer = Renderer(WALLED, "software")
    try:
        renderer.add_actor(5, DEFAULT_EGO, {})
        renderer.add_camera(camera(EYE))
        renderer.render([Drawn(5, Pose(60.0, 30.0, 0.0))], [camera(EYE)], {}, Sky())
        renderer.remove_actor(5)
        renderer.add_actor(6, DEFAULT_EGO, {})
        flow = renderer.render([Drawn(6, Pose(10.0, 0.0, 0.0))], [camera(EYE)], {}, Sky())[1]
    finally:
        renderer.close()
    assert np.abs(flow).max() < 1e-4
