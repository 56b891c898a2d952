"""The world over small fakes: ticks, spawning, lights, sensors and episodes, without sockets."""

from __future__ import annotations

import math
import struct

import msgpack
import pytest

from sim_bridge.embedded.contracts import LightState, Pose
from sim_bridge.embedded.wire.structs import (
    AckermannControl,
    ActorDescription,
    AttributeValue,
    EpisodeSettings,
    VehicleControl,
    WalkerControl,
)
from sim_bridge.embedded.world.actors import SensorActor, TrafficLight, Vehicle, Walker
from sim_bridge.embedded.world.geometry import composed, moved, seen_from
from sim_bridge.embedded.world.spawning import SpawnFailed, spawn
from sim_bridge.embedded.world.walking import kill, lead, walk
from sim_bridge.embedded.world.world import World
from tests.embedded.fakes import BicycleBodies, FlatPainter, KeptMessages, flat_world

EGO = "vehicle.lincoln.mkz_2020"


def car(world: World, x: float = 10.0, y: float = 1.75, type_id: str = EGO) -> Vehicle:
    made = spawn(world, ActorDescription(0, type_id), Pose(x, y, 0.3))
    assert isinstance(made, Vehicle)
    return made


def sensor(world: World, type_id: str, parent: int = 0, pose: Pose | None = None, **attributes: str) -> SensorActor:
    given = tuple(AttributeValue(name, 4, value) for name, value in attributes.items())
    made = spawn(world, ActorDescription(0, type_id, given), pose or Pose(), parent)
    assert isinstance(made, SensorActor)
    return made


def listening(world: World, type_id: str, parent: int = 0, pose: Pose | None = None, **attributes: str) -> SensorActor:
    made = sensor(world, type_id, parent, pose, **attributes)
    kept(world).wanted.add(made.stream_id)
    return made


def kept(world: World) -> KeptMessages:
    assert isinstance(world.outlet, KeptMessages)
    return world.outlet


def sent(world: World, stream_id: int) -> list[bytes]:
    return [message for stream, message in kept(world).posted if stream == stream_id]


def advance(world: World, ticks: int) -> None:
    for _ in range(ticks):
        world.tick(0.05)
        world.sense()


def test_a_pose_on_a_turned_parent_turns_with_it() -> None:
    mounted = composed(Pose(10.0, 5.0, 0.0, yaw=90.0), Pose(x=2.0, y=1.0, z=1.5, yaw=10.0))
    assert (mounted.x, mounted.y, mounted.z) == pytest.approx((9.0, 7.0, 1.5))
    assert mounted.yaw == pytest.approx(100.0)
    nose_up = composed(Pose(pitch=90.0), Pose(x=1.0))
    assert nose_up.z == pytest.approx(1.0)
    tilted = Pose(1.0, 2.0, 3.0, 20.0, -130.0, 15.0)
    assert seen_from(tilted, moved(tilted, (3.0, -2.0, 1.0))) == pytest.approx((3.0, -2.0, 1.0))


def test_a_tick_moves_what_drives_and_posts_every_actor() -> None:
    world = flat_world()
    ego = car(world)
    world.drive(ego, VehicleControl(throttle=1.0))
    advance(world, 20)
    assert ego.pose.x > 11.5
    assert ego.body.velocity[0] == pytest.approx(4.0)
    message = sent(world, 1)[-1]
    assert (len(message) - 48 - 36) == 119 * len(world.actors)
    frame, seconds = struct.unpack_from("<8xQd", message)
    assert (frame, seconds) == (world.frame, pytest.approx(1.0))


def test_a_broken_physics_still_delivers_the_world_message() -> None:
    world = flat_world()
    car(world)
    bodies = world.bodies
    assert isinstance(bodies, BicycleBodies)
    bodies.is_broken = True
    before = len(sent(world, 1))
    world.tick()
    assert len(sent(world, 1)) == before + 1


def test_a_broken_sensor_costs_only_its_message(caplog: pytest.LogCaptureFixture) -> None:
    world = flat_world()
    ego = car(world)
    listening(world, "sensor.other.collision", ego.actor_id)
    bodies = world.bodies
    assert isinstance(bodies, BicycleBodies)
    bodies.is_broken = True
    advance(world, 1)
    assert "reading the sensors failed" in caplog.text
    bodies.is_broken = False
    advance(world, 1)
    assert world.frame == 2


def test_spawning_into_something_fails_with_carlas_words() -> None:
    world = flat_world()
    car(world)
    with pytest.raises(SpawnFailed, match="Spawn failed because of collision at spawn position"):
        car(world, x=11.0)
    assert len(world.actors.of(Vehicle)) == 1


