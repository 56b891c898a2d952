"""Spinning lidars: which rays a tick shoots, what is lost on the way, and the bytes the client gets. World thread only.

The model is CARLA's: lasers evenly spread between `upper_fov` and `lower_fov`, a head that turns `rotation_frequency`
times a second over `horizontal_fov`, returns that fade with exp(-attenuation * distance), and points that drop out at
random, at a general rate and the more the fainter they are.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.contracts import Echoes, Scan
from sim_bridge.embedded.wire import messages
from sim_bridge.embedded.world import records
from sim_bridge.embedded.world.actors import SensorActor

if TYPE_CHECKING:
    from sim_bridge.embedded.world.world import World

_MOST_RAYS = 1_000_000  # per tick
_PITCH_DEG = (0.1, 2.0)  # bounds of how fine the scene is looked at
_SEMANTIC = np.dtype([("point", "<f4", 3), ("cosine", "<f4"), ("actor", "<u4"), ("label", "<u4")])


class Lidar:
    """One lidar and the angle its head stands at. `is_semantic` ones know what they hit and lose nothing."""

    def __init__(self, sensor: SensorActor) -> None:
        self._sensor = sensor
        self.is_semantic = sensor.type_id.endswith("semantic")
        self._channels = records.whole(sensor.attribute("channels"), 32, 1, 1024)
        self._rate = records.real(sensor.attribute("points_per_second"), 56000.0, 0.0, 1e8)
        self._turns_hz = records.real(sensor.attribute("rotation_frequency"), 10.0, 0.0, 1000.0)
        self._range_m = records.real(sensor.attribute("range"), 10.0, 0.1, 1000.0)
        self._span_deg = records.real(sensor.attribute("horizontal_fov"), 360.0, 0.1, 360.0)
        upper = records.real(sensor.attribute("upper_fov"), 10.0, -90.0, 90.0)
        lower = records.real(sensor.attribute("lower_fov"), -30.0, -90.0, 90.0)
        # One laser alone looks along `upper_fov`.
        self._elevations = np.radians(np.linspace(upper, lower, self._channels))
        self._fan = (min(lower, upper), max(lower, upper))
        self._loss = _Loss(sensor)
        self._angle_deg = 0.0
        self._shape = (self._channels, 0)
        self._directions: npt.NDArray[np.float32] = np.zeros((0, 3), np.float32)

    def scan(self, since_s: float) -> Scan | None:
        """The rays since the last reading, channel by channel; None where the rate gives not one per channel."""
        per_channel = min(_MOST_RAYS // self._channels, math.floor(self._rate * since_s / self._channels + 0.5))
        if per_channel <= 0:
            return None
        swept_deg = self._turns_hz * self._span_deg * since_s
        steps = np.arange(per_channel) * (swept_deg / per_channel)
        azimuth = np.radians((self._angle_deg + steps) % self._span_deg - self._span_deg / 2.0)
        self._angle_deg = (self._angle_deg + swept_deg) % self._span_deg
        self._shape = (self._channels, per_channel)
        self._directions = _directions(azimuth, self._elevations)
        half = self._span_deg / 2.0
        return Scan(
            self._sensor.actor_id,
            self._sensor.pose,
            self._directions,
            self._range_m,
            (-half, half),
            self._fan,
            (_bounded(swept_deg / per_channel), _bounded((self._fan[1] - self._fan[0]) / max(1, self._channels - 1))),
        )

    def data(self, world: World, echoes: Echoes) -> list[bytes]:
        """Header and points, as they follow the sensor header on the wire."""
        is_kept = np.isfinite(echoes.distance)
        if self.is_semantic:
            points = self._labelled(echoes, is_kept)
        else:
            is_kept &= self._loss.spared(len(is_kept))
            intensity = self._loss.intensity(echoes.distance)
            is_kept &= self._loss.returned(intensity)
            distance = self._loss.jittered(echoes.distance[is_kept])
            xyz = self._directions[is_kept] * distance[:, None]
            points = np.column_stack([xyz, intensity[is_kept]]).astype("<f4").tobytes()
        counts = is_kept.reshape(self._shape).sum(axis=1).tolist()
        return [messages.lidar_header(math.radians(self._angle_deg), counts), points]

    def _labelled(self, echoes: Echoes, is_kept: npt.NDArray[np.bool_]) -> bytes:
        rows = np.empty(int(is_kept.sum()), _SEMANTIC)
        rows["point"] = self._directions[is_kept] * echoes.distance[is_kept, None]
        rows["cosine"], rows["label"] = echoes.cosine[is_kept], echoes.label[is_kept]
        rows["actor"] = echoes.actor_id[is_kept]
        return rows.tobytes()


class _Loss:
    """What distance and chance take from a lidar; one random stream per sensor, seeded, so a run repeats."""

    def __init__(self, sensor: SensorActor) -> None:
        def share(name: str) -> float:
            return records.real(sensor.attribute(name, "0"), 0.0, 0.0, 1.0)

        self._random = np.random.default_rng(records.whole(sensor.attribute("noise_seed", "0"), 0, 0, (1 << 31) - 1))
        self._attenuation = records.real(sensor.attribute("atmosphere_attenuation_rate", "0"), 0.0, 0.0, 1e3)
        self._general_rate = share("dropoff_general_rate")
        self._limit, self._at_zero = share("dropoff_intensity_limit"), share("dropoff_zero_intensity")
        self._deviation_m = records.real(sensor.attribute("noise_stddev", "0"), 0.0, 0.0, 100.0)

    def spared(self, count: int) -> npt.NDArray[np.bool_]:
        """(N,) rays that the general drop-off leaves."""
        if self._general_rate <= 0.0:
            return np.ones(count, bool)
        return self._random.random(count) >= self._general_rate

    def intensity(self, distance: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(np.exp(-self._attenuation * distance), np.float32)

    def returned(self, intensity: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """(N,) True above the limit; below it the chance falls linearly to 1 - `dropoff_zero_intensity` at none."""
        if self._at_zero <= 0.0 or self._limit <= 0.0:
            return np.ones(len(intensity), bool)
        chance = 1.0 - self._at_zero + self._at_zero / self._limit * intensity
        return (intensity > self._limit) | (self._random.random(len(intensity)) < chance)

    def jittered(self, distance: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Noise along the ray."""
        if self._deviation_m <= 0.0:
            return distance
        return (distance + self._random.normal(0.0, self._deviation_m, len(distance))).astype(np.float32)


def _directions(azimuth: npt.NDArray[np.float64], elevations: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """(C * P, 3) unit vectors, forward, right, up, channel by channel."""
    level = np.cos(elevations)[:, None]
    directions = np.empty((len(elevations), len(azimuth), 3), np.float32)
    directions[..., 0], directions[..., 1] = level * np.cos(azimuth), level * np.sin(azimuth)
    directions[..., 2] = np.sin(elevations)[:, None]
    return directions.reshape(-1, 3)


def _bounded(pitch_deg: float) -> float:
    return min(max(pitch_deg, _PITCH_DEG[0]), _PITCH_DEG[1])
