"""The town's signs as plain data: where on its lanes each takes effect, and where its plate hangs. Map only.

Signs never move: they are read from the map once. Types are those of the German catalogue that OpenDRIVE and CARLA use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import carla
import numpy as np
import numpy.typing as npt

KIND_OF_TYPE = {"206": "stop", "205": "yield", "274": "limit"}


@dataclass(frozen=True, slots=True, eq=False)
class Sign:
    """`kind`: "stop" | "yield" | "limit". World metres."""

    kind: str
    value_kmh: int  # of a limit, else 0
    stops: npt.NDArray[np.float64]  # (K, 3): x, y, yaw_rad on each ruled lane
    plate: tuple[float, float, float]  # x, y, z of its middle


def signs_of(town_map: Any) -> tuple[Sign, ...]:
    """Every sign of the map that rules a driving lane."""
    found = []
    for type_number, kind in KIND_OF_TYPE.items():
        for landmark in town_map.get_all_landmarks_of_type(type_number):
            stops = _stops(landmark, town_map)
            if stops:
                where = landmark.transform.location
                value = int(landmark.value) if kind == "limit" and landmark.value > 0 else 0
                found.append(Sign(kind, value, np.array(stops), (where.x, where.y, where.z)))
    return tuple(found)


def _stops(landmark: Any, town_map: Any) -> list[tuple[float, float, float]]:
    lanes = [lane for low, high in landmark.get_lane_validities() for lane in range(min(low, high), max(low, high) + 1)]
    points = [town_map.get_waypoint_xodr(landmark.road_id, lane, landmark.s) for lane in lanes if lane != 0]
    return [
        (p.transform.location.x, p.transform.location.y, math.radians(p.transform.rotation.yaw))
        for p in points
        if p is not None and p.lane_type == carla.LaneType.Driving
    ]
