"""Keyboard and gamepad -> packets about what the hands hold, by the browser's rules. Window thread only.

| gamepad | does |
|---|---|
| left stick | steer |
| right trigger, left trigger | throttle, brake |
| B | full brake |
| X | reverse on and off |
| Y | hand back |
| start | pause and resume |

Pads may come and go at any time; the newest one that came is used.
"""

from __future__ import annotations

import time
from typing import Any

import pygame
from pygame._sdl2 import controller as pads

RESEND_S = 0.05  # the drive brakes after 0.4 s of silence, so a packet may be late several times over
AFTER_LETTING_GO = 5
STICK_DEAD = 0.12
TRIGGER_DEAD = 0.04
AXIS_FULL = 32767.0

KEYS = {
    pygame.K_w: "KeyW",
    pygame.K_a: "KeyA",
    pygame.K_s: "KeyS",
    pygame.K_d: "KeyD",
    pygame.K_UP: "ArrowUp",
    pygame.K_DOWN: "ArrowDown",
    pygame.K_LEFT: "ArrowLeft",
    pygame.K_RIGHT: "ArrowRight",
    pygame.K_SPACE: "Space",
    pygame.K_LSHIFT: "ShiftLeft",
    pygame.K_RSHIFT: "ShiftRight",
}
SHIFTS = frozenset({"ShiftLeft", "ShiftRight"})
ACTS = {pygame.K_h: "hand-back", pygame.K_p: "pause"}
PAD_ACTS = {pygame.CONTROLLER_BUTTON_Y: "hand-back", pygame.CONTROLLER_BUTTON_START: "pause"}


class Controls:
    """What is held now. `packet` says whether and what to send."""

    def __init__(self) -> None:
        pads.init()
        self.is_reverse = False
        self._held: set[str] = set()
        self._pad: pads.Controller | None = None
        self._is_pad_braking = False
        self._seq = 0
        self._due_s = 0.0
        self._left = 0
        self._has_changed = False
        self._was_steered = False

    @property
    def pad_name(self) -> str:
        return "" if self._pad is None else str(self._pad.name)

    def take(self, event: pygame.event.Event) -> str:
        """One event of the window. Returns an act it stands for: "hand-back", "pause" or nothing."""
        if event.type == pygame.KEYDOWN:
            return self._key_down(event.key)
        if event.type == pygame.KEYUP and event.key in KEYS:
            self._change(self._held.discard, KEYS[event.key])
        if event.type == pygame.WINDOWFOCUSLOST:
            self.let_go()
        if event.type == pygame.CONTROLLERDEVICEADDED:
            self._pad = pads.Controller(event.device_index)
        if event.type == pygame.CONTROLLERDEVICEREMOVED:
            self._forget_pad(event.instance_id)
        if event.type in (pygame.CONTROLLERBUTTONDOWN, pygame.CONTROLLERBUTTONUP):
            return self._button(event.button, event.type == pygame.CONTROLLERBUTTONDOWN)
        return ""

    def let_go(self) -> None:
        self._held.clear()
        self._is_pad_braking = False
        self._has_changed = True

    def packet(self) -> dict[str, Any] | None:
        """The message due now, or None: at once on a change, again each RESEND_S while anything is held."""
        axes = self._axes()
        is_holding = bool(self._held - SHIFTS) or axes is not None
        if is_holding or self._has_changed or self._was_steered:
            self._left = AFTER_LETTING_GO
        self._was_steered = axes is not None
        now_s = time.monotonic()
        if not self._has_changed and (now_s < self._due_s or self._left == 0):
            return None
        self._left = self._left if is_holding else max(0, self._left - 1)
        self._has_changed = False
        self._due_s = now_s + RESEND_S
        self._seq += 1
        packet: dict[str, Any] = {"k": "hands", "seq": self._seq, "held": sorted(self._held), "t": now_s * 1000}
        packet["reverse"] = self.is_reverse
        return packet if axes is None else packet | {"axes": axes}

    def _key_down(self, key: int) -> str:
        if key == pygame.K_r:
            self._flip_reverse()
        if key in KEYS:
            self._change(self._held.add, KEYS[key])
        return ACTS.get(key, "")

    def _button(self, button: int, is_down: bool) -> str:
        if button == pygame.CONTROLLER_BUTTON_B:
            self._is_pad_braking = is_down
            self._has_changed = True
        if button == pygame.CONTROLLER_BUTTON_X and is_down:
            self._flip_reverse()
        return PAD_ACTS.get(button, "") if is_down else ""

    def _flip_reverse(self) -> None:
        self.is_reverse = not self.is_reverse
        self._has_changed = True

    def _change(self, act: Any, code: str) -> None:
        before = set(self._held)
        act(code)
        self._has_changed = self._has_changed or self._held != before

    def _forget_pad(self, instance_id: int) -> None:
        if self._pad is not None and self._pad.as_joystick().get_instance_id() == instance_id:
            self._pad = None
            self.let_go()

    def _axes(self) -> dict[str, float] | None:
        """The pad's wish, or None while nothing on it is moved."""
        if self._pad is None:
            return None
        steer = _past(self._pad.get_axis(pygame.CONTROLLER_AXIS_LEFTX) / AXIS_FULL, STICK_DEAD)
        throttle = _past(self._pad.get_axis(pygame.CONTROLLER_AXIS_TRIGGERRIGHT) / AXIS_FULL, TRIGGER_DEAD)
        brake = _past(self._pad.get_axis(pygame.CONTROLLER_AXIS_TRIGGERLEFT) / AXIS_FULL, TRIGGER_DEAD)
        if self._is_pad_braking:
            throttle, brake = 0.0, 1.0
        if not (steer or throttle or brake):
            return None
        return {"steer": steer, "throttle": max(0.0, throttle), "brake": max(0.0, brake)}


def _past(value: float, dead: float) -> float:
    """A stick's value past its dead zone, stretched so that it still reaches one."""
    if abs(value) <= dead:
        return 0.0
    return max(-1.0, min(1.0, (abs(value) - dead) / (1.0 - dead) * (1 if value > 0 else -1)))
