"""Embedded worlds for the tests: the real server in a process of its own, on ports that are free."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sim_bridge.world_process import WorldProcess, world_command

TOWN = "Backseat01"


@dataclass(frozen=True)
class RunningWorld:
    port: int
    process_id: int


@contextmanager
def embedded(town: str = TOWN, seed: int = 1) -> Iterator[RunningWorld]:
    process = WorldProcess(world_command(0, town, seed))
    process.start()
    try:
        deadline = time.monotonic() + 60.0
        while not process.is_ready:
            assert process.is_alive, f"the world ended: {process.last_words}"
            assert time.monotonic() < deadline, "the world was not ready within a minute"
            time.sleep(0.05)
        port = re.search(r"port=(\d+)", process.ready_line)
        assert port is not None and process.process_id is not None
        yield RunningWorld(int(port[1]), process.process_id)
    finally:
        process.stop()
