"""`launch.py convert`: the released checkpoint to merged safetensors that load faster and need no LoRA. Main thread.

`--random` writes a random checkpoint in the released layout instead, with a stand-in tokenizer beside it: something to
test and measure on where the published weights are not at hand.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from model.simlingo import checkpoint, keymap, stand_in
from model.simlingo.archive import RELEASED_NAME, CheckpointError
from model.simlingo.config import FULL, SimLingoConfig, toy
from model.simlingo.memory import TooLittleMemory

CONVERTED_NAME = "simlingo.safetensors"
DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checkpoint", type=Path, help="Read the released pytorch_model.pt from here.")
    parser.add_argument("--out", type=Path, required=True, help="Write the result into this folder.")
    parser.add_argument(
        "--dtype", choices=DTYPES, default="bfloat16", help="Store the merged weights in this number format."
    )
    parser.add_argument(
        "--random",
        choices=("toy", "full"),
        help="Write a random checkpoint in the released layout instead, with a stand-in tokenizer (full: 4 GB).",
    )
    parser.add_argument("--seed", type=int, default=0, help="Draw the random weights from this seed.")


def main(args: argparse.Namespace) -> int:
    try:
        result = write_random(args.out, args.random == "full", args.seed) if args.random else _convert(args)
    except (CheckpointError, TooLittleMemory, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps({"written": str(result)}) if getattr(args, "json", False) else f"written: {result}")
    return 0


def _convert(args: argparse.Namespace) -> Path:
    if args.checkpoint is None:
        raise CheckpointError("expected --checkpoint PATH of the released pytorch_model.pt, or --random toy|full")
    print(f"reading {args.checkpoint}", file=sys.stderr, flush=True)
    network, account = checkpoint.load(args.checkpoint, DTYPES[args.dtype])
    print(account.line, file=sys.stderr, flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    return save(network, args.out / CONVERTED_NAME)


def save(network: torch.nn.Module, path: Path) -> Path:
    """Merged weights, replaced in one move so that a reader never meets half of them."""
    partial = path.with_name(f"{path.name}.part")
    tensors = {name: parameter.detach().contiguous() for name, parameter in network.named_parameters()}
    save_file(tensors, partial, metadata={"format": "backseat simlingo 1"})
    partial.replace(path)
    return path


def write_random(folder: Path, is_full: bool, seed: int = 0) -> Path:
    """pytorch_model.pt in the released layout and the tokenizer/ to go with it -> the file's path."""
    from model.simlingo import tokens

    words = tokens.read(stand_in.write(folder / "tokenizer", is_full))
    config = FULL if is_full else toy(words.table_rows)
    torch.save(random_released(config, seed), folder / RELEASED_NAME)
    return folder / RELEASED_NAME


def random_released(config: SimLingoConfig, seed: int = 0) -> dict[str, Tensor]:
    """Every key of a released checkpoint with float32 noise; aliases share their tensor, as in the published file."""
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, Tensor] = {}
    for name, shape in keymap.shapes(config).items():
        source = keymap.ALIASES.get(name)
        found[name] = found[source] if source else _noise(name, shape, generator)
    return found


def _noise(name: str, shape: keymap.Shape, generator: torch.Generator) -> Tensor:
    """Norm scales near one, layer scales near 0.1, weights that keep the size of what passes through, small rest."""
    noise = torch.randn(shape, generator=generator)
    if name.endswith((".ls1", ".ls2")):
        return noise.mul_(0.01).add_(0.1)
    if "norm" in name or name.endswith("mlp1.0.weight"):
        return noise.mul_(0.02).add_(1.0 if name.endswith("weight") else 0.0)
    if len(shape) == 2 and "embed" not in name:
        return noise.mul_((0.2 if "lora_B" in name else 1.0) / shape[1] ** 0.5)
    return noise.mul_(0.02)
