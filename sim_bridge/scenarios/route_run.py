"""One route of a Leaderboard file in one world: where the car starts, its goals, the weather along it, the scenarios
that this program has a scene for. Session thread; the order of calls is that of `SceneRun`."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any

import carla

from sim_bridge.goals import Goals
from sim_bridge.interfaces import CannotBegin
from sim_bridge.scenarios.reading import load
from sim_bridge.scenarios.route_file import Route, RouteScenario, RouteWeather
from sim_bridge.scenarios.run import NoPlace, Outcome, SceneRun

log = logging.getLogger(__name__)

START_DROP_M = 0.3
# The cast of a scenario comes in this far before its trigger, out of the way of who looks for it.
CAST_FROM_M = 60.0
TRIGGERED_M = 6.0
# A car this far from the trigger again has gone another way.
MISSED_M = 90.0
# Weather is set anew after this much of the route.
WEATHER_EVERY = 0.02
# The Leaderboard's kinds of scenario -> our scene of it.
SCENES = {
    "Accident": "parked_car_blocks_the_lane",
    "BlockedIntersection": "parked_car_blocks_the_lane",
    "ConstructionObstacle": "construction",
    "ConstructionObstacleTwoWays": "construction_on_the_only_lane",
    "DynamicObjectCrossing": "pedestrian_steps_out",
    "HardBreakRoute": "hard_braking_leader",
    "HazardAtSideLane": "cyclist_ahead",
    "HighwayCutIn": "cut_in",
    "OppositeVehicleRunningRedLight": "red_light_runner",
    "ParkedObstacle": "parked_car_blocks_the_lane",
    "ParkedObstacleTwoWays": "parked_car_blocks_the_lane",
    "ParkingCutIn": "cut_in_from_the_kerb",
    "ParkingCrossingPedestrian": "pedestrian_steps_out",
    "PedestrianCrossing": "pedestrian_steps_out",
    "StaticCutIn": "cut_in",
    "VehicleTurningRoutePedestrian": "pedestrian_after_right_turn",
    "YieldToEmergencyVehicle": "emergency_vehicle_behind",
}


class WrongTown(CannotBegin):
    """The route is of another town than the world's."""


@dataclass(frozen=True, slots=True)
class RouteOutcome:
    """`completed` is the share of the route's points reached, 0..1. `scenes`: the outcomes of the scenes played."""

    route_id: str
    completed: float
    scenes: tuple[Outcome, ...]
    not_played: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        return self.completed >= 1.0


