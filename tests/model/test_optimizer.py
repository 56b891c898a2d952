"""Which parts learn by Muon and which by AdamW, and that a saved run goes on as it would have."""

from __future__ import annotations

import io

import pytest
import torch
from torch import Tensor

from model.pocket.config import PocketConfig
from model.pocket.network import Pocket
from model.pocket.vocabulary import Vocabulary
from model.training import phrases
from model.training.optimizer import MuonAndAdamW
from model.training.presets import PRESETS

RATE = 1e-3


def toy(seed: int = 0) -> Pocket:
    torch.manual_seed(seed)
    network = Pocket(PocketConfig(Vocabulary.of(phrases.words()).words, **PRESETS["debug"].shape))  # type: ignore[arg-type]
    network.vision.to(memory_format=torch.channels_last)
    return network


def pull(network: Pocket, seed: int) -> None:
    """Gradients of which one direction is a hundred times the others, as where a car mostly drives straight on."""
    generator = torch.Generator().manual_seed(seed)
    for p in network.parameters():
        p.grad = torch.randn(p.shape, generator=generator).contiguous(memory_format=_layout(p))
        p.grad[0] *= 100.0


def _layout(p: Tensor) -> torch.memory_format:
    return torch.channels_last if p.ndim == 4 else torch.contiguous_format


def spread(step: Tensor) -> float:
    """The largest of a matrix's singular values by its median."""
    values = torch.linalg.svdvals(step.flatten(1))
    return float(values[0] / values.median())


@pytest.mark.parametrize(
    "name",
    ["decoder.blocks.0.attention.q.weight", "vision.backbone.stages.1.conv2.weight", "vision.projector.1.weight"],
)
def test_a_hidden_layer_learns_rare_directions_as_fast_as_the_common_one(name: str) -> None:
    network = toy()
    layer, optimizer = network.get_parameter(name), MuonAndAdamW(network, RATE)
    pull(network, 1)
    before, wanted = layer.detach().clone(), layer.grad.detach().clone()
    optimizer.step()
    assert spread(wanted) > 30
    assert spread(layer.detach() - before) < 3


def test_every_parameter_learns_by_one_of_both() -> None:
    network = toy()
    optimizer = MuonAndAdamW(network, RATE)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    pull(network, 1)
    optimizer.step()
    asleep = [name for name, p in network.named_parameters() if torch.equal(p.detach(), before[name])]
    assert not asleep
    sizes = [sum(p.numel() for p in group["params"]) for group in optimizer.param_groups]
    assert sum(sizes) == sum(p.numel() for p in network.parameters())


def test_words_and_queries_are_not_pulled_to_zero() -> None:
    network = toy()
    optimizer = MuonAndAdamW(network, RATE)
    undecayed = {id(p) for group in optimizer.param_groups if not group["weight_decay"] for p in group["params"]}
    tables = [network.adapters.words, network.adapters.path_queries, network.vision.backbone.places]
    assert all(id(table) in undecayed for table in tables)
    assert id(network.adapters.kind_head.weight) not in undecayed


def test_a_loaded_state_goes_on_as_the_saved_one_does() -> None:
    network, other = toy(), toy()
    optimizer, resumed = MuonAndAdamW(network, RATE), MuonAndAdamW(other, RATE)
    pull(network, 1)
    optimizer.step()
    other.load_state_dict(network.state_dict())
    saved = io.BytesIO()
    torch.save(optimizer.state_dict(), saved)
    saved.seek(0)
    resumed.load_state_dict(torch.load(saved, weights_only=True))
    for each, learns in ((network, optimizer), (other, resumed)):
        pull(each, 2)
        learns.step()
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), other.parameters(), strict=True))
