"""Where to go: SimLingo's navigator hints along an endless random route, and when a manoeuvre is over. Session thread.

Hints are what a navigation device says: two sparse target points, a word for each, the distance to the first. They are
made as SimLingo's route planner makes them: the dense route thinned to points at most 50 m apart that keep every change
of command; points within 7.5 m count as reached; the targets are the next two.
"""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim_bridge.frames import Floats, in_ego, wrapped
from sim_bridge.goals import Goals, GuidedRoute
from sim_bridge.manoeuvre import ManoeuvreWatch, is_in_crossing
from sim_bridge.messages import EgoState, InstructionKind, Manoeuvre, Points, RouteCommand
from sim_bridge.route import RoutePoint, heading_rad

REACHED_M = 7.5
THINNED_MAX_M = 50.0
AHEAD_M = 160.0
BEHIND_M = 15.0
# Farther than this from the route it is somebody else's road.
OFF_ROUTE_M = 4.0
CLOSER_BY_M = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Hints:
    """What goes into an Observation. `target_points_xy_in_world` is (2, 2)."""

    target_points_xy_in_world: Floats
    command: RouteCommand
    next_command: RouteCommand
    distance_m: float

    def target_points_in(self, ego: EgoState) -> Points:
        return in_ego(self.target_points_xy_in_world, ego).astype(np.float32)


class Navigator:
    """Lives for one episode. `update` once per tick, before anything is read."""

    def __init__(self, town_map: Any, lane: Any, seed: int, goals: Goals | None = None) -> None:
        """`town_map` is a carla.Map, `lane` the carla.Waypoint that the car starts on. Routes lead through `goals`
        first."""
        self._map = town_map
        self._goals = goals or Goals()
        self._ways = random.Random(seed)
        self._manoeuvre, self._lane = ManoeuvreWatch(), lane
        self._offset_m = 0.0
        self._start_from(lane)

    # ---- what a driver may know

    def hints(self, ego: EgoState) -> Hints:
        """The route's next two sparse points after the ones already reached."""
        self._reach(ego)
        first = self._sparse[min(1, len(self._sparse) - 1)]
        second = self._sparse[min(2, len(self._sparse) - 1)]
        points = np.array([[first.x_m, first.y_m], [second.x_m, second.y_m]])
        distance_m = math.hypot(first.x_m - ego.x_m, first.y_m - ego.y_m)
        return Hints(points, first.command, second.command, distance_m)

    # ---- privileged: for a teacher, never for a driver that looks

    def dense_route(self) -> list[RoutePoint]:
        """The route from the car on, one metre apart, at least 100 m of it where the road goes on. Any thread."""
        return list(self._ahead)

    def dense_route_xy_in_world(self) -> Floats:
        """The same as (N, 2) metres."""
        return np.array([[point.x_m, point.y_m] for point in self.dense_route()])

    # ---- manoeuvres

    def begin(self, kind: InstructionKind) -> None:
        """Count from here on."""
        self._manoeuvre.begin()

    def progress(self, kind: InstructionKind) -> Manoeuvre:
        """How what `begin` started stands."""
        return self._manoeuvre.progress(kind, self._lane, self._offset_m)

    # ---- following the car

    def update(self, ego: EgoState) -> None:
        """Move along the route with the car; start a new route where the car is when it has left this one."""
        self._goals.reach(ego.x_m, ego.y_m)
        self._advance(ego)
        here = self._dense[self._at]
        self._lane = lane = lane_of(self._map, ego, here.z_m)
        self._manoeuvre.at_junction(ego, is_in_crossing(lane))
        drives_along = abs(wrapped(heading_rad(lane) - ego.yaw_rad)) < math.pi / 2
        if self._offset_m > OFF_ROUTE_M:
            self._watch_closer_lane(ego)
        elif drives_along and not lane.is_junction and not here.is_junction:
            self._watch_lane(lane, here)
        self._offset_m = self._distance_to_route(ego.x_m, ego.y_m)
        # Replaced whole, because a teacher reads it on the driver's thread while the car moves on.
        self._ahead = tuple(self._dense[self._at :])

    def _watch_lane(self, lane: Any, here: RoutePoint) -> None:
        """Another lane than the route's, in the same direction, is a lane change done: the route goes on from it."""
        where = lane.transform.location
        aside_m = math.cos(here.yaw_rad) * (where.y - here.y_m) - math.sin(here.yaw_rad) * (where.x - here.x_m)
        if abs(aside_m) < lane.lane_width / 2:
            return
        if lane.road_id == here.waypoint.road_id:
            self._manoeuvre.lane_changed(1 if aside_m > 0 else -1)
        self._start_from(lane)

    def _watch_closer_lane(self, ego: EgoState) -> None:
        """Off the route: go on from a lane nearer than it. A car beside every road keeps the route it has."""
        lane = lane_along(self._map, ego, self._dense[self._at].z_m)
        where = lane.transform.location
        if math.hypot(where.x - ego.x_m, where.y - ego.y_m) < self._offset_m - CLOSER_BY_M:
            self._start_from(lane)

    def _start_from(self, lane: Any) -> None:
        self._route = GuidedRoute(lane, self._ways, self._map, self._goals)
        self._dense, self._at = self._route.points, 0
        self._sparse: list[RoutePoint] = []
        self._thinned_to, self._since_m = 0, 0.0
        self._extend()
        self._ahead = tuple(self._dense)

    def _advance(self, ego: EgoState) -> None:
        """The dense point nearest the car, searched a little behind and as far ahead as a tick can take it."""
        low = max(0, self._at - 5)
        window = self._dense[low : self._at + 30]
        distances = [math.hypot(p.x_m - ego.x_m, p.y_m - ego.y_m) for p in window]
        self._at = low + int(np.argmin(distances))
        self._offset_m = self._distance_to_route(ego.x_m, ego.y_m)
        behind = self._at - int(BEHIND_M)
        if behind > 100:
            del self._dense[:behind]
            self._at -= behind
            self._thinned_to -= behind
        self._extend()

    def _distance_to_route(self, x: float, y: float) -> float:
        here = self._dense[self._at]
        along = math.cos(here.yaw_rad) * (x - here.x_m) + math.sin(here.yaw_rad) * (y - here.y_m)
        across = math.cos(here.yaw_rad) * (y - here.y_m) - math.sin(here.yaw_rad) * (x - here.x_m)
        # Between two points one metre apart the lane's own direction is exact enough; beyond its end it is not.
        return abs(across) if abs(along) < 1.5 else math.hypot(along, across)

    def _extend(self) -> None:
        missing_m = AHEAD_M - (len(self._dense) - self._at)
        if missing_m > 0:
            self._route.grow(missing_m)
        for index in range(self._thinned_to, len(self._dense)):
            self._thin(index)
        self._thinned_to = len(self._dense)

    def _thin(self, index: int) -> None:
        point = self._dense[index]
        before = self._dense[index - 1] if index else None
        if before is None or before.command is not point.command or self._since_m >= THINNED_MAX_M:
            self._sparse.append(point)
            self._since_m = 0.0
        if before is not None:
            self._since_m += math.hypot(point.x_m - before.x_m, point.y_m - before.y_m)

    def _reach(self, ego: EgoState) -> None:
        """Drop every sparse point up to the farthest one reached, looking 50 m along them; two always stay."""
        along_m, reached = 0.0, 0
        for index, (before, point) in enumerate(itertools.pairwise(self._sparse[:-1]), start=1):
            # Asked before the next piece is added, so that a piece a little longer than 50 m is still looked along.
            if along_m > THINNED_MAX_M:
                break
            along_m += math.hypot(point.x_m - before.x_m, point.y_m - before.y_m)
            if math.hypot(point.x_m - ego.x_m, point.y_m - ego.y_m) < REACHED_M:
                reached = index
        del self._sparse[: min(reached, max(0, len(self._sparse) - 2))]


