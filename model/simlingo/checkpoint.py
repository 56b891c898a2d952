"""From a checkpoint to a network: every key accounted for, LoRA merged in float32, one tensor at a time.

The network is built without memory of its own; each parameter is made from the mapped file and its pages are let go,
so that the peak stays near the model's own size. Main thread or the driver's, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from model.simlingo import archive, keymap, memory, packing
from model.simlingo.archive import CheckpointError
from model.simlingo.config import SimLingoConfig
from model.simlingo.lora import merged
from model.simlingo.network import SimLingo

WORD_HEAD = "language.lm_head.weight"
CHUNK_BYTES = 4 << 20  # of what is made at a time; its source is twice that


@dataclass(frozen=True, slots=True)
class Account:
    """Where every key of a file went. `total` = `used` + `aliases`."""

    total: int
    used: int
    aliases: tuple[str, ...]
    is_merged_file: bool
    model_bytes: int  # of the network in the asked-for numbers

    @property
    def line(self) -> str:
        return f"{self.total} keys: {self.used} used, {len(self.aliases)} aliases checked and dropped, 0 left over"


def load(
    path: Path,
    dtype: torch.dtype = torch.bfloat16,
    device: torch.device | str = "cpu",
    unmerged: bool = False,
    available: int | None = None,
    packs: bool = False,
) -> tuple[SimLingo, Account]:
    """A network in evaluation mode from the released file or from ours. Raises CheckpointError or TooLittleMemory.

    `unmerged` keeps the low-rank corrections apart, as the published driver runs them; our own files are merged.
    `packs` it for a CPU (`packing`), which must be possible.
    """
    tensors, device = archive.open_file(path), torch.device(device)
    is_ours = "language.model.embed_tokens.weight" in tensors
    if is_ours and unmerged:
        raise CheckpointError(f"{path} is a converted file, already merged: give the released file to keep LoRA apart")
    config, rules = _plan(tensors, is_ours, unmerged, path)
    with torch.device("meta"):
        network = SimLingo(config, unmerged)
    total, model_bytes = len(tensors), size(network, dtype)
    memory.demand(int(memory.HEADROOM * model_bytes), device, available)
    used = len({source for rule in rules for source in rule.sources})
    account = Account(total, used, _drop_aliases(tensors), is_ours, model_bytes)
    slots = dict(network.named_parameters())
    # Largest first: its source and its copy are in memory together, best while there is little else.
    for rule in sorted(rules, key=lambda rule: -slots[rule.target].numel()):
        keeps = torch.float32 if rule.target.endswith((".down", ".up")) else dtype
        _place(network, rule.target, _made(rule, tensors, keeps, slots[rule.target].shape, device))
        if packs and rule.target == WORD_HEAD:
            packing.pack_word_head(network)
    network.restore_rotary(device)
    return (packing.pack(network) if packs else network).eval(), account


def _plan(
    tensors: Mapping[str, Tensor], is_ours: bool, unmerged: bool, path: Path
) -> tuple[SimLingoConfig, list[keymap.Rule]]:
    """The configuration and rules of a file whose names and shapes are all as expected. Raises CheckpointError."""
    have = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    try:
        config = keymap.merged_config_of(have) if is_ours else keymap.config_of(have)
    except (KeyError, IndexError, ValueError) as error:
        first = ", ".join(list(have)[:2]) or "nothing"
        raise CheckpointError(
            f"{path} is not a SimLingo checkpoint: it holds {first} and {max(0, len(have) - 2)} more, and lacks "
            f"{error}; give the published pytorch_model.pt or a file made by `launch.py convert`"
        ) from None
    rules = keymap.rules(config, unmerged)
    if is_ours:
        rules = [keymap.Rule(rule.target, (rule.target,)) for rule in rules]
        with torch.device("meta"):
            wanted = {name: tuple(p.shape) for name, p in SimLingo(config).named_parameters()}
    else:
        wanted = keymap.shapes(config)
    _compare(have, wanted, path)
    return config, rules


def _compare(have: Mapping[str, keymap.Shape], wanted: Mapping[str, keymap.Shape], path: Path) -> None:
    missing = sorted(set(wanted) - set(have) - set(keymap.ALIASES))
    extra = sorted(set(have) - set(wanted))
    if missing or extra:
        raise CheckpointError(
            f"{path} does not hold exactly SimLingo's tensors: missing {_some(missing)}, unexpected {_some(extra)}; "
            "download it again, or export the whole state dictionary"
        )
    for name, shape in wanted.items():
        if name in have and have[name] != shape:
            raise CheckpointError(f"{path}: {name} has shape {have[name]}, expected {shape}: it is of another network")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return (", ".join(names[:4]) or "nothing") + more


def size(network: nn.Module, dtype: torch.dtype) -> int:
    return sum(parameter.numel() for parameter in network.parameters()) * dtype.itemsize


def _drop_aliases(tensors: dict[str, Tensor]) -> tuple[str, ...]:
    """Checks that every alias is what it stands for, and takes it out."""
    dropped = tuple(name for name in keymap.ALIASES if name in tensors)
    for name in dropped:
        alias, source = tensors.pop(name), tensors[keymap.ALIASES[name]]
        if alias.data_ptr() != source.data_ptr() and not _same(alias, source):
            raise CheckpointError(
                f"{name} differs from {keymap.ALIASES[name]}, which is the same tensor in SimLingo: "
                "the checkpoint was edited or damaged; download it again"
            )
    return dropped


def _same(one: Tensor, other: Tensor) -> bool:
    same = all(torch.equal(a, b) for a, b in zip(_chunks(one), _chunks(other), strict=True))
    memory.let_go(one)
    memory.let_go(other)
    return same


def _chunks(tensor: Tensor) -> tuple[Tensor, ...]:
    return tensor.split(max(1, CHUNK_BYTES // max(1, tensor[0].numel() * tensor.element_size())))


def _made(
    rule: keymap.Rule, tensors: Mapping[str, Tensor], dtype: torch.dtype, shape: torch.Size, device: torch.device
) -> Tensor:
    """One parameter. Its sources are copied in chunks and their pages let go on the way."""
    sources = [tensors[name] for name in rule.sources]
    if len(sources) == 3:
        _check_finite(rule, *sources)
        result = merged(*sources).to(device, dtype)
    else:
        source = sources[0] if rule.third is None else sources[0].chunk(3)[rule.third]
        result = torch.empty(shape, dtype=dtype, device=device)
        for part, chunk in zip(_chunks(result), _split_like(source, result), strict=True):
            _check_finite(rule, chunk)
            part.copy_(chunk)
            memory.let_go(chunk)
    for source in sources:
        memory.let_go(source)
    return result


def _split_like(source: Tensor, result: Tensor) -> tuple[Tensor, ...]:
    """`source` cut at the rows where `_chunks(result)` cuts."""
    return source.split([part.shape[0] for part in _chunks(result)])


def _check_finite(rule: keymap.Rule, *tensors: Tensor) -> None:
    for tensor in tensors:
        if not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(
                f"{rule.sources[0]} holds values that are not finite: the file is damaged or its training had "
                "diverged; download it again"
            )


def _place(network: nn.Module, name: str, value: Tensor) -> None:
    owner, _, leaf = name.rpartition(".")
    network.get_submodule(owner)._parameters[leaf] = nn.Parameter(value, requires_grad=False)
