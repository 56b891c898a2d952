"""A stranger's OpenDRIVE text made fit to drive in, or refused with the place in the file.

The world is flat and made of lines and arcs, and every client reads the same text as the world: so elevation goes, and
other curves are replaced, before anybody sees it. Limits keep a file from filling the memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import chain, pairwise
from xml.etree import ElementTree as ET

import numpy as np

from sim_bridge.embedded.town.curve_fit import STRAIGHT, fitted
from sim_bridge.embedded.town.curves import Floats, Piece
from sim_bridge.embedded.town.lanes import driving_lanes, lateral
from sim_bridge.embedded.town.lined_xml import place, read
from sim_bridge.embedded.town.markings import is_drawn
from sim_bridge.embedded.town.opendrive import LaneSection, RoadMap, RoadRecord, number, parse
from sim_bridge.embedded.town.references import check_references

MOST_CHARACTERS = 30_000_000
MOST_ROADS = 5_000
MOST_LANE_KM = 300.0
LARGEST_EXTENT_M = 8_000.0
FARTHEST_OUT_M = 50_000.0  # places are 32-bit numbers for clients: 4 mm apart there
TIGHTEST_RADIUS_M = 1.0
WIDEST_LANE_M = 30.0
NARROWEST_DRIVEN_M = 1.0  # somewhere along it; lanes may begin and end with no width
DEEPEST_OVERLAP_M = 0.1  # a cubic that ends a lane may fall short of 0 by its rounding
WIDEST_GAP_M = 1.0  # between two geometries of one road
FARTHEST_ASIDE_M = 100.0
CHECKED_EVERY_M = 5.0
_FLATTENED = ("elevationProfile", "lateralProfile")
# What must not lie before its road's start, and what not beyond its end. Sound files have signals a little beyond.
_NOT_BEFORE = ("signals/signal", "signals/signalReference")
_NOT_AFTER = ("lanes/laneOffset", "objects/object[@type='crosswalk']")
_ORIGIN = re.compile(r"\+(lat_0|lon_0)=(\S*)")


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
    check_references(root)
    _check_origin(root)
    return served


def _flatten(road: ET.Element) -> None:
    for profile in (child for tag in _FLATTENED for child in road.findall(tag)):
        for child in list(profile):
            profile.remove(child)
    for lane in road.iter("lane"):
        if lane.get("id") == "0":
            lane.set("type", "none")
        for height in lane.findall("height"):
            lane.remove(height)


def _straighten(view: ET.Element) -> None:
    """Replace what is neither line nor arc. The rest stays as it was written."""
    for geometry in view.findall("geometry"):
        for arc in geometry.findall("arc"):
            if abs(number(arc, "curvature")) < STRAIGHT:
                # libcarla divides by an arc's curvature.
                arc.tag, arc.attrib = "line", {}
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
    for road in roads.roads.values():
        element = elements[road.road_id]
        for problem in chain(_stated_problems(road, element), _problems(road)):
            raise ValueError(f"{problem}; see {place(element)}")
    lane_km = sum(_driven_km(road) for road in roads.roads.values())
    if not 0.0 < lane_km <= MOST_LANE_KM:
        got = f"{lane_km:.1f} km that are {NARROWEST_DRIVEN_M} m wide or more"
        raise ValueError(f"expected up to {MOST_LANE_KM:.0f} km of driving lanes, got {got}")
    _check_extent(roads)


def _check_origin(root: ET.Element) -> None:
    """Where on Earth the map lies: clients read these two as numbers."""
    for reference in root.iterfind("header/geoReference"):
        for name, value in _ORIGIN.findall(reference.text or ""):
            try:
                float(value)
            except ValueError:
                raise ValueError(f"expected a number for +{name} in {place(reference)}, got {value!r:.40}") from None


def _driven_km(road: RoadRecord) -> float:
    """Of its driving lanes, those that are wide enough somewhere."""
    return sum(
        (end - start) / 1000.0
        for section, start, end, lane in driving_lanes(road)
        if _width(section, road, lane.lane_id, _checked(start, end)).max() >= NARROWEST_DRIVEN_M
    )


def _check_extent(roads: RoadMap) -> None:
    starts = np.array([road.curve.start[:2] for road in roads.roads.values()])
    extent = float(np.ptp(starts, axis=0).max())
    if extent > LARGEST_EXTENT_M:
        far = max(roads.roads.values(), key=lambda road: math.dist(road.curve.start[:2], np.median(starts, axis=0)))
        raise ValueError(f"expected a map of up to {LARGEST_EXTENT_M:.0f} m, got {extent:.0f} m; road {far.road_id}")


def _stated_problems(road: RoadRecord, element: ET.Element) -> Iterator[str]:
    """What a client's own reading of the road falls over, or never comes back from."""
    stated_m, name = number(element, "length"), f"road {road.road_id}"
    if abs(stated_m - road.length) > WIDEST_GAP_M:
        yield f"expected a length of {road.length:.1f} m as its geometry has, {name} says {stated_m:.1f}"
    for tags, earliest_m, latest_m in ((_NOT_BEFORE, 0.0, math.inf), (_NOT_AFTER, -math.inf, stated_m)):
        for item in chain.from_iterable(element.iterfind(tag) for tag in tags):
            if not earliest_m <= (s := number(item, "s")) <= latest_m:
                yield f"expected {place(item)} to lie on {name}, from 0 to {stated_m:.1f} m, got s={s}"


