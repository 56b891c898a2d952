"""Walks over the town's lanes with `carla.Map`: routes ahead, neighbouring lanes, the ways through the next junction.

Needs the map only, no server: `carla.Map(name, opendrive)` is enough. Everything it returns is in world metres; one
instance per thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import carla
import numpy as np
import numpy.typing as npt

STEP_M = 1.0
# A way through a junction that bends by less than this goes straight on.
STRAIGHT_WITHIN_DEG = 30.0

Choice = Callable[[Sequence[Any]], Any]  # picks one of several waypoints


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A line along lanes, one point a metre, in the world: x, y, and whether each point lies in a junction."""

    xy: npt.NDArray[np.float64]  # (N, 2)
    in_junction: npt.NDArray[np.bool_]  # (N,)
    first: Any  # the carla.Waypoint of point 0


def turn_of(entry: Any, steps: int = 60) -> str:
    """Where a connecting lane leads: "left", "right" or "straight", by its change of heading to the junction's end."""
    begin = entry.transform.rotation.yaw
    waypoint = entry
    for _ in range(steps):
        following = waypoint.next(STEP_M)
        if not following or not following[0].is_junction:
            break
        waypoint = following[0]
    bend = (waypoint.transform.rotation.yaw - begin + 180.0) % 360.0 - 180.0
    if abs(bend) < STRAIGHT_WITHIN_DEG:
        return "straight"
    return "right" if bend > 0.0 else "left"


def first_of(choices: Sequence[Any]) -> Any:
    return choices[0]


def walk(start: Any, length_m: float, choose: Choice = first_of) -> Course:
    """Follow the lane from `start`; where it forks, `choose` says which way. Ends early where the road does."""
    points, junction = [], []
    waypoint = start
    for _ in range(int(length_m / STEP_M) + 1):
        location = waypoint.transform.location
        points.append((location.x, location.y))
        junction.append(waypoint.is_junction)
        following = waypoint.next(STEP_M)
        if not following:
            break
        waypoint = following[0] if len(following) == 1 else choose(following)
    return evenly(np.array(points), np.array(junction, dtype=bool), start)


def evenly(xy: npt.NDArray[np.float64], junction: npt.NDArray[np.bool_], first: Any) -> Course:
    """Points one metre apart on the lane itself: the map steps along the road's middle, which a bend makes unequal."""
    if len(xy) < 2:
        return Course(xy, junction, first)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T) + 1e-9)])
    wanted = np.arange(0.0, along[-1] + 1e-6, STEP_M)
    nearest = np.clip(np.searchsorted(along, wanted - 0.5 * STEP_M), 0, len(xy) - 1)
    return Course(
        np.column_stack([np.interp(wanted, along, xy[:, 0]), np.interp(wanted, along, xy[:, 1])]),
        junction[nearest],
        first,
    )


def choose_turn(turn: str) -> Choice:
    """Take the way that goes `turn` where there is one, else the first."""

    def choose(choices: Sequence[Any]) -> Any:
        return next((entry for entry in choices if turn_of(entry) == turn), choices[0])

    return choose


def junction_entry(start: Any, within_m: float) -> tuple[Any, int] | None:
    """The last waypoint before the next junction on this lane, and how many metres ahead it is. None beyond `within_m`.

    None too when `start` is inside a junction: its way through is settled.
    """
    waypoint = start
    if waypoint.is_junction:
        return None
    for metres in range(int(within_m)):
        following = waypoint.next(STEP_M)
        if not following:
            return None
        if any(entry.is_junction for entry in following):
            return waypoint, metres
        waypoint = following[0]
    return None


def neighbour(waypoint: Any, side: str) -> Any | None:
    """The driving lane of the same direction on that side, None where there is none."""
    beside = waypoint.get_left_lane() if side == "left" else waypoint.get_right_lane()
    if beside is None or beside.lane_type != carla.LaneType.Driving or beside.lane_id * waypoint.lane_id < 0:
        return None
    return beside


