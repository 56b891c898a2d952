"""The digits of speed limits, drawn for the few pixels they get: seven strokes high, open where others are closed.

At 30 m a plate is ten to fourteen pixels of a driver's picture. A text font's round digits all turn into the same grey
there; these differ in whole strokes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Stroke = tuple[tuple[float, float], ...]  # x to the right, y downwards, 0..1 of the digit's box

_FINE_PX = 512  # painted this large, then averaged down
_THICK, _GAP, _WIDE, _HIGH = 0.10, 0.07, 0.68, 0.58  # of the plate's width
_RING = 0.08
_RED, _PAPER, _INK = (200, 25, 30), (246, 246, 243), (12, 12, 14)

_ZERO: Stroke = ((0.2, 0), (0.8, 0), (1, 0.15), (1, 0.85), (0.8, 1), (0.2, 1), (0, 0.85), (0, 0.15), (0.2, 0))
_SIX: Stroke = ((0.72, 0), (0, 0.56), (0, 0.84), (0.2, 1), (0.8, 1), (1, 0.84), (1, 0.58), (0.8, 0.44), (0.1, 0.46))
_UPPER: Stroke = ((0.2, 0), (0.8, 0), (1, 0.12), (1, 0.36), (0.8, 0.48), (0.2, 0.48), (0, 0.36), (0, 0.12), (0.2, 0))
_LOWER: Stroke = ((0.2, 0.48), (0.8, 0.48), (1, 0.62), (1, 0.86), (0.8, 1), (0.2, 1), (0, 0.86), (0, 0.62), (0.2, 0.48))
_DIGITS: dict[str, tuple[Stroke, ...]] = {
    "0": (_ZERO,),
    "1": (((0.15, 0.22), (0.5, 0), (0.5, 1)),),
    "2": (((0, 0.14), (0.2, 0), (0.8, 0), (1, 0.15), (1, 0.36), (0, 1), (1, 1)),),
    "3": (((0, 0), (1, 0), (0.45, 0.40), (0.8, 0.42), (1, 0.58), (1, 0.85), (0.8, 1), (0, 1)),),
    "4": (((0.72, 1), (0.72, 0), (0, 0.68), (1, 0.68)),),
    "5": (((0.95, 0), (0.05, 0), (0, 0.42), (0.8, 0.42), (1, 0.58), (1, 0.85), (0.8, 1), (0, 1)),),
    "6": (_SIX,),
    "7": (((0, 0), (1, 0), (0.35, 1)),),
    "8": (_UPPER, _LOWER),
    "9": (tuple((1 - x, 1 - y) for x, y in _SIX),),
}


def limit_plate(limit: str, size: int) -> npt.NDArray[np.float32]:
    """(S, S, 4) 0..1, row 0 at the bottom: a red ring around the digits of `limit`, clear outside of it."""
    image = Image.new("RGB", (_FINE_PX, _FINE_PX), _RED)
    draw = ImageDraw.Draw(image)
    ring = _RING * _FINE_PX
    draw.ellipse((ring, ring, _FINE_PX - 1 - ring, _FINE_PX - 1 - ring), _PAPER)
    _write(draw, limit)
    disc = Image.new("L", image.size, 0)
    ImageDraw.Draw(disc).ellipse((2, 2, _FINE_PX - 3, _FINE_PX - 3), 255)
    image.putalpha(disc)
    return (np.asarray(image.resize((size, size), Image.Resampling.BOX), np.float32) / 255.0)[::-1]


def _write(draw: ImageDraw.ImageDraw, text: str) -> None:
    """The digits side by side in the middle; three of them share the width of two."""
    each = (_WIDE - _GAP * (len(text) - 1)) / max(len(text), 1)
    for place, digit in enumerate(text):
        left, top = 0.5 - _WIDE / 2 + place * (each + _GAP) + _THICK / 2, 0.5 - _HIGH / 2 + _THICK / 2
        for stroke in _DIGITS[digit]:
            points = [(left + x * (each - _THICK), top + y * (_HIGH - _THICK)) for x, y in stroke]
            _draw_stroke(draw, [(x * _FINE_PX, y * _FINE_PX) for x, y in points])


def _draw_stroke(draw: ImageDraw.ImageDraw, points: list[tuple[float, float]]) -> None:
    """A line with round ends and corners."""
    radius = _THICK * _FINE_PX / 2
    draw.line(points, _INK, round(2 * radius))
    for x, y in points:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), _INK)
