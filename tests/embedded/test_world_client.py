"""The server as the real `carla` client sees it, and as those see it who mean it no good."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgpack
import pytest

from tests.embedded.client_scripts import SCRIPTS

ROOT = Path(__file__).parents[2]
# Servers that run now, and the calls they heard during the current test.
OPEN_PORTS: set[int] = set()
HEARD: set[str] = set()


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server in a process of its own and its port; it must end by itself on SIGTERM."""
    command = [sys.executable, "-m", *arguments]
    port = 0
    process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready port="), process.stderr.read() if process.stderr else ""
        port = int(line.split("port=")[1].split()[0])
        OPEN_PORTS.add(port)
        yield process, port
        gather_heard()
        OPEN_PORTS.discard(port)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10.0)
        assert process.returncode == 0, errors
    finally:
        OPEN_PORTS.difference_update({port} if port else ())
        if process.poll() is None:
            process.kill()
            print("the server said:", process.communicate()[1])


def gather_heard() -> None:
    """Add to HEARD what the flat servers that run now were called with since they were last asked."""
    for port in OPEN_PORTS:
        with contextlib.suppress(OSError), connected(port) as connection:
            told = ask(connection, "calls_heard")
            # The whole server knows no such call, and says so in a string.
            HEARD.update(told[0][1] if isinstance(told, list) else ())


def run_script(name: str, port: int, module: str = "tests.embedded.client_scripts", within_s: float = 60.0) -> str:
    """What the script said. It must end well."""
    done = subprocess.run(
        [sys.executable, "-m", module, name, str(port)],
        cwd=ROOT, text=True, capture_output=True, timeout=within_s,
    )  # fmt: skip
    assert done.returncode == 0, f"{name} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "done" in done.stdout
    return done.stdout


def run_with_manager(name: str) -> str:
    """What a script said that drives CARLA's Traffic Manager on a server of its own.

    libcarla notifies the manager's thread without a lock. Now and then the thread misses it and the client waits for
    ever: that is the client's, so a script that hangs is tried again; one that fails is not.
    """
    for is_last in (False, False, True):
        with serving("tests.embedded.flat_server", "0", "Backseat01") as (_, port):
            try:
                return run_script(name, port, within_s=45.0)
            except subprocess.TimeoutExpired:
                if is_last:
                    raise
                print(f"{name}: the client hung in its Traffic Manager")
    raise AssertionError("the last try returns or raises")


def start_over(port: int) -> None:
    """A new episode with CARLA's settings, whatever the script before left behind."""
    with connected(port) as connection:
        ask(connection, "load_new_episode", "Flat", True, 65535)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_real_client(name: str, flat: int) -> None:
    start_over(flat)
    run_script(name, flat)


def test_actors_of_a_client_that_vanished_stay(flat: int) -> None:
    start_over(flat)
    run_script("leaves_a_car", flat)
    run_script("finds_the_car_left_behind", flat)


def test_carlas_traffic_manager_drives_twelve_cars_through_the_town() -> None:
    run_with_manager("traffic")


def test_carlas_walker_ai_walks_the_towns_sidewalks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # The client keeps navigation files under its home.
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving("tests.embedded.flat_server", "0", "Backseat01") as (_, port):
        run_script("walks", port)
    assert list(tmp_path.glob("carlaCache/**/Backseat01_*.bin"))


# ---- without the client -------------------------------------------------------------------------------------------


def ask(connection: socket.socket, method: str, *arguments: object) -> object:
    connection.sendall(msgpack.packb([0, 5, method, [[False], *arguments]]))
    unpacker = msgpack.Unpacker(raw=False)
    while data := connection.recv(65536):
        unpacker.feed(data)
        for reply in unpacker:
            assert reply[:2] == [1, 5]
            return reply[2] or reply[3]
    raise AssertionError("the server closed the connection instead of answering")


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5.0)


def answers(port: int) -> bool:
    with connected(port) as connection:
        return ask(connection, "version") == [[1, "0.9.16"]]


