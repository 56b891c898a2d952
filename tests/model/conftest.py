"""A toy SimLingo in the released layout with random weights, made once per test run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from model.simlingo.runtime import Runtime
    from model.simlingo.tokens import Words


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pytorch_model.pt and tokenizer/."""
    import torch

    from model.simlingo import convert

    torch.set_num_threads(1)  # on a busy machine a second thread is waited for longer than it helps
    folder = tmp_path_factory.mktemp("simlingo")
    convert.write_random(folder, is_full=False)
    return folder


@pytest.fixture(scope="session")
def toy_words(toy_folder: Path) -> Words:
    from model.simlingo import tokens

    return tokens.load(toy_folder / "tokenizer")


@pytest.fixture(scope="session")
def toy_runtime(toy_folder: Path, toy_words: Words) -> Runtime:
    import torch

    from model.simlingo import checkpoint
    from model.simlingo.runtime import Runtime

    network, _ = checkpoint.load(toy_folder / "pytorch_model.pt", torch.float32)
    return Runtime(network, toy_words)
