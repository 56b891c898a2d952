"""What the bench measured -> figures beside their targets, as a table or as JSON. Pure functions."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value beside its target. `wants` is ">=" or "<="; `is_met` is None where nothing was measured."""

    name: str
    value: float | None
    unit: str
    wants: str
    target: float

    @property
    def is_met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.target if self.wants == ">=" else self.value <= self.target


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


def as_json(measured: Measured) -> str:
    rows = measured.rows
    return json.dumps(
        {
            "machine": {"cpus": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()},
            "figures": [asdict(figure) | {"met": figure.is_met} for figure in figures(measured)],
            "beside": {
                "key to applied control, median, ms": _median(measured.key_ms),
                "plan age, median, ms": _median([row[3] for row in rows if row[3] is not None]),
                "inference, median, ms": _median([row[4] for row in rows if row[4] is not None]),
                "pictures counted": len(measured.delays_ms),
                "key presses counted": len(measured.key_ms),
            },
        },
        indent=2,
    )


def as_table(measured: Measured) -> str:
    lines = [f"{'what':34} {'measured':>12} {'target':>12}"]
    marks = {True: "", False: "  missed", None: "  not measured"}
    for figure in figures(measured):
        value = "-" if figure.value is None else f"{figure.value:.2f} {figure.unit}"
        target = f"{figure.wants} {figure.target:g} {figure.unit}"
        lines.append(f"{figure.name:34} {value:>12} {target:>12}{marks[figure.is_met]}")
    return "\n".join(lines)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _p95(values: Sequence[float]) -> float | None:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] if ordered else None
