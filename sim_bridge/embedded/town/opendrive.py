"""An OpenDRIVE text read into plain records: roads, lanes, marks, signals, objects, junctions. OpenDRIVE's own frame.

Read is what a flat town of lines and arcs needs. Elevation is ignored; another kind of curve is refused, with its road.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.town.curves import Curve, Floats, Piece
from sim_bridge.embedded.town.lined_xml import place, read

KMH_FROM = {"km/h": 1.0, "mph": 1.609344, "m/s": 3.6}
UNSTATED_KMH = 0.0
_NO_LIMIT = ("no limit", "undefined")  # the format's own words


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
    limits_kmh: tuple[tuple[float, float], ...]  # from s on; UNSTATED_KMH where the file says none
    signals: tuple[SignalRecord, ...]
    objects: tuple[ObjectRecord, ...]
    before: int
    after: int
    vertex_distance_m: float | None = None  # of its mesh in bends; as fine as they are tight without one
    is_right_hand: bool = True

    def runs_along(self, lane_id: int) -> bool:
        """Whether a lane's traffic drives towards larger s."""
        return (lane_id < 0) == self.is_right_hand

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
    """`arms` are (road id, "start" or "end") where streets meet it, `connectors` the roads across it; `controllers` in
    order of their sequence."""

    junction_id: int
    arms: tuple[tuple[int, str], ...]
    connectors: tuple[int, ...]
    controllers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoadMap:
    roads: dict[int, RoadRecord]
    junctions: dict[int, JunctionRecord]
    controlled: dict[str, tuple[str, ...]]  # controller id -> signal ids


def parse(text: str) -> RoadMap:
    """Raises ValueError naming the place for XML that is malformed or carries a DOCTYPE, and for curves not read."""
    root = read(text)
    if root.tag != "OpenDRIVE":
        raise ValueError(f"expected an <OpenDRIVE> root, got <{root.tag}>")
    roads: dict[int, RoadRecord] = {}
    for element in root.iterfind("road"):
        road = _road(element)
        if road.road_id in roads:
            raise ValueError(f"expected every road's id once, got another {place(element)}")
        roads[road.road_id] = road
    if not roads:
        raise ValueError("expected at least one <road> in the OpenDRIVE file, got none")
    junctions = {j.junction_id: j for j in (_junction(e, roads) for e in root.iterfind("junction"))}
    controlled = {
        _text(controller, "id"): tuple(_text(control, "signalId") for control in controller.iterfind("control"))
        for controller in root.iterfind("controller")
    }
    return RoadMap(roads, junctions, controlled)


def _road(element: ET.Element) -> RoadRecord:
    road_id = _int(element, "id")
    lanes = _child(element, "lanes", road_id)
    before, after = (_junction_at(element, end) for end in ("predecessor", "successor"))
    return RoadRecord(
        road_id=road_id,
        junction=_int(element, "junction", -1),
        curve=_curve(_child(element, "planView", road_id), road_id),
        offsets=tuple(_cubic(offset, "s") for offset in lanes.iterfind("laneOffset")),
        sections=_sections(lanes, road_id),
        limits_kmh=tuple(_limits(element)) or ((0.0, UNSTATED_KMH),),
        signals=tuple(_signal(signal) for signal in element.iterfind("signals/signal")),
        objects=tuple(_object(item) for item in element.iterfind("objects/object")),
        before=before,
        after=after,
        is_right_hand=element.get("rule", "RHT") != "LHT",
    )


def _curve(view: ET.Element, road_id: int) -> Curve:
    pieces = [_piece(geometry, road_id) for geometry in view.iterfind("geometry")]
    if not pieces or pieces[0].s != 0.0:
        raise ValueError(f"expected <geometry> from s=0 on in road {road_id}, got none; see {place(view)}")
    for before, piece in pairwise(pieces):
        if piece.s <= before.s:
            raise ValueError(f"expected rising s, road {road_id} has a piece at s={piece.s} after s={before.s}")
    return Curve(tuple(pieces))


def _piece(element: ET.Element, road_id: int) -> Piece:
    arc = element.find("arc")
    if arc is None and element.find("line") is None:
        kinds = [child.tag for child in element]
        raise ValueError(f"expected lines and arcs, road {road_id} has {kinds} in {place(element)}")
    curvature = 0.0 if arc is None else number(arc, "curvature")
    s, x, y, heading, length = (number(element, name) for name in ("s", "x", "y", "hdg", "length"))
    if length <= 0.0:
        raise ValueError(f"expected a length above 0 in road {road_id}, got {length} in {place(element)}")
    return Piece(s, x, y, heading, length, curvature)


def _sections(lanes: ET.Element, road_id: int) -> tuple[LaneSection, ...]:
    sections = tuple(_section(section, road_id) for section in lanes.iterfind("laneSection"))
    starts = [section.s for section in sections]
    if not starts or starts[0] != 0.0 or starts != sorted(set(starts)):
        raise ValueError(f"expected <laneSection>s from s=0 on in road {road_id}, got {starts} in {place(lanes)}")
    return sections


