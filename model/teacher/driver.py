"""The teacher as a driver: plans from the simulator's own state with the functions that label the training data.

Privileged: it reads the world, not the camera, and says so. It reads instructions by the grammar's rules and speaks the
sentences that Pocket is taught, so that the two can be compared.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any, Protocol

import carla
import numpy as np

from model.teacher import lane_walk
from model.teacher.attention import Attention
from model.teacher.facts import ROUTE_M, Hints, frame_facts, lanes_at
from model.teacher.lane_walk import Course
from model.teacher.sight import eye_of
from model.teacher.surroundings import SurroundingsReader
from model.training import phrases, questions, sentences
from model.training.consent import obey
from model.training.expert import Kind, Rolled, roll_out
from model.training.samples import FrameFacts
from sim_bridge.messages import DrivePlan, DriverInfo, Instruction, InstructionKind, Observation

# The front of the car comes to rest this far behind a vehicle it is told to stop behind.
STOP_BEHIND_M = 3.0
# As far as it looks: to the end of a way round from where that begins, and who comes along it from 65 m behind there.
SIGHT_M = 120.0
PIECE_CHARACTERS = 8


class SceneSource(Protocol):
    """What the teacher asks of a simulator beyond driving: the running world itself. CarlaSimulator has it."""

    @property
    def town(self) -> str: ...

    @property
    def carla_world(self) -> Any: ...

    @property
    def carla_map(self) -> Any: ...

    @property
    def ego(self) -> Any: ...

    @property
    def navigator(self) -> Any: ...


class TeacherDriver:
    """Any one thread at a time; the world may be ticked meanwhile by another."""

    def __init__(self, scene_source: SceneSource) -> None:
        self._source = scene_source
        self._reader: SurroundingsReader | None = None
        self._attention = Attention()
        self._seen: tuple[tuple[int, int], FrameFacts] | None = None
        self._read: tuple[str, tuple[InstructionKind, float | None, str]] = ("", (Kind.NONE, None, ""))

    @property
    def info(self) -> DriverInfo:
        return DriverInfo(
            "teacher", "Teacher", is_privileged=True, detail="It reads the simulator's state, not the camera."
        )

    def plan(self, observation: Observation, instruction: Instruction | None, talk_first: bool = False) -> DrivePlan:
        begun = time.perf_counter()
        kind, rolled, sentence = self._decide(observation, instruction)
        return DrivePlan(
            episode=observation.episode,
            made_at_tick=observation.tick,
            made_from=observation.ego,
            path_xy_in_ego=rolled.path,
            speed_xy_in_ego=rolled.speed,
            instruction_serial=0 if instruction is None else instruction.serial,
            reads_instruction_as=kind,
            inference_ms=1000.0 * (time.perf_counter() - begun),
            commentary=sentence if talk_first else "",
        )

    def comment(self, observation: Observation, instruction: Instruction | None) -> Iterator[str]:
        yield from _pieces(self._decide(observation, instruction)[2])

    def answer(self, observation: Observation, question: str) -> Iterator[str]:
        facts = self.facts(observation)
        speed = observation.ego.speed_mps
        yield from _pieces(questions.answer(facts, speed, roll_out(facts, Kind.NONE, speed), question))

    def close(self) -> None:
        self._reader = self._seen = None

    # ---- inside ------------------------------------------------------------------------------------------------------

    def _decide(self, observation: Observation, instruction: Instruction | None) -> tuple[InstructionKind, Rolled, str]:
        """What the instruction means, the plan for it, and the sentence that goes with the plan."""
        facts, speed = self.facts(observation), observation.ego.speed_mps
        if instruction is None:
            rolled = roll_out(facts, Kind.NONE, speed)
            return Kind.NONE, rolled, sentences.commentary(facts, speed, rolled)
        kind, value, named = self._meaning(instruction.text, facts)
        rolled, refused = obey(facts, kind, speed, value, instruction.mode, named)
        if kind is Kind.NONE:
            return kind, rolled, sentences.commentary(facts, speed, rolled)
        about = sentences.named_in_reply(facts, kind, named)
        return kind, rolled, sentences.reply(kind, value, rolled, refused, about)

    def _meaning(self, text: str, facts: FrameFacts) -> tuple[InstructionKind, float | None, str]:
        if self._read[0] != text:
            self._read = (text, phrases.read(text))
        kind, value, named = self._read[1]
        if kind is Kind.STOP and named and facts.lead is not None and named in (facts.lead.type, "vehicle"):
            value = max(0.0, facts.lead.gap_m - STOP_BEHIND_M)
        return kind, value, named

    def facts(self, observation: Observation) -> FrameFacts:
        """Everything the world says about this observation's moment; asked for once per tick."""
        key = (observation.episode, observation.tick)
        if self._seen is None or self._seen[0] != key:
            if self._seen is not None and self._seen[0][0] != observation.episode:
                self._attention = Attention()
            self._seen = (key, self.facts_of(observation, only_seen=False))
        return self._seen[1]

    def facts_of(self, observation: Observation, only_seen: bool, weather: str = "") -> FrameFacts:
        """The same, optionally only what the camera can see, as a network may be taught it."""
        if self._reader is None:
            self._reader = SurroundingsReader(self._source.carla_world, self._source.carla_map)
        here = self._reader.read(self._source.ego, SIGHT_M)
        # The plan is made for where the car was when it looked, which may be a tick ago.
        state = observation.ego
        me = dataclasses.replace(
            here.ego, x=state.x_m, y=state.y_m, yaw_rad=state.yaw_rad, speed_mps=max(0.0, state.speed_mps)
        )
        here = dataclasses.replace(here, ego=me)
        route, start = self._route()
        if not only_seen:
            route = self._attention.way(here, route, self._lane_at)
        hints = Hints(
            np.asarray(observation.target_points_xy_in_ego, dtype=np.float32),
            int(observation.command.value),
            int(observation.next_command.value),
            float(observation.command_distance_m),
        )
        facts = frame_facts(
            here,
            lanes_at(start, route),
            eye_of(me, here.ego.z - here.ego.half_height),
            only_seen=only_seen,
            hints=hints,
            town=self._source.town,
            weather=weather,
            source="drive",
        )
        return facts if only_seen else self._attention.heeded(facts, here, route)

    def _lane_at(self, x: float, y: float) -> Any:
        # The car's own height tells the bridge it is on from the road under it.
        z = self._source.ego.get_transform().location.z
        return self._source.carla_map.get_waypoint(carla.Location(x=x, y=y, z=z))

    def _route(self) -> tuple[Course, Any]:
        """The navigator's dense route from the car on, and the lane waypoint it starts on."""
        points = self._source.navigator.dense_route()[: int(ROUTE_M) + 1]
        if len(points) < 5:
            start = self._source.carla_map.get_waypoint(self._source.ego.get_transform().location)
            return lane_walk.walk(start, ROUTE_M), start
        xy = np.array([(point.x_m, point.y_m) for point in points])
        inside = np.array([point.is_junction for point in points], dtype=bool)
        first = points[0].waypoint
        return lane_walk.evenly(xy, inside, first), first


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE_CHARACTERS):
        yield text[start : start + PIECE_CHARACTERS]
