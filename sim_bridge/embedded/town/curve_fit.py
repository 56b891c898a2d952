"""OpenDRIVE's other curves (spirals, polynomials) as short lines and arcs, within centimetres of the original.

libcarla turns nearly straight spirals into NaN waypoints, which ends every drive; arcs it reads exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from xml.etree import ElementTree as ET

import numpy as np

from sim_bridge.embedded.town.curves import Floats, Piece, chain, wrap
from sim_bridge.embedded.town.lined_xml import place

PIECE_M = 2.0
MOST_PIECES = 1000  # of one geometry
STRAIGHT = 1e-7  # 1/m; less bends by a millimetre in 100 m


def fitted(geometry: ET.Element, number: Callable[[ET.Element, str], float]) -> list[Piece]:
    """The pieces that stand for one <geometry>; `number` reads a finite attribute or raises ValueError."""
    s, x, y, heading, length = (number(geometry, name) for name in ("s", "x", "y", "hdg", "length"))
    child = next((c for c in geometry if c.tag in ("spiral", "poly3", "paramPoly3")), None)
    if child is None:
        raise ValueError(f"expected a line, arc, spiral, poly3 or paramPoly3 in {place(geometry)}")
    if not 0.0 < length <= MOST_PIECES * PIECE_M:
        raise ValueError(f"expected a curve of up to {MOST_PIECES * PIECE_M:.0f} m, got {length} in {place(geometry)}")
    count = max(2, math.ceil(length / PIECE_M))
    if child.tag == "spiral":
        pieces = _spiral((x, y, heading), length, number(child, "curvStart"), number(child, "curvEnd"), count)
    else:
        pieces = _through(_points(child, length, count, number), (x, y, heading))
    # libcarla trusts the road's own length: the pieces share it out.
    stretch = length / sum(piece.length for piece in pieces)
    return [
        Piece(s + piece.s * stretch, piece.x, piece.y, piece.heading, piece.length * stretch, piece.curvature)
        for piece in pieces
    ]


def _spiral(start: tuple[float, float, float], length: float, first: float, last: float, count: int) -> list[Piece]:
    middles = (np.arange(count) + 0.5) / count
    curvatures = (first + (last - first) * middles).tolist()
    steps = [(length / count, k if abs(k) > STRAIGHT else 0.0) for k in curvatures]
    return list(chain(start, steps).pieces)


def _points(child: ET.Element, length: float, count: int, number: Callable[[ET.Element, str], float]) -> Floats:
    """(count + 1, 2) points in the geometry's own frame."""
    p = np.linspace(0.0, length, count + 1)
    if child.tag == "poly3":
        # The length is the curve's own: u ends short of it.
        points = np.column_stack([p, _cubic([number(child, name) for name in "abcd"], p)])
        along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        return np.column_stack([np.interp(p, along, axis) for axis in points.T])
    if child.get("pRange", "normalized") == "normalized":
        p = p / length
    return np.column_stack([_cubic([number(child, f"{name}{axis}") for name in "abcd"], p) for axis in "UV"])


def _cubic(factors: list[float], p: Floats) -> Floats:
    a, b, c, d = factors
    return a + p * (b + p * (c + p * d))


def _through(local: Floats, frame: tuple[float, float, float]) -> list[Piece]:
    """Arcs from point to point; each begins along its own chord, turned by half of what the curve turns there."""
    x0, y0, heading = frame
    c, s = math.cos(heading), math.sin(heading)
    points = local @ np.array([[c, s], [-s, c]]) + (x0, y0)
    chords = np.diff(points, axis=0)
    lengths, headings = np.linalg.norm(chords, axis=1), np.unwrap(np.arctan2(chords[:, 1], chords[:, 0]))
    turns = np.gradient(headings) if len(headings) > 1 else np.zeros(1)
    pieces, along = [], 0.0
    for point, chord, direction, turn in zip(points, lengths.tolist(), headings.tolist(), turns.tolist(), strict=False):
        half = wrap(turn) / 2
        length = chord * half / math.sin(half) if abs(half) > STRAIGHT else chord
        if length <= 0.0:
            continue
        curvature = 2 * half / length
        bend = curvature if abs(curvature) > STRAIGHT else 0.0
        pieces.append(Piece(along, float(point[0]), float(point[1]), direction - half, length, bend))
        along += length
    if not pieces:
        raise ValueError("expected a curve of some length, got one that stays where it begins")
    return pieces
