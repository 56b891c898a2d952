"""Scenes out of JSON text. Every mistake is a ValueError that names the file and the place in it. Any thread.

Keys are those of the dataclasses in `scene`, with three comforts: a spot's and a row's fields stand in the member
itself, `row` repeats a member along the way, and a missing `goal_m` is the end of the road asked for.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from sim_bridge.scenarios import scene as words
from sim_bridge.scenarios.doings import DOINGS
from sim_bridge.scenarios.scene import Action, Condition, Demand, Event, Member, PlaceWish, Scene, Spot

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "scenarios"
_SPOT = {field.name for field in fields(Spot)}
_CHOICES: dict[tuple[type, str], tuple[str, ...]] = {
    (PlaceWish, "kind"): words.KINDS,
    (PlaceWish, "ego_lane"): words.EGO_LANES,
    (PlaceWish, "control"): words.CONTROLS,
    (PlaceWish, "way"): words.WAYS,
    (PlaceWish, "arms"): words.ARMS,
    (Spot, "lane"): words.LANES,
    (Spot, "arm"): ("", *words.ARMS),
    (Member, "way"): words.WAYS,
    (Member, "lights"): ("", "hazard", "siren"),
    (Action, "kind"): DOINGS,
    (Action, "to"): ("left", "right"),
    (Condition, "light"): ("", "red", "yellow", "green"),
}
Plain = TypeVar("Plain")


def names() -> tuple[str, ...]:
    """The scenes that come with the program, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def load(name: str) -> Scene:
    """A scene by its name, or out of a file of one's own when the name ends in .json.

    Raises ValueError naming the known ones, or the mistake in the file, and OSError for a file that is not there.
    """
    if name.endswith(".json"):
        return load_file(Path(name))
    if name not in names():
        raise ValueError(f"There is no scene {name!r}. The scenes are: {', '.join(names())}.")
    return load_file(FOLDER / f"{name}.json")


def load_file(path: Path) -> Scene:
    """A scene out of any file; its name is the file's. Raises ValueError, and OSError where there is none."""
    text = path.read_text(encoding="utf-8")
    try:
        return loads(text, path.stem)
    except ValueError as problem:
        raise ValueError(f"{path.name}: {problem}") from None


