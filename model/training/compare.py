"""python -m model.training.compare --data DIR [DIR ...] --out DIR: what each choice of the recipe is worth.

Trains the shipped recipe twice, by two seeds, and every departure from it once, all from random weights on one core for
the same time, as many at once as there are cores; then prints what each is worth on held-out places and wordings as the
rows of a table. Twenty minutes are early: what is learnt last shows only as a tendency, and a difference the size of
the one between the two seeds is none. A comparison that was cut off goes on with the runs it lacks.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from model.training import run_folder, worker
from model.training.frames import DataError, open_splits
from model.training.presets import Settings
from model.training.recipe import DEPARTURES, SHIPPED, Recipe
from model.training.schedule import Budget

RATE = 2e-3
MINUTES = 20.0
# Held-out figures as columns; the others are in each run's training.json.
COLUMNS = (
    "obeys",
    "obeys_at_once",
    "obeys_after_words",
    "sentence",
    "path_ade_m",
    "path_ade_m/unguided",
    "speed_ade_m",
    "light_near",
    "lead_found",
    "pedestrian_found",
    "pedestrian_quiet",
)


@dataclass(frozen=True, slots=True)
class Run:
    """One training of a comparison."""

    name: str
    recipe: Recipe
    seed: int

    def folder(self, out: Path) -> Path:
        return out / "".join(c if c.isalnum() else "_" for c in self.name)


def runs(seed: int = 0) -> list[Run]:
    """The shipped recipe twice and every departure once, in the order of the table."""
    return [
        Run("as shipped", SHIPPED, seed),
        Run("as shipped, another seed", SHIPPED, seed + 1),
        *(Run(name, recipe, seed) for name, recipe in DEPARTURES.items()),
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m model.training.compare", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, nargs="+", help="Folders of `launch.py collect`.")
    parser.add_argument("--out", type=Path, required=True, help="The folder of the runs; finished ones are kept.")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"Each run's time (default {MINUTES:g}).")
    parser.add_argument("--preset", default="comparison", help="The size of network and batch.")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    try:
        for split in ("train", "val"):
            print(f"{split}: {len(open_splits(args.data, split))} frames", flush=True)
    except DataError as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    every = runs(args.seed)
    _train([(run, _settings(run, args)) for run in every if not _is_finished(run.folder(args.out))])
    print(table(args.out, every))
    return 0


def _settings(run: Run, args: argparse.Namespace) -> Settings:
    return Settings(
        data=tuple(args.data),
        out=run.folder(args.out),
        budget=Budget(args.minutes),
        preset=args.preset,
        workers=1,
        seed=run.seed,
        peak_rate=RATE,
        recipe=run.recipe,
    )


def _is_finished(folder: Path) -> bool:
    return bool(run_folder.read_card(folder).get("finished"))


def _train(missing: list[tuple[Run, Settings]]) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(os.cpu_count(), maxtasksperchild=1) as cores:
        for (run, _), minutes in zip(missing, cores.imap(_train_one, [s for _, s in missing]), strict=True):
            print(f"{run.name}: done in {minutes:.1f} minutes", flush=True)


def _train_one(settings: Settings) -> float:
    """One run from its beginning to its end -> minutes. What an earlier attempt left of it is dropped."""
    shutil.rmtree(settings.out, ignore_errors=True)
    settings.out.mkdir(parents=True)
    torch.set_num_threads(1)
    with (settings.out / "said.txt").open("w") as said:
        sys.stdout = said  # this process trains one run and ends
        worker.main(settings, 0)
    return float(run_folder.read_card(settings.out)["minutes"])


def table(out: Path, every: list[Run]) -> str:
    """The finished runs' held-out figures as a Markdown table."""
    lines = [f"| recipe | views | {' | '.join(COLUMNS)} |", "|---" * (2 + len(COLUMNS)) + "|"]
    for run in every:
        card = run_folder.read_card(run.folder(out))
        figures = card.get("held_out", {})
        shown = [f"{figures[name]:.2f}" if name in figures else "-" for name in COLUMNS]
        lines.append(f"| {run.name} | {card.get('views', 0)} | {' | '.join(shown)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
