"""Held keys and analogue axes -> HumanInput: one set of rules for the browser, the touch pads and the cockpit. No I/O.

The drive smooths what is asked for here and makes the lock smaller with speed; so a key asks for all of it.

| held | asks for |
|---|---|
| W or up | throttle |
| S or down | brake |
| A, D or left, right | steer |
| space | full brake |
| shift with W alone | a nudge: throttle, while the driver keeps the wheel |
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim_bridge.messages import HumanInput

KEYS_AT_MOST = 16
THROTTLE_KEY = 0.8
BRAKE_KEY = 0.7  # space has the rest

THROTTLE = frozenset({"KeyW", "ArrowUp"})
BRAKE = frozenset({"KeyS", "ArrowDown"})
LEFT = frozenset({"KeyA", "ArrowLeft"})
RIGHT = frozenset({"KeyD", "ArrowRight"})
FULL_BRAKE = frozenset({"Space"})
NUDGE = frozenset({"ShiftLeft", "ShiftRight"})


class BadHands(ValueError):
    """A packet about hands that is not one; the message names the field."""


@dataclass(frozen=True, slots=True)
class HandsPacket:
    """One packet as it came: `held` are browser key codes, `axes` replace the keys where a stick or pad is used."""

    seq: int
    sent_at_ms: float
    held: frozenset[str]
    reverse: bool
    axes: tuple[float, float, float] | None  # steer -1..1, throttle 0..1, brake 0..1

    @property
    def is_neutral(self) -> bool:
        if self.axes is not None and any(abs(value) > 0.01 for value in self.axes):
            return False
        return not self.held & (THROTTLE | BRAKE | LEFT | RIGHT | FULL_BRAKE)

    @property
    def is_nudge(self) -> bool:
        return bool(self.held & THROTTLE) and bool(self.held & NUDGE) and self.held <= THROTTLE | NUDGE


def read(message: Mapping[str, Any]) -> HandsPacket:
    """A decoded JSON message -> a packet, or BadHands."""
    held = message.get("held", [])
    if not isinstance(held, list) or len(held) > KEYS_AT_MOST or not all(isinstance(key, str) for key in held):
        raise BadHands(f"expected held to be at most {KEYS_AT_MOST} key codes")
    return HandsPacket(
        seq=int(_number(message, "seq", 0, 2**53)),
        sent_at_ms=_number(message, "t", -1e15, 1e15),
        held=frozenset(held),
        reverse=message.get("reverse") is True,
        axes=_axes(message.get("axes")),
    )


def human_input(packet: HandsPacket, holder: str) -> HumanInput:
    """What these hands ask for."""
    if packet.axes is not None:
        steer, throttle, brake = packet.axes
    else:
        steer = float(bool(packet.held & RIGHT)) - float(bool(packet.held & LEFT))
        throttle = THROTTLE_KEY if packet.held & THROTTLE else 0.0
        brake = BRAKE_KEY if packet.held & BRAKE else 0.0
    if packet.held & FULL_BRAKE:
        throttle, brake = 0.0, 1.0
    return HumanInput(
        holder=holder,
        seq=packet.seq,
        steer=steer,
        throttle=throttle,
        brake=brake,
        reverse=packet.reverse,
        is_nudge=packet.is_nudge,
        sent_at_ms=packet.sent_at_ms,
    )


def _axes(value: Any) -> tuple[float, float, float] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise BadHands("expected axes to hold steer, throttle and brake")
    return _number(value, "steer", -1, 1), _number(value, "throttle", 0, 1), _number(value, "brake", 0, 1)


def _number(source: Mapping[str, Any], name: str, lowest: float, highest: float) -> float:
    value = source.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadHands(f"expected {name} to be a number")
    if not lowest <= value <= highest:
        raise BadHands(f"expected {name} between {lowest:g} and {highest:g}, got {value:g}")
    return float(value)
