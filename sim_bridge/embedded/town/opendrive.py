"""An OpenDRIVE text read into plain records: roads, lanes, marks, signals, objects, junctions. OpenDRIVE's own frame.

Read is what a flat town of lines and arcs needs. Elevation is ignored; another kind of curve is refused, with its road.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.town.curves import Curve, Floats, Piece

KMH_FROM = {"km/h": 1.0, "mph": 1.609344, "m/s": 3.6}
DEFAULT_LIMIT_KMH = 50.0


@dataclass(frozen=True, slots=True)
class Cubic:
    """a + b ds + c ds2 + d ds3 from `s` on."""

    s: float
    a: float
    b: float
    c: float
    d: float


@dataclass(frozen=True, slots=True)
class Mark:
    """The line on a lane's outer edge from `s` on. `kind` as in the file: "solid", "broken", "solid solid" ..."""

    s: float
    kind: str
    color: str
    width: float


@dataclass(frozen=True, slots=True)
class Lane:
    lane_id: int  # positive on the left of the reference line, 0 the line itself
    kind: str
    widths: tuple[Cubic, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class LaneSection:
    s: float
    lanes: dict[int, Lane]


@dataclass(frozen=True, slots=True)
class SignalRecord:
    signal_id: str
    type: str
    s: float
    t: float
    height: float
    orientation: str
    value: float
    lanes: tuple[int, int]
    pole_s: float
    pole_t: float


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """A crosswalk, paint or an island; `length` along the road, `width` across. `name` says the turns of an arrow."""

    type: str
    subtype: str
    name: str
    orientation: str
    s: float
    t: float
    length: float
    width: float
    radius: float


@dataclass(frozen=True, slots=True)
class RoadRecord:
    """`junction` is -1 for a street. `before` and `after` are junction ids at its ends, -1 where there is none."""

    road_id: int
    junction: int
    curve: Curve
    offsets: tuple[Cubic, ...]
    sections: tuple[LaneSection, ...]
    limits_kmh: tuple[tuple[float, float], ...]  # from s on
    signals: tuple[SignalRecord, ...]
    objects: tuple[ObjectRecord, ...]
    before: int
    after: int

    @property
    def length(self) -> float:
        return self.curve.length

    def section_at(self, s: float) -> LaneSection:
        return [section for section in self.sections if section.s <= s + 1e-6][-1]

    def spans(self) -> Iterator[tuple[LaneSection, float, float]]:
        """Each lane section with where it begins and ends."""
        ends = [section.s for section in self.sections[1:]] + [self.length]
        return zip(self.sections, (section.s for section in self.sections), ends, strict=True)

    def limit_kmh(self, s: npt.ArrayLike) -> Floats:
        starts, limits = np.array(self.limits_kmh).T
        picked: Floats = limits[np.clip(np.searchsorted(starts, s, side="right") - 1, 0, None)]
        return picked


@dataclass(frozen=True, slots=True)
class JunctionRecord:
    """`arms` are (road id, "start" or "end") where streets meet it; `controllers` in order of their sequence."""

    junction_id: int
    arms: tuple[tuple[int, str], ...]
    controllers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoadMap:
    roads: dict[int, RoadRecord]
    junctions: dict[int, JunctionRecord]
    controlled: dict[str, tuple[str, ...]]  # controller id -> signal ids


def parse(text: str) -> RoadMap:
    """Raises ValueError naming the place for XML that is malformed or carries a DOCTYPE, and for curves not read."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("expected plain OpenDRIVE, got a document type declaration; remove it")
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise ValueError(f"expected well-formed OpenDRIVE XML: {error}") from error
    if root.tag != "OpenDRIVE":
        raise ValueError(f"expected an <OpenDRIVE> root, got <{root.tag}>")
    roads = {road.road_id: road for road in map(_road, root.iterfind("road"))}
    if not roads:
        raise ValueError("expected at least one <road> in the OpenDRIVE file, got none")
    junctions = {j.junction_id: j for j in (_junction(e, roads) for e in root.iterfind("junction"))}
    controlled = {
        _text(controller, "id"): tuple(_text(control, "signalId") for control in controller.iterfind("control"))
        for controller in root.iterfind("controller")
    }
    return RoadMap(roads, junctions, controlled)


def _road(element: ET.Element) -> RoadRecord:
    road_id = int(_text(element, "id"))
    lanes = _child(element, "lanes", road_id)
    before, after = (_junction_at(element, end) for end in ("predecessor", "successor"))
    return RoadRecord(
        road_id=road_id,
        junction=int(element.get("junction", "-1")),
        curve=Curve(tuple(_piece(g, road_id) for g in _child(element, "planView", road_id).iterfind("geometry"))),
        offsets=tuple(_cubic(offset, "s") for offset in lanes.iterfind("laneOffset")),
        sections=tuple(_section(section) for section in lanes.iterfind("laneSection")),
        limits_kmh=tuple(_limits(element)) or ((0.0, DEFAULT_LIMIT_KMH),),
        signals=tuple(_signal(signal) for signal in element.iterfind("signals/signal")),
        objects=tuple(_object(item) for item in element.iterfind("objects/object")),
        before=before,
        after=after,
    )


def _piece(element: ET.Element, road_id: int) -> Piece:
    arc = element.find("arc")
    if arc is None and element.find("line") is None:
        kinds = [child.tag for child in element]
        raise ValueError(f"expected lines and arcs, road {road_id} has {kinds} at s={element.get('s')}")
    curvature = 0.0 if arc is None else _float(arc, "curvature")
    s, x, y, heading, length = (_float(element, name) for name in ("s", "x", "y", "hdg", "length"))
    return Piece(s, x, y, heading, length, curvature)


def _section(element: ET.Element) -> LaneSection:
    lanes = {int(_text(lane, "id")): _lane(lane) for side in element for lane in side.iterfind("lane")}
    return LaneSection(_float(element, "s"), lanes)


def _lane(element: ET.Element) -> Lane:
    marks = tuple(
        Mark(
            _float(mark, "sOffset"),
            mark.get("type", "none"),
            mark.get("color", "standard"),
            float(mark.get("width", "0.15")),
        )
        for mark in element.iterfind("roadMark")
    )
    widths = tuple(_cubic(width, "sOffset") for width in element.iterfind("width"))
    return Lane(int(_text(element, "id")), element.get("type", "none"), widths, marks)


def _limits(element: ET.Element) -> Iterator[tuple[float, float]]:
    for kind in element.iterfind("type"):
        speed = kind.find("speed")
        if speed is not None:
            yield _float(kind, "s"), _float(speed, "max") * KMH_FROM.get(speed.get("unit", "m/s"), 3.6)


def _signal(element: ET.Element) -> SignalRecord:
    s, t = _float(element, "s"), _float(element, "t")
    validity = element.find("validity")
    pole = element.find("physicalPosition/positionRoad")
    return SignalRecord(
        signal_id=_text(element, "id"),
        type=element.get("type", ""),
        s=s,
        t=t,
        height=float(element.get("zOffset", "2.5")),
        orientation=element.get("orientation", "+"),
        value=float(element.get("value", "-1")),
        lanes=(0, 0) if validity is None else (int(_text(validity, "fromLane")), int(_text(validity, "toLane"))),
        pole_s=s if pole is None else _float(pole, "s"),
        pole_t=t if pole is None else _float(pole, "t"),
    )


def _object(element: ET.Element) -> ObjectRecord:
    return ObjectRecord(
        type=element.get("type", ""),
        subtype=element.get("subtype", ""),
        name=element.get("name", ""),
        orientation=element.get("orientation", "none"),
        s=_float(element, "s"),
        t=_float(element, "t"),
        length=float(element.get("length", "0")),
        width=float(element.get("width", "0")),
        radius=float(element.get("radius", "0")),
    )


def _junction(element: ET.Element, roads: dict[int, RoadRecord]) -> JunctionRecord:
    junction_id = int(_text(element, "id"))
    arms = [(road.road_id, "start") for road in roads.values() if road.junction < 0 and road.before == junction_id]
    arms += [(road.road_id, "end") for road in roads.values() if road.junction < 0 and road.after == junction_id]
    controllers = sorted(element.iterfind("controller"), key=lambda c: int(c.get("sequence", "0")))
    return JunctionRecord(junction_id, tuple(arms), tuple(_text(c, "id") for c in controllers))


def _junction_at(element: ET.Element, end: str) -> int:
    link = element.find(f"link/{end}")
    if link is None or link.get("elementType") != "junction":
        return -1
    return int(_text(link, "elementId"))


def _cubic(element: ET.Element, s_name: str) -> Cubic:
    return Cubic(*(_float(element, name) for name in (s_name, "a", "b", "c", "d")))


def _child(element: ET.Element, tag: str, road_id: int) -> ET.Element:
    child = element.find(tag)
    if child is None or not len(child):
        raise ValueError(f"expected <{tag}> with content in road {road_id}, got none")
    return child


def _text(element: ET.Element, name: str) -> str:
    value = element.get(name)
    if value is None:
        raise ValueError(f"expected attribute {name!r} on <{element.tag}>, got {sorted(element.keys())}")
    return value


def _float(element: ET.Element, name: str) -> float:
    text = _text(element, name)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise ValueError(f"expected a finite number for {name!r} on <{element.tag}>, got {text!r}")
    return value
