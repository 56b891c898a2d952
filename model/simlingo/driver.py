"""SimLingo as a Driver: a frame and a navigator's hint in, a plan and words out. Runs on the driver's thread.

    no instruction, alongside      the driving prompt; its answer is always the same, so it is read and not generated
    no instruction, talk first     the commentary prompt: words, then the plan on them, as published
    instruction, FOLLOW            Action Dreaming; its answer is always the same too, so alongside it is read
    instruction, SAFETY            words first in either order: whether the car obeys is decided in the words

One frame's picture is encoded once, however many plans, comments and answers are asked of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from model import prompts
from model.prompts import Prompt
from model.simlingo import kinds, loading, memory, speech, tokens
from model.simlingo.context import Context
from model.simlingo.flags import NAVIGATION
from model.simlingo.listening import Listener
from model.simlingo.runtime import Runtime, Waypoints
from sim_bridge.messages import (
    FRONT_CAMERA,
    DrivePlan,
    DriverInfo,
    Instruction,
    InstructionMode,
    Observation,
    Progress,
)

WARM_UP_FRAMES = 2
# A look this old, in ticks, still counts as now for talking about it.
FRESH_TICKS = 3
FOLLOWING = "Following the given instruction."


class DriverFailed(RuntimeError):
    """This frame gave no plan or no words; the message says why and what to do."""


class NoSuchDevice(RuntimeError):
    """The wanted device is not here."""


class SimLingoDriver:
    """Owns the network. `navigation` is what the route is told by: target points, or the navigator's command.

    Whoever waits for it may set `report`, which hears of every layer and every word on a CPU, and may raise.
    """

    def __init__(self, runtime: Runtime, navigation: str = "target_points", loaded: str = "") -> None:
        if navigation not in NAVIGATION:
            raise ValueError(f"expected navigation by one of {NAVIGATION}, got {navigation!r}")
        self.runtime, self.navigation, self.loaded = runtime, navigation, loaded
        self.report: Callable[[Progress], None] = lambda progress: None
        self.frame_s = 0.0
        self._listener = Listener(runtime.network, lambda progress: self.report(progress))
        self._picture: Context | None = None
        self._looked_at = (-1, -1)  # episode, tick

    @classmethod
    def load(
        cls,
        path: Path,
        tokenizer: Path | None = None,
        dtype: str = "bfloat16",
        device: str | None = None,
        navigation: str = "target_points",
        unmerged: bool = False,
    ) -> SimLingoDriver:
        """The driver of a checkpoint file, warm and with its frame time measured. `device` None takes a GPU if any.

        Raises TokenizerError, CheckpointError, TooLittleMemory or NoSuchDevice, each with the cause and the way out.
        """
        words = tokens.load(tokenizer)  # seconds, and most likely to be missing: before the gigabytes
        where = _device(device)
        try:
            network, account = loading.ready(path, dtype, where, unmerged)
            driver = cls(Runtime(network, words), navigation, account.line)
            driver.frame_s = driver.measured_frame_s()
        except RuntimeError as error:
            if not memory.is_gpu_full(error):
                raise
            raise memory.TooLittleMemory(_no_gpu_memory()) from None
        return driver

    def measured_frame_s(self) -> float:
        """Seconds from picture to plan without words, warm: the first frame chooses kernels."""
        self.runtime.reader.prepare()
        grey = np.full((FRONT_CAMERA.height_px, FRONT_CAMERA.width_px, 3), 128, np.uint8)
        prompt = prompts.driving(0.0, prompts.by_target_points([(10.0, 0.0), (20.0, 0.0)]))
        for _ in range(WARM_UP_FRAMES):
            started = time.perf_counter()
            self.runtime.probe(self.runtime.encode(grey, is_shared=False), [prompt], prompts.answer("drive", ""))
            frame_s = time.perf_counter() - started
        return frame_s

    @property
    def info(self) -> DriverInfo:
        device = self.runtime.network.device
        where = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
        kind = str(self.runtime.network.dtype).removeprefix("torch.")
        detail = f"{where}, {kind}, {self.frame_s:.2f} s per frame; {self.loaded}".rstrip("; ")
        return DriverInfo("simlingo", "SimLingo", False, detail, self.frame_s)

    def plan(self, observation: Observation, instruction: Instruction | None, talk_first: bool = False) -> DrivePlan:
        """Raises DriverFailed or ValueError with one sentence; the car brakes then."""
        started = time.perf_counter()
        text = instruction.text if instruction else ""
        is_known = self._known_picture(observation) is not None
        is_judged = instruction is not None and instruction.mode is InstructionMode.SAFETY and prompts.sanitize(text)
        waypoints, words = self._guarded(observation, instruction, talk_first or bool(is_judged))
        return DrivePlan(
            episode=observation.episode,
            made_at_tick=observation.tick,
            made_from=observation.ego,
            path_xy_in_ego=_read_only(waypoints.path),
            speed_xy_in_ego=_read_only(waypoints.speed),
            instruction_serial=instruction.serial if instruction else 0,
            reads_instruction_as=kinds.read(text),
            inference_ms=1000 * (time.perf_counter() - started),
            commentary=words,
            is_on_known_picture=is_known,
        )

    def comment(self, observation: Observation, instruction: Instruction | None) -> Iterator[str]:
        """What the car does next and why; under an instruction, how it takes the instruction."""
        prompt, _ = self._prompt(observation, instruction, speaks=True)
        yield from speech.bare(self._spoken(observation, prompt))

    def answer(self, observation: Observation, question: str) -> Iterator[str]:
        if not prompts.sanitize(question):
            raise ValueError("there is no readable question in that: type one in words")
        prompt = prompts.question(observation.ego.speed_mps, self._hint(observation), question)
        yield from speech.bare(self._spoken(observation, prompt))

    def close(self) -> None:
        self._picture = None
        self._listener.close()

    def _guarded(
        self, observation: Observation, instruction: Instruction | None, speaks: bool
    ) -> tuple[Waypoints, str]:
        with self._gpu_memory():
            waypoints, words = self._plan(observation, instruction, speaks)
        if not (np.isfinite(waypoints.path).all() and np.isfinite(waypoints.speed).all()):
            raise DriverFailed("SimLingo's plan holds values that are not finite: load the checkpoint in float32")
        return waypoints, words

    def _plan(self, observation: Observation, instruction: Instruction | None, speaks: bool) -> tuple[Waypoints, str]:
        prompt, answer = self._prompt(observation, instruction, speaks)
        context = self.runtime.prompt(self._look(observation, fresh_ticks=0), prompt)
        if speaks:
            self.runtime.generate(context, heard=self._listener.speaks)
        else:
            self.runtime.assume(context, answer)
        words = prompts.bare_answer(self.runtime.words.text(context.said[0])) if speaks else ""
        self._listener.plans()
        return self.runtime.act(context)[0], words

    def _prompt(self, observation: Observation, instruction: Instruction | None, speaks: bool) -> tuple[Prompt, str]:
        """The prompt, and the answer it was trained to have where that is always the same."""
        speed, hint = observation.ego.speed_mps, self._hint(observation)
        if instruction and prompts.sanitize(instruction.text):
            return prompts.dream(speed, hint, instruction.text, instruction.mode), prompts.answer("dream", FOLLOWING)
        made = prompts.commentary(speed, hint) if speaks else prompts.driving(speed, hint)
        return made, prompts.answer("drive", "")

    def _hint(self, observation: Observation) -> prompts.Navigation:
        if self.navigation == "target_points":
            return prompts.by_target_points(observation.target_points_xy_in_ego)
        return prompts.by_command(observation.command, observation.command_distance_m, observation.next_command)

    def _look(self, observation: Observation, fresh_ticks: int) -> Context:
        """The observation's picture, encoded once; or the newest look where that is of almost the same moment."""
        picture = self._known_picture(observation, fresh_ticks)
        if picture is None:
            self._picture = None  # before the next one is made, so that two are never held
            picture = self._picture = self.runtime.encode(observation.frame(FRONT_CAMERA.name).rgb)
            self._looked_at = (observation.episode, observation.tick)
        return picture

    def _known_picture(self, observation: Observation, fresh_ticks: int = 0) -> Context | None:
        episode, tick = self._looked_at
        is_fresh = episode == observation.episode and abs(tick - observation.tick) <= fresh_ticks
        return self._picture if is_fresh else None

    def _spoken(self, observation: Observation, prompt: Prompt) -> Iterator[str]:
        with self._gpu_memory():
            context = self.runtime.prompt(self._look(observation, FRESH_TICKS), prompt)
            yield from self.runtime.decode(context, heard=self._listener.speaks)

    @contextmanager
    def _gpu_memory(self) -> Iterator[None]:
        """Where a GPU has no room left, says so and gives back what can be made again."""
        try:
            yield
        except RuntimeError as error:
            if not memory.is_gpu_full(error):
                raise
            self._picture = None
            torch.cuda.empty_cache()
            raise DriverFailed(_no_gpu_memory()) from None


def _device(wanted: str | None) -> str:
    """The one that is wanted, or the best there is. Raises NoSuchDevice."""
    if wanted is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, colon, number = wanted.partition(":")
    if wanted != "cpu" and (kind != "cuda" or (colon and not number.isdigit())):
        raise NoSuchDevice(f"expected the device cpu, cuda or cuda:NUMBER, got {wanted!r}: give `--device cpu`")
    if kind == "cuda" and not torch.cuda.is_available():
        raise NoSuchDevice("there is no CUDA device here: leave --device out, or give `--device cpu`")
    if number and int(number) >= torch.cuda.device_count():
        raise NoSuchDevice(
            f"there is no {wanted} here: this machine's last one is cuda:{torch.cuda.device_count() - 1}"
        )
    return wanted


def _read_only(points: np.ndarray) -> np.ndarray:
    points = np.array(points, np.float32)
    points.setflags(write=False)
    return points


def _no_gpu_memory() -> str:
    return (
        "the GPU has no memory left for SimLingo, which takes up to 4 GB in bfloat16: close what else runs on it, "
        "or drive with `--model pocket`"
    )
