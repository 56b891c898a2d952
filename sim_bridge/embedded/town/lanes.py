"""Where lanes lie: edges and centres from road records, and what the town tells of them in CARLA's frame.

This file is where OpenDRIVE's frame becomes CARLA's: y and headings change sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.contracts import Pose
from sim_bridge.embedded.town.curves import Floats
from sim_bridge.embedded.town.opendrive import Cubic, Lane, LaneSection, RoadMap, RoadRecord

SAMPLE_M = 2.0
SPAWN_SPACING_M = 18.0
SPAWN_AFTER_START_M = 6.0
# Twelve metres before the stop line, which lies 5.5 m before the end of its road.
SPAWN_BEFORE_END_M = 18.0
SPAWN_HEIGHT_M = 0.4
_SLOPE_OVER_M = 0.05


def lateral(section: LaneSection, road: RoadRecord, lane_id: int, s: npt.ArrayLike, share: float) -> Floats:
    """t of a lane at `s`: share 0 is its edge towards the reference line, 1 the far edge, 0.5 its centre."""
    along = np.atleast_1d(np.asarray(s, dtype=np.float64))
    side = 1 if lane_id > 0 else -1
    t = _polynomial(road.offsets, along)
    for inner in range(1, abs(lane_id)):
        t = t + side * _polynomial(section.lanes[side * inner].widths, along - section.s)
    if lane_id:
        t = t + side * share * _polynomial(section.lanes[lane_id].widths, along - section.s)
    return t


def at(road: RoadRecord, s: npt.ArrayLike, t: npt.ArrayLike) -> Floats:
    """(N, 3) x, y, heading of points `t` to the left of the reference line. OpenDRIVE's frame."""
    poses = road.curve.poses(s)
    aside = np.broadcast_to(np.asarray(t, dtype=np.float64), (len(poses),))
    poses[:, 0] -= aside * np.sin(poses[:, 2])
    poses[:, 1] += aside * np.cos(poses[:, 2])
    return poses


def carla_pose(x: float, y: float, heading: float, z: float = 0.0) -> Pose:
    return Pose(x=float(x), y=-float(y), z=z, yaw=_degrees(-float(np.degrees(heading))))


def driving_lanes(road: RoadRecord) -> Iterator[tuple[LaneSection, float, float, Lane]]:
    for section, start, end in road.spans():
        for lane in section.lanes.values():
            if lane.kind == "driving":
                yield section, start, end, lane


def lane_samples(roads: RoadMap) -> Floats:
    """(N, 7) x, y, yaw_deg along the traffic, limit_kmh, road_id, lane_id, s; CARLA's frame, at most SAMPLE_M apart."""
    rows = []
    for road in roads.roads.values():
        for section, start, end, lane in driving_lanes(road):
            rows.append(_evenly(road, section, lane.lane_id, start, end))
    return np.concatenate(rows)


def _evenly(road: RoadRecord, section: LaneSection, lane_id: int, start: float, end: float) -> Floats:
    """Rows at most SAMPLE_M apart on the lane itself, which is longer than its road on the outside of a bend."""
    steps = max(1, math.ceil((end - start) / SAMPLE_M))
    rows = _sample_rows(road, section, lane_id, np.linspace(start, end, steps + 1))
    while (longest := float(np.linalg.norm(np.diff(rows[:, :2], axis=0), axis=1).max())) > SAMPLE_M:
        steps = math.ceil(steps * longest / SAMPLE_M)
        rows = _sample_rows(road, section, lane_id, np.linspace(start, end, steps + 1))
    return rows


def _sample_rows(road: RoadRecord, section: LaneSection, lane_id: int, s: Floats) -> Floats:
    x, y, heading = at(road, s, lateral(section, road, lane_id, s, 0.5)).T
    yaw = -np.degrees(heading + _turn(section, road, lane_id, s)) + (0.0 if road.runs_along(lane_id) else 180.0)
    yaw = (yaw + 180.0) % 360.0 - 180.0
    ids = np.full_like(s, road.road_id), np.full_like(s, lane_id)
    return np.stack([x, -y, yaw, road.limit_kmh(s), *ids, s], axis=1)


def _turn(section: LaneSection, road: RoadRecord, lane_id: int, s: Floats) -> Floats:
    """How far a lane's centre turns away from its road where widths or the offset change."""
    ahead, behind = (lateral(section, road, lane_id, s + side * _SLOPE_OVER_M, 0.5) for side in (1, -1))
    return np.arctan((ahead - behind) / (2 * _SLOPE_OVER_M))


def spawn_points(roads: RoadMap) -> tuple[Pose, ...]:
    """Starts on every driving lane outside junctions, clear of stop lines, in an order that spreads over the town."""
    streets = [road for road in roads.roads.values() if road.junction < 0]
    rows = [row for road in streets for row in _starts(road)] or [row for road in streets for row in _middles(road)]
    # A fixed shuffle: scripts take the first N points, and N neighbours would be one queue.
    order = np.random.default_rng(0).permutation(len(rows))
    return tuple(
        Pose(x=float(x), y=float(y), z=SPAWN_HEIGHT_M, yaw=_degrees(float(yaw)))
        for x, y, yaw in (rows[index][:3] for index in order)
    )


def _starts(road: RoadRecord) -> Iterator[Floats]:
    for section, start, end, lane in driving_lanes(road):
        along = np.arange(SPAWN_AFTER_START_M, end - start - SPAWN_BEFORE_END_M, SPAWN_SPACING_M)
        s = start + along if road.runs_along(lane.lane_id) else end - along
        yield from _sample_rows(road, section, lane.lane_id, s)


def _middles(road: RoadRecord) -> Iterator[Floats]:
    """Where all streets are too short for starts clear of their ends."""
    for section, start, end, lane in driving_lanes(road):
        yield from _sample_rows(road, section, lane.lane_id, np.array([(start + end) / 2]))


def _polynomial(cubics: tuple[Cubic, ...], s: Floats) -> Floats:
    if not cubics:
        return np.zeros_like(s)
    table = np.array([(c.s, c.a, c.b, c.c, c.d) for c in cubics])
    start, a, b, c, d = table[np.clip(np.searchsorted(table[:, 0], s, side="right") - 1, 0, None)].T
    ds = s - start
    return a + ds * (b + ds * (c + ds * d))  # type: ignore[no-any-return]


def _degrees(yaw: float) -> float:
    """The same angle in [-180, 180)."""
    return (yaw + 180.0) % 360.0 - 180.0
