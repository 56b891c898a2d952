"""The ground of junctions: one polygon of asphalt from mouth to mouth with rounded corners, and the corners' sidewalks.

Corners follow the same line-arc-line as a right turn's connector, so the kerb runs parallel to the cars that turn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim_bridge.embedded.town.curves import Floats, Pose2, join, wrap
from sim_bridge.embedded.town.ground import (
    ASPHALT,
    KERB_WIDTH_M,
    add_sidewalk,
    asphalt_uvs,
    outer_edge,
    sidewalk_edges,
)
from sim_bridge.embedded.town.lanes import at
from sim_bridge.embedded.town.markings import add_line
from sim_bridge.embedded.town.opendrive import JunctionRecord, LaneSection, RoadMap, RoadRecord
from sim_bridge.embedded.town.sheets import Sheets

DRIVEN = frozenset({"driving"})
CORNER_STEPS = 12
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


def add_crossing(sheets: Sheets, roads: RoadMap, junction: JunctionRecord) -> None:
    mouths = sorted((mouth(roads.roads[road], end) for road, end in junction.arms), key=lambda m: wrap(m.pose[2]))
    if len(mouths) < 2:
        return
    border: list[Floats] = []
    for arm, following in zip(mouths, mouths[1:] + mouths[:1], strict=True):
        near, far = (_corner(arm.edge("left", which), following.edge("right", which)) for which in (0, 1))
        border.append(near)
        if np.linalg.norm(far - near, axis=1).max() > 2 * KERB_WIDTH_M:
            add_sidewalk(sheets, near, _kerb(near, far), far)
        if arm.has_shoulder("left") and following.has_shoulder("right"):
            add_line(sheets, _corner(arm.edge("left", 2), following.edge("right", 2)), EDGE_LINE_M)
    _add_fan(sheets, np.concatenate(border))


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


def _corner(leaving: Pose2, entering: Pose2) -> Floats:
    """(CORNER_STEPS + 1, 2) points from one mouth's left edge, inwards, round to the next mouth's right edge."""
    inwards = (leaving[0], leaving[1], leaving[2] + math.pi)
    try:
        curve = join(inwards, entering)
    except ValueError:
        # Mouths at odd angles: a straight kerb still closes the polygon.
        return np.linspace(leaving[:2], entering[:2], CORNER_STEPS + 1)
    return curve.poses(np.linspace(0.0, curve.length, CORNER_STEPS + 1))[:, :2]


def _kerb(near: Floats, far: Floats) -> Floats:
    away = far - near
    width = np.linalg.norm(away, axis=1, keepdims=True)
    back: Floats = near + away * (np.minimum(KERB_WIDTH_M, width) / np.maximum(width, 1e-9))
    return back


def _add_fan(sheets: Sheets, border: Floats) -> None:
    """The polygon as triangles around its middle; mouths and rounded corners make it star-shaped."""
    xy = np.vstack([border.mean(axis=0), border])
    ring = np.arange(1, len(xy))
    triangles = np.column_stack([np.zeros_like(ring), ring, np.roll(ring, -1)])
    sheets.flat(ASPHALT, xy, asphalt_uvs(xy), triangles)
