"""Stop and yield signs: which cars they hold. A held car is shown red, as in CARLA, though it stands at no light.

A stop sign holds everybody for a moment; both hold while somebody drives on the ground they give way to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import cos, floor, radians, sin

from sim_bridge.embedded.contracts import Signal
from sim_bridge.embedded.world.actors import Vehicle
from sim_bridge.embedded.world.geometry import difference_deg, seen_from
from sim_bridge.embedded.world.lanes import LaneIndex

_STOP_S = 2.0
# A car is at a sign while any of it stands over this stretch before the stop line, as over CARLA's trigger box.
_BOX_M = (4.5, 1.5)
_SAME_WAY_DEG = 70.0
# Where a car counts as being, in half lengths: its tail is the last to clear a junction, its nose may wait in one.
_ALONG_BODY = (0.0, -0.5, -1.0)

Cell = tuple[int, int]  # a square metre


class Signs:
    """The town's stop and yield signs. What a car owes one is kept on the car."""

    def __init__(self, signals: Iterable[Signal], lanes: LaneIndex) -> None:
        self._by_road: dict[tuple[int, bool], list[tuple[Signal, frozenset[Cell]]]] = defaultdict(list)
        for signal in signals:
            place = lanes.nearest(signal.stop_line) if signal.kind in ("stop", "yield") else None
            if place is not None:
                cells = frozenset(cell for point in signal.gives_way_at for cell in _cells_around(*point))
                self._by_road[place.road_id, place.lane_id < 0].append((signal, cells))

    def judge(self, vehicles: list[Vehicle], now_s: float) -> None:
        """Set `must_wait` of every vehicle, by where all of them are."""
        for vehicle in vehicles:
            ahead = self._ahead_of(vehicle)
            if ahead is None:
                vehicle.sign, vehicle.must_wait = "", False
                continue
            signal, watched = ahead
            if vehicle.sign != signal.signal_id:
                vehicle.sign, vehicle.sign_since_s = signal.signal_id, now_s
            has_paused = signal.kind == "yield" or now_s - vehicle.sign_since_s >= _STOP_S
            vehicle.must_wait = not has_paused or any(
                cell in watched for other in vehicles if other is not vehicle for cell in _cells_of(other)
            )

    def _ahead_of(self, vehicle: Vehicle) -> tuple[Signal, frozenset[Cell]] | None:
        place = vehicle.place
        if place is None:
            return None
        for signal, watched in self._by_road.get((place.road_id, place.lane_id < 0), ()):
            line, half = signal.stop_line, vehicle.shape.length / 2.0
            if abs(difference_deg(vehicle.pose.yaw, line.yaw)) > _SAME_WAY_DEG:
                continue
            along = seen_from(line, (vehicle.pose.x, vehicle.pose.y, vehicle.pose.z))[0]
            if along + half >= -_BOX_M[0] and along - half <= -_BOX_M[1]:
                return signal, watched
        return None


def _cells_around(x: float, y: float) -> Iterator[Cell]:
    column, row = floor(x), floor(y)
    return ((column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1))


def _cells_of(vehicle: Vehicle) -> Iterator[Cell]:
    pose, half = vehicle.pose, vehicle.shape.length / 2.0
    dx, dy = half * cos(radians(pose.yaw)), half * sin(radians(pose.yaw))
    return ((floor(pose.x + share * dx), floor(pose.y + share * dy)) for share in _ALONG_BODY)
