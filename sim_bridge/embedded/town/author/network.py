"""From a plan to roads: each street's reference line, and one single-lane connector for every way across a crossing.

libcarla asks for this shape: connectors are one-way with one lane, never two between the same pair of lanes, and a
crossing has at least three arms. Streets run from their plan's start to its end; lanes -1, -2 drive that way, 1, 2
back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sim_bridge.embedded.town.author.plan import LANE_WIDTH_M, Crossing, Profile, Street, TownPlan
from sim_bridge.embedded.town.curves import Curve, Point2, Pose2, join, through_corners, wrap

# Centre-line radius of the tightest right turn over a crossing: 6 m/s at 3 m/s2 of side acceleration.
TURN_RADIUS_M = 12.0
STRAIGHT_ON_RAD = math.radians(30)
FIRST_CONNECTOR_ID = 100
FIRST_CROSSING_ID = 1000


@dataclass(frozen=True, slots=True)
class Arm:
    """One street's end at a crossing. `mouth` is the centre line's end, heading away from the crossing."""

    road_id: int
    contact: str  # "start" | "end": which end of the road it is
    profile: Profile
    mouth: Pose2

    def lane_in(self, index: int) -> int:
        """The id of the lane that drives into the crossing, 0 next to the centre line."""
        return index + 1 if self.contact == "start" else -(index + 1)

    def lane_out(self, index: int) -> int:
        return -self.lane_in(index)

    def inner_edge_in(self, index: int) -> Pose2:
        """Where lane `lane_in(index)`'s left edge enters, heading along the traffic."""
        return _aside(_turned(self.mouth), -index * LANE_WIDTH_M)

    def inner_edge_out(self, index: int) -> Pose2:
        return _aside(self.mouth, -index * LANE_WIDTH_M)


@dataclass(frozen=True, slots=True)
class Connector:
    """A one-way road of one lane (-1) across a crossing; `curve` is its left edge."""

    road_id: int
    curve: Curve
    source: Arm
    source_lane: int
    target: Arm
    target_lane: int

    @property
    def limit_kmh(self) -> int:
        return min(self.source.profile.limit_kmh, self.target.profile.limit_kmh)


@dataclass(frozen=True, slots=True)
class Road:
    road_id: int
    street: Street
    curve: Curve


@dataclass(frozen=True, slots=True)
class BuiltCrossing:
    """A crossing with its arms in the order of their streets. `minor_road_ids`: the arms without one opposite."""

    crossing_id: int
    crossing: Crossing
    arms: tuple[Arm, ...]
    connectors: tuple[Connector, ...]

    @property
    def axes(self) -> tuple[tuple[Arm, ...], ...]:
        """Arms grouped by opposites, the through road first: arms of one group may be green together."""
        groups: list[list[Arm]] = []
        for arm in self.arms:
            for group in groups:
                if abs(abs(wrap(arm.mouth[2] - group[0].mouth[2])) - math.pi) < STRAIGHT_ON_RAD:
                    group.append(arm)
                    break
            else:
                groups.append([arm])
        return tuple(tuple(group) for group in sorted(groups, key=lambda group: -len(group)))

    @property
    def minor_road_ids(self) -> frozenset[int]:
        return frozenset(group[0].road_id for group in self.axes if len(group) == 1)


@dataclass(frozen=True, slots=True)
class Network:
    plan: TownPlan
    roads: tuple[Road, ...]
    crossings: tuple[BuiltCrossing, ...]


def build(plan: TownPlan) -> Network:
    """Raises ValueError where a plan's bends do not fit or a crossing has fewer than three arms."""
    roads = tuple(_road(plan, number, street) for number, street in enumerate(plan.streets, start=1))
    crossings = []
    connector_id = FIRST_CONNECTOR_ID
    for number, crossing in enumerate(plan.crossings):
        arms = tuple(_arms(crossing, roads))
        if len(arms) < 3:
            raise ValueError(f"expected at least 3 streets at crossing {crossing.name}, got {len(arms)}")
        connectors = tuple(_connectors(arms, connector_id))
        connector_id += len(connectors)
        crossings.append(BuiltCrossing(FIRST_CROSSING_ID + number, crossing, arms, connectors))
    return Network(plan, roads, tuple(crossings))


