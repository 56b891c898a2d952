"""The records of CARLA's recorder files, as CARLA documents them and lays them out: little-endian, packed.

A file is an info header and then frames. A frame is a row of packets between a start and an end; a packet is its kind,
its size and, for most kinds, a count of records. Whoever does not know a kind skips its size. Places are centimetres,
rotations are roll, pitch and yaw in degrees.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from sim_bridge.embedded.contracts import Pose
from sim_bridge.embedded.wire.structs import ActorDescription, AttributeValue

MAGIC = "CARLA_RECORDER"
VERSION = 1
NO_ACTOR = 0xFFFFFFFF  # the other party of a collision, where it belongs to the town

_CENTIMETRES = 100.0
_COUNT = struct.Struct("<H")
_ADDED = struct.Struct("<IB6f")
_UID = struct.Struct("<I")


class Packet(IntEnum):
    """The kinds this world writes or reads. 11, 15, 17, 19 and those above 20 are skipped."""

    FRAME_START = 0
    FRAME_END = 1
    EVENT_ADD = 2
    EVENT_DEL = 3
    EVENT_PARENT = 4
    COLLISION = 5
    POSITION = 6
    STATE = 7
    ANIM_VEHICLE = 8
    ANIM_WALKER = 9
    VEHICLE_LIGHT = 10
    KINEMATICS = 12
    BOUNDING_BOX = 13
    PLATFORM_TIME = 14
    TRAFFIC_LIGHT_TIME = 16
    FRAME_COUNTER = 18
    VISUAL_TIME = 20


class ActorKind(IntEnum):
    OTHER = 0
    VEHICLE = 1
    WALKER = 2
    TRAFFIC_LIGHT = 3
    TRAFFIC_SIGN = 4
    SENSOR = 5


# Packets of a count and that many records of one size. Every record begins with an actor's id, but for collisions.
RECORDS: dict[Packet, struct.Struct] = {
    Packet.EVENT_DEL: struct.Struct("<I"),
    Packet.EVENT_PARENT: struct.Struct("<II"),  # child, parent
    Packet.COLLISION: struct.Struct("<III??"),  # running number, the two actors, whether each is a hero
    Packet.POSITION: struct.Struct("<I6f"),
    Packet.STATE: struct.Struct("<I?fb"),  # is frozen, elapsed s, state
    Packet.ANIM_VEHICLE: struct.Struct("<I3f?i"),  # steer, throttle, brake, hand brake, gear
    Packet.ANIM_WALKER: struct.Struct("<If"),  # speed m/s
    Packet.VEHICLE_LIGHT: struct.Struct("<II"),
    Packet.KINEMATICS: struct.Struct("<I6f"),  # velocity m/s, angular velocity deg/s
    Packet.BOUNDING_BOX: struct.Struct("<I6f"),  # centre and half sizes, cm
    Packet.TRAFFIC_LIGHT_TIME: struct.Struct("<I3f"),  # green, yellow, red s
}
# Packets of one bare value.
VALUES: dict[Packet, struct.Struct] = {
    Packet.PLATFORM_TIME: struct.Struct("<d"),
    Packet.FRAME_COUNTER: struct.Struct("<Q"),
    Packet.VISUAL_TIME: struct.Struct("<d"),
}

Record = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Added:
    """An actor that came into the world."""

    actor_id: int
    kind: int
    pose: Pose
    description: ActorDescription


@dataclass(slots=True)
class Frame:
    """One recorded tick. `elapsed_s` counts from the recording's first frame."""

    number: int
    duration_s: float
    elapsed_s: float
    added: list[Added] = field(default_factory=list)
    records: dict[Packet, list[Record]] = field(default_factory=dict)

    def of(self, packet: Packet) -> list[Record]:
        return self.records.get(packet, [])


class Damaged(ValueError):
    """The file is no recording, or breaks off in the middle of a record."""


def place(pose: Pose) -> tuple[float, float, float, float, float, float]:
    """Location in centimetres, then roll, pitch, yaw."""
    x, y, z = pose.x * _CENTIMETRES, pose.y * _CENTIMETRES, pose.z * _CENTIMETRES
    return (x, y, z, pose.roll, pose.pitch, pose.yaw)


def pose_of(placed: tuple[float, ...]) -> Pose:
    """The way back from `place`. Raises Damaged for numbers that no recorder writes."""
    if not all(map(math.isfinite, placed)):
        raise Damaged(f"expected finite coordinates, got {placed}")
    x, y, z, roll, pitch, yaw = placed
    return Pose(x / _CENTIMETRES, y / _CENTIMETRES, z / _CENTIMETRES, pitch, yaw, roll)


def text(value: str) -> bytes:
    """A length in two bytes, then UTF-8; what is longer than the length can say is cut."""
    data = value.encode()[:0xFFFF]
    return _COUNT.pack(len(data)) + data


def packed(packet: Packet, records: list[Record]) -> bytes:
    layout = RECORDS[packet]
    return _COUNT.pack(len(records)) + b"".join([layout.pack(*record) for record in records])


def unpacked(packet: Packet, data: bytes) -> list[Record]:
    """Raises Damaged."""
    layout = RECORDS[packet]
    count = Cursor(data).count()
    if len(data) != _COUNT.size + count * layout.size:
        raise Damaged(f"{packet.name}: expected {count} records of {layout.size} bytes, got {len(data) - 2} bytes")
    return list(layout.iter_unpack(data[_COUNT.size :]))


def packed_added(added: list[Added]) -> bytes:
    parts = [_COUNT.pack(len(added))]
    for actor in added:
        description = actor.description
        parts += [_ADDED.pack(actor.actor_id, actor.kind, *place(actor.pose)), _UID.pack(description.uid)]
        parts += [text(description.id), _COUNT.pack(len(description.attributes))]
        for attribute in description.attributes:
            parts += [bytes([attribute.kind]), text(attribute.id), text(attribute.value)]
    return b"".join(parts)


def unpacked_added(data: bytes) -> list[Added]:
    """Raises Damaged."""
    cursor = Cursor(data)
    return [_added(cursor) for _ in range(cursor.count())]


def _added(cursor: Cursor) -> Added:
    actor_id, kind, *placed = cursor.take(_ADDED)
    (uid,) = cursor.take(_UID)
    name = cursor.text()
    attributes = []
    for _ in range(cursor.count()):
        attribute_kind = cursor.bytes(1)[0]
        attributes.append(AttributeValue(cursor.text(), attribute_kind, cursor.text()))
    return Added(actor_id, kind, pose_of(tuple(placed)), ActorDescription(uid, name, tuple(attributes)))


class Cursor:
    """Reads one packet from its front. Every reading past its end raises Damaged."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def bytes(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) < size:
            raise Damaged(f"expected {size} bytes at byte {self._at} of a packet, got {len(part)}")
        self._at += size
        return part

    def take(self, layout: struct.Struct) -> Record:
        return layout.unpack(self.bytes(layout.size))

    def count(self) -> int:
        return int(self.take(_COUNT)[0])

    def text(self) -> str:
        return self.bytes(self.count()).decode(errors="replace")
