"""The RPC port and the world's thread: one loop that reads calls, answers them in order, and lets the world run.

Everything of the world happens in the thread that calls `run`; only the stream port has a thread of its own. A client
that sends garbage loses its connection, one that does not read loses it once too much waits for it, and a call that
fails is answered with its reason.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import time
from collections.abc import Callable
from itertools import count

from sim_bridge.embedded.calls.desk import Desk, Managers
from sim_bridge.embedded.calls.table import TABLE
from sim_bridge.embedded.streams import Streams
from sim_bridge.embedded.wire.framing import Malformed, Request, RequestReader, call_error, reply
from sim_bridge.embedded.world.world import DEFAULT_DELTA_S, World

_LOG = logging.getLogger(__name__)

_CHUNK = 1 << 18
_MAX_UNSENT = 64 << 20
_LONGEST_DELTA_S = 0.1


class PortInUse(OSError):
    """The port or the one above it belongs to another process."""


def listen(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Listeners on `port` and `port + 1`. Port 0 picks two free neighbours. Raises PortInUse naming the taken one."""
    if port == 0:
        return _listen_anywhere(host)
    first = _listener(host, port)
    try:
        return first, _listener(host, port + 1)
    except PortInUse:
        first.close()
        raise


def _listen_anywhere(host: str) -> tuple[socket.socket, socket.socket]:
    for _ in range(50):
        first = _listener(host, 0)
        with contextlib.suppress(OSError):
            return first, _listener(host, first.getsockname()[1] + 1)
        first.close()
    raise PortInUse(f"found no two neighbouring free ports on {host}")


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(64)
    except (OSError, OverflowError) as error:
        listener.close()
        raise PortInUse(f"cannot listen on {host} port {port}: {error}") from None
    return listener


class Connection:
    """One client's RPC connection."""

    def __init__(self, connection: socket.socket, number: int) -> None:
        self.socket = connection
        self.number = number
        self.reader = RequestReader()
        self.unsent = bytearray()


class Server:
    """Serves one world until `stop`. `run` blocks and is the world's thread."""

    def __init__(self, listeners: tuple[socket.socket, socket.socket], make_world: Callable[[Streams], World]) -> None:
        """`make_world` is called in `run`'s thread: renderer and physics belong to the thread that made them."""
        self._listener, stream_listener = listeners
        self.port = int(self._listener.getsockname()[1])
        self.streams = Streams(stream_listener)
        self._make_world = make_world
        self._selector = selectors.DefaultSelector()
        self._waking, self._wake_end = socket.socketpair()
        self._waking.setblocking(False)
        self._numbers = count(1)
        self._is_stopping = False

    def stop(self) -> None:
        """From any thread or a signal handler; `run` returns after the call it is in."""
        self._is_stopping = True
        with contextlib.suppress(OSError):
            self._waking.send(b"\0")

    def run(self, ready: Callable[[World], None] | None = None) -> None:
        try:
            world = self._make_world(self.streams)
        except BaseException:  # also Ctrl-C while the town loads must free the ports
            self._close_sockets()
            raise
        self._desk = Desk(world, self.streams, Managers())
        self.streams.start()
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._selector.register(self._wake_end, selectors.EVENT_READ, None)
        if ready is not None:
            ready(world)
        try:
            self._loop(world)
        finally:
            self.streams.close()
            self._close_sockets()
            world.close()

    def _close_sockets(self) -> None:
        for key in list((self._selector.get_map() or {}).values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        for end in (self._listener, self._waking, self._wake_end):
            end.close()

    # ---- the loop ---------------------------------------------------------------------------------------------------

    def _loop(self, world: World) -> None:
        last_tick = time.monotonic()
        while not self._is_stopping:
            if world.is_synchronous:
                self._serve(None)
                last_tick = time.monotonic()
            else:
                due = last_tick + (world.settings.fixed_delta_s or DEFAULT_DELTA_S)
                self._serve(max(0.0, due - time.monotonic()))
                if time.monotonic() >= due:
                    last_tick = self._run_free(world, last_tick)

    def _run_free(self, world: World, last_tick: float) -> float:
        """One tick of a world that follows the wall clock; when it counts as done. A stall is not made up for."""
        late = time.monotonic() - last_tick
        delta = world.settings.fixed_delta_s
        if not world.is_synchronous:
            world.tick(delta or min(late, _LONGEST_DELTA_S))
            world.sense()
        # A fixed step keeps its beat; a free one spans exactly the time that went by.
        return last_tick + delta if delta and late < 2.0 * delta else last_tick + late

    def _serve(self, wait: float | None) -> None:
        for key, events in self._selector.select(wait):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._wake_end:
                self._wake_end.recv(4096)
            else:
                self._attend(key.data, events)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection, selectors.EVENT_READ, Connection(connection, next(self._numbers)))

    def _attend(self, connection: Connection, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._send(connection, b"")
        if events & selectors.EVENT_READ and connection.socket.fileno() >= 0:
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._leave(connection)
            return
        try:
            for request in connection.reader.feed(data):
                self._send(connection, self._answer(request, connection.number))
                # Drawn only once the caller has its answer: it works on while its pictures are made.
                self._desk.world.sense()
                if connection.socket.fileno() < 0 or self._is_stopping:
                    return
        except Malformed as error:
            _LOG.warning("client %d: %s; its connection is closed", connection.number, error)
            self._leave(connection)

    def _answer(self, request: Request, caller: int) -> bytes:
        rpc = TABLE.get(request.method)
        if rpc is None:
            return call_error(request.message_id, f"no such function: {request.method[:80]}")
        self._desk.caller = caller
        try:
            return reply(request.message_id, rpc.answer(self._desk, request.arguments))
        # The boundary between one client's call and everybody's world: whatever it stumbled over is that call's error.
        except Exception as error:
            _LOG.exception("client %d: %s failed", caller, request.method)
            return reply(request.message_id, rpc.error(f"{request.method} failed in the server: {error}"))

    def _send(self, connection: Connection, data: bytes) -> None:
        """Send now what the socket takes; the rest when it can be written."""
        had_unsent = bool(connection.unsent)
        connection.unsent += data
        try:
            sent = connection.socket.send(connection.unsent)
            del connection.unsent[:sent]
        except (BlockingIOError, InterruptedError):
            pass  # the selector says when there is room
        except OSError:
            self._leave(connection)
            return
        if len(connection.unsent) > _MAX_UNSENT:
            _LOG.warning("client %d does not read its answers; its connection is closed", connection.number)
            self._leave(connection)
        elif bool(connection.unsent) != had_unsent:
            write = selectors.EVENT_WRITE if connection.unsent else 0
            self._selector.modify(connection.socket, selectors.EVENT_READ | write, connection)

    def _leave(self, connection: Connection) -> None:
        """The client is gone: its managers go with it, its actors stay, as in CARLA."""
        if connection.socket.fileno() < 0:
            return
        self._selector.unregister(connection.socket)
        connection.socket.close()
        self._desk.managers.leave(connection.number)
        self._desk.tickers.discard(connection.number)
