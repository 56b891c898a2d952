"""The released layout to the key; what is merged, dropped and refused; memory."""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model.simlingo import archive, checkpoint, convert, keymap, memory
from model.simlingo.archive import CheckpointError
from model.simlingo.config import FULL, SimLingoConfig
from model.simlingo.network import SimLingo

KERNELS_BYTES = 25e6  # oneDNN writes its kernels once, of whatever model
ROOT = Path(__file__).resolve().parents[2]
Q = keymap.LANGUAGE + "model.layers.1.self_attn.q_proj"


@pytest.fixture(scope="module")
def released(toy_folder: Path) -> dict[str, Tensor]:
    return torch.load(toy_folder / "pytorch_model.pt", weights_only=True)


def saved(tensors: dict[str, Tensor], folder: Path) -> Path:
    torch.save(tensors, folder / "pytorch_model.pt")
    return folder / "pytorch_model.pt"


def test_the_released_layout_has_992_keys_and_957_million_weights() -> None:
    shapes = keymap.shapes(FULL)
    assert len(shapes) == 992
    assert sum(math.prod(shape) for shape in shapes.values()) == pytest.approx(1364.8e6, rel=1e-4)
    own = sum(math.prod(shape) for name, shape in shapes.items() if name not in keymap.ALIASES)
    assert own == pytest.approx(957.2e6, rel=1e-4)
    assert shapes[keymap.VISION + "vision_model.encoder.layers.23.attn.qkv.weight"] == (3072, 1024)
    assert shapes[Q + ".lora_A.default.weight"] == (32, 896)
    assert shapes["adaptors.driving.route_head.4.weight"] == (2, 256)


def test_every_key_is_read_or_an_alias_and_every_parameter_is_made() -> None:
    shapes = keymap.shapes(FULL)
    for unmerged in (False, True):
        rules = keymap.rules(FULL, unmerged)
        assert {name for rule in rules for name in rule.sources} | set(keymap.ALIASES) == set(shapes)
        with torch.device("meta"):
            wanted = dict(SimLingo(FULL, unmerged).named_parameters())
        assert sorted(rule.target for rule in rules) == sorted(wanted)


def test_the_merged_network_has_940_million_weights() -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in SimLingo(FULL).parameters()) == pytest.approx(939.6e6, rel=1e-4)


def test_the_shapes_alone_give_the_configuration() -> None:
    assert keymap.config_of(keymap.shapes(FULL)) == FULL


def test_loading_puts_each_tensor_where_it_belongs(toy_folder: Path, released: dict[str, Tensor]) -> None:
    network, account = checkpoint.load(toy_folder / "pytorch_model.pt", torch.float32)
    assert account.total == len(released) == 112
    assert account.used + len(account.aliases) == account.total
    fused = released[keymap.VISION + "vision_model.encoder.layers.1.attn.qkv.weight"]
    attention = network.vision.encoder.layer[1].attention
    assert torch.equal(torch.cat([p.weight for p in (attention.q_proj, attention.k_proj, attention.v_proj)]), fused)
    base, down, up = (released[f"{Q}.{n}.weight"] for n in ("base_layer", "lora_A.default", "lora_B.default"))
    merged = network.language.model.layers[1].self_attn.q_proj.weight
    assert torch.allclose(merged, base + 2.0 * up @ down, atol=1e-6)
    assert (merged - base).abs().max() > 1e-3
    assert torch.equal(network.driving.speed_queries, released["adaptors.driving.query_embeds_speed"])


def test_unmerged_and_merged_networks_say_the_same(toy_folder: Path) -> None:
    ids = torch.arange(24)[None]
    apart, _ = checkpoint.load(toy_folder, torch.float32, unmerged=True)
    merged, _ = checkpoint.load(toy_folder, torch.float32)
    with torch.inference_mode():
        assert torch.allclose(apart.language(ids).logits, merged.language(ids).logits, atol=1e-4)


def test_a_bfloat16_network_keeps_its_rotary_rates_in_float32(toy_folder: Path) -> None:
    network, _ = checkpoint.load(toy_folder, torch.bfloat16)
    rates = network.language.model.rotary_emb.inv_freq
    assert network.dtype == torch.bfloat16
    assert rates.dtype == torch.float32
    assert rates.tolist() == pytest.approx([1e6 ** (-i / 64) for i in range(0, 64, 2)], rel=1e-6)


