"""From a plan to roads: each street's reference line, and one single-lane connector for every way across a crossing.

libcarla asks for this shape: connectors are one-way with one lane, never two between the same pair of lanes, and a
crossing has at least three arms. Streets run from their plan's start to its end; lanes -1, -2 drive that way, 1, 2
back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sim_bridge.embedded.town.author.plan import Crossing, Profile, Street, TownPlan
from sim_bridge.embedded.town.curves import Curve, Point2, Pose2, around, chain, join, through_corners, wrap

# Centre-line radius of the tightest right turn over a crossing: 6 m/s at 3 m/s2 of side acceleration.
TURN_RADIUS_M = 12.0
STRAIGHT_ON_RAD = math.radians(30)
RING_MARGIN_M = 0.6  # between a roundabout's island and its lane
RING_REACH = 2.0  # how far a roundabout's mouths lie from its middle, in radii of its lane's inner edge
RING_LIMIT_KMH = 30
# libcarla's Traffic Manager samples roads every 5 m from their start, and stops a car for a sign once the second sample
# ahead lies over the crossing. On a street that starts there, the one at 5 m is a tie that rounding decides, and cars
# would stop 5 m beyond their line. So the first metres bend, too little to be seen, and lanes to the left shrink.
EASED_M = 5.1
EASED_RADIUS_M = 1e5
WITHOUT_SIGNS = ("lights", "lights in turn", "free")
FIRST_CONNECTOR_ID = 100
FIRST_CROSSING_ID = 1000


@dataclass(frozen=True, slots=True)
class Arm:
    """One street's end at a crossing. `mouth` is the centre line's end, heading away from the crossing."""

    road_id: int
    contact: str  # "start" | "end": which end of the road it is
    profile: Profile
    mouth: Pose2

    @property
    def lanes_in(self) -> int:
        """How many lanes drive into the crossing."""
        return self.profile.count(1 if self.contact == "start" else -1)

    @property
    def lanes_out(self) -> int:
        return self.profile.count(-1 if self.contact == "start" else 1)

    def lane_in(self, index: int) -> int:
        """The id of the lane that drives into the crossing, 0 next to the centre line."""
        return index + 1 if self.contact == "start" else -(index + 1)

    def lane_out(self, index: int) -> int:
        return -self.lane_in(index)

    def inner_edge_in(self, index: int) -> Pose2:
        """Where lane `lane_in(index)`'s left edge enters, heading along the traffic."""
        return _aside(_turned(self.mouth), -index * self.profile.lane_width_m)

    def inner_edge_out(self, index: int) -> Pose2:
        return _aside(self.mouth, -index * self.profile.lane_width_m)


@dataclass(frozen=True, slots=True)
class Connector:
    """A one-way road of one lane (-1) across a crossing; `curve` is its left edge."""

    road_id: int
    curve: Curve
    source: Arm
    source_lane: int
    target: Arm
    target_lane: int
    limit_kmh: int
    is_of_ramp: bool = False  # to or from a ramp that begins or ends on a through road

    @property
    def leaves_through_road(self) -> bool:
        return self.is_of_ramp and self.source.profile.count(1) > 0


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
    def phases(self) -> tuple[tuple[Arm, ...], ...]:
        """Arms grouped by who has green together."""
        return tuple((arm,) for arm in self.arms) if self.crossing.control == "lights in turn" else self.axes

    @property
    def minor_road_ids(self) -> frozenset[int]:
        return frozenset(group[0].road_id for group in self.axes if len(group) == 1)

    def gives_way(self, arm: Arm) -> bool:
        """Whether traffic from `arm` meets a light or a sign, and so a stop line."""
        control = self.crossing.control
        is_minor = arm.road_id in self.minor_road_ids
        return arm.lanes_in > 0 and (control not in ("stop", "yield", "free") or (is_minor and control != "free"))


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
        connectors = tuple(_connectors(crossing, arms, connector_id, plan.turn_limit_kmh))
        connector_id += len(connectors)
        crossings.append(BuiltCrossing(FIRST_CROSSING_ID + number, crossing, arms, connectors))
    return Network(plan, roads, tuple(crossings))


