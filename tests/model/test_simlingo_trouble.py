"""What goes wrong while SimLingo drives: a person reads one sentence, the car brakes, and it goes on after it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.simlingo.driver import DriverFailed, SimLingoDriver
from model.simlingo.memory import TooLittleMemory
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
from tests.model.simlingo_toys import observation


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


def hidden() -> Exception:
    """What a recording that found no room ends with: CUDA's complaint about the recording, over the true cause."""
    try:
        try:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")
        finally:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")
    except RuntimeError as error:
        return error


# Every way in which torch, CUDA and cuBLAS say that a GPU has no room left.
FULL: dict[str, Callable[[], Exception]] = {
    "torch": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB.\nGPU 0 has a total"),
    "CUDA": lambda: RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"),
    "cuBLAS": lambda: RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "a broken recording": hidden,
}


@contextmanager
def a_full_gpu(
    runtime: Runtime, method: str = "read", error: Callable[[], Exception] = FULL["torch"]
) -> Iterator[None]:
    def full(*_: object) -> None:
        raise error()

    works = getattr(runtime.reader, method)
    setattr(runtime.reader, method, full)
    try:
        yield
    finally:
        setattr(runtime.reader, method, works)


PLACES = {"weights": (torch, "empty"), "first frame": (torch.nn.functional, "linear")}
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


@pytest.mark.parametrize("method", ["see", "read"])
@pytest.mark.parametrize("way", FULL)
def test_however_a_full_gpu_says_so_it_is_one_sentence_and_the_next_plan_works(
    toy_runtime: Runtime, way: str, method: str
) -> None:
    driver = SimLingoDriver(toy_runtime)
    wanted = driver.plan(observation(), None)
    driver.close()
    with a_full_gpu(toy_runtime, method, FULL[way]):
        for attempt in (
            lambda: driver.plan(observation(3), None),
            lambda: driver.plan(observation(3), None, talk_first=True),
            lambda: list(driver.answer(observation(4), "Is the light red?")),
            lambda: list(driver.comment(observation(5), None)),
        ):
            with pytest.raises(DriverFailed, match=r"^the GPU has no memory left .* 4 GB .*`--model pocket`$"):
                attempt()
    assert np.array_equal(driver.plan(observation(), None).path_xy_in_ego, wanted.path_xy_in_ego)


@pytest.mark.parametrize("way", FULL)
@pytest.mark.parametrize("place", ["weights", "first frame"])
def test_a_gpu_too_full_to_load_on_is_said(
    toy_folder: Path, monkeypatch: pytest.MonkeyPatch, way: str, place: str
) -> None:
    """Room may go to somebody else after it was asked for; torch is what runs into that."""
    owner, name = PLACES[place]
    works = getattr(owner, name)

    def full(*args: object, **options: object) -> object:
        if place == "weights" and options.get("dtype") is not torch.bfloat16:  # the file's own tensors are float32
            return works(*args, **options)
        raise FULL[way]()

    monkeypatch.setattr(owner, name, full)
    with pytest.raises(TooLittleMemory, match="the GPU has no memory left"):
        SimLingoDriver.load(toy_folder, toy_folder / "tokenizer", "bfloat16", "cpu")


def test_another_error_is_not_taken_for_a_full_gpu(toy_runtime: Runtime) -> None:
    driver = SimLingoDriver(toy_runtime)
    lost = a_full_gpu(toy_runtime, "read", lambda: RuntimeError("CUDA error: device-side assert triggered"))
    with lost, pytest.raises(RuntimeError, match="device-side assert"):
        driver.plan(observation(), None)


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
