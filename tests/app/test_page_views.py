"""What leaves the page: the binary message, the status, and words for everything a view can say."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest

from app import text, views
from app.cockpit.link import UnreadableView, seen
from sim_bridge import messages as m
from tests.app.fake_drive import FakeDrive


@pytest.fixture(scope="module")
def view() -> m.SessionView:
    drive = FakeDrive()
    drive._publish(20.0)
    newest = drive.view()
    assert newest is not None
    return newest


def test_a_message_brings_header_and_pictures_back_unchanged(view: m.SessionView) -> None:
    message = views.packet(view, 7).message(with_answers=True)
    (length,) = struct.unpack_from("<I", message)
    assert json.loads(message[4 : 4 + length])["serial"] == 7
    received = seen(message)
    assert received.jpegs == {picture.camera.name: picture.jpeg for picture in view.pictures}
    assert len(received.header["plan"]["path"]) == m.PATH_POINTS
    assert len(received.header["plan"]["speed"]) == m.SPEED_POINTS


def test_answers_travel_only_when_asked_for(view: m.SessionView) -> None:
    view = replace(view, answers=(m.Answer(3, "is it red?", "No.", is_final=True),))
    packet = views.packet(view, 1)
    assert seen(packet.message(with_answers=True)).header["answers"][0]["text"] == "No."
    assert "answers" not in seen(packet.message(with_answers=False)).header


def test_nonsense_figures_become_missing_ones_not_broken_json(view: m.SessionView) -> None:
    broken = replace(
        view,
        path_xy_in_ego=np.full((20, 2), np.nan, np.float32),
        target_speed_mps=float("inf"),
        ego=m.EgoState(0.0, 0.0, 0.0, float("nan")),
        plan_age_ms=None,
    )
    header = seen(views.packet(broken, 1).message(with_answers=True)).header
    assert header["plan"]["path"] is None
    assert header["drive"]["speed"] is None and header["drive"]["target"] is None
    assert views.status_of(broken)["speed_mps"] is None


def test_while_a_stuck_car_is_moved_nobody_is_told_that_the_model_drives(view: m.SessionView) -> None:
    freed = replace(view, is_being_freed=True)
    drive = seen(views.packet(freed, 1).message(with_answers=True)).header["drive"]
    assert drive["being_freed"] and drive["reason_words"] == text.BEING_FREED
    assert views.status_of(freed)["being_freed"] and not views.status_of(view)["being_freed"]


def test_status_has_what_scripts_rely_on_before_and_after_the_first_view(view: m.SessionView) -> None:
    promised = {
        *("episode", "tick", "sim_time_s", "real_time_factor", "model", "engagement", "engagement_reason"),
        *("instruction_asked", "instruction_acting", "plan_age_ms", "plan_hz", "speed_mps", "target_speed_mps"),
        *("pose", "commentary", "frame_hz", "failure"),
    }
    status, empty = views.status_of(view), views.status_before_first_view()
    assert promised <= set(status)
    assert set(status) == set(empty)
    assert json.loads(json.dumps(status)) == status


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (m.Engagement, text.ENGAGEMENT_WORDS),
        (m.Reason, text.REASON_WORDS),
        (m.Phase, text.PHASE_WORDS),
    ],
)
def test_everything_a_view_can_say_has_words(kind: type, words: dict) -> None:
    assert set(words) == set(kind)


@pytest.mark.parametrize("message", [b"", b"\x01\x00", b"\xff\xff\xff\x7f{}", b"\x02\x00\x00\x00{]"])
def test_a_broken_message_is_named_as_one(message: bytes) -> None:
    with pytest.raises(UnreadableView):
        seen(message)


def test_a_driver_at_control_rate_is_not_waited_for(view: m.SessionView) -> None:
    assert views.header_of(view)["waiting"] is None
    assert views.status_of(view)["progress"] is None


def test_waiting_says_how_far_the_driver_is_and_what_lockstep_costs(view: m.SessionView) -> None:
    info = replace(view.driver, frame_s=5.8)
    slow = replace(view, driver=info, inference_ms=0.0, real_time_factor=0.0431, lockstep_ticks=5)
    standing = views.header_of(slow)["waiting"]
    assert standing["is_standing"] and standing["progress"] is None
    assert (
        standing["lockstep"]
        == "Lockstep at 0.043 × real time: the world waits for each plan (5.8 s), then moves 0.25 s."
    )
    on_known_picture = replace(slow, inference_ms=510.0, is_on_known_picture=True)
    assert views.header_of(on_known_picture)["waiting"]["lockstep"] == standing["lockstep"]
    assert views.header_of(on_known_picture)["vitals"]["on_known_picture"]
    assert "(0.5 s)" in views.header_of(replace(slow, inference_ms=510.0))["waiting"]["lockstep"]
    busy = replace(slow, progress=m.Progress("looking", 12, 24, "plan", 2.13), phase=m.Phase.RUNNING)
    waiting = views.header_of(busy)["waiting"]
    assert (waiting["progress"]["done"], waiting["progress"]["of"]) == (12, 24)
    assert waiting["cancel"] == text.CANCEL_PLAN
    answering = m.Progress("speaking", 7, 0, "answer", 3.0)
    said = views.header_of(replace(busy, progress=answering, phase=m.Phase.PAUSED))["waiting"]
    assert said["progress"]["words"] == "Answering: speaking, 7 tokens so far · 3.0 s"
    assert text.progress_words(replace(answering, done=1)) == "Answering: speaking, 1 token so far · 3.0 s"
    acting = m.Progress("planning", 3, 24, "plan", 0.5)
    assert text.progress_words(acting) == "Planning: path and speed, 3 of 24 · 0.5 s"
    assert (said["cancel"], said["is_standing"]) == (text.CANCEL, False)
    json.dumps(views.status_of(busy), allow_nan=False)


def test_the_journey_is_told_to_the_page_and_to_scripts(view: m.SessionView) -> None:
    assert views.header_of(view)["journey"] is None and views.status_of(view)["journey"] is None
    missed = replace(view, journey=m.JourneyNews("Route 3: 40 % driven.", m.JourneyStage.MISSED))
    told = {"line": "Route 3: 40 % driven.", "stage": "missed"}
    assert views.header_of(missed)["journey"] == told and views.status_of(missed)["journey"] == told
