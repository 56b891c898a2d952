"""The streaming port alone: who is served, and when a sensor may go."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from sim_bridge.embedded import streams as streams_room
from sim_bridge.embedded.server import listen
from sim_bridge.embedded.streams import Streams
from tests.embedded.test_world_client import wait_until

STREAM = 7


@pytest.fixture
def streams() -> Iterator[Streams]:
    unused, listener = listen("127.0.0.1", 0)
    unused.close()
    running = Streams(listener)
    running.start()
    running.open(STREAM)
    yield running
    running.close()


def subscribed(streams: Streams) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", streams.port), timeout=5.0)
    connection.sendall(struct.pack("<I", STREAM))
    wait_until(lambda: streams.is_wanted(STREAM))
    return connection


def test_a_sensor_goes_once_its_listener_has_closed(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams_room, "LEAVING_WAIT_S", 20.0)
    listener, has_parted = subscribed(streams), threading.Event()
    parting = threading.Thread(target=lambda: (streams.part(STREAM), has_parted.set()))
    parting.start()
    assert not has_parted.wait(0.05)
    listener.close()
    assert has_parted.wait(10.0)
    parting.join()


def test_a_listener_has_time_for_what_it_had_received_before_its_sensor_goes(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams_room, "LEFT_FOR_S", 0.3)
    subscribed(streams).close()
    closed_at = time.monotonic()
    wait_until(lambda: not streams.is_wanted(STREAM))
    streams.part(STREAM)
    assert time.monotonic() - closed_at >= 0.3
    parted_at = time.monotonic()
    monkeypatch.setattr(streams_room, "LEFT_FOR_S", 0.0)
    streams.part(STREAM)
    assert time.monotonic() - parted_at < 0.2


def test_a_sensor_nobody_hears_goes_at_once_and_a_listener_that_stays_holds_it_only_shortly(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams_room, "LEAVING_WAIT_S", 20.0)
    streams.part(STREAM)
    monkeypatch.setattr(streams_room, "LEAVING_WAIT_S", 0.01)
    with subscribed(streams):
        streams.part(STREAM)
        assert streams.is_wanted(STREAM)


def test_a_message_reaches_every_listener_whole(streams: Streams) -> None:
    with subscribed(streams) as one, subscribed(streams) as other:
        wait_until(lambda: len(streams._subscribers[STREAM]) == 2)
        streams.post(STREAM, [b"head", memoryview(b"x" * 100_000)])
        for connection in (one, other):
            received = b""
            while len(received) < 100_008:
                received += connection.recv(65536)
            assert received == struct.pack("<I", 100_004) + b"head" + b"x" * 100_000
