"""What the teacher watches over time: who will cross, who blocks the lane, what it has stopped for. Plain geometry."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import carla
import numpy as np
import pytest

from model.teacher import detour, foresight
from model.teacher.attention import Attention, driven
from model.teacher.detour import Detour
from model.teacher.facts import Lanes, frame_facts
from model.teacher.foresight import TurnRates, meeting
from model.teacher.lane_walk import Course
from model.teacher.memory import Blocker, StopSigns
from model.teacher.sight import eye_of
from model.teacher.surroundings import OBSTACLE, Body, Surroundings
from model.training import sentences
from model.training.expert import Kind, roll_out
from model.training.samples import BesideFacts, FrameFacts, SignFacts
from sim_bridge.messages import TICK_S
from tests.model.teacher_scenes import open_road, turning_line
from tests.model.test_teacher import around, car, person

LINE = np.column_stack([np.arange(111.0), np.zeros(111)])
COURSE = Course(LINE, np.zeros(111, dtype=bool), None)
AT_EIGHT = np.arange(1, 15) * 2.0  # metres driven at 8 m/s, each quarter of a second


class FakeLane:
    """A lane of a straight road along x, with a same-direction lane on the left or an oncoming one."""

    lane_type = carla.LaneType.Driving

    def __init__(self, has_left: bool, x: float = 0.0, y: float = 0.0) -> None:
        self.lane_change = carla.LaneChange.Left if has_left else carla.LaneChange.NONE
        self.lane_id = -1 if y > -1.75 else -2 if has_left else 1
        self.transform = carla.Transform(carla.Location(x, 0.0 if y > -1.75 else -3.5, 0.0))
        self._has_left = has_left

    def get_left_lane(self) -> Any:
        return FakeLane(self._has_left, y=-3.5)

    def get_right_lane(self) -> None:
        return None


def test_a_car_from_the_side_is_waited_for_before_its_way() -> None:
    crossing = car(2, 20.0, 14.0, yaw_rad=-math.pi / 2, speed_mps=7.0)
    met = meeting(around(crossing), LINE, AT_EIGHT, {})
    assert met is not None and met.body.actor_id == 2
    assert met.wait_m == pytest.approx(20.0 - 0.9 - 2.45 - foresight.WAIT_BEFORE_M, abs=0.3)


@pytest.mark.parametrize(
    "other",
    [
        car(2, 20.0, 14.0, yaw_rad=-math.pi / 2, speed_mps=0.0),  # stands
        car(2, 20.0, 14.0, yaw_rad=math.pi / 2, speed_mps=7.0),  # drives away
        car(2, 20.0, 3.5, yaw_rad=0.0, speed_mps=7.0),  # in the next lane, our way
        car(2, 40.0, -3.5, yaw_rad=math.pi, speed_mps=8.0),  # oncoming in its own lane
        car(2, 20.0, 40.0, yaw_rad=-math.pi / 2, speed_mps=7.0),  # comes when we are long past
    ],
)
def test_who_does_not_cross_is_not_waited_for(other: Body) -> None:
    assert meeting(around(other), LINE, AT_EIGHT, {}) is None


def test_who_passes_on_the_road_we_turn_into_goes_first() -> None:
    corner = turning_line(6, 8.0, 1).astype(np.float64)  # right, into a road along y at x = 14
    passing = car(2, 14.0, -14.0, yaw_rad=math.pi / 2, speed_mps=7.0)
    met = meeting(around(passing), corner, 1.25 * np.arange(1, 15), {})
    assert met is not None and met.wait_m < 18.0
    gone = car(2, 14.0, 30.0, yaw_rad=math.pi / 2, speed_mps=8.0)
    assert meeting(around(gone), corner, 1.25 * np.arange(1, 15), {}) is None


def test_an_oncoming_car_that_turns_across_is_seen_by_its_turning() -> None:
    turning = car(2, 28.0, -3.0, yaw_rad=math.pi, speed_mps=6.0)
    assert meeting(around(turning), LINE, AT_EIGHT, {2: -0.6}) is not None


def test_somebody_who_steps_out_is_waited_for() -> None:
    stepping = dataclasses.replace(person(5, 15.0, 4.0), yaw_rad=-math.pi / 2, speed_mps=1.6)
    met = meeting(around(stepping), LINE, AT_EIGHT, {})
    assert met is not None and 6.0 < met.wait_m < 12.0


def test_rates_of_turning_come_from_two_readings() -> None:
    rates, yaw = TurnRates(TICK_S), 0.0
    for _ in range(40):
        yaw += 0.5 * TICK_S
        found = rates.update(around(car(2, 10.0, 0.0, yaw_rad=yaw)))
    assert found[2] == pytest.approx(0.5, abs=0.02)


def test_a_stop_sign_asks_until_the_car_has_stood_before_it() -> None:
    memory = StopSigns(TICK_S)
    assert memory.update((SignFacts("stop", 30.0),), 8.0) == 30.0
    assert memory.update((SignFacts("limit", 5.0, 30),), 8.0) is None
    assert memory.update((SignFacts("stop", 1.2),), 0.0) == 1.2
    for _ in range(20):
        left = memory.update((SignFacts("stop", 1.2),), 0.0)
    assert left is None
    assert memory.update((SignFacts("stop", 0.4),), 2.0) is None
    assert memory.update((), 4.0) is None
    assert memory.update((SignFacts("stop", 6.0),), 6.0) == 6.0  # the next one


def test_a_car_that_stands_long_without_a_reason_blocks() -> None:
    blocker = Blocker(TICK_S)
    assert not any(blocker.update(7, True, False, 2.0) for _ in range(35))
    assert not blocker.update(7, True, False, 0.5), "it lets go of its brake and may be about to drive"
    assert [blocker.update(7, True, False, 0.5) for _ in range(14)][-3:] == [True] * 3
    assert not blocker.update(7, True, True, 0.5)
    assert not blocker.update(8, True, False, 0.5)


def test_a_shifted_way_clears_the_obstacle_and_comes_back() -> None:
    parked = car(9, 40.0, 0.3)
    first, last = detour.span(around(parked, car(8, 20.0, -3.5)), LINE, parked)
    assert (first, last) == pytest.approx((37.6, 42.4))
    line = detour.shifted(LINE, np.full(111, -3.5), first, last)
    assert np.abs(line[:20, 1]).max() < 0.01 and np.abs(line[70:, 1]).max() < 0.01
    assert line[35:46, 1] == pytest.approx(np.full(11, -3.5))


def test_a_row_of_things_is_gone_round_in_one_go() -> None:
    cones = tuple(
        dataclasses.replace(car(20 + k, 40.0 + 4.0 * k, 0.9 - 0.3 * k, OBSTACLE), half_length=0.2, half_width=0.2)
        for k in range(6)
    )
    far = dataclasses.replace(cones[0], actor_id=40, x=90.0)
    here = dataclasses.replace(around(), obstacles=(*cones, far))
    assert detour.span(here, LINE, cones[0]) == pytest.approx((39.8, 60.2))


def test_a_route_that_leads_past_by_itself_ends_the_detour() -> None:
    parked = car(9, 20.0, 0.0)
    assert not detour.is_over(around(parked), LINE, parked)
    assert detour.is_over(around(parked), np.add(LINE, [0.0, -3.5]), parked)
    assert detour.is_over(
        around(car(9, -12.0, 0.0)), np.column_stack([np.arange(-15.0, 60.0), np.zeros(75)]), car(9, -12.0, 0.0)
    )


def test_the_other_lane_must_be_free_and_farther_against_traffic() -> None:
    parked, last_m = car(9, 30.0, 0.0), 32.4
    along_with, against, aside = Detour(9, -1, -2, False), Detour(9, -1, 1, True), np.full(111, -3.5)
    assert detour.is_free(around(parked), LINE, along_with, aside, last_m)
    assert not detour.is_free(around(parked, car(3, 5.0, -3.5)), LINE, along_with, aside, last_m)
    oncoming = car(4, 80.0, -3.5, yaw_rad=math.pi, speed_mps=8.0)
    assert detour.is_free(around(parked, oncoming), LINE, along_with, aside, last_m)
    assert not detour.is_free(around(parked, oncoming), LINE, against, aside, last_m)


def test_a_route_that_leads_back_into_the_blocked_lane_is_kept_in_the_free_one() -> None:
    metres = np.arange(111.0)
    back = np.column_stack([metres, -3.5 + 3.5 * np.clip((metres - 10.0) / 15.0, 0.0, 1.0)])
    way = Detour(9, -1, -2, False)
    aside = detour.asides(back, way, 60.0, lambda x, y: FakeLane(True, x, y))
    line = detour.shifted(back, aside, 30.0, 60.0)
    assert line[25:66, 1] == pytest.approx(np.full(41, -3.5), abs=0.3)
    assert line[:66, 1].max() < -1.9  # never nearer to the blocked lane than the line between the two
    assert line[80:, 1] == pytest.approx(np.zeros(31), abs=0.01)


def looks(attention: Attention, here: Surroundings, has_left: bool, ticks: int) -> FrameFacts:
    """The facts after some ticks of looking at the same scene."""
    for _ in range(ticks):
        course = attention.way(here, COURSE, lambda x, y: FakeLane(has_left, x, y))
        lanes = Lanes(course, None, None, {}, False, False, False, BesideFacts(None, None), "1:-1:0")
        facts = attention.heeded(frame_facts(here, lanes, eye_of(here.ego, 0.0), only_seen=False), here, course)
    return facts


def test_a_broken_down_car_is_kept_off_and_gone_round_once_the_lane_is_free() -> None:
    parked = car(9, 25.0, 0.0, brakes=True, has_hazard_lights=True)
    busy = around(parked, car(3, 8.0, -3.5))
    attention = Attention()
    waiting = looks(attention, busy, True, 60)
    assert waiting.yield_m is not None and waiting.yield_m < 25.0 - 2.4 - 2.45 - 6.0
    assert waiting.lead is not None
    assert waiting.blocked_m == pytest.approx(25.0 - 2.4 - 2.45)
    rolled = roll_out(waiting, Kind.NONE, 8.0)
    assert sentences.commentary(waiting, 8.0, rolled) == "Stopping for what blocks the lane."
    going = looks(attention, around(parked), True, 2)
    assert going.lead is None and going.yield_m is None
    assert going.blocked_m == pytest.approx(25.0 - 2.4 - 2.45)
    rolled = roll_out(going, Kind.NONE, 8.0)
    assert sentences.commentary(going, 8.0, rolled).endswith("to go round what blocks the lane.")
    assert roll_out(going, Kind.NONE, 4.0).path[19, 1] < -2.0


def test_a_way_round_is_given_up_for_who_comes_before_the_car_has_set_out() -> None:
    for blocked_from_m, leads_round in ((45.0, False), (16.0, True)):
        attention, parked = Attention(), car(9, blocked_from_m, 0.0, has_hazard_lights=True)
        comes = car(3, blocked_from_m + 55.0, -3.5, yaw_rad=math.pi, speed_mps=8.0)
        _, alone, met = (
            attention.way(here, COURSE, lambda x, y: FakeLane(False, x, y))
            for here in (around(parked), around(parked), around(parked, comes))
        )
        assert alone.xy[int(blocked_from_m), 1] < -2.0
        assert (met.xy[int(blocked_from_m), 1] < -2.0) == leads_round


def test_cars_that_wait_at_a_light_are_not_overtaken() -> None:
    waiting = car(9, 25.0, 0.0, brakes=True)
    facts = looks(Attention(), around(waiting), True, 100)
    assert facts.lead is not None and roll_out(facts, Kind.NONE, 4.0).path[19, 1] == pytest.approx(0.0, abs=0.05)


def test_who_was_gone_round_and_drives_on_is_followed_again() -> None:
    attention, stands = Attention(), car(9, 25.0, 0.0)
    assert roll_out(looks(attention, around(stands), True, 60), Kind.NONE, 4.0).path[19, 1] < -2.0
    facts = looks(attention, around(dataclasses.replace(stands, speed_mps=5.0)), True, 1)
    assert facts.lead is not None and roll_out(facts, Kind.NONE, 4.0).path[19, 1] == pytest.approx(0.0, abs=0.05)


def test_who_lets_go_of_the_brake_is_given_time_to_drive_on() -> None:
    attention, waits = Attention(), car(9, 25.0, 0.0, brakes=True)
    looks(attention, around(waits), True, 80)
    facts = looks(attention, around(dataclasses.replace(waits, brakes=False)), True, 20)
    assert facts.lead is not None and roll_out(facts, Kind.NONE, 4.0).path[19, 1] == pytest.approx(0.0, abs=0.05)


def test_a_barrier_on_the_road_is_a_reason_to_change_over() -> None:
    barrier = dataclasses.replace(car(9, 30.0, 0.0, OBSTACLE), half_length=0.3)
    here = dataclasses.replace(around(), obstacles=(barrier,))
    facts = looks(Attention(), here, False, 3)
    assert roll_out(facts, Kind.NONE, 5.0).path[19, 1] < -1.0


def test_the_navigator_points_along_the_lane_where_the_way_leads_round() -> None:
    aside = Course(np.add(LINE, [0.0, -3.5]), COURSE.in_junction, None)
    lanes = Lanes(aside, None, None, {}, False, False, False, BesideFacts(None, None), "1:-1:0")
    facts = frame_facts(around(), lanes, eye_of(around().ego, 0.0), only_seen=False, navigated=COURSE)
    assert facts.route[20, 1] == pytest.approx(-3.5)
    assert facts.target_points[:, 1] == pytest.approx(0.0)


def test_the_plan_is_carried_on_to_the_forecasts_horizon() -> None:
    steady = np.column_stack([np.arange(1, 11) * 2.0, np.zeros(10)]).astype(np.float32)
    assert driven(steady) == pytest.approx(AT_EIGHT)


def test_waiting_is_planned_and_said() -> None:
    for facts, said in (
        (open_road(yield_m=14.0), "Stopping for the vehicle."),
        (open_road(stop_m=14.0), "Stopping for the stop sign."),
    ):
        rolled = roll_out(facts, Kind.NONE, 8.0)
        assert rolled.speed[-1, 0] <= 14.0
        assert sentences.commentary(facts, 8.0, rolled) == said
    stood = roll_out(open_road(stop_m=1.5), Kind.NONE, 0.0)
    assert stood.end_mps > 2.0  # a look alone cannot tell for how long: standing at the line is having stopped
