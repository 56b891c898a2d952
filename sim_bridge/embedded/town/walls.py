"""Walls along a stranger's roads, which keep cars from leaving them: to see and to bump into. OpenDRIVE's frame."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.contracts import Label, StaticBox
from sim_bridge.embedded.town.curves import Floats
from sim_bridge.embedded.town.ground import sidewalk_edges, stations
from sim_bridge.embedded.town.lanes import at, driving_lanes, lateral
from sim_bridge.embedded.town.opendrive import LaneSection, RoadMap, RoadRecord
from sim_bridge.embedded.town.sheets import Color, Look, Sheets
from sim_bridge.embedded.town.solids import Place, add_box, static_box

WALL = Look("solid", Label.WALLS)
CONCRETE: Color = (0.56, 0.56, 0.55)
THICK_M = 0.25  # outwards from the road's edge
CHECKED_EVERY_M = 1.0
_STRAIGHT_M = 0.04  # what a wall's straight pieces may cut off a bend
_CELL_M = 8.0
_INTO_LANE_M = 0.1  # of another road, which a wall may reach: roads that continue each other share their edges

# (N, 4): x, y, half the lane's width there, road id.
Lanes = Floats


def walls(sheets: Sheets | None, roads: RoadMap, height: float) -> Iterator[StaticBox]:
    """A wall beyond the pavement or the asphalt on both sides of every road outside junctions. It has gaps where lanes
    of other roads lie. Without sheets nothing is drawn."""
    taken = _Taken(roads)
    for road in roads.roads.values():
        for section, start, end in road.spans() if road.junction < 0 else ():
            for side in (1, -1):
                edge = _edge(road, section, side, start, end)
                for number, (a, b) in enumerate(_pieces(edge, taken.is_free(edge, road.road_id))):
                    yield _piece(sheets, f"wall {road.road_id}.{start:.0f}.{side}.{number}", a, b, height)


def _edge(road: RoadRecord, section: LaneSection, side: int, start: float, end: float) -> Floats:
    """(N, 2) points of the middle of the wall, dense enough to tell where other lanes lie."""
    steps = math.ceil((end - start) / CHECKED_EVERY_M)
    s = np.union1d(stations(road, start, end), np.linspace(start, end, steps + 1))
    _, outer = sidewalk_edges(road, section, side, s)
    t = outer + side * THICK_M / 2
    return at(road, s, t)[:, :2]


def _pieces(edge: Floats, is_free: npt.NDArray[np.bool_]) -> Iterator[tuple[Floats, Floats]]:
    """The fewest straight pieces that follow the free stretches of the edge."""
    begin = 0
    for last in range(1, len(edge)):
        if not (is_free[begin] and is_free[last]):
            if is_free[begin] and last - 1 > begin:
                yield edge[begin], edge[last - 1]
            begin = last
        elif last + 1 == len(edge) or _strays(edge[begin : last + 2]):
            yield edge[begin], edge[last]
            begin = last


def _strays(points: Floats) -> bool:
    """Whether points lie off the line from the first to the last of them."""
    chord = points[-1] - points[0]
    length = max(float(np.linalg.norm(chord)), 1e-9)
    off = points - points[0]
    return bool(np.abs(off[:, 0] * chord[1] - off[:, 1] * chord[0]).max() > _STRAIGHT_M * length)


def _piece(sheets: Sheets | None, name: str, a: Floats, b: Floats, height: float) -> StaticBox:
    step = b - a
    x, y = (float(value) for value in (a + b) / 2)
    # A little longer than the gap it fills, so that a bend shows no slits on its outside.
    size = (float(np.hypot(*step)) + THICK_M / 2, THICK_M, height)
    middle = Place(x, y, math.atan2(step[1], step[0]), height / 2)
    if sheets is not None:
        add_box(sheets, WALL, middle, size, CONCRETE)
    return static_box(name, Label.WALLS, middle, size)


class _Taken:
    """Where lanes are, found by place."""

    def __init__(self, roads: RoadMap) -> None:
        self._lanes = np.concatenate([_widths(road) for road in roads.roads.values()])
        self._widest = float(self._lanes[:, 2].max())
        cells: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, cell in enumerate(_cells(self._lanes[:, :2])):
            cells[cell].append(index)
        self._cells = {cell: np.array(indices) for cell, indices in cells.items()}

    def is_free(self, points: Floats, road_id: int) -> npt.NDArray[np.bool_]:
        """Which of (N, 2) points lie on no lane of another road."""
        free = np.ones(len(points), dtype=bool)
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, cell in enumerate(_cells(points)):
            groups[cell].append(index)
        for cell, members in groups.items():
            near = self._near(cell)
            near = near[near[:, 3] != road_id]
            apart = np.hypot(*(points[members][:, None, :] - near[None, :, :2]).transpose(2, 0, 1))
            free[members] = (apart > near[:, 2] + THICK_M / 2 - _INTO_LANE_M).all(axis=1)
        return free

    def _near(self, cell: tuple[int, int]) -> Lanes:
        reach = math.ceil((self._widest + 1.0) / _CELL_M)
        around = itertools.product(range(-reach, reach + 1), repeat=2)
        found = [self._cells[key] for dx, dy in around if (key := (cell[0] + dx, cell[1] + dy)) in self._cells]
        return self._lanes[np.concatenate(found)] if found else np.zeros((0, 4))


def _cells(points: Floats) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in np.floor(points / _CELL_M)]


def _widths(road: RoadRecord) -> Lanes:
    rows = [np.zeros((0, 4))]
    for section, start, end, lane in driving_lanes(road):
        s = np.linspace(start, end, math.ceil((end - start) / CHECKED_EVERY_M) + 1)
        near, far = (lateral(section, road, lane.lane_id, s, share) for share in (0.0, 1.0))
        xy = at(road, s, (near + far) / 2)[:, :2]
        rows.append(np.column_stack([xy, np.abs(far - near) / 2, np.full(len(s), road.road_id)]))
    return np.concatenate(rows)
