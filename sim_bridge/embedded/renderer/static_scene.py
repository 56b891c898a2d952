"""The town's meshes as panda nodes: painter layers for flat ground, depth for the rest, light baked per weather."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import CullBinEnums, CullBinManager

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import Mesh, Town
from sim_bridge.embedded.renderer.geoms import Surface, geom_node, surface
from sim_bridge.embedded.renderer.light import Daylight, shade_static
from sim_bridge.embedded.renderer.textures import Palette

# Drawn in this order: solid things nearest first, then the sky, then flat ground from the bottom up. Flat layers look
# at the depth of solid things but write none and so never fight each other: the software depth buffer is too coarse to
# keep grass a few centimetres below a road from showing through it in the distance.
PAINTER_ORDER = ("sky", "beyond", "terrain", "road", "marking", "pavement", "shadow")
_SOLID_BIN, _FLAT_BIN = "backseat solid", "backseat flat"
_SOLID_SORT, _FLAT_SORT = 18, 22  # panda's own bins: opaque 20, transparent 30
# Pieces this large are left out as a whole when out of sight. Each piece drawn costs as much as some hundred triangles,
# so smaller ones are dearer than what they save.
_CHUNK_M = 220.0
_WET = (0.40, 0.37, 0.33)  # what a soaked road loses of red, green and blue
_BEYOND_M = 1400.0
_GRASS_TONE = (0.42, 0.53, 0.29)


def sort_layer(node: Any, layer: str) -> None:
    """Give a node of the town its place in the order. Raises ValueError on a layer no mesh may have."""
    if layer in PAINTER_ORDER:
        paint_in_order(node, layer)
    elif layer == "solid":
        nearest_first(node)
    else:
        raise ValueError(f"expected a mesh layer out of {PAINTER_ORDER[2:6]} or solid, got {layer!r}")


def _open_bins() -> None:
    bins = CullBinManager.getGlobalPtr()
    if bins.findBin(_FLAT_BIN) < 0:
        bins.addBin(_SOLID_BIN, CullBinEnums.BTFrontToBack, _SOLID_SORT)
        bins.addBin(_FLAT_BIN, CullBinEnums.BTFixed, _FLAT_SORT)


_open_bins()


def paint_in_order(node: Any, layer: str) -> None:
    """Put a flat thing into the painter's order: after everything solid, below what comes later in the order."""
    node.setBin(_FLAT_BIN, PAINTER_ORDER.index(layer))
    node.setDepthWrite(False)


def nearest_first(node: Any) -> None:
    """Draw solid things front to back: what they hide is then rejected by depth before it is textured."""
    node.setBin(_SOLID_BIN, 0)


class StaticScene:
    """The town under one node. `relight` bakes another weather; geometry stays."""

    def __init__(self, parent: Any, town: Town, palette: Palette) -> None:
        self.node = parent.attachNewNode("town")
        self._pieces: list[tuple[Surface, Any, Any]] = []  # surface, node path, texture
        groups: dict[tuple[str, str], list[Mesh]] = {}
        for mesh in town.meshes:
            groups.setdefault((mesh.layer, mesh.texture), []).append(mesh)
        for (layer, texture), meshes in groups.items():
            self._add_layer(layer, palette.find(texture) if texture else None, merged(meshes))
        self._beyond = surroundings(town.bounds)

    def _add_layer(self, layer: str, texture: Any, whole: Surface) -> None:
        parent = self.node.attachNewNode(layer)
        sort_layer(parent, layer)
        if texture is not None:
            parent.setTexture(texture)
        self._pieces.extend((piece, parent, None) for piece in chunked(whole))

    def relight(self, light: Daylight, wetness: float = 0.0) -> None:
        """`wetness` 0..1 darkens the roads."""
        wet_road = np.array([1.0, 1.0, 1.0], np.float32) - np.array(_WET, np.float32) * wetness
        for child in self.node.getChildren():
            child.getChildren().detach()
        self.node.findAllMatches("beyond").detach()
        for piece, parent, _ in self._pieces:
            colors = piece.colors.copy()
            colors[:, :3] *= shade_static(piece.normals, light)
            if parent.getName() == "road":
                colors[:, :3] *= wet_road
            parent.attachNewNode(geom_node("piece", _recolored(piece, colors)))
        self._attach_beyond(light)

    def _attach_beyond(self, light: Daylight) -> None:
        near = self._beyond.colors[:, 3:4]
        grass = np.array(_GRASS_TONE, np.float32) * shade_static(self._beyond.normals, light)
        colors = np.ones_like(self._beyond.colors)
        colors[:, :3] = grass * near + np.array(light.horizon, np.float32) * (1.0 - near)
        node = self.node.attachNewNode(geom_node("beyond", _recolored(self._beyond, colors)))
        paint_in_order(node, "beyond")


