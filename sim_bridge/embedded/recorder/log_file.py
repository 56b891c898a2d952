"""A recorder file being written, frame by frame, and one being read, without holding more than a frame of it."""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from sim_bridge.embedded.recorder.packets import (
    MAGIC,
    RECORDS,
    VALUES,
    VERSION,
    Added,
    Damaged,
    Frame,
    Packet,
    Record,
    packed,
    packed_added,
    text,
    unpacked,
    unpacked_added,
)

_HEADER = struct.Struct("<BI")
_FRAME = struct.Struct("<Qdd")  # number, duration s, elapsed s
_DURATION_AT = 8  # bytes into the frame record
_DATE = struct.Struct("<q")
_SHORT = struct.Struct("<H")
_DURATION = struct.Struct("<d")
_UNKNOWN_S = -1.0  # a frame's duration until the next one begins

# The order in which a frame's packets follow each other.
_ORDER = tuple(RECORDS)
_LARGEST_PACKET = 64 << 20
_LONGEST_S = 1e9


class LogWriter:
    """Owns the open file from creation to `close`."""

    def __init__(self, path: Path, map_name: str, date_s: int) -> None:
        self.path = path
        self._file: BinaryIO = path.open("w+b")
        self._file.write(_SHORT.pack(VERSION) + text(MAGIC) + _DATE.pack(date_s) + text(map_name))
        self._number = 0
        self._elapsed_s = 0.0
        self._duration_at = 0

    @property
    def bytes_written(self) -> int:
        return self._file.tell()

    def write(
        self, delta_s: float, added: list[Added], records: dict[Packet, list[Record]], values: dict[Packet, Record]
    ) -> None:
        """Append a frame, `delta_s` after the one before."""
        self._start_frame(delta_s)
        if added:
            self._packet(Packet.EVENT_ADD, packed_added(added))
        for packet in _ORDER:
            if records.get(packet):
                self._packet(packet, packed(packet, records[packet]))
        for packet, value in values.items():
            self._packet(packet, VALUES[packet].pack(*value))
        self._packet(Packet.FRAME_END, b"")

    def _start_frame(self, delta_s: float) -> None:
        if self._number:
            self._elapsed_s += delta_s
            self._fill_in_duration(delta_s)
        self._number += 1
        self._duration_at = self._file.tell() + _HEADER.size + _DURATION_AT
        self._packet(Packet.FRAME_START, _FRAME.pack(self._number, _UNKNOWN_S, self._elapsed_s))

    def _fill_in_duration(self, delta_s: float) -> None:
        """Only now is it known how long the frame before lasted."""
        end = self._file.tell()
        self._file.seek(self._duration_at)
        self._file.write(_DURATION.pack(delta_s))
        self._file.seek(end)

    def _packet(self, packet: Packet, data: bytes) -> None:
        self._file.write(_HEADER.pack(packet, len(data)) + data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class LogReader:
    """Reads from an open file; a context manager. Raises OSError, or Damaged for what is no recording."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            self.version = int(self._unpack(_SHORT)[0])
            if self._text() != MAGIC:
                raise Damaged("File is not a CARLA recorder")
            self.date_s = int(self._unpack(_DATE)[0])
            self.map_name = self._text()
        except BaseException:  # nobody gets this reader to close it, whatever its head broke
            self._file.close()
            raise
        self._first_at = self._file.tell()

    def __enter__(self) -> LogReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def close(self) -> None:
        self._file.close()

    def total_s(self) -> float:
        """When the last frame begins. Reads no packet but the frames' starts."""
        last = 0.0
        for frame in self.frames(()):
            last = frame.elapsed_s
        return last

    def frames(self, wanted: Collection[Packet] | None = None) -> Iterator[Frame]:
        """Every whole frame from the start, with these packets (None: all). A last one that breaks off is left out."""
        self._file.seek(self._first_at)
        frame: Frame | None = None
        while (header := self._header()) is not None:
            kind, size = header
            if kind == Packet.FRAME_START:
                number, duration_s, elapsed_s = self._unpack(_FRAME)
                if not 0.0 <= elapsed_s < _LONGEST_S:
                    raise Damaged(f"frame {number}: expected 0 to {_LONGEST_S:g} elapsed seconds, got {elapsed_s}")
                frame = Frame(number, max(0.0, duration_s), elapsed_s)
            elif kind == Packet.FRAME_END and frame is not None:
                yield frame
                frame = None
            elif frame is not None and (kind in RECORDS or kind == Packet.EVENT_ADD):
                self._read_packet(frame, Packet(kind), size, wanted)
            else:
                self._file.seek(size, os.SEEK_CUR)

    def _read_packet(self, frame: Frame, packet: Packet, size: int, wanted: Collection[Packet] | None) -> None:
        if wanted is not None and packet not in wanted:
            self._file.seek(size, os.SEEK_CUR)
            return
        data = self._file.read(size)
        if packet == Packet.EVENT_ADD:
            frame.added += unpacked_added(data)
        else:
            frame.records.setdefault(packet, []).extend(unpacked(packet, data))

    def _header(self) -> tuple[int, int] | None:
        """The next packet's kind and size; None at the end, or where the file breaks off within a packet."""
        at = self._file.tell()
        data = self._file.read(_HEADER.size)
        if len(data) < _HEADER.size:
            return None
        kind, size = _HEADER.unpack(data)
        if at + _HEADER.size + size > self._size:
            return None
        if size > _LARGEST_PACKET:
            raise Damaged(f"byte {at}: a packet of {size} bytes; expected at most {_LARGEST_PACKET}")
        return kind, size

    def _unpack(self, layout: struct.Struct) -> Record:
        data = self._file.read(layout.size)
        if len(data) < layout.size:
            raise Damaged("File is not a CARLA recorder")
        return layout.unpack(data)

    def _text(self) -> str:
        return self._file.read(int(self._unpack(_SHORT)[0])).decode(errors="replace")
