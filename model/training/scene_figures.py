"""How the drivers get through the scenes and the traffic, as one page of tables: assets/scenarios/FIGURES.md.

python -m model.training.scene_figures OUT/evaluation.json [MORE ...]

Every figure is read from what `launch.py evaluate` wrote; one section per file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[2] / "assets" / "scenarios" / "FIGURES.md"
HEAD = """# How the drivers get through the scenes

Written by `python -m model.training.scene_figures` from the evaluations of `launch.py evaluate --suite scenes` (and
`--suite drive` for routes among traffic). A cell is passed / played and the mean driving score; `-` is a town without a
place for the scene. A scene is passed when it happened as named, the goal was reached in time without contact, its own
demands were met, and the judge of the routes saw nothing wrong. Of the towns, Backseat03 is never trained on.
"""


def page(evaluations: Sequence[dict[str, Any]]) -> str:
    """The whole page, one section per evaluation. Raises KeyError for one that is not whole."""
    return "\n".join([HEAD, *(_section(evaluation) for evaluation in evaluations)])


def _section(evaluation: dict[str, Any]) -> str:
    weights = f", weights {evaluation['weights']}" if "weights" in evaluation else ""
    about = f"{evaluation['date']}, seed {evaluation['seed']}{weights}."
    parts = [f"## {evaluation['driver'].capitalize()}\n\n{about}\n"]
    if scenes := evaluation.get("scenes", {}):
        parts += [_scenes(dict(sorted(scenes.items()))), _faults(scenes)]
    traffic = {
        town: entry["traffic"] for town, entry in sorted(evaluation.get("drive", {}).items()) if "traffic" in entry
    }
    if traffic:
        parts.append(_traffic(traffic))
    return "\n".join(part for part in parts if part)


def _scenes(towns: dict[str, Any]) -> str:
    names = sorted({name for entry in towns.values() for name, scene in entry.items() if "each" in scene})
    rows = [[name, *(_cell(entry.get(name)) for entry in towns.values())] for name in names]
    rows.append(["**all**", *(f"**{_cell(entry['all'])}**" for entry in towns.values())])
    return _table(["scene", *towns], rows)


def _cell(scene: dict[str, Any] | None) -> str:
    return "-" if scene is None else f"{scene['passed']}/{scene['of']} {scene['driving_score']}"


def _faults(towns: dict[str, Any]) -> str:
    """Each way a scene was not passed, "" where all were."""
    found = [
        f"- {town}, {name}: {fault} ({count} of {scene['of']})"
        for town, entry in sorted(towns.items())
        for name, scene in entry.items()
        for fault, count in scene.get("ends", {}).items()
        if fault != "passed"
    ]
    return "Not passed:\n\n" + "\n".join(found) + "\n" if found else "Every scene was passed.\n"


def _traffic(towns: dict[str, Any]) -> str:
    rows = [
        [
            town,
            f"{entry['successes']}/{entry['of']}",
            str(entry["driving_score"]),
            str(entry["route_completion"]),
            ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in entry["infractions"].items()) or "none",
        ]
        for town, entry in towns.items()
    ]
    return "Routes among traffic:\n\n" + _table(
        ["town", "successes", "driving score", "completion", "infractions"], rows
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluations", type=Path, nargs="+", help="evaluation.json files of `launch.py evaluate`.")
    parser.add_argument("--out", type=Path, default=TARGET, help="Where to, assets/scenarios/FIGURES.md unless given.")
    args = parser.parse_args(words)
    try:
        text = page([json.loads(path.read_text(encoding="utf-8")) for path in args.evaluations])
    except (OSError, ValueError, KeyError) as problem:
        print(f"scene_figures: expected evaluations that `launch.py evaluate` wrote, got {problem!r}", file=sys.stderr)
        return 2
    args.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