def _road(plan: TownPlan, road_id: int, street: Street) -> Road:
    points = _corner_points(plan, street)
    points[0] = _towards(points[0], points[1], _reach(plan, plan.crossing(street.start)))
    points[-1] = _towards(points[-1], points[-2], _reach(plan, plan.crossing(street.end)))
    curve = through_corners(points, [radius for _, _, radius in street.via])
    has_sign = plan.crossing(street.start).control not in WITHOUT_SIGNS
    return Road(road_id, street, _eased(curve) if has_sign else curve)


def _eased(curve: Curve) -> Curve:
    """A straight beginning bends to the left and back again, by less than a millimetre."""
    first, *others = curve.pieces
    if first.curvature or first.length < 2 * EASED_M:
        return curve
    bend = [(EASED_M, 1 / EASED_RADIUS_M), (EASED_M, -1 / EASED_RADIUS_M), (first.length - 2 * EASED_M, 0.0)]
    return chain(curve.start, [*bend, *((piece.length, piece.curvature) for piece in others)])


def _corner_points(plan: TownPlan, street: Street) -> list[Point2]:
    start, end = plan.crossing(street.start), plan.crossing(street.end)
    return [(start.x, start.y), *((x, y) for x, y, _ in street.via), (end.x, end.y)]


def _reach(plan: TownPlan, crossing: Crossing) -> float:
    """How far from a crossing's middle its arms end, so that the tightest right turn has TURN_RADIUS_M."""
    if crossing.reach_m is not None:
        return crossing.reach_m
    if crossing.control == "roundabout":
        return RING_REACH * (crossing.island_m + RING_MARGIN_M)
    streets = [street for street in plan.streets if crossing.name in (street.start, street.end)]
    widest = max((street.profile.kerb_m(side), street.profile.lane_width_m) for street in streets for side in (1, -1))
    return (TURN_RADIUS_M + widest[0] - widest[1] / 2) * _sharpness(plan, crossing) + crossing.lead_m


def _sharpness(plan: TownPlan, crossing: Crossing) -> float:
    """1 where all arms are at right angles or more to each other; more where turns are sharper than that."""
    headings = sorted(_headings(plan, crossing))
    gaps = [(b - a) % math.tau for a, b in zip(headings, headings[1:] + headings[:1], strict=True)]
    tightest = min((gap for gap in gaps if gap > 0), default=math.tau)
    return 1.0 if tightest > math.pi / 2 - 1e-6 else 1 / math.tan(tightest / 2)


def _headings(plan: TownPlan, crossing: Crossing) -> Iterator[float]:
    for street in plan.streets:
        points = _corner_points(plan, street)
        for name, origin, goal in ((street.start, points[0], points[1]), (street.end, points[-1], points[-2])):
            if name == crossing.name:
                yield math.atan2(goal[1] - origin[1], goal[0] - origin[0])


def _arms(crossing: Crossing, roads: tuple[Road, ...]) -> Iterator[Arm]:
    for road in roads:
        if road.street.start == crossing.name:
            yield Arm(road.road_id, "start", road.street.profile, road.curve.start)
        if road.street.end == crossing.name:
            yield Arm(road.road_id, "end", road.street.profile, _turned(road.curve.end))


def _connectors(
    crossing: Crossing, arms: tuple[Arm, ...], first_id: int, turn_limit_kmh: int | None
) -> Iterator[Connector]:
    if crossing.control == "free":
        ways = list(_ways_of_ramp(arms))
    else:
        ways = [way for arm in arms if arm.lanes_in for way in _ways_from(arm, arms)]
    ways += _ways_to_unreached_lanes(arms, ways)
    for arm in arms:
        for lane in set(range(arm.lanes_in)) - {lane for source, lane, *_ in ways if source is arm}:
            raise ValueError(f"expected a way on from lane {lane} of road {arm.road_id} at {crossing.name}, got none")
    for number, (source, lane, target, target_lane) in enumerate(ways):
        limit = min(source.profile.limit_kmh, target.profile.limit_kmh)
        edges = source.inner_edge_in(lane), target.inner_edge_out(target_lane)
        if crossing.control == "roundabout":
            curve = around(*edges, (crossing.x, crossing.y), crossing.island_m + RING_MARGIN_M)
            limit = min(limit, RING_LIMIT_KMH)
        else:
            curve = _joined(*edges, crossing.lead_m)
        if turn_limit_kmh and abs(_turn(source, target)) > STRAIGHT_ON_RAD:
            limit = min(limit, turn_limit_kmh)
        lanes = source.lane_in(lane), target.lane_out(target_lane)
        is_of_ramp = crossing.control == "free" and not (source.lanes_out and target.lanes_in)
        yield Connector(first_id + number, curve, source, lanes[0], target, lanes[1], limit, is_of_ramp)


