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
    paved_edge,
    sidewalk_edges,
)
from sim_bridge.embedded.town.lanes import at
from sim_bridge.embedded.town.opendrive import JunctionRecord, RoadMap, RoadRecord
from sim_bridge.embedded.town.sheets import Sheets

CORNER_STEPS = 12


@dataclass(frozen=True, slots=True)
class Mouth:
    """A street's end seen from the junction: its heading away from it, and t of its edges to the left (+) and right."""

    pose: Pose2
    left: tuple[float, float]  # the asphalt's edge, the sidewalk's far edge (the same where there is none)
    right: tuple[float, float]

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
    _add_fan(sheets, np.concatenate(border))


def mouth(road: RoadRecord, end: str) -> Mouth:
    s = 0.0 if end == "start" else road.length
    section = road.section_at(s)
    along = np.array([s])
    x, y, heading = (float(value) for value in at(road, s, 0.0)[0])
    edges = {side: tuple(float(t[0]) for t in sidewalk_edges(road, section, side, along)) for side in (1, -1)}
    left, right = (edges[1][0], edges[1][1]), (edges[-1][0], edges[-1][1])
    assert math.isclose(left[0], float(paved_edge(road, section, 1, along)[0]))
    if end == "start":
        return Mouth((x, y, heading), left, right)
    return Mouth((x, y, wrap(heading + math.pi)), (-right[0], -right[1]), (-left[0], -left[1]))


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
