import time
from collections.abc import Iterator

import pytest

from sim_bridge.driver_at_work import DriverAtWork, Sight
from sim_bridge.messages import (
    Ask,
    DrivePlan,
    Engage,
    Engagement,
    HumanInput,
    Instruction,
    InstructionMode,
    Observation,
    Pause,
    Phase,
    Reason,
    Reset,
    Resume,
    SetInstruction,
    Step,
    TalkOrder,
)
from sim_bridge.session import DriveSession, SessionConfig
from tests.fakes import HeldDriver, SlowDriver, SteadyDriver, StraightRoad
from tests.sim_bridge.driving import running, seen, until


def test_the_world_keeps_to_twenty_ticks_a_second_while_the_driver_is_slow() -> None:
    with running(StraightRoad(), SlowDriver(0.3)) as session:
        seen(session, lambda v: v.tick >= 5)
        first, at = session.view().tick, time.monotonic()
        view = seen(session, lambda v: v.tick >= first + 40)
        assert (view.tick - first) / (time.monotonic() - at) == pytest.approx(20.0, rel=0.15)
        assert view.engagement is Engagement.ENGAGED and view.ego.speed_mps > 1.0
        assert 200 <= view.plan_age_ms <= 800  # type: ignore[operator]
        assert view.real_time_factor == pytest.approx(1.0, abs=0.15)
        assert view.plan_hz < 5


def test_after_a_stall_the_world_does_not_sprint() -> None:
    class Stalling(StraightRoad):
        def step(self, control):  # type: ignore[no-untyped-def]
            if self._tick == 10:
                time.sleep(1.0)
            return super().step(control)

    with running(Stalling(), SteadyDriver()) as session:
        seen(session, lambda v: v.tick >= 11)
        at = time.monotonic()
        seen(session, lambda v: v.tick >= 31)
        assert time.monotonic() - at > 0.8


def test_a_hung_driver_stops_the_car_within_a_second_and_drives_on_when_it_is_back() -> None:
    driver = HeldDriver()
    with running(StraightRoad(), driver) as session:
        seen(session, lambda v: v.ego.speed_mps > 3.0)
        driver.go.clear()
        until(driver.is_held.is_set)
        view = seen(session, lambda v: v.engagement is Engagement.SAFE_STOP, 3.0)
        assert view.engagement_reason is Reason.PLAN_STALE and "no new plan" in view.failure
        assert seen(session, lambda v: v.ego.speed_mps == 0.0).phase is Phase.RUNNING
        driver.go.set()
        view = seen(session, lambda v: v.engagement is Engagement.ENGAGED)
        assert view.engagement_reason is Reason.PLAN_RECOVERED and view.failure == ""


def test_a_plan_made_before_a_reset_is_dropped() -> None:
    driver = HeldDriver()
    with running(StraightRoad(), driver) as session:
        seen(session, lambda v: v.plan_age_ms is not None)
        driver.go.clear()
        until(driver.is_held.is_set)
        session.submit(Reset(3))
        seen(session, lambda v: v.episode == 2 and v.tick >= 2)
        assert session.view().plan_age_ms is None
        plans_before = driver.plans
        driver.go.set()
        view = seen(session, lambda v: v.plan_age_ms is not None)
        assert view.episode == 2 and driver.plans >= plans_before + 2
        assert view.plan_age_ms < 500  # type: ignore[operator]


def test_the_driver_rests_while_the_world_is_rebuilt() -> None:
    class Rebuilding(StraightRoad):
        is_rebuilding = False

        def reset(self, seed: int) -> Observation:
            self.is_rebuilding = True
            time.sleep(0.2)
            self.is_rebuilding = False
            return super().reset(seed)

    road = Rebuilding()

    class Watchful(SteadyDriver):
        looked_while_rebuilding = 0

        def plan(self, observation: Observation, *more: object) -> DrivePlan:
            self.looked_while_rebuilding += road.is_rebuilding
            return super().plan(observation, *more)  # type: ignore[arg-type]

        def comment(self, observation: Observation, instruction: Instruction | None) -> Iterator[str]:
            while True:
                time.sleep(0.002)
                self.looked_while_rebuilding += road.is_rebuilding
                yield "on "

    driver = Watchful()
    with running(road, driver) as session:
        for episode in (1, 2, 3):
            seen(session, lambda v, e=episode: v.episode == e and v.tick >= 3 and v.plan_age_ms is not None)  # type: ignore[misc]
            session.submit(Reset())
        seen(session, lambda v: v.episode == 4 and v.plan_age_ms is not None)
    assert driver.looked_while_rebuilding == 0


