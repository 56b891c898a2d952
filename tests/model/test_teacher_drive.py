"""The teacher at the wheel of a real embedded world, in lockstep: it gets along, obeys words, and waits at red."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from model.teacher.driver import TeacherDriver
from model.training import evaluate_drive
from model.training.own_world import own_world
from sim_bridge.carla_config import CarlaConfig
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.messages import Instruction, InstructionKind, InstructionMode, Manoeuvre, Observation
from sim_bridge.tracker import Tracker

PORT = 23700
SEEDS_THAT_FIT: list[int] = []


@pytest.fixture(scope="module")
def simulator() -> Iterator[CarlaSimulator]:
    with own_world("Backseat01", 5, PORT) as port:
        config = CarlaConfig(port=port, traffic_vehicles=0, chase_camera=None, is_embedded=True)
        with CarlaSimulator(config) as made:
            yield made


def told(text: str, mode: InstructionMode = InstructionMode.FOLLOW) -> Instruction:
    return Instruction(text, mode, 3)


def drive(
    simulator: CarlaSimulator, seen: Observation, ticks: int, instruction: Instruction | None = None
) -> Observation:
    teacher, tracker = TeacherDriver(simulator), Tracker()
    for _ in range(ticks):
        plan = teacher.plan(seen, instruction)
        seen = simulator.step(tracker.control(plan, seen.ego, 0.0))
    return seen


def two_lane_start(simulator: CarlaSimulator) -> Observation:
    """A start with a free lane on the left and no junction near: the first seed that has one."""
    for seed in [SEEDS_THAT_FIT[-1]] if SEEDS_THAT_FIT else range(100, 160):
        seen = simulator.reset(seed)
        facts = TeacherDriver(simulator).facts(seen)
        if facts.lane_left is not None and facts.may_change_left and facts.junction_m is None:
            SEEDS_THAT_FIT.append(seed)
            return seen
    raise AssertionError("no start of the town has a lane on its left")


def test_it_drives_off_obeys_words_and_stops(simulator: CarlaSimulator) -> None:
    seen = drive(simulator, two_lane_start(simulator), 80)
    assert seen.ego.speed_mps > 6.0 and not simulator.collisions
    seen = drive(simulator, seen, 60, told("keep 5 m/s"))
    assert seen.ego.speed_mps == pytest.approx(5.0, abs=0.8)
    seen = drive(simulator, seen, 60, told("stop here"))
    assert seen.ego.speed_mps < 0.2 and not simulator.collisions


def test_it_changes_the_lane_and_the_world_says_when_it_is_done(simulator: CarlaSimulator) -> None:
    seen = drive(simulator, two_lane_start(simulator), 40)
    simulator.begin(InstructionKind.LANE_LEFT)
    for _ in range(160):
        seen = drive(simulator, seen, 1, told("change to the left lane"))
        if simulator.progress(InstructionKind.LANE_LEFT) is Manoeuvre.DONE:
            break
    assert simulator.progress(InstructionKind.LANE_LEFT) is Manoeuvre.DONE and not simulator.collisions


def test_it_refuses_in_words_what_the_mode_does_not_allow(simulator: CarlaSimulator) -> None:
    seen = drive(simulator, two_lane_start(simulator), 30)
    teacher = TeacherDriver(simulator)
    unsafe = told("keep 40 m/s", InstructionMode.SAFETY)
    plan = teacher.plan(seen, unsafe, talk_first=True)
    assert plan.reads_instruction_as is InstructionKind.TARGET_SPEED
    assert plan.commentary == "That is above the speed limit."
    assert "".join(teacher.comment(seen, told("tell me a joke"))) == "I can only follow driving instructions."
    assert teacher.plan(seen, told("tell me a joke")).reads_instruction_as is InstructionKind.UNCLEAR
    assert "".join(teacher.answer(seen, "how fast are you driving?")).startswith("I am driving at ")
    assert teacher.info.is_privileged


def test_it_waits_at_a_light_that_is_held_red(simulator: CarlaSimulator) -> None:
    scores = evaluate_drive.reds(simulator, lambda: TeacherDriver(simulator), 1, 11, lambda line: None)
    assert scores[0].end == "waits" and 0.0 < scores[0].stopped_before_line_m < 4.0


class _Blind:
    """Obeys "go" in FOLLOW mode for ever: it drives well and never stops for a light."""

    def __init__(self, simulator: CarlaSimulator) -> None:
        self._teacher = TeacherDriver(simulator)
        self.info = self._teacher.info

    def plan(self, observation: Observation, instruction: Instruction | None, talk_first: bool = False):
        return self._teacher.plan(observation, told("go"))

    def comment(self, observation: Observation, instruction: Instruction | None) -> Iterator[str]:
        yield ""

    def answer(self, observation: Observation, question: str) -> Iterator[str]:
        yield ""

    def close(self) -> None:
        return


def test_a_driver_that_ignores_the_light_is_caught(simulator: CarlaSimulator) -> None:
    scores = evaluate_drive.reds(simulator, lambda: _Blind(simulator), 1, 11, lambda line: None)
    assert scores[0].end == "ran the light"
