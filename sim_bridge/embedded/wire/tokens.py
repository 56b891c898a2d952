"""Stream tokens: 24 bytes that tell the client where to subscribe."""

from __future__ import annotations

import struct

_TOKEN = struct.Struct("<IHBB16s")
_TCP = 1
_SAME_HOST = 0  # the client uses the address it reached the RPC port at, so remote clients work too

WORLD_STREAM = 1


def token(stream_id: int, port: int) -> bytes:
    return _TOKEN.pack(stream_id, port, _TCP, _SAME_HOST, b"")
