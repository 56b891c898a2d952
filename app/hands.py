"""Held keys and analogue axes -> HumanInput: one set of rules for the browser, the touch pads and the cockpit. No I/O.

| held | asks for |
|---|---|
| W or up | throttle |
| S or down | brake |
| A, D or left, right | steer, further at low speed, brought in over a quarter of a second |
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
THROTTLE_KEY = 0.75
BRAKE_KEY = 0.6
STEER_FULL_DEG = 70.0  # front wheel angle at steer 1 of CARLA's vehicles
STEER_AT_MOST = 0.7
STEER_AT_LEAST = 0.05
WHEEL_BASE_M = 2.85
SIDEWAYS_MPS2 = 5.0  # a brisk corner, still inside what tyres hold
STEER_TIME_S = 0.25  # from straight ahead to the speed's limit
PACKET_GAP_AT_MOST_S = 0.1  # a longer silence does not turn the wheel further

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


class Hands:
    """One person's hands: remembers how far the wheel has been turned. Lives as long as its connection."""

    def __init__(self, holder: str) -> None:
        self._holder = holder
        self._steer = 0.0
        self._last_s = 0.0

    def input(self, packet: HandsPacket, speed_mps: float, now_s: float) -> HumanInput:
        elapsed_s = min(max(now_s - self._last_s, 0.0), PACKET_GAP_AT_MOST_S)
        self._last_s = now_s
        if packet.axes is not None:
            steer, throttle, brake = packet.axes
            self._steer = steer * steer_limit(speed_mps)
        else:
            self._steer = self._turned(packet.held, steer_limit(speed_mps), elapsed_s)
            throttle = THROTTLE_KEY if packet.held & THROTTLE else 0.0
            brake = BRAKE_KEY if packet.held & BRAKE else 0.0
        if packet.held & FULL_BRAKE:
            throttle, brake = 0.0, 1.0
        return HumanInput(
            holder=self._holder,
            seq=packet.seq,
            steer=self._steer,
            throttle=throttle,
            brake=brake,
            reverse=packet.reverse,
            is_nudge=packet.is_nudge,
            sent_at_ms=packet.sent_at_ms,
        )

    def _turned(self, held: frozenset[str], limit: float, elapsed_s: float) -> float:
        aim = limit * (bool(held & RIGHT) - bool(held & LEFT))
        # The first packet of a press turns the wheel by a tick's worth, so that a tap already does something.
        reach = limit * max(elapsed_s, 0.05) / STEER_TIME_S
        return self._steer + min(max(aim - self._steer, -reach), reach)


def steer_limit(speed_mps: float) -> float:
    """The steer that a bicycle model needs for SIDEWAYS_MPS2 at this speed, within what a key may ask for."""
    radius_m = max(speed_mps, 0.5) ** 2 / SIDEWAYS_MPS2
    needed = math.degrees(math.atan(WHEEL_BASE_M / radius_m)) / STEER_FULL_DEG
    return min(max(needed, STEER_AT_LEAST), STEER_AT_MOST)


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
