"""What scripts draw in the air: CARLA's points, lines, arrows and boxes, each for as long as it was drawn for.

World thread only. Texts and the HUD's shapes are not here: CARLA shows those in its own window alone.
"""

from __future__ import annotations

from collections import deque
from itertools import product
from math import atan2, degrees, dist, hypot, inf

from sim_bridge.embedded.contracts import NO_MARKS, Dot, Marks, Pose, Stroke
from sim_bridge.embedded.world.geometry import moved

Vec3 = tuple[float, float, float]
Color = tuple[int, int, int]

# A script that draws for ever, a little in every tick, must not fill the memory: the oldest shapes go.
MOST_SHAPES = 10_000
_PX_PER_SIZE = 100.0  # a point of size 0.1 is ten pixels wide, near and far
_TIME_SLACK_S = 1e-6


def point(at: Vec3, size: float, color: Color) -> Marks:
    return Marks(dots=(Dot(at, _PX_PER_SIZE * size, color),))


def line(start: Vec3, end: Vec3, thickness_m: float, color: Color) -> Marks:
    return Marks(strokes=(Stroke(start, end, thickness_m, color),))


def arrow(start: Vec3, end: Vec3, thickness_m: float, head_m: float, color: Color) -> Marks:
    """The shaft, and four barbs to its tip, which begin `head_m` before it and as far out to the sides."""
    dx, dy, dz = (b - a for a, b in zip(start, end, strict=True))
    shaft = Pose(*start, pitch=degrees(atan2(dz, hypot(dx, dy))), yaw=degrees(atan2(dy, dx)))
    back = dist(start, end) - head_m
    barbs = [moved(shaft, (back, side, up)) for side, up in product((-head_m, head_m), repeat=2)]
    return Marks(strokes=tuple(Stroke(begin, end, thickness_m, color) for begin in (start, *barbs)))


def box(middle: Pose, extent: Vec3, thickness_m: float, color: Color) -> Marks:
    """The twelve edges of a box of these half sizes."""
    corners = {
        (x, y, z): moved(middle, (x * extent[0], y * extent[1], z * extent[2]))
        for x, y, z in product((-1, 1), repeat=3)
    }
    edges = [(a, b) for a in corners for b in corners if a < b and sum(p != q for p, q in zip(a, b, strict=True)) == 1]
    return Marks(strokes=tuple(Stroke(corners[a], corners[b], thickness_m, color) for a, b in edges))


class Sketch:
    """The shapes of one episode. Times are the episode's, in seconds."""

    def __init__(self) -> None:
        self._shapes: deque[tuple[float, Marks]] = deque(maxlen=MOST_SHAPES)
        self._drawn: Marks | None = NO_MARKS  # None when the shapes are others than when it was put together

    def add(self, shape: Marks, now_s: float, life_s: float) -> None:
        """Seen in every tick that begins before its life is over, so in one at least; for good where it is 0 or less,
        as in CARLA."""
        self._shapes.append((now_s + life_s if life_s > 0.0 else inf, shape))
        self._drawn = None

    def clear(self) -> None:
        self._shapes.clear()
        self._drawn = NO_MARKS

    def drop_old(self, now_s: float) -> None:
        """A tick begins: what has lived long enough is gone."""
        lasting = [shape for shape in self._shapes if shape[0] > now_s + _TIME_SLACK_S]
        if len(lasting) < len(self._shapes):
            self._shapes = deque(lasting, MOST_SHAPES)
            self._drawn = None

    def drawn(self) -> Marks:
        if self._drawn is None:
            self._drawn = Marks(
                tuple(dot for _, shape in self._shapes for dot in shape.dots),
                tuple(stroke for _, shape in self._shapes for stroke in shape.strokes),
            )
        return self._drawn
