"""An evaluation as one HTML file that needs no network: bars of every figure, every drive, and the worst cases."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from model.training.judged_frames import Case

WORST_PER_SUITE = 6
DRIVEN = {"routes": "Routes", "traffic": "Routes among traffic", "red_lights": "Red lights"}
EMBEDDED = "data:image/jpeg;base64,"
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem;color:#1c2733}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #d8dee4}"
    "figure{display:inline-block;margin:.4rem;width:310px;vertical-align:top}img{width:100%}"
    "div.wide{overflow-x:auto;margin:.6rem 0}td,th{font-size:13px;white-space:nowrap}"
)


def bars(figures: dict[str, Any], prefix: str = "") -> list[tuple[str, float, int]]:
    """(name, share, judged) of every share in the figures, depth first."""
    found: list[tuple[str, float, int]] = []
    for name, value in figures.items():
        if isinstance(value, dict) and {"share", "of"} <= value.keys():
            found.append((f"{prefix}{name}", float(value["share"]), int(value["of"])))
        elif isinstance(value, dict):
            found += bars(value, f"{prefix}{name} / ")
    return found


def _plot(found: Sequence[tuple[str, float, int]]) -> str:
    import plotly.graph_objects as go

    names = [f"{name} ({judged})" for name, _, judged in reversed(found)]
    shares = [round(100 * share, 1) for _, share, _ in reversed(found)]
    figure = go.Figure(go.Bar(x=shares, y=names, orientation="h", text=shares, marker_color="#2f6fab"))
    figure.update_layout(
        height=120 + 22 * len(found),
        margin={"l": 300, "r": 20, "t": 20, "b": 40},
        xaxis={"range": [0, 105], "title": "% right"},
    )
    return str(figure.to_html(full_html=False, include_plotlyjs="inline"))


def _table(rows: Iterable[dict[str, Any]]) -> str:
    listed = list(rows)
    if not listed:
        return ""
    head = "".join(f"<th>{html.escape(name.replace('_', ' '))}</th>" for name in listed[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(v))}</td>" for v in row.values()) + "</tr>" for row in listed
    )
    return f"<div class=wide><table><tr>{head}</tr>{body}</table></div>"


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    """The figures of an entry without its single drives; counts by name in words."""
    plain: dict[str, Any] = {}
    for name, value in entry.items():
        if isinstance(value, dict):
            plain[name] = ", ".join(f"{key.replace('_', ' ')}: {count}" for key, count in value.items()) or "none"
        elif not isinstance(value, list):
            plain[name] = "" if value is None else value
    return plain


def _picture(case: Case) -> str:
    if case.picture.startswith(EMBEDDED):
        data = case.picture.removeprefix(EMBEDDED)
    else:
        try:
            data = base64.b64encode(Path(case.picture).read_bytes()).decode()
        except OSError:
            return ""
    words = [case.asked, f"expected: {case.expected}", f"got: {case.got}"]
    caption = "<br>".join(html.escape(word) for word in words if word)
    return f'<figure><img src="{EMBEDDED}{html.escape(data)}" alt=""><figcaption>{caption}</figcaption></figure>'


def _worst(cases: Sequence[Case]) -> str:
    parts = []
    for suite in dict.fromkeys(case.suite for case in cases):
        wrong = [case for case in cases if case.suite == suite and not case.is_right][:WORST_PER_SUITE]
        if wrong:
            parts.append(f"<h3>{html.escape(suite)}</h3>" + "".join(_picture(case) for case in wrong))
    return "".join(parts)


def _driven(town: str, entry: dict[str, Any]) -> str:
    """The routes and lights of one town: their figures, then every single drive."""
    parts = [
        f"<h2>{DRIVEN[name]} in {html.escape(town)}</h2>{_table([_plain(entry[name])])}{_each(entry[name]['each'])}"
        for name in DRIVEN
        if entry.get(name, {}).get("each")
    ]
    return "".join(parts)


def _each(drives: Iterable[dict[str, Any]]) -> str:
    return _table([_plain(drive) for drive in drives])


def _questions(entry: dict[str, Any]) -> str:
    """Each family's share of exact answers beside what its commonest answer alone would score."""
    rows = [
        {"family": name, "exact": value["share"], "guessing": value["guess"], "of": value["of"]}
        for name, value in entry.items()
        if isinstance(value, dict) and "guess" in value
    ]
    return f"<h2>Questions against guessing</h2>{_table(rows)}" if rows else ""


def _scenes(town: str, entry: dict[str, Any]) -> str:
    rows = [{"scene": name, **_plain(scene)} for name, scene in entry.items() if "each" in scene]
    return f"<h2>Scenes in {html.escape(town)}</h2>{_table(rows)}" if rows else ""


def write_report(path: Path, title: str, figures: dict[str, Any], cases: Sequence[Case]) -> None:
    """Write the page; every text of a driver or a frame is escaped."""
    found = bars(figures)
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title><style>{STYLE}</style>",
        f"<h1>{html.escape(title)}</h1>",
        _plot(found) if found else "",
    ]
    parts.append(_questions(figures.get("open_loop", {}).get("vqa", {})))
    parts += [_driven(town, entry) for town, entry in figures.get("drive", {}).items()]
    parts += [_scenes(town, entry) for town, entry in figures.get("scenes", {}).items()]
    if cases:
        parts.append(f"<h2>Where it went wrong</h2>{_worst(cases)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(parts), encoding="utf-8")