def _joined(start: Pose2, end: Pose2, lead_m: float) -> Curve:
    if not lead_m:
        return join(start, end)
    between = join(_ahead(start, lead_m), _ahead(end, -lead_m))
    return chain(start, [(lead_m, 0.0), *((p.length, p.curvature) for p in between.pieces), (lead_m, 0.0)])


Way = tuple[Arm, int, Arm, int]  # source arm and lane, target arm and lane; lanes count from the centre line


def _ways_from(source: Arm, arms: tuple[Arm, ...]) -> Iterator[Way]:
    """Left turns from the innermost lane to the innermost, right turns from the outermost to the outermost.

    Straight on keeps the lane. Into a single lane only one lane goes straight on: the right one where the left one can
    turn left, the left one otherwise. From a single lane, straight on leads to the outermost lane.
    """
    outer = source.lanes_in - 1
    turns = {arm: _turn(source, arm) for arm in arms if arm is not source and arm.lanes_out}
    has_left = any(turn > STRAIGHT_ON_RAD for turn in turns.values())
    for target, turn in turns.items():
        target_outer = target.lanes_out - 1
        if turn > STRAIGHT_ON_RAD:
            yield source, 0, target, 0
        elif turn < -STRAIGHT_ON_RAD:
            yield source, outer, target, target_outer
        elif outer == 0 or target_outer == 0:
            yield source, outer if has_left else 0, target, target_outer
        else:
            for lane in range(min(outer, target_outer) + 1):
                yield source, lane, target, lane


def _ways_of_ramp(arms: tuple[Arm, ...]) -> Iterator[Way]:
    """Where a one-way ramp begins or ends on a through road: every lane keeps to its own.

    A lane that the road beyond does not have leads to the ramp, or else joins the outermost one; a ramp that arrives
    leads to a lane that begins here, or else joins the outermost one.
    """
    ramp = next(arm for arm in arms if not arm.lanes_in or not arm.lanes_out)
    one, other = (arm for arm in arms if arm is not ramp)
    for source, target in ((one, other), (other, one)):
        is_beside = abs(_turn(ramp, target) if ramp.lanes_in else _turn(source, ramp)) < math.pi / 2
        last = target.lanes_out - 1
        for lane in range(source.lanes_in):
            if lane <= last or not (is_beside and ramp.lanes_out):
                yield source, lane, target, min(lane, last)
        if is_beside and ramp.lanes_in:
            yield ramp, 0, target, min(source.lanes_in, last)
        elif is_beside:
            yield source, source.lanes_in - 1, ramp, 0


def _ways_to_unreached_lanes(arms: tuple[Arm, ...], ways: list[Way]) -> Iterator[Way]:
    """A lane that nothing leads to is reached the straightest way, so that each can be driven from its beginning."""
    reached = {(target.road_id, lane) for _, _, target, lane in ways}
    for target in arms:
        for lane in range(target.lanes_out):
            if (target.road_id, lane) not in reached:
                sources = (arm for arm in arms if arm is not target and arm.lanes_in)
                source = min(sources, key=lambda arm: abs(_turn(arm, target)))
                turns_right = _turn(source, target) < -STRAIGHT_ON_RAD
                yield source, source.lanes_in - 1 if turns_right else 0, target, lane


def _turn(source: Arm, target: Arm) -> float:
    """Radians, left positive."""
    return wrap(target.mouth[2] - source.mouth[2] - math.pi)


def _turned(pose: Pose2) -> Pose2:
    return pose[0], pose[1], wrap(pose[2] + math.pi)


def _aside(pose: Pose2, left_m: float) -> Pose2:
    x, y, heading = pose
    return x - left_m * math.sin(heading), y + left_m * math.cos(heading), heading


def _ahead(pose: Pose2, distance: float) -> Pose2:
    x, y, heading = pose
    return x + distance * math.cos(heading), y + distance * math.sin(heading), heading


def _towards(origin: Point2, goal: Point2, distance: float) -> Point2:
    dx, dy = goal[0] - origin[0], goal[1] - origin[1]
    length = math.hypot(dx, dy)
    return origin[0] + dx / length * distance, origin[1] + dy / length * distance
