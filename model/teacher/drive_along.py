"""Frames from the teacher driving among traffic, in lockstep: real approaches, queues and turns beside staged scenes.

Every fifth tick is kept, as in SimLingo's data. A drive ends after a while, at a collision, or when the car is stuck.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from model.teacher.driver import TeacherDriver
from model.teacher.stage import pose_matrix
from model.teacher.weathers import WEATHERS, weather_parameters
from model.training.samples import FrameFacts
from sim_bridge.carla_config import CarlaConfig
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.tracker import Tracker

KEPT_EVERY = 5
TICKS_PER_DRIVE = 900
STUCK_TICKS = 240
TRAFFIC = 14


def driven_frames(
    host: str, port: int, town: str, seed: int, frames: int
) -> Iterator[tuple[npt.NDArray[np.uint8], FrameFacts, list[list[float]]]]:
    """(picture (512, 1024, 3) RGB, facts as far as the camera sees, the car's 4x4 pose), `frames` of them."""
    config = CarlaConfig(
        host=host, port=port, town=town, seed=seed, traffic_vehicles=TRAFFIC, chase_camera=None, is_embedded=True
    )
    skies = random.Random(seed)
    with CarlaSimulator(config) as simulator:
        drive, kept = 0, 0
        while kept < frames:
            weather = skies.choice(sorted(WEATHERS))
            simulator.carla_world.set_weather(weather_parameters(weather))
            for shot in _one_drive(simulator, seed * 1000 + drive, weather):
                yield shot
                kept += 1
                if kept == frames:
                    return
            drive += 1


def _one_drive(
    simulator: CarlaSimulator, seed: int, weather: str
) -> Iterator[tuple[npt.NDArray[np.uint8], FrameFacts, list[list[float]]]]:
    teacher, tracker = TeacherDriver(simulator), Tracker()
    observation = simulator.reset(seed)
    standing = 0
    for tick in range(TICKS_PER_DRIVE):
        plan = teacher.plan(observation, None)
        if tick % KEPT_EVERY == 0:
            facts = teacher.facts_of(observation, only_seen=True, weather=weather)
            yield observation.frame("front").rgb, facts, pose_matrix(simulator.ego)
        observation = simulator.step(tracker.control(plan, observation.ego, 0.0))
        standing = standing + 1 if observation.ego.speed_mps < 0.2 else 0
        if simulator.collisions or standing > STUCK_TICKS:
            return
