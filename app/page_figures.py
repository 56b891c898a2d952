"""What one run of the page came to: raw measurements -> figures beside their targets. Pure functions."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from sim_bridge.bench.figures import Figure


@dataclass(frozen=True, slots=True)
class Measured:
    """What came out of one run. A row: clock and simulated seconds, plans per second, plan age and inference in ms."""

    first_picture_s: float
    rows: list[list[float | None]]
    delays_ms: list[float]
    paint_hz: float
    key_ms: list[float]


def key_delays(presses: Sequence[dict[str, float]], echoes: Sequence[dict[str, float]]) -> list[float]:
    """For each press, the time to the first tick that had heard its packet or a later one of the same hold."""
    delays = []
    for press in presses:
        applied = [echo["applied_ms"] for echo in echoes if echo["seq"] >= press["seq"]]
        if applied:
            delays.append(min(applied) - press["pressed_ms"])
    return delays


def figures(measured: Measured) -> list[Figure]:
    rows = measured.rows
    rate = None
    if len(rows) > 1 and rows[-1][0] != rows[0][0]:
        rate = (rows[-1][1] - rows[0][1]) / (rows[-1][0] - rows[0][0])  # type: ignore[operator]
    plans = [row[2] for row in rows if row[2] is not None]
    return [
        Figure("real-time factor", rate, "x", ">=", 0.98),
        Figure("plans per second, median", _median(plans), "1/s", ">=", 15.0),
        Figure("source frame to pixels, median", _median(measured.delays_ms), "ms", "<=", 80.0),
        Figure("source frame to pixels, p95", _p95(measured.delays_ms), "ms", "<=", 200.0),
        Figure("pictures painted", measured.paint_hz, "1/s", ">=", 15.0),
        Figure("key to applied control, p95", _p95(measured.key_ms), "ms", "<=", 100.0),
        Figure("launch to first moving picture", measured.first_picture_s, "s", "<=", 20.0),
    ]


def beside(measured: Measured) -> dict[str, object]:
    """What no target is set for, and how much was counted."""
    rows = measured.rows
    return {
        "key to applied control, median, ms": _median(measured.key_ms),
        "plan age, median, ms": _median([row[3] for row in rows if row[3] is not None]),
        "inference, median, ms": _median([row[4] for row in rows if row[4] is not None]),
        "pictures counted": len(measured.delays_ms),
        "key presses counted": len(measured.key_ms),
    }


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _p95(values: Sequence[float]) -> float | None:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] if ordered else None
