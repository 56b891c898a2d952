"""What tests of several rooms share: one embedded world per run, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.worlds import embedded


@pytest.fixture(scope="session")
def embedded_port() -> Iterator[int]:
    """The RPC port of an embedded world that tests may use one after another; each leaves it as it was."""
    with embedded() as world:
        yield world.port
