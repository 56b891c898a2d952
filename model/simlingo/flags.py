"""SimLingo's own flags of `launch.py drive`: what may be chosen, what cannot work, and the driver that was chosen.

The page's process reads flags too, so nothing here imports torch before `load`.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model.simlingo import licence

if TYPE_CHECKING:
    from model.simlingo.driver import SimLingoDriver

DTYPES = ("bfloat16", "float32")
NAVIGATION = ("target_points", "command")
CORES_LEFT = 1  # for the world and the page


@dataclass(frozen=True, slots=True)
class Choice:
    """What `load` builds. `device` None takes a GPU where there is one."""

    checkpoint: Path
    tokenizer: Path | None = None
    device: str | None = None
    dtype: str = "bfloat16"
    navigation: str = "target_points"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    of = parser.add_argument_group("SimLingo", "With `--model simlingo --checkpoint PATH`.")
    of.add_argument("--tokenizer", type=Path, help="The folder of SimLingo's tokenizer, where no hub is reached.")
    of.add_argument(licence.FLAG, action="store_true", help="Say that you have read the terms of SimLingo's weights.")
    of.add_argument("--device", help="Where the network runs, cpu or cuda; a GPU is taken where there is one.")
    of.add_argument("--dtype", choices=DTYPES, default="bfloat16", help="The numbers the network computes with.")
    of.add_argument(
        "--navigation",
        choices=NAVIGATION,
        default="target_points",
        help="What the route is told by: its next two points, or the navigator's command in words.",
    )


def refusal(args: argparse.Namespace) -> str:
    """Why this start cannot work, before anything is started; the licence notice is printed on the way."""
    try:
        print(licence.demand(args.accept_simlingo_license))
    except licence.LicenceNotAccepted as refused:
        return str(refused)
    if importlib.util.find_spec("transformers") is None:
        return "--model simlingo needs the transformers library: run `pip install -e .[simlingo]` and start again."
    if args.checkpoint is None or not args.checkpoint.exists():
        return f"--model simlingo needs --checkpoint with the weights' file; {args.checkpoint or 'none'} was given."
    return ""


def choice(args: argparse.Namespace) -> Choice:
    return Choice(args.checkpoint, args.tokenizer, args.device, args.dtype, args.navigation)


def load(choice: Choice) -> SimLingoDriver:
    """In the drive process. Raises what SimLingoDriver.load raises."""
    import torch

    from model.simlingo.driver import SimLingoDriver

    # Threads that wait for each other at every layer wait longest for the one whose core another process has.
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - CORES_LEFT))
    return SimLingoDriver.load(choice.checkpoint, choice.tokenizer, choice.dtype, choice.device, choice.navigation)
