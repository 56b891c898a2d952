"""`launch.py bench --physics`: the default car's throttle, brake and steering beside CARLA's, in numbers and plots.

Our car drives in the real physics on an empty plane, without a server; CARLA's is `reference_car`.

What counts is where the car is when a plan ends, 2.5 s on: half a lane off it is in somebody else's. A pedal and the
wheel are pressed together and their errors stand at right angles, so each alone may put it off by half a lane / sqrt 2.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Sequence
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
THROTTLE_FROM_KMH = (0.0, 20.0, 40.0, 60.0)
BRAKE_FROM_KMH = (20.0, 40.0, 60.0, 80.0)
# Where three published models of CARLA's car, made in different ways, agree with each other. At full throttle from a
# standstill they do not, by half the way.
AGREED_THROTTLE, AGREED_FROM_KMH = 0.5, (40.0, 60.0)
STEERS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6)
STEER_AT_MPS = (3.0, 6.0, 9.0)
# Steering runs stay below this, where tyres grip and a kinematic bicycle holds.
LATERAL_MAX_MPS2 = 5.0
STEER_TICKS, STEER_SETTLES = 50, 10
# How far ahead plans and dreamed drives reach.
HORIZON_TICKS, MIXED_RUNS, MIXED_FROM_MPS = 50, 60, (3.0, 14.0)
HALF_LANE_M = 1.75
ONE_PEDAL_M = round(HALF_LANE_M / math.sqrt(2.0), 2)


Model = Callable[[float, float], float]  # speed (m/s) and throttle -> speed 50 ms later
MODELS: tuple[Model, ...] = (
    lambda speed, throttle: reference_car.next_speed(speed, throttle, False),
    reference_car.wanted_throttle,
    reference_car.constant_pull,
)


@dataclass(frozen=True, slots=True)
class Run:
    """One manoeuvre: what it was, and both cars' values every STEP_S."""

    name: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def along_m(self) -> float:
        """For speeds: how far ahead of CARLA's our car is when a plan ends."""
        return STEP_S * sum(a - b for a, b in list(zip(self.ours, self.theirs, strict=True))[1 : HORIZON_TICKS + 1])

    def aside_m(self, speed_mps: float) -> float:
        """For yaw rates, deg/s, at this speed: how far beside CARLA's our car is at the end."""
        off_rad = np.cumsum(np.radians(np.subtract(self.ours, self.theirs))) * STEP_S
        return float(np.sum(off_rad) * speed_mps * STEP_S)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON instead of a table.")
    parser.add_argument("--html", type=Path, help="Also draw both cars' curves into this HTML file.")


def main(args: argparse.Namespace) -> int:
    kinds = measured()
    figures, beside = figures_of(kinds), beside_them(kinds)
    if args.html is not None:
        draw(args.html, kinds)
    print(as_json(figures, beside) if args.json else as_table(figures, beside))
    return 0


def measured() -> dict[str, list[Run]]:
    """Every run by kind: "throttle" and "brake" in m/s, "steer" in deg/s, "mixed" in metres apart."""
    return {
        "throttle": [_throttled(t, v / 3.6) for t in THROTTLES for v in THROTTLE_FROM_KMH],
        "brake": [_braked(v / 3.6) for v in BRAKE_FROM_KMH],
        "steer": [_steered(v, s) for v in STEER_AT_MPS for s in STEERS if _is_gentle(v, s)],
        "mixed": _mixed(),
        "agreed": [_agreed(model, v / 3.6) for model in MODELS[1:] for v in AGREED_FROM_KMH],
    }


def figures_of(kinds: dict[str, list[Run]]) -> list[Figure]:
    speeds = {run.name: speed for run, speed in zip(kinds["steer"], _steer_speeds(), strict=False)}
    aside = max(abs(run.aside_m(speeds[run.name])) for run in kinds["steer"])
    return [
        Figure("throttle 0.5 to 1, farthest off after 2.5 s", _farthest(_firm(kinds)), "m", "<=", ONE_PEDAL_M),
        Figure("any throttle, farthest outside both fits", _outside(kinds), "m", "<=", ONE_PEDAL_M),
        Figure("half throttle, farthest off unused models", _farthest(kinds["agreed"]), "m", "<=", ONE_PEDAL_M),
        Figure("full brake, farthest off after 2.5 s", _farthest(kinds["brake"]), "m", "<=", ONE_PEDAL_M),
        Figure("steering, farthest aside after 2.5 s", round(aside, 2), "m", "<=", ONE_PEDAL_M),
        Figure("place after 2.5 s of anything, RMS", _rms_of_ends(kinds["mixed"]), "m", "<=", HALF_LANE_M),
    ]


