"""CarlaSimulator over the real client and the embedded world: what only a CARLA world can show."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import carla
import msgpack
import pytest

from sim_bridge.carla_config import CarlaConfig
from sim_bridge.carla_rig import Rig
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.interfaces import SimulatorLost
from sim_bridge.journey import FreeDrive
from sim_bridge.messages import CHASE_CAMERA, FRONT_CAMERA, Clearance, Control, Phase
from sim_bridge.session import DriveSession, SessionConfig
from tests.sim_bridge.driving import is_alive, until
from tests.sim_bridge.route_driver import RouteDriver
from tests.worlds import TOWN, embedded

ROOT = Path(__file__).resolve().parents[2]
SMALL = replace(FRONT_CAMERA, width_px=128, height_px=64)


def small(port: int, **changes: object) -> CarlaConfig:
    """Tiny pictures and nobody else on the road, unless a test wants otherwise."""
    plain = CarlaConfig(port=port, is_embedded=True, front_camera=SMALL, chase_camera=None, traffic_vehicles=0)
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture
def onlooker(embedded_port: int) -> carla.World:
    """Somebody else's client of the same world."""
    client = carla.Client("127.0.0.1", embedded_port)
    client.set_timeout(10.0)
    return client.get_world()


def moving_things(world: carla.World) -> dict[int, str]:
    return {a.id: a.type_id for a in world.get_actors() if a.type_id.startswith(("vehicle.", "sensor.", "walker."))}


def test_it_follows_the_route_through_junctions_without_touching_anything(embedded_port: int) -> None:
    with CarlaSimulator(small(embedded_port)) as simulator:
        driver = RouteDriver(simulator.dense_route_xy_in_world, 7.0)
        session = DriveSession(simulator, driver, SessionConfig(seed=4, has_pictures=False))
        junctions, was_inside, travelled_m, last = 0, False, 0.0, None
        for _ in range(400):
            view = session.advance()
            here = simulator.navigator.dense_route()[0]
            junctions += here.is_junction and not was_inside
            was_inside = here.is_junction
            if last is not None:
                travelled_m += ((view.ego.x_m - last.x_m) ** 2 + (view.ego.y_m - last.y_m) ** 2) ** 0.5
            last = view.ego
            aside_m = ((here.x_m - view.ego.x_m) ** 2 + (here.y_m - view.ego.y_m) ** 2) ** 0.5
            assert aside_m < 1.5, "at most half a metre aside, and half a metre between two points"
        assert simulator.collisions == ()
        assert junctions >= 1 and travelled_m > 110


def test_hitting_something_is_felt(embedded_port: int) -> None:
    with CarlaSimulator(small(embedded_port)) as simulator:
        simulator.reset(2)
        ahead = simulator.carla_map.get_waypoint(simulator.ego.get_location()).next(14.0)[0].transform
        ahead.location.z += 0.5
        parked = simulator.carla_world.get_blueprint_library().find("vehicle.audi.tt")
        other = simulator.carla_world.spawn_actor(parked, ahead)
        try:
            for _ in range(120):
                simulator.step(Control(throttle=0.9))
                if simulator.collisions:
                    break
            assert simulator.collisions[0].other_type_id == "vehicle.audi.tt"
            assert 0 < simulator.collisions[0].tick <= 120 and simulator.collisions[0].impulse_ns > 100
            for _ in range(15):
                simulator.step(Control(throttle=0.9))
            assert len(simulator.collisions) == 1, "pushing on is the same collision"
        finally:
            other.destroy()


def test_room_ahead_and_behind_is_measured_from_bumper_to_bumper(embedded_port: int) -> None:
    with CarlaSimulator(small(embedded_port)) as simulator:
        simulator.reset(2)
        assert simulator.clearance() == Clearance(math.inf, math.inf)
        here, half_m = simulator.ego.get_transform(), simulator.ego.bounding_box.extent.x
        forward, right = here.get_forward_vector(), here.get_right_vector()
        blueprint = simulator.carla_world.get_blueprint_library().find("vehicle.audi.tt")
        for along, aside, measured in ((9.0, 0.0, "ahead_m"), (-8.0, 0.0, "behind_m"), (9.0, 4.0, "")):
            where = carla.Transform(here.location + forward * along + right * aside, here.rotation)
            where.location.z += 0.3
            other = simulator.carla_world.spawn_actor(blueprint, where)
            try:
                simulator.step(Control(brake=1.0))
                free_m = abs(along) - half_m - other.bounding_box.extent.x
                expected = replace(Clearance(math.inf, math.inf), **({measured: free_m} if measured else {}))
                room = simulator.clearance()
                assert room.ahead_m == pytest.approx(expected.ahead_m, abs=0.2)
                assert room.behind_m == pytest.approx(expected.behind_m, abs=0.2)
            finally:
                other.destroy()


