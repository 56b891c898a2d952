"""What the tests of the server share: a flat world, and a check that the printed coverage tells the truth."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sim_bridge.embedded.calls.tested import TESTED_BY
from tests.embedded.test_world_client import HEARD, gather_heard, serving


@pytest.fixture(scope="module")
def flat() -> Iterator[int]:
    with serving("tests.embedded.flat_server", "0") as (_, port):
        yield port


@pytest.fixture(autouse=True)
def claimed_calls_were_heard(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every call that the coverage table says this test covers did reach a server during it."""
    gather_heard()
    HEARD.clear()
    yield
    gather_heard()
    test = request.node.nodeid.rsplit("/", 1)[-1]
    missing = {name for name, tested_by in TESTED_BY.items() if tested_by == test} - HEARD
    assert not missing, f"the coverage table says that {test} covers {sorted(missing)}, which it never called"