def _problems(road: RoadRecord) -> Iterator[str]:
    """In an order in which each check can trust those before it."""
    name = f"road {road.road_id}"
    if road.length > LARGEST_EXTENT_M:
        yield f"expected roads of up to {LARGEST_EXTENT_M:.0f} m, {name} has {road.length:.0f} m"
    if max(map(abs, road.curve.start[:2])) > FARTHEST_OUT_M:
        x, y = road.curve.start[:2]
        yield f"expected roads within {FARTHEST_OUT_M:.0f} m of the origin, {name} begins at x={x:.0f}, y={y:.0f}"
    for piece in road.curve.pieces:
        if abs(piece.curvature) * TIGHTEST_RADIUS_M > 1.0:
            yield f"expected arcs of {TIGHTEST_RADIUS_M} m or more, {name} has {piece.curvature} 1/m"
    for before, piece in pairwise(road.curve.pieces):
        gap = max(math.dist(before.end[:2], (piece.x, piece.y)), abs(before.s + before.length - piece.s))
        if gap > WIDEST_GAP_M:
            yield f"expected one curve without gaps, {name} has one of {gap:.1f} m at s={piece.s}"
    if road.sections[-1].s >= road.length:
        yield f"expected lane sections within the road, {name} has one at s={road.sections[-1].s}"
    yield from _lane_problems(road)
    drawn = [item for item in road.objects if is_drawn(item)]
    places = [(item.s, item.t) for item in drawn] + [(signal.s, signal.t) for signal in road.signals]
    for s, t in places:
        if max(abs(t), s - road.length, -s) > FARTHEST_ASIDE_M:
            yield f"expected objects and signals beside their road, {name} has one at s={s}, t={t}"
    for item in drawn:
        if not max(item.length, item.width, item.radius) < FARTHEST_ASIDE_M > -min(item.length, item.width):
            yield f"expected objects of up to {FARTHEST_ASIDE_M:.0f} m, {name} has one at s={item.s} that is larger"
    for signal in road.signals:
        if max(abs(signal.pole_t), abs(signal.pole_s - signal.s), abs(signal.height)) > FARTHEST_ASIDE_M:
            yield f"expected a signal's pole near it, signal {signal.signal_id} of {name} has it elsewhere"


def _lane_problems(road: RoadRecord) -> Iterator[str]:
    for section, start, end in road.spans():
        s = _checked(start, end)
        if 0 not in section.lanes:
            yield f"expected a lane 0 in every lane section, road {road.road_id} has none at s={start}"
        for lane in section.lanes.values():
            where = f"lane {lane.lane_id} of road {road.road_id}"
            if lane.kind == "driving" and not lane.widths:
                yield f"expected a <width> for {where}, got none"
            if lane.widths and min(width.s for width in lane.widths) > 0.0:
                yield f"expected a <width> from sOffset=0 on for {where}, got none"
            width = _width(section, road, lane.lane_id, s)
            if not width.max() <= WIDEST_LANE_M:
                yield f"expected lanes of up to {WIDEST_LANE_M} m, {where} is wider"
            if not width.min() >= -DEEPEST_OVERLAP_M:
                yield f"expected lanes of 0 m or more, {where} is {width.min():.1f} m wide"
            if not abs(lateral(section, road, lane.lane_id, s, 1.0)).max() <= FARTHEST_ASIDE_M:
                yield f"expected lanes within {FARTHEST_ASIDE_M:.0f} m of their road's line, {where} is beyond"
            if any(mark.s < 0.0 for mark in lane.marks):
                yield f"expected <roadMark>s from sOffset=0 on for {where}, got one before"
            if any(mark.width > WIDEST_LANE_M for mark in lane.marks):
                yield f"expected lines narrower than lanes, one of {where} is not"


def _checked(start: float, end: float) -> Floats:
    return np.linspace(start, end, math.ceil((end - start) / CHECKED_EVERY_M) + 1)


def _width(section: LaneSection, road: RoadRecord, lane_id: int, s: Floats) -> Floats:
    inner, outer = (lateral(section, road, lane_id, s, share) for share in (0.0, 1.0))
    return outer - inner if lane_id > 0 else inner - outer
