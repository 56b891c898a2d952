"""Clients that send nonsense, stop reading, or vanish: the world goes on for everybody else."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterator

import msgpack
import pytest

from sim_bridge.embedded.calls.table import TABLE
from tests.embedded.fuzz.shots import Report, batch, check_alive
from tests.embedded.test_world_client import ask, connected, serving, start_over, wait_until

# Batches of 500 messages. Those found to break something stay here for good, whatever else is drawn.
KEPT_SEEDS = (0, 3, 42)
ORIGIN = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
CAR = [0, "vehicle.lincoln.mkz_2020", []]


@pytest.fixture(scope="module")
def town() -> Iterator[int]:
    with serving("tests.embedded.flat_server", "0", "Backseat01") as (_, port):
        yield port


@pytest.fixture(scope="module")
def flat() -> Iterator[int]:
    with serving("tests.embedded.flat_server", "0") as (_, port):
        yield port


def test_mutated_messages_are_answered_or_refused_by_name(town: int) -> None:
    report = Report()
    for seed in KEPT_SEEDS:
        batch(town, seed, report)
        assert check_alive(town), f"no answer after the batch of seed {seed}"
    assert dict(report.stumbles) == {}
    assert report.answers["refused"] > 100 and report.answers["answered"] > 100


# A few calls with arguments of every kind: what is sent, and the field that must be named.
WRONG = [
    ("tick_cue_of_nobody", [], "no such function"),
    ("destroy_actor", ["seven"], "actor_id: expected an integer"),
    ("destroy_actor", [None], "actor_id: expected an integer"),
    ("spawn_actor", [CAR, [[1.0], [0.0, 0.0, 0.0]]], "transform.location: expected 3 numbers"),
    ("spawn_actor", [[0, 5, []], ORIGIN], "description.id: expected a string"),
    ("spawn_actor", [[0, "vehicle.x", [["color", 5]]], ORIGIN], "description.attributes[0]"),
    (
        "set_actor_transform",
        [1, [[float("nan"), 0.0, 0.0], [0.0, 0.0, 0.0]]],
        "transform.location[0]: expected a finite",
    ),
    ("apply_control_to_vehicle", [1, [True, 0.0]], "control.throttle: expected a number"),
    ("set_weather_parameters", [["wet"]], "weather.cloudiness: expected a number"),
    ("set_episode_settings", [[1, False, [True, "fast"]]], "fixed_delta_s"),
    ("set_traffic_light_state", [1, 2.0], "state: expected an integer"),
    ("get_actors_by_id", [[1, "two"]], "ids[1]: expected an integer"),
    ("cast_ray", [[0, 0], [1, 1, 1]], "start: expected 3 elements"),
    ("apply_control_to_walker", [1, [[0, 0, 0], "fast"]], "control.speed: expected a number"),
    ("set_vehicle_light_state", [1, ["on"]], "lights.flags: expected an integer"),
]


@pytest.mark.parametrize(("name", "arguments", "said"), WRONG)
def test_a_wrong_type_is_answered_with_its_field(flat: int, name: str, arguments: list[object], said: str) -> None:
    with connected(flat) as connection:
        assert said in str(ask(connection, name, *arguments))
        assert ask(connection, "version") == [[1, "0.9.16"]]


def test_every_call_that_takes_something_names_what_is_missing(flat: int) -> None:
    with connected(flat) as connection:
        for name, rpc in TABLE.items():
            if rpc.signature.required:
                answer = str(ask(connection, name))
                assert f"expected {rpc.signature.required} argument" in answer, (name, answer)
                assert all(word in answer for word in rpc.signature.names), (name, answer)


def test_a_batch_says_which_of_its_commands_was_wrong(flat: int) -> None:
    start_over(flat)
    with connected(flat) as connection:
        replies = ask(connection, "apply_batch", [[[6, ["one", ORIGIN]]], [[99, []]], 5, [[2, [1]]]], False)
    said = [reply[0][1][0] for reply in replies]  # type: ignore[attr-defined]
    assert "actor_id: expected an integer" in said[0] and "expected an index of 0 to 21" in said[1]
    assert "command: expected an array" in said[2] and "expected 2 arguments" in said[3]


def token_of(answer: object) -> int:
    return int(struct.unpack_from("<I", answer[0][1][5])[0])  # type: ignore[index]


def test_a_client_that_asks_and_never_reads_holds_up_nobody(town: int) -> None:
    start_over(town)
    with connected(town) as deaf, connected(town) as other:
        deaf.setblocking(False)
        request = msgpack.packb([0, 1, "get_map_data", [[False]]])
        # Answers of some 100 kB each: the socket's buffers are full after a few dozen of them.
        with contextlib.suppress(BlockingIOError):
            for _ in range(300):
                deaf.send(request)
        began = time.monotonic()
        for _ in range(20):
            ask(other, "version")
        assert time.monotonic() - began < 10.0
    assert check_alive(town)


def test_a_subscriber_that_reads_late_gets_whole_messages_and_the_newest(flat: int) -> None:
    start_over(flat)
    with connected(flat) as rpc, connected(flat + 1) as late:
        ask(rpc, "set_episode_settings", [True, False, [True, 0.05]])
        camera = [0, "sensor.camera.rgb", [["image_size_x", 2, "512"], ["image_size_y", 2, "256"]]]
        spawned = ask(rpc, "spawn_actor", camera, ORIGIN)
        late.sendall(struct.pack("<I", token_of(spawned)))
        ask(rpc, "get_sensor_token", token_of(spawned))
        frames = [ask(rpc, "tick_cue") for _ in range(40)]
        newest = frames[-1][0][1]  # type: ignore[index]
        seen = [frame for frame, size in messages(late, newest)]
        assert seen == sorted(seen) and seen[-1] == newest
        assert len(seen) < 40  # the middle ones were dropped rather than kept waiting
        ask(rpc, "destroy_actor", spawned[0][1][0])  # type: ignore[index]


def messages(stream: socket.socket, until_frame: int) -> Iterator[tuple[int, int]]:
    """(frame, size) of the messages of a stream; each must be as long as it says."""
    stream.settimeout(10.0)
    while True:
        (size,) = struct.unpack("<I", exactly(stream, 4))
        frame = int(struct.unpack_from("<Q", exactly(stream, size), 8)[0])
        yield frame, size
        if frame >= until_frame:
            return


def exactly(stream: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        assert piece, "the stream ended inside a message"
        data += piece
    return data


def test_a_client_that_vanishes_leaves_its_actors_and_no_subscription(flat: int) -> None:
    """As in CARLA: actors stay until somebody destroys them, managers and subscriptions go with their connection."""
    start_over(flat)
    with connected(flat) as other:
        ask(other, "set_episode_settings", [True, False, [True, 0.05]])
        rpc, stream = connected(flat), connected(flat + 1)
        spawned = ask(rpc, "spawn_actor", [0, "sensor.camera.rgb", []], ORIGIN)
        actor = spawned[0][1][0]  # type: ignore[index]
        assert ask(rpc, "add_traffic_manager_running", ["127.0.0.1", 8111]) == [[1, True]]
        stream.sendall(struct.pack("<I", token_of(spawned)))
        ask(rpc, "get_sensor_token", token_of(spawned))
        ask(rpc, "tick_cue")
        assert exactly(stream, 4)
        # Gone without a word, with unread pictures: a reset, not an orderly end.
        for end in (rpc, stream):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()
        wait_until(lambda: ask(other, "is_traffic_manager_running", 8111) == [[1, False]])
        for _ in range(20):
            ask(other, "tick_cue")
        assert len(ask(other, "get_actors_by_id", [actor])[0][1]) == 1  # type: ignore[index]
        assert ask(other, "destroy_actor", actor) == [[1, True]]
        assert ask(other, "get_actors_by_id", [actor]) == [[1, []]]


def test_two_clients_that_tick_are_both_served_and_the_log_says_so() -> None:
    with serving("tests.embedded.flat_server", "0") as (process, port):
        with connected(port) as one, connected(port) as other:
            ask(one, "set_episode_settings", [True, False, [True, 0.05]])
            frames = [ask(client, "tick_cue")[0][1] for client in (one, other, one, other)]  # type: ignore[index]
            assert frames == list(range(frames[0], frames[0] + 4))
        process.terminate()
        _, said = process.communicate(timeout=10.0)
    assert "2 clients tick this world" in said
