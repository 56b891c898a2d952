"""What a plan is built into: roads, their ends at crossings, and the connectors over them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim_bridge.embedded.town.author.plan import Crossing, Profile, Street, TownPlan
from sim_bridge.embedded.town.curves import Curve, Pose2, wrap

STRAIGHT_ON_RAD = math.radians(30)


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
        return _aside(turned(self.mouth), -index * self.profile.lane_width_m)

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
    ring_lane_m: float = 0.0  # how wide it is on its circle round a roundabout, if not as wide as the streets

    @property
    def widths(self) -> tuple[tuple[float, float, float], ...]:
        """(s, metres, metres wider per metre from there on)."""
        source, target = self.source.profile.lane_width_m, self.target.profile.lane_width_m
        if not self.ring_lane_m:
            return ((0.0, source, (target - source) / self.curve.length),)
        on, round_, off = self.curve.pieces
        return (
            (on.s, source, (self.ring_lane_m - source) / on.length),
            (round_.s, self.ring_lane_m, 0.0),
            (off.s, self.ring_lane_m, (target - self.ring_lane_m) / off.length),
        )

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

    def is_of_ring(self, arm: Arm) -> bool:
        """Whether `arm` is a piece of the roundabout's own lane."""
        return arm.profile is self.crossing.ring

    def gives_way(self, arm: Arm) -> bool:
        """Whether traffic from `arm` meets a light or a sign, and so a stop line."""
        control = self.crossing.control
        if self.is_of_ring(arm):
            return False
        is_minor = arm.road_id in self.minor_road_ids
        return arm.lanes_in > 0 and (control not in ("stop", "yield", "free") or (is_minor and control != "free"))


@dataclass(frozen=True, slots=True)
class Network:
    plan: TownPlan
    roads: tuple[Road, ...]
    crossings: tuple[BuiltCrossing, ...]


def turned(pose: Pose2) -> Pose2:
    return pose[0], pose[1], wrap(pose[2] + math.pi)


def _aside(pose: Pose2, left_m: float) -> Pose2:
    x, y, heading = pose
    return x - left_m * math.sin(heading), y + left_m * math.cos(heading), heading
