"""Begin a run from weights there are: every array is taken over, words find their vectors by name. Needs torch.

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


def begin_from(folder: Path, network: Pocket, words: tuple[str, ...]) -> dict[str, Any]:
    """Fill `network`, whose vocabulary is `words`, from the weights in `folder`; returns what a card says of them.

    Words that the old weights do not know keep their random first vectors. Raises RunError where the weights are
    missing, damaged, or of a network of another kind or one that was larger.
    """
    try:
        old_words = PocketConfig.load(folder / weights.CONFIG).vocabulary
        arrays = weights.read(folder)
        expected = network.state_dict()
        table = expected[WORD_TABLE].detach().cpu().numpy().copy()
        known = _matched(table, arrays.get(WORD_TABLE, np.zeros((0, 0), np.float32)), old_words, words)
        arrays[WORD_TABLE] = table
        for name, tensor in expected.items():
            arrays[name] = _grown(arrays.get(name), tensor.detach().cpu().numpy())
        weights.check(arrays, {name: tuple(tensor.shape) for name, tensor in expected.items()})
    except (ConfigError, WeightsError) as error:
        raise RunError(f"cannot begin from {folder}: {error}") from None
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    return {"new_words": len(words) - known, **_told_of(folder)}


def _matched(table: np.ndarray, old: np.ndarray, old_words: tuple[str, ...], words: tuple[str, ...]) -> int:
    """Copy the vectors of words both know into `table`; returns how many. Raises WeightsError for another width."""
    if old.shape != (len(old_words), table.shape[1]):
        wanted = (len(old_words), table.shape[1])
        raise WeightsError(f"the weights are of another size: {WORD_TABLE} has {old.shape}, expected {wanted}")
    rows = {word: row for row, word in enumerate(old_words)}
    found = [(new, rows[word]) for new, word in enumerate(words) if word in rows]
    for new, row in found:
        table[new] = old[row]
    return len(found)


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
    before = (record.get("begun_from") or {}).get("views_in_all", 0)
    return {"saved_at": record.get("saved_at", ""), "views_in_all": before + int(record.get("views", 0))}
