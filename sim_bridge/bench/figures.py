"""Measured values beside their targets, as a table or as JSON. Pure functions."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`wants` is ">=" or "<="; `value` None where nothing was measured, with the reason in `note`."""

    name: str
    value: float | None
    unit: str
    wants: str
    target: float
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.target if self.wants == ">=" else self.value <= self.target


def as_json(figures: Sequence[Figure], beside: Mapping[str, object]) -> str:
    return json.dumps(
        {
            "machine": {"cpus": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()},
            "figures": [asdict(figure) | {"met": figure.is_met} for figure in figures],
            "beside": dict(beside),
        },
        indent=2,
    )


def as_table(figures: Sequence[Figure], beside: Mapping[str, object]) -> str:
    lines = [f"{'what':44} {'measured':>14} {'target':>14}"]
    marks = {True: "", False: "  missed", None: "  not measured"}
    for figure in figures:
        value = "-" if figure.value is None else f"{figure.value:.2f} {figure.unit}"
        target = f"{figure.wants} {figure.target:g} {figure.unit}"
        lines.append(f"{figure.name:44} {value:>14} {target:>14}{marks[figure.is_met]} {figure.note}".rstrip())
    lines += [f"  {name}: {value}" for name, value in beside.items()]
    return "\n".join(lines)