def test_a_red_light_holds_the_car_and_a_green_one_does_not(embedded_port: int) -> None:
    with CarlaSimulator(small(embedded_port)) as simulator:
        simulator.reset(2)
        light = stand_before_a_light(simulator)
        for state, holds in ((carla.TrafficLightState.Red, True), (carla.TrafficLightState.Green, False)):
            light.set_state(state)
            light.freeze(True)
            simulator.step(Control(brake=1.0))
            simulator.step(Control(brake=1.0))
            assert simulator.clearance().waits_at_light is holds
        light.freeze(False)


def stand_before_a_light(simulator: CarlaSimulator) -> carla.TrafficLight:
    light = next(iter(simulator.carla_world.get_actors().filter("traffic.traffic_light*")))
    sign = simulator.carla_map.get_all_landmarks_from_id(light.get_opendrive_id())[0]
    line = simulator.carla_map.get_waypoint_xodr(sign.road_id, sign.get_lane_validities()[0][0], sign.s)
    where = line.previous(4.0)[0].transform
    where.location.z += 0.1
    simulator.ego.set_transform(where)
    return light


def test_it_takes_only_its_own_actors_away_and_gives_the_clock_back(embedded_port: int, onlooker: carla.World) -> None:
    settings = onlooker.get_settings()
    points = onlooker.get_map().get_spawn_points()
    parked = onlooker.spawn_actor(onlooker.get_blueprint_library().find("vehicle.audi.tt"), points[0])
    until(lambda: parked.id in moving_things(onlooker))
    try:
        with CarlaSimulator(small(embedded_port, traffic_vehicles=3)) as simulator:
            for seed in (1, 2, 3):
                simulator.reset(seed)
                simulator.step(Control())
                seen = moving_things(simulator.carla_world)
                assert len(seen) == 1 + 1 + 3 + 2, "the parked car, ours, three others, a camera and a bumper"
            assert onlooker.get_settings().synchronous_mode
        until(lambda: moving_things(onlooker) == {parked.id: "vehicle.audi.tt"})
        assert onlooker.get_settings().synchronous_mode == settings.synchronous_mode
        assert onlooker.get_settings().fixed_delta_seconds == settings.fixed_delta_seconds
    finally:
        parked.destroy()


def test_traffic_moves_by_itself(embedded_port: int) -> None:
    with CarlaSimulator(small(embedded_port, traffic_vehicles=4)) as simulator:
        simulator.reset(1)
        others = [a for a in simulator.carla_world.get_actors().filter("vehicle.*") if a.id != simulator.ego.id]
        assert len(others) == 4
        for _ in range(80):
            simulator.step(Control(brake=1.0))
        assert sum(vehicle.get_velocity().length() > 1.0 for vehicle in others) >= 1


def test_a_drive_can_be_repeated_to_the_last_digit(embedded_port: int) -> None:
    with CarlaSimulator(small(embedded_port, traffic_vehicles=4)) as simulator:

        def driven() -> list[object]:
            driver = RouteDriver(simulator.dense_route_xy_in_world, 9.0)
            session = DriveSession(simulator, driver, SessionConfig(seed=8, has_pictures=False))
            ego = session.advance(80).ego
            vehicles = simulator.carla_world.get_actors().filter("vehicle.*")
            lights = sorted((a.id, str(a.state)) for a in simulator.carla_world.get_actors().filter("*traffic_light*"))
            return [ego, sorted(str(v.get_transform()) for v in vehicles), lights]

        assert driven() == driven()


def test_people_walk_and_are_gone_with_the_episode(embedded_port: int) -> None:
    with CarlaSimulator(small(embedded_port, walkers=6)) as simulator:
        for seed in (1, 2):
            simulator.reset(seed)
            people = list(simulator.carla_world.get_actors().filter("walker.pedestrian.*"))
            assert 3 <= len(people) <= 6, "some places may be taken"
            before = [person.get_location() for person in people]
            for _ in range(60):
                simulator.step(Control(brake=1.0))
            walked_m = [person.get_location().distance(was) for person, was in zip(people, before, strict=True)]
            assert sum(metres > 1.0 for metres in walked_m) >= len(people) / 2