@pytest.mark.parametrize("type_id", ["vehicle.no.such", "", "spectator", "traffic.traffic_light"])
def test_what_is_not_in_the_library_is_not_spawned(type_id: str) -> None:
    with pytest.raises(SpawnFailed, match="blueprint"):
        spawn(flat_world(), ActorDescription(0, type_id), Pose())


def test_a_fixed_attribute_cannot_be_set_from_outside() -> None:
    world = flat_world()
    given = (AttributeValue("number_of_wheels", 2, "3"), AttributeValue("role_name", 4, "hero"))
    ego = spawn(world, ActorDescription(0, EGO, given), Pose(10.0, 1.75))
    assert ego.attribute("number_of_wheels") == "4"
    assert ego.attribute("role_name") == "hero"


def test_destroying_leaves_nothing_behind() -> None:
    world = flat_world()
    ego = car(world)
    camera = listening(world, "sensor.camera.rgb", ego.actor_id)
    advance(world, 1)
    painter = world.painter
    assert isinstance(painter, FlatPainter)
    assert painter.cameras == {camera.actor_id}
    assert world.destroy(camera.actor_id)
    assert world.destroy(ego.actor_id)
    assert not world.destroy(ego.actor_id)
    assert not world.destroy(world.spectator.actor_id)
    assert (painter.actors, painter.cameras) == ({}, set())
    assert camera.stream_id not in kept(world).opened
    car(world)


def test_a_picture_shows_transforms_set_before_its_own_tick() -> None:
    world = flat_world()
    ego = car(world)
    world.simulate(ego, False)
    camera = listening(world, "sensor.camera.rgb", image_size_x="4", image_size_y="2")
    for x in (40, 41, 42):
        world.place(ego, Pose(float(x), 7.0))
        ego.light_flags = 16
        advance(world, 1)
        message = sent(world, camera.stream_id)[-1]
        assert struct.unpack_from("<8xQ", message) == (world.frame,)
        assert struct.unpack_from("<II", message, 48) == (4, 2)
        assert tuple(message[60:63]) == (x, 7, 16)
        assert len(message) == 48 + 12 + 4 * 2 * 4


def test_braking_lights_the_brake_lamps_without_changing_what_scripts_set() -> None:
    world = flat_world()
    ego = car(world)
    camera = listening(world, "sensor.camera.rgb", image_size_x="4", image_size_y="2")
    world.drive(ego, VehicleControl(brake=0.5))
    advance(world, 1)
    assert sent(world, camera.stream_id)[-1][62] == 8
    assert ego.light_flags == 0


def test_nobody_listening_draws_nothing() -> None:
    world = flat_world()
    sensor(world, "sensor.camera.rgb")
    advance(world, 3)
    assert isinstance(world.painter, FlatPainter)
    assert world.painter.renders == 0


def test_sensor_tick_spaces_the_readings_by_simulated_time() -> None:
    world = flat_world()
    slow = listening(world, "sensor.camera.rgb", sensor_tick="0.2", image_size_x="4", image_size_y="2")
    fast = listening(world, "sensor.other.imu", sensor_tick="0.05")
    advance(world, 40)
    assert len(sent(world, slow.stream_id)) == 10
    assert len(sent(world, fast.stream_id)) == 40


def test_two_cameras_share_one_render() -> None:
    world = flat_world()
    for _ in range(2):
        listening(world, "sensor.camera.rgb", image_size_x="4", image_size_y="2")
    advance(world, 3)
    assert isinstance(world.painter, FlatPainter)
    assert world.painter.renders == 3


def test_a_collision_reports_both_parties_and_the_impulse() -> None:
    world = flat_world()
    ego = car(world)
    bumper = listening(world, "sensor.other.collision", ego.actor_id)
    advance(world, 2)
    assert sent(world, bumper.stream_id) == []
    world.bodies.impulse(ego.actor_id, (-500.0, 0.0, 0.0))
    advance(world, 1)
    (message,) = sent(world, bumper.stream_id)
    own, other, impulse = msgpack.unpackb(message[48:])
    assert own[0] == ego.actor_id
    assert other[2][1] == "static.wall"
    assert impulse == [-500.0, 0.0, 0.0]


def test_radar_and_obstacle_detector_measure_a_car_ahead() -> None:
    world = flat_world()
    ego, leader = car(world), car(world, x=30.0)
    world.bodies.push(ego.actor_id, (3.0, 0.0, 0.0))
    front = Pose(x=2.5, z=1.0)
    gap = 20.0 - 2.5 - leader.shape.length / 2.0 - 3.0 * 0.05
    radar = listening(world, "sensor.other.radar", ego.actor_id, front, horizontal_fov="2", vertical_fov="2")
    feeler = listening(world, "sensor.other.obstacle", ego.actor_id, front, distance="50", hit_radius="0.1")
    short = listening(world, "sensor.other.obstacle", ego.actor_id, front, distance="5")
    advance(world, 1)
    hits = sent(world, radar.stream_id)[-1][48:]
    assert len(hits) == 16 * 75
    velocity, azimuth, altitude, depth = struct.unpack_from("<4f", hits)
    assert (velocity, depth) == pytest.approx((-3.0, gap), abs=0.05)
    assert math.hypot(azimuth, altitude) <= math.radians(1.0) * 1.01
    _, other, distance = msgpack.unpackb(sent(world, feeler.stream_id)[-1][48:])
    assert other[0] == leader.actor_id
    assert distance == pytest.approx(gap, abs=0.05)
    assert sent(world, short.stream_id) == []


