"""Convex polygons as one tile of the navigation mesh format that CARLA's client reads (Detour, tile version 7).

Everything is little-endian. The file's axes are (x, height, y) of CARLA's frame. A mesh without polygons crashes the
client, so `written` refuses to make one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from sim_bridge.embedded.navigation.ribbons import Polygon

_CONTAINER = struct.Struct("<iii3fffii")
_TILE_LINK = struct.Struct("<Ii")
_HEADER = struct.Struct("<iiiiiIiiiiiiiiifff3f3ff")
_POLYGON = struct.Struct("<I6H6HHBB")
_DETAIL = struct.Struct("<IIBBxx")

_CONTAINER_MAGIC, _CONTAINER_VERSION = 0x4D534554, 1
_TILE_MAGIC, _TILE_VERSION = 0x444E4156, 7
_MOST_POLYGONS, _MOST_CORNERS = 32_766, 65_534
_WALKER_HEIGHT, _WALKER_RADIUS, _WALKER_CLIMB = 1.8, 0.3, 0.5
_MARGIN_M, _HEADROOM_M = 1.0, 3.0
_WELD_M = 0.01
_SMALLEST_M2 = 0.01
_CORNERS = 6


class Welded:
    """Polygons over shared corners, as the file wants them: clockwise with x to the right and CARLA's y up."""

    def __init__(self, polygons: Iterable[Polygon]) -> None:
        self.corners: list[tuple[float, float]] = []
        self.faces: list[tuple[int, ...]] = []
        self.areas: list[int] = []
        self._index: dict[tuple[int, int], int] = {}
        for polygon in polygons:
            self._add(polygon)
        self.neighbours = self._joined()

    def _add(self, polygon: Polygon) -> None:
        # OpenDRIVE's y points the other way than CARLA's.
        ring = [self._corner(float(x), -float(y)) for x, y in polygon.corners]
        ring = [now for before, now in pairwise([ring[-1], *ring]) if now != before]
        for face in self._convex(ring):
            self.faces.append(face)
            self.areas.append(polygon.area)

    def _corner(self, x: float, y: float) -> int:
        """The corner within a weld of this place. Neighbouring cells count: noise may tip a place over their border."""
        column, row = round(x / _WELD_M), round(y / _WELD_M)
        for key in ((column + i, row + j) for i in (0, -1, 1) for j in (0, -1, 1)):
            there = self._index.get(key)
            if there is not None and abs(self.corners[there][0] - x) + abs(self.corners[there][1] - y) < _WELD_M:
                return there
        self._index[column, row] = len(self.corners)
        self.corners.append((column * _WELD_M, row * _WELD_M))
        return self._index[column, row]

    def _convex(self, ring: list[int]) -> list[tuple[int, ...]]:
        """The ring itself when it is convex, else its two triangles; nothing for a sliver."""
        if len(set(ring)) != len(ring) or len(ring) < 3:
            return []
        turns = [self._turn(a, b, c) for a, b, c in zip(ring, ring[1:] + ring[:1], ring[2:] + ring[:2], strict=True)]
        if sum(turns) < 0.0:
            ring, turns = ring[::-1], [-turn for turn in turns]
        if min(turns) >= 0.0:
            return [tuple(ring)] if sum(turns) > 2.0 * _SMALLEST_M2 else []
        if len(ring) == 3:
            return []
        return self._convex([ring[0], ring[1], ring[2]]) + self._convex([ring[0], ring[2], ring[3]])

    def _turn(self, a: int, b: int, c: int) -> float:
        """Positive for a clockwise turn at b, in the sense of the class."""
        (ax, ay), (bx, by), (cx, cy) = self.corners[a], self.corners[b], self.corners[c]
        return (cx - ax) * (by - ay) - (bx - ax) * (cy - ay)

    def _joined(self) -> list[list[int]]:
        """Per face and edge: 1 + the face beyond it, 0 for a wall."""
        owner: dict[tuple[int, int], int] = {}
        for number, face in enumerate(self.faces):
            for edge in zip(face, face[1:] + face[:1], strict=True):
                owner[edge] = number
        return [
            [1 + owner.get((b, a), -1) for a, b in zip(face, face[1:] + face[:1], strict=True)] for face in self.faces
        ]

    def islands(self) -> list[set[int]]:
        """Faces that can reach each other, largest group first. A walker never leaves its island."""
        left, found = set(range(len(self.faces))), []
        while left:
            group, edge = set(), [left.pop()]
            while edge:
                face = edge.pop()
                group.add(face)
                beyond = {n - 1 for n in self.neighbours[face] if n} & left
                left -= beyond
                edge.extend(beyond)
            found.append(group)
        return sorted(found, key=len, reverse=True)


def written(mesh: Welded) -> bytes:
    """The whole file. Raises ValueError for a mesh without polygons or with more than one tile can hold."""
    count = len(mesh.faces)
    if not 0 < count <= _MOST_POLYGONS or len(mesh.corners) > _MOST_CORNERS:
        raise ValueError(f"expected 1 to {_MOST_POLYGONS} polygons for walkers, got {count}")
    places = np.array([(x, 0.0, y) for x, y in mesh.corners], "<f4")
    low = places.min(axis=0) - _MARGIN_M
    high = places.max(axis=0) + np.array([_MARGIN_M, _HEADROOM_M, _MARGIN_M])
    tile = _tile(mesh, places, low, high)
    most = 1 << max(1, (count - 1).bit_length())
    # The first and only tile's reference: salt 1 above the bits that number its polygons.
    reference = 1 << (most.bit_length() - 1)
    head = _CONTAINER.pack(_CONTAINER_MAGIC, _CONTAINER_VERSION, 1, *low, high[0] - low[0], high[2] - low[2], 1, most)
    return head + _TILE_LINK.pack(reference, len(tile)) + tile


def _tile(mesh: Welded, places: np.ndarray, low: np.ndarray, high: np.ndarray) -> bytes:
    edges = sum(map(len, mesh.faces))
    fans = sum(len(face) - 2 for face in mesh.faces)
    count = len(mesh.faces)
    header = _HEADER.pack(
        _TILE_MAGIC, _TILE_VERSION, 0, 0, 0, 0,
        count, len(places), edges, count, 0, fans, 0, 0, count,
        _WALKER_HEIGHT, _WALKER_RADIUS, _WALKER_CLIMB, *low, *high, 1.0 / 0.3,
    )  # fmt: skip
    polygons = b"".join(
        _polygon(face, beyond, area) for face, beyond, area in zip(mesh.faces, mesh.neighbours, mesh.areas, strict=True)
    )
    links = bytes(12 * edges)  # the client fills them in while loading
    return header + places.tobytes() + polygons + links + _details(mesh)


def _polygon(face: tuple[int, ...], beyond: list[int], area: int) -> bytes:
    rest = [0] * (_CORNERS - len(face))
    return _POLYGON.pack(0, *face, *rest, *beyond, *rest, 1 << area, len(face), area)


def _details(mesh: Welded) -> bytes:
    """Heights: each polygon as a fan over its own corners; the flags mark which edges are the polygon's own."""
    meshes: list[bytes] = []
    triangles: list[bytes] = []
    for face in mesh.faces:
        fan = range(2, len(face))
        meshes.append(_DETAIL.pack(0, len(triangles), 0, len(fan)))
        triangles += [bytes((0, j - 1, j, 0x04 | (j == 2) | 0x10 * (j == len(face) - 1))) for j in fan]
    return b"".join(meshes) + b"".join(triangles)