def has_oncoming_left(waypoint: Any) -> bool:
    beside = waypoint.get_left_lane()
    return beside is not None and beside.lane_type == carla.LaneType.Driving and beside.lane_id * waypoint.lane_id < 0


# Nobody crosses more lanes than this to get to the other side of the road.
MOST_LANES = 6


def oncoming_m(waypoint: Any) -> float | None:
    """Metres to the left, to the middle of the nearest driving lane of the other direction; None without one."""
    return _metres_to(waypoint, "left", lambda lane: lane.lane_id * waypoint.lane_id < 0 and _is_driving(lane))


def sidewalk_m(waypoint: Any) -> float | None:
    """Metres to the right, to the middle of the sidewalk; None without one."""
    return _metres_to(waypoint, "right", lambda lane: lane.lane_type == carla.LaneType.Sidewalk)


def _is_driving(waypoint: Any) -> bool:
    return bool(waypoint.lane_type == carla.LaneType.Driving)


def _metres_to(start: Any, side: str, is_it: Callable[[Any], bool]) -> float | None:
    lane = start
    for _ in range(MOST_LANES):
        # Past the road's middle a lane's own left is towards the car again.
        towards = side if lane.lane_id * start.lane_id > 0 else {"left": "right", "right": "left"}[side]
        lane = lane.get_left_lane() if towards == "left" else lane.get_right_lane()
        if lane is None:
            return None
        if is_it(lane):
            return float(start.transform.location.distance(lane.transform.location))
    return None


def may_change(waypoint: Any, side: str) -> bool:
    """Whether the marking on that side allows a change."""
    wanted = carla.LaneChange.Left if side == "left" else carla.LaneChange.Right
    return waypoint.lane_change in (wanted, carla.LaneChange.Both)


def turns_ahead(start: Any, length_m: float, within_m: float = 45.0) -> dict[str, Course]:
    """The ways through the next junction, from the car's lane or, where that has none, from a neighbour it may use."""
    found: dict[str, Course] = {}
    for lane in (start, neighbour(start, "left"), neighbour(start, "right")):
        reached = junction_entry(lane, within_m) if lane is not None else None
        if reached is None:
            continue
        for entry in reached[0].next(STEP_M):
            turn = turn_of(entry)
            if turn not in found:
                found[turn] = walk(lane, length_m, choose_turn(turn))
    return found


def route_turn(course: Course) -> str:
    """Where the course goes at its first junction, judged by its own bend; "" where it meets none."""
    inside = np.flatnonzero(course.in_junction)
    if len(inside) == 0:
        return ""
    # 1. The first run of junction points; 2. its change of heading, with a metre before and after.
    gaps = np.flatnonzero(np.diff(inside) > 1)
    last = inside[gaps[0]] if len(gaps) else inside[-1]
    first = max(0, inside[0] - 1)
    last = min(len(course.xy) - 2, last + 1)
    if last <= first:
        return "straight"
    begin, end = course.xy[first + 1] - course.xy[first], course.xy[last + 1] - course.xy[last]
    bend = math.degrees(math.atan2(begin[0] * end[1] - begin[1] * end[0], float(begin @ end)))
    if abs(bend) < STRAIGHT_WITHIN_DEG:
        return "straight"
    return "right" if bend > 0.0 else "left"


def along_route(town_map: Any, points_xy: npt.ArrayLike) -> Course:
    """A navigator's dense route, one point a metre, as a course: each point is looked up on the map for junctions."""
    xy = np.asarray(points_xy, dtype=np.float64)
    waypoints = [town_map.get_waypoint(carla.Location(x=float(x), y=float(y))) for x, y in xy]
    inside = [waypoint is not None and waypoint.is_junction for waypoint in waypoints]
    return Course(xy, np.array(inside, dtype=bool), waypoints[0])
