"""Where lights, signs, stop lines and crosswalks stand along a road, in its own s and t.

Near-side lights: a car that waits at the stop line still sees its lamps, POLE_BEYOND_LINE_M ahead of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sim_bridge.embedded.town.author.built import STRAIGHT_ON_RAD, Arm, Connector, Network, Road
from sim_bridge.embedded.town.author.plan import Profile
from sim_bridge.embedded.town.curves import wrap

STOP_LINE_M = 5.5  # from the crossing's mouth
CROSSWALK_M = 2.75  # the middle of it, from the mouth
CROSSWALK_LENGTH_M = 3.0  # along the road
POLE_BEYOND_LINE_M = 3.5
POLE_FROM_EDGE_M = 0.8
FARTHER_IN_BENDS_M = 0.5  # where a bus swings over the kerb
TIGHT_BEND_M = 40.0
ARROWS_M = (14.0, 34.0)  # feet of the arrows on a lane, from the mouth
FIRST_SPEED_SIGN_M = 14.0  # past the crossing's mouth
FIRST_SIGNAL_ID = 2000

# What stands at a crossing of this control, if it is not called the same.
SIGNS = {"all-way stop": "stop", "roundabout": "yield", "lights in turn": "lights"}
TYPES = {"lights": "1000001", "stop": "206", "yield": "205", "speed": "274"}
# Height of the lamps' or the plate's middle. Over two lanes the lamps hang from an arm, above the tallest van.
HEIGHTS = {"lights": 3.3, "overhead": 4.7, "stop": 2.5, "yield": 2.5, "speed": 2.5}


@dataclass(frozen=True, slots=True)
class PlannedSignal:
    """`orientation` "+" rules traffic that drives along s, "-" the other way."""

    signal_id: int
    road_id: int
    kind: str  # a key of TYPES
    s: float  # of the stop line; of the sign itself for speed limits
    pole_s: float
    pole_t: float
    height: float
    orientation: str
    lanes: tuple[int, int]
    value: int = 0
    controller: tuple[int, int] | None = None  # crossing id, phase


@dataclass(frozen=True, slots=True)
class StopLine:
    road_id: int
    s: float
    lanes: tuple[int, int]
    orientation: str
    width: float  # across all of its lanes


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """`t` is the middle of it, `half_width` across the road."""

    road_id: int
    s: float
    t: float
    half_width: float


@dataclass(frozen=True, slots=True)
class Arrow:
    """Painted on one lane before a crossing; `turns` are out of "left", "straight", "right". `s` is its foot."""

    road_id: int
    s: float
    t: float
    orientation: str
    turns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Furniture:
    signals: tuple[PlannedSignal, ...]
    stop_lines: tuple[StopLine, ...]
    crosswalks: tuple[Crosswalk, ...]
    arrows: tuple[Arrow, ...]


def place(network: Network) -> Furniture:
    signals = [*_crossing_signals(network), *_speed_signs(network)]
    numbered = tuple(replace(signal, signal_id=FIRST_SIGNAL_ID + number) for number, signal in enumerate(signals))
    lines = tuple(_stop_line(network, signal) for signal in numbered if signal.kind != "speed")
    return Furniture(numbered, lines, tuple(_crosswalks(network)), tuple(_arrows(network)))


def _crossing_signals(network: Network) -> Iterator[PlannedSignal]:
    for crossing in network.crossings:
        kind = SIGNS.get(crossing.crossing.control, crossing.crossing.control)
        for phase, group in enumerate(crossing.phases):
            for arm in group:
                if crossing.gives_way(arm):
                    yield _arm_signal(network, arm, kind, (crossing.crossing_id, phase) if kind == "lights" else None)


def _arm_signal(network: Network, arm: Arm, kind: str, controller: tuple[int, int] | None) -> PlannedSignal:
    length = _road(network, arm.road_id).curve.length
    lanes = sorted((arm.lane_in(0), arm.lane_in(arm.lanes_in - 1)))
    overhead = kind == "lights" and arm.lanes_in > 1
    return PlannedSignal(
        signal_id=0,
        road_id=arm.road_id,
        kind=kind,
        s=_from_mouth(arm, length, STOP_LINE_M),
        pole_s=_from_mouth(arm, length, STOP_LINE_M - POLE_BEYOND_LINE_M),
        pole_t=_roadside(arm),
        height=HEIGHTS["overhead" if overhead else kind],
        orientation="+" if arm.contact == "end" else "-",
        lanes=(lanes[0], lanes[1]),
        controller=controller,
    )


def _stop_line(network: Network, signal: PlannedSignal) -> StopLine:
    profile = _road(network, signal.road_id).street.profile
    width = (signal.lanes[1] - signal.lanes[0] + 1) * profile.lane_width_m
    return StopLine(signal.road_id, signal.s, signal.lanes, signal.orientation, width)


def _speed_signs(network: Network) -> Iterator[PlannedSignal]:
    for road in network.roads:
        profile = road.street.profile
        if road.curve.length < 2 * FIRST_SPEED_SIGN_M:
            continue
        for orientation, side, s in (
            ("+", -1, FIRST_SPEED_SIGN_M),
            ("-", 1, road.curve.length - FIRST_SPEED_SIGN_M),
        ):
            aside = POLE_FROM_EDGE_M + (FARTHER_IN_BENDS_M if _is_tight(road, s) else 0.0)
            count, t = profile.count(side), side * (profile.kerb_m(side) + aside)
            lanes = (-count, -1) if side < 0 else (1, count)
            if count:
                height, limit = HEIGHTS["speed"], profile.limit_kmh
                yield PlannedSignal(0, road.road_id, "speed", s, s, t, height, orientation, lanes, value=limit)


def _is_tight(road: Road, s: float) -> bool:
    return any(abs(road.curve.curvature_at(along)) > 1 / TIGHT_BEND_M for along in (s - 3.0, s, s + 3.0))


def _crosswalks(network: Network) -> Iterator[Crosswalk]:
    for crossing in network.crossings:
        for arm in crossing.arms:
            # A crosswalk at a crossing needs a stop line before it, unless nobody drives in there.
            is_quiet = not arm.lanes_in and not crossing.is_of_ring(arm)
            if arm.profile.border == "sidewalk" and (crossing.gives_way(arm) or is_quiet):
                length = _road(network, arm.road_id).curve.length
                yield _crosswalk(arm.road_id, arm.profile, _from_mouth(arm, length, CROSSWALK_M))
    for road in network.roads:
        for share in road.street.crosswalks:
            yield _crosswalk(road.road_id, road.street.profile, share * road.curve.length)


def _crosswalk(road_id: int, profile: Profile, s: float) -> Crosswalk:
    left, right = profile.kerb_m(1), profile.kerb_m(-1)
    return Crosswalk(road_id, s, (left - right) / 2, (left + right) / 2)


def _arrows(network: Network) -> Iterator[Arrow]:
    """Where an approach has several lanes, each says where it leads."""
    for crossing in network.crossings:
        for arm in crossing.arms:
            for index in range(arm.lanes_in if arm.lanes_in > 1 else 0):
                lane = arm.lane_in(index)
                ways = [way for way in crossing.connectors if way.source is arm and way.source_lane == lane]
                turns = tuple(sorted({_turn_name(way) for way in ways}))
                if crossing.crossing.control == "free" and turns == ("straight",):
                    continue
                t = math.copysign((index + 0.5) * arm.profile.lane_width_m, lane)
                for distance in ARROWS_M:
                    s = _from_mouth(arm, _road(network, arm.road_id).curve.length, distance)
                    yield Arrow(arm.road_id, s, t, "+" if arm.contact == "end" else "-", turns)


def _turn_name(way: Connector) -> str:
    turn = wrap(way.curve.end[2] - way.curve.start[2])
    if way.leaves_through_road:
        return "right"
    if abs(turn) < STRAIGHT_ON_RAD:
        return "straight"
    return "left" if turn > 0 else "right"


def _from_mouth(arm: Arm, road_length: float, distance: float) -> float:
    return distance if arm.contact == "start" else road_length - distance


def _roadside(arm: Arm) -> float:
    """t of a pole on the right of the traffic that enters by this arm."""
    side = 1 if arm.contact == "start" else -1
    return side * (arm.profile.kerb_m(side) + POLE_FROM_EDGE_M)


def _road(network: Network, road_id: int) -> Road:
    return network.roads[road_id - 1]
