"""The walkable ground of a town as convex polygons that share their corners: sidewalk ribbons joined by crosswalks.

A ribbon is a row of quads between the near and the far edge of a sidewalk, along a street or round a junction's corner.
It gets corners where a crosswalk begins and ends, so that both share an edge. Coordinates here are OpenDRIVE's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim_bridge.embedded.town.crossings import corner, mouths_of, ring_of
from sim_bridge.embedded.town.curves import Floats
from sim_bridge.embedded.town.ground import sidewalk_edges, stations
from sim_bridge.embedded.town.lanes import at
from sim_bridge.embedded.town.opendrive import JunctionRecord, LaneSection, ObjectRecord, RoadMap, RoadRecord

SIDEWALK, CROSSWALK = 1, 2
# Walkers keep their middle this far from walls and kerbs: the client's crowd itself does not.
MARGIN_M = 0.3
_NARROWEST_M = 0.8
_APART_M = 0.25  # street points nearer than this to a crosswalk's edge would make slivers


@dataclass(frozen=True, slots=True)
class Polygon:
    """Three or four corners (N, 2), in order, and what it is."""

    corners: Floats
    area: int


def walkable(roads: RoadMap) -> Iterator[Polygon]:
    for road in roads.roads.values():
        if road.junction >= 0:
            continue
        for section, start, end in road.spans():
            yield from _beside(road, section, start, end)
        yield from _across(road)
    for junction in roads.junctions.values():
        yield from _round(roads, junction)


def _zebras(road: RoadRecord) -> list[tuple[float, float]]:
    """Where along the road each crosswalk begins and ends."""
    return [_reach(item) for item in road.objects if item.type == "crosswalk"]


def _reach(item: ObjectRecord) -> tuple[float, float]:
    return item.s - item.length / 2.0, item.s + item.length / 2.0


def _beside(road: RoadRecord, section: LaneSection, start: float, end: float) -> Iterator[Polygon]:
    s = _with_zebras(stations(road, start, end), _zebras(road), start, end)
    for side in (1, -1):
        inner, outer = sidewalk_edges(road, section, side, s)
        near, far = (at(road, s, t)[:, :2] for t in (inner, outer))
        yield from _ribbon(near, far)


def _with_zebras(s: Floats, zebras: list[tuple[float, float]], start: float, end: float) -> Floats:
    """The stations with a point at every crosswalk's edges and none inside or close to one."""
    kept = set(s.tolist())
    for low, high in zebras:
        if start < low and high < end:
            kept = {value for value in kept if not low - _APART_M < value < high + _APART_M or value in (start, end)}
            kept |= {low, high}
    ordered: Floats = np.array(sorted(kept))
    return ordered


def _across(road: RoadRecord) -> Iterator[Polygon]:
    """A crosswalk runs from one sidewalk's walkable edge to the other's."""
    for low, high in _zebras(road):
        section = road.section_at((low + high) / 2.0)
        s = np.array([low, high])
        edges = []
        for side in (1, -1):
            inner, outer = sidewalk_edges(road, section, side, s)
            near, far = (at(road, s, t)[:, :2] for t in (inner, outer))
            edges.append(_eroded(near, far)[0])
        left, right = edges
        yield Polygon(np.array([left[0], left[1], right[1], right[0]]), CROSSWALK)


def _round(roads: RoadMap, junction: JunctionRecord) -> Iterator[Polygon]:
    """Along the kerb from street to street."""
    mouths, ring = mouths_of(roads, junction), ring_of(roads, junction)
    if len(mouths) < 2:
        return
    for arm, following in zip(mouths, mouths[1:] + mouths[:1], strict=True):
        near, far = (corner(arm, following, which, ring) for which in (0, 1))
        yield from _ribbon(near, far)


def _ribbon(near: Floats, far: Floats) -> Iterator[Polygon]:
    is_wide = np.linalg.norm(far - near, axis=1) >= _NARROWEST_M + 2.0 * MARGIN_M
    near, far = _eroded(near, far)
    for i in range(len(near) - 1):
        if is_wide[i] and is_wide[i + 1]:
            yield Polygon(np.array([near[i], near[i + 1], far[i + 1], far[i]]), SIDEWALK)


def _eroded(near: Floats, far: Floats) -> tuple[Floats, Floats]:
    away = far - near
    step = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9) * MARGIN_M
    return near + step, far - step
