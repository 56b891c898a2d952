"""The folder an evaluation is written to: figures as JSON, its worst cases, and the report made of both.

Suites and towns may be run one after the other, or beside each other, into one folder: what is there of the same driver
and the same weights is kept, and replaced where it is measured again. Other weights begin the folder anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from model.training.judged_frames import Case
from model.training.report import WORST_PER_SUITE, write_report

FIGURES, CASES, REPORT = "evaluation.json", "worst_cases.json", "evaluation.html"
# Entries that hold others by name: suites, or towns.
GROUPS = ("open_loop", "drive", "scenes")


def identity(weights: Path) -> str:
    """Twelve digits of the SHA-256 of a folder's weights. Raises OSError without them."""
    return hashlib.sha256((weights / "model.safetensors").read_bytes()).hexdigest()[:12]


def merged(before: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    """`figures` over what is there of the same driver and weights."""
    if any(before.get(name) != figures.get(name) for name in ("driver", "weights")):
        return figures
    whole = {**before, **figures}
    for name in GROUPS:
        if name in before or name in figures:
            whole[name] = {**before.get(name, {}), **figures.get(name, {})}
    whole["minutes"] = round(before.get("minutes", 0.0) + figures.get("minutes", 0.0), 1)
    return whole


def publish(out: Path, figures: dict[str, Any], cases: Sequence[Case]) -> Path:
    """Write the folder; returns the report's path. An evaluation.json that is no JSON is replaced."""
    out.mkdir(parents=True, exist_ok=True)
    before = _read(out / FIGURES, {})
    whole = merged(before, figures)
    kept = _read(out / CASES, []) if whole is not figures else []
    wrong = _worst(cases)
    suites = {case.suite for case in wrong}
    wrong = [*(case for case in (Case(**entry) for entry in kept) if case.suite not in suites), *wrong]
    _write(out / FIGURES, whole)
    _write(out / CASES, [asdict(case) for case in wrong])
    write_report(out / REPORT, f"{whole['driver']}, {whole['date']}", whole, wrong)
    return out / REPORT


def _worst(cases: Sequence[Case]) -> list[Case]:
    """The first few wrong ones of each suite."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        of_suite = found.setdefault(case.suite, [])
        if not case.is_right and len(of_suite) < WORST_PER_SUITE:
            of_suite.append(case)
    return [case for of_suite in found.values() for case in of_suite]


def _read(path: Path, otherwise: Any) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return otherwise


def _write(path: Path, entry: Any) -> None:
    """Whole or not at all: another evaluation may write the same folder."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
