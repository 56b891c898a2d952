"""One client's connection to one stream: a short queue in front of a socket that never blocks."""

from __future__ import annotations

import socket
import threading
from collections import deque

Part = bytes | memoryview


class Subscriber:
    """One client's connection to one stream. `lock` guards the queue: the world's thread and ours both send."""

    def __init__(self, connection: socket.socket, stream_id: int) -> None:
        self.connection = connection
        self.stream_id = stream_id
        self.lock = threading.Lock()
        self.is_dead = False
        self._queue: deque[list[Part]] = deque()
        self._is_first_partly_sent = False

    def offer(self, message: list[Part], limit: int) -> bool:
        """Send what fits now and queue the rest. Returns whether something is left to send."""
        with self.lock:
            if self.is_dead:
                return False
            self._queue.append(message)
            # A message of which some bytes are out must be finished, so the one behind it goes first.
            while len(self._queue) > limit:
                del self._queue[1 if self._is_first_partly_sent else 0]
            return self._send()

    def flush(self) -> bool:
        with self.lock:
            return self._send()

    def _send(self) -> bool:
        while self._queue and not self.is_dead:
            parts = self._queue[0]
            try:
                sent = self.connection.sendmsg(parts)
            except (BlockingIOError, InterruptedError):
                return True
            except OSError:
                self.is_dead = True
                self._queue.clear()
                return False
            self._is_first_partly_sent = True
            if _advance(parts, sent):
                self._queue.popleft()
                self._is_first_partly_sent = False
        return False


def _advance(parts: list[Part], sent: int) -> bool:
    """Remove `sent` bytes from the front of `parts`; True when nothing is left."""
    while parts and sent >= len(parts[0]):
        sent -= len(parts.pop(0))
    if parts and sent:
        parts[0] = memoryview(parts[0])[sent:]
    return not parts