def test_unmerged_bfloat16_keeps_the_corrections_in_float32(toy_folder: Path) -> None:
    network, _ = checkpoint.load(toy_folder, torch.bfloat16, unmerged=True)
    lora = network.language.model.layers[0].mlp.up_proj
    assert (lora.plain.weight.dtype, lora.down.dtype, lora.up.dtype) == (torch.bfloat16, torch.float32, torch.float32)
    assert lora(torch.ones(1, 1, 128, dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize("prefix", ["module.", "_forward_module.", "_forward_module.module."])
def test_wrappers_prefixes_are_taken_off(tmp_path: Path, released: dict[str, Tensor], prefix: str) -> None:
    path = saved({prefix + name: tensor for name, tensor in released.items()}, tmp_path)
    assert checkpoint.load(path)[1].total == 112


def test_aliases_may_be_absent(tmp_path: Path, released: dict[str, Tensor]) -> None:
    path = saved({name: t for name, t in released.items() if name not in keymap.ALIASES}, tmp_path)
    assert checkpoint.load(path)[1].aliases == ()


def test_a_converted_file_is_the_same_network(toy_folder: Path, tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    convert.add_arguments(parser)
    given = ["--checkpoint", str(toy_folder), "--out", str(tmp_path), "--dtype", "float32"]
    assert convert.main(parser.parse_args(given)) == 0
    first, _ = checkpoint.load(toy_folder, torch.float32)
    second, account = checkpoint.load(tmp_path / convert.CONVERTED_NAME, torch.float32)
    assert account.is_merged_file
    for name, parameter in first.named_parameters():
        assert torch.equal(parameter, second.get_parameter(name)), name


class Opens:
    """What a hostile pickle holds: unpickling it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, int]]:
        return os.open, (str(self.path), os.O_CREAT)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path, released: dict[str, Tensor]) -> None:
    path = saved(released | {"payload": Opens(tmp_path / "ran")}, tmp_path)
    with pytest.raises(CheckpointError, match=r"asks for more than tensors.*use the published"):
        checkpoint.load(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_refused(toy_folder: Path, tmp_path: Path, kept: float) -> None:
    whole = (toy_folder / "pytorch_model.pt").read_bytes()
    (tmp_path / "pytorch_model.pt").write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(CheckpointError, match=r"cut off or no PyTorch file.*download it again"):
        checkpoint.load(tmp_path)


def test_a_truncated_converted_file_is_refused(toy_folder: Path, tmp_path: Path) -> None:
    network, _ = checkpoint.load(toy_folder)
    path = convert.save(network, tmp_path / "s.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        checkpoint.load(path)


def _without(name: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda tensors: {key: tensor for key, tensor in tensors.items() if key != name}


def _with(name: str, change: Callable[[Tensor], Tensor]) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda tensors: tensors | {name: change(tensors.get(name, torch.zeros(1)).clone())}


ALIAS = "adaptors.language.lm_head.weight"
BAD = {
    "of another model": (lambda _: {"conv1.weight": torch.zeros(3)}, "not a SimLingo checkpoint.*conv1.weight"),
    "empty": (lambda _: {}, "not a SimLingo checkpoint"),
    "with a missing key": (_without(Q + ".base_layer.bias"), "missing .*layers.1.self_attn.q_proj.base_layer.bias"),
    "with an extra key": (_with("route_encoder.weight", lambda t: t), "unexpected route_encoder.weight"),
    "with another shape": (
        _with("wp_encoder.mlp.0.weight", lambda t: t[:, :1]),
        r"shape \(256, 1\), expected \(256, 2\)",
    ),
    "with a NaN": (_with(Q + ".base_layer.weight", lambda t: t.fill_(math.nan)), "q_proj.*not finite"),
    "with an infinite bias": (_with("wp_encoder.mlp.2.bias", lambda t: t.fill_(math.inf)), "mlp.2.bias .*not finite"),
    "with an alias that is none": (_with(ALIAS, lambda t: t + 1), "lm_head.weight differs from"),
    "with more than tensors": (lambda t: {"state_dict": dict(t)}, "other things than tensors"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_checkpoint_is_refused_in_one_sentence(tmp_path: Path, released: dict[str, Tensor], case: str) -> None:
    change, sentence = BAD[case]
    with pytest.raises(CheckpointError, match=sentence) as caught:
        checkpoint.load(saved(change(released), tmp_path))
    assert len(str(caught.value).splitlines()) == 1


def test_a_path_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*give a pytorch_model\.pt"):
        checkpoint.load(tmp_path)


def test_too_little_memory_is_said_before_loading_with_both_figures(toy_folder: Path) -> None:
    with pytest.raises(memory.TooLittleMemory, match=r"takes 0\.0 GB and this machine has 0\.0 GB .*--model pocket"):
        checkpoint.load(toy_folder, available=1000)


def test_the_full_network_asks_for_a_quarter_more_than_its_size() -> None:
    with torch.device("meta"):
        needed = int(memory.HEADROOM * checkpoint.size(SimLingo(FULL), torch.bfloat16))
    assert needed == pytest.approx(1.25 * 1.879e9, rel=1e-3)
    with pytest.raises(memory.TooLittleMemory, match=r"takes 2\.3 GB and this machine has 1\.0 GB free"):
        memory.demand(needed, torch.device("cpu"), available=10**9)


def test_available_memory_is_read_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 8 kB\nMemAvailable:   2048 kB\n")
    assert memory.meminfo(tmp_path / "meminfo") == 2048 * 1024
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("2000\n")
    assert memory.container(tmp_path) == 3000
    assert memory.meminfo(tmp_path / "none") is None


def test_pages_let_go_can_be_read_again(toy_folder: Path) -> None:
    tensors = archive.open_file(toy_folder)
    table = tensors[keymap.EMBEDDING]
    before = table.clone()
    memory.let_go(table)
    assert torch.equal(table, before)


@pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is Linux' own")
@pytest.mark.parametrize("is_converted", [False, True])
def test_loading_takes_at_most_a_quarter_more_than_the_model(tmp_path: Path, is_converted: bool) -> None:
    """At a width where what scales with the model outweighs what the kernels take once."""
    config = SimLingoConfig(512, 6, 2048, 56, 512, 6, 2, 2816, 36_000, 32)
    path = saved(convert.random_released(config), tmp_path)
    if is_converted:
        path = convert.save(checkpoint.load(path)[0], tmp_path / "simlingo.safetensors")
    command = [sys.executable, "-m", "model.simlingo.loading", str(path)]
    taken = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout)
    assert taken["model_bytes"] > 150e6
    assert taken["model_bytes"] <= taken["peak_bytes"] <= memory.HEADROOM * taken["model_bytes"] + KERNELS_BYTES
