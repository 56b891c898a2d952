"""Plain solids that vehicles, people, props and signs are put together from. x right, y forward, z up, metres."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.renderer.geoms import Surface, smooth_surface, surface

RGB = tuple[float, float, float]
_BOX_FACES = (
    (0, 2, 3, 1),  # bottom
    (4, 5, 7, 6),  # top
    (0, 1, 5, 4),  # back
    (2, 6, 7, 3),  # front
    (0, 4, 6, 2),  # left
    (1, 3, 7, 5),  # right
)


def quads_to_triangles(quads: list[tuple[int, ...]]) -> list[tuple[int, int, int]]:
    return [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]


def box(center: RGB, size: RGB, color: RGB, taper: float = 1.0) -> Surface:
    """An upright box of full `size`; `taper` scales the top's length and width."""
    corners = []
    for z, scale in ((-0.5, 1.0), (0.5, taper)):
        for y in (-0.5, 0.5):
            for x in (-0.5, 0.5):
                offset = (x * size[0] * scale, y * size[1] * scale, z * size[2])
                corners.append([c + o for c, o in zip(center, offset, strict=True)])
    return surface(corners, quads_to_triangles(list(_BOX_FACES)), color)


def _circle(segments: int) -> npt.NDArray[np.float64]:
    angles = np.arange(segments) * 2.0 * np.pi / segments
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def rod(start: RGB, end: RGB, radius: float, color: RGB, segments: int = 8, end_radius: float | None = None) -> Surface:
    """A round bar between two points, closed at both ends; `end_radius` makes it a cone."""
    a, b = np.array(start), np.array(end)
    axis = (b - a) / max(float(np.linalg.norm(b - a)), 1e-9)
    side = np.cross(axis, [0.0, 0.0, 1.0] if abs(axis[2]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    ring = _circle(segments)
    spread = ring[:, :1] * side + ring[:, 1:] * other
    far = radius if end_radius is None else end_radius
    points = np.concatenate([a + spread * radius, b + spread * far, a[None], b[None]])
    triangles = []
    for i in range(segments):
        j = (i + 1) % segments
        triangles += [(i, j, segments + j), (i, segments + j, segments + i)]
        triangles += [(j, i, 2 * segments), (segments + i, segments + j, 2 * segments + 1)]
    return smooth_surface(points, triangles, color)


def ball(center: RGB, radii: RGB, color: RGB, segments: int = 8, rings: int = 5) -> Surface:
    """An ellipsoid."""
    ring = _circle(segments)
    points = [(0.0, 0.0, -1.0)]
    for row in range(1, rings):
        angle = -np.pi / 2 + np.pi * row / rings
        points += [(x * np.cos(angle), y * np.cos(angle), np.sin(angle)) for x, y in ring]
    points.append((0.0, 0.0, 1.0))
    last = len(points) - 1
    triangles = []
    for i in range(segments):
        j = (i + 1) % segments
        triangles.append((0, 1 + j, 1 + i))
        for row in range(rings - 2):
            a, b = 1 + row * segments, 1 + (row + 1) * segments
            triangles += [(a + i, a + j, b + j), (a + i, b + j, b + i)]
        top = 1 + (rings - 2) * segments
        triangles.append((top + i, top + j, last))
    scaled = np.array(points) * np.array(radii) + np.array(center)
    return smooth_surface(scaled, triangles, color)


def disc(center: RGB, radius: float, color: RGB, segments: int = 14) -> Surface:
    """A disc facing forward (+y), with uvs that span its square."""
    ring = _circle(segments)
    x0, y0, z0 = center
    points = [center, *((x0 - x * radius, y0, z0 + z * radius) for x, z in ring)]
    uvs = [(0.5, 0.5), *((0.5 + x / 2.0, 0.5 + z / 2.0) for x, z in ring)]
    triangles = [(0, 1 + i, 1 + (i + 1) % segments) for i in range(segments)]
    return surface(points, triangles, color, uvs)


def plate(center: RGB, width: float, height: float, color: RGB) -> Surface:
    """An upright rectangle facing forward (+y), uvs 0..1 as read from the front."""
    x, y, z = center
    w, h = width / 2.0, height / 2.0
    points = [(x + w, y, z - h), (x - w, y, z - h), (x - w, y, z + h), (x + w, y, z + h)]
    return surface(points, [(0, 1, 2), (0, 2, 3)], color, [(0, 0), (1, 0), (1, 1), (0, 1)])


def floor_patch(width: float, length: float, z: float = 0.0) -> Surface:
    """A rectangle on the ground, uvs 0..1."""
    w, h = width / 2.0, length / 2.0
    points = [(-w, -h, z), (w, -h, z), (w, h, z), (-w, h, z)]
    return surface(points, [(0, 1, 2), (0, 2, 3)], (1.0, 1.0, 1.0), [(0, 0), (1, 0), (1, 1), (0, 1)])
