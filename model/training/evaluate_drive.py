"""Closed loop in lockstep, without traffic: does the car get along its route, and does it wait at red lights?

The scoring reads the simulator's own state through a teacher of its own; the driver under test sees pictures only. Ends
of a route: the distance is done, the car hit something, it left its lane, or it stood about for no reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import carla
import numpy as np

from model.teacher.driver import TeacherDriver
from model.training.paths import offset_of_car
from model.training.samples import FrameFacts
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.interfaces import Driver
from sim_bridge.messages import TICK_S, EgoState, Observation, SetInstruction
from sim_bridge.session import DriveSession, SessionConfig

Says = Callable[[str], None]
MakesDriver = Callable[[], Driver]  # a session closes its driver, so every drive has its own

ROUTE_M = 300.0
ROUTE_S = 150.0
# The centre of a lane 3.5 m wide is this far from its marking; half a metre of tyre over it is leaving the lane.
LANE_LEFT_M = 1.75
OFF_LANE_TICKS = 10
# Inside a junction nothing is painted; the car may cut the way it takes by this much.
OFF_WAY_M = 3.0
# Standing this long without a red light, a leader or a walker ahead is being stuck.
STUCK_S = 20.0

RED_FROM_M = 40.0
RED_S = 20.0
# Standing this long before the line is waiting; a driver that creeps on does so earlier.
WAITED_S = 4.0
RED_NEAR_M = 12.0
STANDING_MPS = 0.3


@dataclass(frozen=True, slots=True)
class RouteScore:
    """One route. `end`: "done" | "collision" | "left the lane" | "stuck" | "out of time"."""

    seed: int
    end: str
    distance_m: float
    seconds: float
    mean_mps: float
    red_lights_run: int
    worst_offset_m: float

    @property
    def is_done(self) -> bool:
        return self.end == "done"


@dataclass(frozen=True, slots=True)
class RedScore:
    """One approach to a light held red. `end`: "waits" | "ran the light" | "stopped early" | "collision"."""

    place: int
    end: str
    stopped_before_line_m: float


class _Watch:
    """Counts what a drive does wrong, tick by tick."""

    def __init__(self) -> None:
        self.distance_m = self.worst_m = 0.0
        self.red_run = 0
        self.standing_s = 0.0
        self._off_ticks = 0
        self._light_before: tuple[str, float] | None = None
        self._ego: EgoState | None = None

    def sees(self, ego: EgoState, facts: FrameFacts) -> str:
        """Take one tick in; returns how the route ended, "" while it goes on."""
        if self._ego is not None:
            self.distance_m += math.hypot(ego.x_m - self._ego.x_m, ego.y_m - self._ego.y_m)
        self._ego = ego
        self._sees_light(facts)
        return self._sees_lane(facts) or self._sees_standing(ego, facts)

    def _sees_light(self, facts: FrameFacts) -> None:
        """A light that was red and near and is gone from the road ahead has been run."""
        light = None if facts.light is None else (facts.light.state, facts.light.stop_line_m)
        was, self._light_before = self._light_before, light
        if was is None or was[0] != "red":
            return
        if 0.0 <= was[1] < 2.0 and (light is None or light[1] < 0.0 or light[1] > was[1] + 5.0):
            self.red_run += 1

    def _sees_lane(self, facts: FrameFacts) -> str:
        offset = abs(offset_of_car(facts.route)[1])
        self.worst_m = max(self.worst_m, offset)
        self._off_ticks = self._off_ticks + 1 if offset > (OFF_WAY_M if facts.in_junction else LANE_LEFT_M) else 0
        return "left the lane" if self._off_ticks >= OFF_LANE_TICKS else ""

    def _sees_standing(self, ego: EgoState, facts: FrameFacts) -> str:
        has_reason = (
            (facts.light is not None and facts.light.state != "green" and facts.light.stop_line_m < 15.0)
            or (facts.lead is not None and facts.lead.gap_m < 12.0)
            or facts.pedestrian is not None
        )
        self.standing_s = 0.0 if ego.speed_mps > STANDING_MPS or has_reason else self.standing_s + TICK_S
        return "stuck" if self.standing_s > STUCK_S else ""


class ScoredDrive:
    """A lockstep session over a simulator with a judge beside it. One at a time on a simulator."""

    def __init__(self, simulator: CarlaSimulator, driver: Driver, seed: int) -> None:
        self._simulator = simulator
        self._judge = TeacherDriver(simulator)
        self._session = DriveSession(_Lent(simulator), driver, SessionConfig(seed=seed, has_pictures=False))

    def begin(self) -> None:
        """The first tick: the world is reset and the car stands at its start."""
        self._session.advance(1)

    def instruct(self, command: SetInstruction) -> None:
        self._session.submit(command)

    def ticks(self, seconds: float) -> Iterator[tuple[EgoState, FrameFacts]]:
        """The car and the facts after each tick."""
        for _ in range(round(seconds / TICK_S)):
            view = self._session.advance(1)
            yield view.ego, self._judge.facts(_observation(view))

    def close(self) -> None:
        self._session.close()


class _Lent:
    """A simulator that outlives its session: closing it does nothing."""

    def __init__(self, simulator: CarlaSimulator) -> None:
        self._simulator = simulator

    def __getattr__(self, name: str) -> Any:
        return getattr(self._simulator, name)

    def close(self) -> None:
        return


def _observation(view: Any) -> Observation:
    """What the judge needs of a moment; it reads the rest from the world."""
    return Observation(
        episode=view.episode,
        tick=view.tick,
        sim_time_us=view.sim_time_us,
        ego=view.ego,
        frames=(),
        target_points_xy_in_ego=np.zeros((2, 2), np.float32),
    )


def one_route(simulator: CarlaSimulator, driver: MakesDriver, seed: int) -> RouteScore:
    drive, watch, end = ScoredDrive(simulator, driver(), seed), _Watch(), "out of time"
    seconds = 0.0
    try:
        drive.begin()
        for ego, facts in drive.ticks(ROUTE_S):
            seconds += TICK_S
            found = "collision" if simulator.collisions else watch.sees(ego, facts)
            if found or watch.distance_m >= ROUTE_M:
                end = found or "done"
                break
    finally:
        drive.close()
    mean = watch.distance_m / max(seconds, TICK_S)
    return RouteScore(
        seed, end, round(watch.distance_m, 1), round(seconds, 1), round(mean, 2), watch.red_run, round(watch.worst_m, 2)
    )


def routes(simulator: CarlaSimulator, driver: MakesDriver, count: int, seed: int, say: Says) -> list[RouteScore]:
    found = []
    for k in range(count):
        found.append(one_route(simulator, driver, seed + k))
        say(f"route {k + 1} of {count}: {found[-1].end} after {found[-1].distance_m:.0f} m")
    return found


# ---- red lights ------------------------------------------------------------------------------------------------------


def approaches(simulator: CarlaSimulator, count: int, seed: int) -> list[tuple[Any, Any]]:
    """(lane waypoint about 40 m before the line, light actor), drawn over the town's lights."""
    from model.teacher.surroundings import stop_waypoints

    found = []
    for light in simulator.carla_world.get_actors().filter("traffic.traffic_light*"):
        for stop in stop_waypoints(light, simulator.carla_map):
            before = stop.previous(RED_FROM_M)
            if before and not before[0].is_junction:
                found.append((before[0], light))
    order = np.random.default_rng(seed).permutation(len(found))[:count]
    return [found[int(k)] for k in order]


