"""The streaming port: who subscribed to which stream, and getting messages to them without ever waiting for anybody.

`post` is called by the world's thread and never blocks: what the socket does not take at once waits in a short queue,
and when a subscriber reads too slowly its oldest unsent messages are dropped. One thread of our own accepts subscribers
and sends the rest.
"""

from __future__ import annotations

import logging
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import cast

from sim_bridge.embedded.subscriber import Part, Subscriber
from sim_bridge.embedded.wire.tokens import token

_LOG = logging.getLogger(__name__)

_LENGTH = struct.Struct("<I")
_STREAM_ID = struct.Struct("<I")

HANDSHAKE_S = 5.0
# A client whose stream does not exist reconnects at once; holding the connection keeps that from becoming a busy loop.
DEAD_STREAM_HOLD_S = 1.0
# How long a tick waits for a subscription whose token was just asked for: `listen()` returns before it is in place.
SUBSCRIPTION_WAIT_S = 0.1
LEAVING_WAIT_S = 0.2
# A client goes on working off what it had received for a while after it has closed its subscription.
LEFT_FOR_S = 0.05

QUEUED_IMAGES = 3  # a picture is worth sending only while it is fresh
QUEUED_MESSAGES = 256


class Streams:
    """The streaming server. Create, `start`, `post` from the world's thread, `close`."""

    def __init__(self, listener: socket.socket) -> None:
        self.port = int(listener.getsockname()[1])
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._changed = threading.Condition()
        self._open: dict[int, bytes] = {}  # stream id -> the last message, where newcomers get it
        self._subscribers: dict[int, tuple[Subscriber, ...]] = {}
        self._left_at: dict[int, float] = {}  # stream id -> when its last subscriber left, monotonic seconds
        self._expected: dict[int, deque[float]] = {}
        self._waking, self._wake_end = socket.socketpair()
        self._unfinished: deque[Subscriber] = deque()
        self._handshakes: dict[socket.socket, tuple[bytes, float]] = {}
        self._held: dict[socket.socket, float] = {}
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="streams", daemon=True)

    # ---- the world's side -------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def open(self, stream_id: int) -> None:
        with self._changed:
            self._open[stream_id] = b""

    def shut(self, stream_id: int) -> None:
        """The stream's sensor is gone: its subscribers are disconnected."""
        with self._changed:
            self._open.pop(stream_id, None)
            self._expected.pop(stream_id, None)
            self._left_at.pop(stream_id, None)
            leaving = self._subscribers.get(stream_id, ())
        for subscriber in leaving:
            # Our thread sees the end of the connection and closes it; only one thread ever closes a socket.
            with subscriber.lock:
                subscriber.is_dead = True
            self._shutdown(subscriber.connection)

    def token(self, stream_id: int) -> bytes:
        return token(stream_id, self.port)

    def expect(self, stream_id: int) -> None:
        """A client asked for this stream's token and is about to connect."""
        with self._changed:
            if stream_id in self._open:
                self._expected.setdefault(stream_id, deque(maxlen=64)).append(time.monotonic() + SUBSCRIPTION_WAIT_S)

    def settle(self) -> None:
        """Wait until every expected subscriber has arrived, each for SUBSCRIPTION_WAIT_S at most."""
        if not self._expected:
            return
        with self._changed:
            while self._expected and not self._is_closing:
                now = time.monotonic()
                for stream_id, deadlines in list(self._expected.items()):
                    while deadlines and deadlines[0] <= now:
                        deadlines.popleft()
                    if not deadlines:
                        del self._expected[stream_id]
                if self._expected:
                    self._changed.wait(min(d[0] for d in self._expected.values()) - now)

    def part(self, stream_id: int) -> None:
        """Wait, for LEAVING_WAIT_S at most, until the stream's subscribers have left by themselves LEFT_FOR_S ago.

        A client closes its subscription just before it destroys the sensor. One that is told that the sensor is gone
        while its threads still close, or still show what they had received to a Python function, may end its process
        under those threads, and libcarla aborts. CARLA answers at the end of a frame, some 20 ms later.
        """
        with self._changed:
            self._changed.wait_for(lambda: stream_id not in self._subscribers or self._is_closing, LEAVING_WAIT_S)
            left_at = self._left_at.get(stream_id)
            if left_at is not None:
                self._changed.wait_for(lambda: self._is_closing, max(0.0, left_at + LEFT_FOR_S - time.monotonic()))

    def is_wanted(self, stream_id: int) -> bool:
        return stream_id in self._subscribers

    def post(self, stream_id: int, parts: Sequence[Part], is_image: bool = False, is_kept: bool = False) -> None:
        """Send one message to all subscribers. `is_kept`: a later subscriber gets it as its first message.

        The parts are sent as they are, later: whoever made them must not write to them again.
        """
        length = _LENGTH.pack(sum(len(part) for part in parts))
        if is_kept:
            self._open[stream_id] = length + b"".join(parts)
        limit = QUEUED_IMAGES if is_image else QUEUED_MESSAGES
        needs_thread = False
        for subscriber in self._subscribers.get(stream_id, ()):
            if subscriber.offer([length, *parts], limit):
                self._unfinished.append(subscriber)
                needs_thread = True
        if needs_thread:
            self._wake()

    def close(self) -> None:
        self._is_closing = True
        with self._changed:
            self._changed.notify_all()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    # ---- our thread -------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        try:
            self._waking.send(b"\0")
        except BlockingIOError:
            return  # already full of wake-ups

    def _run(self) -> None:
        for end in (self._waking, self._wake_end, self._listener):
            end.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake_end, selectors.EVENT_READ, self._drain)
        while not self._is_closing:
            for key, events in self._selector.select(timeout=0.5 if self._handshakes or self._held else None):
                try:
                    self._attend(key, events)
                # One thread sends everybody's streams: whatever one connection breaks must cost that connection only.
                except Exception:
                    _LOG.exception("a stream connection failed; it is closed")
                    if key.fileobj not in (self._listener, self._wake_end):
                        self._drop(cast(socket.socket, key.fileobj))
            self._expire()
        self._close_all()

    def _attend(self, key: selectors.SelectorKey, events: int) -> None:
        if isinstance(key.data, Subscriber):
            self._serve(key.data, events)
        else:
            key.data(key.fileobj)

    def _drain(self, end: socket.socket) -> None:
        end.recv(4096)
        while self._unfinished:
            subscriber = self._unfinished.popleft()
            if subscriber.connection.fileno() >= 0:
                self._watch(subscriber, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._handshakes[connection] = (b"", time.monotonic() + HANDSHAKE_S)
        self._selector.register(connection, selectors.EVENT_READ, self._shake)

    def _shake(self, connection: socket.socket) -> None:
        """Read the four bytes that name the stream."""
        received, deadline = self._handshakes[connection]
        try:
            data = connection.recv(_STREAM_ID.size - len(received))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        received += data
        self._handshakes[connection] = (received, deadline)
        if len(received) == _STREAM_ID.size:
            del self._handshakes[connection]
            self._selector.unregister(connection)
            self._subscribe(connection, int(_STREAM_ID.unpack(received)[0]))

    def _subscribe(self, connection: socket.socket, stream_id: int) -> None:
        with self._changed:
            if stream_id not in self._open:
                self._held[connection] = time.monotonic() + DEAD_STREAM_HOLD_S
                self._selector.register(connection, selectors.EVENT_READ, self._drop)
                return
            subscriber = Subscriber(connection, stream_id)
            first = self._open[stream_id]
            has_rest = bool(first) and subscriber.offer([first], QUEUED_MESSAGES)
            self._subscribers[stream_id] = (*self._subscribers.get(stream_id, ()), subscriber)
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if has_rest else 0)
            self._selector.register(connection, events, subscriber)
            deadlines = self._expected.get(stream_id)
            if deadlines:
                deadlines.popleft()
                if not deadlines:
                    del self._expected[stream_id]
            self._changed.notify_all()

    def _serve(self, subscriber: Subscriber, events: int) -> None:
        if events & selectors.EVENT_READ and self._has_left(subscriber):
            self._unsubscribe(subscriber)
            return
        if events & selectors.EVENT_WRITE and not subscriber.flush():
            self._watch(subscriber, selectors.EVENT_READ)
        if subscriber.is_dead:
            self._unsubscribe(subscriber)

    def _has_left(self, subscriber: Subscriber) -> bool:
        """A subscriber only reads; bytes from it are thrown away, their end is its leave."""
        try:
            return not subscriber.connection.recv(4096)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True

    def _unsubscribe(self, subscriber: Subscriber) -> None:
        with self._changed:
            rest = tuple(s for s in self._subscribers.get(subscriber.stream_id, ()) if s is not subscriber)
            if rest:
                self._subscribers[subscriber.stream_id] = rest
            else:
                self._subscribers.pop(subscriber.stream_id, None)
                self._left_at[subscriber.stream_id] = time.monotonic()
            self._changed.notify_all()
        with subscriber.lock:
            subscriber.is_dead = True
            self._drop(subscriber.connection)

    def _watch(self, subscriber: Subscriber, events: int) -> None:
        self._selector.modify(subscriber.connection, events, subscriber)

    def _expire(self) -> None:
        now = time.monotonic()
        for connection, deadline in list(self._held.items()):
            if deadline <= now:
                self._drop(connection)
        for connection, (_, deadline) in list(self._handshakes.items()):
            if deadline <= now:
                self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        self._held.pop(connection, None)
        self._handshakes.pop(connection, None)
        if connection.fileno() >= 0:
            self._selector.unregister(connection)
            connection.close()

    def _shutdown(self, connection: socket.socket) -> None:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the peer was faster

    def _close_all(self) -> None:
        for key in list(self._selector.get_map().values()):
            cast(socket.socket, key.fileobj).close()
        self._selector.close()
        self._waking.close()
