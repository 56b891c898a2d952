"""Which lane a place is on, by the nearest of the town's lane samples: speed limits, and which light rules a car."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.contracts import Pose
from sim_bridge.embedded.world.geometry import difference_deg

_CELL_M = 5.0
# A lane that runs against the car counts as this much farther away, so an oncoming lane loses to one's own.
_AGAINST_M = 6.0
# The ways over a junction lie on one another where they begin and in a roundabout: a car stays on the road it was on
# until another is this much nearer. Samples two metres apart are off by as much along a lane.
_STAYS_M = 1.0


class LanePlace(NamedTuple):
    """The nearest lane sample. `distance_m` is from the place asked about."""

    yaw_deg: float
    limit_kmh: float
    road_id: int
    lane_id: int
    s_m: float
    distance_m: float


class LaneIndex:
    """A grid over `Town.lane_samples`; built once per town, about 20 us a look-up."""

    def __init__(self, samples: npt.NDArray[np.float64]) -> None:
        self._cells: dict[tuple[int, int], list[tuple[float, ...]]] = defaultdict(list)
        for row in samples.tolist():
            self._cells[int(row[0] // _CELL_M), int(row[1] // _CELL_M)].append(tuple(row))

    def nearest(self, pose: Pose, was_on: LanePlace | None = None) -> LanePlace | None:
        """The lane a car at this pose is on, None farther than a cell or two from every lane.

        Where lanes lie on one another, that of the road it `was_on` when it was last looked up.
        """
        road_id = was_on.road_id if was_on else None
        cx, cy = int(pose.x // _CELL_M), int(pose.y // _CELL_M)
        best: tuple[float, ...] | None = None
        best_score = float("inf")
        for cell in ((cx + dx, cy + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)):
            for row in self._cells.get(cell, ()):
                score = ((row[0] - pose.x) ** 2 + (row[1] - pose.y) ** 2) ** 0.5
                if row[4] == road_id:
                    score -= _STAYS_M
                if score < best_score and abs(difference_deg(row[2], pose.yaw)) > 90.0:
                    score += _AGAINST_M
                if score < best_score:
                    best, best_score = row, score
        if best is None:
            return None
        distance = ((best[0] - pose.x) ** 2 + (best[1] - pose.y) ** 2) ** 0.5
        return LanePlace(best[2], best[3], int(best[4]), int(best[5]), best[6], distance)
