"""Calls around sensors other than reading them."""

from __future__ import annotations

from typing import Any

from sim_bridge.embedded.calls.desk import Desk, Refused


def send(desk: Desk, actor_id: int, message: str) -> None:
    raise Refused("not supported by the embedded world: V2X messages")


def set_ignored_vehicles(desk: Desk, actor_id: int, ids: tuple[int, ...]) -> None:
    """Cameras here draw every vehicle."""
    raise Refused("not supported by the embedded world: sensors that ignore vehicles")


def no_gbuffers(desk: Desk, actor_id: int, is_on: bool) -> None:
    if is_on:
        raise Refused("not supported by the embedded world: G-buffers")


def are_gbuffers_enabled(desk: Desk, actor_id: int) -> bool:
    return False


def no_gbuffer_token(desk: Desk, actor_id: int, buffer_id: int) -> bytes:
    raise Refused("not supported by the embedded world: G-buffers")


def no_ros(desk: Desk, *_: Any) -> None:
    raise Refused("not supported by the embedded world: ROS")


def is_sensor_enabled_for_ros(desk: Desk, stream_id: int) -> bool:
    return False