DIES = """
import os, sys
from dataclasses import replace
from sim_bridge.carla_config import CarlaConfig
from sim_bridge.carla_rig import Rig
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.messages import Control, FRONT_CAMERA
front = replace(FRONT_CAMERA, width_px=128, height_px=64)
simulator = CarlaSimulator(CarlaConfig(port=int(sys.argv[1]), traffic_vehicles=2, front_camera=front))
simulator.reset(1)
simulator.step(Control())
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_drive_left_behind_is_cleared_by_the_next(embedded_port: int, onlooker: carla.World) -> None:
    assert not onlooker.get_settings().synchronous_mode
    subprocess.run([sys.executable, "-c", DIES, str(embedded_port)], cwd=ROOT, timeout=60, check=False)
    until(lambda: len(moving_things(onlooker)) == 1 + 2 + 3)
    with CarlaSimulator(small(embedded_port)) as simulator:
        simulator.reset(1)
        assert len(moving_things(simulator.carla_world)) == 3
    until(lambda: not moving_things(onlooker))
    assert not onlooker.get_settings().synchronous_mode, "not the clock of the dead drive, the one before it"


def test_a_town_it_does_not_have_is_refused_by_the_names_it_has(embedded_port: int) -> None:
    with pytest.raises(SimulatorLost, match=rf"no town 'Atlantis'.*{TOWN}"):
        CarlaSimulator(small(embedded_port, town="Atlantis"))


def test_nobody_there_is_said_within_the_time_given() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(SimulatorLost, match=f"No CARLA server answers at 127.0.0.1:{port}"):
            CarlaSimulator(small(port, connect_timeout_s=0.5))
        assert time.monotonic() - began < 5.0


@contextlib.contextmanager
def server_of_version(version: str) -> Iterator[int]:
    """Speaks just enough of CARLA's RPC to say which version it is."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        unpacker = msgpack.Unpacker()
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(4096):
                unpacker.feed(data)
                for _, number, _method, _arguments in unpacker:
                    connection.sendall(msgpack.packb([1, number, None, [[1, version]]]))

    threading.Thread(target=answer, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def test_another_version_is_refused_by_both_names() -> None:
    with server_of_version("0.9.15") as port, pytest.raises(SimulatorLost, match=r"CARLA 0\.9\.15.*CARLA 0\.9\.16"):
        CarlaSimulator(small(port))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_world_that_dies_or_hangs_is_lost_within_five_seconds_and_fails_the_drive(number: int) -> None:
    with embedded() as world:
        simulator = CarlaSimulator(small(world.port))
        session = DriveSession(simulator, RouteDriver(simulator.dense_route_xy_in_world, 5.0))
        session.advance(3)
        os.kill(world.process_id, number)
        began = time.monotonic()
        with pytest.raises(SimulatorLost, match="stopped answering"):
            session.advance(3)
        assert time.monotonic() - began < 5.5
        assert session.view().phase is Phase.FAILED and "stopped answering" in session.view().failure
        session.close()
        os.kill(world.process_id, signal.SIGKILL)
        until(lambda: not is_alive(world.process_id))


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="70000"):
        CarlaConfig(port=70000)
    assert CarlaConfig(port=2000, chase_camera=CHASE_CAMERA).world == "carla 127.0.0.1:2000"


class WithoutSensors:
    """A world that has room for cars and for nothing else."""

    def __init__(self, world: carla.World) -> None:
        self._world = world

    def get_blueprint_library(self) -> carla.BlueprintLibrary:
        return self._world.get_blueprint_library()

    def try_spawn_actor(self, blueprint: carla.ActorBlueprint, where: carla.Transform) -> carla.Actor:
        return self._world.try_spawn_actor(blueprint, where)

    def spawn_actor(self, *_: object, **__: object) -> carla.Actor:
        raise RuntimeError("no room for a sensor")


def test_a_rig_that_cannot_be_completed_leaves_nothing_behind(embedded_port: int, onlooker: carla.World) -> None:
    points = onlooker.get_map().get_spawn_points()[:3]
    with pytest.raises(RuntimeError, match="no room"):
        Rig(WithoutSensors(onlooker), small(embedded_port), points)
    onlooker.wait_for_tick()
    assert moving_things(onlooker) == {}


class Faulty(FreeDrive):
    """Fails as libcarla does where the world answers, but not with what was asked for."""

    def __init__(self, in_tick: str = "", in_clear: str = "") -> None:
        self._in_tick, self._in_clear = in_tick, in_clear

    def tick(self) -> None:
        if self._in_tick:
            raise RuntimeError(self._in_tick)

    def clear(self) -> None:
        if self._in_clear:
            raise RuntimeError(self._in_clear)


def test_an_error_that_is_no_time_out_is_no_lost_world_and_is_tidied_up_after(
    embedded_port: int, onlooker: carla.World
) -> None:
    with CarlaSimulator(small(embedded_port)) as simulator:
        simulator.journey = Faulty(in_tick="std::bad_cast")
        simulator.reset(1)
        with pytest.raises(SimulatorLost, match=r"answered with an error: std::bad_cast\. The drive starts") as lost:
            simulator.step(Control())
        assert not lost.value.is_gone
    until(lambda: not moving_things(onlooker))
    assert not onlooker.get_settings().synchronous_mode


def test_a_world_gets_its_clock_back_however_tidying_up_fails(embedded_port: int, onlooker: carla.World) -> None:
    simulator = CarlaSimulator(small(embedded_port))
    simulator._begun = Faulty(in_clear="rpc::rpc_error during call")
    assert onlooker.get_settings().synchronous_mode
    simulator.close()
    assert not onlooker.get_settings().synchronous_mode
