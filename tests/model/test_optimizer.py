"""Which parts learn by Muon and which by AdamW, and that a saved run goes on as it would have."""

from __future__ import annotations

import io
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from model.pocket.config import PocketConfig
from model.pocket.network import Pocket
from model.pocket.vocabulary import Vocabulary
from model.training import phrases
from model.training.optimizer import WEIGHT_DECAY, Muon, MuonAndAdamW, shares
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


def test_a_matrix_learns_as_by_the_method_of_torch() -> None:
    torch.manual_seed(3)
    ours = torch.nn.Parameter(torch.randn(48, 20))
    theirs = torch.nn.Parameter(ours.detach().clone())
    reference = torch.optim.Muon([theirs], lr=RATE, weight_decay=WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw")
    optimizer = Muon([ours], RATE)
    before = ours.detach().clone()
    for _ in range(4):
        ours.grad = torch.randn(48, 20)
        theirs.grad = ours.grad.clone()
        optimizer.step()
        reference.step()
    # torch's rounds to bfloat16 on the way, to three digits.
    assert (ours - theirs).norm() < 0.02 * (ours - before).norm()


def test_processes_share_the_matrices_evenly_and_leave_none_out() -> None:
    shapes = [(192, 768), (768, 192), (192, 192), (192, 192), (96, 96), (192, 1728), (1152, 192)]
    taken = shares(shapes, 2)
    assert sorted(taken[0] | taken[1]) == list(range(len(shapes))) and not taken[0] & taken[1]
    costs = [sum(min(shapes[i]) ** 2 * max(shapes[i]) for i in mine) for mine in taken]
    assert max(costs) < 1.2 * min(costs)


def test_two_processes_learn_the_same_as_one(tmp_path: Path) -> None:
    torch.manual_seed(5)
    start, pulls = torch.randn(3, 8, 12), torch.randn(2, 3, 8, 12)
    alone = learnt(start, pulls)
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    both = [context.Process(target=learn_together, args=(tmp_path / "meet", r, start, pulls, results)) for r in (0, 1)]
    for process in both:
        process.start()
    found = [results.get() for _ in both]
    for process in both:
        process.join(60)
    assert all(torch.allclose(torch.tensor(one), alone, atol=1e-6) for one in found)


def learnt(start: Tensor, pulls: Tensor) -> Tensor:
    matrices = [torch.nn.Parameter(one.clone()) for one in start]
    optimizer = Muon(matrices, RATE)
    for pull_by in pulls:
        for matrix, grad in zip(matrices, pull_by, strict=True):
            matrix.grad = grad.clone()
        optimizer.step()
    return torch.stack([matrix.detach() for matrix in matrices])


def learn_together(meet: Path, rank: int, start: Tensor, pulls: Tensor, results: Any) -> None:
    dist.init_process_group("gloo", init_method=f"file://{meet}", rank=rank, world_size=2)
    results.put(learnt(start, pulls).tolist())
    dist.destroy_process_group()
