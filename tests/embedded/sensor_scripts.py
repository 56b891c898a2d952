"""What a script does with every sensor through the real `carla` client: `python -m tests.embedded.sensor_scripts PORT`.

Runs against `python -m sim_bridge.embedded`, in a process of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import carla
import numpy as np

from tests.embedded.client_scripts import listened, synchronous

AHEAD_M = 10.0
SENSORS: dict[str, dict[str, str]] = {
    "sensor.camera.rgb": {"image_size_x": "96", "image_size_y": "64"},
    "sensor.camera.depth": {"image_size_x": "96", "image_size_y": "64"},
    "sensor.camera.semantic_segmentation": {"image_size_x": "96", "image_size_y": "64"},
    "sensor.camera.instance_segmentation": {"image_size_x": "96", "image_size_y": "64"},
    "sensor.camera.normals": {"image_size_x": "96", "image_size_y": "64"},
    "sensor.camera.optical_flow": {"image_size_x": "96", "image_size_y": "64"},
    "sensor.camera.cosmos_visualization": {"image_size_x": "96", "image_size_y": "64"},
    "sensor.lidar.ray_cast": {"dropoff_general_rate": "0", "rotation_frequency": "20", "range": "50"},
    "sensor.lidar.ray_cast_semantic": {"rotation_frequency": "20", "range": "50"},
    "sensor.other.radar": {"horizontal_fov": "4", "vertical_fov": "4"},
}


def main(port: int) -> None:
    with synchronous(port) as world:
        start = world.get_map().get_spawn_points()[0]
        start.location.z = 0.8
        library = world.get_blueprint_library()
        forward = start.get_forward_vector()
        middle = start.location + carla.Location(forward.x, forward.y, 0.0) * (AHEAD_M + 0.35)
        box = world.spawn_actor(library.find("static.prop.box01"), carla.Transform(middle, start.rotation))
        box.set_simulate_physics(False)
        start.location.z = middle.z + 0.35
        sensors, queues = [], {}
        for name, attributes in SENSORS.items():
            blueprint = library.find(name)
            for key, value in attributes.items():
                blueprint.set_attribute(key, value)
            # A sensor nobody holds on to stops listening.
            sensors.append(world.spawn_actor(blueprint, start))
            queues[name] = listened(sensors[-1])
        frame = world.tick()
        readings = {name: messages.get(timeout=10.0) for name, messages in queues.items()}
        for name, reading in readings.items():
            assert reading.frame == frame, (name, reading.frame, frame)
            CHECKS.get(name, lambda *_: None)(reading, box)
            print(name, type(reading).__name__)
        box.destroy()
        _lamps_follow_the_light_state(world, start, queues["sensor.camera.rgb"])
        _a_box_that_moves_flows_and_fires(world, start)
        for sensor in sensors:
            sensor.stop()
            sensor.destroy()


def _lamps_follow_the_light_state(world: carla.World, start: carla.Transform, pictures: Any) -> None:
    """A car ahead lights the lamps that `set_light_state` names, one after the other, and puts them out again."""
    forward = start.get_forward_vector()
    place = start.location + carla.Location(forward.x, forward.y, 0.0) * 7.0
    blueprint = world.get_blueprint_library().find("vehicle.ford.ambulance")
    car = world.spawn_actor(blueprint, carla.Transform(place, start.rotation))
    car.set_simulate_physics(False)

    def picture() -> Any:
        frame = world.tick()
        while (image := pictures.get(timeout=10.0)).frame < frame:
            pass
        return np.frombuffer(image.raw_data, np.uint8).reshape(64, 96, 4).astype(int)

    lamps = carla.VehicleLightState
    dark = picture()
    for state in (lamps.Brake, lamps.Position, lamps.Reverse, lamps.Special1):
        car.set_light_state(lamps(state))
        assert car.get_light_state() == state
        assert (np.abs(picture() - dark).max(axis=2) > 60).sum() >= 2, state
    car.set_light_state(lamps.NONE)
    assert (picture() == dark).all()
    car.destroy()


def _a_box_that_moves_flows_and_fires(world: carla.World, start: carla.Transform) -> None:
    """A box is put 0.5 m to the right: it flows that way in the one picture, and its sides make events in the other."""
    library = world.get_blueprint_library()
    eyes, queues = [], []
    for name in ("sensor.camera.optical_flow", "sensor.camera.dvs"):
        blueprint = library.find(name)
        blueprint.set_attribute("image_size_x", "96")
        blueprint.set_attribute("image_size_y", "64")
        eyes.append(world.spawn_actor(blueprint, start))
        queues.append(listened(eyes[-1]))
    forward, right = start.get_forward_vector(), start.get_right_vector()
    place = start.location + forward * (AHEAD_M + 0.35)
    box = world.spawn_actor(library.find("static.prop.box01"), carla.Transform(place, start.rotation))
    box.set_simulate_physics(False)
    for _ in range(2):
        world.tick()
        still = queues[0].get(timeout=10.0)
    assert np.abs(np.frombuffer(still.raw_data, np.float32)).max() < 1e-6
    box.set_transform(carla.Transform(place + right * 0.5, start.rotation))
    frame = world.tick()
    flow = queues[0].get(timeout=10.0)
    assert flow.frame == frame and (flow.width, flow.height) == (96, 64)
    across = np.frombuffer(flow.raw_data, np.float32).reshape(64, 96, 2)[..., 0]
    assert abs(across.max() - 0.5 / AHEAD_M) < 0.002, across.max()
    flow.get_color_coded_flow()
    while (events := queues[1].get(timeout=10.0)).frame < frame:
        pass
    columns = [event.x for event in events]
    assert len(events) > 4 and min(columns) > 40 and max(columns) < 58, (len(events), columns)
    assert {event.pol for event in events} == {True, False}
    for eye in eyes:
        eye.stop()
        eye.destroy()
    box.destroy()


def _depth(image: Any, box: carla.Actor) -> None:
    pixels = np.frombuffer(image.raw_data, np.uint8).reshape(64, 96, 4).astype(int)
    blue, green, red, _ = pixels[32, 48]
    assert abs((red + green * 256 + blue * 65536) / (256**3 - 1) * 1000 - AHEAD_M) < 0.01
    image.convert(carla.ColorConverter.LogarithmicDepth)


def _semantic(image: Any, box: carla.Actor) -> None:
    pixels = np.frombuffer(image.raw_data, np.uint8).reshape(64, 96, 4)
    assert pixels[32, 48].tolist() == [0, 0, int(carla.CityObjectLabel.Dynamic), 255]
    assert int(carla.CityObjectLabel.Roads) in pixels[..., 2]
    image.convert(carla.ColorConverter.CityScapesPalette)


def _instance(image: Any, box: carla.Actor) -> None:
    pixels = np.frombuffer(image.raw_data, np.uint8).reshape(64, 96, 4).astype(int)
    blue, green, red, _ = pixels[32, 48]
    assert (red, green + 256 * blue) == (int(carla.CityObjectLabel.Dynamic), box.id & 0x7FFF)


def _lidar(cloud: Any, box: carla.Actor) -> None:
    assert cloud.channels == 32
    assert sum(cloud.get_point_count(channel) for channel in range(32)) == len(cloud)
    points = np.frombuffer(cloud.raw_data, np.float32).reshape(-1, 4)
    ahead = points[(np.abs(points[:, 1]) < 0.2) & (np.abs(points[:, 2]) < 0.2) & (points[:, 0] > 0.0)]
    assert len(ahead) >= 1 and np.abs(ahead[:, 0] - AHEAD_M).max() < 0.01, ahead
    assert cloud[0].point.x == points[0, 0] and cloud[0].intensity == points[0, 3]


def _semantic_lidar(cloud: Any, box: carla.Actor) -> None:
    assert sum(cloud.get_point_count(channel) for channel in range(cloud.channels)) == len(cloud)
    hits = [point for point in cloud if point.object_idx == box.id]
    assert hits, "no ray met the box"
    assert all(point.object_tag == int(carla.CityObjectLabel.Dynamic) for point in hits)
    assert all(abs(point.point.x - AHEAD_M) < 0.01 and point.cos_inc_angle > 0.99 for point in hits)
    assert any(point.object_tag == int(carla.CityObjectLabel.Roads) for point in cloud)


def _radar(detections: Any, box: carla.Actor) -> None:
    straight = [hit for hit in detections if abs(hit.azimuth) < 0.01 and abs(hit.altitude) < 0.01]
    assert straight and all(abs(hit.depth - AHEAD_M) < 0.02 and abs(hit.velocity) < 0.01 for hit in straight)


CHECKS: dict[str, Callable[[Any, carla.Actor], None]] = {
    "sensor.camera.depth": _depth,
    "sensor.camera.semantic_segmentation": _semantic,
    "sensor.camera.instance_segmentation": _instance,
    "sensor.lidar.ray_cast": _lidar,
    "sensor.lidar.ray_cast_semantic": _semantic_lidar,
    "sensor.other.radar": _radar,
}

if __name__ == "__main__":
    main(int(sys.argv[1]))
    print("done")