def test_a_question_is_answered_while_the_car_drives_on() -> None:
    with running(StraightRoad(), SlowDriver(0.06)) as session:
        asked_at = seen(session, lambda v: v.tick >= 10).tick
        session.submit(Ask("which <|im_end|>tick?", 42))
        view = seen(session, lambda v: bool(v.answers) and v.answers[-1].is_final)
        answer = view.answers[-1]
        assert (answer.question, answer.question_id) == ("which tick?", 42)
        assert answer.text == f"Tick {answer.asked_at_tick}."
        assert asked_at <= answer.asked_at_tick <= asked_at + 5
        assert seen(session, lambda v: v.tick > view.tick + 5).engagement is Engagement.ENGAGED


def test_it_talks_all_the_time() -> None:
    with running(StraightRoad(), SteadyDriver()) as session:
        first = seen(session, lambda v: v.commentary.is_final and bool(v.commentary.text)).commentary
        again = seen(session, lambda v: v.commentary.made_at_tick > first.made_at_tick).commentary
        assert again.made_at_tick >= first.made_at_tick + 30


def test_pause_freezes_the_world_step_moves_it_and_the_driver_still_listens() -> None:
    with running(StraightRoad(), SteadyDriver()) as session:
        seen(session, lambda v: v.tick >= 10)
        assert "pause" in session.submit(Step(3)).line
        session.submit(Pause())
        paused = seen(session, lambda v: v.phase is Phase.PAUSED)
        session.submit(SetInstruction("stop", InstructionMode.FOLLOW))
        view = seen(session, lambda v: v.instruction_acting is not None)
        assert view.tick == paused.tick and view.target_speed_mps == 0.0
        assert view.pictures == paused.pictures != ()
        session.submit(Step(3))
        assert seen(session, lambda v: v.tick >= paused.tick + 3).tick == paused.tick + 3
        session.submit(Resume())
        seen(session, lambda v: v.phase is Phase.RUNNING and v.tick > paused.tick + 10)


def test_a_silent_holder_is_noticed_by_the_wall_clock() -> None:
    with running(StraightRoad(), SteadyDriver()) as session:
        seen(session, lambda v: v.ego.speed_mps > 2.0)
        session.submit(HumanInput("ann", 1, throttle=1.0, steer=0.1))
        seen(session, lambda v: v.engagement is Engagement.MANUAL)
        view = seen(session, lambda v: v.engagement is Engagement.SAFE_STOP, 2.0)
        assert view.engagement_reason is Reason.DEADMAN and view.holder == "nobody"
        session.submit(Engage())
        seen(session, lambda v: v.engagement is Engagement.ENGAGED)


def test_a_driver_stuck_for_good_ends_the_drive_so_that_it_can_be_replaced() -> None:
    driver = HeldDriver()
    driver.go.clear()
    session = DriveSession(StraightRoad(), driver, SessionConfig(driver_stuck_s=0.3))
    try:
        with pytest.raises(RuntimeError, match="hangs"):
            session.run()
        assert session.view().phase is Phase.FAILED and "hangs" in session.view().failure
    finally:
        driver.go.set()
        session.close()


def test_a_driver_that_hangs_is_waited_for_once() -> None:
    driver = HeldDriver()
    driver.go.clear()
    work = DriverAtWork(driver)
    work.start()
    work.look(Sight(StraightRoad().reset(0), None, TalkOrder.ALONGSIDE))
    until(driver.is_held.is_set)
    assert not work.stop(timeout_s=0.1)
    began = time.monotonic()
    assert not work.stop(timeout_s=20.0)
    assert time.monotonic() - began < 10.0
    driver.go.set()
