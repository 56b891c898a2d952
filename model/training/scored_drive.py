"""A lockstep drive with a judge beside it, who reads the world; the driver under test sees pictures only."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from model.teacher.lane_walk import evenly
from model.teacher.surroundings import Surroundings, SurroundingsReader
from model.teacher.way import leader, pedestrian, ruling_light, signs_ahead
from model.training.samples import LeadFacts, LightFacts, PedestrianFacts, SignFacts
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.interfaces import Driver
from sim_bridge.messages import TICK_S, Control, EgoState, Observation, SetInstruction
from sim_bridge.session import DriveSession, SessionConfig

# How far along the route the judge looks.
JUDGED_M = 80
# A vehicle nearer than this is traffic the car drives among.
NEARBY_M = 50.0
PICTURE_SIZE = (512, 256)


@dataclass(frozen=True, slots=True)
class RoadAhead:
    """The road along the navigator's route, as it truly is, and how fast the vehicles nearby drive on average."""

    light: LightFacts | None
    lead: LeadFacts | None
    pedestrian: PedestrianFacts | None
    signs: tuple[SignFacts, ...]
    others_mps: float | None


class Judge:
    """Reads a simulator's world, one look a tick."""

    def __init__(self, simulator: CarlaSimulator) -> None:
        self._simulator = simulator
        self._reader: SurroundingsReader | None = None

    def look(self) -> RoadAhead:
        if self._reader is None:
            self._reader = SurroundingsReader(self._simulator.carla_world, self._simulator.carla_map)
        here = self._reader.read(self._simulator.ego)
        points = self._simulator.navigator.dense_route()[:JUDGED_M]
        xy = np.array([(point.x_m, point.y_m) for point in points]).reshape(-1, 2)
        if len(xy) < 2:
            return RoadAhead(None, None, None, (), mean_speed(here))
        route = evenly(xy, np.zeros(len(xy), dtype=bool), None).xy
        light, lead, walker = ruling_light(here, route), leader(here, route, None), pedestrian(here, route, None)
        return RoadAhead(
            None if light is None else light[1],
            None if lead is None else LeadFacts(lead[1], lead[0].speed_mps, lead[0].brakes, lead[0].kind, ""),
            None if walker is None else walker[1],
            signs_ahead(here, route, None, []),
            mean_speed(here),
        )


def mean_speed(here: Surroundings) -> float | None:
    """Of the vehicles nearby, None without any."""
    speeds = [
        body.speed_mps
        for body in here.bodies
        if body.kind != "pedestrian" and np.hypot(body.x - here.ego.x, body.y - here.ego.y) < NEARBY_M
    ]
    return float(np.mean(speeds)) if speeds else None


class ScoredDrive:
    """A session over a simulator with a judge beside it. One at a time on a simulator."""

    def __init__(self, simulator: CarlaSimulator, driver: Driver, seed: int) -> None:
        self._lent = _Lent(simulator)
        self._judge = Judge(simulator)
        self._session = DriveSession(self._lent, driver, SessionConfig(seed=seed, has_pictures=False))

    def begin(self) -> None:
        """The first tick: the world is reset and the car stands at its start."""
        self._session.advance(1)

    def instruct(self, command: SetInstruction) -> None:
        self._session.submit(command)

    def ticks(self, seconds: float) -> Iterator[tuple[EgoState, RoadAhead]]:
        """The car and the road ahead of it after each tick."""
        for _ in range(round(seconds / TICK_S)):
            yield self._session.advance(1).ego, self._judge.look()

    def picture(self) -> str:
        """What the front camera shows, as a data URI of a JPEG of at most 512x256; "" before the first tick."""
        if self._lent.newest is None:
            return ""
        buffer = io.BytesIO()
        picture = Image.fromarray(self._lent.newest.frame("front").rgb)
        picture.thumbnail(PICTURE_SIZE)
        picture.save(buffer, "JPEG", quality=80)
        return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"

    def close(self) -> None:
        self._session.close()


class _Lent:
    """A simulator that outlives its session, and keeps what it showed last."""

    def __init__(self, simulator: CarlaSimulator) -> None:
        self._simulator = simulator
        self.newest: Observation | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._simulator, name)

    def reset(self, seed: int) -> Observation:
        self.newest = self._simulator.reset(seed)
        return self.newest

    def step(self, control: Control) -> Observation:
        self.newest = self._simulator.step(control)
        return self.newest

    def close(self) -> None:
        return
