"""A ring of wooded hills around the town, so that streets end in something other than the edge of the world."""

from __future__ import annotations

import math

import numpy as np

from sim_bridge.embedded.contracts import Label
from sim_bridge.embedded.town.curves import Floats
from sim_bridge.embedded.town.sheets import Look, Sheets, strip

HILLS = Look("solid", Label.TERRAIN, chunk_m=400.0)
SEGMENTS = 64
FIRST_RING_M = 70.0  # beyond the corner of the bounds
# Each row: metres beyond the first ring, height, and colour: haze grows with distance.
ROWS: tuple[tuple[float, float, tuple[float, float, float]], ...] = (
    (0.0, 0.0, (0.36, 0.48, 0.26)),
    (40.0, 9.0, (0.35, 0.46, 0.29)),
    (110.0, 24.0, (0.42, 0.52, 0.42)),
    (190.0, 38.0, (0.55, 0.63, 0.62)),
)


def add_hills(sheets: Sheets, bounds: tuple[float, float, float, float]) -> None:
    x_min, y_min, x_max, y_max = bounds
    middle = np.array([(x_min + x_max) / 2, (y_min + y_max) / 2])
    radius = math.hypot(x_max - x_min, y_max - y_min) / 2 + FIRST_RING_M
    angles = np.linspace(0.0, math.tau, SEGMENTS + 1)
    wave = _wave(angles)
    points = np.stack(
        [_ring(middle, angles, radius + out, height * wave) for out, height, _ in ROWS], axis=1
    )  # (SEGMENTS + 1, rows, 3)
    colors = np.broadcast_to(np.array([color for _, _, color in ROWS]), points.shape).reshape(-1, 3)
    flat = points.reshape(-1, 3)
    # Columns run outwards while the ring runs left: turned about, so that the slopes face the town.
    triangles = strip(SEGMENTS + 1, len(ROWS))[:, ::-1]
    normals = np.column_stack([-np.cos(angles), -np.sin(angles), np.full(len(angles), 1.2)])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    sheets.add(HILLS, flat, np.repeat(normals, len(ROWS), axis=0), np.zeros((len(flat), 2)), triangles, colors)


def _ring(middle: Floats, angles: Floats, radius: float, height: Floats) -> Floats:
    return np.column_stack([middle[0] + radius * np.cos(angles), middle[1] + radius * np.sin(angles), height])


def _wave(angles: Floats) -> Floats:
    """Heights around the ring, 0.45 to 1.55, closing where it began."""
    wave: Floats = 1.0 + 0.28 * np.sin(3 * angles + 0.7) + 0.17 * np.sin(7 * angles) + 0.1 * np.sin(16 * angles + 2.0)
    return wave
