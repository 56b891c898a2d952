"""Sending batches of mutated messages and listening to what comes back."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import msgpack

from sim_bridge.embedded.sensor_blueprints import SENSORS
from sim_bridge.embedded.vehicles import VEHICLES
from sim_bridge.embedded.wire.structs import AttributeValue
from tests.embedded.fuzz import valid
from tests.embedded.fuzz.mutation import bent, broken, garbled

BATCH = 500
ANSWER_S = 20.0
RELOAD_EVERY = 8
# What share of a batch goes to the stream port, and how many of the connections end with what is no call at all.
STREAM_SHARE, ENDING_SHARE = 0.1, 0.6
# After an ending, the server may rightly wait for the rest of a message.
SOON_S = 0.1
MARKER = 99_999
SENSORS_A_BATCH, TOKEN_BYTES = 8, 24
SENSOR_IDS, CARS = sorted(SENSORS), sorted(VEHICLES)


@dataclass
class Report:
    """`stumbles`: reasons of calls that failed by something nobody refuses by name -> the seeds of their batches."""

    messages: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    stumbles: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def line(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.answers.items()))
        return f"{self.messages} messages: {kinds}"


def batch(port: int, seed: int, report: Report) -> None:
    """One batch. Raises OSError when the server takes no connections any more."""
    rng = random.Random(seed)
    left = BATCH
    if seed % RELOAD_EVERY == 0:
        start_over(port)
    calls = valid.Calls(rng, first_id(port))
    streams = round(BATCH * STREAM_SHARE)
    for _ in range(streams):
        _to_streams(port + 1, rng)
    report.messages += streams
    report.answers["on the stream port"] += streams
    left -= streams
    with contextlib.ExitStack() as listeners:
        for stream in _sensors(port, rng):
            # Sensors are read only for somebody. This one never reads what it gets.
            listener = listeners.enter_context(_connected(port + 1))
            listener.sendall(struct.pack("<I", stream))
        while left > 0:
            left -= _to_calls(port, calls, min(left, rng.randint(1, 60)), report, seed)


def start_over(port: int) -> None:
    """A synchronous episode without any of what was spawned before."""
    with _connected(port) as connection:
        connection.sendall(msgpack.packb([0, 1, "load_new_episode", [[False], "", True, 65535]]))
        connection.sendall(msgpack.packb([0, 2, "set_episode_settings", [[False], [True, False, [True, 0.05]]]]))
        _heard(connection, 2, 2, ANSWER_S)


def first_id(port: int) -> int:
    """The id that the running episode's actors begin with."""
    with _connected(port) as connection:
        connection.sendall(msgpack.packb([0, 1, "get_spectator", [[False]]]))
        return int(_heard(connection, 1, 1, ANSWER_S)[0][3][0][1][0])


def _sensors(port: int, rng: random.Random) -> list[int]:
    """The streams of some sensors with drawn attributes on a car, spawned by calls that are in order."""
    with _connected(port) as connection:
        place = [[rng.uniform(-200, 200), rng.uniform(-200, 200), 0.5], [0.0, rng.uniform(-180, 180), 0.0]]
        car = _asked(connection, "spawn_actor", [0, rng.choice(CARS), []], place)
        found = []
        for _ in range(SENSORS_A_BATCH):
            attributes = [valid.value(rng, AttributeValue) for _ in range(rng.randint(0, 4))]
            sensor = [0, rng.choice(SENSOR_IDS), attributes]
            mount = [[rng.uniform(-3, 3), 0.0, 2.0], [rng.uniform(-90, 90), 0.0, 0.0]]
            on_car = [mount, car[0], 0, ""] if car else [place]
            actor = _asked(connection, "spawn_actor_with_parent" if car else "spawn_actor", sensor, *on_car)
            if actor and len(actor[5]) == TOKEN_BYTES:
                found.append(int(struct.unpack_from("<I", actor[5])[0]))
        return found


