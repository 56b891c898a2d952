"""Opening a checkpoint file: names, shapes and mapped tensors, never code; says what is wrong with another file.

Takes `pytorch_model.pt` (a flat dictionary of tensors, read with weights_only) and `.safetensors`. Tensors stay on
disk until they are touched.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from model.simlingo.keymap import PREFIXES

RELEASED_NAME = "pytorch_model.pt"


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; one sentence with the cause and the way out."""


def open_file(path: Path) -> dict[str, Tensor]:
    """Every tensor of a checkpoint by its bare name, mapped from the file. Raises CheckpointError."""
    path = found(Path(path))
    tensors = _safetensors(path) if path.suffix == ".safetensors" else _pt(path)
    return {bare(name): tensor for name, tensor in tensors.items()}


def found(path: Path) -> Path:
    """The file itself, or the released file within a `.ckpt` folder."""
    if path.is_dir():
        path = path / RELEASED_NAME
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint at {path}: give a {RELEASED_NAME} or a converted file")
    return path


def bare(name: str) -> str:
    """A key without the wrappers' prefixes, however many."""
    while prefix := next((p for p in PREFIXES if name.startswith(p)), ""):
        name = name[len(prefix) :]
    return name


def _pt(path: Path) -> dict[str, Tensor]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        asked = str(error).splitlines()[0][:200]
        raise CheckpointError(
            f"{path} asks for more than tensors when it is opened, so nothing of it was run ({asked}): "
            "use the published pytorch_model.pt, or export a state dictionary of tensors only"
        ) from None
    except (RuntimeError, ValueError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} is cut off or no PyTorch file ({reason}): download it again") from None
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise CheckpointError(
            f"{path} holds {type(loaded).__name__} with other things than tensors: "
            "give the flat state dictionary that zero_to_fp32.py writes"
        )
    return loaded


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file ({error}): convert or copy it again") from None
