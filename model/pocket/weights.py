"""Pocket's weights on disk: safetensors beside config.json. Reads numbers only, never code, and says what is wrong.

config.json           PocketConfig
model.safetensors     every parameter and buffer of network.Pocket, float32
vision.onnx           picture -> image tokens          (optional: made by model.training.export)
decoder.onnx          embeddings on a cache -> hidden  (optional)
training.json         how these weights came about     (optional)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as parse
from safetensors.numpy import save_file

from model.pocket.config import PocketConfig

CONFIG = "config.json"
WEIGHTS = "model.safetensors"

Arrays = dict[str, npt.NDArray[np.generic]]


class WeightsError(ValueError):
    """Weights that are missing, cut off, of another network, or not finite."""


def read(folder: Path) -> Arrays:
    """Every array of `folder`'s weights. Raises WeightsError."""
    path = folder / WEIGHTS
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        raise WeightsError(f"no {WEIGHTS} in {folder}: train with `launch.py train`, or restore the file") from None
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a whole safetensors file ({error}): copy it again") from None


def check(arrays: Mapping[str, npt.NDArray[np.generic]], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Raise WeightsError unless `arrays` has exactly the expected names and shapes, all finite."""
    missing, extra = sorted(set(expected) - set(arrays)), sorted(set(arrays) - set(expected))
    if missing or extra:
        raise WeightsError(f"the weights are of another network: missing {_some(missing)}, unexpected {_some(extra)}")
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise WeightsError(f"the weights are of another size: {name} has {arrays[name].shape}, expected {shape}")
    check_finite(arrays)


def check_finite(arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    for name, array in arrays.items():
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise WeightsError(f"{name} holds values that are not finite: the training run had diverged")


def write(folder: Path, config: PocketConfig, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """Replace `folder`'s weights in one move, so that a reader never meets half of them."""
    folder.mkdir(parents=True, exist_ok=True)
    config.save(folder / CONFIG)
    fresh = folder / f"{WEIGHTS}.part"
    save_file({name: np.array(array, order="C") for name, array in arrays.items()}, fresh)
    fresh.replace(folder / WEIGHTS)


def _some(names: list[str]) -> str:
    return f"{names[:3]} and {len(names) - 3} more" if len(names) > 3 else str(names)
