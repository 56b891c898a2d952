"""The cockpit's window: paints the newest front picture with the plan on it, and passes hands on. Main thread."""

from __future__ import annotations

import io
import time
from typing import Any

import pygame

from app.cockpit.controls import Controls
from app.cockpit.link import Link, Seen
from app.cockpit.painting import Words, camera_from, draw_plan

SIZE = (1024, 512)
LOOK_HZ = 60
STALE_S = 0.6
KEYS_HINT = "W A S D drive   Space brake   R reverse   H hand back   P pause   Esc close"


class Window:
    """Owns the display from `open` until `run` returns."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._shown: Seen | None = None
        self._picture: pygame.Surface | None = None
        self.painted = 0

    def open(self) -> None:
        """Raises pygame.error where there is no display to open a window on."""
        pygame.display.init()
        pygame.font.init()
        pygame.display.set_caption("Backseat cockpit")
        self._screen = pygame.display.set_mode(SIZE, pygame.RESIZABLE)
        self._words = Words()
        self._controls = Controls()

    def run(self) -> None:
        """Until the window is closed."""
        clock = pygame.time.Clock()
        try:
            while self.turn():
                clock.tick(LOOK_HZ)
        finally:
            self._link.close()
            pygame.quit()

    def turn(self) -> bool:
        """Events, hands, picture, once. False when the window was closed."""
        for event in pygame.event.get():
            is_closing = event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE)
            if is_closing:
                return False
            self._act(self._controls.take(event))
        packet = self._controls.packet()
        if packet is not None:
            self._link.send(packet)
        self._paint()
        return True

    def _act(self, act: str) -> None:
        header: dict[str, Any] = self._shown.header if self._shown else {}
        if act == "pause":
            action = "resume" if header.get("phase") == "paused" else "pause"
            self._link.send({"k": "do", "action": action})
        if act == "hand-back" and header:
            is_mine = header["drive"]["holder"] == self._link.holder
            self._link.send({"k": "do", "action": "release" if is_mine else "engage"})

    def _paint(self) -> None:
        newest = self._link.newest
        if newest is not None and newest is not self._shown:
            self._shown = newest
            self._picture = _painted(newest) or self._picture
            self.painted += 1
        frame = self._picture.copy() if self._picture else pygame.Surface(SIZE)
        if self._shown is not None:
            pad = self._controls.pad_name
            gear = "   REVERSE" if self._controls.is_reverse else ""
            hint = KEYS_HINT + gear + (f"   pad: {pad}" if pad else "")
            self._words.draw(frame, self._shown.header, self._link.holder, hint, self._link.line)
        self._say_when_stale(frame)
        pygame.transform.scale(frame, self._screen.get_size(), self._screen)
        pygame.display.flip()

    def _say_when_stale(self, frame: pygame.Surface) -> None:
        if self._shown is None:
            self._words.notice(frame, self._link.line)
            return
        age_s = time.monotonic() - self._shown.arrived_s
        if age_s > STALE_S and self._shown.header["phase"] != "paused":
            frame.fill((110, 110, 110), special_flags=pygame.BLEND_RGB_MULT)
            self._words.notice(frame, f"No picture for {age_s:.1f} s. {self._link.line}")


def _painted(view: Seen) -> pygame.Surface | None:
    """The front picture with the plan on it, in the camera's size; None when the view has none."""
    jpeg = view.jpegs.get("front")
    if not jpeg:
        return None
    picture = pygame.image.load(io.BytesIO(jpeg), "front.jpg").convert()
    camera = camera_from(next(p["camera"] for p in view.header["pictures"] if p["camera"]["name"] == "front"))
    if picture.get_size() == (camera.width_px, camera.height_px):
        draw_plan(picture, camera, view.header["plan"])
    return picture
