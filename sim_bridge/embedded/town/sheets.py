"""Triangles collected by look, then cut into chunks so that a renderer can leave out what it does not see.

Everything is added in OpenDRIVE's right-handed frame with counter-clockwise front faces; `meshes` mirrors the vertices
into CARLA's frame and leaves the winding, which is what `contracts.Mesh` asks for.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.contracts import Label, Mesh
from sim_bridge.embedded.town.curves import Floats

Color = tuple[float, float, float]
Ints = npt.NDArray[np.int64]
WHITE: Color = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Look:
    """What one mesh shares: painter layer, semantic label, texture name, and the size of its chunks."""

    layer: str
    label: Label
    texture: str = ""
    chunk_m: float = 80.0


@dataclass(slots=True)
class Sheets:
    """Grows while a town is built. Owned by one `load` call. No chunk is longer than `longest_m` either way."""

    longest_m: float = math.inf
    _parts: dict[Look, list[tuple[Floats, Ints]]] = field(default_factory=lambda: defaultdict(list))

    def add(
        self, look: Look, points: Floats, normals: Floats, uvs: Floats, triangles: Ints, color: Color | Floats = WHITE
    ) -> None:
        """points (N, 3), normals (N, 3) or (3,), uvs (N, 2), triangles (M, 3), one color or (N, 3)."""
        rows = np.empty((len(points), 11))
        rows[:, 0:3], rows[:, 3:6], rows[:, 6:8], rows[:, 8:11] = points, normals, uvs, color
        self._parts[look].append((rows, triangles))

    def flat(self, look: Look, xy: Floats, uvs: Floats, triangles: Ints, color: Color = WHITE) -> None:
        """Ground at z = 0, seen from above."""
        points = np.column_stack([xy, np.zeros(len(xy))])
        self.add(look, points, np.array([0.0, 0.0, 1.0]), uvs, triangles, color)

    def meshes(self) -> tuple[Mesh, ...]:
        return tuple(mesh for look, parts in self._parts.items() for mesh in _chunks(look, parts, self.longest_m))


def strip(rows: int, columns: int = 2) -> Ints:
    """Triangles over a (rows, columns) grid of points; rows run forward, columns from right to left."""
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]
    triangles = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], axis=2)
    return triangles.reshape(-1, 3)


def _chunks(look: Look, parts: list[tuple[Floats, Ints]], longest_m: float) -> list[Mesh]:
    offsets = np.cumsum([0, *(len(rows) for rows, _ in parts)])
    rows = np.concatenate([rows for rows, _ in parts])
    triangles = np.concatenate([index + offset for (_, index), offset in zip(parts, offsets, strict=False)])
    middle = rows[triangles][:, :, :2].mean(axis=1)
    cells = np.floor(middle / min(look.chunk_m, longest_m)).astype(np.int64)
    order = np.lexsort((cells[:, 1], cells[:, 0]))
    borders = np.flatnonzero(np.any(np.diff(cells[order], axis=0), axis=1)) + 1
    return [_mesh(look, tuple(cells[group[0]]), rows, triangles[group]) for group in np.split(order, borders)]


def _mesh(look: Look, cell: tuple[int, int], rows: Floats, triangles: Ints) -> Mesh:
    used, index = np.unique(triangles, return_inverse=True)
    part = rows[used].astype(np.float32)
    part[:, [1, 4]] *= -1.0
    return Mesh(
        name=f"{look.texture or look.label.name.lower()}_{cell[0]}_{cell[1]}",
        layer=look.layer,
        label=look.label,
        vertices=part[:, 0:3].copy(),
        normals=part[:, 3:6].copy(),
        uvs=part[:, 6:8].copy(),
        colors=np.column_stack([part[:, 8:11], np.ones(len(part), dtype=np.float32)]),
        triangles=index.reshape(-1, 3).astype(np.int32),
        texture=look.texture,
    )
