"""Routes in the XML of CARLA's Leaderboard, read and written. Plain data, any thread, no world.

Both forms are read: that of version 2 (`weathers`, `waypoints/position`, `scenarios/scenario`), and that of version 1
(`weather` and `waypoint` directly in the route). Written is version 2. A file from elsewhere is not trusted: document
types, which can make a small file huge, and files beyond MAX_BYTES are refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

MAX_BYTES = 32 << 20
MIN_POINTS = 2

Location = tuple[float, float, float]


class _NoDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError(f"a route file has no document type, this one declares {name!r}")


@dataclass(frozen=True, slots=True)
class RouteWeather:
    """CARLA's weather parameters by name, from this share of the route on (0..100 per cent)."""

    percentage: float
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class RouteScenario:
    """A scenario block: `kind` is the Leaderboard's name of it, `trigger` x, y, z, yaw in degrees.

    `parameters` has the other elements as they stand: element -> its attributes.
    """

    name: str
    kind: str
    trigger: tuple[float, float, float, float]
    parameters: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """`points` in world metres, from the start to the end."""

    route_id: str
    town: str
    points: tuple[Location, ...]
    weathers: tuple[RouteWeather, ...] = ()
    scenarios: tuple[RouteScenario, ...] = ()


def read(path: Path) -> tuple[Route, ...]:
    """Every route of a file. Raises OSError where there is none, ValueError naming the file and the place in it."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{path.name}: expected a route file of at most {MAX_BYTES >> 20} MB, it has {size >> 20} MB")
    try:
        return reads(path.read_bytes())
    except ValueError as problem:
        raise ValueError(f"{path.name}: {problem}") from None


def reads(text: bytes | str) -> tuple[Route, ...]:
    """Every route of a text. Raises ValueError naming the place."""
    try:
        root = ElementTree.fromstring(text, ElementTree.XMLParser(target=_NoDoctype()))
    except ElementTree.ParseError as problem:
        raise ValueError(f"line {problem.position[0]}: {problem.msg if hasattr(problem, 'msg') else problem}") from None
    if root.tag != "routes":
        raise ValueError(f"expected <routes> at the top, got <{root.tag}>")
    routes = tuple(_route(element, k) for k, element in enumerate(root.iter("route")))
    if not routes:
        raise ValueError("expected at least one <route>, there is none")
    return routes


def pick(routes: Sequence[Route], route_id: str) -> Route:
    """The route of this id, the first one for "". Raises ValueError naming the ids there are."""
    for route in routes:
        if route_id in ("", route.route_id):
            return route
    known = ", ".join(route.route_id for route in routes[:30])
    raise ValueError(f"There is no route {route_id!r} in the file. It has: {known}.")


def write(path: Path, routes: Sequence[Route]) -> None:
    """Version 2 of the format; reading it back gives equal routes."""
    root = ElementTree.Element("routes")
    for route in routes:
        root.append(_element(route))
    ElementTree.indent(root, "   ")
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


# ---- reading


def _route(element: ElementTree.Element, number: int) -> Route:
    where = f"route {element.get('id', f'number {number + 1}')!r}"
    town = element.get("town") or element.get("map") or ""
    if not town:
        raise ValueError(f"{where}: expected the attribute town")
    points = tuple(_location(point, where) for point in _points(element))
    if len(points) < MIN_POINTS:
        raise ValueError(f"{where}: expected at least {MIN_POINTS} waypoints, got {len(points)}")
    weathers = sorted((_weather(w, where) for w in element.iter("weather")), key=lambda weather: weather.percentage)
    found = tuple(_scenario(s, where) for s in element.iter("scenario"))
    return Route(element.get("id", str(number)), town, points, tuple(weathers), found)


def _points(element: ElementTree.Element) -> Iterator[ElementTree.Element]:
    listed = element.find("waypoints")
    return iter(element.findall("waypoint") if listed is None else listed.findall("position"))


def _location(element: ElementTree.Element, where: str) -> Location:
    return _number(element, "x", where), _number(element, "y", where), _number(element, "z", where, 0.0)


def _weather(element: ElementTree.Element, where: str) -> RouteWeather:
    names = [name for name in element.attrib if name not in ("route_percentage", "id")]
    values = {name: _number(element, name, where) for name in names}
    return RouteWeather(_number(element, "route_percentage", where, 0.0), values)


def _scenario(element: ElementTree.Element, where: str) -> RouteScenario:
    name, kind, trigger = element.get("name", ""), element.get("type", ""), element.find("trigger_point")
    if trigger is None:
        raise ValueError(f"{where}: scenario {name!r} has no trigger_point")
    place = (*_location(trigger, where), _number(trigger, "yaw", where, 0.0))
    others = {child.tag: dict(child.attrib) for child in element if child is not trigger}
    return RouteScenario(name, kind or name, place, others)


def _number(element: ElementTree.Element, name: str, where: str, usual: float | None = None) -> float:
    text = element.get(name)
    if text is None and usual is not None:
        return usual
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{where}: <{element.tag}> {name}: expected a finite number, got {text!r:.40}")
    return value


# ---- writing


def _element(route: Route) -> ElementTree.Element:
    element = ElementTree.Element("route", id=route.route_id, town=route.town)
    weathers = ElementTree.SubElement(element, "weathers")
    for weather in route.weathers:
        values = {"route_percentage": weather.percentage, **weather.values}
        ElementTree.SubElement(weathers, "weather", {name: repr(value) for name, value in values.items()})
    points = ElementTree.SubElement(element, "waypoints")
    for x, y, z in route.points:
        ElementTree.SubElement(points, "position", x=repr(x), y=repr(y), z=repr(z))
    blocks = ElementTree.SubElement(element, "scenarios")
    for scenario in route.scenarios:
        block = ElementTree.SubElement(blocks, "scenario", name=scenario.name, type=scenario.kind)
        trigger = dict(zip(("x", "y", "z", "yaw"), map(repr, scenario.trigger), strict=True))
        ElementTree.SubElement(block, "trigger_point", trigger)
        for tag, attributes in scenario.parameters.items():
            ElementTree.SubElement(block, tag, dict(attributes))
    return element
