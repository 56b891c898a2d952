"""Begin a run from weights there are: every array is taken over, words and kinds find theirs by name. Needs torch.

A network may have grown since: more inputs of a layer begin without weight, more outputs and new layers as they are
born, so that what the old weights did is still done.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.pocket import weights
from model.pocket.config import ConfigError, PocketConfig
from model.pocket.network import Pocket
from model.pocket.weights import WeightsError
from model.training.run_folder import RunError

WORD_TABLE = "adapters.words"
KIND_ROWS = ("adapters.kind_head.weight", "adapters.kind_head.bias")


def begin_from(folder: Path, network: Pocket, words: tuple[str, ...]) -> dict[str, Any]:
    """Fill `network`, whose vocabulary is `words`, from the weights in `folder`; returns what a card says of them.

    Words that the old weights do not know keep their random first vectors. Raises RunError where the weights are
    missing, damaged, or of a network of another kind or one that was larger.
    """
    try:
        before = PocketConfig.load(folder / weights.CONFIG)
        arrays = weights.read(folder)
        expected = network.state_dict()
        for name in (WORD_TABLE, *KIND_ROWS):
            names = (before.vocabulary, words) if name == WORD_TABLE else (before.kinds, network.config.kinds)
            arrays[name] = _matched(name, expected[name].detach().cpu().numpy().copy(), arrays.get(name), *names)
        for name, tensor in expected.items():
            arrays[name] = _grown(arrays.get(name), tensor.detach().cpu().numpy())
        weights.check(arrays, {name: tuple(tensor.shape) for name, tensor in expected.items()})
    except (ConfigError, WeightsError) as error:
        raise RunError(f"cannot begin from {folder}: {error}") from None
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    return {"new_words": len(set(words) - set(before.vocabulary)), **_told_of(folder)}


def _matched(
    name: str, rows: np.ndarray, old: np.ndarray | None, old_names: tuple[str, ...], names: tuple[str, ...]
) -> np.ndarray:
    """`rows` with those that the old array has under the same name. Raises WeightsError for another width."""
    wanted = (len(old_names), *rows.shape[1:])
    if old is None or old.shape != wanted:
        found = "nothing" if old is None else old.shape
        raise WeightsError(f"the weights are of another size: {name} has {found}, expected {wanted}")
    for new, named in enumerate(names):
        if named in old_names:
            rows[new] = old[old_names.index(named)]
    return rows


def _grown(old: np.ndarray | None, born: np.ndarray) -> np.ndarray:
    """The old array where its shape is that of the new one, or in the corner of the new one where that has grown."""
    if old is None:
        return born
    if old.ndim != born.ndim or any(was > now for was, now in zip(old.shape, born.shape, strict=True)):
        return old
    grown = born.copy()
    if old.ndim > 1:
        grown[: old.shape[0]] = 0.0
    grown[tuple(slice(size) for size in old.shape)] = old
    return grown


def _told_of(folder: Path) -> dict[str, Any]:
    """How the old weights came about, as far as their own record says."""
    try:
        record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    before = record.get("begun_from") or {"views_in_all": 0, "minutes_in_all": 0.0}
    told = {
        "saved_at": record.get("saved_at", ""),
        "views_in_all": before.get("views_in_all", 0) + int(record.get("views", 0)),
    }
    if "minutes" in record and "minutes_in_all" in before:
        told["minutes_in_all"] = round(before["minutes_in_all"] + float(record["minutes"]), 1)
    return told
