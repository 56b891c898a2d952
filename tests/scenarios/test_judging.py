"""What a scene's conditions mean, and how its actors decide, on moments made by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sim_bridge.scenarios.doings import Between, wanted
from sim_bridge.scenarios.judging import Moment, Other, holds
from sim_bridge.scenarios.run import Outcome
from sim_bridge.scenarios.scene import Action, Condition
from sim_bridge.scenarios.seen import Seen, gap_m


def car(x: float, y: float = 0.0, mps: float = 0.0, yaw_deg: float = 0.0, braking: float = 0.0) -> Seen:
    return Seen(x, y, math.radians(yaw_deg), mps, 2.5, 1.0, braking)


def moment(other: Seen, ego: Seen | None = None, **about: Any) -> Moment:
    """The car's way is the x axis."""
    ego = ego or car(0.0, mps=10.0)
    return Moment(3.0, ego, ego.x, {"other": Other(other, other.x, other.y, **about)})


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        (car(0.0), car(10.0), 5.0),
        (car(0.0), car(0.0, 5.0), 3.0),
        (car(0.0), car(4.0), 0.0),
        (car(0.0), car(8.5, 6.0, yaw_deg=90.0), math.hypot(5.0, 2.5)),
        (car(0.0), car(0.0, 0.5, yaw_deg=45.0), 0.0),
    ],
)
def test_a_gap_is_between_the_boxes(one: Seen, other: Seen, metres: float) -> None:
    assert gap_m(one, other) == pytest.approx(metres) == gap_m(other, one)


@pytest.mark.parametrize(
    ("condition", "other", "is_true"),
    [
        (Condition(who="other", within_m=6.0), car(10.0), True),
        (Condition(who="other", within_m=4.0), car(10.0), False),
        (Condition(who="other", beyond_m=4.0), car(10.0), True),
        (Condition(who="other", ahead=True), car(-10.0), False),
        (Condition(who="other", ahead=False), car(-10.0), True),
        (Condition(who="other", in_ego_lane=True), car(10.0, 1.7), True),
        (Condition(who="other", in_ego_lane=True), car(10.0, 1.8), False),
        (Condition(who="other", in_ego_lane=False), car(10.0, -3.5), True),
        (Condition(who="other", gap_under_s=1.5), car(19.0), True),
        (Condition(who="other", gap_under_s=1.5), car(21.0), False),
        (Condition(who="other", gap_under_s=1.5), car(-10.0), False),
        (Condition(who="other", braking_mps2=5.0), car(10.0, braking=6.0), True),
        (Condition(who="other", faster_mps=2.0, slower_mps=4.0), car(10.0, mps=3.0), True),
        (Condition(who="other", faster_mps=2.0, slower_mps=4.0), car(10.0, mps=5.0), False),
        (Condition(who="nobody", within_m=100.0), car(10.0), False),
        (Condition(ego_past_m=2.4, ego_before_m=2.6), car(10.0), True),
        (Condition(ego_past_m=2.6), car(10.0), False),
        (Condition(ego_faster_mps=10.0, after_s=3.0), car(10.0), True),
        (Condition(ego_slower_mps=9.0), car(10.0), False),
        (Condition(after_s=3.1), car(10.0), False),
    ],
)
def test_a_condition_holds_where_all_of_it_does(condition: Condition, other: Seen, is_true: bool) -> None:
    assert holds(condition, moment(other)) is is_true


def test_lights_sirens_and_junctions_are_asked_of_the_member() -> None:
    now = moment(car(9.0), in_junction=True, light="red", has_siren=True)
    assert holds(Condition(who="other", in_junction=True, light="red", siren=True), now)
    assert not holds(Condition(who="other", light="green"), now)
    assert not holds(Condition(who="other", siren=False), now)


def test_a_car_keeps_its_gap_by_going_slower_and_faster_than_ours() -> None:
    action, ego = Action("keep_gap", gap_m=12.0, mps=15.0), car(0.0, mps=8.0)
    assert wanted(action, Between(ego, car(17.0), 12.0)).mps == pytest.approx(8.0)
    assert wanted(action, Between(ego, car(25.0), 20.0)).mps < 8.0 < wanted(action, Between(ego, car(9.0), 4.0)).mps
    assert wanted(action, Between(car(0.0, mps=30.0), car(9.0), 4.0)).mps == 15.0


def test_who_is_to_meet_us_arrives_when_we_do() -> None:
    action, ego, other = Action("meet", mps=20.0, lead_s=1.0), car(0.0, mps=10.0), car(50.0, 40.0, mps=5.0)
    assert wanted(action, Between(ego, other, 0.0, 50.0, 40.0)).mps == pytest.approx(40.0 / 4.0)
    assert wanted(action, Between(ego, other, 0.0, 500.0, 40.0)).mps == pytest.approx(2.0)


def test_braking_is_a_share_of_the_pedal() -> None:
    between = Between(car(0.0), car(9.0, mps=9.0), 4.0)
    assert wanted(Action("brake", mps2=4.0), between).brake == pytest.approx(0.5)
    assert wanted(Action("stand"), between).brake == 1.0


def test_an_outcome_is_told_in_a_sentence() -> None:
    told = Outcome("s", True, "collision", ("stops before the line",), 12.4, 0.0, "vehicle.x").line
    assert told == "The car hit another vehicle, not met: stops before the line (12 s)."
    assert Outcome("s", True, "done", (), 12.4, 2.0).line == "Done, no contact (12 s)."
    assert "did not happen" in Outcome("s", False, "done", (), 9.0, 3.0).line
    assert Outcome("s", False, "", (), 1.0, 3.0).line == "It is still to happen."
