"""`launch.py train --model simlingo`: fine-tunes a SimLingo checkpoint on SimLingo-shaped folders. One process.

Frames are read from disk as they are drawn; every look at one is another view (task, prompt, speed, instruction).
Meant for a GPU (bfloat16 under autocast, some 12 GB); on a CPU it runs, a step of full width taking minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from model.simlingo import licence, tokens
from model.simlingo.archive import CheckpointError
from model.simlingo.memory import TooLittleMemory
from model.simlingo.tokens import TokenizerError, Words
from model.training import folders, simlingo_losses, simlingo_run
from model.training.folders import BadFrame
from model.training.run_folder import RunError, log, open_new
from model.training.simlingo_losses import Batch
from model.training.simlingo_run import LARGEST_GRADIENT, Run
from model.training.simlingo_views import View, view

FAILED, BAD_INPUT = 1, 2
REPORT_EVERY = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="Fine-tune on the frames of this folder.")
    parser.add_argument("--out", type=Path, required=True, help="Keep the run's checkpoint, weights and log here.")
    parser.add_argument("--checkpoint", type=Path, required=True, help="Begin with this released or converted file.")
    parser.add_argument("--tokenizer", type=Path, help="Read InternVL2-1B's tokenizer files from this folder.")
    parser.add_argument("--steps", type=int, default=1000, help="Take this many optimizer steps in all.")
    parser.add_argument("--batch", type=int, default=8, help="Look at this many frames per step.")
    parser.add_argument("--rate", type=float, default=simlingo_run.RATE, help="Reach this learning rate at the peak.")
    parser.add_argument("--save-every", type=int, default=200, help="Save the run after every so many steps.")
    parser.add_argument("--keep-vision", action="store_true", help="Leave the vision tower as it is, to save memory.")
    parser.add_argument("--resume", action="store_true", help="Go on with the run in --out where it was saved.")
    parser.add_argument("--seed", type=int, default=0, help="Draw frames and views in the order of this seed.")
    parser.add_argument(
        licence.FLAG,
        action="store_true",
        dest="accept_simlingo_license",
        help="Say that you keep to the weights' terms.",
    )


def main(args: argparse.Namespace) -> int:
    """0 when all steps were taken or Ctrl-C saved the run, 2 for bad input, 1 when the losses diverged."""
    try:
        print(licence.demand(args.accept_simlingo_license), file=sys.stderr)
        frames = folders.frames(args.data, "train")
        words = tokens.load(args.tokenizer)
        run = _start(args)
    except (
        *(licence.LicenceNotAccepted, TokenizerError, CheckpointError, TooLittleMemory),
        *(RunError, FileNotFoundError, ValueError),
    ) as error:
        print(f"train: {error}", file=sys.stderr)
        return BAD_INPUT
    try:
        return _train(args, run, words, frames)
    except KeyboardInterrupt:
        simlingo_run.save(args.out, run)
        print("Saved the run; --resume goes on with it.", flush=True)
        return 0


def _start(args: argparse.Namespace) -> Run:
    if args.steps < 1 or args.batch < 1 or args.save_every < 1:
        raise ValueError("expected --steps, --batch and --save-every of at least one")
    if not args.resume:
        open_new(args.out)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = simlingo_run.load_network(args.checkpoint, device)
    run = simlingo_run.begin(network, args.steps, args.rate, args.seed, args.keep_vision)
    network.to(device)
    if args.resume:
        simlingo_run.resume(args.out, run)
    return run


def _train(args: argparse.Namespace, run: Run, words: Words, frames: Sequence[Path]) -> int:
    skipped: list[str] = []
    started = time.monotonic()
    while run.step < args.steps:
        views = drawn(run, frames, args.batch, skipped)
        parts = step(run, words, simlingo_losses.collate(views, words, run.network))
        if not all(value == value and abs(value) != float("inf") for value in parts.values()):
            print(f"train: the losses are not finite at step {run.step}: use a lower --rate", file=sys.stderr)
            return FAILED
        if run.step % REPORT_EVERY == 0 or run.step == args.steps:
            _report(args, run, parts, time.monotonic() - started, len(skipped))
        if run.step % args.save_every == 0 or run.step == args.steps:
            simlingo_run.save(args.out, run)
    return 0


def drawn(run: Run, frames: Sequence[Path], count: int, skipped: list[str]) -> list[View]:
    """`count` views of frames drawn at random; broken frames are named in `skipped` and others drawn instead."""
    views: list[View] = []
    for _ in range(10 * count):
        try:
            views.append(view(*folders.read_one(frames[int(run.rng.integers(len(frames)))]), run.rng))
        except BadFrame as error:
            skipped.append(str(error))
        if len(views) == count:
            return views
    raise FileNotFoundError(f"hardly a frame can be read, the last one not because {skipped[-1]}")


def step(run: Run, words: Words, batch: Batch) -> dict[str, float]:
    """One optimizer step -> the losses before it."""
    network, device = run.network, run.network.device
    network.train()
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        loss, parts = simlingo_losses.total(network, words, batch.to(device))
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    trained = [p for p in network.parameters() if p.requires_grad]
    torch.nn.utils.clip_grad_norm_(trained, LARGEST_GRADIENT)
    run.optimizer.step()
    run.schedule.step()
    run.step += 1
    return {name: float(part.detach()) for name, part in parts.items()}


def _report(args: argparse.Namespace, run: Run, parts: dict[str, float], seconds: float, skipped: int) -> None:
    entry = {"kind": "step", "step": run.step, "seconds": round(seconds, 1), "skipped_frames": skipped, **parts}
    log(args.out, entry)
    if getattr(args, "json", False):
        print(json.dumps(entry), flush=True)
    else:
        losses = "  ".join(f"{name} {value:.4f}" for name, value in parts.items())
        print(f"step {run.step}/{args.steps}  {losses}  {seconds:.0f} s", flush=True)
