"""The scenes of `assets/scenarios` in lockstep: is each one got through, at how many of its places?

A scene is passed when what it is named for happened, the goal was reached in time without a collision, and its own
demands were met; who drives knows nothing of the scene. A scene that the town has no place for is left out and named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from model.training.judged_frames import Case
from model.training.scored_drive import ScoredDrive
from sim_bridge import scenarios
from sim_bridge.carla_simulator import CarlaSimulator
from sim_bridge.interfaces import Driver
from sim_bridge.journey import FreeDrive, SceneJourney
from sim_bridge.scenarios import NoPlace, Outcome

Says = Callable[[str], None]

# A scene ends itself when its time is up; this is only a bound.
BEYOND_S = 10.0


def one_scene(simulator: CarlaSimulator, driver: Callable[[], Driver], name: str, seed: int) -> tuple[Outcome, str]:
    """Play one; its outcome, and the picture at its end where it was not passed. Raises NoPlace."""
    journey = SceneJourney(name)
    simulator.journey = journey
    drive = ScoredDrive(simulator, driver(), seed)
    try:
        drive.begin()
        assert journey.run is not None  # made by the reset that begins the drive
        for _ in drive.ticks(journey.scene.time_s + BEYOND_S):
            if journey.run.outcome.ended:
                break
        outcome = journey.run.outcome
        return outcome, "" if outcome.is_passed else drive.picture()
    finally:
        drive.close()
        simulator.journey = FreeDrive()


def scenes(
    simulator: CarlaSimulator, driver: Callable[[], Driver], names: Sequence[str], repeats: int, seed: int, say: Says
) -> tuple[dict[str, Any], list[Case]]:
    """Each scene at `repeats` places: shares passed, how they ended, cases of those that were not."""
    figures: dict[str, Any] = {}
    cases: list[Case] = []
    missing: dict[str, str] = {}
    for name in names or scenarios.names():
        played: list[Outcome] = []
        for k in range(repeats):
            try:
                outcome, picture = one_scene(simulator, driver, name, seed + k)
            except NoPlace as problem:
                missing[name] = str(problem)
                break
            played.append(outcome)
            why = why_not(outcome)
            say(f"{name}, seed {seed + k}: {why or 'passed'} after {outcome.seconds:.0f} s")
            if why:
                place = f"{simulator.town}, {name}, seed {seed + k}"
                cases.append(Case("scenes", name, False, picture, place, "got through", why))
        if played:
            figures[name] = summary(played)
    passed = sum(entry["passed"] for entry in figures.values())
    count = sum(entry["of"] for entry in figures.values())
    everything = {"share": round(passed / count, 3) if count else 0.0, "passed": passed, "of": count}
    return {"all": everything, "no_place": missing, **figures}, cases


def why_not(outcome: Outcome) -> str:
    """Why a run does not count as passed, "" where it does."""
    if outcome.ended == "collision":
        return f"collision with {outcome.hit}"
    if outcome.ended != "done":
        return outcome.ended or "out of time"
    if not outcome.happened:
        return "nothing happened"
    return f"not met: {', '.join(outcome.unmet)}" if outcome.unmet else ""


def summary(played: Sequence[Outcome]) -> dict[str, Any]:
    passed = sum(outcome.is_passed for outcome in played)
    ends = Counter(why_not(outcome) or "passed" for outcome in played)
    return {
        "share": round(passed / len(played), 3),
        "passed": passed,
        "of": len(played),
        "ends": dict(sorted(ends.items())),
        "each": [{key: value for key, value in asdict(outcome).items() if key != "scene"} for outcome in played],
    }