def one_red(simulator: CarlaSimulator, driver: MakesDriver, place: int, start: Any, light: Any, seed: int) -> RedScore:
    """The car is put 40 m before a light that is held red: it should drive up, stop at the line and stay."""
    drive = ScoredDrive(simulator, driver(), seed)
    try:
        drive.begin()
        where = start.transform
        where.location.z += 0.05
        simulator.ego.set_transform(where)
        light.set_state(carla.TrafficLightState.Red)
        light.freeze(True)
        left, moved, speed, stood_s = RED_FROM_M, 0.0, 0.0, 0.0
        for ego, facts in drive.ticks(RED_S):
            if simulator.collisions:
                return RedScore(place, "collision", round(left, 1))
            was, speed = left, ego.speed_mps
            moved += speed * TICK_S
            stood_s = stood_s + TICK_S if speed < STANDING_MPS and moved > RED_FROM_M / 4 else 0.0
            if facts.light is not None and facts.light.stop_line_m < RED_FROM_M + 10.0:
                left = facts.light.stop_line_m
            elif was < 3.0 and speed > STANDING_MPS:
                return RedScore(place, "ran the light", round(was, 1))
            if left < -0.5:
                return RedScore(place, "ran the light", round(left, 1))
            if stood_s > WAITED_S:
                break
        waits = speed < STANDING_MPS and left < RED_NEAR_M and moved > RED_FROM_M / 4
        return RedScore(place, "waits" if waits else "stopped early", round(left, 1))
    finally:
        light.freeze(False)
        drive.close()


def reds(simulator: CarlaSimulator, driver: MakesDriver, count: int, seed: int, say: Says) -> list[RedScore]:
    found = []
    places = approaches(simulator, count, seed) if count else []
    for k, (start, light) in enumerate(places):
        found.append(one_red(simulator, driver, k, start, light, seed + k))
        say(f"red light {k + 1} of {count}: {found[-1].end}, {found[-1].stopped_before_line_m:.1f} m before the line")
    return found


def summary(routed: list[RouteScore], waited: list[RedScore]) -> dict[str, Any]:
    """The figures of both, and every single drive beside them."""
    return {
        "routes": {
            "done": sum(score.is_done for score in routed),
            "of": len(routed),
            "red_lights_run": sum(score.red_lights_run for score in routed),
            "mean_mps": round(float(np.mean([score.mean_mps for score in routed])), 2) if routed else 0.0,
            "each": [asdict(score) for score in routed],
        },
        "red_lights": {
            "obeyed": sum(score.end == "waits" for score in waited),
            "of": len(waited),
            "each": [asdict(score) for score in waited],
        },
    }
