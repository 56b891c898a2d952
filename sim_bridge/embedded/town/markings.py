"""Paint on the road: lane lines, stop lines, crosswalks. Flat quads in the "marking" layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim_bridge.embedded.contracts import Label
from sim_bridge.embedded.town.curves import Floats
from sim_bridge.embedded.town.ground import stations
from sim_bridge.embedded.town.lanes import at, lateral
from sim_bridge.embedded.town.opendrive import Lane, LaneSection, Mark, ObjectRecord, RoadRecord
from sim_bridge.embedded.town.sheets import Color, Look, Sheets, strip

PAINT = Look("marking", Label.ROAD_LINES)
COLORS: dict[str, Color] = {"standard": (0.93, 0.93, 0.91), "white": (0.93, 0.93, 0.91), "yellow": (0.93, 0.74, 0.16)}
DASH_M = 3.0
GAP_M = 4.5
DOUBLE_LINE_M = 0.18  # from the middle of a double line to the middle of either
ZEBRA_M = 0.5  # a stripe, and the gap beside it
STOP_LINE_MARGIN_M = 0.2
# Convex outlines, counter-clockwise: (share of the length ahead, share of half the width to the left).
_SHAFT = ((0.0, -0.14), (0.45, -0.14), (0.45, 0.14), (0.0, 0.14))
_TO_LEFT = (
    _SHAFT,
    ((0.34, -0.14), (0.45, -0.14), (0.62, 0.45), (0.51, 0.45)),
    ((0.44, 0.36), (0.71, 0.36), (0.61, 1.0)),
)
ARROWS: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "straight": (((0.0, -0.14), (0.7, -0.14), (0.7, 0.14), (0.0, 0.14)), ((0.66, -0.42), (1.0, 0.0), (0.66, 0.42))),
    "left": _TO_LEFT,
    "right": tuple(tuple((ahead, -left) for ahead, left in reversed(outline)) for outline in _TO_LEFT),
}


def add_paint(sheets: Sheets, road: RoadRecord) -> None:
    for section, start, end in road.spans():
        for lane in section.lanes.values():
            for mark, low, high in _spans(lane, start, end):
                _add_line(sheets, road, section, lane.lane_id, mark, low, high)
    for item in road.objects:
        if item.type == "crosswalk":
            _add_zebra(sheets, road, item)
        elif item.subtype == "stop":
            across = np.array(
                [item.t - item.width / 2 + STOP_LINE_MARGIN_M, item.t + item.width / 2 - STOP_LINE_MARGIN_M]
            )
            _add_bar(sheets, road, item.s - item.length / 2, item.s + item.length / 2, across)
        elif item.subtype == "arrow":
            _add_arrow(sheets, road, item)


def is_drawn(item: ObjectRecord) -> bool:
    """Whether an object becomes paint or an island here; whatever else a file names stays a name."""
    return item.type in ("crosswalk", "trafficIsland") or item.subtype in ("stop", "arrow")


def add_line(sheets: Sheets, points: Floats, width: float) -> None:
    """A white line along (N, 2) points."""
    step = np.gradient(points, axis=0)
    aside = np.column_stack([-step[:, 1], step[:, 0]]) / np.linalg.norm(step, axis=1, keepdims=True) * width / 2
    _add_strip(sheets, points - aside, points + aside, COLORS["standard"])


def _spans(lane: Lane, start: float, end: float) -> Iterator[tuple[Mark, float, float]]:
    """Each of a lane's marks with the part of the road it covers."""
    begins = [start + mark.s for mark in lane.marks]
    for mark, low, high in zip(lane.marks, begins, [*begins, end][1:], strict=True):
        if high > low:
            yield mark, low, min(high, end)


def _add_line(
    sheets: Sheets, road: RoadRecord, section: LaneSection, lane_id: int, mark: Mark, low: float, high: float
) -> None:
    color = COLORS.get(mark.color, COLORS["standard"])
    if mark.kind == "broken":
        for begin in np.arange(low + GAP_M / 2, high - DASH_M / 2, DASH_M + GAP_M):
            _add_stroke(sheets, road, section, lane_id, (begin, min(begin + DASH_M, high)), 0.0, mark.width, color)
    elif mark.kind == "solid":
        _add_stroke(sheets, road, section, lane_id, (low, high), 0.0, mark.width, color)
    elif mark.kind == "solid solid":
        for aside in (-DOUBLE_LINE_M, DOUBLE_LINE_M):
            _add_stroke(sheets, road, section, lane_id, (low, high), aside, mark.width, color)


def _add_stroke(
    sheets: Sheets,
    road: RoadRecord,
    section: LaneSection,
    lane_id: int,
    span: tuple[float, float],
    aside: float,
    width: float,
    color: Color,
) -> None:
    s = stations(road, *span)
    middle = lateral(section, road, lane_id, s, 1.0) + aside
    _add_strip(sheets, at(road, s, middle - width / 2)[:, :2], at(road, s, middle + width / 2)[:, :2], color)


def _add_zebra(sheets: Sheets, road: RoadRecord, item: ObjectRecord) -> None:
    stripes = int((item.width - ZEBRA_M) // (2 * ZEBRA_M)) + 1
    first = item.t - (stripes - 1) * ZEBRA_M
    for stripe in range(stripes):
        middle = first + stripe * 2 * ZEBRA_M
        across = np.array([middle - ZEBRA_M / 2, middle + ZEBRA_M / 2])
        _add_bar(sheets, road, item.s - item.length / 2, item.s + item.length / 2, across)


def _add_arrow(sheets: Sheets, road: RoadRecord, item: ObjectRecord) -> None:
    """From its foot at `s` along the traffic, drawn long as drivers see it from low above the road."""
    x, y, heading = at(road, item.s, item.t)[0]
    forward = 1.0 if item.orientation == "+" else -1.0
    c, s = np.cos(heading) * forward, np.sin(heading) * forward
    scale = np.array([item.length, item.width / 2])
    for turn in item.name.split():
        for polygon in ARROWS.get(turn, ()):
            local = np.array(polygon) * scale
            xy = local @ np.array([[c, s], [-s, c]]) + (x, y)
            fan = np.column_stack(
                [np.zeros(len(xy) - 2, dtype=np.int64), np.arange(1, len(xy) - 1), np.arange(2, len(xy))]
            )
            sheets.flat(PAINT, xy, np.zeros_like(xy), fan, COLORS["standard"])


def _add_bar(sheets: Sheets, road: RoadRecord, low: float, high: float, across: Floats) -> None:
    """One painted rectangle, from `low` to `high` along the road and between two t."""
    s = np.array([low, high])
    _add_strip(sheets, at(road, s, across.min())[:, :2], at(road, s, across.max())[:, :2], COLORS["standard"])


def _add_strip(sheets: Sheets, right: Floats, left: Floats, color: Color) -> None:
    xy = np.stack([right, left], axis=1).reshape(-1, 2)
    sheets.flat(PAINT, xy, np.zeros_like(xy), strip(len(right)), color)
