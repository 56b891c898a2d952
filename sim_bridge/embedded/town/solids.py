"""Small solid shapes as points, normals, uvs and triangles: boxes, posts, balls. OpenDRIVE's frame, fronts outside."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from sim_bridge.embedded.contracts import Label, Pose, StaticBox
from sim_bridge.embedded.town.curves import Floats
from sim_bridge.embedded.town.lanes import carla_pose
from sim_bridge.embedded.town.sheets import WHITE, Color, Ints, Look, Sheets

QUAD = np.array([[0, 1, 2], [0, 2, 3]])
# Unit cube faces, each counter-clockwise seen from outside; the bottom is never seen.
FACES = np.array(
    [
        [[1, -1, -1], [1, 1, -1], [1, 1, 1], [1, -1, 1]],
        [[1, 1, -1], [-1, 1, -1], [-1, 1, 1], [1, 1, 1]],
        [[-1, 1, -1], [-1, -1, -1], [-1, -1, 1], [-1, 1, 1]],
        [[-1, -1, -1], [1, -1, -1], [1, -1, 1], [-1, -1, 1]],
        [[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]],
        [[-1, 1, -1], [1, 1, -1], [1, -1, -1], [-1, -1, -1]],
    ],
    dtype=np.float64,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shape stands: its own origin in the town, and its heading."""

    x: float
    y: float
    heading: float = 0.0
    z: float = 0.0

    def points(self, local: Floats) -> Floats:
        """(N, 3) points in the town from points in the shape's own frame (forward, left, up)."""
        c, s = math.cos(self.heading), math.sin(self.heading)
        turned: Floats = local @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        placed: Floats = turned + np.array([self.x, self.y, self.z])
        return placed

    def directions(self, local: Floats) -> Floats:
        turned: Floats = self.points(local) - np.array([self.x, self.y, self.z])
        return turned

    def shifted(self, forward: float, left: float, up: float) -> Place:
        x, y, z = self.points(np.array([[forward, left, up]]))[0]
        return Place(float(x), float(y), self.heading, float(z))

    def pose(self) -> Pose:
        return carla_pose(self.x, self.y, self.heading, self.z)


def static_box(name: str, label: Label, middle: Place, size: tuple[float, float, float]) -> StaticBox:
    """`size` is length along the heading, width, height; `middle` the box's centre."""
    return StaticBox(name, label, middle.pose(), (size[0] / 2, size[1] / 2, size[2] / 2))


def add_quad(sheets: Sheets, look: Look, corners: Floats, uvs: Floats, color: Color = WHITE) -> None:
    """Four corners counter-clockwise seen from the front."""
    normal = np.cross(corners[1] - corners[0], corners[3] - corners[0])
    sheets.add(look, corners, normal / np.linalg.norm(normal), uvs, QUAD, color)


def add_box(
    sheets: Sheets,
    look: Look,
    middle: Place,
    size: tuple[float, float, float],
    color: Color = WHITE,
    with_bottom: bool = False,
) -> None:
    faces = FACES[: 6 if with_bottom else 5]
    corners = middle.points((faces * (np.array(size) / 2)).reshape(-1, 3))
    normals = np.repeat(middle.directions(faces.mean(axis=1)), 4, axis=0)
    triangles = (QUAD[None] + 4 * np.arange(len(faces))[:, None, None]).reshape(-1, 3)
    sheets.add(look, corners, normals, np.zeros((len(corners), 2)), triangles, color)


def add_post(
    sheets: Sheets, look: Look, foot: Place, height: float, radii: tuple[float, float], color: Color, sides: int = 6
) -> None:
    """An upright round post without caps, `radii` at the foot and the top; one texture repeat around, one per metre."""
    angles = np.linspace(0.0, 2 * math.pi, sides + 1)
    around = np.column_stack([np.cos(angles), np.sin(angles)])
    rings = [
        np.column_stack([around * radius, np.full(len(around), z)])
        for radius, z in zip(radii, (0.0, height), strict=True)
    ]
    shares = np.linspace(0.0, 1.0, sides + 1)
    uvs = np.concatenate([np.column_stack([shares, np.full(sides + 1, v)]) for v in (0.0, height)])
    low = np.arange(sides)
    triangles = np.concatenate(
        [np.column_stack([low, low + 1, low + sides + 2]), np.column_stack([low, low + sides + 2, low + sides + 1])]
    )
    normals = np.tile(np.column_stack([around, np.zeros(len(around))]), (2, 1))
    sheets.add(look, foot.points(np.concatenate(rings)), foot.directions(normals), uvs, triangles, color)


def add_ball(
    sheets: Sheets, look: Look, middle: Place, radii: tuple[float, float, float], color: Color, fine: bool
) -> None:
    """An icosphere of 80 or 20 triangles, stretched, and a little bumpy. It is darker below: shade within a crown."""
    unit, triangles = _icosphere(fine)
    bumps = 1.0 + 0.07 * np.sin(unit @ np.array([3.1, 2.3, 3.7]) + 3 * middle.heading)[:, None]
    shade = np.clip(0.82 + 0.28 * unit[:, 2:3], 0.55, 1.1)
    uvs = np.column_stack([np.arctan2(unit[:, 1], unit[:, 0]) / math.pi * 2, unit[:, 2] * 1.2])
    sheets.add(
        look, middle.points(unit * bumps * radii), middle.directions(unit), uvs, triangles, shade * np.array(color)
    )


@cache
def _icosphere(fine: bool) -> tuple[Floats, Ints]:
    golden = (1 + math.sqrt(5)) / 2
    points = np.array([(0, a, b * golden) for a in (-1.0, 1.0) for b in (-1.0, 1.0)])
    unit = np.concatenate([points, np.roll(points, 1, axis=1), np.roll(points, 2, axis=1)])
    unit /= np.linalg.norm(unit[0])
    triangles = _hull_of_icosahedron(unit)
    return _halved(unit, triangles) if fine else (unit, triangles)


def _hull_of_icosahedron(unit: Floats) -> Ints:
    """Its 20 faces: every three points that are neighbours of each other, turned outwards."""
    edge = np.sort(np.linalg.norm(unit - unit[0], axis=1))[1]
    near = np.abs(np.linalg.norm(unit[:, None] - unit[None], axis=2) - edge) < 1e-6
    faces = [
        (i, j, k) if np.dot(np.cross(unit[j] - unit[i], unit[k] - unit[i]), unit[i]) > 0 else (i, k, j)
        for i in range(12)
        for j in range(i + 1, 12)
        for k in range(j + 1, 12)
        if near[i, j] and near[j, k] and near[i, k]
    ]
    return np.array(faces)


def _halved(unit: Floats, triangles: Ints) -> tuple[Floats, Ints]:
    """Every triangle in four, its new corners pushed out onto the ball."""
    a, b, c = triangles.T
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    distinct, index = np.unique(edges, axis=0, return_inverse=True)
    middles = unit[distinct].mean(axis=1)
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    ab, bc, ca = (len(unit) + index.reshape(-1)).reshape(3, -1)
    rows = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return np.concatenate([unit, middles]), np.concatenate([np.column_stack(row) for row in rows])
