"""From a Pocket folder to a network and back. Needs torch; driving on ONNX Runtime does without this file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from model.pocket import weights
from model.pocket.config import PocketConfig
from model.pocket.network import Pocket


def load(folder: Path, device: str | torch.device = "cpu") -> Pocket:
    """The network of `folder`, in evaluation mode. Raises ConfigError or WeightsError naming what is wrong."""
    network = Pocket(PocketConfig.load(folder / weights.CONFIG))
    arrays = weights.read(folder)
    expected = network.state_dict()
    weights.check(arrays, {name: tuple(tensor.shape) for name, tensor in expected.items()})
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    return network.to(device).eval()


def save(folder: Path, network: Pocket) -> None:
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    weights.write(folder, network.config, arrays)
