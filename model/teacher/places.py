"""Where a collected frame may stand: lane points of a town, half of them drawn towards junctions. Map only."""

from __future__ import annotations

from typing import Any

import carla
import numpy as np

from model.teacher.arrange import EGO_FRONT_M
from model.teacher.lane_walk import junction_entry
from model.teacher.signs import signs_of

SPACING_M = 2.0
IN_JUNCTION_SHARE = 0.12
# Half of the rest is drawn towards junction approaches, with this mean distance to the entry.
APPROACH_SHARE = 0.5
APPROACH_M = 50.0
# Of the approaches to a sign so many are right at its line; metres from the front bumper to the line.
AT_LINE_SHARE, AT_LINE_M = 0.4, (0.0, 3.0)
SIGN_APPROACH_M = (0.5, 36.0)


class Places:
    """The drivable points of a town and a draw among them."""

    def __init__(self, town_map: Any) -> None:
        points = [w for w in town_map.generate_waypoints(SPACING_M) if w.lane_width > 2.0]
        if not points:
            raise ValueError(f"the map {town_map.name} has no driving lanes")
        self.inside = [point for point in points if point.is_junction]
        self.outside = [point for point in points if not point.is_junction]
        away = np.array([_metres_to_junction(point) for point in self.outside])
        weights = np.exp(-away / APPROACH_M)
        self._cumulative = np.cumsum(weights) / max(1e-9, float(weights.sum()))
        self._lines = [line for kind in ("stop", "yield") for line in _lines_of(town_map, kind)]

    @property
    def has_signs(self) -> bool:
        """Whether anybody must stop or give way by a sign here."""
        return bool(self._lines)

    def draw_before_sign(self, rng: np.random.Generator) -> Any | None:
        """A `carla.Waypoint` for a car that comes to a stop or yield sign, often right at its line.

        None where the lane behind the line is too short for the distance drawn.
        """
        line = self._lines[int(rng.integers(len(self._lines)))]
        low, high = AT_LINE_M if rng.random() < AT_LINE_SHARE else SIGN_APPROACH_M
        behind = line.previous(EGO_FRONT_M + float(rng.uniform(low, high)))
        return behind[int(rng.integers(len(behind)))] if behind else None

    def draw(self, rng: np.random.Generator) -> Any:
        """One `carla.Waypoint`."""
        if self.inside and rng.random() < IN_JUNCTION_SHARE:
            return self.inside[rng.integers(len(self.inside))]
        if rng.random() < APPROACH_SHARE:
            return self.outside[min(int(np.searchsorted(self._cumulative, rng.random())), len(self.outside) - 1)]
        return self.outside[rng.integers(len(self.outside))]


def _lines_of(town_map: Any, kind: str) -> list[Any]:
    """The waypoints at the lines of every sign of a kind."""
    found = (sign.stops for sign in signs_of(town_map) if sign.kind == kind)
    places = (carla.Location(float(x), float(y), 0.0) for stops in found for x, y, _ in stops)
    return [town_map.get_waypoint(place) for place in places]


def _metres_to_junction(point: Any) -> float:
    found = junction_entry(point, 150.0)
    return 150.0 if found is None else float(found[1])
