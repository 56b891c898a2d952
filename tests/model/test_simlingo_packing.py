"""Packed layers compute what the plain ones do, and a network is packed only where that is faster."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from model import prompts
from model.simlingo import checkpoint, packing
from model.simlingo.bench_rows import farthest
from model.simlingo.driver import SimLingoDriver
from model.simlingo.runtime import Runtime
from tests.model.simlingo_toys import POINTS, observation, picture


@pytest.fixture(scope="module", autouse=True)
def a_cpu_that_packs() -> None:
    if not packing.is_possible(torch.bfloat16, "cpu"):
        pytest.skip("this CPU's oneDNN does not compute in bfloat16")


@pytest.mark.parametrize("tokens", [1, 8, 70])
@pytest.mark.parametrize(
    ("then", "activation"), [("none", nn.Identity()), (packing.GELU, nn.GELU()), (packing.SILU, nn.SiLU())]
)
def test_a_packed_layer_is_the_plain_one_and_its_activation(tokens: int, then: str, activation: nn.Module) -> None:
    plain = nn.Linear(128, 192).bfloat16()
    x = torch.randn(2, tokens, 128).bfloat16()
    with torch.inference_mode():
        wanted = activation(nn.functional.linear(x.float(), plain.weight.float(), plain.bias.float()))
        found = packing.PackedLinear(plain, then)(x)
    assert found.shape == (2, tokens, 192)
    assert found.dtype == torch.bfloat16
    assert (found.float() - wanted).norm() < 0.005 * wanted.norm()
    assert plain.weight is None, "two copies of a weight are never kept"


def test_a_packed_network_plans_what_the_plain_one_plans(toy_folder: Path, toy_runtime: Runtime) -> None:
    rounded = checkpoint.load(toy_folder, torch.bfloat16)[0]
    packed = Runtime(packing.pack(checkpoint.load(toy_folder, torch.bfloat16)[0]), toy_runtime.words)
    prompt = prompts.driving(5.3, prompts.by_target_points(POINTS))
    plain, ours, exact = (
        r.probe(r.encode(picture()), [prompt], "Waypoints:")[0]
        for r in (Runtime(rounded, toy_runtime.words), packed, toy_runtime)
    )
    assert farthest(ours, exact) < 2.0 * max(farthest(plain, exact), 1e-3)
    left = [name for name, part in packed.network.language.named_modules() if isinstance(part, nn.Linear)]
    assert left == [], "every layer that a new token passes is packed"


def test_a_driver_packs_bfloat16_and_nothing_else(toy_folder: Path) -> None:
    def is_packed(dtype: str, unmerged: bool = False) -> bool:
        driver = SimLingoDriver.load(toy_folder, toy_folder / "tokenizer", dtype, "cpu", unmerged=unmerged)
        assert driver.plan(observation(), None).path_xy_in_ego.shape == (20, 2)
        return isinstance(driver.runtime.network.language.lm_head, packing.PackedLinear)

    assert is_packed("bfloat16")
    assert not is_packed("float32")
    assert not is_packed("bfloat16", unmerged=True)
