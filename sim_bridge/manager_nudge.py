"""Frees a synchronous Traffic Manager that sleeps through its own call.

libcarla 0.9.16 wakes the manager's thread, and the thread that ticks, without holding the lock they sleep under: a
wake-up that comes between the look and the sleep is lost, both wait for ever, and `world.tick()` never returns. The
busier the machine, the likelier. Leaving synchronous mode makes the manager signal once more; its calls from Python
wait for the tick that hangs, but the port it serves answers, so the word is sent there.
"""

from __future__ import annotations

import math
import socket
import threading
import time

import msgpack

_CALL, _METHOD = 0, "set_synchronous_mode"
_ANSWER_WITHIN_S = 5.0


class Patience:
    """Entered for every tick; wakes the manager that serves `port` in each that has not returned after `after_s`.

    Without a port it waits for ever. `nudges` counts the ticks' wake-ups. `close` it before the manager is shut down.
    """

    def __init__(self, port: int | None = None, after_s: float = 5.0) -> None:
        self.nudges = 0
        self._port, self._after_s = port, after_s
        self._began_s = math.inf
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="nudge", daemon=True)
        if port is not None:
            self._thread.start()

    def __enter__(self) -> None:
        self._began_s = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._began_s = math.inf

    def close(self) -> None:
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        # `_began_s` is the ticking thread's to write: a tick that returns meanwhile must not look like one under way.
        woken_s = -math.inf
        while not self._is_over.wait(self._after_s / 5.0):
            if time.monotonic() - max(self._began_s, woken_s) > self._after_s and self._port is not None:
                woken_s = time.monotonic()
                _wake(self._port)
                self.nudges += 1


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
