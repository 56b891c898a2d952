"""The cockpit's side of the stage's WebSocket: keeps the newest view, acknowledges it, sends what hands hold.

One thread receives; the window's thread reads `newest` and sends. The link comes back by itself.
"""

from __future__ import annotations

import json
import struct
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

RETRY_S = 1.0
RESULT_SHOWN_S = 5.0
MESSAGE_BYTES_AT_MOST = 16 * 1024 * 1024
FORBIDDEN = 403
TURNED_AWAY = 1008  # the close code that comes with a sentence for the person
NO_LINK = "No link to the page. Trying again…"
# A JPEG does not deflate; the page is on this machine or at the other end of a tunnel, never behind a proxy.
HOW: dict[str, Any] = {"max_size": MESSAGE_BYTES_AT_MOST, "compression": None, "proxy": None, "open_timeout": 5}


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One view as it came: the JSON header, and a JPEG per camera name."""

    header: dict[str, Any]
    jpegs: dict[str, bytes]
    arrived_s: float


class UnreadableView(ValueError):
    """A binary message that is no view; the message says what is wrong with it."""


class Link:
    """Lives as long as the window. `close` ends its thread."""

    def __init__(self, url: str, ticket: str) -> None:
        self.newest: Seen | None = None
        self.holder = ""
        self._trouble = "Connecting to the drive…"
        self._result, self._result_until_s = "", 0.0
        self._where = f"{url}?{urlencode({'ticket': ticket})}"
        self._socket: ClientConnection | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cockpit-link", daemon=True)

    @property
    def line(self) -> str:
        """What is wrong with the link; else what became of the newest request, for a few seconds; else nothing."""
        is_fresh = time.monotonic() < self._result_until_s
        return self._trouble or (self._result if is_fresh else "")

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._socket is not None:
            self._socket.close()
        self._thread.join(3.0)

    def send(self, message: dict[str, Any]) -> bool:
        """Whether it could be sent. Nothing is kept for later: old hands must not move the car."""
        socket = self._socket
        if socket is None:
            return False
        try:
            socket.send(json.dumps(message))
        except (ConnectionClosed, OSError):
            return False
        return True

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with connect(self._where, **HOW) as socket:
                    self._socket = socket
                    self._receive(socket)
            except InvalidStatus as refused:
                is_ticket = refused.response.status_code == FORBIDDEN
                self._trouble = "The page does not know this cockpit's ticket." if is_ticket else f"No link: {refused}"
            except UnreadableView as error:
                self._trouble = f"The page sent something unreadable: {error}."
            except ConnectionClosed as closed:
                is_turned_away = closed.rcvd is not None and closed.rcvd.code == TURNED_AWAY
                self._trouble = closed.rcvd.reason if is_turned_away and closed.rcvd else NO_LINK
            except (WebSocketException, OSError):
                self._trouble = NO_LINK
            finally:
                self._socket = None
            self._closing.wait(RETRY_S)

    def _receive(self, socket: ClientConnection) -> None:
        for message in socket:
            if isinstance(message, bytes):
                self.newest = seen(message)
                self._trouble = ""
                socket.send('{"k":"ack"}')
            else:
                self._hear(json.loads(message))

    def _hear(self, message: dict[str, Any]) -> None:
        if message.get("k") == "hello":
            self.holder = str(message["holder"])
        if message.get("k") == "result" and message.get("line"):
            self._result, self._result_until_s = str(message["line"]), time.monotonic() + RESULT_SHOWN_S


def seen(message: bytes) -> Seen:
    """`[u32 length][JSON header][JPEG]...` -> its parts, or UnreadableView."""
    if len(message) < 4:
        raise UnreadableView(f"expected a view, got {len(message)} bytes")
    (length,) = struct.unpack_from("<I", message)
    if 4 + length > len(message):
        raise UnreadableView(f"expected a header of {length} bytes, got {len(message) - 4}")
    try:
        header = json.loads(message[4 : 4 + length])
    except ValueError as error:
        raise UnreadableView("expected a JSON header") from error
    body = memoryview(message)[4 + length :]
    jpegs = {
        picture["camera"]["name"]: bytes(body[picture["offset"] : picture["offset"] + picture["length"]])
        for picture in header["pictures"]
    }
    return Seen(header, jpegs, time.monotonic())