def _asked(connection: socket.socket, name: str, *arguments: Any) -> list[Any]:
    """The value of an answer, empty for a refusal."""
    connection.sendall(msgpack.packb([0, 1, name, [[False], *arguments]]))
    answer = _heard(connection, 1, 1, ANSWER_S)[0]
    return [] if _reason(answer) else list(answer[3][0][1])


def check_alive(port: int) -> bool:
    """Whether a new client is answered and the world still ticks for it."""
    try:
        with _connected(port) as connection:
            for number, name in ((1, "version"), (2, "tick_cue")):
                connection.sendall(msgpack.packb([0, number, name, [[False]]]))
            heard = _heard(connection, 2, 2, ANSWER_S)
    except OSError:
        return False
    return len(heard) == 2 and heard[0][3] == [[1, "0.9.16"]] and heard[1][2] is None


def _to_calls(port: int, drawn: valid.Calls, count: int, report: Report, seed: int) -> int:
    """`count` messages on one connection, and what is answered. The last one may be what ends the connection."""
    rng = drawn.rng
    with _connected(port) as connection, contextlib.suppress(OSError):
        calls = [_call(drawn, number) for number in range(count)]
        is_ending = rng.random() < ENDING_SHARE
        connection.sendall(b"".join(_packed(bent(rng, call)) for call in calls[: count - is_ending]))
        if is_ending:
            last = calls[-1]
            connection.sendall(garbled(rng, _packed(last)) if rng.random() < 0.7 else _packed(broken(rng, last)))
            if rng.random() < 0.5:
                connection.shutdown(socket.SHUT_WR)
        else:
            connection.sendall(msgpack.packb([0, MARKER, "version", [[False]]]))
        _note(_heard(connection, count - is_ending + 1, MARKER, SOON_S if is_ending else ANSWER_S), report, seed)
    report.messages += count
    return count


def _call(drawn: valid.Calls, number: int) -> list[Any]:
    name, arguments = drawn.call()
    return [0, number, name, [[drawn.rng.random() < 0.3], *arguments]]


def _packed(message: list[Any]) -> bytes:
    try:
        return bytes(msgpack.packb(message, use_bin_type=True))
    except (ValueError, OverflowError, TypeError, UnicodeEncodeError):
        return b"\xc1"  # what MessagePack itself never uses


def _note(replies: list[Any], report: Report, seed: int) -> None:
    for reply in replies:
        reason = _reason(reply)
        report.answers["refused" if reason else "answered"] += 1
        if "failed in the server" in reason:
            report.stumbles[reason[:160]].append(seed)


def _reason(reply: Any) -> str:
    """Why a reply is an error, "" for none."""
    if reply[2] is not None:
        return str(reply[2])
    result = reply[3]
    if (
        isinstance(result, list)
        and len(result) == 1
        and isinstance(result[0], list)
        and len(result[0]) == 2
        and result[0][0] == 0
    ):
        return str(result[0][1][0])
    if isinstance(result, list) and len(result) == 2 and result[0] is True:
        return str(result[1][0])
    return ""


def _to_streams(port: int, rng: random.Random) -> None:
    """A handshake that is short, long, of a stream that is not there, or that leaves at once."""
    with contextlib.suppress(OSError), _connected(port) as connection:
        known = struct.pack("<I", rng.choice((1, rng.randrange(200), rng.randrange(2**32))))
        shots = (
            b"",
            known[: rng.randint(0, 3)],
            known,
            known + rng.randbytes(rng.randint(1, 200)),
            garbled(rng, known),
        )
        connection.sendall(rng.choice(shots))
        if rng.random() < 0.2:
            connection.settimeout(0.05)
            connection.recv(64)


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)


def _heard(connection: socket.socket, count: int, last: int, wait_s: float) -> list[Any]:
    """The replies until there are `count`, or the one to message `last`, or the server ends or stays silent."""
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=256 << 20)
    found: list[Any] = []
    connection.settimeout(wait_s)
    while len(found) < count and not (found and found[-1][1] == last):
        try:
            data = connection.recv(1 << 16)
        except (ConnectionResetError, TimeoutError):
            break
        if not data:
            break
        unpacker.feed(data)
        found.extend(unpacker)
    return found
