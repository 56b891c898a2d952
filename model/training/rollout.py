"""How fast: a car's speed along a path, 50 steps of 50 ms, against a target speed, curves, stops and a leader.

Plain floats, no world. The leader rule is the Intelligent Driver Model (Treiber, Hennecke, Helbing 2000); stops and
curves are speed caps over distance, followed with bounded acceleration.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

STEP_S = 0.05
STEPS = 50

ACCELERATION_MPS2 = 2.5
# A stop is begun when it asks for this much, and no speed is gained once it asks for the smaller figure.
STOP_ONSET_MPS2 = 2.2
STOP_COAST_MPS2 = 1.5
HARDEST_BRAKE_MPS2 = 8.0
# How quickly a speed cap is approached; smaller is crisper, below 0.3 s a cap that falls along a stop is overshot.
RESPONSE_S = 0.4
# Where the bumper comes to rest before a stop line, and behind a standing vehicle.
LINE_MARGIN_M = 1.0
# A car that already stands this near its stop stays there instead of creeping up to it.
STAY_WITHIN_M = 4.0
STANDING_MPS = 0.3

IDM_JAM_GAP_M = 4.0
IDM_HEADWAY_S = 1.0
IDM_COMFORT_BRAKE_MPS2 = 3.5
LEADER_BRAKE_MPS2 = 3.0


@dataclass(frozen=True, slots=True)
class Leader:
    """The vehicle in the way: bumper gap, speed, and whether its brake lamps say that it is slowing down."""

    gap_m: float
    speed_mps: float
    brakes: bool


@dataclass(frozen=True, slots=True)
class Demand:
    """What bounds the speed. `caps` (N,) m/s at each metre of the path; `stop_m` is where the front must have stopped.

    Distances are from the front bumper, which is the same as along the path from where it starts.
    """

    target_mps: float
    caps: npt.NDArray[np.float64]
    stop_m: float = math.inf
    leader: Leader | None = None
    brake_mps2: float = HARDEST_BRAKE_MPS2
    acceleration_mps2: float = ACCELERATION_MPS2


def kept_gap_m(speed_mps: float) -> float:
    """The gap that the car keeps at this speed, bumper to bumper."""
    return IDM_JAM_GAP_M + IDM_HEADWAY_S * speed_mps


def idm(speed: float, gap: float, leader_speed: float) -> float:
    """IDM acceleration in m/s2 towards a leader `gap` metres ahead, without its free-road term.

    What bounds the speed on a free road does so with a leader, too, and one far away must not hold the car back.
    """
    closing = speed * (speed - leader_speed) / (2.0 * math.sqrt(ACCELERATION_MPS2 * IDM_COMFORT_BRAKE_MPS2))
    wanted = IDM_JAM_GAP_M + max(0.0, speed * IDM_HEADWAY_S + closing)
    return ACCELERATION_MPS2 * (1.0 - (wanted / max(gap, 0.1)) ** 2)


def stopping(speed: float, left: float) -> float:
    """The most acceleration in m/s2 that a stop `left` metres ahead allows: steady braking once it is due."""
    if left <= 0.0:
        return -HARDEST_BRAKE_MPS2
    needed = speed * speed / (2.0 * left)
    if needed >= STOP_ONSET_MPS2:
        return -1.05 * needed
    # Near the stop a car that creeps must not speed up past what it can brake off again.
    return 0.0 if needed >= STOP_COAST_MPS2 else max(0.3, left - speed * RESPONSE_S) / RESPONSE_S


def roll(speed_mps: float, demand: Demand) -> npt.NDArray[np.float64]:
    """Distance travelled after each of the 50 steps, (50,) metres, never decreasing."""
    caps = demand.caps.tolist()
    stop = demand.stop_m - LINE_MARGIN_M
    if speed_mps < STANDING_MPS and demand.stop_m < STAY_WITHIN_M:
        stop = 0.0
    leader = demand.leader
    leader_at = leader.gap_m if leader else math.inf
    leader_speed = leader.speed_mps if leader else 0.0
    speed, distance = max(0.0, speed_mps), 0.0
    travelled = np.empty(STEPS)
    for step in range(STEPS):
        # Looking one response time ahead makes up for the lag, so a curve is entered at its own speed.
        here, soon = int(distance), int(distance + speed * RESPONSE_S)
        cap = min(demand.target_mps, caps[min(here, len(caps) - 1)], caps[min(soon, len(caps) - 1)])
        # A wish for standstill is braked for steadily; approached like a speed, it would never quite be reached.
        acceleration = (cap - speed) / RESPONSE_S if cap > 0.0 else -demand.brake_mps2
        if stop < math.inf:
            acceleration = min(acceleration, stopping(speed, stop - distance))
        if leader is not None:
            acceleration = min(acceleration, idm(speed, leader_at - distance, leader_speed))
            leader_speed = max(0.0, leader_speed - (LEADER_BRAKE_MPS2 * STEP_S if leader.brakes else 0.0))
            leader_at += leader_speed * STEP_S
        acceleration = max(-demand.brake_mps2, min(demand.acceleration_mps2, acceleration))
        speed = max(0.0, speed + acceleration * STEP_S)
        if speed < 0.05 and (cap <= 0.0 or distance > stop - 0.2):
            speed = 0.0
        distance += speed * STEP_S
        travelled[step] = distance
    return travelled


def plan_times(travelled: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The ten distances a plan reports, at 0.25 .. 2.5 s."""
    return travelled[4::5]