class RouteRun:
    """Owns the scenes along the route, from `prepare` to `clear`. One of them plays at a time."""

    def __init__(self, world: Any, route: Route, seed: int) -> None:
        self.route = route
        self._world, self._map, self._seed = world, world.get_map(), seed
        points = [carla.Location(x, y, z) for x, y, z in route.points]
        self._start = self._map.get_waypoint(points[0])
        self.goals = Goals(points[1:])
        self._pending = [s for s in route.scenarios if s.kind in SCENES]
        self._not_played = [s.name for s in route.scenarios if s.kind not in SCENES]
        self._scene: tuple[RouteScenario, SceneRun] | None = None
        self._is_playing = False
        self._played: list[Outcome] = []
        self._weather_set_at = -1.0
        self._weather_before: Any = None

    def prepare(self) -> None:
        """Raises WrongTown."""
        town = self._map.name.rsplit("/", 1)[-1]
        if town != self.route.town:
            raise WrongTown(
                f"Route {self.route.route_id} is for {self.route.town}, this world has {town} loaded. "
                f"Give --town {self.route.town}, or another file."
            )

    @property
    def ego_start(self) -> Any:
        at = self._start.transform
        return carla.Transform(carla.Location(at.location.x, at.location.y, at.location.z + START_DROP_M), at.rotation)

    def begin(self, ego: Any) -> None:
        self._ego = ego

    def tick(self) -> None:
        seen = self._world.get_snapshot().find(self._ego.id)
        if seen is None:
            return
        here = seen.get_transform().location
        self._change_weather()
        if self._scene is None:
            self._bring_in(here)
        elif self._is_playing:
            self._play()
        else:
            self._wait(here.distance_2d(_location(self._scene[0])))

    @property
    def outcome(self) -> RouteOutcome:
        playing = [self._scene[1].outcome] if self._scene is not None and self._is_playing else []
        waiting = [self._scene[0]] if self._scene is not None and not self._is_playing else []
        missed = [*self._not_played, *(scenario.name for scenario in (*waiting, *self._pending))]
        return RouteOutcome(self.route.route_id, self.goals.reached_share, (*self._played, *playing), tuple(missed))

    @property
    def playing(self) -> str:
        """What the scene that plays here is and how it goes, "" between two."""
        if self._scene is None or not self._is_playing:
            return ""
        run = self._scene[1]
        return f"Scene: {run.scene.title}. {run.outcome.line}"

    def clear(self) -> None:
        if self._scene is not None and not self._is_playing:
            self._not_played.append(self._scene[0].name)
        self._dismiss()
        if self._weather_before is not None:
            self._world.set_weather(self._weather_before)
            self._weather_before = None

    # ---- scenes along the route

    def _dismiss(self) -> None:
        if self._scene is not None:
            self._scene[1].clear()
            self._scene = None

    def _wait(self, to_trigger_m: float) -> None:
        """For the car to come to the trigger of the scene that stands ready; later ones come in once it has passed."""
        assert self._scene is not None
        scenario, run = self._scene
        if to_trigger_m < TRIGGERED_M:
            run.begin(self._ego)
            self._is_playing = True
        elif to_trigger_m > MISSED_M:
            log.warning("Scenario %s is left out: the car went past its trigger.", scenario.name)
            self._not_played.append(scenario.name)
            self._dismiss()

    def _bring_in(self, here: Any) -> None:
        for scenario in self._pending:
            if here.distance_2d(_location(scenario)) < CAST_FROM_M:
                self._pending.remove(scenario)
                run = SceneRun(self._world, load(SCENES[scenario.kind]), self._seed)
                try:
                    run.prepare_at(self._trigger(scenario))
                except NoPlace as problem:
                    log.warning("Scenario %s is left out: %s", scenario.name, problem)
                    self._not_played.append(scenario.name)
                    return
                self._scene, self._is_playing = (scenario, run), False
                return

    def _trigger(self, scenario: RouteScenario) -> Any:
        return self._map.get_waypoint(_location(scenario))

    def _play(self) -> None:
        assert self._scene is not None
        run = self._scene[1]
        run.tick()
        if run.outcome.ended:
            self._played.append(run.outcome)
            self._dismiss()

    # ---- weather along the route

    def _change_weather(self) -> None:
        share = self.goals.reached_share
        if not self.route.weathers or share - self._weather_set_at < WEATHER_EVERY:
            return
        self._weather_set_at = share
        weather = self._world.get_weather()
        if self._weather_before is None:
            self._weather_before = self._world.get_weather()
        for name, value in weather_at(self.route.weathers, 100.0 * share).items():
            if hasattr(weather, name):
                setattr(weather, name, value)
        self._world.set_weather(weather)


def weather_at(weathers: tuple[RouteWeather, ...], percentage: float) -> dict[str, float]:
    """Straight between the two weathers around this place of the route; the ends' beyond them."""
    before = [w for w in weathers if w.percentage <= percentage] or [weathers[0]]
    after = [w for w in weathers if w.percentage > percentage] or [weathers[-1]]
    low, high = before[-1], after[0]
    reach = high.percentage - low.percentage
    share = min(1.0, (percentage - low.percentage) / reach) if reach > 0.0 else 0.0
    return {name: value + share * (high.values.get(name, value) - value) for name, value in low.values.items()}


def _location(scenario: RouteScenario) -> Any:
    x, y, z, _ = scenario.trigger
    if not all(map(math.isfinite, (x, y, z))):
        raise ValueError(f"scenario {scenario.name!r}: expected a finite trigger, got {x}, {y}, {z}")
    return carla.Location(x, y, z)
