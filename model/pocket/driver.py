"""Pocket behind the Driver interface: prompts from an observation, plans and words from the runtime.

The driver thread alone calls it. A plan never waits for words unless it is asked to talk first; sentences are spoken
from the newest look, so talking costs no second vision pass.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model import prompts
from model.pocket.graphs import Graphs
from model.pocket.halt import Halt
from model.pocket.runtime import PocketRuntime, Reading
from sim_bridge.messages import (
    FRONT_CAMERA,
    DrivePlan,
    DriverInfo,
    Instruction,
    InstructionKind,
    InstructionMode,
    Observation,
)

# A look this old, in ticks, still counts as now for talking about it.
FRESH_TICKS = 3
# An instruction or question with more unknown words than this is not guessed at.
UNKNOWN_SHARE = 0.5
# Whoever asks for a turn overrules the navigator: its target points, which lead another way, are then left out of the
# prompt, as they were in nearly all such training views.
OVERRULING = (InstructionKind.TURN_LEFT, InstructionKind.TURN_RIGHT, InstructionKind.STRAIGHT)
CANNOT_OBEY = "I can only follow driving instructions."
CANNOT_ANSWER = "I can only answer about the road."


class PocketDriver:
    """Owns a runtime and the newest look."""

    def __init__(self, folder: Path, graphs: Graphs | None = None) -> None:
        """Raises ConfigError or WeightsError, each naming the file and what to do."""
        self._runtime = PocketRuntime(folder, graphs)
        self._looked_at = (-1, -1)  # episode, tick
        self._look: Reading | None = None
        self._halt = Halt()
        self._asked: tuple[str, InstructionMode] | None = None  # the newest instruction, read once as it came in
        self._overruling: tuple[str, InstructionMode] | None = None  # the instruction that shuts the navigator up
        self.info = DriverInfo(
            name="pocket",
            label="Pocket (learned, camera only)",
            is_privileged=False,
            detail=" ".join(filter(None, (f"{self._runtime.backend}.", self._runtime.notice))),
        )

    def plan(self, observation: Observation, instruction: Instruction | None, talk_first: bool = False) -> DrivePlan:
        began = time.perf_counter()
        look = self._look_now(observation, fresh_ticks=0)
        speed = observation.ego.speed_mps
        prompt, obeys = self._prompt(observation, instruction, talk_first)
        if obeys and self._heard_overruling(look, prompt, instruction):
            prompt, obeys = self._prompt(observation, instruction, talk_first)
        commentary, kind = "", InstructionKind.NONE
        if talk_first:
            reading = self._runtime.read(look, prompt)
            commentary, heard = self._runtime.say(reading)
            path, pace = self._runtime.act(heard, speed)
        else:
            reading, path, pace = self._runtime.read_and_act(look, prompt, speed)
        if obeys:
            kind = InstructionKind(self._runtime.kind(reading)[0])
            if reading.unknown_share > UNKNOWN_SHARE:
                kind, commentary = InstructionKind.UNCLEAR, CANNOT_OBEY if talk_first else ""
                _, path, pace = self._runtime.read_and_act(look, self._plain(observation), speed)
        return DrivePlan(
            episode=observation.episode,
            made_at_tick=observation.tick,
            made_from=observation.ego,
            path_xy_in_ego=_checked(path, "path"),
            speed_xy_in_ego=_checked(self._halt.pace(pace, speed, observation.sim_time_us / 1e6), "speed plan"),
            instruction_serial=instruction.serial if instruction is not None else 0,
            reads_instruction_as=kind,
            inference_ms=1000 * (time.perf_counter() - began),
            commentary=commentary,
        )

    def comment(self, observation: Observation, instruction: Instruction | None) -> Iterator[str]:
        """What the car does and why; with an instruction, the car's reply to it."""
        look = self._look_now(observation, FRESH_TICKS)
        prompt, obeys = self._prompt(observation, instruction, speaks=True)
        if obeys and self._heard_overruling(look, prompt, instruction):
            prompt, obeys = self._prompt(observation, instruction, speaks=True)
        reading = self._runtime.read(look, prompt)
        if obeys and reading.unknown_share > UNKNOWN_SHARE:
            yield CANNOT_OBEY
            return
        for piece, _ in self._runtime.speak(reading):
            yield piece

    def answer(self, observation: Observation, question: str) -> Iterator[str]:
        look = self._look_now(observation, FRESH_TICKS)
        way = prompts.by_target_points(observation.target_points_xy_in_ego)
        prompt = prompts.question(observation.ego.speed_mps, way, question)
        reading = self._runtime.read(look, prompt)
        if not prompt.user or reading.unknown_share > UNKNOWN_SHARE:
            yield CANNOT_ANSWER
            return
        for piece, _ in self._runtime.speak(reading):
            yield piece

    def close(self) -> None:
        self._look = None

    def _look_now(self, observation: Observation, fresh_ticks: int) -> Reading:
        """The observation's picture encoded, or the newest look where that is of almost the same moment."""
        episode, tick = self._looked_at
        is_fresh = episode == observation.episode and abs(tick - observation.tick) <= fresh_ticks
        if self._look is None or not is_fresh:
            self._look = self._runtime.look(observation.frame(FRONT_CAMERA.name).rgb)
            self._looked_at = (observation.episode, observation.tick)
        return self._look

    def _prompt(
        self, observation: Observation, instruction: Instruction | None, speaks: bool
    ) -> tuple[prompts.Prompt, bool]:
        """The prompt for this moment, and whether it carries an instruction."""
        way = prompts.by_target_points(observation.target_points_xy_in_ego)
        speed = observation.ego.speed_mps
        if instruction is not None:
            is_alone = self._overruling == (instruction.text, instruction.mode)
            shown = prompts.NO_NAVIGATION if is_alone else way
            dream = prompts.dream(speed, shown, instruction.text, instruction.mode)
            if dream.user:
                return dream, True
        return (prompts.commentary(speed, way), False) if speaks else (self._plain(observation), False)

    def _heard_overruling(self, look: Reading, prompt: prompts.Prompt, instruction: Instruction | None) -> bool:
        """Whether `prompt` is the first of an instruction that overrules the navigator, by what the network hears in
        it; from then on its prompts are without target points."""
        asked = None if instruction is None else (instruction.text, instruction.mode)
        if asked == self._asked:
            return False
        self._asked = asked
        kind = InstructionKind(self._runtime.kind(self._runtime.read(look, prompt))[0])
        self._overruling = asked if kind in OVERRULING else None
        return self._overruling is not None

    def _plain(self, observation: Observation) -> prompts.Prompt:
        way = prompts.by_target_points(observation.target_points_xy_in_ego)
        return prompts.driving(observation.ego.speed_mps, way)


def _checked(points: npt.NDArray[np.float32], name: str) -> npt.NDArray[np.float32]:
    """Finite points, read-only. A network that diverges must stop the car, not steer it."""
    if not np.isfinite(points).all():
        raise ValueError(f"Pocket's {name} holds values that are not finite numbers; the weights are damaged")
    points = np.ascontiguousarray(points, np.float32)
    points.flags.writeable = False
    return points
