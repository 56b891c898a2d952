"""What an actor wants to do this tick: a speed, a braking, a shift to the side. Pure functions, any thread.

| kind | vehicle | walker |
|---|---|---|
| stand | stands under the brake | stands |
| park | stands on its hand brake, brake lamps dark, as nobody sits in it | stands |
| drive | along its lane at `mps` | |
| brake | with `mps2` until it stands | |
| keep_gap | `gap_m` before the car (behind it when negative), at most `mps` | |
| change_lane | to the lane on side `to` within `over_m`, at `mps`, or at the speed it has | |
| pull_out | from beside the road to the middle of the lane it stands beside, within `over_m`, at `mps` | |
| meet | passes where its way meets the car's `lead_s` before the car would, at `least_mps` to `mps` | |
| cross | | straight over the car's way at `mps`, `far_m` far |
"""

from __future__ import annotations

from dataclasses import dataclass

from sim_bridge.scenarios.scene import Action
from sim_bridge.scenarios.seen import Seen

DOINGS = ("stand", "park", "drive", "brake", "keep_gap", "change_lane", "pull_out", "meet", "cross")
# What the pedal to the floor takes off the speed of an ordinary car on dry asphalt.
FULL_BRAKE_MPS2 = 8.0
# How eagerly a gap is closed, 1/s.
GAP_GAIN = 0.7
# Nearer than this to where the ways meet, a car keeps the speed it has, or a car that stops would hold everybody.
COMMITTED_M = 14.0
EGO_AT_LEAST_MPS = 3.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """`brake` 0..1 overrides the speed; who `is_parked` stands on the hand brake alone."""

    mps: float = 0.0
    brake: float = 0.0
    is_parked: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """One actor and the car: how far it is ahead of the car along the car's way, bumper to bumper, and how far each
    still has to go to where their ways meet, None for ways that do not."""

    ego: Seen
    actor: Seen
    ahead_m: float
    ego_to_meeting_m: float | None = None
    actor_to_meeting_m: float | None = None


STANDING, PARKED = Wanted(0.0, 1.0), Wanted(is_parked=True)


def wanted(action: Action, between: Between) -> Wanted:
    """What a vehicle wants now."""
    match action.kind:
        case "stand":
            return STANDING
        case "park":
            return PARKED
        case "brake":
            return Wanted(0.0, min(1.0, action.mps2 / FULL_BRAKE_MPS2))
        case "keep_gap":
            return Wanted(_kept_gap(action, between))
        case "meet":
            return Wanted(_meeting(action, between))
        case _:
            return Wanted(action.mps)


def _kept_gap(action: Action, between: Between) -> float:
    """The car's own speed, and a little more or less for what the gap is off by."""
    missing = action.gap_m - between.ahead_m
    return min(action.mps, max(0.0, between.ego.speed_mps + GAP_GAIN * missing))


def _meeting(action: Action, between: Between) -> float:
    mine, its = between.actor_to_meeting_m, between.ego_to_meeting_m
    if mine is None or its is None or mine < COMMITTED_M:
        return max(between.actor.speed_mps, action.least_mps) if action.mps == 0.0 else _held(action, between)
    seconds = its / max(between.ego.speed_mps, EGO_AT_LEAST_MPS) - action.lead_s
    return min(action.mps, max(action.least_mps, mine / max(seconds, 0.3)))


def _held(action: Action, between: Between) -> float:
    return min(action.mps, max(between.actor.speed_mps, action.mps / 2))
