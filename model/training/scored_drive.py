"""A lockstep drive with a judge beside it, who reads the world; the driver under test sees pictures only."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from model.teacher.driver import TeacherDriver
from model.training.samples import FrameFacts
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.interfaces import Driver
from sim_bridge.messages import TICK_S, Control, EgoState, Observation, SessionView, SetInstruction
from sim_bridge.session import DriveSession, SessionConfig

# A vehicle nearer than this is traffic the car drives among.
NEARBY_M = 50.0
PICTURE_SIZE = (512, 256)


class ScoredDrive:
    """A session over a simulator with a judge beside it. One at a time on a simulator."""

    def __init__(self, simulator: CarlaSimulator, driver: Driver, seed: int) -> None:
        self._lent = _Lent(simulator)
        # A teacher under test has read the world for this tick already.
        self._judge = driver if isinstance(driver, TeacherDriver) else TeacherDriver(simulator)
        self._session = DriveSession(self._lent, driver, SessionConfig(seed=seed, has_pictures=False))

    def begin(self) -> None:
        """The first tick: the world is reset and the car stands at its start."""
        self._session.advance(1)

    def instruct(self, command: SetInstruction) -> None:
        self._session.submit(command)

    def ticks(self, seconds: float) -> Iterator[tuple[EgoState, FrameFacts]]:
        """The car and the facts after each tick."""
        for _ in range(round(seconds / TICK_S)):
            view = self._session.advance(1)
            yield view.ego, self._judge.facts(_observation(view))

    def others_mps(self) -> float | None:
        """The mean speed of the vehicles nearby at the newest tick, None without any."""
        here = self._judge.surroundings
        if here is None:
            return None
        speeds = [
            body.speed_mps
            for body in here.bodies
            if body.kind != "pedestrian" and np.hypot(body.x - here.ego.x, body.y - here.ego.y) < NEARBY_M
        ]
        return float(np.mean(speeds)) if speeds else None

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


def _observation(view: SessionView) -> Observation:
    """What the judge needs of a moment; it reads the rest from the world."""
    return Observation(
        episode=view.episode,
        tick=view.tick,
        sim_time_us=view.sim_time_us,
        ego=view.ego,
        frames=(),
        target_points_xy_in_ego=np.zeros((2, 2), np.float32),
    )
