"""What a client asks of the town it uploads: CARLA's OpendriveGenerationParameters, in the order of the wire."""

from __future__ import annotations

import math
from dataclasses import dataclass

_RANGES = {
    "vertex_distance": (0.1, 1000.0),
    "max_road_length": (1.0, 100_000.0),
    "wall_height": (0.0, 50.0),
    "additional_width": (0.0, 10.0),
}


@dataclass(frozen=True, slots=True)
class Generation:
    """Metres. CARLA's names and defaults. Raises ValueError naming a figure that makes no town.

    `vertex_distance` is the step of bends and tapers; what is straight needs none. `max_road_length` is how large a
    piece of road mesh grows. `wall_height` is of walls along both edges of every road outside junctions, 0 for none.
    `additional_width` goes to both sides of the lanes in junctions. `smooth_junctions` joins the roads over a junction
    into one surface with rounded corners. Without `enable_mesh_visibility` roads and walls are there and not seen.
    Without `enable_pedestrian_navigation` walkers have no AI.
    """

    vertex_distance: float = 2.0
    max_road_length: float = 50.0
    wall_height: float = 1.0
    additional_width: float = 0.6
    smooth_junctions: bool = True
    enable_mesh_visibility: bool = True
    enable_pedestrian_navigation: bool = True

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ValueError(f"expected {name} of {low:g} to {high:g} m, got {value}")
