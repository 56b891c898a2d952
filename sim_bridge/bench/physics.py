"""`launch.py bench --physics`: the default car's throttle, brake and steering beside CARLA's, in numbers and plots.

Our car drives in the real physics on an empty plane, without a server; CARLA's is `reference_car`. Errors are root mean
squares over every 50 ms of all runs of a kind.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim_bridge.bench import reference_car
from sim_bridge.bench.figures import Figure, as_json, as_table
from sim_bridge.bench.reference_car import FITTED_KMH, STEP_S, State
from sim_bridge.embedded.contracts import PedalState, Pose, Town
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.vehicles import DEFAULT_EGO, VEHICLES

CAR = 1
SUBSTEPS = 5
SETTLE_TICKS = 20
THROTTLES = (0.3, 0.5, 0.7, 0.85, 1.0)
BRAKE_FROM_KMH = (20.0, 40.0, 60.0, 80.0)
STEERS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6)
STEER_AT_MPS = (3.0, 6.0, 9.0)
# Steering runs stay below this, where tyres grip and a kinematic bicycle holds.
LATERAL_MAX_MPS2 = 5.0
STEER_TICKS, STEER_SETTLES = 50, 10
# How far ahead plans and dreamed drives reach.
HORIZON_TICKS, MIXED_RUNS, MIXED_FROM_MPS = 50, 60, (3.0, 14.0)
HALF_LANE_M = 1.75


@dataclass(frozen=True, slots=True)
class Run:
    """One manoeuvre: what it was, and both cars' values every STEP_S."""

    name: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def squares(self) -> list[float]:
        return [(a - b) ** 2 for a, b in zip(self.ours, self.theirs, strict=True)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON instead of a table.")
    parser.add_argument("--html", type=Path, help="Also draw both cars' curves into this HTML file.")


def main(args: argparse.Namespace) -> int:
    kinds = measured()
    figures, beside = figures_of(kinds), {"stopping distance from 50 km/h, m: ours, CARLA's": stopping_distances(50.0)}
    if args.html is not None:
        draw(args.html, kinds)
    print(as_json(figures, beside) if args.json else as_table(figures, beside))
    return 0


def measured() -> dict[str, list[Run]]:
    """Every run by kind: "throttle" and "brake" in m/s, "steer" in deg/s, "mixed" in metres apart."""
    return {
        "throttle": [_throttled(t) for t in THROTTLES],
        "brake": [_braked(v / 3.6) for v in BRAKE_FROM_KMH],
        "steer": [_steered(v, s) for v in STEER_AT_MPS for s in STEERS if _is_gentle(v, s)],
        "mixed": _mixed(),
    }


def figures_of(kinds: dict[str, list[Run]]) -> list[Figure]:
    return [
        Figure("speed under throttle, RMS error", _rms(kinds["throttle"]), "m/s", "<=", 0.5),
        Figure("speed under braking, RMS error", _rms(kinds["brake"]), "m/s", "<=", 0.6),
        Figure("yaw rate under steering, RMS error", _rms(kinds["steer"]), "deg/s", "<=", 2.0),
        Figure("place after 2.5 s of anything, RMS error", _rms_of_ends(kinds["mixed"]), "m", "<=", HALF_LANE_M),
    ]


def stopping_distances(from_kmh: float) -> tuple[float, float]:
    """Metres from full brake to standstill: ours, CARLA's."""
    run = _braked(from_kmh / 3.6)
    return round(sum(run.ours) * STEP_S, 2), round(sum(run.theirs) * STEP_S, 2)


# ---- our car


class OurCar:
    """The default car in our physics, on a plane without anything else."""

    def __init__(self, speed_mps: float = 0.0) -> None:
        empty = Town("plane", "", (), (), (), (), (-1e4, -1e4, 1e4, 1e4))
        self._physics = Physics(empty)
        self._physics.add_vehicle(CAR, VEHICLES[DEFAULT_EGO], Pose(z=0.05))
        for _ in range(SETTLE_TICKS):
            self._physics.step(STEP_S, SUBSTEPS)
        if speed_mps > 0.0:
            self._physics.push(CAR, (speed_mps, 0.0, 0.0))

    def drive(self, throttle: float, steer: float, brake: float) -> None:
        self._physics.pedals(CAR, PedalState(throttle, steer, brake))
        self._physics.step(STEP_S, SUBSTEPS)

    @property
    def state(self) -> State:
        body = self._physics.state(CAR)
        return State(body.pose.x, body.pose.y, math.radians(body.pose.yaw), math.hypot(*body.velocity[:2]))


# ---- manoeuvres


def _throttled(throttle: float) -> Run:
    """From a standstill to the end of the fitted range, or for 30 s."""
    car, speed = OurCar(), 0.0
    ours, theirs = [0.0], [0.0]
    while len(ours) < 600 and 3.6 * max(ours[-1], theirs[-1]) < FITTED_KMH:
        car.drive(throttle, 0.0, 0.0)
        speed = reference_car.next_speed(speed, throttle, False)
        ours.append(car.state.speed_mps)
        theirs.append(speed)
    return Run(f"throttle {throttle:g}", tuple(ours), tuple(theirs))


def _braked(from_mps: float) -> Run:
    """Full brake until both cars stand."""
    car, speed = OurCar(from_mps), from_mps
    ours, theirs = [from_mps], [from_mps]
    while len(ours) < 200 and max(ours[-1], theirs[-1]) > 0.05:
        car.drive(0.0, 0.0, 1.0)
        speed = reference_car.next_speed(speed, 0.0, True)
        ours.append(car.state.speed_mps)
        theirs.append(speed)
    return Run(f"brake from {3.6 * from_mps:.0f} km/h", tuple(ours), tuple(theirs))


def _is_gentle(speed_mps: float, steer: float) -> bool:
    return speed_mps * reference_car.yaw_rate(speed_mps, steer) <= LATERAL_MAX_MPS2


def _steered(speed_mps: float, steer: float) -> Run:
    """Yaw rates, deg/s, at a held speed. CARLA's is that of the speed our car has, once the wheel has turned."""
    car = OurCar(speed_mps)
    ours, theirs, before = [], [], car.state
    for tick in range(STEER_TICKS):
        car.drive(_holding(speed_mps, before.speed_mps), steer, 0.0)
        now = car.state
        turned = (now.yaw_rad - before.yaw_rad + math.pi) % (2 * math.pi) - math.pi
        if tick >= STEER_SETTLES:
            ours.append(math.degrees(turned) / STEP_S)
            theirs.append(math.degrees(reference_car.yaw_rate((now.speed_mps + before.speed_mps) / 2, steer)))
        before = now
    return Run(f"steer {steer:g} at {speed_mps:g} m/s", tuple(ours), tuple(theirs))


def _holding(wanted_mps: float, speed_mps: float) -> float:
    return min(1.0, max(0.0, 0.3 + 0.5 * (wanted_mps - speed_mps)))


def _mixed() -> list[Run]:
    """Seeded drives of one horizon with changing pedals and wheel: how far apart the two cars are at each tick.

    Never without a pedal: the forecast keeps its speed then, which is an assumption and no measurement.
    """
    draw = random.Random(0)
    return [_mixed_run(draw, number) for number in range(MIXED_RUNS)]


def _mixed_run(draw: random.Random, number: int) -> Run:
    speed = draw.uniform(*MIXED_FROM_MPS)
    car, reference = OurCar(speed), State(speed_mps=speed)
    start = car.state
    apart = []
    throttle, steer, brake = 0.0, 0.0, 0.0
    for tick in range(HORIZON_TICKS):
        if tick % 10 == 0:
            is_braking = draw.random() < 0.2
            throttle, brake = (0.0, 1.0) if is_braking else (draw.choice((0.35, 0.5, 0.7, 1.0)), 0.0)
            steer = _steer_that_grips(draw.gauss(0.0, 0.15), max(car.state.speed_mps, reference.speed_mps))
        car.drive(throttle, steer, brake)
        reference = reference_car.moved(reference, throttle, steer, brake > 0.0)
        now = car.state
        apart.append(math.hypot(now.x - start.x - reference.x, now.y - start.y - reference.y))
    return Run(f"drive {number + 1}", tuple(apart), (0.0,) * len(apart))


def _steer_that_grips(steer: float, speed_mps: float) -> float:
    while not _is_gentle(speed_mps, abs(steer)):
        steer *= 0.7
    return steer


# ---- numbers and pictures


def _rms(runs: Sequence[Run]) -> float:
    return round(math.sqrt(float(np.mean([square for run in runs for square in run.squares]))), 3)


def _rms_of_ends(runs: Sequence[Run]) -> float:
    return round(math.sqrt(float(np.mean([run.squares[-1] for run in runs]))), 3)


def draw(path: Path, kinds: dict[str, list[Run]]) -> None:
    """One HTML file: ours drawn through, CARLA's dashed."""
    from plotly.subplots import make_subplots

    titles = ("Throttle: speed, m/s", "Full brake: speed, m/s", "Steering: yaw rate, deg/s", "Anything: metres apart")
    figure = make_subplots(rows=2, cols=2, subplot_titles=titles)
    for place, (kind, runs) in enumerate(kinds.items()):
        for number, run in enumerate(runs):
            _add_run(figure, run, place, _color(number), is_pair=kind != "mixed")
    figure.update_layout(
        height=900, title="The default car (full) and CARLA's lincoln.mkz by its published fits (dashed)"
    )
    figure.update_xaxes(title_text="seconds")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.write_html(path, include_plotlyjs=True)


def _add_run(figure: Any, run: Run, place: int, color: str, is_pair: bool) -> None:
    lines: list[tuple[str, Sequence[float], str]] = [(run.name, run.ours, "solid")]
    if is_pair:
        lines.append((f"{run.name}, CARLA", run.theirs, "dash"))
    for name, values, dash in lines:
        seconds = [k * STEP_S for k in range(len(values))]
        figure.add_scatter(
            x=seconds, y=values, name=name, line={"color": color, "dash": dash, "width": 1.5},
            showlegend=False, row=place // 2 + 1, col=place % 2 + 1,
        )  # fmt: skip


def _color(number: int) -> str:
    return f"hsl({(number * 67) % 360}, 60%, 42%)"
