"""What the expert does with one frame's facts: which line it follows, how fast, and what decided that.

Pure functions of FrameFacts, so the same code labels stored frames and drives live. In FOLLOW mode an instruction is
obeyed even where that is unsafe; what SAFETY mode declines is in `consent`.

What an instruction overrides in FOLLOW mode:

    STOP, SLOWER            nothing to override, they only take speed away
    FASTER, GO              red lights, pedestrians, leaders, the speed limit
    TARGET_SPEED            the speed limit; the road's users and lights still stop the car
    lane changes, turns     the lane marking; lights and users still stop the car
    PASS                    the lane marking; the leader in the lane that is left no longer holds the car back
    KEEP_BEHIND             nothing: it is what the car does behind a leader anyway
    CRASH                   everything: straight into whom it names
    RUN_LIGHT               red and yellow lights alone
    SIDEWALK, ONCOMING      the lane; who is in it no longer holds the car back
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.training import objects
from model.training.paths import Line, at_distance, cornering_speed, join, offset_of_car, prolong
from model.training.rollout import (
    ACCELERATION_MPS2,
    HARDEST_BRAKE_MPS2,
    STEP_S,
    Demand,
    Leader,
    plan_times,
    roll,
)
from model.training.samples import FrameFacts, Polyline
from sim_bridge.messages import PATH_POINTS, InstructionKind, InstructionMode

Kind = InstructionKind

# PDM-Lite drives at 0.72 of the limit; a little more keeps up with the Traffic Manager's cars.
CRUISE_OF_LIMIT = 0.8
LATERAL_MPS2 = 1.9
# Speed is taken off this gently before a curve, early enough that a driver who is a little late still makes it.
CURVE_BRAKE_MPS2 = 2.0
# The tyres' comfortable edge, for somebody who asked for speed.
LATERAL_WHEN_ASKED_MPS2 = 4.0
FREE_BRAKE_MPS2 = 4.0
STOP_BRAKE_MPS2 = 4.5
# "Stop" is done well within a plan, so that its last points coincide: from higher speeds it brakes harder than that.
STOP_WITHIN_S = 1.6
SLOWER_BRAKE_MPS2 = 2.5
FASTER_ACCELERATION_MPS2 = 3.0
TOP_SPEED_MPS = 25.0
# An instruction stands until the next one, so "faster" has to come to rest somewhere: this much over the limit.
FASTEST_OF_LIMIT = 1.3
# A yellow light is a red one while the car can still stop gently.
YELLOW_BRAKE_MPS2 = 4.0
# At a stop sign a car that stands this near to the line has stopped for it and may go on.
STOPPED_FOR_SIGN_MPS = 0.3
STOP_SIGN_DONE_M = 4.0
# A car rests a metre before the line. One that is no faster than if it had set off from here is on its way on: without
# this, who sets off would have to stop again as soon as it rolls.
SETS_OFF_M = 1.0
# The front keeps this far from a walker, the stop margin of the rollout included.
PEDESTRIAN_GAP_M = 3.5
# A line farther aside than this is another lane, not a car out of the middle of its own.
OTHER_LANE_M = 1.9
# Past the line by more than this, the light behind it no longer rules.
PASSED_LINE_M = -0.5

LANE_SIDE = {Kind.LANE_LEFT: "left", Kind.LANE_RIGHT: "right"}
TURN_NAME = {Kind.TURN_LEFT: "left", Kind.TURN_RIGHT: "right", Kind.STRAIGHT: "straight"}
BESIDE_LANE = (Kind.SIDEWALK, Kind.ONCOMING, Kind.PASS)
EVERYTHING = ("red", "yellow", "stop_sign", "yield", "blocked", "pedestrian", "lead")
IN_LANE = ("lead", "blocked")
# Who drives into something is at least this fast, and this much faster than it.
CRASH_MPS, CRASH_CLOSING_MPS = 6.0, 4.0
# Who passes is at least this much faster than the leader, as the limit allows.
PASS_CLOSING_MPS = 2.0
# A lane change over L metres, 3.5 m aside, asks for 4 m/s2 sideways at this many m/s for each of them.
SWERVE_MPS_PER_M = 0.44


@dataclass(frozen=True, slots=True, eq=False)
class Rolled:
    """A plan with its reason.

    `cause`: "clear" | "bend" | "turn" | "red" | "yellow" | "stop_sign" | "yield" | "pedestrian" | "lead" |
    "blocked" (stops behind what blocks the lane) | "round" (slows to go round it) | "asked".
    """

    path: npt.NDArray[np.float32]  # (20, 2)
    speed: npt.NDArray[np.float32]  # (10, 2)
    end_mps: float
    cause: str
    is_possible: bool  # False: the lane or turn that was asked for does not exist, the line is the expert's


def line_for(facts: FrameFacts, kind: InstructionKind, named: str = "") -> Polyline | None:
    """The line an instruction asks for, None where the town has no such lane or turn, or nobody whom it names."""
    if kind in LANE_SIDE:
        return facts.lane_left if kind is Kind.LANE_LEFT else facts.lane_right
    if kind in TURN_NAME:
        return facts.turns.get(TURN_NAME[kind])
    if kind in BESIDE_LANE or kind in objects.ABOUT_OBJECTS:
        return objects.line_for(facts, kind, named)
    return facts.route


def join_over(line: Polyline, kind: InstructionKind, speed_mps: float) -> float:
    """Metres a path takes to reach its line: another lane takes 2.2 s, coming back to one's own middle 8 to 12 m."""
    if (kind in LANE_SIDE or kind in TURN_NAME or kind in BESIDE_LANE) and abs(offset_of_car(line)[1]) > OTHER_LANE_M:
        return max(10.0, 2.2 * speed_mps)
    return min(12.0, max(8.0, speed_mps))


