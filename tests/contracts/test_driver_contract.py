"""What every Driver promises, asked of each one there is. A driver whose weights are not shipped is skipped aloud."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sim_bridge.acting_plan import ActingPlan
from sim_bridge.carla_config import CarlaConfig
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.interfaces import Driver
from sim_bridge.messages import (
    Control,
    DriverInfo,
    Instruction,
    InstructionKind,
    InstructionMode,
    Observation,
)
from sim_bridge.plan_checks import objection
from sim_bridge.tracker import desired_speed
from tests.fakes import SteadyDriver, StraightRoad

POCKET = Path(__file__).resolve().parents[2] / "assets" / "pocket"


@dataclass
class Seat:
    """A driver, and what it sees: the car standing at a start, and rolling along a little later."""

    driver: Driver
    standing: Observation
    rolling: Observation
    is_trained: bool = True


@pytest.fixture(scope="module", params=["SteadyDriver", "TeacherDriver", "PocketDriver", "SimLingoDriver"])
def seat(request: pytest.FixtureRequest) -> Iterator[Seat]:
    if request.param == "SteadyDriver":
        yield from _kept(SteadyDriver(), StraightRoad())
        return
    if request.param == "SimLingoDriver":
        folder = request.getfixturevalue("tmp_path_factory").mktemp("simlingo")
        yield from _kept(_random_simlingo(folder), StraightRoad(), is_trained=False)
        return
    if request.param == "PocketDriver" and not any(POCKET.glob("*.safetensors")):
        pytest.skip("assets/pocket holds no weights")
    port = request.getfixturevalue("embedded_port")
    with CarlaSimulator(CarlaConfig(port=port, traffic_vehicles=0, is_embedded=True, chase_camera=None)) as simulator:
        yield from _kept(_made(request.param, simulator), simulator)


def _made(name: str, simulator: CarlaSimulator) -> Driver:
    if name == "TeacherDriver":
        from model.teacher.driver import TeacherDriver

        return TeacherDriver(simulator)
    from model.pocket.driver import PocketDriver

    return PocketDriver(POCKET)


def _random_simlingo(folder: Path) -> Driver:
    """The real thing at toy width; its random weights obey nobody, and its tokenizer knows our prompts."""
    import torch

    from model.simlingo import convert
    from model.simlingo.driver import SimLingoDriver

    torch.set_num_threads(1)  # on a busy machine a second thread is waited for longer than it helps
    return SimLingoDriver.load(convert.write_random(folder, is_full=False), folder / "tokenizer", device="cpu")


def _kept(driver: Driver, simulator: StraightRoad | CarlaSimulator, is_trained: bool = True) -> Iterator[Seat]:
    standing = simulator.reset(1)
    for _ in range(25):
        rolling = simulator.step(Control(throttle=0.7))
    yield Seat(driver, standing, rolling, is_trained)
    driver.close()
    driver.close()


def test_it_says_who_it_is(seat: Seat) -> None:
    info = seat.driver.info
    assert isinstance(info, DriverInfo) and info.name and info.label


def test_its_plans_may_be_followed_and_say_what_they_are_about(seat: Seat) -> None:
    for seen in (seat.standing, seat.rolling):
        plan = seat.driver.plan(seen, None)
        assert objection(plan) == ""
        assert plan.path_xy_in_ego.shape == (20, 2) and plan.speed_xy_in_ego.shape == (10, 2)
        assert (plan.episode, plan.made_at_tick, plan.made_from) == (seen.episode, seen.tick, seen.ego)
        assert plan.instruction_serial == 0 and plan.reads_instruction_as is InstructionKind.NONE
        assert plan.inference_ms >= 0.0
        acting = ActingPlan()
        acting.restart(seen.episode)
        assert acting.take(plan) and acting.control(seen) is not None


def test_the_same_picture_gives_the_same_plan(seat: Seat) -> None:
    first, again = seat.driver.plan(seat.rolling, None), seat.driver.plan(seat.rolling, None)
    assert np.allclose(first.path_xy_in_ego, again.path_xy_in_ego, atol=1e-5)
    assert np.allclose(first.speed_xy_in_ego, again.speed_xy_in_ego, atol=1e-5)


def test_stop_is_understood_and_planned(seat: Seat) -> None:
    asked = Instruction("stop", InstructionMode.FOLLOW, 17)
    plan = seat.driver.plan(seat.rolling, asked)
    assert (plan.instruction_serial, plan.reads_instruction_as) == (17, InstructionKind.STOP)
    if seat.is_trained:
        assert desired_speed(plan.speed_xy_in_ego, 1.0) < seat.rolling.ego.speed_mps


def test_it_never_changes_what_it_was_shown(seat: Seat) -> None:
    before = seat.rolling.target_points_xy_in_ego.copy()
    seat.driver.plan(seat.rolling, None)
    assert np.array_equal(seat.rolling.target_points_xy_in_ego, before)


def test_its_words_come_in_pieces_and_end(seat: Seat) -> None:
    for words in (seat.driver.comment(seat.rolling, None), seat.driver.answer(seat.rolling, "is the light red?")):
        pieces = list(words)
        assert all(isinstance(piece, str) for piece in pieces)
        assert 3 <= len("".join(pieces).strip()) <= 600


def test_a_plan_between_two_words_does_not_garble_the_sentence(seat: Seat) -> None:
    whole = "".join(seat.driver.answer(seat.rolling, "how fast are you?"))
    spoken = []
    for piece in seat.driver.answer(seat.rolling, "how fast are you?"):
        spoken.append(piece)
        seat.driver.plan(seat.standing, None)
    assert "".join(spoken) == whole