def loads(text: str, name: str) -> Scene:
    """A scene out of JSON text. Raises ValueError naming the place."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as problem:
        raise ValueError(f"line {problem.lineno}: {problem.msg}") from None
    top = dict(_table(data, "scene"))
    place = _made(PlaceWish, top.pop("place", {}), "place")
    cast = tuple(_members(_list(top.pop("cast", []), "cast")))
    _check_names(cast)
    known = {member.name for member in cast}
    parts: dict[str, Any] = {
        "name": name,
        "place": place,
        "cast": cast,
        "happens": tuple(_condition(c, f"happens[{k}]", known) for k, c in _numbered(top, "happens")),
        "events": tuple(_event(e, f"events[{k}]", known) for k, e in _numbered(top, "events")),
        "demands": tuple(_demand(d, f"demands[{k}]", known) for k, d in _numbered(top, "demands")),
        "lights": _lights(top.pop("lights", {})),
    }
    if not parts["happens"]:
        raise ValueError("happens: expected at least one stage, without one nobody can tell whether it happened")
    top.setdefault("goal_m", place.length_m if place.kind == words.STRAIGHT else 30.0)
    return _made(Scene, top, "scene", parts)


# ---- parts


def _members(cast: Sequence[Any]) -> Iterator[Member]:
    for k, item in enumerate(cast):
        where = f"cast[{k}]"
        table = dict(_table(item, where))
        row = dict(_table(table.pop("row", {}), f"{where}.row"))
        spot = _made(Spot, {key: table.pop(key) for key in list(table) if key in _SPOT}, where)
        does = _made(Action, table.pop("does", {}), f"{where}.does")
        member = _made(Member, table, where, {"spot": spot, "does": does})
        if not row:
            yield member
            continue
        count, every, step = (row.pop(key, usual) for key, usual in (("count", 2), ("every_m", 3.0), ("step_m", 0.0)))
        if row or type(count) is not int or not 1 <= count <= 50:
            raise ValueError(f"{where}.row: expected count (1 to 50), every_m and step_m, got {item['row']!r:.60}")
        for number in range(count):
            moved = dataclasses.replace(
                spot, along_m=spot.along_m + number * every, aside_m=spot.aside_m + number * step
            )
            yield dataclasses.replace(member, name=f"{member.name} {number + 1}", spot=moved)


def _event(item: Any, where: str, known: set[str]) -> Event:
    table = dict(_table(item, where))
    when = _condition(table.pop("when", {}), f"{where}.when", known)
    do = _made(Action, table.pop("do", {}), f"{where}.do")
    event = _made(Event, table, where, {"when": when, "do": do})
    _check_known(event.who, known, f"{where}.who")
    return event


def _demand(item: Any, where: str, known: set[str]) -> Demand:
    table = dict(_table(item, where))
    once, never = table.pop("once", None), table.pop("never", None)
    if (once is None) == (never is None):
        raise ValueError(f"{where}: expected either once or never")
    condition = _condition(never if once is None else once, where, known)
    return _made(Demand, table, where, {"condition": condition, "is_never": once is None})


def _condition(item: Any, where: str, known: set[str]) -> Condition:
    condition = _made(Condition, item, where)
    about_who = any(getattr(condition, name) not in (None, "") for name in _ABOUT_WHO)
    if about_who and not condition.who:
        raise ValueError(f"{where}: expected who, because it asks about somebody of the cast")
    if condition.who:
        _check_known(condition.who, known, f"{where}.who")
    if condition == Condition():
        raise ValueError(f"{where}: expected at least one thing that must hold")
    return condition


_OWN = ("after_s", "ego_past_m", "ego_before_m", "ego_faster_mps", "ego_slower_mps", "who")
_ABOUT_WHO = tuple(field.name for field in fields(Condition) if field.name not in _OWN)


def _lights(item: Any) -> dict[str, str]:
    table = _table(item, "lights")
    for arm, state in table.items():
        if arm not in ("ego", "others", *words.ARMS) or state not in ("red", "yellow", "green"):
            raise ValueError(f"lights.{arm}: expected an arm with red, yellow or green, got {state!r:.30}")
    return table


def _check_names(cast: Sequence[Member]) -> None:
    seen: set[str] = set()
    for member in cast:
        if member.name in seen:
            raise ValueError(f"cast: two members are called {member.name!r}; names tell them apart")
        seen.add(member.name)


def _check_known(who: str, known: set[str], where: str) -> None:
    if who not in known:
        raise ValueError(
            f"{where}: nobody of the cast is called {who!r}; it has: {', '.join(sorted(known)) or 'nobody'}"
        )


# ---- values


def _made(kind: type[Plain], data: Any, where: str, parts: dict[str, Any] | None = None) -> Plain:
    """A dataclass out of a JSON object; its nested parts come ready made."""
    table, parts = _table(data, where), parts or {}
    hints = typing.get_type_hints(kind)
    known = [field.name for field in fields(kind) if field.name not in parts]  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise ValueError(f"{where}.{key}: nothing is called so; expected some of {', '.join(known)}")
    values = {key: _value(value, hints[key], f"{where}.{key}", (kind, key)) for key, value in table.items()}
    try:
        return kind(**parts, **values)
    except TypeError:
        needed = [f.name for f in fields(kind) if _is_needed(f) and f.name not in parts and f.name not in values]  # type: ignore[arg-type]
        raise ValueError(f"{where}: {', '.join(needed)} is missing") from None


def _is_needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _value(value: Any, wanted: Any, where: str, key: tuple[type, str]) -> Any:
    if isinstance(wanted, types.UnionType):
        wanted = next(kind for kind in typing.get_args(wanted) if kind is not type(None))
    if typing.get_origin(wanted) is tuple:
        return tuple(_value(item, str, f"{where}[{k}]", key) for k, item in enumerate(_list(value, where)))
    if wanted is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if wanted is float or type(value) is not wanted:
        raise ValueError(f"{where}: expected {_WORDS.get(wanted, wanted)}, got {value!r:.40}")
    if key in _CHOICES and value not in _CHOICES[key]:
        raise ValueError(f"{where}: expected one of {', '.join(filter(None, _CHOICES[key]))}, got {value!r:.40}")
    return value


_WORDS = {float: "a finite number", int: "a whole number", str: "a text", bool: "true or false"}


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected an object, got {value!r:.40}")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{where}: expected a list, got {value!r:.40}")
    return value


def _numbered(top: dict[str, Any], key: str) -> Iterator[tuple[int, Any]]:
    return enumerate(_list(top.pop(key, []), key))
