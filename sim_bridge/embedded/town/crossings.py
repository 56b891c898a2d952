"""The ground of junctions: one polygon of asphalt from mouth to mouth with rounded corners, and the corners' sidewalks.

Corners follow the same line-arc-line as a right turn's connector, so the kerb runs parallel to the cars that turn. At a
roundabout they follow the ring instead, and an island lies in the middle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.town.curves import Curve, Floats, Point2, Pose2, around, join, wrap
from sim_bridge.embedded.town.ground import (
    ASPHALT,
    KERB_WIDTH_M,
    add_carriageway,
    add_island,
    add_sidewalk,
    asphalt_uvs,
    outer_edge,
    sidewalk_edges,
)
from sim_bridge.embedded.town.lanes import at, driving_lanes, lateral
from sim_bridge.embedded.town.markings import add_line
from sim_bridge.embedded.town.opendrive import JunctionRecord, LaneSection, RoadMap, RoadRecord
from sim_bridge.embedded.town.sheets import Ints, Sheets

DRIVEN = frozenset({"driving", "parking"})
CORNER_STEPS = 12
COVER_STEPS = 12
PIECE_STEPS = 8  # points along each bend of a roundabout's kerb
EDGE_LINE_M = 0.18  # wide; it goes on along the flat side of a T


@dataclass(frozen=True, slots=True)
class Mouth:
    """A street's end seen from the junction: its heading away from it, and t of its edges to the left (+) and right."""

    pose: Pose2
    left: tuple[float, float, float]  # edges of the asphalt, of the sidewalk (the asphalt's without one), of the lanes
    right: tuple[float, float, float]

    def has_shoulder(self, side: str) -> bool:
        asphalt, _, lanes = self.left if side == "left" else self.right
        return abs(asphalt) > abs(lanes) + 0.1

    def edge(self, side: str, which: int) -> Pose2:
        x, y, heading = self.pose
        t = (self.left if side == "left" else self.right)[which]
        return x - t * math.sin(heading), y + t * math.cos(heading), heading


@dataclass(frozen=True, slots=True)
class Ring:
    """A roundabout: `island_m` is its island's radius, `outer_m` where its asphalt ends."""

    centre: Point2
    island_m: float
    outer_m: float


def add_crossing(
    sheets: Sheets, roads: RoadMap, junction: JunctionRecord, wider_m: float = 0.0, is_joined: bool = True
) -> None:
    """Every road over it is `wider_m` wider on both sides. Without `is_joined` their asphalt is all there is."""
    if wider_m or not is_joined:
        for road in junction.connectors:
            add_carriageway(sheets, roads.roads[road], wider_m)
    if is_joined:
        _add_joined(sheets, roads, junction)


def _add_joined(sheets: Sheets, roads: RoadMap, junction: JunctionRecord) -> None:
    mouths, ring = mouths_of(roads, junction), ring_of(roads, junction)
    around = list(zip(mouths, mouths[1:] + mouths[:1], strict=True))
    kerbs = [corner(arm, following, 0, ring) for arm, following in around]
    connectors = [roads.roads[road] for road in junction.connectors]
    xy = np.vstack([np.mean(np.concatenate(kerbs), axis=0), *kerbs]) if kerbs else np.zeros((1, 2))
    triangles = _triangles(xy) if len(mouths) > 1 else None
    if triangles is None or not _covers(xy[1:], connectors):
        # Not a crossing as ours are: every road lays its own asphalt.
        for road in connectors:
            add_carriageway(sheets, road)
        return
    for (arm, following), near in zip(around, kerbs, strict=True):
        far = corner(arm, following, 1, ring)
        if np.linalg.norm(far - near, axis=1).max() > 2 * KERB_WIDTH_M:
            add_sidewalk(sheets, near, _kerb(near, far), far)
        if arm.has_shoulder("left") and following.has_shoulder("right"):
            add_line(sheets, corner(arm, following, 2, ring), EDGE_LINE_M)
    sheets.flat(ASPHALT, xy, asphalt_uvs(xy), triangles)
    if ring is not None:
        add_island(sheets, ring.centre, ring.island_m)


def _covers(border: Floats, connectors: list[RoadRecord]) -> bool:
    """Whether a polygon has all lanes over the junction in it, but for a hand's breadth at their edges."""
    points = [
        at(road, s, lateral(section, road, lane.lane_id, s, share))[:, :2]
        for road in connectors
        for section, start, end, lane in driving_lanes(road)
        for s in [np.linspace(start, end, COVER_STEPS)[1:-1]]
        for share in (0.1, 0.9)
    ]
    return not points or bool(_inside(border, np.concatenate(points)).all())


def _inside(border: Floats, points: Floats) -> npt.NDArray[np.bool_]:
    """Even-odd rule: how many edges a ray towards +x meets."""
    (x0, y0), (x1, y1) = border.T[:, :, None], np.roll(border, -1, axis=0).T[:, :, None]
    x, y = points.T
    spans = (y0 > y) != (y1 > y)
    meets = spans & (x < x0 + (y - y0) / np.where(y1 == y0, 1.0, y1 - y0) * (x1 - x0))
    odd: npt.NDArray[np.bool_] = meets.sum(axis=0) % 2 == 1
    return odd


