"""Keys and axes -> what the drive hears, and who is there to hold the wheel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app import hands, wheel
from sim_bridge import messages as m
from tests.app.fake_drive import FakeDrive


def packet(*held: str, **more: object) -> hands.HandsPacket:
    return hands.read({"k": "hands", "seq": 1, "t": 5.0, "held": list(held), **more})


def test_keys_ask_for_what_they_say() -> None:
    human = hands.human_input(packet("KeyW", "KeyA"), "me")
    assert human.steer == -1.0 and human.throttle > 0 and human.brake == 0 and not human.is_nudge
    assert hands.human_input(packet("ArrowRight"), "me").steer == 1.0
    assert hands.human_input(packet("KeyA", "KeyD"), "me").steer == 0.0
    assert hands.human_input(packet("KeyW", "Space"), "me").brake == 1.0
    assert hands.human_input(packet("KeyW", "Space"), "me").throttle == 0.0


def test_shift_with_the_throttle_alone_is_a_nudge() -> None:
    assert packet("ShiftLeft", "KeyW").is_nudge
    assert not packet("KeyW").is_nudge
    assert not packet("ShiftLeft", "KeyW", "KeyA").is_nudge


def test_axes_pass_unchanged_and_are_not_neutral() -> None:
    asked = packet(axes={"steer": 0.25, "throttle": 0.5, "brake": 0.0})
    human = hands.human_input(asked, "pad")
    assert (human.steer, human.throttle, human.brake) == (0.25, 0.5, 0.0)
    assert not asked.is_neutral
    assert packet().is_neutral and packet("ShiftLeft").is_neutral


@pytest.mark.parametrize(
    "broken",
    [
        {"seq": 1, "t": 1, "held": "KeyW"},
        {"seq": 1, "t": 1, "held": [1]},
        {"seq": 1, "t": 1, "held": ["x"] * 100},
        {"seq": -1, "t": 1, "held": []},
        {"seq": True, "t": 1, "held": []},
        {"seq": 1, "t": float("nan"), "held": []},
        {"seq": 1, "t": 1, "held": [], "axes": {"steer": 2, "throttle": 0, "brake": 0}},
        {"seq": 1, "t": 1, "held": [], "axes": [0, 0, 0]},
        {"t": 1, "held": []},
    ],
)
def test_what_is_no_packet_is_refused(broken: dict) -> None:
    with pytest.raises(hands.BadHands):
        hands.read(broken)


def test_the_wheel_is_kept_from_others_until_its_holder_leaves_or_idles(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = FakeDrive(is_painting=False)
    drive._publish(20.0)
    view = drive.view()
    assert view is not None
    held = replace(view, engagement=m.Engagement.MANUAL, holder="anna")
    people = wheel.Wheel()
    people.touch("anna")
    assert "anna" in people.refusal("ben", held)
    assert people.refusal("anna", held) == ""
    assert people.refusal("ben", view) == ""
    people.leave("anna")
    assert people.refusal("ben", held) == "" and people.gone("ben", held) == "anna"
    people.touch("anna")
    monkeypatch.setattr(wheel, "IDLE_AT_MOST_S", 0.0)
    assert people.gone("ben", held) == "anna"
