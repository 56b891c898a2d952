"""`drive --scene` and `drive --routes`: the arguments, and why a wish cannot come true, said before anything starts.

carla is imported only when a journey is wished for, so that everything else works where it does not load.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scene",
        default="",
        metavar="NAME",
        help="Play this scene: one of those that `scenes` lists, or a .json file of your own. It brings its own "
        "cast, so no other traffic drives.",
    )
    parser.add_argument(
        "--routes", default="", metavar="FILE", help="Drive a route of this file, which is XML of CARLA's Leaderboard."
    )
    parser.add_argument(
        "--route", default="", metavar="ID", help="Which route of --routes to drive; the first when left out."
    )


def is_wished(args: argparse.Namespace) -> bool:
    return bool(args.scene or args.routes or args.route)


def town_of(args: argparse.Namespace) -> str:
    """The town a route is for; "" when the wish names none. Raises ValueError and OSError naming what is wrong."""
    if not args.routes:
        return ""
    from sim_bridge.scenarios import route_file

    return route_file.pick(route_file.read(Path(args.routes)), args.route).town


def refusal(args: argparse.Namespace, town: str) -> str:
    """Why the wish cannot come true, "" when it can. `town` is one of our own, "" for a world that is not ours."""
    if args.route and not args.routes:
        return f"--route {args.route} names a route of a file; give the file with --routes."
    if not is_wished(args):
        return ""
    try:
        from sim_bridge.journey import journey_of

        journey_of(args.scene, args.routes, args.route)
        wanted = town_of(args)
    except OSError as problem:
        return f"{args.routes or args.scene} cannot be read: {problem.strerror or problem}."
    except ValueError as problem:
        return str(problem)
    if wanted and town and wanted != town:
        return f"The route is for {wanted}, which this world does not drive in; --town says {town}."
    return _no_place(args.scene, town) if args.scene and town else ""


def _no_place(name: str, town: str) -> str:
    from sim_bridge import scenarios
    from sim_bridge.scenarios.listing import towns_for

    scene = scenarios.load(name)
    found = towns_for(scene)
    if town in found:
        return ""
    others = f"It does in {', '.join(found)}." if found else "It does in no town of ours."
    return f"The scene {name!r} finds no place in {town}. {others}"
