"""How a manoeuvre that was begun stands: the lane changed to that side, the junction passed that way. Session thread.

The navigator tells what it notices of the car; a manoeuvre is judged by what happened since its `begin`.
"""

from __future__ import annotations

import math
from typing import Any

from sim_bridge.frames import wrapped
from sim_bridge.messages import EgoState, InstructionKind, Manoeuvre
from sim_bridge.route import STRAIGHT_MAX_RAD

# A lane change is over once the car is this close to the middle of its lane (lanes are 3 to 3.5 m wide).
SETTLED_M = 1.2
# A junction counts as passed after this much of it: a car waiting on its edge flickers in and out.
JUNCTION_PASSED_M = 3.0
# Some roundabouts are a junction at each arm, with streets shorter than this between: for a passenger, one crossing.
RING_STREET_M = 8.0

LANE_CHANGES = {InstructionKind.LANE_LEFT: -1, InstructionKind.LANE_RIGHT: 1}


class ManoeuvreWatch:
    """Lives for one episode, with its navigator."""

    def __init__(self) -> None:
        self._lanes_changed = {-1: 0, 1: 0}
        self._ways_taken: list[InstructionKind] = []
        self._junction_entry: EgoState | None = None
        self._lanes_before = dict(self._lanes_changed)
        self._ways_before = 0

    def begin(self) -> None:
        """Count from here on."""
        self._lanes_before, self._ways_before = dict(self._lanes_changed), len(self._ways_taken)

    def progress(self, kind: InstructionKind, lane: Any, offset_m: float) -> Manoeuvre:
        """`lane` is the carla.Waypoint under the car, `offset_m` how far it is from the middle of its way."""
        if side := LANE_CHANGES.get(kind):
            if self._lanes_changed[side] > self._lanes_before[side]:
                return Manoeuvre.DONE if offset_m < SETTLED_M else Manoeuvre.UNDER_WAY
            return Manoeuvre.UNDER_WAY if lane.is_junction or has_lane(lane, side) else Manoeuvre.NO_LANE
        if kind is InstructionKind.PASS:
            has_changed = self._lanes_changed != self._lanes_before
            return Manoeuvre.DONE if has_changed and offset_m < SETTLED_M else Manoeuvre.UNDER_WAY
        if len(self._ways_taken) == self._ways_before:
            return Manoeuvre.UNDER_WAY
        return Manoeuvre.DONE if self._ways_taken[self._ways_before] is kind else Manoeuvre.OTHER_WAY

    # ---- told by the navigator

    def lane_changed(self, side: int) -> None:
        """-1 to the left, 1 to the right."""
        self._lanes_changed[side] += 1

    def at_junction(self, ego: EgoState, is_inside: bool) -> None:
        """Once per tick."""
        if is_inside:
            self._junction_entry = self._junction_entry or ego
            return
        entry, self._junction_entry = self._junction_entry, None
        if entry is not None and math.hypot(ego.x_m - entry.x_m, ego.y_m - entry.y_m) > JUNCTION_PASSED_M:
            self._ways_taken.append(way_taken(entry.yaw_rad, ego.yaw_rad))


def way_taken(yaw_before_rad: float, yaw_after_rad: float) -> InstructionKind:
    """What a passenger calls the way through a junction that turned the car from one heading to the other."""
    turned_rad = wrapped(yaw_after_rad - yaw_before_rad)
    if abs(turned_rad) < STRAIGHT_MAX_RAD:
        return InstructionKind.STRAIGHT
    return InstructionKind.TURN_RIGHT if turned_rad > 0 else InstructionKind.TURN_LEFT


def is_in_crossing(lane: Any) -> bool:
    """Whether a carla.Waypoint lies in a junction, or on a roundabout between two of its own."""
    if lane.is_junction:
        return True
    before, after = lane.previous(RING_STREET_M), lane.next(RING_STREET_M)
    return any(one.is_junction for one in before) and any(one.is_junction for one in after)


def has_lane(lane: Any, side: int) -> bool:
    """Whether a driving lane of the same direction lies beside a carla.Waypoint, on the left (-1) or right (1)."""
    import carla  # the client is needed by whoever has a carla.Waypoint, and by nobody else

    beside = lane.get_left_lane() if side < 0 else lane.get_right_lane()
    is_driving = beside is not None and beside.lane_type == carla.LaneType.Driving
    return is_driving and beside.lane_id * lane.lane_id > 0
