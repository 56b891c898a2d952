"""What a staged frame should show, drawn at random: where the car stands, who is around it, what the lights say.

Geometry only: the draw is made on courses and plain bodies, `stage` then puts it into a world.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from model.teacher.lane_walk import Course
from model.teacher.way import along
from model.training.paths import begins_with_bend, headings

LEAD_SHARE = 0.5
LEAD_GAP_M = (3.0, 42.0)
LEAD_STANDS_SHARE = 0.55
# A single picture does not tell how fast a rolling leader is, so staged ones all roll at this speed.
ROLLING_MPS = 5.0
PEDESTRIAN_SHARE = 0.24
PEDESTRIAN_NEAR_SHARE = 0.5
BYSTANDER_SHARE = 0.3
OTHERS = 5
LIGHT_STATES = ("red", "green", "yellow")
LIGHT_SHARES = (0.45, 0.37, 0.18)
EGO_FRONT_M = 2.45
# In a bend or turn a car may be late or early by this much: beside the course, and pointing where it no longer goes.
LATE_SHARE, LATE_M, LATE_DEG = 0.6, 1.5, 30.0
# Offsets are for lanes this wide; in narrower ones the car is put less far aside, down to this share.
WIDE_LANE_M, LEAST_ROOM = 3.5, 0.7
# A car that was told to leave its lanes is about where it was sent, and somewhat askew.
STRAYED_M, STRAYED_DEG = 0.7, 8.0
# Before a sign fewer are ahead, who would hide its plate, and every other time somebody crosses.
LEAD_AT_SIGN_SHARE = 0.2
CROSSING_SHARE = 0.5
CROSSING_MOST = 3

Pose = tuple[float, float, float]  # x, y, yaw in radians, world


@dataclass(frozen=True, slots=True)
class Placed:
    """One actor of a draw: which of the pool, where, and how it moves as far as the labels know."""

    index: int
    pose: Pose
    speed_mps: float = 0.0
    brakes: bool = False
    has_hazard_lights: bool = False


@dataclass(slots=True)
class Arrangement:
    ego: Pose
    vehicles: list[Placed] = field(default_factory=list)
    walkers: list[Placed] = field(default_factory=list)
    things: list[Placed] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A drawn scene: where the navigator leads from the car on, the way that the teacher takes, and who is where.
    `blocked_m`: how far ahead of the car's middle something blocks its lane, negative beside it; `keeps_off_m`: how far
    the front may go while the way round that is not free."""

    route: Course
    way: Course
    made: Arrangement
    blocked_m: float | None = None
    keeps_off_m: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Where a draw is made. `others`: lane poses nearby for more vehicles; `crossing`: those on which one crosses the
    course at a sign that the car comes to; `strayed_m`: how far right of the course the car is, None on its lane."""

    lane_m: float
    others: Sequence[Pose]
    is_before_sign: bool = False
    crossing: Sequence[Pose] = ()
    strayed_m: float | None = None

    @property
    def room(self) -> float:
        return min(1.0, max(LEAST_ROOM, self.lane_m / WIDE_LANE_M))


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """The sizes of the pool's vehicles and things, half length and half width, and how many walkers there are."""

    half_sizes: npt.NDArray[np.float64]  # (N, 2)
    walkers: int
    things: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))


def pose_on(course: npt.NDArray[np.float64], distance_m: float, lateral_m: float = 0.0, turn_rad: float = 0.0) -> Pose:
    """A pose beside a 1 m course, `lateral_m` to its right."""
    k = min(len(course) - 1, max(0, round(distance_m)))
    heading = float(headings(course[max(0, k - 1) : k + 2])[0])
    x, y = course[k]
    return float(x - lateral_m * math.sin(heading)), float(y + lateral_m * math.cos(heading)), heading + turn_rad


def ego_pose(course: npt.NDArray[np.float64], rng: np.random.Generator, setting: Setting) -> Pose:
    """The car on its lane: near the middle, beside it and askew, or half off it, so that the way back can be learnt.

    A driver that never saw itself off the lane goes on straight from where its first small errors took it.
    """
    room = setting.room
    if setting.strayed_m is not None:
        right = setting.strayed_m + rng.uniform(-STRAYED_M, STRAYED_M)
        return pose_on(course, 0.0, right, math.radians(rng.uniform(-STRAYED_DEG, STRAYED_DEG)))
    # Who comes to a sign has not begun to turn there.
    if not setting.is_before_sign and begins_with_bend(course) and rng.random() < LATE_SHARE:
        right = room * rng.uniform(-LATE_M, LATE_M)
        return pose_on(course, 0.0, right, math.radians(rng.uniform(-LATE_DEG, LATE_DEG)))
    draw = rng.random() * (0.6 if setting.is_before_sign else 1.0)
    if draw < 0.3:
        return pose_on(course, 0.0, rng.normal(0.0, 0.15), math.radians(rng.normal(0.0, 1.0)))
    if draw < 0.6:
        return pose_on(course, 0.0, room * rng.uniform(-1.1, 1.1), math.radians(rng.uniform(-10.0, 10.0)))
    return pose_on(course, 0.0, room * rng.uniform(-1.7, 2.8), math.radians(rng.uniform(-12.0, 12.0)))