def test_a_sensor_this_world_lacks_is_refused_in_words() -> None:
    with pytest.raises(SpawnFailed, match=r"not supported by the embedded world: sensor\.other\.v2x"):
        spawn(flat_world(), ActorDescription(0, "sensor.other.v2x"), Pose())


def test_gnss_goes_north_east_as_the_clients_own_map_says() -> None:
    world = flat_world()
    receiver = listening(world, "sensor.other.gnss", pose=Pose(1000.0, 0.0, 3.0))
    advance(world, 1)
    latitude, longitude, altitude = msgpack.unpackb(sent(world, receiver.stream_id)[-1][48:])
    assert latitude == pytest.approx(49.0, abs=1e-5)
    assert longitude == pytest.approx(8.0 + math.degrees(1000.0 / (6378137.0 * math.cos(math.radians(49.0)))), abs=5e-5)
    assert altitude == 3.0


def test_imu_at_rest_feels_gravity_and_its_compass_points_east_along_x() -> None:
    world = flat_world()
    imu = listening(world, "sensor.other.imu")
    noisy = [listening(world, "sensor.other.imu", noise_seed="5", noise_gyro_stddev_z="0.1") for _ in range(2)]
    advance(world, 1)
    force, turn, compass = msgpack.unpackb(sent(world, imu.stream_id)[-1][48:])
    assert force == pytest.approx([0.0, 0.0, 9.81])
    assert turn == [0.0, 0.0, 0.0]
    assert compass == pytest.approx(math.pi / 2.0)
    first, second = (msgpack.unpackb(sent(world, s.stream_id)[-1][48:])[1] for s in noisy)
    assert first == second != [0.0, 0.0, 0.0]


def test_imu_on_a_car_that_speeds_up_is_pushed_along_its_own_axes() -> None:
    world = flat_world()
    ego = car(world)
    world.place(ego, Pose(10.0, 1.75, yaw=90.0))
    imu = listening(world, "sensor.other.imu", ego.actor_id, Pose(yaw=-90.0))
    world.drive(ego, VehicleControl(throttle=0.5))
    advance(world, 2)
    force, _, compass = msgpack.unpackb(sent(world, imu.stream_id)[-1][48:])
    # The car pulls 2 m/s2 along y; the sensor on it looks along x, so y is to its right.
    assert force == pytest.approx([0.0, 2.0, 9.81], abs=1e-6)
    assert compass == pytest.approx(math.pi / 2.0)


def lights(world: World) -> tuple[TrafficLight, TrafficLight]:
    first, second = world.lights
    return first, second


def test_lights_of_a_junction_take_turns() -> None:
    world = flat_world()
    first, second = lights(world)
    seen = []
    for _ in range(31):
        seen.append((first.state.name[0], second.state.name[0]))
        for _ in range(20):
            world.tick(0.05)
    # 10 s green, 3 s yellow, 2 s all red, then the other phase.
    assert seen == [("G", "R")] * 10 + [("Y", "R")] * 3 + [("R", "R")] * 2 + [("R", "G")] * 10 + [("R", "Y")] * 3 + [
        ("R", "R")
    ] * 2 + [("G", "R")]


def test_a_frozen_group_stands_still_and_keeps_what_it_is_told() -> None:
    world = flat_world()
    first, _ = lights(world)
    first.is_frozen = True
    first.state = LightState.RED
    advance(world, 400)
    assert first.state is LightState.RED


def test_times_set_on_a_light_hold_for_its_phase() -> None:
    world = flat_world()
    first, second = lights(world)
    first.green_s = 1.0
    advance(world, 21)
    assert (first.state, second.state) == (LightState.YELLOW, LightState.RED)


def test_a_car_before_a_stop_line_is_at_its_light_and_past_it_no_more() -> None:
    world = flat_world()
    first, _ = lights(world)
    ego = car(world, x=60.0)
    world.simulate(ego, False)
    nose = ego.shape.length / 2.0
    seen = {}
    for bumper_x in (80.0, 98.5, 99.9, 102.0):
        world.place(ego, Pose(bumper_x - nose, 1.75))
        world.tick()
        seen[bumper_x] = ego.waits_at
    assert seen == {80.0: 0, 98.5: first.actor_id, 99.9: first.actor_id, 102.0: 0}
    assert ego.speed_limit_kmh == 50.0


