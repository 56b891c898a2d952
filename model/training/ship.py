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
from model.training.card import page
from model.training.export import ExportError, export
from model.training.frames import DataError

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "assets" / "pocket"
EXPORT_LINES = "export.json"
MOST_MEGABYTES = 50.0


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
    names = (weights.WEIGHTS, VISION_GRAPH, DECODER_GRAPH)
    files = ", ".join(f"{name} {(out / name).stat().st_size / 1e6:.1f} MB" for name in names)
    unsaid = "Not written down yet." if note is None else note.read_text(encoding="utf-8").strip()
    evaluated = None if evaluation is None else _read(evaluation)
    return page(_read(out / "training.json"), files, _read(out / EXPORT_LINES), evaluated, unsaid)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ShipError(f"no {path.name} in {path.parent}: it is written by the training and export steps") from None
    except json.JSONDecodeError as error:
        raise ShipError(f"{path} is not whole JSON ({error}): make it anew") from None


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    add_arguments(arguments)
    sys.exit(main(arguments.parse_args()))