def mouths_of(roads: RoadMap, junction: JunctionRecord) -> list[Mouth]:
    """Counter-clockwise, as `corner` wants two that follow each other."""
    return sorted((mouth(roads.roads[road], end) for road, end in junction.arms), key=lambda m: wrap(m.pose[2]))


def ring_of(roads: RoadMap, junction: JunctionRecord) -> Ring | None:
    """The roundabout that this junction is: one of its roads carries the island as an object."""
    for road in (roads.roads[road_id] for road_id in junction.connectors):
        for item in road.objects:
            if item.type == "trafficIsland" and item.radius > 0:
                x, y, _ = (float(value) for value in at(road, item.s, item.t)[0])
                lane = lateral(road.section_at(item.s), road, -1, item.s, 1.0)
                margin = abs(item.t) - item.radius
                return Ring((x, y), item.radius, abs(item.t) + abs(float(lane[0])) + margin)
    return None


def mouth(road: RoadRecord, end: str) -> Mouth:
    s = 0.0 if end == "start" else road.length
    section = road.section_at(s)
    along = np.array([s])
    x, y, heading = (float(value) for value in at(road, s, 0.0)[0])
    left, right = (_edges(road, section, side, along) for side in (1, -1))
    if end == "start":
        return Mouth((x, y, heading), left, right)
    return Mouth((x, y, wrap(heading + math.pi)), _mirrored(right), _mirrored(left))


def _edges(road: RoadRecord, section: LaneSection, side: int, s: Floats) -> tuple[float, float, float]:
    asphalt, sidewalk = sidewalk_edges(road, section, side, s)
    lanes = outer_edge(road, section, side, s, DRIVEN)
    return float(asphalt[0]), float(sidewalk[0]), float(lanes[0])


def _mirrored(edges: tuple[float, float, float]) -> tuple[float, float, float]:
    return -edges[0], -edges[1], -edges[2]


def corner(arm: Mouth, following: Mouth, which: int, ring: Ring | None = None) -> Floats:
    """(N, 2) points from one mouth's left edge, inwards, round to the next mouth's right edge.

    `which` picks the edge: 0 the asphalt's, 1 the sidewalk's, 2 the lanes'. Rows of several edges belong together.
    """
    leaving, entering = arm.edge("left", which), following.edge("right", which)
    inwards = (leaving[0], leaving[1], leaving[2] + math.pi)
    try:
        if ring is not None:
            beyond = abs(arm.left[which]) - abs(arm.left[0])
            return _along_pieces(around(inwards, entering, ring.centre, ring.outer_m + beyond))
        curve = join(inwards, entering)
    except ValueError:
        # Mouths at odd angles: a straight kerb still closes the polygon.
        return np.linspace(leaving[:2], entering[:2], CORNER_STEPS + 1)
    return curve.poses(np.linspace(0.0, curve.length, CORNER_STEPS + 1))[:, :2]


def _along_pieces(curve: Curve) -> Floats:
    """The same number of points on every piece: concentric curves keep their rows side by side."""
    s = [np.linspace(p.s, p.s + p.length, PIECE_STEPS, endpoint=False) for p in curve.pieces]
    return curve.poses(np.concatenate([*s, [curve.length]]))[:, :2]


def _kerb(near: Floats, far: Floats) -> Floats:
    away = far - near
    width = np.linalg.norm(away, axis=1, keepdims=True)
    back: Floats = near + away * (np.minimum(KERB_WIDTH_M, width) / np.maximum(width, 1e-9))
    return back


def _triangles(xy: Floats) -> Ints | None:
    """Triangles around the middle, which is the first point, where all other points are seen from there.

    Else ears are cut off the polygon one by one. None for a border that crosses itself.
    """
    ring = np.arange(1, len(xy))
    fan: Ints = np.column_stack([np.zeros_like(ring), ring, np.roll(ring, -1)])
    if all(_area(*xy[corners]) >= -1e-6 for corners in fan):
        return fan
    return _ears(xy, ring.tolist())


def _ears(xy: Floats, ring: list[int]) -> Ints | None:
    """Counter-clockwise triangles over a simple polygon, `ring` its corners counter-clockwise."""
    found = []
    while len(ring) > 2:
        corners = list(zip(ring[-1:] + ring[:-1], ring, ring[1:] + ring[:1], strict=True))
        ears = [ear for ear in corners if _is_ear(xy, ear, ring)]
        if not ears:
            return None
        sharpest = max(ears, key=lambda ear: _area(*xy[list(ear)]))
        found.append(sharpest)
        ring.remove(sharpest[1])
    return np.array(found)


def _is_ear(xy: Floats, ear: tuple[int, int, int], ring: list[int]) -> bool:
    a, b, c = xy[list(ear)]
    if _area(a, b, c) < 0:
        return False
    others = (xy[index] for index in ring if index not in ear)
    return not any(min(_area(a, b, p), _area(b, c, p), _area(c, a, p)) > 1e-9 for p in others)


def _area(a: Floats, b: Floats, c: Floats) -> float:
    """Twice the triangle's area, positive for a turn to the left."""
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
