"""What goes over the stream port: sensor header, images, and the world observer's records. Little-endian, packed.

A wrong sensor type or length makes the client crash or abort, so every message is built here and nowhere else.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum

from sim_bridge.embedded.contracts import BodyState, Pose
from sim_bridge.embedded.wire.structs import Vec3, VehicleControl, WalkerControl

_HEADER = struct.Struct("<QQd6f")
_EPISODE = struct.Struct("<QdfiiiI")
_ACTOR = struct.Struct("<IB15f54s")
_VEHICLE = struct.Struct("<fff???ifB?IB")
_WALKER = struct.Struct("<ffff?")
_LIGHT = struct.Struct("<32sffffI?B")
_RADAR_HIT = struct.Struct("<4f")
_IMAGE = struct.Struct("<IIf")

HEADER_BYTES = _HEADER.size  # 48
EPISODE_BYTES = _EPISODE.size  # 36
ACTOR_BYTES = _ACTOR.size  # 119
DETAIL_BYTES = 54
PLACE_BYTES = ACTOR_BYTES - DETAIL_BYTES  # id, state and motion, before the details

ACTIVE = 1
MAP_CHANGED = 1


class SensorType(IntEnum):
    """Sensor type ids of 0.9.16; the client picks its decoder by them."""

    COLLISION = 0
    DEPTH = 1
    NORMALS = 2
    DVS = 3
    GNSS = 4
    IMU = 5
    LANE_INVASION = 6
    OBSTACLE = 7
    OPTICAL_FLOW = 8
    RADAR = 9
    SEMANTIC_LIDAR = 10
    LIDAR = 11
    RGB = 13
    SEMANTIC = 14
    INSTANCE = 15
    COSMOS = 16
    WORLD = 17


def header(sensor: SensorType, frame: int, timestamp_s: float, pose: Pose) -> bytes:
    """48 bytes that open every stream message; `pose` is the sensor's in the world."""
    return _HEADER.pack(sensor, frame, timestamp_s, pose.x, pose.y, pose.z, pose.pitch, pose.yaw, pose.roll)


def image_header(width: int, height: int, fov_deg: float) -> bytes:
    """12 bytes before the pixels: BGRA, row-major, top row first."""
    return _IMAGE.pack(width, height, fov_deg)


def radar(hits: Sequence[tuple[float, float, float, float]]) -> bytes:
    """Per hit: velocity m/s, azimuth and altitude rad, depth m."""
    return b"".join(_RADAR_HIT.pack(*hit) for hit in hits)


def lidar_header(horizontal_angle_rad: float, points_per_channel: Sequence[int]) -> bytes:
    """Before the points of either lidar, which follow grouped by channel, channel 0 first."""
    count = len(points_per_channel)
    return struct.pack(f"<fI{count}I", horizontal_angle_rad, count, *points_per_channel)


def episode_header(episode: int, wall_s: float, delta_s: float, flags: int) -> bytes:
    """36 bytes after the world observer's header; the map origin is always 0, 0, 0."""
    return _EPISODE.pack(episode, wall_s, delta_s, 0, 0, 0, flags)


def actor_record(actor_id: int, state: BodyState, details: bytes) -> bytes:
    """119 bytes for one actor; `details` is at most 54 bytes and depends on its type."""
    pose = state.pose
    return _ACTOR.pack(
        actor_id,
        ACTIVE,
        pose.x,
        pose.y,
        pose.z,
        pose.pitch,
        pose.yaw,
        pose.roll,
        *state.velocity,
        *state.angular_velocity,
        *state.acceleration,
        details,
    )


def vehicle_details(
    control: VehicleControl, speed_limit_kmh: float, light_state: int, light_id: int, failure: int = 0
) -> bytes:
    """`light_id` 0 means the vehicle waits at no traffic light."""
    return _VEHICLE.pack(
        control.throttle,
        control.steer,
        control.brake,
        control.hand_brake,
        control.reverse,
        control.manual_gear_shift,
        control.gear,
        speed_limit_kmh,
        light_state,
        light_id != 0,
        light_id,
        failure,
    )


def walker_details(control: WalkerControl) -> bytes:
    return _WALKER.pack(*control.direction, control.speed, control.jump)


def light_details(
    signal_id: bytes, times_s: Vec3, elapsed_s: float, pole_index: int, is_frozen: bool, state: int
) -> bytes:
    """`times_s`: green, yellow, red. The signal id is cut at 32 bytes."""
    return _LIGHT.pack(signal_id[:32], *times_s, elapsed_s, pole_index, is_frozen, state)


def sign_details(signal_id: bytes) -> bytes:
    return signal_id[:32]
