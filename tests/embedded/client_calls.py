"""More of what scripts do with the real `carla` client: one call after the other, each for the effect it has.

Run like `client_scripts`: `python -m tests.embedded.client_calls NAME PORT`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import carla

from tests.embedded.client_scripts import camera, client_of, ego, listened, synchronous, ticked


def refused(call: Callable[[], object], words: str = "not supported by the embedded world") -> None:
    try:
        call()
    except RuntimeError as error:
        assert words in str(error), error
    else:
        raise AssertionError(f"expected a refusal with {words!r}")


def puts_and_pushes(port: int) -> None:
    with synchronous(port) as world:
        car = ego(world)
        view = carla.Transform(carla.Location(20.0, 5.0, 30.0), carla.Rotation(pitch=-90.0))
        world.get_spectator().set_transform(view)
        car.set_location(carla.Location(50.0, 1.75, 0.0))
        world.tick()
        assert world.get_spectator().get_location().z == 30.0
        assert math.isclose(car.get_location().x, 50.0, abs_tol=0.1)
        car.set_target_velocity(carla.Vector3D(5.0, 0.0, 0.0))
        car.set_target_angular_velocity(carla.Vector3D(0.0, 0.0, 0.0))
        world.tick()
        assert math.isclose(car.get_velocity().x, 5.0, abs_tol=0.01)
        car.enable_constant_velocity(carla.Vector3D(3.0, 0.0, 0.0))
        for _ in range(10):
            car.apply_control(carla.VehicleControl(brake=1.0))
            world.tick()
        # The brake takes 0.4 m/s off within a tick, and the constant velocity puts it back.
        assert 2.5 < car.get_velocity().x < 3.1, car.get_velocity().x
        car.disable_constant_velocity()
        for _ in range(20):
            world.tick()
        assert car.get_velocity().x < 0.01
        bumper = world.spawn_actor(
            world.get_blueprint_library().find("sensor.other.collision"), carla.Transform(), attach_to=car
        )
        crashes = listened(bumper)
        world.tick()
        car.add_force(carla.Vector3D(-2000.0, 0.0, 0.0))
        world.tick()
        # In the flat world an impulse on a car is a crash; a force acts for the 0.05 s of a tick.
        assert math.isclose(crashes.get(timeout=20.0).normal_impulse.x, -100.0, abs_tol=0.01)
        # Degrees, kilograms and square centimetres: what turns by a radian where a metre and a kilogram are the unit.
        unit = math.degrees(1.0) * 100.0**2
        car.add_angular_impulse(carla.Vector3D(0.0, 0.0, math.radians(30.0) * unit))
        world.tick()
        assert math.isclose(car.get_angular_velocity().z, 30.0, rel_tol=1e-4), car.get_angular_velocity()
        # The Python client sends a torque as an angular impulse too.
        car.add_torque(carla.Vector3D(0.0, 0.0, -math.radians(10.0) * unit))
        world.tick()
        assert math.isclose(car.get_angular_velocity().z, 20.0, rel_tol=1e-4), car.get_angular_velocity()
        for is_on in (False, True):
            car.set_enable_gravity(is_on)
            car.set_collisions(is_on)
        bumper.destroy()
        car.destroy()
        world.tick()


def asks_a_car_about_itself(port: int) -> None:
    with synchronous(port) as world:
        car = ego(world)
        world.tick()
        control = car.get_physics_control()
        assert len(control.wheels) == 4 and control.mass == 1800.0
        assert control.wheels[0].max_steer_angle == 70.0 and control.wheels[2].max_steer_angle == 0.0
        # Wheels are told where they are in the world, in centimetres.
        assert math.isclose(control.wheels[0].position.x / 100.0, car.get_location().x + 2.85 / 2.0, abs_tol=0.01)
        wheels = control.wheels
        for wheel in wheels:
            wheel.tire_friction = 1.5
        control.wheels, control.mass = wheels, 2500.0
        car.apply_physics_control(control)
        again = car.get_physics_control()
        assert again.mass == 2500.0 and {wheel.tire_friction for wheel in again.wheels} == {1.5}
        assert [point.y for point in again.steering_curve] == [point.y for point in control.steering_curve]
        car.set_light_state(carla.VehicleLightState.LowBeam)
        car.show_debug_telemetry(False)
        car.apply_control(carla.VehicleControl(throttle=1.0, steer=0.5))
        for _ in range(20):
            world.tick()
        told = car.get_telemetry_data()
        assert math.isclose(told.speed, car.get_velocity().length(), abs_tol=0.05) and told.throttle == 1.0
        assert told.engine_rpm > 900.0 and len(told.wheels) == 4 and told.wheels[0].tire_friction == 1.5
        assert car.get_light_state() == carla.VehicleLightState.LowBeam
        assert dict(world.get_vehicles_light_states())[car.id] == carla.VehicleLightState.LowBeam
        assert car.get_wheel_steer_angle(carla.VehicleWheelLocation.BL_Wheel) == 0.0
        left = carla.VehicleWheelLocation.FL_Wheel
        car.set_wheel_steer_direction(left, 25.0)
        assert car.get_wheel_steer_angle(left) != 25.0, "its physics turns the wheels"
        car.set_simulate_physics(False)
        assert car.get_wheel_steer_angle(left) == 25.0
        car.set_simulate_physics(True)
        assert car.get_wheel_pitch_angle(carla.VehicleWheelLocation.FL_Wheel) == 0.0
        assert car.get_component_names() and car.get_component_world_transform("root").location.x > 10.0
        assert car.get_component_relative_transform("root").location.x == 0.0
        car.destroy()
        world.tick()


def follows_an_ackermann_control(port: int) -> None:
    with synchronous(port) as world:
        car = ego(world)
        settings = car.get_ackermann_controller_settings()
        settings.speed_kp = 0.3
        car.apply_ackermann_controller_settings(settings)
        car.apply_ackermann_control(carla.VehicleAckermannControl(speed=4.0))
        for _ in range(80):
            world.tick()
        assert math.isclose(car.get_velocity().length(), 4.0, abs_tol=0.4), car.get_velocity().length()
        assert math.isclose(car.get_ackermann_controller_settings().speed_kp, 0.3, abs_tol=1e-6)
        car.destroy()
        world.tick()


def looks_at_the_town(port: int) -> None:
    client = client_of(port)
    with ticked(client) as world:
        assert client.get_available_maps()
        assert world.get_environment_objects(carla.CityObjectLabel.Any) == []
        assert world.get_names_of_all_objects() == []
        heads = world.get_level_bbs(carla.CityObjectLabel.TrafficLight)
        assert len(heads) == 2 and heads[0].location.z > 2.0
        world.enable_environment_objects(set(), True)
        met = world.cast_ray(carla.Location(30.0, 1.75, 2.0), carla.Location(30.0, 1.75, -2.0))
        assert [point.label for point in met] == [carla.CityObjectLabel.Roads] and met[0].location.z == 0.0
        ground = world.ground_projection(carla.Location(30.0, 1.75, 9.0), 20.0)
        assert ground is not None and ground.location.z == 0.0
        assert world.project_point(carla.Location(30.0, 1.75, 9.0), carla.Vector3D(0.0, 0.0, 1.0), 20.0) is None
        assert math.isclose(world.get_imui_sensor_gravity(), 9.81, abs_tol=1e-4)
        world.set_imui_sensor_gravity(1.62)
        imu = world.spawn_actor(
            world.get_blueprint_library().find("sensor.other.imu"), carla.Transform(), attach_to=world.get_spectator()
        )
        felt = listened(imu)
        world.tick()
        up = carla.Transform(carla.Location(), world.get_spectator().get_transform().rotation).get_up_vector()
        assert math.isclose(felt.get(timeout=20.0).accelerometer.z, 1.62 * up.z, abs_tol=1e-3)
        world.set_imui_sensor_gravity(9.81)
        imu.destroy()
        assert world.get_lightmanager().get_all_lights() == []
        world.load_map_layer(carla.MapLayer.Buildings)
        world.tick()


def draws_in_the_air(port: int) -> None:
    """Shapes are in the pictures for as long as they were drawn for; texts and HUD shapes never are."""
    here, there = carla.Location(30.0, 1.75, 1.0), carla.Location(33.0, 1.75, 1.0)
    box = carla.BoundingBox(here, carla.Vector3D(2.0, 1.0, 0.5))
    red = carla.Color(255, 0, 0)
    with synchronous(port) as world:
        eye = camera(world, None, 8, 4)
        pictures = listened(eye)

        def dots_and_strokes() -> tuple[int, int]:
            frame = world.tick()
            while (picture := pictures.get(timeout=20.0)).frame < frame:
                pass
            return picture.raw_data[4], picture.raw_data[5]

        assert dots_and_strokes() == (0, 0)
        draw = world.debug
        draw.draw_point(here, 0.1, red, life_time=0.1)
        assert [dots_and_strokes() for _ in range(3)] == [(1, 0), (1, 0), (0, 0)]
        draw.draw_line(here, there, 0.1, red, life_time=0.01)
        assert [dots_and_strokes() for _ in range(2)] == [(0, 1), (0, 0)]
        draw.draw_arrow(here, there, 0.1, 0.3, red, 0.2)
        draw.draw_box(box, carla.Rotation(yaw=30.0), 0.05, red, 0.0)
        draw.draw_point(there)
        draw.draw_string(here, "hello", False, red, 1.0)
        draw.draw_hud_point(here, 1.0, red, 1.0)
        draw.draw_hud_line(here, there, 1.0, red, 1.0)
        draw.draw_hud_arrow(here, there, 1.0, 1.0, red, 1.0)
        draw.draw_hud_box(box, carla.Rotation(), 1.0, red, 1.0)
        assert [dots_and_strokes() for _ in range(5)] == [(1, 17)] * 4 + [(1, 12)]
        for _ in range(100):
            world.tick()
        assert dots_and_strokes() == (1, 12), "a life of 0 or less does not end"
        draw.clear_debug_shape()
        assert dots_and_strokes() == (0, 0)
        eye.destroy()
        world.tick()


def times_the_lights(port: int) -> None:
    with synchronous(port) as world:
        world.tick()
        light = next(a for a in world.get_actors().filter("traffic.traffic_light") if a.get_opendrive_id() == "101")
        light.set_green_time(1.0)
        light.set_yellow_time(0.5)
        light.set_red_time(0.25)
        light.reset_group()
        shown = []
        for _ in range(40):
            world.tick()
            shown.append(light.state)
        lasted = [shown.count(state) for state in (carla.TrafficLightState.Green, carla.TrafficLightState.Yellow)]
        assert lasted[0] in (19, 20) and lasted[1] in (9, 10), lasted
        assert (light.get_green_time(), light.get_yellow_time(), light.get_red_time()) == (1.0, 0.5, 0.25)
        assert len(light.get_light_boxes()) == 1
        world.freeze_all_traffic_lights(True)
        frozen = light.state
        for _ in range(60):
            world.tick()
        assert light.state == frozen and light.is_frozen()
        world.freeze_all_traffic_lights(False)
        world.reset_all_traffic_lights()


def leads_a_walker_by_hand(port: int) -> None:
    with synchronous(port) as world:
        blueprint = world.get_blueprint_library().find("walker.pedestrian.0001")
        walker = world.spawn_actor(blueprint, carla.Transform(carla.Location(30.0, 6.0, 1.0)))
        world.tick()
        walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 1.4, False))
        for _ in range(20):
            world.tick()
        assert math.isclose(walker.get_location().x, 31.4, abs_tol=0.1)
        assert math.isclose(walker.get_control().speed, 1.4, abs_tol=1e-5)
        walker.destroy()
        world.tick()


def sees_every_vehicle_of_the_gallery(port: int) -> None:
    """As a show-room does: one vehicle after the other in one place, and the camera before it."""
    with synchronous(port) as world:
        place = carla.Transform(carla.Location(100.0, 10.0, 0.5))
        blueprints = world.get_blueprint_library().filter("vehicle.*")
        assert len(blueprints) >= 12
        for blueprint in blueprints:
            vehicle = world.spawn_actor(blueprint, place)
            world.tick()
            box = vehicle.bounding_box
            corners = box.get_world_vertices(vehicle.get_transform())
            assert len(corners) == 8 and max(c.z for c in corners) - min(c.z for c in corners) > 1.0
            assert vehicle.attributes["number_of_wheels"] == ("4" if vehicle.attributes["base_type"] not in (
                "motorcycle", "bicycle") else "2")  # fmt: skip
            assert vehicle.destroy()
            world.tick()


def keeps_many_sensors_in_step(port: int) -> None:
    """Every sensor's queue has the frame that was ticked, each once."""
    with synchronous(port) as world:
        library, car = world.get_blueprint_library(), ego(world)
        sensors = [camera(world, car, 48, 24), camera(world, car, 32, 32)]
        for name in ("sensor.other.radar", "sensor.other.gnss", "sensor.other.imu"):
            sensors.append(world.spawn_actor(library.find(name), carla.Transform(), attach_to=car))
        queues = [listened(sensor) for sensor in sensors]
        for _ in range(10):
            frame = world.tick()
            assert [queue.get(timeout=20.0).frame for queue in queues] == [frame] * len(queues)
        assert all(queue.empty() for queue in queues)
        eye = sensors[0]
        assert not eye.is_enabled_for_ros()
        refused(lambda: eye.enable_gbuffers(True))
        for sensor in sensors:
            sensor.stop()
            sensor.destroy()
        car.destroy()
        world.tick()


