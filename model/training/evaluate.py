"""`launch.py evaluate`: a driver's figures, on starts, places and phrasings it was not trained on.

`drive` runs it closed loop in lockstep, alone and among traffic, `scenes` through staged situations. The others show
it held-out frames: `dream` with instructions and without any, `vqa` with questions, `commentary` for its own words,
`language` with many words for one picture. Figures as JSON, a report as one HTML file.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.training import evaluate_frames, evaluation_folder, judged_frames, scored_drivers
from model.training.judged_frames import Case
from model.training.own_world import WorldDidNotStart, own_world
from sim_bridge.interfaces import SimulatorLost
from sim_bridge.messages import FRONT_CAMERA

# Which open-loop figures a suite is made of; drive and scenes are closed loop.
OPEN_LOOP = {
    "dream": ("dream", "decisions"),
    "vqa": ("vqa",),
    "commentary": ("commentary",),
    "language": ("language",),
    "all": evaluate_frames.OPEN_LOOP,
}
SUITES = ("drive", "scenes", *OPEN_LOOP)
SMALL_CAMERA = replace(FRONT_CAMERA, width_px=256, height_px=128)
FIRST_PORT = 2500
PATIENCE_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--suite", choices=SUITES, default="all", help="Which figures to make; dream to language look at frames."
    )
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        help="Collected folders whose held-out frames are looked at; drive and scenes need none.",
    )
    parser.add_argument("--routes", type=int, default=10, help="How many routes to drive.")
    parser.add_argument("--traffic-routes", type=int, default=10, help="How many routes to drive among traffic.")
    parser.add_argument(
        "--traffic", type=int, default=15, help="How many vehicles CARLA's Traffic Manager drives there."
    )
    parser.add_argument("--walkers", type=int, default=6, help="How many people walk there.")
    parser.add_argument("--scenes", nargs="*", default=[], metavar="NAME", help="Which scenes to play; all by default.")
    parser.add_argument(
        "--scene-places", type=int, default=1, help="At how many places of the town to play each scene."
    )
    parser.add_argument("--reds", type=int, default=10, help="How many red lights to approach.")
    parser.add_argument("--frames", type=int, default=600, help="How many held-out frames to look at.")
    parser.add_argument("--per-category", type=int, default=100, help="How many instructions of each kind and mode.")
    parser.add_argument("--seed", type=int, default=90_000, help="The seed of starts and draws.")
    parser.add_argument(
        "--town", nargs="+", default=["Backseat01"], metavar="TOWN", help="The towns to drive in, one after the other."
    )
    parser.add_argument("--carla", default="", metavar="HOST:PORT", help="Use a running CARLA 0.9.16 instead.")
    parser.add_argument("--port", type=int, default=FIRST_PORT, help="The first port to try for a world of our own.")
    parser.add_argument("--out", type=Path, help="The folder for figures and report; it keeps those of other suites.")
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")
    scored_drivers.add_arguments(parser)


def main(args: argparse.Namespace) -> int:
    problem = _bad_use(args)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    begun = time.monotonic()
    figures: dict[str, Any] = {
        "driver": args.driver,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "seed": args.seed,
    }
    cases: list[Case] = []
    stopped = 0
    try:
        if args.driver == "pocket":
            figures["weights"] = evaluation_folder.identity(args.weights)
        if args.suite in OPEN_LOOP and args.driver == "pocket":
            figures["open_loop"], cases = _open_loop(args)
        for town in args.town:
            cases += _in_town(args, town, figures)
    except (SimulatorLost, WorldDidNotStart, ValueError, OSError) as error:
        print(f"The evaluation stopped: {error}", file=sys.stderr)
        if not any(figures.get(group) for group in evaluation_folder.GROUPS):
            return 1
        say("What was measured before is kept.")
        stopped = 1
    figures["minutes"] = round((time.monotonic() - begun) / 60, 1)
    _publish(args, figures, cases)
    return stopped


def _in_town(args: argparse.Namespace, town: str, figures: dict[str, Any]) -> list[Case]:
    """Drive the suites that are driven, into `figures`; their cases."""
    cases: list[Case] = []
    if args.suite in ("scenes", "all") and args.scene_places:
        played, wrong = _scenes(args, town)
        figures.setdefault("scenes", {})[town] = played
        cases += wrong
    if args.suite in ("drive", "all"):
        driven, wrong = _closed_loop(args, town)
        figures.setdefault("drive", {})[town] = driven
        cases += wrong
    return cases


def _bad_use(args: argparse.Namespace) -> str:
    if args.suite in OPEN_LOOP and args.driver == "pocket" and args.data is None:
        return f"The {args.suite} suite looks at collected frames: give their folder with --data, or use --suite drive."
    if args.suite in OPEN_LOOP and args.suite != "all" and args.driver != "pocket":
        return (
            f"The {args.suite} suite is made for Pocket's pictures and words; {args.driver} can drive and play scenes."
        )
    counts = ("routes", "traffic_routes", "traffic", "walkers", "reds", "scene_places", "frames", "per_category")
    if min(getattr(args, name) for name in counts) < 0:
        return "Expected counts of at least 0."
    return scored_drivers.refusal(args)


def say(line: str) -> None:
    """Progress, on the side of the figures."""
    print(line, file=sys.stderr, flush=True)


def _open_loop(args: argparse.Namespace) -> tuple[dict[str, Any], list[Case]]:
    frames = judged_frames.held_out_frames(args.data, args.frames, args.seed)
    driver = scored_drivers.pocket(args)
    try:
        return evaluate_frames.suites(driver, frames, args.per_category, args.seed, say, OPEN_LOOP[args.suite])
    finally:
        driver.close()


def _closed_loop(args: argparse.Namespace, town: str) -> tuple[dict[str, Any], list[Case]]:
    """Routes alone, routes among traffic, red lights; alone and among traffic are two simulators in one world."""
    from model.training import evaluate_drive

    with _world(args, town) as (host, port):
        with _simulator(args, town, host, port) as simulator:
            driver = scored_drivers.maker(args, simulator)
            routed, cases = evaluate_drive.routes(simulator, driver, args.routes, args.seed, say)
            waited = evaluate_drive.reds(simulator, driver, args.reds, args.seed, say)
        figures = {"routes": evaluate_drive.route_summary(routed), "red_lights": evaluate_drive.red_summary(waited)}
        if args.traffic_routes and args.traffic:
            say(f"among {args.traffic} vehicles and {args.walkers} walkers")
            with _simulator(args, town, host, port, args.traffic, args.walkers) as simulator:
                driver, limit_s = scored_drivers.maker(args, simulator), evaluate_drive.ROUTE_AMONG_TRAFFIC_S
                routed, wrong = evaluate_drive.routes(simulator, driver, args.traffic_routes, args.seed, say, limit_s)
            figures["traffic"] = evaluate_drive.route_summary(routed)
            cases += wrong
    return figures, cases


def _scenes(args: argparse.Namespace, town: str) -> tuple[dict[str, Any], list[Case]]:
    from model.training import evaluate_scenes

    with _world(args, town) as (host, port), _simulator(args, town, host, port) as simulator:
        driver = scored_drivers.maker(args, simulator)
        return evaluate_scenes.scenes(simulator, driver, args.scenes, args.scene_places, args.seed, say)


def _simulator(args: argparse.Namespace, town: str, host: str, port: int, vehicles: int = 0, walkers: int = 0) -> Any:
    from sim_bridge.carla_config import CarlaConfig
    from sim_bridge.carla_simulator import CarlaSimulator

    return CarlaSimulator(
        CarlaConfig(
            host=host,
            port=port,
            town=town,
            traffic_vehicles=vehicles,
            walkers=walkers,
            chase_camera=None,
            # A teacher reads the world; its camera is for the report's pictures only.
            front_camera=SMALL_CAMERA if args.driver == "teacher" else FRONT_CAMERA,
            is_embedded=not args.carla,
            # Nobody watches: a machine with too much to do is waited for, and an hour of drives is not lost to it.
            tick_timeout_s=PATIENCE_S,
            frame_timeout_s=PATIENCE_S,
        )
    )


@contextlib.contextmanager
def _world(args: argparse.Namespace, town: str) -> Iterator[tuple[str, int]]:
    if args.carla:
        host, _, port = args.carla.partition(":")
        yield host, int(port or 2000)
        return
    with own_world(town, args.seed, args.port) as port:
        yield "127.0.0.1", port


def _publish(args: argparse.Namespace, figures: dict[str, Any], cases: list[Case]) -> None:
    if args.out is not None:
        say(f"Written to {evaluation_folder.publish(args.out, figures, cases)}.")
    if args.json or args.out is None:
        print(json.dumps(figures, indent=1))
