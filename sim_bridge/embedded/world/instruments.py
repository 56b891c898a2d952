"""GNSS and IMU: position on the globe by the town's geoReference, and what a phone in the car would feel."""

from __future__ import annotations

import math
import random

import carla

from sim_bridge.embedded.contracts import Town
from sim_bridge.embedded.world import records
from sim_bridge.embedded.world.actors import SensorActor
from sim_bridge.embedded.world.geometry import Vec3, rotation, turned_back

GRAVITY_MPS2 = 9.81


class _Noise:
    """One random stream per sensor, seeded by its `noise_seed`, so a run repeats."""

    def __init__(self) -> None:
        self._streams: dict[int, random.Random] = {}

    def forget(self, actor_id: int) -> None:
        self._streams.pop(actor_id, None)

    def gauss(self, sensor: SensorActor, name: str) -> float:
        deviation = records.real(sensor.attribute(name), 0.0, 0.0, 1e6)
        if deviation == 0.0:
            return 0.0
        seed = records.whole(sensor.attribute("noise_seed"), 0, -(1 << 31), 1 << 31)
        return self._streams.setdefault(sensor.actor_id, random.Random(seed)).gauss(0.0, deviation)


class Gnss:
    """Latitude, longitude in degrees, altitude in metres: exactly what the client's own Map converts a location to."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._map: carla.Map | None = None
        self._noise = _Noise()

    def forget(self, actor_id: int) -> None:
        self._noise.forget(actor_id)

    def read(self, sensor: SensorActor) -> list[float]:
        if self._map is None:
            self._map = carla.Map(self._town.name, self._town.opendrive)
        pose = sensor.pose
        place = self._map.transform_to_geolocation(carla.Location(pose.x, pose.y, pose.z))
        exact = {"lat": place.latitude, "lon": place.longitude, "alt": place.altitude}
        return [value + self._error(sensor, axis) for axis, value in exact.items()]

    def _error(self, sensor: SensorActor, axis: str) -> float:
        bias = records.real(sensor.attribute(f"noise_{axis}_bias"), 0.0, -1e6, 1e6)
        return bias + self._noise.gauss(sensor, f"noise_{axis}_stddev")


class Imu:
    """Specific force m/s2 and turn rate rad/s along the sensor's axes, compass in radians clockwise from north (-y)."""

    def __init__(self) -> None:
        self.gravity_mps2 = GRAVITY_MPS2  # what it feels at rest; bodies fall by their own
        self._noise = _Noise()

    def forget(self, actor_id: int) -> None:
        self._noise.forget(actor_id)

    def read(self, sensor: SensorActor) -> list[object]:
        axes = rotation(sensor.pose)
        ax, ay, az = sensor.body.acceleration
        force = turned_back(axes, (ax, ay, az + self.gravity_mps2))
        wx, wy, wz = sensor.body.angular_velocity
        turn = turned_back(axes, (math.radians(wx), math.radians(wy), math.radians(wz)))
        # North is -y: a sensor that looks along +x (yaw 0) reads a quarter turn.
        compass = (math.radians(sensor.pose.yaw) + math.pi / 2.0) % (2.0 * math.pi)
        return [self._felt(sensor, force), self._turned(sensor, turn), compass]

    def _felt(self, sensor: SensorActor, force: Vec3) -> list[float]:
        return [
            value + self._noise.gauss(sensor, f"noise_accel_stddev_{axis}")
            for axis, value in zip("xyz", force, strict=True)
        ]

    def _turned(self, sensor: SensorActor, turn: Vec3) -> list[float]:
        return [
            value
            + records.real(sensor.attribute(f"noise_gyro_bias_{axis}"), 0.0, -1e6, 1e6)
            + self._noise.gauss(sensor, f"noise_gyro_stddev_{axis}")
            for axis, value in zip("xyz", turn, strict=True)
        ]
