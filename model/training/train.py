"""`launch.py train`: teach Pocket from a collected data set. The parent checks, packs and starts the workers.

On a CPU two processes of one thread each share the work and average their gradients, which scales where two threads in
one process do not. On a GPU one process does it all.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from model.pocket import weights
from model.pocket.config import PocketConfig
from model.training import worker
from model.training.frames import DataError, broken_sentence, open_splits
from model.training.presets import PRESETS, Settings
from model.training.run_folder import RunError, open_new
from model.training.schedule import PEAK_RATE, Budget

DEFAULT_MINUTES = 60.0
FAILED, BAD_INPUT = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, nargs="+", help="The data sets' folders, as `launch.py collect` made them."
    )
    parser.add_argument("--out", type=Path, required=True, help="The folder of this run: checkpoint, log and curves.")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument(
        "--minutes",
        type=float,
        help="Train for this long; the last third of it at an ever lower rate (default 60). --resume may give another.",
    )
    budget.add_argument("--views", type=int, help="Train until this many pictures were looked at, whatever it takes.")
    parser.add_argument("--workers", type=int, default=2, help="Processes of one thread each, on a CPU (default 2).")
    parser.add_argument("--resume", action="store_true", help="Go on with the run in --out where it was cut off.")
    parser.add_argument(
        "--from",
        dest="begin_from",
        type=Path,
        metavar="FOLDER",
        help="Begin with the weights in this folder instead of random ones; words are matched by their letters.",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=PEAK_RATE,
        help=f"The learning rate at its peak (default {PEAK_RATE:g}); weights to begin --from bear half of it.",
    )
    parser.add_argument(
        "--only-words",
        action="store_true",
        help="Let only the pointer learn, which quotes what the eye sees: the plans of --from stay as they are.",
    )
    parser.add_argument("--preset", choices=sorted(PRESETS), default="pocket", help="The size of network to train.")
    parser.add_argument("--seed", type=int, default=0, help="Another seed gives another order and other first weights.")


def main(args: argparse.Namespace) -> int:
    """Train; 0 when the budget was spent or Ctrl-C saved the run, 1 when a worker failed, 2 for bad input."""
    try:
        settings = _settings(args)
        frames = _prepare(settings)
    except (DataError, RunError, ValueError) as error:
        print(f"train: {error}", file=sys.stderr)
        return BAD_INPUT
    if settings.workers == 1:
        worker.main(settings, 0, frames)
        failed = 0
    else:
        failed = _run_processes(settings, frames)
    if not failed:
        ship = f"python -m model.training.ship {settings.out} --data {settings.data[0]}"
        print(f"The run is in {settings.out}; `{ship}` exports it and puts it where Pocket drives from.", flush=True)
    return failed


def _settings(args: argparse.Namespace) -> Settings:
    minutes = DEFAULT_MINUTES if args.minutes is None and args.views is None else args.minutes
    if (minutes is not None and minutes <= 0) or (args.views is not None and args.views <= 0):
        raise ValueError("expected a budget above zero: --minutes 60, or --views 200000")
    if not 0.0 < args.rate <= 0.1:
        raise ValueError(f"expected a learning rate above 0 and up to 0.1, got --rate {args.rate:g}")
    if args.workers < 1:
        raise ValueError(f"expected at least one worker, got --workers {args.workers}")
    if args.only_words and args.begin_from is None and not args.resume:
        raise ValueError("expected weights that can drive for --only-words: give their folder with --from")
    if args.begin_from is not None and not args.resume:
        PocketConfig.load(args.begin_from / weights.CONFIG)  # a folder without weights is named before data is read
    has_gpu = torch.cuda.is_available()
    return Settings(
        data=tuple(args.data),
        out=args.out,
        budget=Budget(minutes, args.views),
        preset=args.preset,
        workers=1 if has_gpu else args.workers,
        device="cuda" if has_gpu else "cpu",
        resume=args.resume,
        seed=args.seed,
        peak_rate=args.rate,
        begin_from=args.begin_from,
        only_words=args.only_words,
    )


def _prepare(settings: Settings) -> worker.Splits:
    """Read and pack the data once, before any worker does, and say what there is."""
    if not settings.resume:
        open_new(settings.out)
    (settings.out / "rendezvous").unlink(missing_ok=True)
    opened = []
    for split in ("train", "val"):
        frames = open_splits(settings.data, split)
        print(f"{split}: {len(frames)} frames of {', '.join(frames.towns) or 'an unnamed town'}", flush=True)
        if frames.untellable:
            print(f"{split}: left out {frames.untellable} frames whose label no picture can tell.", flush=True)
        if sentence := broken_sentence(frames):
            print(f"{split}: {sentence}", flush=True)
        opened.append(frames)
    return opened[0], opened[1]


def _run_processes(settings: Settings, frames: worker.Splits) -> int:
    """Start the workers and wait. When one fails the others are ended, not left waiting for it."""
    # A forked worker has the data already; where there is no fork each reads it again.
    method = "fork" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    given = frames if method == "fork" else None
    workers = [context.Process(target=worker.main, args=(settings, rank, given)) for rank in range(settings.workers)]
    for process in workers:
        process.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _ask_to_stop(workers))
    while any(process.is_alive() for process in workers):
        for process in workers:
            process.join(0.5)
        if any(process.exitcode for process in workers):
            for process in workers:
                process.kill()
    failed = [rank for rank, process in enumerate(workers) if process.exitcode]
    if failed:
        print(f"train: worker {failed[0]} failed; what it said stands above", file=sys.stderr)
    return FAILED if failed else 0


def _ask_to_stop(workers: Sequence[BaseProcess]) -> None:
    """Ctrl-C or a plain kill: each worker finishes its step, and the run is saved."""
    print("Saving the run; --resume goes on with it.", flush=True)
    for process in workers:
        process.terminate()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    add_arguments(arguments)
    sys.exit(main(arguments.parse_args()))
