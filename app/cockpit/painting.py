"""The plan over the front picture, and the words around it, on pygame surfaces. The marks are the browser's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pygame

from app.cockpit.projection import disc, polygon, ribbon
from sim_bridge.messages import CameraSpec

PATH_HALF_WIDTH_M = 0.45
DISC_RADIUS_M = 0.42
# Nearer than this the bonnet is in the way: marks are seen through it faintly, and come up over FADE_M.
ROAD_FROM_M, FADE_M, FAINTEST = 2.4, 2.0, 0.3
PATH = (38, 224, 196)
SPEED = (255, 170, 40)
RIM = (40, 18, 0)
INK = (232, 238, 245)
QUIET = (159, 176, 195)
PLATE = (10, 16, 23, 205)
LAMPS = {"engaged": PATH, "overridden": (255, 194, 75), "manual": (255, 194, 75), "safe_stop": (255, 107, 107)}

Pair = Sequence[float]


def camera_from(described: Mapping[str, Any]) -> CameraSpec:
    """A camera as a view's header describes it."""
    return CameraSpec(
        name=str(described["name"]),
        width_px=int(described["width"]),
        height_px=int(described["height"]),
        fov_deg=float(described["fov"]),
        x_m=float(described["x"]),
        y_m=float(described["y"]),
        z_m=float(described["z"]),
        pitch_deg=float(described["pitch"]),
    )


def draw_plan(surface: pygame.Surface, camera: CameraSpec, plan: Mapping[str, Any]) -> None:
    """`surface` has the camera's size."""
    marks = pygame.Surface(surface.get_size(), pygame.SRCALPHA)
    if plan["path"]:
        _draw_path(marks, camera, plan["path"])
    if plan["speed"]:
        _draw_speed(marks, camera, plan["speed"])
    surface.blit(marks, (0, 0))


def _draw_path(marks: pygame.Surface, camera: CameraSpec, path: Sequence[Pair]) -> None:
    stretches = ribbon([(x, y) for x, y in path], PATH_HALF_WIDTH_M)
    for index, corners in enumerate(stretches):
        shape = polygon(camera, corners)
        if len(shape) > 2:
            pygame.draw.polygon(
                marks, (*PATH, int(127 * (1 - 0.55 * index / len(stretches)) * _strength(path[index + 1][0]))), shape
            )


def _draw_speed(marks: pygame.Surface, camera: CameraSpec, points: Sequence[Pair]) -> None:
    # Far ones first, so that a nearer disc lies over a farther one.
    for x, y in reversed(points):
        rim = polygon(camera, disc((x, y), DISC_RADIUS_M))
        if len(rim) > 2:
            strength = _strength(x + DISC_RADIUS_M)
            pygame.draw.polygon(marks, (*SPEED, int(235 * strength)), rim)
            pygame.draw.aalines(marks, (*RIM, int(240 * strength)), True, rim)


def _strength(x_m: float) -> float:
    return max(FAINTEST, min(1.0, (x_m - ROAD_FROM_M) / FADE_M + 0.15))


def newest_words(header: Mapping[str, Any], line: str) -> str:
    """The one sentence there is room for: the link's own line, news of the drive, or what the driver says."""
    return line or str(header["notice"] or header["words"]["commentary"])


class Words:
    """Text on plates; keeps the fonts."""

    def __init__(self) -> None:
        self._large = pygame.font.Font(None, 72)
        self._normal = pygame.font.Font(None, 26)

    def draw(self, surface: pygame.Surface, header: Mapping[str, Any], me: str, hint: str, line: str) -> None:
        drive, vitals = header["drive"], header["vitals"]
        width, height = surface.get_size()
        who = "you drive" if drive["holder"] == me else drive["reason_words"]
        self._plate(surface, f"{drive['engagement_words']}: {who}", (14, 12), LAMPS.get(drive["engagement"], INK))
        age = "no plan" if vitals["plan_age_ms"] is None else f"plan {vitals['plan_age_ms']:.0f} ms"
        figures = f"{vitals['model_label']}   {age}   {vitals['plan_hz'] or 0:.1f} plans/s"
        self._plate(surface, figures, (14, 46), QUIET)
        self._plate(surface, newest_words(header, line), (14, height - 40), INK)
        self._plate(surface, hint, (14, height - 74), QUIET)
        speed = self._large.render(f"{drive['speed'] or 0:.1f} m/s", True, INK)
        self._back(surface, speed.get_rect(topright=(width - 20, 12)))
        surface.blit(speed, speed.get_rect(topright=(width - 20, 12)))

    def notice(self, surface: pygame.Surface, words: str) -> None:
        """In the middle of the picture."""
        drawn = self._normal.render(words, True, INK)
        box = drawn.get_rect(center=surface.get_rect().center)
        self._back(surface, box)
        surface.blit(drawn, box)

    def _plate(self, surface: pygame.Surface, words: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
        if not words:
            return
        drawn = self._normal.render(self._fitted(words, surface.get_width() - 40), True, colour)
        self._back(surface, drawn.get_rect(topleft=at))
        surface.blit(drawn, at)

    def _fitted(self, words: str, width: int) -> str:
        while words and self._normal.size(words)[0] > width:
            words = words[: -max(2, len(words) // 20)] + "…"
        return words

    @staticmethod
    def _back(surface: pygame.Surface, box: pygame.Rect) -> None:
        plate = pygame.Surface(box.inflate(16, 10).size, pygame.SRCALPHA)
        plate.fill(PLATE)
        surface.blit(plate, box.inflate(16, 10))
