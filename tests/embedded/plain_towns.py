"""Small towns for tests of physics and renderer: a flat square of ground, and whatever a test stands on it."""

from __future__ import annotations

import numpy as np

from sim_bridge.embedded.contracts import Label, Mesh, Pose, Signal, StaticBox, Town

_BOX_CORNERS = [(x, y, z) for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)]
# Counter-clockwise from outside once y is mirrored.
_BOX_QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]


def _mesh(
    name: str, layer: str, points: list, triangles: list, color: tuple[float, float, float], texture: str
) -> Mesh:
    vertices = np.array(points, np.float32)
    normals = np.tile(np.array([0, 0, 1], np.float32), (len(vertices), 1))
    colors = np.tile(np.array([*color, 1.0], np.float32), (len(vertices), 1))
    uvs = vertices[:, :2] / 4.0
    return Mesh(name, layer, Label.GROUND, vertices, normals, uvs, colors, np.array(triangles, np.int32), texture)


def floor(layer: str, half: float, color: tuple[float, float, float], z: float = 0.0, texture: str = "") -> Mesh:
    """A square of ground around the origin."""
    points = [(-half, -half, z), (half, -half, z), (half, half, z), (-half, half, z)]
    return _mesh(layer, layer, points, [(0, 2, 1), (0, 3, 2)], color, texture)


def block(
    center: tuple[float, float, float], half: float, color: tuple[float, float, float], tall: float = 0.0
) -> Mesh:
    """A cube; `tall` replaces its half height."""
    high = tall or half
    points = [(center[0] + x * half, center[1] + y * half, center[2] + z * high) for x, y, z in _BOX_CORNERS]
    triangles = [t for a, b, c, d in _BOX_QUADS for t in ((a, b, c), (a, c, d))]
    return _mesh("block", "solid", points, triangles, color, "")


def wall(x: float, name: str = "wall", half_width: float = 20.0) -> StaticBox:
    """A wall across the x axis."""
    return StaticBox(name, Label.BUILDINGS, Pose(x, 0.0, 2.0), (0.5, half_width, 2.0))


def lamp_at(x: float, signal_id: str = "7", kind: str = "traffic_light", limit: float = 0.0) -> Signal:
    """A signal at 5 m that faces a driver coming along +x from the origin."""
    head = Pose(x, 0.0, 5.0, 0.0, 180.0)
    return Signal(signal_id, kind, Pose(x, 4.0), head, Pose(x - 10.0, 0.0), speed_limit_kmh=limit)


def plain_town(
    meshes: tuple[Mesh, ...] = (), boxes: tuple[StaticBox, ...] = (), signals: tuple[Signal, ...] = ()
) -> Town:
    ground = floor("road", 150.0, (0.5, 0.5, 0.5))
    return Town("Plain", "", (), signals, (ground, *meshes), boxes, (-150.0, -150.0, 150.0, 150.0))