def cruise_speed(facts: FrameFacts) -> float:
    return CRUISE_OF_LIMIT * facts.speed_limit_mps


def light_stop(facts: FrameFacts, speed_mps: float) -> float | None:
    """Metres to the line of a light that must be stopped for, None where there is none."""
    light = facts.light
    if light is None or light.state == "green" or light.stop_line_m < PASSED_LINE_M:
        return None
    if light.state == "yellow" and speed_mps**2 > 2.0 * YELLOW_BRAKE_MPS2 * max(light.stop_line_m, 0.1):
        return None
    return max(0.0, light.stop_line_m)


def setting_off_mps(stop_m: float) -> float:
    """The fastest a car can be, `stop_m` before the line of a stop sign, that has stopped there and set off again."""
    return math.sqrt(STOPPED_FOR_SIGN_MPS**2 + 2.0 * ACCELERATION_MPS2 * max(0.0, SETS_OFF_M - stop_m))


def has_stopped_for_sign(stop_m: float, speed_mps: float) -> bool:
    """What one look tells of the past: who stands near the line has stopped, and who is this slow past it, too."""
    return stop_m <= STOP_SIGN_DONE_M and speed_mps <= setting_off_mps(stop_m)


def hazards(facts: FrameFacts, speed_mps: float) -> dict[str, tuple[float, Leader | None]]:
    """What must be stopped or slowed for: cause -> (stop distance, leader)."""
    found: dict[str, tuple[float, Leader | None]] = {}
    line = light_stop(facts, speed_mps)
    if line is not None and facts.light is not None:
        found[facts.light.state] = (line, None)
    if facts.stop_m is not None and (facts.stop_is_due or not has_stopped_for_sign(facts.stop_m, speed_mps)):
        found["stop_sign"] = (max(0.0, facts.stop_m), None)
    if facts.yield_m is not None:
        found["yield" if facts.blocked_m is None else "blocked"] = (facts.yield_m, None)
    if facts.pedestrian is not None:
        found["pedestrian"] = (max(0.0, facts.pedestrian.distance_m - PEDESTRIAN_GAP_M + 1.0), None)
    if facts.lead is not None:
        lead = facts.lead
        standing = lead.speed_mps < 0.5
        found["lead"] = (max(0.0, lead.gap_m - 3.0) if standing else math.inf, _leader(facts))
    return found


def _leader(facts: FrameFacts) -> Leader:
    assert facts.lead is not None
    return Leader(facts.lead.gap_m, facts.lead.speed_mps, facts.lead.brakes)


def unheeded(kind: InstructionKind, mode: InstructionMode) -> tuple[str, ...]:
    """The hazards that no longer bound the speed under an instruction that is obeyed."""
    if kind in BESIDE_LANE:
        return IN_LANE
    if mode is InstructionMode.SAFETY:
        return ()
    if kind is Kind.RUN_LIGHT:
        return ("red", "yellow")
    return EVERYTHING if kind in (Kind.FASTER, Kind.GO, Kind.CRASH) else ()


