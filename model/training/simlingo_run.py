"""One fine-tuning run of SimLingo on disk: what is trained, its checkpoint to go on from, and weights to drive with.

state.pt                what is trained, optimizer, schedule and random states: what --resume reads
simlingo.safetensors    merged weights, as `launch.py convert` writes them: what `--checkpoint` takes
log.jsonl               one line per report
"""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from model.simlingo import checkpoint, convert
from model.simlingo.lora import add_lora, fold_lora
from model.simlingo.network import SimLingo
from model.training.run_folder import RunError

STATE = "state.pt"
# As published.
RATE, WEIGHT_DECAY, WARM_UP_SHARE, LARGEST_GRADIENT = 3e-5, 0.1, 0.05, 0.3


@dataclass(eq=False)
class Run:
    """Everything that changes while a run goes on."""

    network: SimLingo
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    rng: np.random.Generator
    step: int = 0


def begin(network: SimLingo, steps: int, rate: float = RATE, seed: int = 0, keeps_vision: bool = False) -> Run:
    """A run of `steps` on `network`: LoRA on its language model, everything around it whole.

    `keeps_vision` leaves the vision tower as it is, which takes a third of the memory.
    """
    torch.manual_seed(seed)
    if not any(name.endswith(".down") for name, _ in network.named_parameters()):
        add_lora(network.language, network.config.lora_rank)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(_is_trained(name, keeps_vision))
    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps + 1, pct_start=WARM_UP_SHARE)
    return Run(network, optimizer, schedule, np.random.default_rng(seed))


def _is_trained(name: str, keeps_vision: bool) -> bool:
    if name.startswith("language."):
        return name.endswith((".down", ".up"))
    return not (keeps_vision and name.startswith("vision."))


def save(folder: Path, run: Run) -> None:
    """Replaces state and weights, each in one move."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        "trained": {name: p.detach().cpu() for name, p in run.network.named_parameters() if p.requires_grad},
        "optimizer": run.optimizer.state_dict(),
        "schedule": run.schedule.state_dict(),
        "rng": run.rng.bit_generator.state,
        "torch_rng": torch.get_rng_state(),
        "step": run.step,
    }
    partial = folder / f"{STATE}.part"
    torch.save(state, partial)
    partial.replace(folder / STATE)
    convert.save(merged(run.network), folder / convert.CONVERTED_NAME)


def merged(network: SimLingo) -> nn.Module:
    """A copy of the network whose LoRA is folded in; the rest is shared with it, not copied."""
    twin = copy.copy(network)
    twin._modules = dict(network._modules)
    twin.language = copy.deepcopy(network.language)
    fold_lora(twin.language)
    return twin


def resume(folder: Path, run: Run) -> None:
    """Puts the run back where it was saved. Raises RunError where there is none or it does not fit."""
    path = folder / STATE
    if not path.exists():
        raise RunError(f"no run to resume in {folder}: leave --resume out to begin one")
    try:
        # weights_only: a checkpoint is numbers; a file that asks for more than numbers is refused.
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        _restore(run, state)
    except (RuntimeError, pickle.UnpicklingError, KeyError, TypeError, ValueError, EOFError, OSError) as error:
        raise RunError(f"{path} does not hold this run's checkpoint ({error}): begin anew with another --out") from None


def _restore(run: Run, state: dict[str, Any]) -> None:
    wanted = {name: p for name, p in run.network.named_parameters() if p.requires_grad}
    if set(wanted) != set(state["trained"]):
        raise KeyError("other parameters were trained")
    planned, asked = state["schedule"]["total_steps"] - 1, run.schedule.total_steps - 1
    if planned != asked:
        raise ValueError(f"the run was planned for {planned} steps, not {asked}; give --steps {planned}")
    with torch.no_grad():
        for name, parameter in wanted.items():
            parameter.copy_(state["trained"][name])
    run.optimizer.load_state_dict(state["optimizer"])
    run.schedule.load_state_dict(state["schedule"])
    run.rng.bit_generator.state = state["rng"]
    torch.set_rng_state(state["torch_rng"])
    run.step = state["step"]


def load_network(path: Path, device: torch.device) -> SimLingo:
    """The network to fine-tune, float32: a released file with its LoRA kept apart, or a converted one."""
    is_released = not str(path).endswith(".safetensors")
    return checkpoint.load(path, torch.float32, device, unmerged=is_released)[0]
