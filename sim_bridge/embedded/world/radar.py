"""Radar: rays at random within an ellipse of angles, and how fast what they meet nears. World thread only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.contracts import Echoes, Scan
from sim_bridge.embedded.world import records
from sim_bridge.embedded.world.actors import SensorActor
from sim_bridge.embedded.world.geometry import rotation

if TYPE_CHECKING:
    from sim_bridge.embedded.world.world import World

Floats = npt.NDArray[np.float64]

_MOST_POINTS = 100_000  # per tick
_FINENESS_DEG = 0.15


class Radar:
    """One radar. Its random stream is seeded by `noise_seed`, so a run repeats."""

    def __init__(self, sensor: SensorActor) -> None:
        self._sensor = sensor
        seed = records.whole(sensor.attribute("noise_seed"), 0, 0, (1 << 31) - 1)
        self._random = np.random.default_rng(seed)
        self._half_deg = tuple(
            records.real(sensor.attribute(name), 30.0, 0.1, 179.0) / 2.0 for name in ("horizontal_fov", "vertical_fov")
        )
        self._reach_m = records.real(sensor.attribute("range"), 100.0, 0.1, 1000.0)
        self._rate = records.real(sensor.attribute("points_per_second"), 1500.0, 0.0, 1e6)
        self._aims: Floats = np.zeros((0, 2))
        self._directions: npt.NDArray[np.float32] = np.zeros((0, 3), np.float32)

    def scan(self, since_s: float) -> Scan:
        count = min(_MOST_POINTS, round(self._rate * since_s))
        radius, angle = self._random.random(count), 2.0 * math.pi * self._random.random(count)
        half = np.radians(self._half_deg)
        self._aims = np.stack([half[0] * radius * np.cos(angle), half[1] * radius * np.sin(angle)], axis=1)
        azimuth, altitude = self._aims.T
        across = np.cos(altitude)
        rays = [across * np.cos(azimuth), across * np.sin(azimuth), np.sin(altitude)]
        self._directions = np.stack(rays, axis=1).astype(np.float32)
        return Scan(
            self._sensor.actor_id,
            self._sensor.pose,
            self._directions,
            self._reach_m,
            (-self._half_deg[0], self._half_deg[0]),
            (-self._half_deg[1], self._half_deg[1]),
            (_FINENESS_DEG, _FINENESS_DEG),
            # The beam starts in front of the bodywork it is mounted in.
            hides=self._sensor.parent_id,
        )

    def data(self, world: World, echoes: Echoes) -> list[bytes]:
        """Per hit: velocity along the ray (m/s, below zero for what nears), azimuth, altitude (rad), depth (m)."""
        is_hit = np.isfinite(echoes.distance)
        rays = self._directions[is_hit].astype(np.float64) @ np.array(rotation(self._sensor.pose)).T
        velocity = _velocities(world, echoes.actor_id[is_hit]) - np.array(self._sensor.body.velocity)
        closing = np.einsum("ij,ij->i", velocity, rays)
        rows = np.column_stack([closing, self._aims[is_hit], echoes.distance[is_hit]])
        return [rows.astype("<f4").tobytes()]


def _velocities(world: World, actor_ids: npt.NDArray[np.int64]) -> Floats:
    """(N, 3) of the actors that were met; the town stands still."""
    distinct, index = np.unique(actor_ids, return_inverse=True)
    actors = [world.find(int(actor_id)) for actor_id in distinct]
    speeds = [actor.body.velocity if actor else (0.0, 0.0, 0.0) for actor in actors]
    return np.array(speeds, np.float64).reshape(-1, 3)[index.reshape(-1)]
