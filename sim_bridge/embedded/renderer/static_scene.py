"""The town's meshes as panda nodes: painter layers for flat ground, depth for the rest, light baked per weather."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import BitMask32, CullBinEnums, CullBinManager, TransparencyAttrib

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import Label, Mesh, Town
from sim_bridge.embedded.renderer.geoms import Surface, geom_node, surface
from sim_bridge.embedded.renderer.light import Daylight, shade_static
from sim_bridge.embedded.renderer.textures import Palette, puddle_image, upload

# Drawn in this order: solid things nearest first, then the sky, then flat ground from the bottom up. Flat layers look
# at the depth of solid things but write none and so never fight each other: the software depth buffer is too coarse to
# keep grass a few centimetres below a road from showing through it in the distance.
PAINTER_ORDER = ("sky", "beyond", "terrain", "road", "puddle", "marking", "pavement", "shadow")
_MESH_LAYERS = ("terrain", "road", "marking", "pavement")
_SOLID_BIN, _FLAT_BIN = "backseat solid", "backseat flat"
_SOLID_SORT, _FLAT_SORT = 18, 22  # panda's own bins: opaque 20, transparent 30
# Pieces this large are left out as a whole when out of sight. Each piece drawn costs as much as some hundred triangles,
# so smaller ones are dearer than what they save.
_CHUNK_M = 220.0
_WET = (0.40, 0.37, 0.33)  # what a soaked road loses of red, green and blue
# Ground around the town's own. Cars do not see a gap smaller than this before the hills, but from above one does.
SMALLEST_GAP_M, _FROM_ABOVE_M = 30.0, 12.0
_SPOKES, _OPEN_SIGHT_M = 96, 290.0  # how it is cut, and how far beyond the town it goes where there are no hills
_FIRST_PUDDLES, _PUDDLE_TILE_M = 0.04, 15.0
_GRASS_TONE = (0.42, 0.53, 0.29)


def sort_layer(node: Any, layer: str) -> None:
    """Give a node of the town its place in the order. Raises ValueError on a layer no mesh may have."""
    if layer in PAINTER_ORDER:
        paint_in_order(node, layer)
    elif layer == "solid":
        nearest_first(node)
    else:
        raise ValueError(f"expected a mesh layer out of {_MESH_LAYERS} or solid, got {layer!r}")


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
        self._beyond = surroundings(town, 1.0)
        self._is_beyond_small = surroundings(town) is None
        self._low_views = BitMask32.allOff()
        self._beyond_node: Any = None

    def _add_layer(self, layer: str, texture: Any, whole: Surface) -> None:
        parent = self.node.attachNewNode(layer)
        sort_layer(parent, layer)
        if texture is not None:
            parent.setTexture(texture)
        self._pieces.extend((piece, parent, None) for piece in chunked(whole))

    def relight(self, light: Daylight, wetness: float = 0.0, puddles: float = 0.0) -> None:
        """`wetness` 0..1 darkens the roads; `puddles` 0..1 of them mirror the sky."""
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
        self._flood(light, puddles)

    def _flood(self, light: Daylight, puddles: float) -> None:
        """A sheet over the roads that is clear but for puddles, which have the colour of the sky low over the road."""
        self.node.findAllMatches("puddles").detach()
        if puddles < _FIRST_PUDDLES:
            return
        sheet = self.node.attachNewNode("puddles")
        for piece, parent, _ in self._pieces:
            if parent.getName() == "road":
                colors = np.ones_like(piece.colors)
                colors[:, :3] = np.clip(np.array(light.horizon) * 0.8 + np.array(light.zenith) * 0.1, 0.0, 1.0)
                uvs = (piece.vertices[:, :2] / _PUDDLE_TILE_M).astype(np.float32)
                flooded = Surface(piece.vertices, piece.normals, colors, uvs, piece.triangles)
                sheet.attachNewNode(geom_node("puddles", flooded))
        sheet.setTexture(upload("puddles", puddle_image(puddles)))
        sheet.setTransparency(TransparencyAttrib.MAlpha)
        paint_in_order(sheet, "puddle")

    def _attach_beyond(self, light: Daylight) -> None:
        if self._beyond is None:
            return
        colors = np.ones_like(self._beyond.colors)
        colors[:, :3] = np.array(_GRASS_TONE, np.float32) * shade_static(self._beyond.normals, light)
        self._beyond_node = self.node.attachNewNode(geom_node("beyond", _recolored(self._beyond, colors)))
        paint_in_order(self._beyond_node, "beyond")
        self._beyond_node.hide(self._low_views)

    def look_from(self, mask: Any, height_m: float) -> None:
        """Tell how high a camera is: a small gap before the hills is filled for those that look down on it."""
        is_low = self._is_beyond_small and height_m < _FROM_ABOVE_M
        low_views = self._low_views | mask if is_low else self._low_views & ~mask
        if self._beyond_node is not None and low_views != self._low_views:
            self._low_views = low_views
            self._beyond_node.show(BitMask32.allOn())
            self._beyond_node.hide(low_views)


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


def surroundings(town: Town, smallest_gap_m: float = SMALLEST_GAP_M) -> Surface | None:
    """Ground between the town's grass and the hills around it; None where there is less of it than `smallest_gap_m`.

    No more than is needed: seen from a car, flat triangles far away are less than a pixel high, and the rasteriser
    gives such slivers a depth from anywhere, so that they cut through what stands before them.
    """
    start, end = _covered_m(town), _hills_at_m(town)
    if end - start < smallest_gap_m:
        return None
    x0, y0, x1, y1 = town.bounds
    middle = np.array([(x0 + x1) / 2.0, -(y0 + y1) / 2.0])
    angles = np.arange(_SPOKES) * 2.0 * np.pi / _SPOKES
    rim = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = np.concatenate([middle + rim * radius for radius in (start, end)])
    vertices = np.concatenate([points, np.full((len(points), 1), -0.05)], axis=1)
    triangles = []
    for i in range(_SPOKES):
        j = (i + 1) % _SPOKES
        triangles += [(i, _SPOKES + i, _SPOKES + j), (i, _SPOKES + j, j)]
    return surface(vertices, triangles)


def _covered_m(town: Town) -> float:
    """How far around its middle the town has grass of its own; 0 where it has none."""
    grass = [mesh.vertices for mesh in town.meshes if mesh.layer == "terrain"]
    if not grass:
        return 0.0
    x0, y0, x1, y1 = town.bounds
    low, high = np.min([v.min(axis=0) for v in grass], axis=0), np.max([v.max(axis=0) for v in grass], axis=0)
    middle = ((x0 + x1) / 2.0, (y0 + y1) / 2.0)
    sides = (high[0] - middle[0], middle[0] - low[0], high[1] - middle[1], middle[1] - low[1])
    return max(0.0, float(min(sides)) - 1.0)


def _hills_at_m(town: Town) -> float:
    """How far from the middle the hills begin to rise; where there are none, as far as the haze lets one see."""
    x0, y0, x1, y1 = town.bounds
    middle = np.array([(x0 + x1) / 2.0, (y0 + y1) / 2.0])
    hills = [m.vertices for m in town.meshes if m.layer == "solid" and m.label == Label.TERRAIN]
    if not hills:
        return max(x1 - x0, y1 - y0) * 0.75 + _OPEN_SIGHT_M
    return min(float(np.linalg.norm(v[:, :2] - middle, axis=1).min()) for v in hills) + 1.0
