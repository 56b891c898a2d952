"""Every call of CARLA 0.9.16: that it is answered, and that the printed coverage says truly by which test."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim_bridge.embedded.calls import actors
from sim_bridge.embedded.calls.desk import Desk, Managers
from sim_bridge.embedded.calls.table import TABLE
from sim_bridge.embedded.calls.tested import TESTED_BY
from sim_bridge.embedded.contracts import Pose
from sim_bridge.embedded.coverage import printed
from sim_bridge.embedded.wire.structs import ActorDescription
from sim_bridge.embedded.world.spawning import spawn
from tests.embedded.client_calls import SCRIPTS
from tests.embedded.fakes import flat_world
from tests.embedded.test_world_client import ask, connected, run_script, start_over

HERE = Path(__file__).parent
POSE = [[60.0, 1.75, 0.3], [0.0, 0.0, 0.0]]
UP = [0.0, 0.0, 1.0]
TEXTURE = [1, 1, [[0, 0, 0, 255]]]

# What each of these calls takes, where C, W, S and L stand for a car, a walker, a camera and a traffic light.
ARGUMENTS: dict[str, list[Any]] = {
    "load_map_layer": [1],
    "unload_map_layer": [1],
    "query_lights_state": [""],
    "update_lights_state": ["", [], False],
    "update_day_night_cycle": ["", True],
    "apply_color_texture_to_objects": [["house"], 0, TEXTURE],
    "apply_float_color_texture_to_objects": [["house"], 0, TEXTURE],
    "set_annotations_traverse_translucency": [True],
    "set_actor_autopilot": ["C", True],
    "show_vehicle_debug_telemetry": ["C", True],
    "open_vehicle_door": ["C", 0],
    "close_vehicle_door": ["C", 0],
    "set_wheel_pitch_angle": ["C", 0, 20.0],
    "enable_carsim": ["C", ""],
    "use_carsim_road": ["C", True],
    "enable_chrono_physics": ["C", 30, 0.002, "", "", "", ""],
    "get_bones_transform": ["W"],
    "set_bones_transform": ["W", [[]]],
    "blend_pose": ["W", 1.0],
    "get_pose_from_animation": ["W"],
    "send": ["S", "hello"],
    "set_ignored_vehicles": ["S", []],
    "get_gbuffer_token": ["S", 0],
    "enable_sensor_for_ros": ["S"],
    "disable_sensor_for_ros": ["S"],
}


@pytest.fixture
def rpc(flat: int) -> Iterator[socket.socket]:
    start_over(flat)
    with connected(flat) as connection:
        yield connection


def spawned(rpc: socket.socket, type_id: str, x: float = 60.0) -> int:
    return value(ask(rpc, "spawn_actor", [0, type_id, []], [[x, 1.75, 0.3], [0.0, 0.0, 0.0]]))[0]


def value(response: Any) -> Any:
    assert response[0][0] == 1, response
    return response[0][1]


def arguments(rpc: socket.socket, name: str) -> list[Any]:
    """Those of ARGUMENTS with actors that exist; for a call not listed, a car."""
    types = {"C": "vehicle.tesla.model3", "W": "walker.pedestrian.0001", "S": "sensor.camera.rgb"}
    given = ARGUMENTS.get(name, [] if "debug" in name else ["C"])
    return [spawned(rpc, types[part]) if isinstance(part, str) and part in types else part for part in given]


@pytest.mark.parametrize("name", [rpc.name for rpc in TABLE.values() if rpc.support == "refused"])
def test_a_refusal_says_what_is_not_supported(name: str, rpc: socket.socket) -> None:
    (response,) = ask(rpc, name, *arguments(rpc, name))  # type: ignore[misc]
    # Void calls carry an optional error, the others a variant of error and value.
    assert response[0] is (True if TABLE[name].signature.is_void else 0)
    assert response[1][0].startswith("not supported by the embedded world: ")


@pytest.mark.parametrize("name", [rpc.name for rpc in TABLE.values() if rpc.support == "no effect"])
def test_a_call_without_effect_is_answered(name: str, rpc: socket.socket) -> None:
    (response,) = ask(rpc, name, *arguments(rpc, name))  # type: ignore[misc]
    assert response[0] is False if TABLE[name].signature.is_void else response[0] == 1


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_real_client_calls(name: str, flat: int) -> None:
    start_over(flat)
    run_script(name, flat, "tests.embedded.client_calls")


def test_calls_that_the_python_client_never_sends(rpc: socket.socket) -> None:
    car = spawned(rpc, "vehicle.tesla.model3")
    walker = spawned(rpc, "walker.pedestrian.0001", 80.0)
    for name in ("add_actor_impulse_at_location", "add_actor_force_at_location"):
        assert ask(rpc, name, car, UP, UP) == [[False]]
    assert ask(rpc, "add_actor_torque", car, UP) == [[False]]
    assert ask(rpc, "set_actor_dead", walker) == [[False]]
    assert value(ask(rpc, "get_navigation_mesh")) is not None
    # The town's own actors were born just before the car.
    light = next(i for i in range(car - 1, 0, -1) if ask(rpc, "freeze_traffic_light", i, True) == [[False]])
    ask(rpc, "set_episode_settings", [True, False, [True, 0.05]])
    for _ in range(300):
        ask(rpc, "tick_cue")
    (actor,) = value(ask(rpc, "get_actors_by_id", [light]))
    assert actor[2][1] == "traffic.traffic_light"
    # Dead for longer than ten simulated seconds, the walker is taken away.
    assert value(ask(rpc, "get_actors_by_id", [car, walker])) == value(ask(rpc, "get_actors_by_id", [car]))
    assert value(ask(rpc, "are_gbuffers_enabled", car)) is False
    assert value(ask(rpc, "is_sensor_enabled_for_ros", 5)) is False


def test_a_torque_acts_for_one_tick() -> None:
    world = flat_world()
    desk = Desk(world, None, Managers())  # type: ignore[arg-type]  # nothing here touches a stream
    car = spawn(world, ActorDescription(0, "vehicle.tesla.model3"), Pose(60.0, 1.75, 0.3))
    # CARLA's unit: degrees where masses are kilograms and lengths centimetres.
    actors.add_actor_torque(desk, car.actor_id, (0.0, 0.0, 200.0 * 100.0**2))
    for _ in range(2):
        world.tick(0.05)
        assert car.body.angular_velocity == pytest.approx((0.0, 0.0, 200.0 * 0.05))


def test_managers_are_remembered_by_port(rpc: socket.socket) -> None:
    assert value(ask(rpc, "get_traffic_manager_running", 8321)) == ["", 0]
    assert value(ask(rpc, "add_traffic_manager_running", ["10.0.0.7", 8321])) is True
    assert value(ask(rpc, "get_traffic_manager_running", 8321)) == ["10.0.0.7", 8321]
    assert ask(rpc, "destroy_traffic_manager", 8321) == [[False]]
    assert value(ask(rpc, "get_traffic_manager_running", 8321)) == ["", 0]


# ---- the printed table ----------------------------------------------------------------------------------------------


def test_every_call_names_a_test_that_exists() -> None:
    """That the test does call it is checked after each test, in conftest."""
    assert set(TESTED_BY) == set(TABLE)
    for name, test in TESTED_BY.items():
        file, function = test.split("[")[0].split("::")
        assert re.search(rf"^def {function}\(", (HERE / file).read_text(), re.MULTILINE), f"{name}: no {test}"


def test_the_printed_table_has_every_call_with_its_test() -> None:
    lines = printed().splitlines()
    assert lines[0].split() == ["call", "need", "support", "test"]
    for name, test in TESTED_BY.items():
        (line,) = (line for line in lines if line.split()[0] == name)
        assert line.endswith(test)
    assert lines[-1].startswith("128 calls: ")
