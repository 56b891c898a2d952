"""Moving points between the town's frame and a car's, and a smooth curve through them. Pure functions, any thread.

Both frames are CARLA's: x forward (or the town's x), y right, yaw clockwise seen from above, so the rotation by yaw has
the same matrix as in a right-handed frame seen from below: world = R(yaw) @ ego + position.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sim_bridge.messages import EgoState, Points

Floats = npt.NDArray[np.float64]


def wrapped(angle_rad: float) -> float:
    """The same angle in (-pi, pi]."""
    return math.pi - (math.pi - angle_rad) % (2.0 * math.pi)


def in_world(points_in_ego: npt.ArrayLike, ego: EgoState) -> Floats:
    """(N, 2) metres in the car's frame -> (N, 2) metres in the town."""
    points = np.asarray(points_in_ego, dtype=np.float64).reshape(-1, 2)
    cos, sin = math.cos(ego.yaw_rad), math.sin(ego.yaw_rad)
    x = cos * points[:, 0] - sin * points[:, 1] + ego.x_m
    y = sin * points[:, 0] + cos * points[:, 1] + ego.y_m
    return np.stack([x, y], axis=1)


def in_ego(points_in_world: npt.ArrayLike, ego: EgoState) -> Floats:
    """(N, 2) metres in the town -> (N, 2) metres in the car's frame."""
    points = np.asarray(points_in_world, dtype=np.float64).reshape(-1, 2)
    cos, sin = math.cos(ego.yaw_rad), math.sin(ego.yaw_rad)
    dx, dy = points[:, 0] - ego.x_m, points[:, 1] - ego.y_m
    return np.stack([cos * dx + sin * dy, -sin * dx + cos * dy], axis=1)


def moved(points_in_ego: npt.ArrayLike, was: EgoState, now: EgoState) -> Points:
    """Points seen from the car at `was`, as seen from the car at `now`. (N, 2) metres, float32."""
    return in_ego(in_world(points_in_ego, was), now).astype(np.float32)


def lengths_along(points: npt.ArrayLike) -> Floats:
    """(N,) metres travelled along a polyline at each of its points; the first is 0."""
    steps = np.linalg.norm(np.diff(np.asarray(points, dtype=np.float64), axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def resampled(points: npt.ArrayLike, at_m: npt.ArrayLike) -> Points:
    """Points of a polyline at the given lengths along it (straight between its points, its ends held)."""
    line = np.asarray(points, dtype=np.float64)
    along, at = lengths_along(line), np.asarray(at_m, dtype=np.float64)
    return np.stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])], axis=1).astype(np.float32)


def nearest_on(points: npt.ArrayLike, x: float, y: float) -> tuple[float, float]:
    """Where (x, y) projects on a polyline of at least two points: (metres along it, distance to it in metres)."""
    line = np.asarray(points, dtype=np.float64)
    starts, steps = line[:-1], np.diff(line, axis=0)
    squared = np.maximum((steps**2).sum(axis=1), 1e-12)
    share = np.clip(((np.array([x, y]) - starts) * steps).sum(axis=1) / squared, 0.0, 1.0)
    feet = starts + share[:, None] * steps
    distances = np.hypot(feet[:, 0] - x, feet[:, 1] - y)
    best = int(np.argmin(distances))
    along = lengths_along(line)[best] + share[best] * math.sqrt(squared[best])
    return float(along), float(distances[best])


def pchip(knots: Floats, values: Floats, at: Floats) -> Floats:
    """Shape-preserving cubic through (knots, values) at `at`; knots (N >= 2,) strictly rising, values (N,) or (N, K).

    Slopes as in Fritsch and Butland (1984), ends by the three-point rule: the interpolation SciPy calls PCHIP, which
    SimLingo's lateral controller uses. Straight lines between points one metre apart would cut a 6 m turn by 2 cm.
    """
    h = np.diff(knots)
    values = values.reshape(len(knots), -1)
    slope = np.diff(values, axis=0) / h[:, None]
    tangent = _tangents(h, slope)
    i = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(h) - 1)
    width = h[i][:, None]
    t = ((at - knots[i]) / h[i])[:, None]
    value: Floats = (
        values[i] * (1 + 2 * t) * (1 - t) ** 2
        + values[i + 1] * t**2 * (3 - 2 * t)
        + tangent[i] * width * t * (1 - t) ** 2
        + tangent[i + 1] * width * t**2 * (t - 1)
    )
    return value


def _tangents(h: Floats, slope: Floats) -> Floats:
    """Slopes at the knots: weighted harmonic means inside, zero where the data turns around. (N, K)"""
    if len(h) == 1:
        return np.repeat(slope, 2, axis=0)
    before, after = slope[:-1], slope[1:]
    w1 = (2 * h[1:] + h[:-1])[:, None]
    w2 = (h[1:] + 2 * h[:-1])[:, None]
    same_way = before * after > 0
    harmonic = np.divide(
        (w1 + w2) * before * after, w1 * after + w2 * before, out=np.zeros_like(before), where=same_way
    )
    first = _end_tangent(h[0], h[1], slope[0], slope[1])
    last = _end_tangent(h[-1], h[-2], slope[-1], slope[-2])
    return np.concatenate([first[None], harmonic, last[None]])


def _end_tangent(h0: float, h1: float, s0: Floats, s1: Floats) -> Floats:
    d = ((2 * h0 + h1) * s0 - h0 * s1) / (h0 + h1)
    d = np.where(np.sign(d) != np.sign(s0), 0.0, d)
    return np.where((np.sign(s0) != np.sign(s1)) & (np.abs(d) > 3 * np.abs(s0)), 3 * s0, d)
