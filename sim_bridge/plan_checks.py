"""When a plan may not be followed at all: wrong shapes, NaN, or points no car can reach. Pure functions, any thread."""

from __future__ import annotations

import numpy as np

from sim_bridge.messages import PATH_POINTS, SPEED_INTERVAL_S, SPEED_POINTS, DrivePlan, Points

# Path points are planned one metre apart; a jump of four is not a road.
PATH_JUMP_MAX_M = 4.0
# 45 m/s is 160 km/h, more than any town allows.
SPEED_MAX_MPS = 45.0
# A path starts at the car; half a lane away it belongs to somebody else.
PATH_START_MAX_M = 3.0


def objection(plan: DrivePlan) -> str:
    """A sentence saying why `plan` may not be followed, or "" when it may."""
    for name, points, count in (
        ("path", plan.path_xy_in_ego, PATH_POINTS),
        ("speed", plan.speed_xy_in_ego, SPEED_POINTS),
    ):
        if np.shape(points) != (count, 2):
            return f"The driver's {name} should be {count} points (x, y); it has the shape {np.shape(points)}."
        if not np.isfinite(points).all():
            return f"The driver's {name} holds numbers that are not finite (NaN or infinity)."
    return _jump(plan.path_xy_in_ego) or _speeding(plan.speed_xy_in_ego)


def _jump(path: Points) -> str:
    start_m = float(np.linalg.norm(path[0]))
    if start_m > PATH_START_MAX_M:
        return f"The driver's path starts {start_m:.1f} m from the car; at most {PATH_START_MAX_M:.0f} m is believable."
    jump_m = float(np.linalg.norm(np.diff(path, axis=0), axis=1).max())
    if jump_m > PATH_JUMP_MAX_M:
        return f"The driver's path jumps {jump_m:.1f} m between points that should be 1 m apart."
    return ""


def _speeding(speed: Points) -> str:
    points = np.concatenate([np.zeros((1, 2)), speed])
    fastest = float(np.linalg.norm(np.diff(points, axis=0), axis=1).max() / SPEED_INTERVAL_S)
    if fastest > SPEED_MAX_MPS:
        return f"The driver plans {fastest:.0f} m/s; more than {SPEED_MAX_MPS:.0f} m/s is absurd in a town."
    return ""