def merged(meshes: list[Mesh]) -> Surface:
    """One surface of all of them, in panda's frame."""
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    return Surface(
        panda_frame.mirrored(np.concatenate([mesh.vertices for mesh in meshes])),
        panda_frame.mirrored(np.concatenate([mesh.normals for mesh in meshes])),
        np.concatenate([mesh.colors for mesh in meshes]).astype(np.float32),
        np.concatenate([mesh.uvs for mesh in meshes]).astype(np.float32),
        np.concatenate([mesh.triangles + o for mesh, o in zip(meshes, offsets, strict=True)]).astype(np.int32),
    )


def _recolored(piece: Surface, colors: npt.NDArray[np.float32]) -> Surface:
    return Surface(piece.vertices, piece.normals, colors, piece.uvs, piece.triangles)


def chunked(whole: Surface) -> list[Surface]:
    """Split by the grid cell each triangle's middle lies in."""
    middles = whole.vertices[whole.triangles].mean(axis=1)[:, :2]
    cells = np.floor(middles / _CHUNK_M).astype(np.int64)
    keys = cells[:, 0] * 100_003 + cells[:, 1]
    return [_picked(whole, whole.triangles[keys == key]) for key in np.unique(keys)]


def _picked(whole: Surface, triangles: npt.NDArray[np.int32]) -> Surface:
    used, renumbered = np.unique(triangles, return_inverse=True)
    return Surface(
        whole.vertices[used],
        whole.normals[used],
        whole.colors[used],
        whole.uvs[used],
        renumbered.reshape(-1, 3).astype(np.int32),
    )


def surroundings(bounds: tuple[float, float, float, float]) -> Surface:
    """Grass from under the town out to where it fades into the haze; alpha of the colours is 1 near, 0 far."""
    x0, y0, x1, y1 = bounds
    middle = np.array([(x0 + x1) / 2.0, -(y0 + y1) / 2.0])
    inner = max(x1 - x0, y1 - y0) * 0.75 + 40.0
    angles = np.linspace(0.0, 2.0 * np.pi, 33)[:-1]
    rim = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rings = [middle + rim * radius for radius in (inner, inner + 250.0, inner + _BEYOND_M)]
    points = np.concatenate([middle[None], *rings])
    vertices = np.concatenate([points, np.full((len(points), 1), -0.05)], axis=1)
    triangles = [(0, 1 + i, 1 + (i + 1) % 32) for i in range(32)]
    for ring in range(2):
        a = 1 + ring * 32
        for i in range(32):
            j = (i + 1) % 32
            triangles += [(a + i, a + 32 + i, a + 32 + j), (a + i, a + 32 + j, a + j)]
    flat = surface(vertices, triangles)
    distance = np.linalg.norm(flat.vertices[:, :2] - middle.astype(np.float32), axis=1)
    flat.colors[:, 3] = np.clip(1.0 - (distance - inner) / 250.0, 0.0, 1.0)
    return flat
