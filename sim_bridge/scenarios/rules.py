"""What rules the way into a junction: a traffic light, a stop sign, or nothing. Read from the map's signals.

CARLA's own towns keep a signal on the connecting roads inside the junction, others on the approach; both are found.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

LIGHT_TYPE, STOP_TYPE = "1000001", "206"  # as CARLA's maps number them
_SIGNS = {LIGHT_TYPE: "lights", STOP_TYPE: "stop"}
# A sign farther than this before the end of its road is about something else than the junction.
_NEAR_END_M = 40.0


class Rules:
    """The signals of one map by road. Made once per search."""

    def __init__(self, town_map: Any) -> None:
        self._by_road: dict[int, list[Any]] = defaultdict(list)
        for mark in town_map.get_all_landmarks():
            if mark.type in _SIGNS:
                self._by_road[mark.road_id].append(mark)

    def control(self, entry: Any) -> str:
        """ "lights", "stop" or "none" for the lane whose last waypoint before a junction this is."""
        words = {_SIGNS[mark.type] for mark in self._marks(entry)}
        return "lights" if "lights" in words else "stop" if words else "none"

    def light_ids(self, entry: Any) -> set[str]:
        """The OpenDRIVE ids of the lights that rule the lane."""
        return {mark.id for mark in self._marks(entry) if mark.type == LIGHT_TYPE}

    def _marks(self, entry: Any) -> list[Any]:
        found = [
            mark
            for mark in self._by_road.get(entry.road_id, ())
            if _rules_lane(mark, entry) and abs(mark.s - entry.s) < _NEAR_END_M
        ]
        for inside in entry.next(2.0):
            if inside.is_junction:
                found += [mark for mark in self._by_road.get(inside.road_id, ()) if _rules_lane(mark, inside)]
        return found


def _rules_lane(mark: Any, waypoint: Any) -> bool:
    return any(min(low, high) <= waypoint.lane_id <= max(low, high) for low, high in mark.get_lane_validities())
