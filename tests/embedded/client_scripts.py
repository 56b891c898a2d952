"""What scripts do with the real `carla` client, one function each: `python -m tests.embedded.client_scripts NAME PORT`.

Each runs in a process of its own, because libcarla ends the process it is in when a server says something wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import queue
import struct
import sys
import time
from collections.abc import Callable, Iterator

import carla

Pictures = queue.Queue


def client_of(port: int) -> carla.Client:
    client = carla.Client("127.0.0.1", port)
    client.set_timeout(10.0)
    return client


@contextlib.contextmanager
def ticked(client: carla.Client) -> Iterator[carla.World]:
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    yield world
    settings.synchronous_mode = False
    world.apply_settings(settings)


@contextlib.contextmanager
def synchronous(port: int) -> Iterator[carla.World]:
    with ticked(client_of(port)) as world:
        yield world


@contextlib.contextmanager
def managed(client: carla.Client, port: int, seed: int = 1) -> Iterator[carla.TrafficManager]:
    """A synchronous Traffic Manager of the client that also ticks the world.

    Of another client it would see the world through that client's stream, which may be a frame behind: a car that is
    not in there yet is dropped for good, and one that is gone but still in there ends the process.
    """
    manager = client.get_trafficmanager(port)
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(seed)
    yield manager
    # libcarla wakes the manager's thread without holding its lock. A thread that is just falling asleep, as it is right
    # after a tick, misses the call, and `shut_down` waits for it for ever.
    time.sleep(0.1)
    manager.shut_down()


def ego(world: carla.World, spawn: int = 0) -> carla.Vehicle:
    blueprint = world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
    blueprint.set_attribute("role_name", "hero")
    return world.spawn_actor(blueprint, world.get_map().get_spawn_points()[spawn])


def camera(
    world: carla.World, parent: carla.Actor | None, width: int, height: int, **attributes: object
) -> carla.Sensor:
    blueprint = world.get_blueprint_library().find("sensor.camera.rgb")
    for name, value in {"image_size_x": width, "image_size_y": height, **attributes}.items():
        blueprint.set_attribute(name, str(value))
    mount = carla.Transform(carla.Location(x=-1.5, z=2.0))
    return world.spawn_actor(blueprint, mount, attach_to=parent)


def listened(sensor: carla.Sensor) -> Pictures:
    pictures: Pictures = queue.Queue()
    sensor.listen(pictures.put)
    return pictures


def drives_and_sees(port: int) -> None:
    with synchronous(port) as world:
        car = ego(world)
        eye = camera(world, car, 64, 32, fov=110)
        pictures = listened(eye)
        # The very first tick after `listen` already has its picture.
        frame = world.tick()
        picture = pictures.get(timeout=10.0)
        assert picture.frame == frame, (picture.frame, frame)
        assert (picture.width, picture.height, round(picture.fov)) == (64, 32, 110)
        assert len(picture.raw_data) == 64 * 32 * 4
        start = car.get_location().x
        car.apply_control(carla.VehicleControl(throttle=1.0))
        for _ in range(20):
            frame = world.tick()
            assert pictures.get(timeout=10.0).frame == frame
        assert car.get_location().x > start + 1.5
        assert math.isclose(car.get_velocity().x, 4.0, abs_tol=0.01)
        assert math.isclose(car.get_control().throttle, 1.0)
        assert car.get_speed_limit() == 50.0
        assert car.attributes["role_name"] == "hero"
        assert world.get_snapshot().timestamp.delta_seconds - 0.05 < 1e-6
        assert eye.parent.id == car.id
        eye.stop()
        assert eye.destroy()
        assert car.destroy()
        world.tick()
        assert not world.get_actors().filter("vehicle.*")


def teleports_frame_by_frame(port: int) -> None:
    with synchronous(port) as world:
        car = ego(world)
        car.set_simulate_physics(False)
        eye = camera(world, None, 1024, 512)
        pictures = listened(eye)
        for x in range(30, 80):
            car.set_transform(carla.Transform(carla.Location(float(x), 7.0, 0.0)))
            car.set_light_state(carla.VehicleLightState(carla.VehicleLightState.Brake if x % 2 else 0))
            frame = world.tick()
            picture = pictures.get(timeout=10.0)
            assert picture.frame == frame
            # The flat painter writes the first actor's x, y and lights into the first pixel.
            assert tuple(picture.raw_data[:3]) == (x, 7, 8 if x % 2 else 0), tuple(picture.raw_data[:3])
            assert round(car.get_location().x) == x
        eye.destroy()
        car.destroy()


def refuses_in_words(port: int) -> None:
    with synchronous(port) as world:
        car = ego(world)
        library = world.get_blueprint_library()
        world.tick()
        assert world.try_spawn_actor(library.find("vehicle.tesla.model3"), car.get_transform()) is None
        try:
            world.spawn_actor(library.find("vehicle.tesla.model3"), car.get_transform())
        except RuntimeError as error:
            assert "Spawn failed because of collision at spawn position" in str(error)
        else:
            raise AssertionError("two cars in one place")
        client = client_of(port)
        try:
            client.load_world("Atlantis")
        except RuntimeError as error:
            assert "Atlantis" in str(error) and "Flat" in str(error), error
        else:
            raise AssertionError("loaded a town that does not exist")
        try:
            client.start_recorder("/tmp/x.log")
        except RuntimeError as error:
            assert "expected a file in" in str(error), error
        else:
            raise AssertionError("recorded outside of its folder")
        assert car.is_alive
        car.destroy()
        world.tick()


def batches(port: int) -> None:
    client = client_of(port)
    with ticked(client) as world:
        blueprint = world.get_blueprint_library().find("vehicle.tesla.model3")
        points = world.get_map().get_spawn_points()
        full = carla.VehicleControl(throttle=1.0)
        batch = [
            carla.command.SpawnActor(blueprint, points[0]).then(
                carla.command.ApplyVehicleControl(carla.command.FutureActor, full)
            ),
            carla.command.SpawnActor(blueprint, points[1]),
            carla.command.SpawnActor(blueprint, points[1]),
            carla.command.DestroyActor(999_999),
        ]
        first, second, crash, missing = client.apply_batch_sync(batch, True)
        assert not first.has_error() and not second.has_error()
        assert "collision" in crash.error, crash.error
        assert "999999" in missing.error, missing.error
        for _ in range(10):
            world.tick()
        moving, standing = world.get_actor(first.actor_id), world.get_actor(second.actor_id)
        assert moving.get_velocity().length() > 1.0 > standing.get_velocity().length()
        client.apply_batch_sync([carla.command.DestroyActor(a) for a in (moving, standing)], True)
        assert not world.get_actors().filter("vehicle.*")


def rules_the_lights(port: int) -> None:
    with synchronous(port) as world:
        world.tick()
        light = next(a for a in world.get_actors().filter("traffic.traffic_light") if a.get_opendrive_id() == "101")
        assert light.state == carla.TrafficLightState.Green
        assert len(light.get_group_traffic_lights()) == 2
        assert (light.get_green_time(), light.get_yellow_time(), light.get_red_time()) == (10.0, 3.0, 2.0)
        light.freeze(True)
        light.set_state(carla.TrafficLightState.Red)
        car = ego(world)
        car.set_simulate_physics(False)
        car.set_transform(carla.Transform(carla.Location(97.0, 1.75, 0.0)))
        for _ in range(300):
            world.tick()
        assert light.is_frozen() and light.state == carla.TrafficLightState.Red
        assert car.is_at_traffic_light() and car.get_traffic_light_state() == carla.TrafficLightState.Red
        assert car.get_traffic_light().id == light.id
        light.freeze(False)
        world.reset_all_traffic_lights()
        car.destroy()
        world.tick()
        assert light.state == carla.TrafficLightState.Green


def senses(port: int) -> None:
    with synchronous(port) as world:
        car = ego(world)
        library = world.get_blueprint_library()
        heard: dict[str, Pictures] = {}
        sensors = []
        for name in ("gnss", "imu", "collision"):
            sensors.append(world.spawn_actor(library.find(f"sensor.other.{name}"), carla.Transform(), attach_to=car))
            heard[name] = listened(sensors[-1])
        world.tick()
        fix, motion = heard["gnss"].get(timeout=10.0), heard["imu"].get(timeout=2.0)
        place = world.get_map().transform_to_geolocation(car.get_location())
        assert math.isclose(fix.latitude, place.latitude, abs_tol=1e-9)
        assert math.isclose(fix.longitude, place.longitude, abs_tol=1e-9)
        assert math.isclose(motion.accelerometer.z, 9.81, abs_tol=1e-3)
        assert math.isclose(motion.compass, math.pi / 2.0, abs_tol=1e-4)
        car.add_impulse(carla.Vector3D(-900.0, 0.0, 0.0))
        world.tick()
        crash = heard["collision"].get(timeout=10.0)
        assert crash.actor.id == car.id
        assert crash.other_actor.type_id == "static.wall"
        assert crash.normal_impulse.x == -900.0
        for actor in (*sensors, car):
            actor.destroy()
        world.tick()


def records_and_replays(port: int) -> None:
    client = client_of(port)
    with ticked(client) as world:
        car = ego(world)
        path = client.start_recorder("trip.log", True)
        assert path.endswith("trip.log"), path
        car.apply_control(carla.VehicleControl(throttle=1.0))
        places = [car.get_location().x for _ in range(30) if world.tick()]
        car.add_impulse(carla.Vector3D(-900.0, 0.0, 0.0))
        world.tick()
        client.stop_recorder()
        car.destroy()
        world.tick()
        told = client.show_recorder_file_info("trip.log", False)
        assert "vehicle.lincoln.mkz_2020" in told and "Frames: 31" in told, told
        assert "vehicle.lincoln.mkz_2020" in client.show_recorder_collisions("trip.log", "h", "a")
        assert "Actor" in client.show_recorder_actors_blocked("trip.log", 60.0, 100.0)
        client.set_replayer_time_factor(1.0)
        client.set_replayer_ignore_hero(False)
        client.set_replayer_ignore_spectator(True)
        assert "Replaying from 0 s" in client.replay_file("trip.log", 0.0, 0.0, 0)
        for expected in places[1:20]:
            world.tick()
            (again,) = world.get_actors().filter("vehicle.*")
            assert math.isclose(again.get_location().x, expected, abs_tol=5e-3), (again.get_location().x, expected)
        client.stop_replayer(False)
        world.tick()
        world.tick()
        assert not world.get_actors().filter("vehicle.*")


def runs_free(port: int) -> None:
    client = client_of(port)
    world = client.get_world()
    for fixed in (None, 0.05):
        settings = world.get_settings()
        settings.fixed_delta_seconds = fixed
        world.apply_settings(settings)
        first = world.wait_for_tick(2.0).timestamp
        time.sleep(1.0)
        last = world.wait_for_tick(2.0).timestamp
        wall = last.platform_timestamp - first.platform_timestamp
        simulated = last.elapsed_seconds - first.elapsed_seconds
        # Never faster than the clock on the wall, and not much slower even on a machine that is busy.
        assert 0.3 * wall < simulated < wall + 0.06, (fixed, simulated, wall)
        assert last.frame > first.frame + 5
    weather = carla.WeatherParameters(cloudiness=70.0, sun_altitude_angle=12.0)
    world.set_weather(weather)
    assert world.get_weather().cloudiness == 70.0
    assert world.get_weather().sun_altitude_angle == 12.0


def reloads(port: int) -> None:
    client = client_of(port)
    before = client.get_world()
    ego(before)
    after = client.load_world("Other")
    assert after.id != before.id
    assert after.get_map().name.endswith("Other")
    assert not after.get_actors().filter("vehicle.*")
    assert client.load_world("Flat").get_map().name.endswith("Flat")
    assert not client.get_world().get_settings().synchronous_mode


def draws_its_own_town(port: int) -> None:
    client = client_of(port)
    text = client.get_world().get_map().to_opendrive()
    world = client.generate_opendrive_world(text.replace('id="2"', 'id="77"'))
    assert world.get_map().name.endswith("OpenDriveMap")
    assert {waypoint.road_id for waypoint in world.get_map().generate_waypoints(10.0)} == {1, 77}
    ego(world).destroy()
    try:
        client.generate_opendrive_world("<OpenDRIVE><road></OpenDRIVE>")
    except RuntimeError as error:
        assert "makes no town" in str(error), error
    else:
        raise AssertionError("drove on a broken map")
    for name in ("vertex_distance", "max_road_length", "wall_height", "additional_width"):
        try:
            client.generate_opendrive_world(text, carla.OpendriveGenerationParameters(**{name: -1.0}))
        except RuntimeError as error:
            assert name in str(error), error
        else:
            raise AssertionError(f"made a town with a {name} of -1")
    assert client.get_world().get_map().name.endswith("OpenDriveMap")


def two_clients_share_a_world(port: int) -> None:
    with synchronous(port) as world:
        seen = client_of(port).get_world()
        car = ego(world)
        frame = world.tick()
        deadline = time.monotonic() + 2.0
        while seen.get_snapshot().frame < frame and time.monotonic() < deadline:
            time.sleep(0.001)
        assert seen.get_snapshot().find(car.id) is not None
        assert seen.get_actor(car.id).type_id == car.type_id
        assert seen.tick() > frame
        car.destroy()
        world.tick()


def leaves_a_car(port: int) -> None:
    with synchronous(port) as world:
        camera(world, ego(world), 64, 32).listen(lambda picture: None)
        world.tick()


def finds_the_car_left_behind(port: int) -> None:
    with synchronous(port) as world:
        world.tick()
        (car,) = world.get_actors().filter("vehicle.*")
        for actor in (*world.get_actors().filter("sensor.*"), car):
            assert actor.destroy()
        world.tick()


def traffic(port: int) -> None:
    """CARLA's own Traffic Manager, with a real town and real physics."""
    client = client_of(port)
    with ticked(client) as world, managed(client, port + 60) as manager:
        town = world.get_map()
        blueprint = world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
        points = town.get_spawn_points()
        spawned = (world.try_spawn_actor(blueprint, point) for point in points[:: max(1, len(points) // 12)][:12])
        cars = [car for car in spawned if car is not None]
        assert len(cars) >= 10, len(cars)
        world.tick()
        for car in cars:
            car.set_autopilot(True, manager.get_port())
        starts = [car.get_location() for car in cars]
        offsets = []
        for k in range(300):
            world.tick()
            if k % 30 == 29:
                places = [(car.get_location(), town.get_waypoint(car.get_location())) for car in cars]
                offsets += [place.distance_2d(lane.transform.location) for place, lane in places]
        moved = sum(car.get_location().distance(start) > 10.0 for car, start in zip(cars, starts, strict=True))
        assert moved >= 8, moved
        assert sorted(offsets)[len(offsets) // 2] < 0.3, sorted(offsets)
        for car in cars:
            car.destroy()
        world.tick()


def drives_alike(port: int) -> None:
    """Print a hash of where the Traffic Manager's cars went and how fast, in a new episode and after a reload."""
    hashes = [_traffic_hash(port, ticks=80)]
    client_of(port).reload_world()
    hashes.append(_traffic_hash(port, ticks=80))
    print(*hashes)


def _traffic_hash(port: int, ticks: int) -> str:
    client, digest = client_of(port), hashlib.sha256()
    with ticked(client) as world, managed(client, port + 60, seed=7) as manager:
        blueprints, points = world.get_blueprint_library().filter("vehicle.*"), world.get_map().get_spawn_points()
        spawned = (world.try_spawn_actor(blueprints[k], point) for k, point in enumerate(points[::30][:10]))
        cars = [car for car in spawned if car is not None]
        world.tick()
        for car in cars:
            car.set_autopilot(True, manager.get_port())
        for _ in range(ticks):
            world.tick()
            for car in cars:
                place, turn, speed = car.get_location(), car.get_transform().rotation, car.get_velocity()
                digest.update(struct.pack("<6f", place.x, place.y, place.z, turn.yaw, speed.x, speed.y))
        assert sum(car.get_velocity().length() > 1.0 for car in cars) >= 4
        for car in cars:
            car.set_autopilot(False, manager.get_port())
            car.destroy()
        world.tick()
    return digest.hexdigest()


def walks(port: int) -> None:
    """CARLA's walker AI on the town's own navigation mesh: on sidewalks, and on lanes only to cross them."""
    with synchronous(port) as world:
        world.tick()
        library, town = world.get_blueprint_library(), world.get_map()
        walkers, controllers = [], []
        for number in range(8):
            place = world.get_random_location_from_navigation()
            assert place is not None
            blueprint = library.find(f"walker.pedestrian.{number + 1:04d}")
            walker = world.try_spawn_actor(blueprint, carla.Transform(place + carla.Location(z=1.0)))
            if walker is not None:
                walkers.append(walker)
                mount = carla.Transform()
                controllers.append(world.spawn_actor(library.find("controller.ai.walker"), mount, attach_to=walker))
        assert len(walkers) >= 6, len(walkers)
        world.tick()
        for controller in controllers:
            controller.start()
            controller.go_to_location(world.get_random_location_from_navigation())
            controller.set_max_speed(1.4)
        starts = [walker.get_location() for walker in walkers]
        on_lanes = 0
        for k in range(300):
            world.tick()
            if k % 20 == 0:
                places = [town.get_waypoint(w.get_location(), False, carla.LaneType.Driving) for w in walkers]
                on_lanes += sum(place is not None and not place.is_junction for place in places)
        moved = [w.get_location().distance(start) for w, start in zip(walkers, starts, strict=True)]
        assert sum(distance > 5.0 for distance in moved) >= len(walkers) - 2, moved
        assert on_lanes < 0.3 * 15 * len(walkers), on_lanes
        assert all(abs(w.get_location().z - w.bounding_box.extent.z) < 0.3 for w in walkers)
        for controller in controllers:
            controller.stop()
        for actor in (*controllers, *walkers):
            actor.destroy()
        world.tick()


def sees_the_town(port: int) -> None:
    """Real town, physics and renderer: a car settles on its wheels, and its camera sees more than one colour."""
    with synchronous(port) as world:
        car = ego(world)
        eye = camera(world, car, 256, 128, fov=110)
        pictures = listened(eye)
        for _ in range(30):
            frame = world.tick()
            picture = pictures.get(timeout=20.0)
            assert picture.frame == frame
        assert abs(car.get_location().z) < 0.1
        assert len(set(bytes(picture.raw_data)[::4])) > 20
        assert math.isclose(picture.transform.location.z - car.get_location().z, 2.0, abs_tol=0.05)
        eye.destroy()
        car.destroy()
        world.tick()


SCRIPTS: dict[str, Callable[[int], None]] = {
    script.__name__: script
    for script in (
        drives_and_sees,
        teleports_frame_by_frame,
        refuses_in_words,
        batches,
        rules_the_lights,
        senses,
        records_and_replays,
        two_clients_share_a_world,
        runs_free,
        reloads,
        draws_its_own_town,
    )
}

_RUNNABLE = {
    **SCRIPTS,
    **{
        script.__name__: script
        for script in (leaves_a_car, finds_the_car_left_behind, traffic, drives_alike, walks, sees_the_town)
    },
}

if __name__ == "__main__":
    _RUNNABLE[sys.argv[1]](int(sys.argv[2]))
    print("done", flush=True)
