"""Triangles drawn in the colours of their numbers: nodes of the survey, claimed from `Faces`. World thread only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import Geom, GeomNode, GeomTriangles, GeomVertexData, GeomVertexFormat

from sim_bridge.embedded.renderer.geoms import Surface

_ROW = np.dtype([("position", "<f4", 3), ("color", "u1", 4)])


def corners_of(part: Surface) -> npt.NDArray[np.float32]:
    """(M, 3, 3) corners of every triangle."""
    return part.vertices[part.triangles]


def numbered_node(name: str, corners: npt.NDArray[np.float32], first: int) -> Any:
    """A GeomNode of (M, 3, 3) corners whose triangles shine in their numbers, `first` and up: red is the high byte,
    as pixels of BGRA read."""
    count = len(corners) * 3
    rows = np.zeros(count, _ROW)
    rows["position"] = corners.reshape(count, 3)
    numbers = np.repeat(np.arange(first, first + len(corners)), 3)
    for channel, shift in enumerate((16, 8, 0)):
        rows["color"][:, channel] = (numbers >> shift) & 255
    rows["color"][:, 3] = 255
    data = GeomVertexData(name, GeomVertexFormat.getV3c4(), Geom.UHStatic)
    data.uncleanSetNumRows(count)
    data.modifyArrayHandle(0).copyDataFrom(rows.tobytes())
    triangles = GeomTriangles(Geom.UHStatic)
    triangles.addConsecutiveVertices(0, count)
    geom = Geom(data)
    geom.addPrimitive(triangles)
    node = GeomNode(name)
    node.addGeom(geom)
    return node
