"""`launch.py collect`: frames with facts for Pocket to learn from, by parallel workers with a world each.

Staged frames teleport the car into a freshly drawn scene every tick; driven frames come from the teacher driving among
traffic, or from Pocket driving itself (`--driver pocket`) with the teacher writing. Resumable: what is already in the
folder counts. Ctrl-C stops after the frames under way and loses nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np

from model.training import folders
from model.training.own_world import own_world
from model.training.sheet import write_sheet

CLIENT_TIMEOUT_S = 20.0
FIRST_PORT = 2100
PORTS_PER_WORKER = 20
PROGRESS_EVERY_S = 5.0
SHEET_FRAMES = 24
SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "pocket"


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker does."""

    out: str
    town: str
    carla: str  # "" for a world of its own
    run: int
    seed: int
    first_port: int
    staged: int
    driven: int
    only: str = ""  # "bends" | "signs" | "blocked" | "strayed", as `Stage` takes it
    weights: str = ""  # the Pocket that drives the driven frames; "" for the teacher


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="The folder to collect into; frames there are kept.")
    parser.add_argument("--frames", type=int, default=1000, help="How many frames the folder should hold in the end.")
    parser.add_argument("--drive-share", type=float, default=0.08, help="The share of them that is driven, 0 to 1.")
    only = parser.add_mutually_exclusive_group()
    only.add_argument(
        "--bends",
        dest="only",
        action="store_const",
        const="bends",
        default="",
        help="Stage bends and turns only, with the car often late or wide in them.",
    )
    only.add_argument(
        "--signs",
        dest="only",
        action="store_const",
        const="signs",
        help="Stage approaches to stop and yield signs only, every other one with somebody who crosses.",
    )
    only.add_argument(
        "--blocked",
        dest="only",
        action="store_const",
        const="blocked",
        help="Stage lanes only that cones, a barrier or a car with its hazard lights lit block.",
    )
    only.add_argument(
        "--strayed",
        dest="only",
        action="store_const",
        const="strayed",
        help="Stage only cars that are on the sidewalk or in the oncoming lane, as after an instruction to go there.",
    )
    parser.add_argument(
        "--driver", choices=("teacher", "pocket"), default="teacher", help="Who drives the driven frames."
    )
    parser.add_argument("--weights", type=Path, default=SHIPPED, help="The Pocket that drives with --driver pocket.")
    parser.add_argument("--workers", type=int, default=0, help="Parallel workers; 0 takes one for each core.")
    parser.add_argument("--seed", type=int, default=0, help="The seed of every draw.")
    parser.add_argument("--town", default="Backseat01", help="The town to collect in.")
    parser.add_argument(
        "--held-out", action="store_true", help="Collect in a town that is kept for testing; nothing trains on it."
    )
    parser.add_argument("--carla", default="", metavar="HOST:PORT", help="Use a running CARLA 0.9.16 instead.")
    parser.add_argument("--port", type=int, default=FIRST_PORT, help="The first port to try for our own worlds.")
    parser.add_argument("--json", action="store_true", help="Print the data card as JSON in the end.")


def main(args: argparse.Namespace) -> int:
    problem = _bad_use(args)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    there = count(args.out)
    missing = args.frames - there
    if missing > 0:
        print(f"{there} of {args.frames} frames are there; collecting {missing} in {args.town}.", flush=True)
        code = _collect(args, missing)
    else:
        print(f"{there} frames are there, {args.frames} were asked for: nothing to do.")
        code = 0
    _finish(args)
    return code


def _bad_use(args: argparse.Namespace) -> str:
    if args.frames < 1 or not 0.0 <= args.drive_share <= 1.0 or args.workers < 0:
        return "Expected --frames of at least 1, --drive-share from 0 to 1 and --workers of at least 0."
    if args.town in folders.HELD_OUT_TOWNS and not args.held_out:
        return f"{args.town} is kept for testing: --held-out collects there all the same, into a folder of its own."
    if args.driver == "pocket" and not (args.weights / "config.json").is_file():
        return f"Expected --weights to hold a Pocket; there is no config.json in {args.weights}."
    if args.carla and not re.fullmatch(r"[\w.-]+:\d+", args.carla):
        return f"Expected --carla as HOST:PORT, got {args.carla!r}."
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"The folder {args.out} cannot be made: {error.strerror}."
    return ""


def count(out: Path) -> int:
    """Frames already stored under `out`, both splits."""
    return sum(1 for _ in (out / "data" / "backseat").glob("*/*/Town_*/measurements/[0-9]*.json.gz"))


def next_run(out: Path) -> int:
    """The first run number no folder carries, so that resumed workers draw other scenes than before."""
    runs = [int(path.name.rsplit("_", 1)[1]) for path in (out / "data" / "backseat").glob("*/*_[0-9]*")]
    return max(runs, default=-1) + 1


