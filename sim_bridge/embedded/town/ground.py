"""Flat ground: grass, the asphalt of streets, sidewalks with their kerbs. Junctions are in `crossings`.

Every layer lies at z = 0 and is told apart by the painter's order, so neighbours share their border points exactly and
nothing shows through.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sim_bridge.embedded.contracts import Label
from sim_bridge.embedded.town.curves import Floats, Piece, Point2
from sim_bridge.embedded.town.lanes import at, lateral
from sim_bridge.embedded.town.opendrive import LaneSection, RoadRecord
from sim_bridge.embedded.town.sheets import Color, Look, Sheets, strip

GRASS = Look("terrain", Label.TERRAIN, "grass", chunk_m=256.0)
ASPHALT = Look("road", Label.ROADS, "asphalt")
PAVEMENT = Look("pavement", Label.SIDEWALKS, "pavement")
BED = Look("pavement", Label.TERRAIN, "grass")
KERB = Look("pavement", Label.SIDEWALKS)

TILE_M = 4.0  # one texture repeat
GRASS_CELL_M = 64.0  # a cell begins at repeat 0: software renderers lose precision far from it
KERB_WIDTH_M = 0.25
KERB_COLOR: Color = (0.74, 0.73, 0.70)
PAVED = frozenset({"driving", "shoulder", "parking", "biking", "stop", "restricted", "bidirectional"})
ISLAND_SIDES = 40
LONGEST_STEP_M = 16.0
TAPER_STEP_M = 2.0  # where a lane's width or offset is no straight line
SAGITTA_M = 0.01  # how far a strip's straight edge may cut a bend


def add_grass(sheets: Sheets, bounds: tuple[float, float, float, float], margin_m: float) -> None:
    """Cells of grass over `bounds` (x_min, y_min, x_max, y_max, OpenDRIVE's frame) and `margin_m` around."""
    x_min, y_min, x_max, y_max = bounds
    repeats = GRASS_CELL_M / TILE_M
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    for x in np.arange(x_min - margin_m, x_max + margin_m, GRASS_CELL_M):
        for y in np.arange(y_min - margin_m, y_max + margin_m, GRASS_CELL_M):
            corners = square * GRASS_CELL_M + (x, y)
            sheets.flat(GRASS, corners, square * repeats, np.array([[0, 1, 2], [0, 2, 3]]))


def add_carriageway(sheets: Sheets, road: RoadRecord, wider_m: float = 0.0) -> None:
    """The asphalt of a road over a junction, without sidewalks: those would lie across other roads."""
    for section, start, end in road.spans():
        _add_lanes(sheets, road, section, stations(road, start, end), wider_m)


def _add_lanes(sheets: Sheets, road: RoadRecord, section: LaneSection, s: Floats, wider_m: float = 0.0) -> None:
    left, right = (outer_edge(road, section, side, s, PAVED) + side * wider_m for side in (1, -1))
    add_asphalt(sheets, at(road, s, right)[:, :2], at(road, s, left)[:, :2])


def add_street(sheets: Sheets, road: RoadRecord) -> None:
    for section, start, end in road.spans():
        s = stations(road, start, end)
        _add_lanes(sheets, road, section, s)
        for side in (1, -1):
            inner, outer = sidewalk_edges(road, section, side, s)
            if np.any(outer != inner):
                _add_street_sidewalk(sheets, road, s, inner, outer)
    for item in road.objects:
        if item.type == "trafficIsland" and item.radius > 0:
            x, y, _ = (float(value) for value in at(road, item.s, item.t)[0])
            add_island(sheets, (x, y), item.radius)


def _add_street_sidewalk(sheets: Sheets, road: RoadRecord, s: Floats, inner: Floats, outer: Floats) -> None:
    kerb = inner + np.sign(outer - inner) * KERB_WIDTH_M
    near, middle, far = (at(road, s, t)[:, :2] for t in (inner, kerb, outer))
    add_sidewalk(sheets, near, middle, far)


def add_asphalt(sheets: Sheets, right: Floats, left: Floats) -> None:
    """A strip between two rows of (N, 2) points, right edge first. Texture lies still in the world: no seams."""
    xy = np.stack([right, left], axis=1).reshape(-1, 2)
    sheets.flat(ASPHALT, xy, asphalt_uvs(xy), strip(len(right)))


def asphalt_uvs(xy: Floats) -> Floats:
    """Repeats counted from a nearby whole one, so that they stay small."""
    uvs: Floats = (xy - np.floor(xy[:1] / TILE_M) * TILE_M) / TILE_M
    return uvs


def add_island(sheets: Sheets, centre: Point2, radius: float) -> None:
    """A round bed of grass with a kerb, on top of the asphalt."""
    angles = np.linspace(0.0, math.tau, ISLAND_SIDES + 1)
    rim, bed = (
        np.column_stack([np.cos(angles), np.sin(angles)]) * reach + centre for reach in (radius, radius - KERB_WIDTH_M)
    )
    kerb = np.stack([rim, bed], axis=1).reshape(-1, 2)
    sheets.flat(KERB, kerb, np.zeros_like(kerb), strip(len(rim)), KERB_COLOR)
    ring = np.arange(1, len(bed))
    fan = np.column_stack([np.zeros_like(ring), ring, ring + 1])
    disc = np.vstack([np.array([centre]), bed])
    sheets.flat(BED, disc, asphalt_uvs(disc), fan)


def add_sidewalk(sheets: Sheets, near: Floats, kerb: Floats, far: Floats) -> None:
    """Rows of (N, 2) points: the road's edge, the kerb's back, the far edge. Works for either side of a road."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(near, axis=0), axis=1))]) / TILE_M
    across = np.linalg.norm(far - kerb, axis=1) / TILE_M
    for look, inner, outer, width, color in (
        (KERB, near, kerb, np.zeros_like(across), KERB_COLOR),
        (PAVEMENT, kerb, far, across, (1.0, 1.0, 1.0)),
    ):
        right, left = (inner, outer) if _lies_left(near, far) else (outer, inner)
        v_right, v_left = (np.zeros_like(width), width) if right is inner else (width, np.zeros_like(width))
        xy = np.stack([right, left], axis=1).reshape(-1, 2)
        uvs = np.stack([np.column_stack([along, v_right]), np.column_stack([along, v_left])], axis=1).reshape(-1, 2)
        sheets.flat(look, xy, uvs, strip(len(right)), color)


def _lies_left(near: Floats, far: Floats) -> bool:
    index = int(np.argmax(np.linalg.norm(far - near, axis=1)))
    step = near[min(index + 1, len(near) - 1)] - near[max(index - 1, 0)]
    aside = far[index] - near[index]
    return bool(step[0] * aside[1] - step[1] * aside[0] > 0)


def outer_edge(road: RoadRecord, section: LaneSection, side: int, s: Floats, kinds: frozenset[str]) -> Floats:
    """t past the last lane of these kinds on one side (+1 left, -1 right), counted from the middle without a gap."""
    reach = 0
    while (lane := section.lanes.get(side * (reach + 1))) is not None and lane.kind in kinds:
        reach += 1
    return lateral(section, road, side * reach, s, 1.0)


def sidewalk_edges(road: RoadRecord, section: LaneSection, side: int, s: Floats) -> tuple[Floats, Floats]:
    """Inner and outer t of the sidewalk on one side, both on the asphalt's edge where there is none."""
    ids = [lane.lane_id for lane in section.lanes.values() if lane.kind == "sidewalk" and lane.lane_id * side > 0]
    inner = outer_edge(road, section, side, s, PAVED)
    if not ids:
        return inner, inner
    return inner, lateral(section, road, max(ids, key=abs), s, 1.0)


def stations(road: RoadRecord, start: float, end: float) -> Floats:
    """Distances along a road at which its strips get points: dense in bends, and at every piece's ends."""
    marks = {start, end}
    for piece in road.curve.pieces:
        low, high = max(piece.s, start), min(piece.s + piece.length, end)
        if high > low:
            marks.update(np.linspace(low, high, int(np.ceil((high - low) / _step(road, piece))) + 1).tolist())
    marks.update(_tapers(road, start, end))
    s: Floats = np.array(sorted(marks))
    distinct: Floats = s[np.concatenate([[True], np.diff(s) > 1e-6])]
    return distinct


def _step(road: RoadRecord, piece: Piece) -> float:
    fine = math.sqrt(8 * SAGITTA_M / max(abs(piece.curvature), 1e-9))
    if piece.curvature and road.vertex_distance_m:
        fine = road.vertex_distance_m
    return min(LONGEST_STEP_M, fine)


def _tapers(road: RoadRecord, start: float, end: float) -> Iterator[float]:
    """Where a width or the lanes' offset changes, and points along it where it is no straight line."""
    section = road.section_at(start)
    cubics = [(cubic.s, cubic) for cubic in road.offsets]
    cubics += [(section.s + cubic.s, cubic) for lane in section.lanes.values() for cubic in lane.widths]
    for begin, cubic in cubics:
        if start < begin < end:
            yield begin
        if cubic.c or cubic.d:
            low = min(max(begin, start), end)
            steps = math.ceil((end - low) / (road.vertex_distance_m or TAPER_STEP_M))
            yield from np.linspace(low, end, steps + 1).tolist()
