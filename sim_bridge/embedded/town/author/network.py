"""From a plan to roads: each street's reference line, and one single-lane connector for every way across a crossing.

libcarla asks for this shape: connectors are one-way with one lane, never two between the same pair of lanes, and a
crossing has at least three arms. Streets run from their plan's start to its end; lanes -1, -2 drive that way, 1, 2
back.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sim_bridge.embedded.town.author.built import (
    STRAIGHT_ON_RAD,
    Arm,
    BuiltCrossing,
    Connector,
    Network,
    Road,
    turned,
)
from sim_bridge.embedded.town.author.plan import RING_MARGIN_M, Crossing, Street, TownPlan
from sim_bridge.embedded.town.author.ring import ring_of, split
from sim_bridge.embedded.town.curves import Curve, Point2, Pose2, around, chain, join, through_corners, wrap

# Centre-line radius of the tightest right turn over a crossing: 6 m/s at 3 m/s2 of side acceleration.
TURN_RADIUS_M = 12.0
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


def build(plan: TownPlan) -> Network:
    """Raises ValueError where a plan's bends do not fit or a crossing has fewer than three arms."""
    roads = [_road(plan, number, street) for number, street in enumerate(plan.streets, start=1)]
    crossings: list[BuiltCrossing] = []
    connector_id = FIRST_CONNECTOR_ID
    further_ids = itertools.count(FIRST_CROSSING_ID + len(plan.crossings))
    for crossing_id, crossing in enumerate(plan.crossings, start=FIRST_CROSSING_ID):
        arms = tuple(_arms(crossing, roads))
        if len(arms) < 3:
            raise ValueError(f"expected at least 3 streets at crossing {crossing.name}, got {len(arms)}")
        ring = ring_of(crossing, arms, len(roads) + 1)
        roads += ring
        for index, own in enumerate(split(arms, ring) if ring else [arms]):
            connectors = tuple(_connectors(crossing, own, connector_id, plan.turn_limit_kmh))
            connector_id += len(connectors)
            crossings.append(BuiltCrossing(next(further_ids) if index else crossing_id, crossing, own, connectors))
    return Network(plan, tuple(roads), tuple(crossings))


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


def _arms(crossing: Crossing, roads: Sequence[Road]) -> Iterator[Arm]:
    for road in roads:
        if road.street.start == crossing.name:
            yield Arm(road.road_id, "start", road.street.profile, road.curve.start)
        if road.street.end == crossing.name:
            yield Arm(road.road_id, "end", road.street.profile, turned(road.curve.end))


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
            limit = min(limit, RING_LIMIT_KMH)
        if crossing.control == "roundabout" and crossing.ring is None:
            curve = around(*edges, (crossing.x, crossing.y), crossing.island_m + RING_MARGIN_M)
        else:
            curve = _joined(*edges, crossing.lead_m)
        if turn_limit_kmh and abs(_turn(source, target)) > STRAIGHT_ON_RAD:
            limit = min(limit, turn_limit_kmh)
        lanes = source.lane_in(lane), target.lane_out(target_lane)
        is_of_ramp = crossing.control == "free" and not (source.lanes_out and target.lanes_in)
        way = Connector(first_id + number, curve, source, lanes[0], target, lanes[1], limit, is_of_ramp)
        yield replace(way, ring_lane_m=crossing.ring_lane_m)


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


def _ahead(pose: Pose2, distance: float) -> Pose2:
    x, y, heading = pose
    return x + distance * math.cos(heading), y + distance * math.sin(heading), heading


def _towards(origin: Point2, goal: Point2, distance: float) -> Point2:
    dx, dy = goal[0] - origin[0], goal[1] - origin[1]
    length = math.hypot(dx, dy)
    return origin[0] + dx / length * distance, origin[1] + dy / length * distance
