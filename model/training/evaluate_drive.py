"""Closed loop in lockstep: does the car get along its route, among traffic or alone, and does it wait at red lights?

A route is ROUTE_M metres from a drawn start, planned when the drive begins. It goes on after an infraction, as on the
CARLA Leaderboard, until it is done, the car is stuck or off the route, or the time is up. What counts as one, and what
it costs, is in `infractions`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import carla
import numpy as np

from model.training import comfort
from model.training.infractions import STANDING_MPS, Watch
from model.training.judged_frames import Case
from model.training.lane_keeping import LaneKeeping, PlannedRoute, planned_route
from model.training.scored_drive import ScoredDrive
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.interfaces import Driver
from sim_bridge.messages import TICK_S, EgoState

Says = Callable[[str], None]
MakesDriver = Callable[[], Driver]  # a session closes its driver, so every drive has its own

ROUTE_M = 300.0
ROUTE_S = 150.0
# Among traffic there are queues to wait in.
ROUTE_AMONG_TRAFFIC_S = 240.0
# The plan goes on past the end, so that the car's nearest point is never cut off.
PLANNED_BEYOND_M = 60.0

RED_FROM_M = 40.0
RED_S = 20.0
# Standing this long before the line is waiting; a driver that creeps on does so earlier.
WAITED_S = 4.0
RED_NEAR_M = 12.0


@dataclass(frozen=True, slots=True)
class RouteScore:
    """One route. `end`: "done" | "stuck" | "off the route" | "out of time"; `counts`: infractions by name.

    `is_done`: driven whole, no collision, lane never left; `is_success`: nothing else went wrong either. Scores as on
    the Leaderboard: `completion` 0..1, `infraction_score` 0..1, `driving_score` 0..100. `over_paint_s`: how long a side
    of the car was over its lane's marking, `worst_over_m` how far at most (negative: within the lane).
    """

    seed: int
    end: str
    is_done: bool
    is_success: bool
    counts: dict[str, int]
    completion: float
    infraction_score: float
    driving_score: float
    distance_m: float
    seconds: float
    mean_mps: float
    over_paint_s: float
    worst_over_m: float
    comfort: float | None
    efficiency: float | None
    first_fault: str


@dataclass(frozen=True, slots=True)
class RedScore:
    """One approach to a light held red. `end`: "waits" | "ran the light" | "stopped early" | "collision"."""

    place: int
    end: str
    stopped_before_line_m: float


# ---- routes ----------------------------------------------------------------------------------------------------------


def one_route(
    simulator: CarlaSimulator, driver: MakesDriver, seed: int, seconds: float = ROUTE_S
) -> tuple[RouteScore, str]:
    """Drive one; its score, and the picture at the first fault ("" without one)."""
    drive = ScoredDrive(simulator, driver(), seed)
    track: list[EgoState] = []
    others: list[float | None] = []
    picture = ""
    try:
        drive.begin()
        route = _plan(simulator, seed)
        extent = simulator.ego.bounding_box.extent
        keeping = LaneKeeping(route, extent.x, extent.y)
        watch = Watch(min(ROUTE_M, keeping.length_m - 1.0))
        for ego, road in drive.ticks(seconds):
            track.append(ego)
            others.append(road.others_mps)
            went_wrong = watch.sees(ego, keeping.sees(ego), road, simulator.collisions)
            picture = picture or (drive.picture() if went_wrong or watch.end not in ("", "done") else "")
            if watch.end:
                break
        return _score(seed, watch, track, others), picture
    finally:
        drive.close()


def _plan(simulator: CarlaSimulator, seed: int) -> PlannedRoute:
    """The route from where the car stands; the navigator draws the same ways from the same seed."""
    return planned_route(simulator.navigator.dense_route()[0].waypoint, seed, ROUTE_M + PLANNED_BEYOND_M)


def _score(seed: int, watch: Watch, track: Sequence[EgoState], others: Sequence[float | None]) -> RouteScore:
    calm = comfort.comfort(track)
    swift = comfort.efficiency([ego.speed_mps for ego in track], others)
    return RouteScore(
        seed=seed,
        end=watch.end or "out of time",
        is_done=watch.is_done,
        is_success=watch.is_success,
        counts=dict(sorted(watch.counts.items())),
        completion=round(watch.completion, 3),
        infraction_score=round(watch.infraction_score, 3),
        driving_score=round(watch.driving_score, 1),
        distance_m=round(watch.driven_m, 1),
        seconds=round(watch.seconds, 1),
        mean_mps=round(watch.driven_m / max(watch.seconds, TICK_S), 2),
        over_paint_s=round(watch.over_paint_s, 2),
        worst_over_m=round(watch.worst_over_m, 2),
        comfort=None if calm is None else round(calm, 3),
        efficiency=None if swift is None else round(swift, 1),
        first_fault=watch.first_fault or ("" if watch.end == "done" else watch.end or "out of time"),
    )


def routes(
    simulator: CarlaSimulator, driver: MakesDriver, count: int, seed: int, say: Says, seconds: float = ROUTE_S
) -> tuple[list[RouteScore], list[Case]]:
    """`count` routes from the starts of `seed`, `seed` + 1, ...; a case for the report from each that was not done."""
    found, cases = [], []
    for k in range(count):
        score, picture = one_route(simulator, driver, seed + k, seconds)
        found.append(score)
        said = f"route {k + 1} of {count}: {score.end} after {score.distance_m:.0f} m in {score.seconds:.0f} s"
        said += f", driving score {score.driving_score:.0f}" + (f", {score.first_fault}" if score.first_fault else "")
        say(said)
        if picture:
            place = f"{simulator.town}, seed {score.seed}, {score.distance_m:.0f} m driven"
            cases.append(Case("routes", "route", False, picture, place, "the route driven", score.first_fault))
    return found, cases


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
        for ego, road in drive.ticks(RED_S):
            if simulator.collisions:
                return RedScore(place, "collision", round(left, 1))
            was, speed = left, ego.speed_mps
            moved += speed * TICK_S
            stood_s = stood_s + TICK_S if speed < STANDING_MPS and moved > RED_FROM_M / 4 else 0.0
            if road.light is not None and road.light.stop_line_m < RED_FROM_M + 10.0:
                left = road.light.stop_line_m
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


def route_summary(routed: Sequence[RouteScore]) -> dict[str, Any]:
    """The figures of a set of routes, and every route beside them."""

    def mean(values: Sequence[float | None], digits: int) -> float | None:
        known = [value for value in values if value is not None]
        return round(float(np.mean(known)), digits) if known else None

    counts: dict[str, int] = {}
    for score in routed:
        for name, count in score.counts.items():
            counts[name] = counts.get(name, 0) + count
    return {
        "done": sum(score.is_done for score in routed),
        "successes": sum(score.is_success for score in routed),
        "of": len(routed),
        "driving_score": mean([score.driving_score for score in routed], 1),
        "route_completion": mean([score.completion for score in routed], 3),
        "infraction_score": mean([score.infraction_score for score in routed], 3),
        "infractions": dict(sorted(counts.items())),
        "kilometres": round(sum(score.distance_m for score in routed) / 1000.0, 2),
        "mean_mps": mean([score.mean_mps for score in routed], 2),
        "over_paint_s": mean([score.over_paint_s for score in routed], 2),
        "comfort": mean([score.comfort for score in routed], 3),
        "efficiency": mean([score.efficiency for score in routed], 1),
        "each": [asdict(score) for score in routed],
    }


def red_summary(waited: Sequence[RedScore]) -> dict[str, Any]:
    return {
        "obeyed": sum(score.end == "waits" for score in waited),
        "of": len(waited),
        "each": [asdict(score) for score in waited],
    }
