"""Frees a synchronous Traffic Manager that sleeps through its own call.

libcarla 0.9.16 wakes the manager's thread, and the thread that ticks, without holding the lock they sleep under: a
wake-up that comes between the look and the sleep is lost, both wait for ever, and `world.tick()` never returns. The
busier the machine, the likelier. Leaving synchronous mode makes the manager signal once more; its calls from Python
wait for the tick that hangs, but the port it serves answers, so the word is sent there.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgpack

_CALL, _METHOD = 0, "set_synchronous_mode"
_ANSWER_WITHIN_S = 5.0


@dataclass
class Patience:
    """Told of every tick that returned; `nudges` counts those that had to be helped."""

    last_s: float = field(default_factory=time.monotonic)
    nudges: int = 0

    def ticked(self) -> None:
        self.last_s = time.monotonic()


@contextmanager
def nudged(port: int, after_s: float = 5.0) -> Iterator[Patience]:
    """While it lasts, the manager that serves `port` is woken whenever no tick has returned for `after_s`."""
    patience, is_over = Patience(), threading.Event()

    def watch() -> None:
        while not is_over.wait(after_s / 5.0):
            if time.monotonic() - patience.last_s > after_s:
                _wake(port)
                patience.nudges += 1
                patience.ticked()

    thread = threading.Thread(target=watch, name="nudge", daemon=True)
    thread.start()
    try:
        yield patience
    finally:
        is_over.set()
        thread.join()


def _wake(port: int) -> None:
    """Out of synchronous mode and back before the manager begins its next round."""
    try:
        with socket.create_connection(("127.0.0.1", port), _ANSWER_WITHIN_S) as line:
            line.settimeout(_ANSWER_WITHIN_S)
            for number, is_synchronous in enumerate((False, True)):
                line.sendall(msgpack.packb([_CALL, number, _METHOD, [is_synchronous]]))
                line.recv(256)
    except OSError:
        return  # the manager is gone or busier still; the next look tries again