def beside_them(kinds: dict[str, list[Run]]) -> dict[str, object]:
    """What no limit is set for. The published models' own differences say how much is known of CARLA's car at all."""
    return {
        "stopping distance from 50 km/h, m: ours, CARLA's": stopping_distances(50.0),
        "place after 2.5 s of anything, farthest of all drives, m": round(max(r.ours[-1] for r in kinds["mixed"]), 2),
        "throttle 0.3, farthest off the forecast, m": _farthest(
            [r for r in kinds["throttle"] if r not in _firm(kinds)]
        ),
        "way in 2.5 s by three published models, m": {
            f"throttle {throttle:g} from {kmh:.0f} km/h": [round(_way(model, kmh, throttle), 1) for model in MODELS]
            for throttle, kmh in ((0.3, 60.0), (0.5, 40.0), (0.5, 60.0), (1.0, 0.0), (1.0, 40.0))
        },
    }


def _firm(kinds: dict[str, list[Run]]) -> list[Run]:
    """The runs under a throttle that moves the car: at 0.3 the forecast has it slow down harder than with no pedal."""
    return [run for run in kinds["throttle"] if not run.name.startswith(f"throttle {THROTTLES[0]:g} ")]


def _outside(kinds: dict[str, list[Run]]) -> float:
    """How far the car ends ahead of or behind all that PDM-Lite's two fits, which differ, leave between them."""
    pairs = ((throttle, kmh) for throttle in THROTTLES for kmh in THROTTLE_FROM_KMH)
    farthest = 0.0
    for (throttle, kmh), run in zip(pairs, kinds["throttle"], strict=False):
        between = sorted(_way(model, kmh, throttle) for model in MODELS[:2])
        way = _way(MODELS[0], kmh, throttle) + run.along_m
        farthest = max(farthest, between[0] - way, way - between[1])
    return round(farthest, 2)


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


def _throttled(throttle: float, from_mps: float) -> Run:
    """To the end of the fitted range, or for 30 s."""
    car, speed = OurCar(from_mps), from_mps
    ours, theirs = [from_mps], [from_mps]
    while len(ours) < 600 and 3.6 * max(ours[-1], theirs[-1]) < FITTED_KMH:
        car.drive(throttle, 0.0, 0.0)
        speed = reference_car.next_speed(speed, throttle, False)
        ours.append(car.state.speed_mps)
        theirs.append(speed)
    return Run(f"throttle {throttle:g} from {3.6 * from_mps:.0f} km/h", tuple(ours), tuple(theirs))


def _agreed(model: Model, from_mps: float) -> Run:
    """One horizon at the throttle that all models agree on, beside one that our car is not made from."""
    car, speed = OurCar(from_mps), from_mps
    ours, theirs = [from_mps], [from_mps]
    for _ in range(HORIZON_TICKS):
        car.drive(AGREED_THROTTLE, 0.0, 0.0)
        speed = model(speed, AGREED_THROTTLE)
        ours.append(car.state.speed_mps)
        theirs.append(speed)
    return Run(f"half throttle from {3.6 * from_mps:.0f} km/h", tuple(ours), tuple(theirs))


def _way(model: Model, from_kmh: float, throttle: float) -> float:
    speed, way = from_kmh / 3.6, 0.0
    for _ in range(HORIZON_TICKS):
        speed = model(speed, throttle)
        way += speed * STEP_S
    return way


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


def _farthest(runs: Sequence[Run]) -> float:
    return round(max(abs(run.along_m) for run in runs), 2)


def _steer_speeds() -> list[float]:
    return [v for v in STEER_AT_MPS for s in STEERS if _is_gentle(v, s)]


def _rms_of_ends(runs: Sequence[Run]) -> float:
    return round(math.sqrt(float(np.mean([run.ours[-1] ** 2 for run in runs]))), 3)


def draw(path: Path, kinds: dict[str, list[Run]]) -> None:
    """One HTML file: ours drawn through, CARLA's dashed."""
    from plotly.subplots import make_subplots

    titles = ("Throttle: speed, m/s", "Full brake: speed, m/s", "Steering: yaw rate, deg/s", "Anything: metres apart")
    figure = make_subplots(rows=2, cols=2, subplot_titles=titles)
    for place, kind in enumerate(("throttle", "brake", "steer", "mixed")):
        runs = kinds[kind]
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
