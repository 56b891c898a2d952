"""A run's log as one self-contained page of curves: runs/NAME/curves.html. No network is needed to look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from model.training import run_folder

NOT_CURVES = {"report", "step", "views", "seconds"}
# One panel each: a title, and the names of the log that belong in it.
HELD_OUT_PANELS = (
    ("held out: path and speed error (m)", ("path_ade_m", "speed_ade_m")),
    ("held out: what it sees", ("light_near", "light_none", "lead_found", "lead_quiet")),
    ("held out: walkers", ("pedestrian_found", "pedestrian_quiet")),
    ("held out: sentences, whole ones right", ("sentence", "sentence/commentary", "sentence/vqa", "sentence/dream")),
    ("held out: instructions obeyed", ("obeys", "reads")),
    ("held out: plan's end within 1.5 m", ("plan_end/clear", "plan_end/red", "plan_end/lead", "plan_end/pedestrian")),
)


def write(folder: Path) -> Path:
    """Draw `folder`'s log; replaces the page in one move."""
    entries = run_folder.read_log(folder)
    steps = [entry for entry in entries if entry.get("report") == "step"]
    held_out = [entry for entry in entries if entry.get("report") == "held_out"]
    panels = [("training losses", _names(steps) - {"views_per_s"}, steps), ("views per second", {"views_per_s"}, steps)]
    panels += [(title, set(names), held_out) for title, names in HELD_OUT_PANELS]
    for title, prefix in (("held out: obeyed by kind", "obeys/"), ("held out: chosen by the eye", "sees/")):
        panels.append((title, {n for n in _names(held_out) if n.startswith(prefix)}, held_out))
    figure = make_subplots(rows=-(-len(panels) // 2), cols=2, subplot_titles=[title for title, _, _ in panels])
    for i, (_, names, rows) in enumerate(panels):
        for name in sorted(names):
            known = [row for row in rows if name in row]
            line = go.Scatter(
                x=[r["views"] for r in known], y=[r[name] for r in known], name=name, mode="lines+markers"
            )
            figure.add_trace(line, row=i // 2 + 1, col=i % 2 + 1)
    figure.update_yaxes(type="log", row=1, col=1)
    figure.update_layout(height=360 * -(-len(panels) // 2), title=f"Pocket: {folder.name}", hovermode="x")
    fresh = folder / "curves.html.part"
    figure.write_html(fresh, include_plotlyjs=True)
    fresh.replace(folder / "curves.html")
    return folder / "curves.html"


def _names(rows: list[dict[str, Any]]) -> set[str]:
    return {name for row in rows for name in row} - NOT_CURVES
