"""What tests of several rooms share: one embedded world and one browser per run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from app.bench import FLAGS, find_chromium
from tests.worlds import embedded


@pytest.fixture(scope="session")
def embedded_port() -> Iterator[int]:
    """The RPC port of an embedded world that tests may use one after another; each leaves it as it was."""
    with embedded() as world:
        yield world.port


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for the whole run: Playwright's synchronous side can be started only once in a thread."""
    if not (executable := find_chromium()):
        pytest.skip("Chromium is not installed here; Debian's package is called chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        browser.close()
