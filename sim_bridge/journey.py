"""What a drive is for: going anywhere, a scene, or a route of a file. Session thread.

A journey says where the car starts and where it is led, and may put others into the world beside it. The simulator
calls it in this order: `prepare` in a world without the car, `begin` once the car stands, `tick` before every world
tick, `clear` at the end of the episode.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sim_bridge import scenarios
from sim_bridge.goals import Goals
from sim_bridge.messages import JourneyNews, JourneyStage
from sim_bridge.scenarios import SceneRun, route_file
from sim_bridge.scenarios.route_file import Route
from sim_bridge.scenarios.route_run import RouteRun


@dataclass(frozen=True, slots=True)
class Start:
    """`transforms`: carla.Transforms to try in this order; `goals`: where the navigator leads the car first."""

    transforms: list[Any]
    goals: Goals = field(default_factory=Goals)


class Journey(Protocol):
    @property
    def news(self) -> JourneyNews | None:
        """What it is and how it goes; None when there is nothing to say."""

    def prepare(self, world: Any, seed: int) -> Start:
        """Raises CannotBegin, with a sentence, where this world has no place for it."""

    def begin(self, ego: Any) -> None: ...

    def tick(self) -> None: ...

    def clear(self) -> None:
        """Take away whatever `prepare` and `begin` brought. Twice is fine."""


class FreeDrive:
    """Starts on a spawn point that the seed draws, and goes wherever the lanes lead."""

    @property
    def news(self) -> JourneyNews | None:
        return None

    def prepare(self, world: Any, seed: int) -> Start:
        points = list(world.get_map().get_spawn_points())
        random.Random(seed).shuffle(points)
        return Start(points)

    def begin(self, ego: Any) -> None:
        return

    def tick(self) -> None:
        return

    def clear(self) -> None:
        return


class _Played:
    """A journey that is played by a run of its own, a new one per episode; None before the first."""

    run: SceneRun | RouteRun | None

    def begin(self, ego: Any) -> None:
        if self.run is not None:
            self.run.begin(ego)

    def tick(self) -> None:
        if self.run is not None:
            self.run.tick()

    def clear(self) -> None:
        if self.run is not None:
            self.run.clear()


class SceneJourney(_Played):
    """Plays one scene per episode; the seed draws the place. `run` is the newest one, None before the first."""

    def __init__(self, scene: scenarios.Scene | str) -> None:
        """Raises ValueError for a name that no scene has."""
        self.scene = scenarios.load(scene) if isinstance(scene, str) else scene
        self.run: SceneRun | None = None

    @property
    def news(self) -> JourneyNews | None:
        title = f"Scene: {self.scene.title}."
        if self.run is None:
            return JourneyNews(title)
        outcome = self.run.outcome
        over = JourneyStage.DONE if outcome.is_passed else JourneyStage.MISSED
        return JourneyNews(f"{title} {outcome.line}", over if outcome.ended else JourneyStage.UNDER_WAY)

    def prepare(self, world: Any, seed: int) -> Start:
        self.run = SceneRun(world, self.scene, seed)
        self.run.prepare()
        return Start([self.run.ego_start], Goals(self.run.goals))


class RouteJourney(_Played):
    """Drives one route of a Leaderboard file per episode. `run` is the newest one, None before the first."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.run: RouteRun | None = None

    @property
    def news(self) -> JourneyNews | None:
        if self.run is None:
            return JourneyNews(f"Route {self.route.route_id}: 0 % driven.")
        outcome = self.run.outcome
        over = [scene for scene in outcome.scenes if scene.ended]
        passed = sum(scene.is_passed for scene in over)
        counted = f", {passed} of {len(over)} scenes passed" if over else ""
        driven = f"Route {self.route.route_id}: {100.0 * outcome.completed:.0f} % driven{counted}."
        after = JourneyStage.DONE if passed == len(over) else JourneyStage.MISSED
        return JourneyNews(f"{driven} {self.run.playing}".strip(), after if outcome.is_done else JourneyStage.UNDER_WAY)

    def prepare(self, world: Any, seed: int) -> Start:
        self.run = RouteRun(world, self.route, seed)
        self.run.prepare()
        return Start([self.run.ego_start], self.run.goals)


def journey_of(scene: str, routes: str, route_id: str) -> Journey:
    """What a drive's wishes ask for; empty ones for a free drive. Raises ValueError or OSError naming what is wrong."""
    if scene and routes:
        raise ValueError(f"A drive plays a scene or drives a route; {scene!r} and {routes!r} are both.")
    if scene:
        return SceneJourney(scene)
    if routes:
        return RouteJourney(route_file.pick(route_file.read(Path(routes)), route_id))
    return FreeDrive()