def _section(element: ET.Element, road_id: int) -> LaneSection:
    lanes = {_int(lane, "id"): _lane(lane) for lane in lane_elements(element)}
    left, right = max([0, *lanes]), min([0, *lanes])
    if set(range(right, left + 1)) - {0, *lanes}:
        raise ValueError(f"expected lane ids without a gap in road {road_id}, got {sorted(lanes)} in {place(element)}")
    return LaneSection(number(element, "s"), lanes)


def lane_elements(section: ET.Element) -> Iterator[ET.Element]:
    """Every <lane> of a <laneSection>, from where clients look for them."""
    return (lane for side in ("left", "center", "right") for lane in section.iterfind(f"{side}/lane"))


def _lane(element: ET.Element) -> Lane:
    marks = tuple(
        Mark(
            number(mark, "sOffset"),
            mark.get("type", "none"),
            mark.get("color", "standard"),
            number(mark, "width", 0.15),
        )
        for mark in element.iterfind("roadMark")
    )
    widths = tuple(_cubic(width, "sOffset") for width in element.iterfind("width"))
    lane_id = _int(element, "id")
    # The middle lane is a line; some tools give it the type of its neighbours.
    return Lane(lane_id, element.get("type", "none") if lane_id else "none", widths, marks)


def _limits(element: ET.Element) -> Iterator[tuple[float, float]]:
    for kind in element.iterfind("type"):
        speed = kind.find("speed")
        if speed is not None and speed.get("max") not in _NO_LIMIT:
            yield number(kind, "s"), number(speed, "max") * KMH_FROM.get(speed.get("unit", "m/s"), 3.6)


def _signal(element: ET.Element) -> SignalRecord:
    s, t = number(element, "s"), number(element, "t")
    validity = element.find("validity")
    pole = element.find("physicalPosition/positionRoad")
    return SignalRecord(
        signal_id=_text(element, "id"),
        type=element.get("type", ""),
        s=s,
        t=t,
        height=number(element, "zOffset", 2.5),
        orientation=element.get("orientation", "+"),
        value=number(element, "value", -1.0),
        lanes=(0, 0) if validity is None else (_int(validity, "fromLane"), _int(validity, "toLane")),
        pole_s=s if pole is None else number(pole, "s"),
        pole_t=t if pole is None else number(pole, "t"),
    )


def _object(element: ET.Element) -> ObjectRecord:
    return ObjectRecord(
        type=element.get("type", ""),
        subtype=element.get("subtype", ""),
        name=element.get("name", ""),
        orientation=element.get("orientation", "none"),
        s=number(element, "s"),
        t=number(element, "t"),
        length=number(element, "length", 0.0),
        width=number(element, "width", 0.0),
        radius=number(element, "radius", 0.0),
    )


def _junction(element: ET.Element, roads: dict[int, RoadRecord]) -> JunctionRecord:
    junction_id = _int(element, "id")
    arms = [(road.road_id, "start") for road in roads.values() if road.junction < 0 and road.before == junction_id]
    arms += [(road.road_id, "end") for road in roads.values() if road.junction < 0 and road.after == junction_id]
    controllers = sorted(element.iterfind("controller"), key=lambda c: _int(c, "sequence", 0))
    connectors = tuple(road.road_id for road in roads.values() if road.junction == junction_id)
    return JunctionRecord(junction_id, tuple(arms), connectors, tuple(_text(c, "id") for c in controllers))


def _junction_at(element: ET.Element, end: str) -> int:
    link = element.find(f"link/{end}")
    if link is None or link.get("elementType") != "junction":
        return -1
    return _int(link, "elementId")


def _cubic(element: ET.Element, s_name: str) -> Cubic:
    return Cubic(*(number(element, name) for name in (s_name, "a", "b", "c", "d")))


def _child(element: ET.Element, tag: str, road_id: int) -> ET.Element:
    child = element.find(tag)
    if child is None or not len(child):
        raise ValueError(f"expected <{tag}> with content in road {road_id}, got none in {place(element)}")
    return child


def _text(element: ET.Element, name: str) -> str:
    value = element.get(name)
    if value is None:
        raise ValueError(f"expected attribute {name!r} on {place(element)}, got {sorted(element.keys())}")
    return value


def _int(element: ET.Element, name: str, default: int | None = None) -> int:
    if default is not None and not element.get(name):
        return default
    text = _text(element, name)
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"expected a whole number for {name!r} on {place(element)}, got {text!r:.40}") from None


def number(element: ET.Element, name: str, default: float | None = None) -> float:
    """A finite attribute. Raises ValueError naming the place for another or none, unless there is a default."""
    if default is not None and not element.get(name):
        return default
    text = _text(element, name)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise ValueError(f"expected a finite number for {name!r} on {place(element)}, got {text!r:.40}")
    return value
