"""One training run on disk: its log, its checkpoint to go on from, and the weights to drive with.

config.json, model.safetensors   the newest weights, as model.pocket.weights describes
state.pt                         network, optimizer and counters: what --resume reads
log.jsonl                        one line per report: {"report": "step" | "held_out", ...}
training.json                    what the run was: data, budget, machine, the last held-out figures
curves.html                      the log as curves
"""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from model.pocket import checkpoint
from model.pocket.network import Pocket
from model.training.optimizer import MuonAndAdamW


class RunError(ValueError):
    """A run folder that cannot be used as asked."""


@dataclass(slots=True)
class Progress:
    """How far a run has come."""

    step: int = 0
    views: int = 0
    seconds: float = 0.0


def open_new(folder: Path) -> None:
    if (folder / "state.pt").exists():
        raise RunError(f"{folder} holds a run already: go on with it by --resume, or give another --out")
    folder.mkdir(parents=True, exist_ok=True)


def save(folder: Path, network: Pocket, optimizer: MuonAndAdamW, progress: Progress) -> None:
    """Replace the checkpoint in one move; the weights to drive with follow."""
    state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "progress": asdict(progress)}
    fresh = folder / "state.pt.part"
    torch.save(state, fresh)
    fresh.replace(folder / "state.pt")
    checkpoint.save(folder, network)


def resume(folder: Path, network: Pocket, optimizer: MuonAndAdamW) -> Progress:
    """Load the checkpoint into `network` and `optimizer`. Raises RunError where there is none or it is damaged."""
    path = folder / "state.pt"
    if not path.exists():
        raise RunError(f"no run to resume in {folder}: leave --resume out to begin one")
    try:
        # weights_only: a checkpoint is numbers; a file that asks for more than numbers is refused.
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        return Progress(**state["progress"])
    except (RuntimeError, pickle.UnpicklingError, KeyError, TypeError, ValueError, EOFError, OSError) as error:
        raise RunError(f"{path} does not hold this run's checkpoint ({error}): begin anew with another --out") from None


def log(folder: Path, entry: dict[str, Any]) -> None:
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Every whole line of the log."""
    path = folder / "log.jsonl"
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:  # the last line of a run that was killed while writing it
            continue
    return entries


def write_card(folder: Path, card: dict[str, Any]) -> None:
    fresh = folder / "training.json.part"
    fresh.write_text(json.dumps(card, indent=1), encoding="utf-8")
    fresh.replace(folder / "training.json")


def read_card(folder: Path) -> dict[str, Any]:
    """The run's record, empty where none was written yet or it is damaged."""
    try:
        found = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
