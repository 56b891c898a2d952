"""Which ground is taken: by lanes, by houses, by things with a radius. Used while a town is furnished."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from sim_bridge.embedded.town.author.built import Network
from sim_bridge.embedded.town.curves import Curve, Floats

HAND_M = 0.15  # between a sidewalk and a house
HOUSE_GAP_M = 0.5
PERIMETER_STEP_M = 2.0
NEAR_M = 45.0  # farther than the longest house reaches


@dataclass(slots=True)
class Ground:
    """`lanes` are (N, 2) points 1 m apart along every lane's centre; houses stay `house_to_lane_m` away from them."""

    lanes: Floats
    house_to_lane_m: float
    # (4, 2) corners, and a circle around them: x, y, radius
    _footprints: list[tuple[Floats, float, float, float]] = field(default_factory=list)
    _cells: dict[tuple[int, int], Floats] = field(default_factory=dict)  # lane points by squares of NEAR_M
    _discs: list[tuple[float, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        squares = np.floor(self.lanes / NEAR_M).astype(int)
        for column, row in np.unique(squares, axis=0).tolist():
            self._cells[column, row] = self.lanes[(squares == (column, row)).all(axis=1)]

    @classmethod
    def of(cls, network: Network) -> Ground:
        points = []
        for road in network.roads:
            profile = road.street.profile
            for side in (1, -1):
                centres = [(index + 0.5) * profile.lane_width_m for index in range(profile.count(side))]
                centres += [profile.kerb_m(side) - profile.parking_m / 2] if profile.parking_m else []
                points += [_parallel(road.curve, side * t) for t in centres]
        for crossing in network.crossings:
            points += [
                _parallel(connector.curve, -connector.source.profile.lane_width_m / 2)
                for connector in crossing.connectors
            ]
        profiles = [street.profile for street in network.plan.streets]
        widest = max(p.lane_width_m / 2 + p.border_width_m for p in profiles if p.border == "sidewalk")
        return cls(np.concatenate(points), widest + HAND_M)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        (x_min, y_min), (x_max, y_max) = self.lanes.min(axis=0), self.lanes.max(axis=0)
        return float(x_min), float(y_min), float(x_max), float(y_max)

    def take(self, x: float, y: float, heading: float, width: float, depth: float) -> bool:
        """Reserve a rectangle if it is clear of lanes and of other houses; whether it was."""
        corners = _corners(x, y, heading, width, depth)
        if self._to_lanes(_perimeter(corners)) < self.house_to_lane_m or self._to_lanes(np.array([[x, y]])) < depth / 2:
            return False
        wide = _corners(x, y, heading, width + 2 * HOUSE_GAP_M, depth + 2 * HOUSE_GAP_M)
        if self._meets_house(wide):
            return False
        self._footprints.append((corners, *_circle(corners)))
        return True

    def is_clear_of_roads(self, x: float, y: float, distance: float) -> bool:
        """Whether every lane's centre is at least `distance` away."""
        return self._to_lanes(np.array([[x, y]])) >= distance

    def is_free(self, x: float, y: float, radius: float) -> bool:
        if any(math.hypot(x - ox, y - oy) < radius + other for ox, oy, other in self._discs):
            return False
        square = _corners(x, y, 0.0, 2 * radius, 2 * radius)
        return not self._meets_house(square)

    def occupy(self, x: float, y: float, radius: float) -> None:
        self._discs.append((x, y, radius))

    def _meets_house(self, corners: Floats) -> bool:
        x, y, reach = _circle(corners)
        return any(
            _overlap(corners, other)
            for other, ox, oy, radius in self._footprints
            if math.hypot(x - ox, y - oy) < reach + radius
        )

    def _to_lanes(self, points: Floats) -> float:
        """The shortest distance from (N, 2) points that lie close together; NEAR_M or more counts as far enough."""
        middle = points.mean(axis=0)
        column, row = (int(value) for value in np.floor(middle / NEAR_M))
        squares = ((column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
        around = [self._cells[square] for square in squares if square in self._cells]
        if not around:
            return NEAR_M
        candidates = np.concatenate(around)
        near = candidates[np.abs(candidates - middle).max(axis=1) < NEAR_M]
        if not len(near):
            return NEAR_M
        return float(np.linalg.norm(near[None] - points[:, None], axis=2).min())


def _circle(corners: Floats) -> tuple[float, float, float]:
    """x, y and radius of the circle through a rectangle's corners."""
    x, y = (float(value) for value in corners.mean(axis=0))
    return x, y, math.hypot(float(corners[0, 0]) - x, float(corners[0, 1]) - y)


def _parallel(curve: Curve, t: float) -> Floats:
    poses = curve.poses(np.linspace(0.0, curve.length, int(np.ceil(curve.length)) + 1))
    points: Floats = np.column_stack([poses[:, 0] - t * np.sin(poses[:, 2]), poses[:, 1] + t * np.cos(poses[:, 2])])
    return points


def _corners(x: float, y: float, heading: float, width: float, depth: float) -> Floats:
    along = np.array([math.cos(heading), math.sin(heading)]) * width / 2
    across = np.array([-math.sin(heading), math.cos(heading)]) * depth / 2
    corners: Floats = np.array([x, y]) + np.array([along + across, -along + across, -along - across, along - across])
    return corners


def _perimeter(corners: Floats) -> Floats:
    following = np.roll(corners, -1, axis=0)
    steps = int(np.ceil(np.linalg.norm(following - corners, axis=1).max() / PERIMETER_STEP_M))
    shares = np.linspace(0.0, 1.0, steps, endpoint=False)[:, None, None]
    points: Floats = (corners + (following - corners) * shares).reshape(-1, 2)
    return points


def _overlap(a: Floats, b: Floats) -> bool:
    """Two convex quadrilaterals: they are apart if some edge of either has the other wholly on its outer side."""
    for corners, others in ((a, b), (b, a)):
        edges = np.roll(corners, -1, axis=0) - corners
        outwards = np.column_stack([edges[:, 1], -edges[:, 0]])
        inside = np.sum(outwards * corners, axis=1)
        if np.any(np.all(others @ outwards.T > inside, axis=0)):
            return False
    return True
