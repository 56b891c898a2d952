"""Plane curves made of lines and arcs: a road's reference line. OpenDRIVE's frame: metres, right-handed, radians.

Spirals are left out on purpose: libcarla turns near-straight ones into NaN waypoints, and arcs drive just as well.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Pose2 = tuple[float, float, float]  # x, y, heading
Point2 = tuple[float, float]

SHORTEST_PIECE_M = 1e-4


@dataclass(frozen=True, slots=True)
class Piece:
    """A line (curvature 0) or an arc (curvature 1/m, left positive) beginning at `s` along its curve."""

    s: float
    x: float
    y: float
    heading: float
    length: float
    curvature: float

    @property
    def end(self) -> Pose2:
        half_turn = self.curvature * self.length / 2
        chord = self.length * float(np.sinc(half_turn / math.pi))
        direction = self.heading + half_turn
        return self.x + chord * math.cos(direction), self.y + chord * math.sin(direction), direction + half_turn


@dataclass(frozen=True, slots=True)
class Curve:
    """Pieces end to end. `poses` works on whole arrays."""

    pieces: tuple[Piece, ...]

    @property
    def length(self) -> float:
        last = self.pieces[-1]
        return last.s + last.length

    @property
    def start(self) -> Pose2:
        first = self.pieces[0]
        return first.x, first.y, first.heading

    @property
    def end(self) -> Pose2:
        return self.pieces[-1].end

    def poses(self, s: npt.ArrayLike) -> Floats:
        """(N, 3) x, y, heading at distances `s`; beyond the ends the outer pieces run on."""
        along = np.atleast_1d(np.asarray(s, dtype=np.float64))
        table = np.array([(p.s, p.x, p.y, p.heading, p.curvature) for p in self.pieces])
        index = np.clip(np.searchsorted(table[:, 0], along, side="right") - 1, 0, len(table) - 1)
        s0, x0, y0, h0, curvature = table[index].T
        distance = along - s0
        half_turn = curvature * distance / 2
        chord = distance * np.sinc(half_turn / math.pi)
        direction = h0 + half_turn
        return np.stack([x0 + chord * np.cos(direction), y0 + chord * np.sin(direction), direction + half_turn], axis=1)

    def curvature_at(self, s: float) -> float:
        for piece in reversed(self.pieces):
            if s >= piece.s:
                return piece.curvature
        return self.pieces[0].curvature


def chain(start: Pose2, steps: Sequence[tuple[float, float]]) -> Curve:
    """The curve that leaves `start` by (length, curvature) steps; steps too short to matter are dropped."""
    pieces: list[Piece] = []
    s, (x, y, heading) = 0.0, start
    for length, curvature in steps:
        if length < SHORTEST_PIECE_M:
            continue
        piece = Piece(s, x, y, heading, length, curvature)
        pieces.append(piece)
        s += length
        x, y, heading = piece.end
    if not pieces:
        raise ValueError(f"expected a curve of some length from {start}, got steps {list(steps)}")
    return Curve(tuple(pieces))


def through_corners(points: Sequence[Point2], radii: Sequence[float]) -> Curve:
    """Straight lines between `points` with every inner corner rounded by its radius (len(points) - 2 radii)."""
    if len(radii) != len(points) - 2:
        raise ValueError(f"expected {len(points) - 2} radii for {len(points)} points, got {len(radii)}")
    legs = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(points)]
    headings = [math.atan2(dy, dx) for dx, dy in legs]
    turns = [wrap(b - a) for a, b in itertools.pairwise(headings)]
    cuts = [0.0, *(r * math.tan(abs(t) / 2) for r, t in zip(radii, turns, strict=True)), 0.0]
    steps: list[tuple[float, float]] = []
    for i, leg in enumerate(legs):
        straight = math.hypot(*leg) - cuts[i] - cuts[i + 1]
        if straight < 0:
            raise ValueError(
                f"expected room for both corners of leg {i} from {points[i]}, {-straight:.2f} m are missing"
            )
        steps.append((straight, 0.0))
        if i < len(turns) and turns[i]:
            steps.append((radii[i] * abs(turns[i]), math.copysign(1 / radii[i], turns[i])))
    return chain((*points[0], headings[0]), steps)


def join(start: Pose2, end: Pose2) -> Curve:
    """The smooth way from one pose to another: lines and an arc, or an S of two arcs where they are parallel."""
    turn = wrap(end[2] - start[2])
    ahead, aside = _in_frame(start, end)
    if abs(turn) < 1e-6:
        return chain(start, [(ahead, 0.0)] if abs(aside) < 1e-4 else _sidestep(ahead, aside))
    # Where the two tangents meet: `before` metres past the start, `after` metres ahead of the end.
    after = aside / math.sin(turn)
    before = ahead - after * math.cos(turn)
    cut = min(before, after)
    if cut <= 0:
        raise ValueError(f"expected the tangents of {start} and {end} to meet between them")
    radius = cut / math.tan(abs(turn) / 2)
    arc = (radius * abs(turn), math.copysign(1 / radius, turn))
    return chain(start, [(before - cut, 0.0), arc, (after - cut, 0.0)])


def around(start: Pose2, end: Pose2, centre: Point2, radius: float) -> Curve:
    """Out of a street, round a circle to the left and into another street, as traffic on the right does.

    A bend to the right begins at `start` and ends on the circle, one more leads from the circle to `end`. Raises
    ValueError where the circle does not lie ahead of both poses.
    """
    entry, exit_ = _onto_circle(start, centre, radius), _onto_circle((end[0], end[1], end[2] + math.pi), centre, radius)
    if entry is None or exit_ is None:
        raise ValueError(f"expected a circle of {radius:.1f} m at {centre} between {start} and {end}")
    turn = (end[2] - start[2] + entry[1] + exit_[1]) % math.tau
    bends = [(bend * angle, -1 / bend) for bend, angle in (entry, exit_)]
    return chain(start, [bends[0], (radius * turn, 1 / radius), bends[1]])


def _onto_circle(start: Pose2, centre: Point2, radius: float) -> tuple[float, float] | None:
    """Radius and angle of the bend to the side of `centre`'s far half that touches the circle from outside."""
    ahead, aside = _in_frame(start, (*centre, 0.0))
    aside = abs(aside)
    if radius <= aside or math.hypot(ahead, aside) <= radius or ahead <= 0:
        return None
    bend = (ahead * ahead + aside * aside - radius * radius) / (2 * (radius - aside))
    return bend, math.pi / 2 - math.atan2(aside + bend, ahead)


def wrap(angle: float) -> float:
    """The same angle in (-pi, pi]."""
    return math.pi - (math.pi - angle) % (2 * math.pi)


def _in_frame(origin: Pose2, point: Pose2) -> Point2:
    dx, dy = point[0] - origin[0], point[1] - origin[1]
    c, s = math.cos(origin[2]), math.sin(origin[2])
    return dx * c + dy * s, dy * c - dx * s


def _sidestep(ahead: float, aside: float) -> list[tuple[float, float]]:
    radius = (ahead * ahead + aside * aside) / (4 * abs(aside))
    angle = 2 * math.atan2(abs(aside), ahead)
    curvature = math.copysign(1 / radius, aside)
    return [(radius * angle, curvature), (radius * angle, -curvature)]