def wait_until(is_true: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def test_wrong_arguments_are_named_and_the_connection_lives_on(flat: int) -> None:
    with connected(flat) as connection:
        assert "no such function" in str(ask(connection, "self_destruct"))
        assert "actor_id: expected an integer" in str(ask(connection, "destroy_actor", "seven"))
        assert "transform.location" in str(ask(connection, "spawn_actor", [0, "vehicle.x", []], [[1], [0, 0, 0]]))
        assert "expected 1 arguments" in str(ask(connection, "get_sensor_token"))
        assert ask(connection, "get_actor_bounding_box", 999_999) == [[1, [[0, 0, 0], [0, 0, 0], [0, 0, 0], 0]]]
        assert ask(connection, "version") == [[1, "0.9.16"]]


def test_garbage_on_either_port_costs_only_its_sender(flat: int) -> None:
    rng = random.Random(7)
    for port in (flat, flat + 1):
        for _ in range(60):
            with contextlib.suppress(OSError), connected(port) as connection:
                connection.sendall(bytes(rng.randrange(256) for _ in range(rng.randint(1, 300))))
    assert answers(flat)


def test_mutated_calls_leave_the_server_answering(flat: int) -> None:
    rng = random.Random(13)
    transform = [[1e3, 2.0, 3.0], [0.0, 0.0, 0.0]]
    valid = [
        [0, 1, "spawn_actor", [[False], [1, "vehicle.tesla.model3", [["color", 5, "1,2,3"]]], transform]],
        [0, 2, "spawn_actor", [[False], [1, "sensor.camera.rgb", [["fov", 3, "90"]]], transform]],
        [0, 3, "apply_batch", [[False], [[[6, [4, transform]]], [[0, [[1, "x", []], transform, [False], 0]]]], True]],
        [0, 4, "set_weather_parameters", [[True], [1.0] * 14]],
        [0, 5, "apply_control_to_vehicle", [[True], 4, [1.0, 0.0, 0.0, False, False, False, 1]]],
        [0, 6, "set_traffic_light_state", [[True], 2, 1]],
    ]  # fmt: skip
    for _ in range(40):
        with contextlib.suppress(OSError), connected(flat) as connection:
            for _ in range(10):
                data = bytearray(msgpack.packb(rng.choice(valid)))
                for _ in range(rng.randint(0, 3)):
                    data[rng.randrange(len(data))] = rng.randrange(256)
                connection.sendall(data)
    assert answers(flat)
    start_over(flat)


def test_a_subscriber_that_never_reads_stalls_nobody(flat: int) -> None:
    with connected(flat) as rpc, connected(flat + 1) as idle:
        transform = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
        size = [["image_size_x", 2, "1024"], ["image_size_y", 2, "512"]]
        ((_, actor),) = [ask(rpc, "spawn_actor", [0, "sensor.camera.rgb", size], transform)[0]]  # type: ignore[index]
        ask(rpc, "set_episode_settings", [True, False, [True, 0.05]])
        stream = struct.unpack_from("<I", actor[5])[0]
        idle.sendall(struct.pack("<I", stream))
        ask(rpc, "get_sensor_token", stream)
        started = time.monotonic()
        for _ in range(60):
            ask(rpc, "tick_cue")
        # 60 pictures are 126 MB; what fits into the kernel's buffers and the short queue is far less.
        assert time.monotonic() - started < 10.0
        ask(rpc, "destroy_actor", actor[0])
        ask(rpc, "set_episode_settings", [False])
    assert answers(flat)


def test_an_unknown_stream_is_held_a_while_then_closed(flat: int) -> None:
    with connected(flat + 1) as connection:
        started = time.monotonic()
        connection.sendall(struct.pack("<I", 4_000_000))
        assert connection.recv(1) == b""
        assert time.monotonic() - started > 0.4


def test_a_manager_leaves_with_its_client(flat: int) -> None:
    with connected(flat) as announcing:
        assert ask(announcing, "add_traffic_manager_running", ["127.0.0.1", 8123]) == [[1, True]]
        with connected(flat) as other:
            assert ask(other, "add_traffic_manager_running", ["127.0.0.1", 8123]) == [[1, False]]
            assert ask(other, "is_traffic_manager_running", 8123) == [[1, True]]
    with connected(flat) as other:
        wait_until(lambda: ask(other, "is_traffic_manager_running", 8123) == [[1, False]])


def serve_badly(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "sim_bridge.embedded", *arguments],
        cwd=ROOT, text=True, capture_output=True, timeout=60.0,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_a_taken_port_is_named(flat: int) -> None:
    for wanted, taken in ((flat, flat), (flat - 1, flat)):
        code, said = serve_badly("--port", str(wanted))
        assert code == 2
        assert f"port {taken}" in said
        assert "Traceback" not in said


def test_an_unknown_town_is_answered_with_the_known_ones() -> None:
    code, said = serve_badly("--town", "Atlantis")
    assert code == 2
    assert "Atlantis" in said
    assert "Backseat01" in said


def test_the_whole_server_shows_its_town_to_the_real_client() -> None:
    with serving("sim_bridge.embedded", "--port", "0") as (_, port):
        run_script("sees_the_town", port)
