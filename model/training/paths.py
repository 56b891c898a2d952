"""Polylines as the labels need them: joining a lane smoothly from where the car stands, arc lengths, curvature.

Plain numpy on (N, 2) arrays in ego coordinates (x forward, y right, metres). No world, any thread.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Line = npt.NDArray[np.float64]  # (N, 2), N >= 2

# A plan looks 2.5 s ahead; at 20 m/s that is 50 m, so every line is carried on straight to this length.
REACH_M = 60.0


def headings(line: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """(N,) unwrapped directions in radians, positive to the right, central differences inside."""
    points = np.asarray(line, dtype=np.float64)
    step = np.empty_like(points)
    step[1:-1] = points[2:] - points[:-2]
    step[0] = points[1] - points[0]
    step[-1] = points[-1] - points[-2]
    return np.unwrap(np.arctan2(step[:, 1], step[:, 0]))


def prolong(line: npt.ArrayLike, reach_m: float = REACH_M) -> Line:
    """The line with 1 m points added straight on at its end until it has `reach_m` + 1 points."""
    points = np.asarray(line, dtype=np.float64)
    missing = int(reach_m) + 1 - len(points)
    if missing <= 0:
        return points[: int(reach_m) + 1]
    back = points[max(0, len(points) - 4)]
    direction = points[-1] - back
    norm = math.hypot(direction[0], direction[1])
    direction = direction / norm if norm > 1e-6 else np.array([1.0, 0.0])
    return np.vstack([points, points[-1] + direction * np.arange(1, missing + 1)[:, None]])


def respace(line: npt.ArrayLike, spacing_m: float = 1.0) -> Line:
    """The same course with points every `spacing_m` along it, first point kept."""
    points = np.asarray(line, dtype=np.float64)
    steps = np.hypot(np.diff(points[:, 0]), np.diff(points[:, 1]))
    along = np.concatenate([[0.0], np.cumsum(steps + 1e-9)])
    wanted = np.arange(0.0, along[-1] + 1e-6, spacing_m)
    return np.column_stack([np.interp(wanted, along, points[:, 0]), np.interp(wanted, along, points[:, 1])])


def at_distance(line: Line, distance_m: npt.ArrayLike) -> Line:
    """Points of a 1 m line at the given distances along it, (K, 2); beyond either end the end point."""
    index = np.arange(len(line))
    return np.column_stack([np.interp(distance_m, index, line[:, 0]), np.interp(distance_m, index, line[:, 1])])


def offset_of_car(line: npt.ArrayLike) -> tuple[float, float, float]:
    """Where the car (at the origin, heading along x) stands on a line whose point 0 is nearest to it.

    Returns metres ahead of point 0 along the line, metres right of it, and the car's heading against it in radians.
    """
    points = np.asarray(line, dtype=np.float64)
    near = points[min(2, len(points) - 1)] - points[0]
    heading = math.atan2(near[1], near[0])
    tangent = (math.cos(heading), math.sin(heading))
    ahead = -(points[0, 0] * tangent[0] + points[0, 1] * tangent[1])
    right = -(-points[0, 0] * tangent[1] + points[0, 1] * tangent[0])
    return ahead, right, -heading


def join(line: npt.ArrayLike, over_m: float) -> Line:
    """A path from the car onto `line`, tangent to the car at its start and to the line after `over_m`, 1 m points.

    The offset from the line is a cubic Hermite in the distance along it, so one function serves staying in the lane,
    coming back to it, and changing to the next one. (61, 2) or more, first point exactly (0, 0).
    """
    base = prolong(line)
    ahead, right, heading = offset_of_car(base)
    slope = math.tan(max(-1.0, min(1.0, heading)))
    along = np.arange(len(base), dtype=np.float64)
    u = np.clip((along - ahead) / over_m, 0.0, 1.0)
    offset = right * (1.0 - 3.0 * u**2 + 2.0 * u**3) + slope * over_m * (u - 2.0 * u**2 + u**3)
    heading_of_line = headings(base)
    normal = np.column_stack([-np.sin(heading_of_line), np.cos(heading_of_line)])
    moved = base + offset[:, None] * normal
    path = np.vstack([[0.0, 0.0], moved[along > max(ahead, 0.0) + 0.5]])
    return prolong(respace(path))


def curvature(line: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """(N,) curvature in 1/m of a 1 m line, right positive, measured over 4 m so that map noise does not brake a car."""
    heading = headings(line)
    padded = np.concatenate([heading[:1], heading[:1], heading, heading[-1:], heading[-1:]])
    return (padded[4:] - padded[:-4]) / 4.0


# A line that turns by this much over so many metres is a bend, or a turn at a junction.
BEND_OVER_M, BEND_RAD = 12, 0.35


def begins_with_bend(line: npt.ArrayLike) -> bool:
    """Whether a 1 m line bends or turns within its first metres."""
    return bool(np.ptp(headings(np.asarray(line)[: BEND_OVER_M + 1])) > BEND_RAD)


def cornering_speed(line: npt.ArrayLike, lateral_mps2: float, brake_mps2: float) -> npt.NDArray[np.float64]:
    """(N,) fastest speed at each metre so that every curve ahead is entered within `lateral_mps2`.

    The backward pass is v(s)^2 <= v(s')^2 + 2 b (s' - s) for all s' > s, done as one running minimum.
    """
    squared = lateral_mps2 / np.maximum(np.abs(curvature(line)), 1e-4)
    ramp = 2.0 * brake_mps2 * np.arange(len(squared))
    return np.sqrt(np.minimum.accumulate((squared + ramp)[::-1])[::-1] - ramp)
