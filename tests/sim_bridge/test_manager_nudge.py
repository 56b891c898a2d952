"""A Traffic Manager that sleeps through a tick is woken by way of its port, and one between ticks is left alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import msgpack

from sim_bridge.manager_nudge import Patience

SLOW_S = 0.2


@contextmanager
def manager() -> Iterator[tuple[int, list[object], threading.Event]]:
    """Its port, the calls it has heard, and whether it has answered two."""
    said: list[object] = []
    has_answered = threading.Event()

    def serve() -> None:
        line, _ = door.accept()
        with line:
            for _ in range(2):
                said.append(msgpack.unpackb(line.recv(256)))
                line.sendall(msgpack.packb([1, 0, None, None]))
        has_answered.set()

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=serve, daemon=True).start()
        yield door.getsockname()[1], said, has_answered


def test_a_manager_is_woken_in_a_tick_that_does_not_return() -> None:
    with manager() as (port, said, has_answered), closing(Patience(port, SLOW_S)) as patience:
        with patience:
            assert has_answered.wait(10.0)
        assert said == [[0, 0, "set_synchronous_mode", [False]], [0, 1, "set_synchronous_mode", [True]]]
    assert patience.nudges >= 1


def test_a_manager_is_left_alone_while_ticks_return_and_between_them() -> None:
    with manager() as (port, said, has_answered), closing(Patience(port, SLOW_S)) as patience:
        for _ in range(20):
            with patience:
                pass
        assert not has_answered.wait(4 * SLOW_S)  # a paused drive does not tick at all
    assert said == []
    assert patience.nudges == 0


def test_without_a_manager_nobody_is_woken() -> None:
    with closing(Patience()) as patience, patience:
        pass
    assert patience.nudges == 0
