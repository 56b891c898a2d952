"""The bench: that its figures come out of what was measured, and that it says why when it cannot measure."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from app import bench, page_figures
from app.page_figures import Measured, beside, figures
from sim_bridge.bench.figures import Figure, as_json, as_table

FAKE = Path(__file__).with_name("fake_drive.py")
STEADY = Measured(
    first_picture_s=6.0,
    rows=[[second / 4, second / 4, 18.0, 60.0, 30.0] for second in range(40)],
    delays_ms=[20.0] * 95 + [150.0] * 5,
    paint_hz=19.5,
    key_ms=[40.0] * 40,
)


def by_name(measured: Measured) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures(measured)}


def test_a_drive_that_keeps_up_meets_every_target() -> None:
    assert all(figure.is_met for figure in figures(STEADY))
    assert by_name(STEADY)["source frame to pixels, p95"].value == 150.0
    assert by_name(STEADY)["source frame to pixels, median"].value == 20.0


def test_the_rate_is_simulated_over_real_time() -> None:
    slow = replace(STEADY, rows=[[second * 2.0, second * 1.0, 18.0, 60.0, 30.0] for second in range(10)])
    rate = by_name(slow)["real-time factor"]
    assert rate.value == pytest.approx(0.5) and rate.is_met is False
    assert "missed" in as_table(figures(slow), {})


def test_what_was_not_measured_is_not_called_met() -> None:
    nothing = replace(STEADY, rows=[], delays_ms=[], key_ms=[])
    told = json.loads(as_json(figures(nothing), beside(nothing)))
    unmeasured = {figure["name"] for figure in told["figures"] if figure["met"] is None}
    assert "key to applied control, p95" in unmeasured and "real-time factor" in unmeasured
    assert "not measured" in as_table(figures(nothing), {})


def test_a_press_counts_until_the_first_tick_that_heard_it() -> None:
    presses = [{"seq": 10, "pressed_ms": 100.0}, {"seq": 20, "pressed_ms": 500.0}, {"seq": 99, "pressed_ms": 900.0}]
    echoes = [{"seq": 9, "applied_ms": 90.0}, {"seq": 12, "applied_ms": 150.0}, {"seq": 21, "applied_ms": 580.0}]
    assert page_figures.key_delays(presses, echoes) == [50.0, 80.0]


@pytest.mark.browser
@pytest.mark.skipif(not bench.find_chromium(), reason="Chromium is not installed here")
def test_a_program_that_ends_at_once_is_quoted() -> None:
    command = [sys.executable, "-c", "raise SystemExit('no town of that name')"]
    with pytest.raises(bench.CannotMeasure, match="no town of that name"):
        bench.measure(command, "http://127.0.0.1:9", 1.0)


@pytest.mark.browser
@pytest.mark.skipif(not bench.find_chromium(), reason="Chromium is not installed here")
def test_a_real_run_measures_everything_and_ends_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "WARM_UP_S", 0.5)
    monkeypatch.setattr(bench, "KEY_PRESSES", 4)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    measured = bench.measure([sys.executable, str(FAKE), "--port", str(port)], f"http://127.0.0.1:{port}", 2.0)
    assert all(figure.value is not None for figure in figures(measured))
    assert by_name(measured)["plans per second, median"].value == 18.5  # what the toy says of itself
    assert measured.key_ms and 0 < min(measured.key_ms) < 5000
    assert 0 < min(measured.delays_ms) < 5000
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()


def test_without_chromium_it_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(bench.CannotMeasure, match="chromium") as problem:
        bench.measure([], "http://127.0.0.1:9", 1.0)
    assert problem.value.status == bench.NO_BROWSER


def test_help_is_there_without_a_browser() -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(bench.LAUNCH), "bench", "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and "--seconds" in done.stdout and time.monotonic() - began < 30
