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
        (m.TalkOrder, text.TALK_ORDER_WORDS),
    ],
)
def test_everything_a_view_can_say_has_words(kind: type, words: dict) -> None:
    assert set(words) == set(kind)


@pytest.mark.parametrize("message", [b"", b"\x01\x00", b"\xff\xff\xff\x7f{}", b"\x02\x00\x00\x00{]"])
def test_a_broken_message_is_named_as_one(message: bytes) -> None:
    with pytest.raises(UnreadableView):
        seen(message)