def spawns_a_crowd_in_batches(port: int) -> None:
    """Walkers, their controllers and cars by one batch each, then all gone by one more."""
    client = client_of(port)
    with ticked(client) as world:
        library = world.get_blueprint_library()
        spawn, follow = carla.command.SpawnActor, carla.command.SetAutopilot
        walkers = client.apply_batch_sync(
            [
                spawn(library.find(f"walker.pedestrian.{k:04d}"), carla.Transform(carla.Location(10.0 * k, 8.0, 1.0)))
                for k in (1, 2, 3)
            ],
            True,
        )
        minds = client.apply_batch_sync(
            [spawn(library.find("controller.ai.walker"), carla.Transform(), made.actor_id) for made in walkers], True
        )
        cars = client.apply_batch_sync(
            [
                spawn(library.find("vehicle.tesla.model3"), point).then(follow(carla.command.FutureActor, False))
                for point in world.get_map().get_spawn_points()[:3]
            ],
            True,
        )
        assert not any(made.has_error() for made in (*walkers, *minds, *cars))
        assert {world.get_actor(mind.actor_id).parent.id for mind in minds} == {made.actor_id for made in walkers}
        client.apply_batch_sync([carla.command.DestroyActor(m.actor_id) for m in (*minds, *walkers, *cars)], True)
        left = world.get_actors()
        assert not left.filter("walker.*") and not left.filter("vehicle.*") and not left.filter("controller.*")


SCRIPTS: dict[str, Callable[[int], None]] = {
    script.__name__: script
    for script in (
        puts_and_pushes,
        asks_a_car_about_itself,
        follows_an_ackermann_control,
        looks_at_the_town,
        draws_in_the_air,
        times_the_lights,
        leads_a_walker_by_hand,
        sees_every_vehicle_of_the_gallery,
        keeps_many_sensors_in_step,
        spawns_a_crowd_in_batches,
    )
}

if __name__ == "__main__":
    SCRIPTS[sys.argv[1]](int(sys.argv[2]))
    print("done", flush=True)
