"""Sensors from the scene to the wire: one box ten metres ahead, measured by everything that can, and decoded."""

from __future__ import annotations

import math
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import msgpack
import numpy as np
import numpy.typing as npt
import pytest

from sim_bridge.embedded.blueprints import Library
from sim_bridge.embedded.contracts import Label, Pose, Town
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.renderer import Renderer
from sim_bridge.embedded.vehicles import VEHICLES
from sim_bridge.embedded.wire.messages import SensorType
from sim_bridge.embedded.wire.structs import ActorDescription, AttributeValue
from sim_bridge.embedded.world.actors import Actor, SensorActor
from sim_bridge.embedded.world.parts import Parts
from sim_bridge.embedded.world.spawning import spawn
from sim_bridge.embedded.world.world import World
from tests.embedded.fakes import FLAT, KeptMessages
from tests.embedded.plain_towns import floor
from tests.embedded.test_world_client import ROOT, serving

TICK_S = 0.05
SENSOR_HEIGHT_M = 0.35
AHEAD_M = 10.0
BOX_HALF_M = 0.35
EVERY = {"dropoff_general_rate": "0", "dropoff_zero_intensity": "0"}


def _plain(name: str) -> Town:
    road = replace(floor("road", 150.0, (0.4, 0.4, 0.4)), label=Label.ROADS)
    return replace(FLAT, name=name, signals=(), meshes=(road,))


@pytest.fixture
def world() -> Iterator[World]:
    parts = Parts(_plain, Physics, partial(Renderer, prefer="software"))
    made = World(parts, "Flat", KeptMessages(), Library(VEHICLES))
    yield made
    made.close()


def _box(world: World, x: float = AHEAD_M + BOX_HALF_M, y: float = 0.0) -> Actor:
    box = spawn(world, ActorDescription(0, "static.prop.box01"), Pose(x, y, 0.0))
    world.simulate(box, False)
    return box


def _listening(world: World, type_id: str, pose: Pose | None = None, parent: int = 0, **given: str) -> SensorActor:
    attributes = tuple(AttributeValue(name, 4, value) for name, value in given.items())
    sensor = spawn(world, ActorDescription(0, type_id, attributes), pose or Pose(z=SENSOR_HEIGHT_M), parent)
    assert isinstance(sensor, SensorActor) and isinstance(world.outlet, KeptMessages)
    world.outlet.wanted.add(sensor.stream_id)
    return sensor


def _reading(world: World, sensor: SensorActor) -> tuple[int, bytes]:
    """The type and the data of the next reading."""
    assert isinstance(world.outlet, KeptMessages)
    world.tick(TICK_S)
    world.sense()
    message = [message for stream, message in world.outlet.posted if stream == sensor.stream_id][-1]
    kind, frame = struct.unpack_from("<QQ", message)
    assert frame == world.frame
    return kind, message[48:]


def _image(data: bytes) -> npt.NDArray[np.uint8]:
    width, height, fov = struct.unpack_from("<IIf", data)
    assert fov == 90.0
    return np.frombuffer(data, np.uint8, offset=12).reshape(height, width, 4)


def _points(data: bytes, columns: int) -> tuple[float, list[int], npt.NDArray[np.uint32]]:
    """The head's angle, the counts per channel, and the points as raw words."""
    angle, channels = struct.unpack_from("<fI", data)
    counts = list(struct.unpack_from(f"<{channels}I", data, 8))
    words = np.frombuffer(data, np.uint32, offset=8 + 4 * channels).reshape(-1, columns)
    assert len(words) == sum(counts)
    return angle, counts, words


def test_cameras_of_depth_and_labels_see_the_box_ten_metres_ahead(world: World) -> None:
    box = _box(world)
    size = {"image_size_x": "64", "image_size_y": "48"}
    depth = _listening(world, "sensor.camera.depth", **size)
    label = _listening(world, "sensor.camera.semantic_segmentation", **size)
    instance = _listening(world, "sensor.camera.instance_segmentation", **size)
    kind, data = _reading(world, depth)
    assert kind == SensorType.DEPTH
    blue, green, red, _ = _image(data)[24, 32].tolist()
    assert (red + green * 256 + blue * 65536) / (256**3 - 1) * 1000 == pytest.approx(AHEAD_M, abs=1e-3)
    kind, data = _reading(world, label)
    assert kind == SensorType.SEMANTIC
    assert _image(data)[24, 32].tolist() == [0, 0, Label.DYNAMIC, 255]
    assert set(np.unique(_image(data)[..., 2])) == {Label.ROADS, Label.DYNAMIC, Label.SKY}
    kind, data = _reading(world, instance)
    assert kind == SensorType.INSTANCE
    assert _image(data)[24, 32].tolist() == [0, box.actor_id, Label.DYNAMIC, 255]


