"""A checkpoint file -> a network ready to run here; and what that takes at its worst moment.

    python -m model.simlingo.loading PATH [--dtype bfloat16]

loads PATH in this process and prints one JSON object: the model's bytes and the most that the process grew by.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch

from model.simlingo import checkpoint, packing
from model.simlingo.network import SimLingo

DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


def ready(
    path: Path, dtype: str = "bfloat16", device: str = "cpu", unmerged: bool = False
) -> tuple[SimLingo, checkpoint.Account]:
    """The network in the layout that runs fastest on `device`. Raises CheckpointError or TooLittleMemory."""
    packs = not unmerged and packing.is_possible(DTYPES[dtype], device)
    return checkpoint.load(path, DTYPES[dtype], device, unmerged, packs=packs)


def measured(path: Path, dtype: str) -> dict[str, int]:
    """{"model_bytes", "peak_bytes"}: of the weights, and of the growth of this process while they load (Linux)."""
    torch.ones(2, 2).bfloat16() @ torch.ones(2, 2).bfloat16()  # what the library takes once is not the model's
    before = _status_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins here
    network, account = ready(path, dtype)
    peak = _status_bytes("VmHWM") - before
    assert network.config.width and account.used
    return {"model_bytes": account.model_bytes, "peak_bytes": peak}


def _status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(json.dumps(measured(args.path, args.dtype)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