def _is_free(pose: Pose, half: float, taken: Sequence[tuple[Pose, float]]) -> bool:
    return all(math.hypot(pose[0] - other[0], pose[1] - other[1]) > half + size + 0.5 for other, size in taken)


def arrange(course: npt.NDArray[np.float64], setting: Setting, cast: Cast, rng: np.random.Generator) -> Arrangement:
    """A draw for a car on `course` (world, 1 m, from the car on)."""
    made = Arrangement(ego_pose(course, rng, setting))
    taken: list[tuple[Pose, float]] = [(made.ego, 3.0)]
    order = rng.permutation(len(cast.half_sizes)).tolist()
    if rng.random() < (LEAD_AT_SIGN_SHARE if setting.is_before_sign else LEAD_SHARE):
        _put_leader(made, taken, course, order, cast, rng)
    if setting.crossing and rng.random() < CROSSING_SHARE:
        put_others(made, taken, setting.crossing, int(rng.integers(1, CROSSING_MOST + 1)), order, cast, rng)
    beside = [pose for pose in setting.others if not is_in_the_way(course, pose)]
    put_others(made, taken, beside, int(rng.integers(0, OTHERS + 1)), order, cast, rng)
    put_walkers(made, taken, course, cast, rng)
    return made


def is_in_the_way(course: npt.NDArray[np.float64], pose: Pose) -> bool:
    """Whether a vehicle there would stand on the course."""
    distance, right, _ = along(course, pose[:2])
    return abs(right) < 3.0 and -5.0 < distance < len(course) - 2


def put_others(
    made: Arrangement,
    taken: list[tuple[Pose, float]],
    poses: Sequence[Pose],
    wanted: int,
    order: list[int],
    cast: Cast,
    rng: np.random.Generator,
) -> None:
    """As many of the pool as are `wanted` and find room, on `poses`."""
    for k in rng.permutation(len(poses)).tolist():
        if wanted == 0 or not order:
            return
        half = float(cast.half_sizes[order[-1]][0])
        if _is_free(poses[k], half, taken):
            made.vehicles.append(Placed(order.pop(), poses[k], ROLLING_MPS, bool(rng.random() < 0.25)))
            taken.append((poses[k], half))
            wanted -= 1


def _put_leader(
    made: Arrangement,
    taken: list[tuple[Pose, float]],
    course: npt.NDArray[np.float64],
    order: list[int],
    cast: Cast,
    rng: np.random.Generator,
) -> None:
    index = order.pop()
    half = float(cast.half_sizes[index][0])
    low, high = LEAD_GAP_M
    gap = low + (high - low) * rng.random() ** 1.4
    distance = EGO_FRONT_M + gap + half
    if distance > len(course) - 3:
        return
    pose = pose_on(course, distance, rng.normal(0.0, 0.15), math.radians(rng.normal(0.0, 1.5)))
    stands = bool(rng.random() < LEAD_STANDS_SHARE)
    made.vehicles.append(Placed(index, pose, 0.0 if stands else ROLLING_MPS, stands))
    taken.append((pose, half))


def put_walkers(
    made: Arrangement,
    taken: list[tuple[Pose, float]],
    course: npt.NDArray[np.float64],
    cast: Cast,
    rng: np.random.Generator,
) -> None:
    """One in the way, and some at the roadside who are not."""
    # Whoever it is: a network that has seen one person in the way only knows that person's shirt.
    free = rng.permutation(cast.walkers).tolist()
    if free and rng.random() < PEDESTRIAN_SHARE:
        low, high = (5.0, 15.0) if rng.random() < PEDESTRIAN_NEAR_SHARE else (15.0, 30.0)
        distance = EGO_FRONT_M + rng.uniform(low, high)
        pose = pose_on(course, distance, rng.uniform(-1.8, 1.8), rng.uniform(-math.pi, math.pi))
        if _is_free(pose, 0.3, taken):
            made.walkers.append(Placed(free.pop(), pose, 1.0))
            taken.append((pose, 0.3))
    while free and rng.random() < BYSTANDER_SHARE:
        side = 1.0 if rng.random() < 0.7 else -1.0
        pose = pose_on(course, rng.uniform(4.0, 45.0), side * rng.uniform(5.0, 9.0), rng.uniform(-math.pi, math.pi))
        if _is_free(pose, 0.3, taken) and abs(along(course, pose[:2])[1]) > 4.0:
            made.walkers.append(Placed(free.pop(), pose, 1.0))
            taken.append((pose, 0.3))
