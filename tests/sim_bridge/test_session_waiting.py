"""A live drive whose world waits for a slow driver: it moves plan by plan, says how far the driver is, can give up."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sim_bridge.interfaces import SlowDriver
from sim_bridge.lockstep import FRAME_MAX_S, TICKS_PER_PLAN, Lockstep
from sim_bridge.messages import (
    Ask,
    Cancel,
    Command,
    DrivePlan,
    DriverInfo,
    Engage,
    Engagement,
    HumanInput,
    Instruction,
    InstructionMode,
    Observation,
    Pause,
    Phase,
    Progress,
    Reason,
    Reset,
    Resume,
    SessionView,
    SetInstruction,
    SetTalkOrder,
    Step,
    TalkOrder,
    Verdict,
)
from sim_bridge.session import CANCELLED as PLAN_GIVEN_UP
from sim_bridge.session import DriveSession, SessionConfig
from sim_bridge.speech import CANCELLED, CUT_OFF
from tests.fakes import MoodyDriver, SteadyDriver, StraightRoad
from tests.sim_bridge.driving import running, seen, until

LAYERS = 24


class PonderingDriver(SteadyDriver):
    """Plans and speaks only as far as it is let: one plan per `plans.release()`, one word per `words.release()`."""

    info = DriverInfo("pondering", "Pondering driver", False, frame_s=2.0)

    def __init__(self, plans: int = 0, words: int = 1000) -> None:
        super().__init__()
        self.report = lambda progress: None
        self.let_plan, self.let_speak = threading.Semaphore(plans), threading.Semaphore(words)
        self.looked_at: list[tuple[int, str]] = []  # tick and instruction of every plan begun

    def plan(self, observation: Observation, instruction: Instruction | None, talk_first: bool = False) -> DrivePlan:
        self.looked_at.append((observation.tick, instruction.text if instruction else ""))
        self._wait(self.let_plan, Progress("looking", 7, LAYERS))
        return super().plan(observation, instruction, talk_first)

    def comment(self, observation: Observation, instruction: Instruction | None) -> Iterator[str]:
        return iter(())

    def answer(self, observation: Observation, question: str) -> Iterator[str]:
        for count, word in enumerate(("I ", "see ", "a ", "road.")):
            self._wait(self.let_speak, Progress("speaking", count))
            yield word

    def _wait(self, allowed: threading.Semaphore, progress: Progress) -> None:
        self.report(progress)
        while not allowed.acquire(timeout=0.005):
            self.report(progress)


def let(driver: PonderingDriver, plans: int) -> None:
    for _ in range(plans):
        driver.let_plan.release()


def planning(session: DriveSession) -> SessionView:
    return seen(session, lambda v: v.progress is not None and v.progress.doing == "plan")


def test_the_world_moves_so_far_on_each_plan_and_no_further() -> None:
    driver = PonderingDriver(plans=3)
    with running(StraightRoad(), driver) as session:
        view = seen(session, lambda v: v.tick == 3 * TICKS_PER_PLAN and v.progress is not None)
        assert [tick for tick, _ in driver.looked_at] == [0, TICKS_PER_PLAN, 2 * TICKS_PER_PLAN, 3 * TICKS_PER_PLAN]
        assert (view.engagement, view.failure, view.phase) == (Engagement.ENGAGED, "", Phase.RUNNING)
        assert view.lockstep_ticks == TICKS_PER_PLAN
        assert view.ego.speed_mps > 0
        let(driver, 1)
        assert seen(session, lambda v: v.tick > 3 * TICKS_PER_PLAN).failure == ""
        later = seen(session, lambda v: v.tick == 4 * TICKS_PER_PLAN)
        assert 0 < later.real_time_factor < 1


def test_how_far_the_driver_is_can_be_seen() -> None:
    with running(StraightRoad(), PonderingDriver()) as session:
        view = planning(session)
        assert view.progress is not None
        assert (view.progress.stage, view.progress.done, view.progress.of) == ("looking", 7, LAYERS)
        first = view.progress.elapsed_s
        assert first >= 0.4
        assert seen(session, lambda v: v.progress is not None and v.progress.elapsed_s > first + 0.2).tick == 0


def test_a_plan_nobody_waits_for_pauses_the_drive_and_resuming_plans_anew() -> None:
    driver = PonderingDriver()
    with running(StraightRoad(), driver) as session:
        planning(session)
        assert session.submit(Cancel()).verdict is Verdict.ACCEPTED
        view = seen(session, lambda v: v.phase is Phase.PAUSED and v.progress is None)
        assert "Resume plans anew" in view.notice
        assert (view.tick, view.failure) == (0, "")
        assert session.submit(Cancel()).verdict is Verdict.REFUSED
        let(driver, 1)
        session.submit(Resume())
        view = seen(session, lambda v: v.tick == TICKS_PER_PLAN)
        assert (view.phase, view.notice) == (Phase.RUNNING, "")


def test_an_instruction_on_the_frozen_frame_is_planned_and_can_be_given_up() -> None:
    driver = PonderingDriver(plans=1)
    with running(StraightRoad(), driver) as session:
        seen(session, lambda v: v.tick == TICKS_PER_PLAN)
        session.submit(Pause())
        seen(session, lambda v: v.phase is Phase.PAUSED)
        session.submit(SetInstruction("stop", InstructionMode.FOLLOW))
        until(lambda: driver.looked_at[-1] == (TICKS_PER_PLAN, "stop"))
        planning(session)
        session.submit(Cancel())
        seen(session, lambda v: v.progress is None and v.notice == PLAN_GIVEN_UP)
        session.submit(SetInstruction("stop", InstructionMode.FOLLOW))
        seen(session, lambda v: v.notice == "")
        let(driver, 1)
        view = seen(session, lambda v: v.instruction_acting is not None)
        assert view.notice == ""
        assert (view.tick, view.target_speed_mps, view.phase) == (TICKS_PER_PLAN, 0.0, Phase.PAUSED)


def test_another_instruction_drops_the_plan_in_the_making() -> None:
    driver = PonderingDriver()
    with running(StraightRoad(), driver) as session:
        planning(session)
        session.submit(SetInstruction("stop", InstructionMode.FOLLOW))
        until(lambda: driver.looked_at == [(0, ""), (0, "stop")])
        let(driver, 1)
        view = seen(session, lambda v: v.instruction_acting is not None)
        assert view.phase is Phase.RUNNING


def test_a_question_is_answered_whole_before_the_next_plan() -> None:
    driver = PonderingDriver()
    with running(StraightRoad(), driver) as session:
        planning(session)
        session.submit(Ask("what do you see?", 5))
        seen(session, lambda v: bool(v.answers))
        let(driver, 1)
        view = seen(session, lambda v: bool(v.answers) and v.answers[-1].is_final)
        assert view.answers[-1].text == "I see a road."
        assert len(driver.looked_at) <= 2


@pytest.mark.parametrize(("words", "text", "error"), [(2, "I see " + CUT_OFF, ""), (0, "", CANCELLED)])
def test_an_answer_can_be_given_up_and_keeps_what_was_said(words: int, text: str, error: str) -> None:
    driver = PonderingDriver(plans=1, words=words)
    with running(StraightRoad(), driver) as session:
        seen(session, lambda v: v.tick == TICKS_PER_PLAN)
        planning(session)
        session.submit(Cancel())
        seen(session, lambda v: v.phase is Phase.PAUSED and v.progress is None)
        session.submit(Ask("what do you see?", 5))
        view = seen(session, lambda v: v.progress is not None and v.progress.doing == "answer")
        assert view.progress is not None
        assert view.progress.of == 0
        session.submit(Cancel())
        answer = seen(session, lambda v: v.answers[-1].is_final).answers[-1]
        assert (answer.text, answer.error) == (text, error)
        for _ in range(4):
            driver.let_speak.release()
        session.submit(Ask("and now?", 6))
        assert seen(session, lambda v: v.answers[-1].is_final and v.answers[-1].question_id == 6).answers[-1].text


def test_a_person_drives_in_realtime_and_the_driver_gets_the_car_back_with_a_plan_for_here() -> None:
    driver = PonderingDriver(plans=1)
    with running(StraightRoad(), driver) as session:
        seen(session, lambda v: v.tick == TICKS_PER_PLAN)
        hands = [HumanInput("ann", seq, throttle=0.5, steer=0.01 * (seq % 2) + 0.02) for seq in range(1, 400)]
        stop = threading.Event()
        sender = threading.Thread(target=lambda: [session.submit(h) for h in hands if not stop.wait(0.05)], daemon=True)
        sender.start()
        view = seen(session, lambda v: v.engagement is Engagement.MANUAL and v.tick >= 30)
        assert view.failure == ""
        stop.set()
        sender.join(5.0)
        session.submit(Engage())
        seen(session, lambda v: v.engagement is Engagement.ENGAGED)
        tick = seen(session, lambda v: v.progress is not None and v.progress.doing == "plan").tick
        let(driver, 2)  # the plan that was begun under way, and the one for here
        until(lambda: (tick, "") in driver.looked_at)
        assert seen(session, lambda v: v.tick == tick + TICKS_PER_PLAN).engagement is Engagement.ENGAGED


def test_one_step_of_a_paused_drive_needs_its_plan() -> None:
    driver = PonderingDriver()
    with running(StraightRoad(), driver) as session:
        planning(session)
        session.submit(Pause())
        seen(session, lambda v: v.phase is Phase.PAUSED)
        session.submit(Step(2))
        let(driver, 1)
        assert seen(session, lambda v: v.tick == 2).phase is Phase.PAUSED


def test_a_reset_does_not_wait_for_the_plan_of_the_episode_before() -> None:
    driver = PonderingDriver()
    with running(StraightRoad(), driver) as session:
        planning(session)
        session.submit(Reset())
        until(lambda: len(driver.looked_at) == 2)
        let(driver, 1)
        assert seen(session, lambda v: v.episode == 2 and v.tick == TICKS_PER_PLAN).failure == ""


def test_who_is_waited_for_is_decided_by_its_frame_time() -> None:
    assert isinstance(PonderingDriver(), SlowDriver)
    assert not isinstance(SteadyDriver(), SlowDriver)
    assert Lockstep(None, FRAME_MAX_S * 1.1).ticks == TICKS_PER_PLAN
    assert not Lockstep(None, FRAME_MAX_S * 0.9).is_on
    assert Lockstep(1, 0.0).ticks == 1
    assert not Lockstep(0, 100.0).is_on


def test_a_slow_driver_is_not_taken_for_a_hung_one_while_it_reports() -> None:
    driver = PonderingDriver()
    with running(StraightRoad(), driver, SessionConfig(driver_stuck_s=0.05)) as session:
        session._stuck_s = 0.3
        view = seen(session, lambda v: v.progress is not None and v.progress.elapsed_s > 0.8)
        assert view.phase is Phase.RUNNING


@pytest.mark.parametrize(
    ("mood", "reason"), [("raises", Reason.DRIVER_FAILED), ("nan", Reason.PLAN_INVALID), ("jumps", Reason.PLAN_INVALID)]
)
def test_a_plan_that_goes_wrong_stops_the_car_and_the_driver_is_asked_again(mood: str, reason: Reason) -> None:
    driver = MoodyDriver()
    with running(StraightRoad(), driver, SessionConfig(lockstep_ticks=TICKS_PER_PLAN)) as session:
        seen(session, lambda v: v.ego.speed_mps > 1.0)
        driver.mood = mood
        view = seen(session, lambda v: v.engagement is Engagement.SAFE_STOP)
        assert view.engagement_reason is reason and view.failure
        plans = driver.plans
        until(lambda: driver.plans > plans + 3)
        driver.mood = "good"
        view = seen(session, lambda v: v.engagement is Engagement.ENGAGED)
        assert (view.engagement_reason, view.failure) == (Reason.PLAN_RECOVERED, "")
        seen(session, lambda v: v.tick > view.tick + 2 * TICKS_PER_PLAN)


@pytest.mark.parametrize(
    "command", [SetInstruction("", InstructionMode.FOLLOW), SetTalkOrder(TalkOrder.ALONGSIDE)], ids=["clear", "order"]
)
def test_what_changes_nothing_does_not_lose_the_plan_in_the_making(command: Command) -> None:
    driver = PonderingDriver()
    with running(StraightRoad(), driver) as session:
        planning(session)
        session.submit(command)
        until(lambda: len(driver.looked_at) == 2)
        let(driver, 1)
        assert seen(session, lambda v: v.tick == TICKS_PER_PLAN).failure == ""
