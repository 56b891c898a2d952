"""What goes wrong while SimLingo drives: a person reads one sentence, the car brakes, and it goes on after it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from model.simlingo.driver import SimLingoDriver
from model.simlingo.runtime import Runtime
from sim_bridge.messages import (
    FRONT_CAMERA,
    Ask,
    CameraFrame,
    Engagement,
    InstructionMode,
    Observation,
    SetInstruction,
    Verdict,
)
from sim_bridge.session import DriveSession, SessionConfig
from tests.fakes import StraightRoad


class TroubledRoad(StraightRoad):
    """`change` is made to every observation."""

    change: Callable[[Observation], Observation] = staticmethod(lambda seen: seen)

    def _observation(self) -> Observation:
        return self.change(super()._observation())


def small_picture(seen: Observation) -> Observation:
    camera = replace(FRONT_CAMERA, width_px=640, height_px=360)
    return replace(seen, frames=(CameraFrame(camera, np.zeros((360, 640, 3), np.uint8), seen.tick),))


def points(x: float) -> Callable[[Observation], Observation]:
    return lambda seen: replace(seen, target_points_xy_in_ego=np.array([[x, 0.0], [20.0, 0.0]], np.float32))


@contextmanager
def on_the_road(change: Callable[[Observation], Observation], road: TroubledRoad) -> Iterator[None]:
    road.change = change
    yield
    road.change = TroubledRoad.change


@contextmanager
def a_full_gpu(runtime: Runtime) -> Iterator[None]:
    def full(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")

    read, runtime.reader.read = runtime.reader.read, full
    try:
        yield
    finally:
        runtime.reader.read = read


Trouble = Callable[[Runtime, TroubledRoad], AbstractContextManager[None]]
TROUBLES: dict[str, tuple[Trouble, str]] = {
    "a GPU without memory": (lambda runtime, road: a_full_gpu(runtime), "the GPU has no memory left.*close what else"),
    "a picture of another size": (
        lambda runtime, road: on_the_road(small_picture, road),
        r"1024x512 RGB uint8 picture, got shape \(360, 640, 3\).*put a camera",
    ),
    "a target point that is no number": (
        lambda runtime, road: on_the_road(points(float("nan")), road),
        "within 1000 m of the car.*reset the drive",
    ),
    "a target point 10 km away": (
        lambda runtime, road: on_the_road(points(10_000.0), road),
        "within 1000 m of the car.*reset the drive",
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_under_way_is_one_sentence_and_a_car_that_brakes(name: str, toy_runtime: Runtime) -> None:
    trouble, sentence = TROUBLES[name]
    road = TroubledRoad()
    session = DriveSession(road, SimLingoDriver(toy_runtime), SessionConfig(has_pictures=False))
    try:
        assert session.advance(2).failure == ""
        with trouble(toy_runtime, road):
            view = session.advance(3)
            assert view.engagement is Engagement.SAFE_STOP
            assert view.control.brake > 0
            assert re.search(sentence, view.failure)
            assert "\n" not in view.failure
        view = session.advance(3)
        assert (view.engagement, view.failure) == (Engagement.ENGAGED, "")
    finally:
        session.close()


def test_4000_characters_are_refused_with_a_sentence_and_the_drive_goes_on(toy_runtime: Runtime) -> None:
    session = DriveSession(StraightRoad(), SimLingoDriver(toy_runtime), SessionConfig(has_pictures=False))
    try:
        session.advance(1)
        for command in (SetInstruction("turn " * 800, InstructionMode.FOLLOW), Ask("why " * 1000, 1)):
            result = session.submit(command)
            assert result.verdict is Verdict.REFUSED
            assert "4" in result.line and "\n" not in result.line
        assert session.advance(1).failure == ""
    finally:
        session.close()
