"""A finished run -> assets/pocket/: weights, graphs, and a model card whose every figure is read from the run's files.

python -m model.training.ship runs/NAME --data DIR [--evaluation runs/NAME/evaluation.json] [--note FILE]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from model.pocket import checkpoint, weights
from model.pocket.config import ConfigError
from model.pocket.graphs import DECODER_GRAPH, VISION_GRAPH
from model.pocket.weights import WeightsError
from model.training.export import ExportError, export
from model.training.frames import DataError

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "assets" / "pocket"
EXPORT_LINES = "export.json"
MOST_MEGABYTES = 50.0

CARD = """# Pocket

A small vision-language-action model that drives the embedded world from its front camera, talks, and obeys words. It is
trained from scratch on rendered frames of that world; it has never seen a photograph or a real road.

| | |
|---|---|
| parameters | {parameters:,} |
| eye | the front camera (1024x512, 110 degrees) twice at 256x96: the road whole, and its middle three times finer |
| input | the eye; speed; two target points or a command; text |
| output | 20 path points 1 m apart, 10 points 0.25 s apart, words, what kind of instruction it understood |
| trained on | {train_frames:,} frames of {towns}{sources}; {val_frames:,} frames of other places held out |
| training | {views:,} views in {steps:,} steps of {batch}, {minutes} minutes on {machine}, seed {seed}{begun} |
| date | {saved_at} |
| files | {files} |

The data is made by `launch.py collect` (a privileged expert in the embedded world), the weights by `launch.py train`,
the figures by `launch.py evaluate`. Licence: that of this repository.

## Graphs
{export_lines}

## Held-out frames, open loop
Frames of road stretches that no training frame was taken from, with instructions and questions in wordings that no
training view used. `obeys`: the path ends within 1.25 m and the 2.5 s plan within 1.5 m of what the teacher would do;
`sentence`: every word right.

{held_out}
{evaluation}
## What it cannot do
{note}
"""


class ShipError(ValueError):
    """A run that is not fit to be shipped."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="The run's folder.")
    parser.add_argument("--data", type=Path, help="Its data set, to calibrate int8 graphs on.")
    parser.add_argument("--evaluation", type=Path, help="The evaluation.json of `launch.py evaluate`.")
    parser.add_argument("--note", type=Path, help="A text file with what the model cannot do, in plain sentences.")
    parser.add_argument("--out", type=Path, default=TARGET, help="Where to, assets/pocket unless given.")
    parser.add_argument("--card-only", action="store_true", help="Only write the card anew, for weights already there.")


def main(args: argparse.Namespace) -> int:
    try:
        if not args.card_only:
            ship(args.run, args.out, args.data)
        (args.out / "MODEL_CARD.md").write_text(card(args.out, args.evaluation, args.note), encoding="utf-8")
    except (ShipError, ConfigError, WeightsError, ExportError, DataError, OSError) as error:
        print(f"ship: {error}", file=sys.stderr)
        return 2
    return 0


def ship(run: Path, out: Path, data: Path | None) -> None:
    """Export, check and copy. Raises ShipError where the result is too large to be shipped."""
    checkpoint.load(run)
    lines = export(run, data)
    out.mkdir(parents=True, exist_ok=True)
    names = (weights.CONFIG, weights.WEIGHTS, VISION_GRAPH, DECODER_GRAPH, "training.json")
    size = sum((run / name).stat().st_size for name in names) / 1e6
    if size > MOST_MEGABYTES:
        raise ShipError(f"{size:.0f} MB of weights and graphs, expected at most {MOST_MEGABYTES:.0f} MB")
    for name in names:
        shutil.copy(run / name, out / name)
        (out / name).chmod(0o644)
    (out / EXPORT_LINES).write_text(json.dumps(lines, indent=1), encoding="utf-8")


def card(out: Path, evaluation: Path | None, note: Path | None) -> str:
    """The model card of the weights in `out`."""
    training = _read(out / "training.json")
    data, figures = training["data"], training["held_out"]
    names = (weights.WEIGHTS, VISION_GRAPH, DECODER_GRAPH)
    files = ", ".join(f"{name} {(out / name).stat().st_size / 1e6:.1f} MB" for name in names)
    lines = _read(out / EXPORT_LINES)
    driven = f"\n## `launch.py evaluate`\n{_table(_flat(_read(evaluation)))}\n" if evaluation is not None else ""
    unsaid = "Not written down yet." if note is None else note.read_text(encoding="utf-8").strip()
    return CARD.format(
        **{key: training[key] for key in ("parameters", "views", "steps", "batch", "minutes", "seed")},
        begun=_begun(training.get("begun_from")),
        machine=f"{training['processes']} x {'one CPU core' if training['device'] == 'cpu' else training['device']}",
        saved_at=training["saved_at"],
        train_frames=data["train_frames"],
        val_frames=data["val_frames"],
        sources=_sources(data.get("sources", {})),
        towns=", ".join(data["towns"]) or "an unnamed town",
        files=files,
        export_lines="\n".join(f"- {line}" for line in lines),
        held_out=_table(figures),
        evaluation=driven,
        note=unsaid,
    )


SOURCE_WORDS = {"staged": "staged", "drive": "driven by the teacher", "pocket": "driven by Pocket itself"}


def _sources(counts: dict[str, int]) -> str:
    """ " (30,000 staged, 5,000 driven by Pocket itself)", "" where the run did not count them."""
    named = [f"{count:,} {SOURCE_WORDS.get(name, name)}" for name, count in sorted(counts.items(), reverse=True)]
    return f" ({', '.join(named)})" if named else ""


def _begun(before: dict[str, Any] | None) -> str:
    """Which weights the run began with, "" for random ones."""
    if before is None:
        return ""
    return (
        f"; begun from the weights of {before.get('saved_at') or 'an unknown day'} ({before['views_in_all']:,} views)"
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ShipError(f"no {path.name} in {path.parent}: it is written by the training and export steps") from None
    except json.JSONDecodeError as error:
        raise ShipError(f"{path} is not whole JSON ({error}): make it anew") from None


def _flat(figures: Any, prefix: str = "") -> dict[str, Any]:
    """Nested figures as one level of "a / b / c"; lists (single runs, cases) are left to the file itself."""
    if not isinstance(figures, dict):
        return {prefix: figures} if isinstance(figures, (int, float, str)) else {}
    flat: dict[str, Any] = {}
    for name, value in figures.items():
        flat.update(_flat(value, f"{prefix} / {name}" if prefix else str(name)))
    return flat


def _table(figures: dict[str, Any]) -> str:
    rows = [f"| {name} | {round(v, 3) if isinstance(v, float) else v} |" for name, v in figures.items()]
    return "\n".join(["| figure | value |", "|---|---|", *rows])


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    add_arguments(arguments)
    sys.exit(main(arguments.parse_args()))