def _road(plan: TownPlan, road_id: int, street: Street) -> Road:
    start, end = plan.crossing(street.start), plan.crossing(street.end)
    points: list[Point2] = [(start.x, start.y), *((x, y) for x, y, _ in street.via), (end.x, end.y)]
    points[0] = _towards(points[0], points[1], _reach(plan, street.start))
    points[-1] = _towards(points[-1], points[-2], _reach(plan, street.end))
    return Road(road_id, street, through_corners(points, [radius for _, _, radius in street.via]))


def _reach(plan: TownPlan, name: str) -> float:
    """How far from a crossing's middle its arms end, so that the tightest right turn has TURN_RADIUS_M."""
    widest = max(street.profile.carriageway_m for street in plan.streets if name in (street.start, street.end))
    return TURN_RADIUS_M + widest - LANE_WIDTH_M / 2


def _arms(crossing: Crossing, roads: tuple[Road, ...]) -> Iterator[Arm]:
    for road in roads:
        if road.street.start == crossing.name:
            yield Arm(road.road_id, "start", road.street.profile, road.curve.start)
        if road.street.end == crossing.name:
            yield Arm(road.road_id, "end", road.street.profile, _turned(road.curve.end))


def _connectors(arms: tuple[Arm, ...], first_id: int) -> Iterator[Connector]:
    ways = [way for arm in arms for way in _ways_from(arm, arms)]
    ways += _ways_to_unreached_lanes(arms, ways)
    for number, (source, lane, target, target_lane) in enumerate(ways):
        curve = join(source.inner_edge_in(lane), target.inner_edge_out(target_lane))
        yield Connector(first_id + number, curve, source, source.lane_in(lane), target, target.lane_out(target_lane))


Way = tuple[Arm, int, Arm, int]  # source arm and lane, target arm and lane; lanes count from the centre line


def _ways_from(source: Arm, arms: tuple[Arm, ...]) -> Iterator[Way]:
    """Left turns from the innermost lane to the innermost, right turns from the outermost to the outermost.

    Straight on keeps the lane. Into a single lane only one lane goes straight on: the right one where the left one can
    turn left, the left one otherwise. From a single lane, straight on leads to the outermost lane.
    """
    outer = source.profile.lanes - 1
    turns = {arm: _turn(source, arm) for arm in arms if arm is not source}
    has_left = any(turn > STRAIGHT_ON_RAD for turn in turns.values())
    for target, turn in turns.items():
        target_outer = target.profile.lanes - 1
        if turn > STRAIGHT_ON_RAD:
            yield source, 0, target, 0
        elif turn < -STRAIGHT_ON_RAD:
            yield source, outer, target, target_outer
        elif outer == 0 or target_outer == 0:
            yield source, outer if has_left else 0, target, target_outer
        else:
            yield source, 0, target, 0
            yield source, 1, target, 1


def _ways_to_unreached_lanes(arms: tuple[Arm, ...], ways: list[Way]) -> Iterator[Way]:
    """A lane that nothing leads to is reached straight on, so that every lane can be driven from its beginning."""
    reached = {(target.road_id, lane) for _, _, target, lane in ways}
    for target in arms:
        for lane in range(target.profile.lanes):
            if (target.road_id, lane) not in reached:
                source = min((arm for arm in arms if arm is not target), key=lambda arm: abs(_turn(arm, target)))
                yield source, 0, target, lane


def _turn(source: Arm, target: Arm) -> float:
    """Radians, left positive."""
    return wrap(target.mouth[2] - source.mouth[2] - math.pi)


def _turned(pose: Pose2) -> Pose2:
    return pose[0], pose[1], wrap(pose[2] + math.pi)


def _aside(pose: Pose2, left_m: float) -> Pose2:
    x, y, heading = pose
    return x - left_m * math.sin(heading), y + left_m * math.cos(heading), heading


def _towards(origin: Point2, goal: Point2, distance: float) -> Point2:
    dx, dy = goal[0] - origin[0], goal[1] - origin[1]
    length = math.hypot(dx, dy)
    return origin[0] + dx / length * distance, origin[1] + dy / length * distance
