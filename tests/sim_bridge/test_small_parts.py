"""The session's small parts: mailbox, pace, plan checks, publishing."""

import io
import re
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from sim_bridge.actor_words import in_words
from sim_bridge.drive_state import DriveState
from sim_bridge.lockstep import Lockstep
from sim_bridge.mailbox import Mailbox
from sim_bridge.messages import CHASE_CAMERA, CameraFrame, DrivePlan, SessionView
from sim_bridge.pace import DEBT_MAX_S, Pacer, Rate
from sim_bridge.plan_checks import objection
from sim_bridge.publishing import Publisher, jpeg
from tests.fakes import SteadyDriver, StraightRoad, picture, steady_plan
from tests.sim_bridge.driving import until


def a_plan() -> DrivePlan:
    return steady_plan(StraightRoad().reset(0), None, 5.0)


def a_view() -> SessionView:
    return DriveState(StraightRoad(), SteadyDriver(), 1.0, Lockstep(0, 0.0)).view()


def test_a_mailbox_keeps_only_the_newest_and_gives_it_once() -> None:
    box: Mailbox[int] = Mailbox()
    assert box.take() is None
    box.put(1)
    box.put(2)
    assert (box.take(), box.take()) == (2, None)


def test_a_mailbox_wakes_who_waits_when_something_comes_and_when_it_closes() -> None:
    box: Mailbox[int] = Mailbox()
    taken: list[int | None] = []

    def take_two() -> None:
        taken.append(box.take(10.0))
        taken.append(box.take(10.0))

    waiting = threading.Thread(target=take_two)
    waiting.start()
    box.put(5)
    until(lambda: taken == [5])
    box.close()
    waiting.join(5.0)
    assert taken == [5, None]


def test_ticks_are_due_every_period_and_a_long_stall_is_forgiven() -> None:
    pacer = Pacer(0.05)
    for _ in range(3):
        pacer.ticked()
    assert pacer.wait_s() == pytest.approx(0.15, abs=0.02)
    late = Pacer(0.05)
    late._due -= 3.0  # as if the world had stalled for three seconds
    late.ticked()
    owed = 0
    while late.wait_s() == 0.0:
        late.ticked()
        owed += 1
    assert owed <= DEBT_MAX_S / 0.05 + 1


def test_a_rate_is_counted_over_the_time_between_and_falls_when_nothing_comes() -> None:
    rate = Rate(window_s=0.5)
    assert rate.per_s() == 0.0
    for _ in range(10):
        rate.count()
        time.sleep(0.01)
    busy = rate.per_s()
    assert 20 < busy < 101
    time.sleep(0.2)
    assert 0 < rate.per_s() < busy
    time.sleep(0.4)
    assert rate.per_s() == 0.0


def test_a_plan_that_may_be_followed_meets_no_objection() -> None:
    assert objection(a_plan()) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path_xy_in_ego": np.zeros((19, 2), np.float32)}, r"20 points.*\(19, 2\)"),
        ({"speed_xy_in_ego": np.zeros((10, 3), np.float32)}, r"10 points.*\(10, 3\)"),
        ({"path_xy_in_ego": np.full((20, 2), np.nan, np.float32)}, "not finite"),
        ({"speed_xy_in_ego": np.full((10, 2), np.inf, np.float32)}, "not finite"),
        ({"path_xy_in_ego": np.arange(40, dtype=np.float32).reshape(20, 2) + 5}, "starts 7.8 m from the car"),
        ({"path_xy_in_ego": np.arange(40, dtype=np.float32).reshape(20, 2) * 4 - [0, 4]}, "jumps 11.3 m"),
        ({"speed_xy_in_ego": np.arange(20, dtype=np.float32).reshape(10, 2) * 20}, "m/s"),
    ],
)
def test_a_plan_no_car_can_follow_is_refused_with_the_figure(change: dict[str, np.ndarray], words: str) -> None:
    assert re.search(words, objection(replace(a_plan(), **change)))


def test_a_jpeg_is_the_picture() -> None:
    rgb = np.zeros((CHASE_CAMERA.height_px, CHASE_CAMERA.width_px, 3), np.uint8)
    rgb[:, :256] = (200, 30, 30)
    shown = np.asarray(Image.open(io.BytesIO(jpeg(CameraFrame(CHASE_CAMERA, rgb, 0)).jpeg)))
    assert shown.shape == rgb.shape
    assert np.abs(shown[:, :240].astype(int) - (200, 30, 30)).max() < 12, "red stays red: RGB, not BGR"


def test_a_failing_observer_harms_neither_the_others_nor_the_drive() -> None:
    heard: list[SessionView] = []
    publisher = Publisher(a_view())
    publisher.observe(lambda view: 1 / 0)
    publisher.observe(heard.append)
    publisher.publish(a_view(), (picture(CHASE_CAMERA, 3),))
    assert heard[0] is publisher.newest and heard[0].pictures[0].camera == CHASE_CAMERA


def test_the_same_frames_are_encoded_once() -> None:
    publisher = Publisher(a_view())
    frames = (picture(CHASE_CAMERA, 3),)
    publisher.publish(a_view(), frames)
    first = publisher.newest.pictures
    publisher.publish(a_view(), frames)
    assert publisher.newest.pictures is first
    publisher.publish(a_view(), (picture(CHASE_CAMERA, 4),))
    assert publisher.newest.pictures is not first


@pytest.mark.parametrize(
    ("type_id", "words"),
    [
        ("vehicle.audi.tt", "another vehicle"),
        ("walker.pedestrian.0001", "a pedestrian"),
        ("static.prop.box01", "an object"),
        ("static.building", "something beside the road"),
    ],
)
def test_what_the_car_hit_is_called_what_it_is(type_id: str, words: str) -> None:
    assert in_words(type_id) == words
