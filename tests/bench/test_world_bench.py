"""The world's bench: what it counts, what it says about a world that is gone, and how it judges memory."""

from __future__ import annotations

import json
import os

import pytest

from sim_bridge.bench.figures import Figure, as_json, as_table
from sim_bridge.bench.processes import cpu_s, peak_mb, resident_mb
from sim_bridge.bench.world import growth_percent, run_load
from tests.embedded.test_world_client import serving


def test_an_empty_world_is_ticked_by_the_real_client_and_its_ticks_are_counted() -> None:
    with serving("tests.embedded.flat_server", "0") as (process, port):
        rows, problem = run_load("empty", port, 2.0, process.pid)
    assert problem == ""
    last = rows[-1]
    assert last["ticks"] > 50 and last["ticks_per_s"] == pytest.approx(last["ticks"] / last["seconds"], rel=0.1)
    assert 0.0 < last["world_cpu_ms"] < 1000.0 and last["world_mb"] > 20.0


def test_a_world_that_is_not_there_is_told_and_not_a_number() -> None:
    rows, problem = run_load("empty", 1, 1.0, os.getpid())
    assert rows == [] and problem


def test_growth_compares_the_end_with_the_time_after_warming_up() -> None:
    def soak(*mb: float) -> list[dict[str, float]]:
        return [{"world_mb": value} for value in mb]

    assert growth_percent(soak(*[100.0] * 10)) is None
    assert growth_percent(soak(*[50.0] * 2, *[100.0] * 38)) == pytest.approx(0.0)
    grows = growth_percent(soak(*[100.0 + k for k in range(40)]))
    assert grows == pytest.approx(100.0 * (137.5 / 105.5 - 1.0))


def test_figures_say_met_missed_and_not_measured() -> None:
    figures = [
        Figure("a", 3.0, "m", "<=", 2.0),
        Figure("b", 3.0, "m", ">=", 2.0),
        Figure("c", None, "m", ">=", 2.0, "why"),
    ]
    table = as_table(figures, {"beside it": 4})
    assert "missed" in table and "not measured why" in table and "beside it: 4" in table
    assert [row["met"] for row in json.loads(as_json(figures, {}))["figures"]] == [False, True, None]


def test_a_process_has_memory_and_spends_time() -> None:
    before = cpu_s(os.getpid())
    while cpu_s(os.getpid()) == before:
        sum(range(10_000))
    assert 0.0 < resident_mb(os.getpid()) <= peak_mb(os.getpid())
