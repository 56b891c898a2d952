"""numpy triangles to panda3d Geoms, and the baked light that takes the place of lamps in the scene.

Everything here is in panda's right-handed frame (see `panda_frame`); front faces are counter-clockwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import Geom, GeomNode, GeomTriangles, GeomVertexData, GeomVertexFormat

Floats = npt.NDArray[np.float32]
WHITEST = 250
_ROW = np.dtype([("position", "<f4", 3), ("color", "u1", 4), ("uv", "<f4", 2)])


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Triangles with per-vertex normal and colour: (N, 3), (N, 3), (N, 4) 0..1, (N, 2), triangles (M, 3)."""

    vertices: Floats
    normals: Floats
    colors: Floats
    uvs: Floats
    triangles: npt.NDArray[np.int32]


def surface(vertices: Any, triangles: Any, color: Any = (1.0, 1.0, 1.0), uvs: Any = None) -> Surface:
    """A flat-shaded surface: every triangle gets its own vertices and its own normal."""
    corners = np.asarray(vertices, np.float32)[np.asarray(triangles, np.int32)]  # (M, 3, 3)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    count = len(corners) * 3
    spread = np.zeros((count, 2), np.float32)
    if uvs is not None:
        spread = np.asarray(uvs, np.float32)[np.asarray(triangles, np.int32)].reshape(count, 2)
    return Surface(
        corners.reshape(count, 3),
        np.repeat(normals, 3, axis=0).astype(np.float32),
        np.tile(np.array([*color, 1.0][:4], np.float32), (count, 1)),
        spread,
        np.arange(count, dtype=np.int32).reshape(-1, 3),
    )


def smooth_surface(vertices: Any, triangles: Any, color: Any = (1.0, 1.0, 1.0)) -> Surface:
    """A smooth-shaded surface: vertices at one place get the mean normal of their triangles, weighted by area."""
    points = np.asarray(vertices, np.float32)
    faces = np.asarray(triangles, np.int32)
    corners = points[faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # Vertices doubled at a seam still share a normal, or the seam would show.
    _, place = np.unique(points.round(4), axis=0, return_inverse=True)
    place = place.reshape(-1)
    sums = np.zeros_like(points)
    for corner in range(3):
        np.add.at(sums, place[faces[:, corner]], face_normals)
    normals = sums[place]
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    colors = np.tile(np.array([*color, 1.0][:4], np.float32), (len(points), 1))
    return Surface(points, normals.astype(np.float32), colors, np.zeros((len(points), 2), np.float32), faces)


def joined(parts: list[Surface]) -> Surface:
    offsets = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    return Surface(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.colors for part in parts]),
        np.concatenate([part.uvs for part in parts]),
        np.concatenate([part.triangles + o for part, o in zip(parts, offsets, strict=True)]).astype(np.int32),
    )


def moved(part: Surface, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Surface:
    shifted = part.vertices + np.array([x, y, z], np.float32)
    return Surface(shifted, part.normals, part.colors, part.uvs, part.triangles)


def geom_node(name: str, part: Surface) -> Any:
    """A GeomNode of the surface with its colours as they are; light is baked into them by the caller."""
    rows = np.zeros(len(part.vertices), _ROW)
    rows["position"], rows["uv"] = part.vertices, part.uvs
    # Interpolated full white overflows in the software rasteriser and shows as coloured specks.
    rows["color"] = np.clip(part.colors * 255.0 + 0.5, 0, (WHITEST, WHITEST, WHITEST, 255)).astype(np.uint8)
    data = GeomVertexData(name, GeomVertexFormat.getV3c4t2(), Geom.UHStatic)
    data.uncleanSetNumRows(len(rows))
    data.modifyArrayHandle(0).copyDataFrom(rows.tobytes())
    triangles = GeomTriangles(Geom.UHStatic)
    is_wide = len(rows) > 65535
    triangles.setIndexType(Geom.NT_uint32 if is_wide else Geom.NT_uint16)
    indices = part.triangles.astype(np.uint32 if is_wide else np.uint16)
    array = triangles.modifyVertices()
    array.uncleanSetNumRows(indices.size)
    array.modifyHandle().copyDataFrom(indices.tobytes())
    geom = Geom(data)
    geom.addPrimitive(triangles)
    node = GeomNode(name)
    node.addGeom(geom)
    return node
