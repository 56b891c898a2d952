"""Which points of a town lie on which flat layer: what a wheel stands on."""

from __future__ import annotations

import numpy as np

from sim_bridge.embedded.contracts import Town


def flat_triangles(town: Town, layer: str) -> np.ndarray:
    """(M, 3, 2)"""
    return np.concatenate([m.vertices[m.triangles][:, :, :2] for m in town.meshes if m.layer == layer]).astype(float)


def covered(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Which of (N, 2) points lie in some triangle, borders counted with a millimetre to spare."""
    order = np.argsort(points[:, 0])
    ordered = points[order]
    covered = np.zeros(len(points), dtype=bool)
    for corners in triangles:
        low, high = corners.min(axis=0) - 1e-3, corners.max(axis=0) + 1e-3
        first, last = np.searchsorted(ordered[:, 0], (low[0], high[0]))
        near = ordered[first:last]
        a, b, c = corners
        if abs(_cross(b - a, c - a)) < 1e-6:
            continue
        sides = np.stack([_cross(b - a, near - a), _cross(c - b, near - b), _cross(a - c, near - c)])
        sides *= np.sign(_cross(b - a, c - a))
        covered[order[first:last]] |= (sides > -1e-2).all(axis=0)
    return covered


def _cross(edge: np.ndarray, points: np.ndarray) -> np.ndarray:
    return edge[..., 0] * points[..., 1] - edge[..., 1] * points[..., 0]


def lane_width_points(town: Town, half_width: float) -> np.ndarray:
    x, y, yaw = town.lane_samples[:, 0], town.lane_samples[:, 1], np.radians(town.lane_samples[:, 2])
    return np.concatenate(
        [np.column_stack([x - t * np.sin(yaw), y + t * np.cos(yaw)]) for t in np.linspace(-half_width, half_width, 5)]
    )