def test_a_trigger_lies_across_its_own_lanes_before_the_line() -> None:
    world = flat_world()
    for light in world.lights:
        x, y, _ = moved(light.pose, light.box.location)
        assert (x, y) == pytest.approx((97.5, light.signal.stop_line.y))
        # The first axis runs across the road, and stays inside the lane of 3.5 m.
        tip_x, tip_y, _ = moved(light.pose, (light.box.location[0] + light.box.extent[0], light.box.location[1], 0.0))
        assert tip_x == pytest.approx(97.5)
        assert 1.0 < abs(tip_y - light.signal.stop_line.y) < 1.75


def test_speed_limits_follow_the_lane() -> None:
    world = flat_world()
    ego = car(world, y=21.75)
    world.tick()
    assert ego.speed_limit_kmh == 30.0


def test_walkers_walk_and_stride() -> None:
    world = flat_world()
    walker = spawn(world, ActorDescription(0, "walker.pedestrian.0001"), Pose(30.0, 10.0, 1.0))
    assert isinstance(walker, Walker)
    walk(world, walker, WalkerControl((0.0, 1.0, 0.0), 1.4))
    advance(world, 20)
    assert walker.pose.y == pytest.approx(11.4)
    assert walker.pose.z == pytest.approx(walker.shape.height / 2.0)


def test_a_led_walker_stands_where_it_is_put_and_stops_when_nobody_leads() -> None:
    world = flat_world()
    walker = spawn(world, ActorDescription(0, "walker.pedestrian.0001"), Pose(30.0, 10.0, 1.0))
    assert isinstance(walker, Walker)
    for k in range(5):
        lead(world, walker, Pose(31.0 + 0.07 * k, 10.0, 0.0, yaw=-270.0), 1.4)
        advance(world, 1)
    assert (walker.pose.x, walker.pose.z, walker.pose.yaw) == pytest.approx((31.28, walker.shape.height / 2.0, 90.0))
    assert walker.control.speed == 1.4
    assert walker.control.direction == pytest.approx((0.0, 1.0, 0.0))
    advance(world, 1)
    assert walker.control.speed == 0.0


def test_a_dead_walker_follows_nobody_and_is_taken_away() -> None:
    world = flat_world()
    walker = spawn(world, ActorDescription(0, "walker.pedestrian.0001"), Pose(30.0, 10.0, 1.0))
    assert isinstance(walker, Walker)
    kill(world, walker)
    lead(world, walker, Pose(50.0, 10.0), 1.4)
    advance(world, 190)
    assert walker.pose.x == 30.0
    assert world.find(walker.actor_id) is walker
    advance(world, 20)
    assert world.find(walker.actor_id) is None


def test_ackermann_reaches_and_holds_the_speed_it_is_given() -> None:
    world = flat_world()
    ego = car(world)
    world.steer(ego, AckermannControl(speed=6.0))
    advance(world, 120)
    assert ego.body.velocity[0] == pytest.approx(6.0, abs=0.3)
    world.drive(ego, VehicleControl(brake=1.0))
    advance(world, 60)
    assert ego.body.velocity[0] == 0.0


def test_a_reload_is_a_new_episode_of_an_empty_town() -> None:
    world = flat_world()
    world.settings = EpisodeSettings(is_synchronous=True, fixed_delta_s=0.05)
    ego = car(world)
    camera = sensor(world, "sensor.camera.rgb", ego.actor_id)
    before = world.episode
    world.reload()
    assert world.episode == before + 1
    assert world.actors.of(Vehicle) == []
    assert world.find(ego.actor_id) is None
    assert camera.stream_id not in kept(world).opened
    assert world.settings == EpisodeSettings()
    flags = struct.unpack_from("<I", sent(world, 1)[-1], 48 + 32)
    assert flags == (1,)
    world.tick()
    assert struct.unpack_from("<I", sent(world, 1)[-1], 48 + 32) == (0,)


def test_another_town_can_be_loaded_and_an_unknown_one_changes_nothing() -> None:
    world = flat_world()
    ego = car(world)
    with pytest.raises(ValueError, match="Flat"):
        world.reload("Atlantis")
    assert world.find(ego.actor_id) is ego
    world.reload("/Game/Carla/Maps/Other", reset_settings=False)
    assert world.town.name == "Other"


def test_the_same_commands_give_the_same_world_messages() -> None:
    def drive() -> list[bytes]:
        world = flat_world()
        ego = car(world)
        for k in range(50):
            world.drive(ego, VehicleControl(throttle=0.5, steer=math.sin(k / 7.0)))
            world.tick(0.05)
        # Everything but the wall clock in the episode header.
        return [m[:56] + m[64:] for m in sent(world, 1)]

    assert drive() == drive()
