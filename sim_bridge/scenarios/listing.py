"""`launch.py scenes`: which scenes there are, what each is about, and in which of our towns it finds a place."""

from __future__ import annotations

import argparse
import functools
import json
import textwrap
from typing import Any

import carla

from sim_bridge.embedded import town
from sim_bridge.embedded.town.folder import road_file
from sim_bridge.scenarios.places import places
from sim_bridge.scenarios.reading import load, names
from sim_bridge.scenarios.run import wish_in_words
from sim_bridge.scenarios.scene import Scene


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="?", default="", help="Tell about this scene only; a .json file may be one of your own."
    )
    parser.add_argument("--json", action="store_true", help="Print the list as JSON.")


def main(args: argparse.Namespace) -> int:
    try:
        scenes = [load(name) for name in ((args.name,) if args.name else names())]
    except (ValueError, OSError) as problem:
        print(problem)
        return 2
    rows = [_row(scene) for scene in scenes]
    print(json.dumps(rows, indent=2) if args.json else "\n".join(map(_text, rows)))
    return 0


def towns_for(scene: Scene) -> tuple[str, ...]:
    """Our own towns with a place for the scene, by their maps alone."""
    return tuple(name for name in town.names() if next(places(scene, _map(name), seed=0), None) is not None)


@functools.cache
def _map(name: str) -> Any:
    return carla.Map(name, road_file(name).read_text(encoding="utf-8"))


def _row(scene: Scene) -> dict[str, Any]:
    return {
        "name": scene.name,
        "title": scene.title,
        "about": scene.about,
        "wants": wish_in_words(scene),
        "towns": towns_for(scene),
    }


def _text(row: dict[str, Any]) -> str:
    towns = ", ".join(row["towns"]) or "none of ours"
    body = textwrap.fill(f"{row['about']} It wants {row['wants']}; towns: {towns}.", 100)
    return f"{row['name']}\n  {row['title']}\n{textwrap.indent(body, '    ')}"
