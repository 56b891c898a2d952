"""A stranger's OpenDRIVE text made fit to drive in, or refused with the place in the file.

The world is flat and made of lines and arcs, and every client reads the same text as the world: so elevation goes, and
other curves are replaced, before anybody sees it. Limits keep a file from filling the memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import numpy as np

from sim_bridge.embedded.town.curve_fit import fitted
from sim_bridge.embedded.town.curves import Piece
from sim_bridge.embedded.town.lined_xml import place, read
from sim_bridge.embedded.town.opendrive import RoadMap, RoadRecord, number, parse

MOST_CHARACTERS = 30_000_000
MOST_ROADS = 5_000
MOST_LANE_KM = 300.0
LARGEST_EXTENT_M = 8_000.0
TIGHTEST_RADIUS_M = 1.0
WIDEST_LANE_M = 30.0
_FLATTENED = ("elevationProfile", "lateralProfile")


def fit_to_drive(text: str) -> str:
    """The text to serve. Raises ValueError for what is malformed, enormous or degenerate, naming line or road."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"expected at most {MOST_CHARACTERS:,} characters of OpenDRIVE, got {len(text):,}")
    root = read(text)
    roads = root.findall("road")
    if len(roads) > MOST_ROADS:
        raise ValueError(f"expected at most {MOST_ROADS} roads, got {len(roads)}; the last is {place(roads[-1])}")
    for road in roads:
        _flatten(road)
        for view in road.findall("planView"):
            _straighten(view)
    served = '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")
    _check(parse(served), {int(road.get("id", "-1")): road for road in roads})
    return served


def _flatten(road: ET.Element) -> None:
    for profile in (child for tag in _FLATTENED for child in road.findall(tag)):
        for child in list(profile):
            profile.remove(child)
    for lane in road.iter("lane"):
        for height in lane.findall("height"):
            lane.remove(height)


def _straighten(view: ET.Element) -> None:
    """Replace what is neither line nor arc. The rest stays as it was written."""
    for geometry in view.findall("geometry"):
        if geometry.find("line") is None and geometry.find("arc") is None:
            index = list(view).index(geometry)
            view.remove(geometry)
            for offset, piece in enumerate(fitted(geometry, number)):
                view.insert(index + offset, _written(piece))


def _written(piece: Piece) -> ET.Element:
    values = {"s": piece.s, "x": piece.x, "y": piece.y, "hdg": piece.heading, "length": piece.length}
    geometry = ET.Element("geometry", {name: f"{value:.9f}" for name, value in values.items()})
    if piece.curvature:
        ET.SubElement(geometry, "arc", curvature=f"{piece.curvature:.12g}")
    else:
        ET.SubElement(geometry, "line")
    return geometry


def _check(roads: RoadMap, elements: dict[int, ET.Element]) -> None:
    lane_km = 0.0
    for road in roads.roads.values():
        for problem in _problems(road):
            raise ValueError(f"{problem}; see {place(elements[road.road_id])}")
        lane_km += sum(
            (end - start) / 1000.0
            for section, start, end in road.spans()
            for lane in section.lanes.values()
            if lane.kind == "driving"
        )
    if not 0.0 < lane_km <= MOST_LANE_KM:
        raise ValueError(f"expected up to {MOST_LANE_KM:.0f} km of driving lanes, got {lane_km:.1f} km")
    starts = np.array([road.curve.start[:2] for road in roads.roads.values()])
    extent = float(np.ptp(starts, axis=0).max())
    if extent > LARGEST_EXTENT_M:
        far = max(roads.roads.values(), key=lambda road: math.dist(road.curve.start[:2], np.median(starts, axis=0)))
        raise ValueError(f"expected a map of up to {LARGEST_EXTENT_M:.0f} m, got {extent:.0f} m; road {far.road_id}")


def _problems(road: RoadRecord) -> Iterator[str]:
    if road.length > LARGEST_EXTENT_M:
        yield f"expected roads of up to {LARGEST_EXTENT_M:.0f} m, road {road.road_id} has {road.length:.0f} m"
    for piece in road.curve.pieces:
        if abs(piece.curvature) * TIGHTEST_RADIUS_M > 1.0:
            yield f"expected arcs of {TIGHTEST_RADIUS_M} m or more, road {road.road_id} has {piece.curvature} 1/m"
    if road.sections[-1].s >= road.length:
        yield f"expected lane sections within the road, road {road.road_id} has one at s={road.sections[-1].s}"
    for section in road.sections:
        for lane in section.lanes.values():
            if any(not -WIDEST_LANE_M <= cubic.a <= WIDEST_LANE_M for cubic in lane.widths):
                yield f"expected lanes of up to {WIDEST_LANE_M} m, lane {lane.lane_id} of road {road.road_id} is wider"
            if lane.kind == "driving" and not lane.widths:
                yield f"expected a <width> for lane {lane.lane_id} of road {road.road_id}, got none"
