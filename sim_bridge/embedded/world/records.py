"""Actors as the client receives them, and text attributes read back as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_bridge.embedded.wire.structs import ActorRecord
from sim_bridge.embedded.world.actors import Actor

if TYPE_CHECKING:
    from sim_bridge.embedded.world.world import World


def record(actor: Actor, world: World) -> ActorRecord:
    token = world.outlet.token(actor.stream_id) if actor.stream_id else b""
    return ActorRecord(actor.actor_id, actor.parent_id, actor.description, actor.box, actor.labels, token)


def real(text: str, default: float, low: float, high: float) -> float:
    """A float attribute, clipped; the default where a script set something that is no number."""
    try:
        value = float(text)
    except ValueError:
        return default
    return min(max(value, low), high) if value == value else default


def whole(text: str, default: int, low: int, high: int) -> int:
    """An integer attribute; the client sends "64.0" where a script used a float."""
    return int(real(text, float(default), float(low), float(high)))


def truth(text: str) -> bool:
    return text.lower() in ("true", "1")
