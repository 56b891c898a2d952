"""Frames of Pocket's own driving among traffic: where its mistakes take it, labelled with what the teacher does there.

A network taught on frames that a teacher chose never sees the consequences of its own errors (Ross, Gordon, Bagnell:
DAgger, 2011). Here the pupil holds the wheel, pushed about and told things now and then; the teacher only writes, and
takes over where the pupil is too far gone. Facts are stored as for every other frame, so labels follow as usual.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.pocket.driver import PocketDriver
from model.teacher.driver import TeacherDriver
from model.teacher.stage import pose_matrix
from model.teacher.weathers import WEATHERS, weather_parameters
from model.training import dreams, phrases
from model.training.contradictions import looks_at_home_elsewhere
from model.training.paths import offset_of_car
from model.training.samples import FrameFacts
from sim_bridge.carla_config import CarlaConfig
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.interfaces import Driver
from sim_bridge.messages import Control, DrivePlan, Instruction, InstructionMode, Observation
from sim_bridge.tracker import Tracker

Shot = tuple[npt.NDArray[np.uint8], FrameFacts, list[list[float]]]

SOURCE = "pocket"
LOOKED_AT_EVERY = 4  # ticks
# Of a car that rolls along a free road in the middle of its lane, and of one that stands, one look in these many.
DULL_KEPT_EVERY, STANDING_KEPT_EVERY = 5, 8
DULL_WITHIN_M, DULL_WITHIN_RAD = 0.25, math.radians(2.0)
DULL_FREE_M = 25.0
PLANS_EVERY = 2  # ticks; live it plans at 15 to 20 Hz
TICKS_PER_DRIVE = 600
STUCK_TICKS = 300
TRAFFIC = 18
# Pushes at the wheel and sudden wishes: mean ticks between two, and how long they last.
PUSH_EVERY, PUSH_TICKS, PUSH_STEER = 160, (5, 14), 0.35
WISH_EVERY, WISH_TICKS = 260, (40, 120)
# Too far gone: the teacher drives until the car is back in its lane, and nothing is kept of what lies further out.
GONE_M, GONE_RAD = 2.6, math.radians(50.0)
BACK_M, BACK_RAD = 0.4, math.radians(8.0)
KEPT_WITHIN_M = 3.2


def driven_frames(
    host: str, port: int, town: str, seed: int, frames: int, weights: Path, traffic: int = TRAFFIC
) -> Iterator[Shot]:
    """(picture (512, 1024, 3) RGB, facts as far as the camera sees, the car's 4x4 pose), `frames` of them.

    Raises ConfigError or WeightsError where `weights` holds no Pocket.
    """
    config = CarlaConfig(
        host=host, port=port, town=town, seed=seed, traffic_vehicles=traffic, chase_camera=None, is_embedded=True
    )
    skies = random.Random(seed)
    pupil = PocketDriver(weights)
    with CarlaSimulator(config) as simulator:
        drive, kept = 0, 0
        while kept < frames:
            weather = skies.choice(sorted(WEATHERS))
            simulator.carla_world.set_weather(weather_parameters(weather))
            for shot in _Drive(simulator, pupil, seed * 1000 + drive, weather).frames():
                yield shot
                kept += 1
                if kept == frames:
                    return
            drive += 1


@dataclass(slots=True)
class Disturbance:
    """What befalls the pupil on one drive: pushes at its wheel and things it is told. Counted in ticks."""

    draw: random.Random
    steer: float = 0.0
    pushed_until: int = -1
    instruction: Instruction | None = None
    told_until: int = -1
    serial: int = 0
    rng: np.random.Generator = field(default_factory=np.random.default_rng)

    def push(self, tick: int, control: Control) -> Control:
        """The control with a push on it while one lasts."""
        if tick > self.pushed_until and self.draw.random() < 1.0 / PUSH_EVERY:
            self.pushed_until = tick + self.draw.randint(*PUSH_TICKS)
            self.steer = self.draw.uniform(-PUSH_STEER, PUSH_STEER)
        if tick > self.pushed_until:
            return control
        return replace(control, steer=min(1.0, max(-1.0, control.steer + self.steer)))

    def wish(self, tick: int, facts: FrameFacts | None) -> Instruction | None:
        """The instruction that stands, None most of the time."""
        if tick <= self.told_until:
            return self.instruction
        self.instruction = None
        if facts is not None and self.draw.random() < 1.0 / WISH_EVERY:
            self.serial += 1
            self.told_until = tick + self.draw.randint(*WISH_TICKS)
            kind = dreams.sampled_kind(facts, self.rng)
            wanted = dreams.sampled_target_speed(facts, facts.speed_mps, self.rng)
            text, _ = phrases.phrase(kind, self.rng, speed_mps=wanted)
            self.instruction = Instruction(text, InstructionMode.FOLLOW, self.serial)
        return self.instruction


class _Drive:
    """One drive of the pupil, from a reset to a collision, to standing about, or to its time's end."""

    def __init__(self, simulator: CarlaSimulator, pupil: Driver, seed: int, weather: str) -> None:
        self._simulator, self._pupil, self._weather, self._seed = simulator, pupil, weather, seed
        self._teacher, self._tracker = TeacherDriver(simulator), Tracker()
        self._disturbance = Disturbance(random.Random(seed), rng=np.random.default_rng(seed))
        self._plan: DrivePlan | None = None
        self._is_rescued = False

    def frames(self) -> Iterator[Shot]:
        observation = self._simulator.reset(self._seed)
        standing, passed, facts = 0, 0, None
        for tick in range(TICKS_PER_DRIVE):
            if tick % LOOKED_AT_EVERY == 0:
                facts = self._facts(observation)
                self._judge(facts)
                passed += 1
                if is_tellable(facts) and passed >= looks_between(facts):
                    passed = 0
                    yield observation.frame("front").rgb, facts, pose_matrix(self._simulator.ego)
            observation = self._simulator.step(self._control(tick, observation, facts))
            standing = standing + 1 if observation.ego.speed_mps < 0.2 else 0
            if self._simulator.collisions or standing > STUCK_TICKS:
                return

    def _facts(self, observation: Observation) -> FrameFacts:
        facts = self._teacher.facts_of(observation, only_seen=True, weather=self._weather)
        return replace(facts, source=SOURCE)

    def _judge(self, facts: FrameFacts) -> None:
        """Whether the teacher has to drive for a while, or the pupil may again."""
        _, right, heading = offset_of_car(facts.route)
        if abs(right) > GONE_M or abs(heading) > GONE_RAD:
            self._is_rescued = True
        elif abs(right) < BACK_M and abs(heading) < BACK_RAD:
            self._is_rescued = False

    def _control(self, tick: int, observation: Observation, facts: FrameFacts | None) -> Control:
        if self._is_rescued:
            self._plan = None
            return self._tracker.control(self._teacher.plan(observation, None), observation.ego, 0.0)
        instruction = self._disturbance.wish(tick, facts)
        if self._plan is None or tick % PLANS_EVERY == 0:
            self._plan = self._pupil.plan(observation, instruction)
        age_s = 0.05 * (observation.tick - self._plan.made_at_tick)
        return self._disturbance.push(tick, self._tracker.control(self._plan, observation.ego, age_s))


def is_tellable(facts: FrameFacts) -> bool:
    """Whether a picture can tell the label: not far off every lane, and not in a lane where one may well be."""
    _, right, heading = offset_of_car(facts.route)
    return abs(right) < KEPT_WITHIN_M and abs(heading) < GONE_RAD and not looks_at_home_elsewhere(facts)


def looks_between(facts: FrameFacts) -> int:
    """How many looks lie between two kept ones in a situation like this: many where nothing is to be learnt."""
    if facts.speed_mps < 0.2:
        return STANDING_KEPT_EVERY
    _, right, heading = offset_of_car(facts.route)
    is_centred = abs(right) < DULL_WITHIN_M and abs(heading) < DULL_WITHIN_RAD
    is_free = facts.lead is None or facts.lead.gap_m > DULL_FREE_M
    is_road = facts.junction_m is None and not facts.in_junction and facts.pedestrian is None
    return DULL_KEPT_EVERY if is_centred and is_free and is_road else 1