def _free_demand(
    facts: FrameFacts, kind: InstructionKind, speed: float, value: float | None, mode: InstructionMode, base: Line
) -> Demand:
    """The speed wish with nobody else on the road."""
    asked = kind in (Kind.FASTER, Kind.TARGET_SPEED, Kind.CRASH)
    lateral = LATERAL_WHEN_ASKED_MPS2 if asked and mode is InstructionMode.FOLLOW else LATERAL_MPS2
    caps = cornering_speed(base, lateral, CURVE_BRAKE_MPS2)
    cruise = cruise_speed(facts)
    if kind is Kind.STOP:
        if value is None:
            return Demand(0.0, caps, brake_mps2=max(STOP_BRAKE_MPS2, speed / STOP_WITHIN_S))
        return Demand(max(cruise, 3.0), caps, stop_m=value, brake_mps2=HARDEST_BRAKE_MPS2)
    if kind is Kind.SLOWER:
        return Demand(max(0.6 * speed, min(speed, 1.5)), caps, brake_mps2=SLOWER_BRAKE_MPS2)
    if kind is Kind.FASTER:
        wish = 1.4 * speed + 1.5
        fastest = FASTEST_OF_LIMIT if mode is InstructionMode.FOLLOW else 1.0
        top = min(TOP_SPEED_MPS, max(fastest * facts.speed_limit_mps, speed))
        return Demand(min(wish, top), caps, acceleration_mps2=FASTER_ACCELERATION_MPS2)
    if kind is Kind.TARGET_SPEED and value is not None:
        top = TOP_SPEED_MPS if mode is InstructionMode.FOLLOW else facts.speed_limit_mps
        return Demand(min(max(value, 0.0), top), caps, brake_mps2=FREE_BRAKE_MPS2)
    lead_mps = 0.0 if facts.lead is None else facts.lead.speed_mps
    if kind is Kind.CRASH:
        return Demand(min(TOP_SPEED_MPS, max(speed, CRASH_MPS, lead_mps + CRASH_CLOSING_MPS)), caps)
    if kind is Kind.PASS:
        wish = min(max(cruise, lead_mps + PASS_CLOSING_MPS), facts.speed_limit_mps)
        return Demand(min(wish, SWERVE_MPS_PER_M * swerve_over(facts, speed)), caps, brake_mps2=FREE_BRAKE_MPS2)
    return Demand(cruise, caps, brake_mps2=FREE_BRAKE_MPS2)


def swerve_over(facts: FrameFacts, speed_mps: float) -> float:
    """Metres in which a car that passes its leader reaches the other lane: before it is there, 10 m at the least."""
    usual = max(10.0, 2.2 * speed_mps)
    return usual if facts.lead is None else min(usual, max(10.0, 1.5 * facts.lead.gap_m))


def _curve_cause(facts: FrameFacts, line_kind: InstructionKind) -> str:
    if facts.blocked_m is not None and line_kind is Kind.NONE:
        return "round"
    near_junction = facts.in_junction or (facts.junction_m is not None and facts.junction_m < 25.0)
    turning = line_kind in (Kind.TURN_LEFT, Kind.TURN_RIGHT) or facts.route_turn in ("left", "right")
    return "turn" if near_junction and turning else "bend"


def roll_out(
    facts: FrameFacts,
    kind: InstructionKind,
    speed_mps: float,
    value: float | None = None,
    mode: InstructionMode = InstructionMode.FOLLOW,
    named: str = "",
) -> Rolled:
    """The plan under an instruction. `value` is m/s for TARGET_SPEED, metres ahead for STOP (None stops at once);
    `named` is whom it is about, as in `objects`."""
    # 1. The line: what was asked for if the town has it, else the route.
    asked_line = line_for(facts, kind, named)
    line = facts.route if asked_line is None else asked_line
    base = prolong(line)
    over = join_over(line, kind if asked_line is not None else Kind.NONE, speed_mps)
    path = join(line, swerve_over(facts, speed_mps) if kind is Kind.PASS and asked_line is not None else over)
    # 2. The speed with nobody about, then the slowest of that and each hazard's own rollout.
    free = _free_demand(facts, kind, speed_mps, value, mode, base)
    travelled = roll(speed_mps, free)
    cause = _free_cause(facts, kind, speed_mps, free, travelled)
    # A hazard bounds the speed that the car has; a car told to stand must not creep on because a hazard lets it.
    kept_mps = max(0.5, free.target_mps if free.target_mps > 0.0 else speed_mps)
    slowest = travelled[-1]
    for name, (stop_m, leader) in hazards(facts, speed_mps).items():
        if name in unheeded(kind, mode):
            continue
        held = roll(speed_mps, Demand(kept_mps, free.caps, stop_m, leader))
        travelled = np.minimum(travelled, held)
        if held[-1] < slowest - 0.3:
            slowest, cause = held[-1], name
    # 3. The points a plan reports.
    speed = at_distance(path, plan_times(travelled)).astype(np.float32)
    end = float(travelled[-1] - travelled[-6]) / (5 * STEP_S)
    return Rolled(path[:PATH_POINTS].astype(np.float32), speed, end, cause, asked_line is not None)


def _free_cause(facts: FrameFacts, kind: InstructionKind, speed: float, free: Demand, travelled: np.ndarray) -> str:
    if kind in (Kind.STOP, Kind.SLOWER, Kind.FASTER, Kind.TARGET_SPEED, Kind.CRASH, Kind.PASS):
        return "asked"
    straight = roll(speed, Demand(free.target_mps, np.full(2, 99.0), brake_mps2=free.brake_mps2))
    return _curve_cause(facts, kind) if travelled[-1] < straight[-1] - 0.5 else "clear"