def test_a_lidar_meets_the_box_ten_metres_ahead(world: World) -> None:
    _box(world)
    given = {"channels": "3", "upper_fov": "1", "lower_fov": "-1", "range": "50", "points_per_second": "21600"}
    lidar = _listening(world, "sensor.lidar.ray_cast", rotation_frequency="20", **given, **EVERY)
    kind, data = _reading(world, lidar)
    assert kind == SensorType.LIDAR
    angle, counts, words = _points(data, 4)
    points = words.view(np.float32)
    # 360 rays a turn and channel; the level channel meets only the box, the lower one also the ground, at 20 m.
    assert angle == pytest.approx(0.0, abs=1e-4)
    assert counts[1] == pytest.approx(5, abs=2)
    assert counts[2] == 360
    ahead = points[np.abs(np.arctan2(points[:, 1], points[:, 0])) < 0.02]
    assert ahead[:, 0] == pytest.approx(AHEAD_M, abs=1e-3)
    assert points[:, 3] == pytest.approx(np.exp(-0.004 * np.linalg.norm(points[:, :3], axis=1)), rel=1e-4)
    ground = points[np.abs(points[:, 2] + SENSOR_HEIGHT_M) < 1e-2]
    assert len(ground) >= 350
    assert np.hypot(ground[:, 0], ground[:, 1]) == pytest.approx(
        SENSOR_HEIGHT_M / math.tan(math.radians(1.0)), rel=1e-3
    )


def test_lidar_axes_are_forward_right_up(world: World) -> None:
    _box(world, 0.0, AHEAD_M + BOX_HALF_M)
    given = {"channels": "1", "upper_fov": "0", "lower_fov": "0", "points_per_second": "7200", "range": "20"}
    lidar = _listening(world, "sensor.lidar.ray_cast", rotation_frequency="20", **given, **EVERY)
    _, _, words = _points(_reading(world, lidar)[1], 4)
    points = words.view(np.float32)
    assert np.median(points[:, :3], axis=0).tolist() == pytest.approx([0.0, AHEAD_M, 0.0], abs=0.06)


def test_a_lidars_head_turns_on_where_it_stopped(world: World) -> None:
    given = {"channels": "1", "upper_fov": "-10", "lower_fov": "-10", "points_per_second": "7200"}
    lidar = _listening(world, "sensor.lidar.ray_cast", rotation_frequency="5", **given, **EVERY)
    sectors = []
    for _ in range(4):
        angle, _, words = _points(_reading(world, lidar)[1], 4)
        azimuth = np.degrees(np.arctan2(*words.view(np.float32)[:, [1, 0]].T))
        sectors.append((round(azimuth.min()), round(azimuth.max()), round(math.degrees(angle)) % 360))
    assert sectors == [(-180, -90, 90), (-90, 0, 180), (0, 90, 270), (90, 180, 0)]


def test_drop_off_and_noise_take_what_their_attributes_say(world: World) -> None:
    given = {"channels": "16", "upper_fov": "-5", "lower_fov": "-25", "points_per_second": "320000", "range": "50"}
    high = Pose(z=2.0)

    def cloud(**more: str) -> npt.NDArray[np.float32]:
        lidar = _listening(world, "sensor.lidar.ray_cast", high, rotation_frequency="20", **given, **more)
        _, _, words = _points(_reading(world, lidar)[1], 4)
        world.destroy(lidar.actor_id)
        return words.view(np.float32)

    def flatness(points: npt.NDArray[np.float32]) -> float:
        """How far points stray along their rays from the ground they met."""
        return float((np.linalg.norm(points[:, :3], axis=1) * (points[:, 2] + 2.0) / -points[:, 2]).std())

    whole = cloud(**EVERY)
    assert len(whole) == 16000
    assert len(cloud(dropoff_general_rate="0.45", dropoff_zero_intensity="0")) == pytest.approx(0.55 * 16000, rel=0.05)
    # With a limit of 1 every return of intensity i stays with a chance of 1 - zero + zero * i.
    faint = cloud(dropoff_general_rate="0", dropoff_intensity_limit="1", dropoff_zero_intensity="0.8")
    assert len(faint) == pytest.approx((0.2 + 0.8 * whole[:, 3]).sum(), rel=0.05)
    assert flatness(whole) < 1e-3
    assert flatness(cloud(**EVERY, noise_stddev="0.1")) == pytest.approx(0.1, rel=0.2)
    assert (cloud(noise_seed="5")[:50] == cloud(noise_seed="5")[:50]).all()


