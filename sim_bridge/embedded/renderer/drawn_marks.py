"""Nodes of what scripts draw in the air: dots of a size in pixels, and bars. Light does not touch them. World thread
only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import (
    CullBinEnums,
    CullBinManager,
    Geom,
    GeomLines,
    GeomNode,
    GeomPoints,
    GeomVertexData,
    GeomVertexFormat,
)

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import NO_MARKS, Dot, Marks, Stroke
from sim_bridge.embedded.renderer.geoms import WHITEST, Surface, geom_node

Floats = npt.NDArray[np.float32]

# After the flat ground, which writes no depth: a waypoint that lies in the road is seen whole, and a house hides it.
_BIN, _SORT = "backseat marks", 24
_SIDES = 6
_SMALLEST_DOT_PX, _LARGEST_DOT_PX = 1, 200
_ROW = np.dtype([("position", "<f4", 3), ("color", "u1", 4)])


def _open_bin() -> None:
    bins = CullBinManager.getGlobalPtr()
    if bins.findBin(_BIN) < 0:
        bins.addBin(_BIN, CullBinEnums.BTUnsorted, _SORT)


_open_bin()


class DrawnMarks:
    """All marks of one scene; built again when there are others."""

    def __init__(self, parent: Any) -> None:
        self._root = parent.attachNewNode("marks")
        self._root.setBin(_BIN, 0)
        self._shown: Marks = NO_MARKS

    def show(self, marks: Marks) -> None:
        if marks is self._shown:
            return
        self._shown = marks
        self._root.getChildren().detach()
        by_size: dict[int, list[Dot]] = {}
        for dot in marks.dots:
            size_px = round(min(max(dot.size_px, _SMALLEST_DOT_PX), _LARGEST_DOT_PX))
            by_size.setdefault(size_px, []).append(dot)
        for size_px, dots in by_size.items():
            self._root.attachNewNode(_dots_node(dots)).setRenderModeThickness(size_px)
        if marks.strokes:
            self._root.attachNewNode(_lines_node(marks.strokes))
            self._root.attachNewNode(geom_node("bars", _bars(marks.strokes)))


def _dots_node(dots: list[Dot]) -> Any:
    primitive = GeomPoints(Geom.UHStatic)
    primitive.addNextVertices(len(dots))
    return _node("dots", [dot.at for dot in dots], [dot.color for dot in dots], primitive)


def _lines_node(strokes: tuple[Stroke, ...]) -> Any:
    """One pixel wide: a bar that is thinner than that in the distance would be gone."""
    primitive = GeomLines(Geom.UHStatic)
    for index in range(len(strokes)):
        primitive.addVertices(2 * index, 2 * index + 1)
    ends = [end for stroke in strokes for end in (stroke.start, stroke.end)]
    return _node("lines", ends, [stroke.color for stroke in strokes for _ in range(2)], primitive)


def _node(name: str, places: list[tuple[float, float, float]], colors: list[tuple[int, int, int]], drawn: Any) -> Any:
    rows = np.zeros(len(places), _ROW)
    rows["position"] = panda_frame.mirrored(np.array(places, np.float32))
    # No brighter than the bars, whose white the software rasteriser bears no higher.
    rows["color"][:, :3], rows["color"][:, 3] = np.minimum(colors, WHITEST), 255
    data = GeomVertexData(name, GeomVertexFormat.getV3c4(), Geom.UHStatic)
    data.uncleanSetNumRows(len(rows))
    data.modifyArrayHandle(0).copyDataFrom(rows.tobytes())
    geom = Geom(data)
    geom.addPrimitive(drawn)
    node = GeomNode(name)
    node.addGeom(geom)
    return node


def _bars(strokes: tuple[Stroke, ...]) -> Surface:
    """Every stroke as an open tube of `_SIDES` sides, in panda's frame."""
    starts = panda_frame.mirrored(np.array([stroke.start for stroke in strokes], np.float32))
    ends = panda_frame.mirrored(np.array([stroke.end for stroke in strokes], np.float32))
    radii = np.array([stroke.thickness_m for stroke in strokes], np.float32)[:, None, None] / 2.0
    rim = _across(ends - starts) * radii  # (N, S, 3)
    vertices = np.concatenate([starts[:, None] + rim, ends[:, None] + rim], axis=1).reshape(-1, 3)
    colors = np.ones((len(vertices), 4), np.float32)
    colors[:, :3] = np.repeat([stroke.color for stroke in strokes], 2 * _SIDES, axis=0) / 255.0
    side = np.arange(_SIDES)
    following = (side + 1) % _SIDES
    quads = np.concatenate(
        [
            np.stack([side, following, following + _SIDES], axis=1),
            np.stack([side, following + _SIDES, side + _SIDES], axis=1),
        ]
    )
    triangles = (quads[None] + (np.arange(len(strokes)) * 2 * _SIDES)[:, None, None]).reshape(-1, 3)
    unused = np.zeros((len(vertices), 3), np.float32)
    return Surface(vertices, unused, colors, unused[:, :2], triangles.astype(np.int32))


def _across(along: Floats) -> Floats:
    """(N, S, 3) unit vectors around each of the directions (N, 3), a length of 0 counting as upright."""
    length = np.linalg.norm(along, axis=1, keepdims=True)
    axis = np.where(length > 1e-6, along / np.maximum(length, 1e-6), np.array([0.0, 0.0, 1.0]))
    is_steep = np.abs(axis[:, 2:]) > 0.9
    first = np.cross(axis, np.where(is_steep, np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(axis, first)
    angles = np.arange(_SIDES) * 2.0 * np.pi / _SIDES
    return np.asarray(
        first[:, None] * np.cos(angles)[None, :, None] + second[:, None] * np.sin(angles)[None, :, None], np.float32
    )
