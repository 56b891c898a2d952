"""A car that does not get on is freed: it backs out of what it pushes against, and creeps where nothing holds it."""

from __future__ import annotations

import math

import pytest

from sim_bridge.messages import (
    Clearance,
    Engage,
    Engagement,
    HumanInput,
    InstructionMode,
    SessionView,
    SetInstruction,
    Takeover,
)
from sim_bridge.session import DriveSession, SessionConfig
from sim_bridge.stuck import BACK_M, BACKS_OUT, CREEPS, PUSHES_S, STANDS_S, STUCK, TRIES
from tests.fakes import SteadyDriver, StraightRoad

TICKS_PER_S = 20


class WalledRoad(StraightRoad):
    """A wall across the road that no plan knows of; a car that was backed out finds it gone where `gives_way`."""

    def __init__(self, at_x_m: float = 20.0, gives_way: bool = False) -> None:
        super().__init__()
        self.at_x_m, self.gives_way = at_x_m, gives_way
        self.went_back_m = 0.0
        self._far_m = 0.0

    def step(self, control):  # type: ignore[no-untyped-def]
        self.is_walled_in = self._ego.x_m >= self.at_x_m and not control.reverse
        observation = super().step(control)
        self._far_m = max(self._far_m, self._ego.x_m)
        self.went_back_m = max(self.went_back_m, self._far_m - self._ego.x_m)
        if self.gives_way and self.went_back_m > 1.0:
            self.at_x_m = math.inf
        return observation


def drive(road: StraightRoad, seconds: float, speed_mps: float = 5.0) -> tuple[DriveSession, list[SessionView]]:
    session, seen = DriveSession(road, SteadyDriver(speed_mps), SessionConfig(has_pictures=False)), []
    session.observe(seen.append)
    session.advance(round(seconds * TICKS_PER_S))
    return session, seen


def notices(seen: list[SessionView]) -> list[str]:
    """Each sentence once, in order."""
    return list(dict.fromkeys(view.notice for view in seen if view.notice))


def test_a_car_that_pushes_backs_out_straight_says_so_and_drives_on() -> None:
    road = WalledRoad(gives_way=True)
    session, seen = drive(road, 30.0)
    assert notices(seen) == [BACKS_OUT]
    assert BACK_M <= road.went_back_m < BACK_M + 1.5
    assert all(control.steer == 0.0 for control in road.controls if control.reverse)
    assert all(view.is_being_freed for view in seen if view.control.reverse)
    assert not session.view().is_being_freed
    assert session.view().ego.speed_mps == pytest.approx(5.0, abs=1.0)
    assert session.view().ego.x_m > 40.0
    assert session.view().engagement is Engagement.ENGAGED


def test_a_moment_of_pushing_is_not_yet_being_stuck() -> None:
    road = WalledRoad()
    session, seen = drive(road, 5.0)
    at_wall_s = next(k for k, view in enumerate(seen) if view.ego.x_m >= road.at_x_m) / TICKS_PER_S
    session.advance(round((at_wall_s + PUSHES_S - 1.0) * TICKS_PER_S) - len(seen))
    assert not notices(seen) and road.went_back_m == 0.0


def test_after_some_tries_at_one_place_it_is_a_persons_turn() -> None:
    road = WalledRoad()
    _, seen = drive(road, 50.0)
    backs = [k for k in range(1, len(road.controls)) if road.controls[k].reverse and not road.controls[k - 1].reverse]
    assert len(backs) == TRIES
    assert notices(seen) == [BACKS_OUT, STUCK] and seen[-1].notice == STUCK


def test_it_does_not_back_into_somebody() -> None:
    road = WalledRoad()
    road.room = Clearance(math.inf, 1.0)
    _, seen = drive(road, 30.0)
    assert road.went_back_m == 0.0 and notices(seen) == [STUCK]


def test_it_stops_backing_when_the_room_ends() -> None:
    road = WalledRoad()
    session, _ = drive(road, 8.0)
    while not road.controls[-1].reverse:
        session.advance(1)
    road.room = Clearance(math.inf, 0.8)
    session.advance(40)
    assert road.went_back_m < 1.0


def test_a_person_at_the_wheel_ends_it_at_once_and_is_never_moved() -> None:
    road = WalledRoad()
    session, seen = drive(road, 8.0)
    while not road.controls[-1].reverse:
        session.advance(1)
    session.submit(Takeover("ann"))
    begun = len(road.controls)
    for k in range(20 * TICKS_PER_S):
        session.submit(HumanInput("ann", k + 1, throttle=1.0))
        session.advance(1)
    mine = road.controls[begun:]
    assert not any(control.reverse and control.throttle for control in mine)
    assert seen[-1].holder == "ann" and not seen[-1].notice
    session.submit(Engage())
    session.advance(2)
    assert not road.controls[-1].reverse, "what was begun before the person is not gone on with"


def test_a_car_that_stands_for_nothing_creeps_and_says_so() -> None:
    road = StraightRoad()
    _, seen = drive(road, STANDS_S + 2.0, speed_mps=0.0)
    assert notices(seen) == [CREEPS]
    crept = [control for control in road.controls if control.throttle > 0.0]
    assert len(crept) == 15 and seen[-1].ego.x_m > 0.2


@pytest.mark.parametrize("room", [Clearance(math.inf, math.inf, waits_at_light=True), Clearance(6.0, math.inf)])
def test_a_car_that_waits_for_a_light_or_somebody_ahead_stays(room: Clearance) -> None:
    road = StraightRoad()
    road.room = room
    _, seen = drive(road, 1.5 * STANDS_S, speed_mps=0.0)
    assert not notices(seen) and not any(control.throttle for control in road.controls)


def test_a_light_that_turned_green_gives_the_driver_its_whole_time() -> None:
    road = StraightRoad()
    road.room = Clearance(math.inf, math.inf, waits_at_light=True)
    session, seen = drive(road, STANDS_S, speed_mps=0.0)
    road.room = Clearance(math.inf, math.inf)
    session.advance(round((STANDS_S - 1.5) * TICKS_PER_S))
    assert not notices(seen)
    session.advance(3 * TICKS_PER_S)
    assert notices(seen) == [CREEPS]


def test_a_car_that_was_told_to_stop_stays() -> None:
    road = StraightRoad()
    session, seen = drive(road, 2.0)
    session.submit(SetInstruction("stop", InstructionMode.FOLLOW))
    session.advance(round(1.5 * STANDS_S * TICKS_PER_S))
    assert seen[-1].ego.speed_mps == 0.0 and CREEPS not in notices(seen)