def lane_of(town_map: Any, ego: EgoState, z_m: float) -> Any:
    """The driving lane under the car, or the nearest one; a carla.Waypoint. `z_m`: the height of the car's road, which
    tells a bridge from what is under it."""
    import carla  # the client is needed by whoever has a carla.Map, and by nobody else

    return town_map.get_waypoint(carla.Location(x=ego.x_m, y=ego.y_m, z=z_m))


def lane_along(town_map: Any, ego: EgoState, z_m: float) -> Any:
    """The nearest lane that runs the way the car points: among overlapping ways of a junction the one it is taking,
    on a road its own side. The nearest lane at all where none does."""
    nearest = lane_of(town_map, ego, z_m)
    if nearest.is_junction:
        ways = [way for pair in nearest.get_junction().get_waypoints(_driving()) for way in _along(pair[0])]
    else:
        ways = [nearest, *_beside(nearest)]
    fitting = [way for way in ways if abs(wrapped(heading_rad(way) - ego.yaw_rad)) < math.radians(50.0)]
    if not fitting:
        return nearest
    return min(fitting, key=lambda way: _misfit(way, ego))


def _misfit(way: Any, ego: EgoState) -> float:
    """Metres from the car, plus a metre for each 10 degrees that the lane points elsewhere."""
    where = way.transform.location
    turned = abs(wrapped(heading_rad(way) - ego.yaw_rad))
    return math.hypot(where.x - ego.x_m, where.y - ego.y_m) + turned / math.radians(10.0)


def _along(entry: Any) -> list[Any]:
    """A junction lane metre by metre from its entry."""
    ways, waypoint = [entry], entry
    while len(ways) < 150:
        onward = waypoint.next(1.0)
        if not onward or not onward[0].is_junction:
            return ways
        waypoint = onward[0]
        ways.append(waypoint)
    return ways


def _beside(waypoint: Any) -> list[Any]:
    """The neighbouring driving lanes, across the middle of the road too."""
    found = [waypoint.get_left_lane(), waypoint.get_right_lane()]
    found += [lane.get_left_lane() for lane in found if lane is not None]
    return [lane for lane in found if lane is not None and lane.lane_type == _driving()]


def _driving() -> Any:
    import carla  # as above

    return carla.LaneType.Driving
