"""The scenes of `assets/scenarios` in lockstep: is each one got through, at how many of its places, with which score?

A scene is passed when what it is named for happened, the goal was reached in time without a collision, its own demands
were met and the judge of the routes (`infractions`) saw nothing wrong; who drives knows nothing of the scene. The
driving score is that judge's, over the way from the scene's start to its goal; a collision ends the scene there. A
scene that the town has no place for is left out and named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from model.training.infractions import Watch
from model.training.judged_frames import Case
from model.training.lane_keeping import LaneKeeping, route_over
from model.training.scored_drive import ScoredDrive
from sim_bridge import scenarios
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.interfaces import Driver
from sim_bridge.journey import FreeDrive, SceneJourney
from sim_bridge.scenarios import NoPlace, Outcome, SceneRun
from sim_bridge.scenarios.run import EGO_HALF_LENGTH_M

Says = Callable[[str], None]

# A scene ends itself when its time is up; this is only a bound.
BEYOND_S = 10.0


# The way goes on past the goal, so that the car's nearest point is never cut off.
BEYOND_M = 10.0


@dataclass(frozen=True, slots=True)
class Played:
    """One run of a scene: its own outcome, and what the judge counted beside it. `driving_score` is 0..100."""

    outcome: Outcome
    driving_score: float
    counts: dict[str, int]

    @property
    def fault(self) -> str:
        """Why it does not count as passed, "" where it does."""
        outcome = self.outcome
        if outcome.ended == "collision":
            return f"collision with {outcome.hit}"
        if outcome.ended != "done":
            return outcome.ended or "out of time"
        if not outcome.happened:
            return "nothing happened"
        wrong = [f"not met: {', '.join(outcome.unmet)}"] if outcome.unmet else []
        return "; ".join(wrong + [name.replace("_", " ") for name in sorted(self.counts)])


def one_scene(simulator: CarlaSimulator, driver: Callable[[], Driver], name: str, seed: int) -> tuple[Played, str]:
    """Play one; how it went, and the picture at its end where it was not passed. Raises NoPlace."""
    journey = SceneJourney(name)
    simulator.journey = journey
    drive = ScoredDrive(simulator, driver(), seed)
    try:
        drive.begin()
        run = journey.run
        assert run is not None  # made by the reset that begins the drive
        keeping, watch = _judge(simulator, run)
        for ego, road in drive.ticks(journey.scene.time_s + BEYOND_S):
            watch.sees(ego, keeping.sees(ego), road, simulator.collisions)
            if run.outcome.ended:
                break
        played = Played(run.outcome, round(watch.driving_score, 1), dict(sorted(watch.counts.items())))
        return played, drive.picture() if played.fault else ""
    finally:
        drive.close()
        simulator.journey = FreeDrive()


def _judge(simulator: CarlaSimulator, run: SceneRun) -> tuple[LaneKeeping, Watch]:
    """The judge of the way from the scene's start to its goal."""
    scene, course = run.scene, run.place.course
    metres = np.arange(scene.start_m - EGO_HALF_LENGTH_M, scene.goal_m + BEYOND_M)
    extent = simulator.ego.bounding_box.extent
    keeping = LaneKeeping(route_over([course.waypoint(float(s)) for s in metres]), extent.x, extent.y)
    return keeping, Watch(scene.goal_m - scene.start_m, may_leave_lane=scene.leaves_lane)


def scenes(
    simulator: CarlaSimulator, driver: Callable[[], Driver], names: Sequence[str], repeats: int, seed: int, say: Says
) -> tuple[dict[str, Any], list[Case]]:
    """Each scene at `repeats` places: shares passed, scores, how they ended, cases of those that were not passed."""
    figures: dict[str, Any] = {}
    cases: list[Case] = []
    missing: dict[str, str] = {}
    all_played: list[Played] = []
    for name in names or scenarios.names():
        of_scene: list[Played] = []
        for k in range(repeats):
            try:
                played, picture = one_scene(simulator, driver, name, seed + k)
            except NoPlace as problem:
                missing[name] = str(problem)
                break
            of_scene.append(played)
            say(
                f"{simulator.town}, {name}, seed {seed + k}: {played.fault or 'passed'} after "
                f"{played.outcome.seconds:.0f} s, driving score {played.driving_score:.0f}"
            )
            if played.fault:
                place = f"{simulator.town}, {name}, seed {seed + k}"
                cases.append(Case("scenes", name, False, picture, place, "got through", played.fault))
        if of_scene:
            figures[name] = summary(of_scene)
        all_played += of_scene
    return {"all": totals(all_played), "no_place": missing, **figures}, cases


def totals(played: Sequence[Played]) -> dict[str, Any]:
    passed = sum(not one.fault for one in played)
    return {
        "share": round(passed / len(played), 3) if played else 0.0,
        "passed": passed,
        "of": len(played),
        "driving_score": round(float(np.mean([one.driving_score for one in played])), 1) if played else None,
    }


def summary(played: Sequence[Played]) -> dict[str, Any]:
    """The figures of one scene's runs, and every run beside them."""
    return {
        **totals(played),
        "ends": dict(sorted(Counter(one.fault or "passed" for one in played).items())),
        "each": [_row(one) for one in played],
    }


def _row(played: Played) -> dict[str, Any]:
    row = {key: value for key, value in asdict(played.outcome).items() if key != "scene"}
    return {**row, "driving_score": played.driving_score, "counts": played.counts}
