"""Where a collected frame may stand: lane points of a town, half of them drawn towards junctions. Map only."""

from __future__ import annotations

from typing import Any

import numpy as np

from model.teacher.lane_walk import junction_entry

SPACING_M = 2.0
IN_JUNCTION_SHARE = 0.12
# Half of the rest is drawn towards junction approaches, with this mean distance to the entry.
APPROACH_SHARE = 0.5
APPROACH_M = 50.0


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

    def draw(self, rng: np.random.Generator) -> Any:
        """One `carla.Waypoint`."""
        if self.inside and rng.random() < IN_JUNCTION_SHARE:
            return self.inside[rng.integers(len(self.inside))]
        if rng.random() < APPROACH_SHARE:
            return self.outside[min(int(np.searchsorted(self._cumulative, rng.random())), len(self.outside) - 1)]
        return self.outside[rng.integers(len(self.outside))]


def _metres_to_junction(point: Any) -> float:
    found = junction_entry(point, 150.0)
    return 150.0 if found is None else float(found[1])