def shares(args: argparse.Namespace, missing: int) -> list[Share]:
    """The work split evenly; a running CARLA serves one worker only, since two would tick over each other."""
    workers = 1 if args.carla else args.workers or os.cpu_count() or 1
    workers = max(1, min(workers, missing))
    run = next_run(args.out)
    made = []
    for k in range(workers):
        frames = missing // workers + (1 if k < missing % workers else 0)
        driven = round(frames * args.drive_share)
        port = args.port + PORTS_PER_WORKER * k
        weights = str(args.weights) if args.driver == "pocket" else ""
        staged = frames - driven
        where = (str(args.out), args.town, args.carla, run + k, args.seed, port)
        made.append(Share(*where, staged, driven, args.only, weights))
    return made


def _collect(args: argparse.Namespace, missing: int) -> int:
    context = multiprocessing.get_context("spawn")
    done, stop = context.Value("i", 0), context.Event()
    failures: Any = context.Queue()
    workers = [
        context.Process(target=work, args=(share, done, stop, failures), daemon=False)
        for share in shares(args, missing)
    ]
    for worker in workers:
        worker.start()
    try:
        with _interruptible():
            _watch(workers, done, missing)
    except KeyboardInterrupt:
        print("\nStopping after the frames under way; run the same command again to go on.", flush=True)
        stop.set()
    for worker in workers:
        worker.join()
    failed = []
    while not failures.empty():
        failed.append(failures.get())
    for line in dict.fromkeys(failed):
        print(line, file=sys.stderr)
    if stop.is_set():
        return 130
    return 1 if failed or any(worker.exitcode for worker in workers) else 0


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C and a polite kill both end the block with KeyboardInterrupt, even where a shell had them ignored."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(workers: list[Any], done: Any, missing: int) -> None:
    """Print progress until every worker has ended."""
    begun, said = time.monotonic(), 0.0
    while any(worker.is_alive() for worker in workers):
        time.sleep(0.2)
        passed = time.monotonic() - begun
        if passed - said >= PROGRESS_EVERY_S and done.value:
            said = passed
            rate = done.value / passed
            left = (missing - done.value) / rate
            print(f"{done.value} of {missing} frames, {rate:.0f} per second, {left / 60:.1f} min left", flush=True)


def _finish(args: argparse.Namespace) -> None:
    """The data card and the sheet of labels over whatever is there."""
    card = folders.write_card(args.out, town=args.town, seed=args.seed)
    shown = []
    with contextlib.suppress(FileNotFoundError):
        paths = folders.frames(args.out, "train")
        for path in paths[:: max(1, len(paths) // SHEET_FRAMES)][:SHEET_FRAMES]:
            with contextlib.suppress(folders.BadFrame):
                shown.append(folders.read_one(path))
    if shown:
        write_sheet(args.out / "sheet.png", shown)
        print(f"Look at {args.out / 'sheet.png'} before training on this.")
    for split, entry in card["splits"].items():
        print(f"{split}: {entry['frames']} frames, {entry['skipped']} skipped")
    if args.json:
        print(json.dumps(card))


# ---- in a worker process ---------------------------------------------------------------------------------------------


def work(share: Share, done: Any, stop: Event, failures: Any) -> None:
    """One worker: a world, its staged frames, then its driven ones. What goes wrong is put in `failures` as a line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    try:
        with _world(share) as (host, port):
            _staged(share, host, port, done, stop)
            if share.driven and not stop.is_set():
                _driven(share, host, port, done, stop)
    except Exception as error:  # a worker's end: whatever happened is named to the parent, which tells the person
        failures.put(f"Worker {share.run} stopped: {type(error).__name__}: {error}")
        if is_everybodys(error):
            stop.set()
        sys.exit(1)


def is_everybodys(error: Exception) -> bool:
    """Whether what ended one worker ends them all: a full disk does, a world that answers no more is one's own."""
    return isinstance(error, OSError) and not isinstance(error, (TimeoutError, ConnectionError))


@contextlib.contextmanager
def _world(share: Share) -> Iterator[tuple[str, int]]:
    if share.carla:
        host, port = share.carla.split(":")
        yield host, int(port)
        return
    with own_world(share.town, share.seed * 1000 + share.run, share.first_port) as own:
        yield "127.0.0.1", own


def _staged(share: Share, host: str, port: int, done: Any, stop: Event) -> None:
    import carla

    from model.teacher.stage import Stage

    client = carla.Client(host, port)
    client.set_timeout(CLIENT_TIMEOUT_S)
    stage = Stage(client, np.random.default_rng([share.seed, share.run]), share.only)
    try:
        writer = folders.FolderWriter(Path(share.out), stage.town, share.run)
        for _ in range(share.staged):
            if stop.is_set():
                return
            writer.write(*stage.shot())
            _count(done)
    finally:
        stage.close()


def _driven(share: Share, host: str, port: int, done: Any, stop: Event) -> None:
    from model.teacher import drive_along
    from model.training import on_policy

    where = (host, port, share.town, share.seed * 1000 + share.run, share.driven)
    found = on_policy.driven_frames(*where, Path(share.weights)) if share.weights else drive_along.driven_frames(*where)
    writer = folders.FolderWriter(Path(share.out), share.town, share.run)
    for rgb, facts, matrix in found:
        if stop.is_set():
            return
        writer.write(rgb, facts, matrix)
        _count(done)


def _count(done: Any) -> None:
    with done.get_lock():
        done.value += 1