def test_a_semantic_lidar_names_what_it_hits(world: World) -> None:
    box = _box(world)
    given = {"channels": "3", "upper_fov": "1", "lower_fov": "-1", "points_per_second": "21600", "range": "50"}
    lidar = _listening(world, "sensor.lidar.ray_cast_semantic", rotation_frequency="20", **given)
    kind, data = _reading(world, lidar)
    assert kind == SensorType.SEMANTIC_LIDAR
    _, _, words = _points(data, 6)
    place, actors, labels = words[:, :4].view(np.float32), words[:, 4], words[:, 5]
    hit = actors == box.actor_id
    assert 3 * 3 <= hit.sum() <= 3 * 7
    assert (labels[hit] == Label.DYNAMIC).all()
    assert place[hit, 0] == pytest.approx(AHEAD_M, abs=1e-3)
    assert place[hit, 3] == pytest.approx(1.0, abs=2e-3)
    assert set(labels[~hit]) == {Label.ROADS}
    assert (actors[~hit] == 0).all()
    assert place[~hit, 3] == pytest.approx(math.sin(math.radians(1.0)), rel=1e-2)


def test_radar_and_obstacle_detector_agree_about_the_box(world: World) -> None:
    box = _box(world)
    radar = _listening(world, "sensor.other.radar", horizontal_fov="3", vertical_fov="3")
    feeler = _listening(world, "sensor.other.obstacle", distance="20", hit_radius="0.1")
    kind, data = _reading(world, radar)
    assert kind == SensorType.RADAR
    hits = np.frombuffer(data, np.float32).reshape(-1, 4)
    assert len(hits) >= 60
    near = hits[np.hypot(hits[:, 1], hits[:, 2]) < math.radians(1.0)]
    assert near[:, 3] * np.cos(near[:, 1]) * np.cos(near[:, 2]) == pytest.approx(AHEAD_M, abs=1e-3)
    assert near[:, 0] == pytest.approx(0.0, abs=1e-6)
    _, other, distance = msgpack.unpackb(_reading(world, feeler)[1])
    assert other[0] == box.actor_id
    assert distance == pytest.approx(AHEAD_M, abs=0.06)


def test_lidars_scan_and_cameras_rest_without_rendering(world: World) -> None:
    _box(world)
    world.settings = replace(world.settings, no_rendering=True)
    lidar = _listening(world, "sensor.lidar.ray_cast")
    depth = _listening(world, "sensor.camera.depth", image_size_x="8", image_size_y="8")
    _reading(world, lidar)
    assert isinstance(world.outlet, KeptMessages)
    assert depth.stream_id not in {stream for stream, _ in world.outlet.posted}


def test_a_sensor_that_leaves_gives_its_views_back(world: World) -> None:
    for _ in range(3):
        lidar = _listening(world, "sensor.lidar.ray_cast")
        depth = _listening(world, "sensor.camera.depth", image_size_x="8", image_size_y="8")
        _reading(world, lidar)
        assert world.destroy(lidar.actor_id) and world.destroy(depth.actor_id)
    survey = world.painter._survey  # type: ignore[attr-defined]
    assert not survey._views and not survey._rigs


def test_the_real_client_decodes_every_sensor() -> None:
    with serving("sim_bridge.embedded", "--port", "0") as (_, port):
        done = subprocess.run(
            [sys.executable, "-m", "tests.embedded.sensor_scripts", str(port)],
            cwd=ROOT, text=True, capture_output=True, timeout=60.0,
        )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "done" in done.stdout
