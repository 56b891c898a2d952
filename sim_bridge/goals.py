"""Places to drive to, in order, and the route that leads through them. Session thread."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from sim_bridge.lane_search import Step, way_to
from sim_bridge.messages import RouteCommand
from sim_bridge.route import SPACING_M, RandomRoute, RoutePoint, heading_rad

# Passing this near counts as having been there: a car beside a blocked lane reaches the goal in it.
REACHED_M = 12.0


class Goals:
    """What is left of a list of carla.Locations. Only ever shrinks."""

    def __init__(self, locations: Sequence[Any] = ()) -> None:
        self._left = list(locations)
        self._count = len(self._left)

    @property
    def left(self) -> tuple[Any, ...]:
        return tuple(self._left)

    @property
    def reached_share(self) -> float:
        """0..1; 1 where there were none."""
        return 1.0 - len(self._left) / self._count if self._count else 1.0

    def reach(self, x_m: float, y_m: float) -> None:
        """The car is here: goals this near are behind it, in their order."""
        while self._left and math.hypot(self._left[0].x - x_m, self._left[0].y - y_m) < REACHED_M:
            self._left.pop(0)


class GuidedRoute(RandomRoute):
    """From a lane through all goals, then on at random. A goal that no lane leads to ends the guidance."""

    def __init__(self, start: Any, ways: random.Random, town_map: Any, goals: Goals) -> None:
        super().__init__(start, ways)
        self.leads_to = 0  # how many of the goals
        for goal in goals.left:
            steps = way_to(self._last, town_map.get_waypoint(goal))
            if steps is None:
                return
            for step in steps:
                if step.side:
                    self._change(step)
                else:
                    self._go_on(step.waypoint)
            self.leads_to += 1

    def _change(self, step: Step) -> None:
        """Over to a lane beside, a metre per point, along the line between the two lanes' middles."""
        here, there = self.points[-1], step.waypoint.transform.location
        dx, dy = there.x - here.x_m, there.y - here.y_m
        count = max(1, round(math.hypot(dx, dy) / SPACING_M))
        command = RouteCommand.LANE_LEFT if step.side < 0 else RouteCommand.LANE_RIGHT
        for k in range(1, count):
            lane = here.waypoint if 2 * k < count else step.waypoint
            x, y = here.x_m + dx * k / count, here.y_m + dy * k / count
            self.points.append(RoutePoint(x, y, heading_rad(lane), command, False, lane))
        self._command = RouteCommand.FOLLOW_ROAD
        self._add(step.waypoint)
