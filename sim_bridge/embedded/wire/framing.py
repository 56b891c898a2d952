"""MessagePack-RPC as CARLA's client speaks it: requests out of a byte stream, replies back into bytes.

Objects follow each other without a length prefix, so a request may arrive in any number of pieces. What a peer may make
us hold is capped; whatever breaks a cap or the format raises `Malformed`, and the connection that sent it is closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgpack

REQUEST = 0
REPLY = 1

MAX_REQUEST_BYTES = 64 << 20  # an uploaded OpenDRIVE text is the largest honest request
MAX_ARRAY_ITEMS = 1 << 20
MAX_MAP_ITEMS = 1 << 10


class Malformed(ValueError):
    """The peer sent bytes that are no request; nothing after them can be read."""


class Request(NamedTuple):
    """One call. `is_async`: the caller throws the reply away, but one is still due."""

    message_id: int
    method: str
    is_async: bool
    arguments: list[Any]


class RequestReader:
    """Turns one connection's bytes into requests. Owned by that connection."""

    def __init__(self, max_bytes: int = MAX_REQUEST_BYTES) -> None:
        self._max_bytes = max_bytes
        self._unpacker = msgpack.Unpacker(
            raw=False,
            max_buffer_size=max_bytes,
            max_str_len=max_bytes,
            max_bin_len=max_bytes,
            max_array_len=MAX_ARRAY_ITEMS,
            max_map_len=MAX_MAP_ITEMS,
            max_ext_len=1024,
        )

    def feed(self, data: bytes) -> Iterator[Request]:
        """The requests completed by `data`. Raises Malformed."""
        try:
            self._unpacker.feed(data)
        except msgpack.BufferFull:
            raise Malformed(f"a request is larger than {self._max_bytes} bytes") from None
        while True:
            try:
                message = self._unpacker.unpack()
            except msgpack.OutOfData:
                return
            # FormatError, StackError, ExtraData and the caps are ValueErrors; an unhashable map key is a TypeError.
            except (ValueError, TypeError, OverflowError, MemoryError, RecursionError) as error:
                raise Malformed(f"not MessagePack: {error}") from error
            yield request_from(message)


def request_from(message: object) -> Request:
    """Check one decoded message against `[0, id, method, [[is_async], ...]]`. Raises Malformed."""
    if not isinstance(message, list) or len(message) != 4 or message[0] != REQUEST:
        raise Malformed(f"expected [0, id, method, arguments], got {type(message).__name__}")
    _, message_id, method, parameters = message
    if type(message_id) is not int or not 0 <= message_id < 1 << 32:
        raise Malformed(f"expected a 32-bit message id, got {message_id!r:.40}")
    if not isinstance(method, str) or not isinstance(parameters, list):
        raise Malformed("expected a method name and a list of arguments")
    metadata = parameters[0] if parameters else None
    is_async = isinstance(metadata, list) and len(metadata) == 1 and metadata[0] is True
    return Request(message_id, method, is_async, parameters[1:])


def reply(message_id: int, result: object) -> bytes:
    return bytes(msgpack.packb([REPLY, message_id, None, result], use_bin_type=True))


def call_error(message_id: int, reason: str) -> bytes:
    """The reply to a method that does not exist: the client raises RuntimeError naming the function."""
    return bytes(msgpack.packb([REPLY, message_id, reason, None], use_bin_type=True))


def pack(value: object) -> bytes:
    """A sensor's MessagePack body."""
    return bytes(msgpack.packb(value, use_bin_type=True))
