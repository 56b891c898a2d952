"""A network and its furniture as an OpenDRIVE 1.4 file, the dialect libcarla reads.

What libcarla is particular about: `<signal>` stands at the stop line, because `TrafficLight.get_stop_waypoints` takes
its s (the pole's own place is in `<physicalPosition>`, which libcarla skips); a crosswalk's outline repeats its first
corner; `laneChange` is written on every mark, since its default is to allow the change.
"""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

from sim_bridge.embedded.town.author.built import BuiltCrossing, Connector, Network, Road
from sim_bridge.embedded.town.author.furniture import (
    CROSSWALK_LENGTH_M,
    TYPES,
    Arrow,
    Crosswalk,
    Furniture,
    PlannedSignal,
    StopLine,
)
from sim_bridge.embedded.town.author.plan import Profile, Street
from sim_bridge.embedded.town.curves import Curve

# A transverse Mercator plane around a made-up place, so that GNSS readings look like some.
GEO_REFERENCE = "+proj=tmerc +lat_0=48.2 +lon_0=11.6 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
NO_CHANGE_M = 20.0  # before a stop line the mark between lanes is solid
STOP_LINE_THICKNESS_M = 0.5
MARK_WIDTH_M = 0.18
ARROW_LENGTH_M, ARROW_WIDTH_M = 4.5, 1.8


def opendrive(network: Network, furniture: Furniture) -> str:
    root = ET.Element("OpenDRIVE")
    header = _add(root, "header", revMajor=1, revMinor=4, name=network.plan.name, version="1.00", vendor="Backseat")
    for side, value in zip(("north", "south", "east", "west"), _extent(network), strict=True):
        header.set(side, _number(value))
    _add(header, "geoReference").text = GEO_REFERENCE
    for road in network.roads:
        _road(root, network, road, furniture)
    for crossing in network.crossings:
        for connector in crossing.connectors:
            _connector(root, crossing, connector)
    phases = _controllers(root, furniture)
    for crossing in network.crossings:
        _junction(root, crossing, phases)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _road(root: ET.Element, network: Network, road: Road, furniture: Furniture) -> None:
    street, profile = road.street, road.street.profile
    element = _add(
        root,
        "road",
        name=f"{street.start}-{street.end}",
        length=road.curve.length,
        id=road.road_id,
        junction=-1,
        rule="RHT",
    )
    link = _add(element, "link")
    ids = {(arm.road_id, arm.contact): built.crossing_id for built in network.crossings for arm in built.arms}
    _add(link, "predecessor", elementType="junction", elementId=ids[road.road_id, "start"])
    _add(link, "successor", elementType="junction", elementId=ids[road.road_id, "end"])
    _type(element, profile.limit_kmh)
    _plan_view(element, road.curve)
    _street_lanes(element, _painted(road, furniture), profile)
    objects = _add(element, "objects")
    for line in furniture.stop_lines:
        if line.road_id == road.road_id:
            _stop_line(objects, line)
    for arrow in furniture.arrows:
        if arrow.road_id == road.road_id:
            _arrow(objects, arrow)
    for crosswalk in furniture.crosswalks:
        if crosswalk.road_id == road.road_id:
            _crosswalk(objects, crosswalk)
    if road is _first_of_ring(network, street):
        _island(objects, road.road_id, road.curve, network.plan.crossing(street.start).island_m)
    signals = _add(element, "signals")
    for signal in furniture.signals:
        if signal.road_id == road.road_id:
            _signal(signals, signal)


def _first_of_ring(network: Network, street: Street) -> Road | None:
    """The first street of the roundabout's own lane that `street` is a piece of; None where it is not of one."""
    if street.profile is not network.plan.crossing(street.start).ring:
        return None
    return next(road for road in network.roads if road.street is street)


def _painted(road: Road, furniture: Furniture) -> tuple[float, float]:
    """Where lines between lanes begin and end: at stop lines, and at the mouth where there is none."""
    stops = [line.s for line in furniture.stop_lines if line.road_id == road.road_id]
    half = road.curve.length / 2
    low = max((s for s in stops if s < half), default=0.0)
    high = min((s for s in stops if s > half), default=road.curve.length)
    return low, high


def _street_lanes(element: ET.Element, painted: tuple[float, float], profile: Profile) -> None:
    section = _add(_add(element, "lanes"), "laneSection", s=0.0)
    for side, sign in (("left", 1), ("center", 0), ("right", -1)):
        group = _add(section, side)
        if side == "center":
            lane = _add(group, "lane", id=0, type="none", level="false")
            # Yellow divides directions, white divides lanes: one look says whether traffic may come the other way.
            color = "standard" if profile.back == 0 else "yellow"
            _marks(lane, painted, [(painted[0], _centre_mark(profile), "none")], color)
            continue
        indices = range(1, profile.count(sign) + bool(profile.parking_m) + 2)
        for index in reversed(indices) if sign > 0 else indices:
            _street_lane(group, sign * index, painted, profile)


def _street_lane(group: ET.Element, lane_id: int, painted: tuple[float, float], profile: Profile) -> None:
    index, count = abs(lane_id), profile.count(-1 if lane_id < 0 else 1)
    is_border = index > count + bool(profile.parking_m)
    is_inner = lane_id > 0 and profile.inner_m
    border = ("shoulder", profile.inner_m) if is_inner else (profile.border, profile.border_width_m)
    kind = "driving" if index <= count else border[0] if is_border else "parking"
    lane = _add(group, "lane", id=lane_id, type=kind, level="false")
    _width(lane, {"driving": profile.lane_width_m, "parking": profile.parking_m}.get(kind, border[1]))
    if is_border:
        _mark(lane, 0.0, "none", "none")
    elif kind == "parking":
        _mark(lane, 0.0, "curb", "none")
    elif index == count and profile.parking_m:
        _marks(lane, painted, [(painted[0], "solid", "none")])
    elif index == count:
        _mark(lane, 0.0, _edge_mark(profile), "none")
    elif lane_id < 0:
        _marks(lane, painted, [(painted[0], "broken", "both"), (painted[1] - NO_CHANGE_M, "solid", "none")])
    else:
        _marks(lane, painted, [(painted[0], "solid", "none"), (painted[0] + NO_CHANGE_M, "broken", "both")])


def _marks(
    lane: ET.Element, painted: tuple[float, float], spans: list[tuple[float, str, str]], color: str = "standard"
) -> None:
    """Marks from their own s on, with bare asphalt before and after the `painted` part of the road."""
    if painted[0] > 0:
        _mark(lane, 0.0, "none", "none")
    for s, kind, lane_change in spans:
        _mark(lane, s, kind, lane_change, color)
    _mark(lane, painted[1], "none", "none")


def _edge_mark(profile: Profile) -> str:
    if profile.border == "shoulder":
        return "none" if profile.is_unmarked else "solid"
    return "curb"


def _centre_mark(profile: Profile) -> str:
    if profile.is_unmarked:
        return "none"
    if profile.back == 0:
        return "solid"
    if profile.lanes > 1:
        return "solid solid"
    return "broken" if profile.may_overtake else "solid"


def _connector(root: ET.Element, crossing: BuiltCrossing, connector: Connector) -> None:
    source, target = connector.source, connector.target
    element = _add(
        root,
        "road",
        name=f"{crossing.crossing.name}:{source.road_id}-{target.road_id}",
        length=connector.curve.length,
        id=connector.road_id,
        junction=crossing.crossing_id,
        rule="RHT",
    )
    link = _add(element, "link")
    _add(link, "predecessor", elementType="road", elementId=source.road_id, contactPoint=source.contact)
    _add(link, "successor", elementType="road", elementId=target.road_id, contactPoint=target.contact)
    _type(element, connector.limit_kmh)
    _plan_view(element, connector.curve)
    section = _add(_add(element, "lanes"), "laneSection", s=0.0)
    centre, edge = _connector_marks(crossing, connector)
    middle = _add(_add(section, "center"), "lane", id=0, type="none", level="false")
    _mark(middle, 0.0, centre, "none", "standard" if centre == "none" else "yellow")
    lane = _add(_add(section, "right"), "lane", id=-1, type="driving", level="false")
    lane_link = _add(lane, "link")
    _add(lane_link, "predecessor", id=connector.source_lane)
    _add(lane_link, "successor", id=connector.target_lane)
    for s, width, slope in connector.widths:
        _width(lane, width, slope, s)
    _mark(lane, 0.0, edge, "none")
    if connector is crossing.connectors[0] and crossing.crossing.control == "roundabout" and not crossing.crossing.ring:
        _island(_add(element, "objects"), connector.road_id, connector.curve, crossing.crossing.island_m)


def _connector_marks(crossing: BuiltCrossing, connector: Connector) -> tuple[str, str]:
    """Paint on the left and on the right edge: none over a crossing, lanes run on past the end of a ramp."""
    if crossing.crossing.control != "free" or connector.is_of_ramp:
        return "none", "none"
    lane, lanes = abs(connector.source_lane), connector.source.lanes_in
    is_beside_ramp = any(
        way.is_of_ramp and (way.source is connector.source or way.target is connector.target)
        for way in crossing.connectors
    )
    is_inner = lane < min(lanes, connector.target.lanes_out) or is_beside_ramp
    return "solid solid" if lane == 1 else "none", "broken" if is_inner else "none"


def _junction(root: ET.Element, crossing: BuiltCrossing, phases: dict[tuple[int, int], int]) -> None:
    junction = _add(root, "junction", id=crossing.crossing_id, name=crossing.crossing.name)
    for number, connector in enumerate(crossing.connectors):
        connection = _add(
            junction,
            "connection",
            id=number,
            incomingRoad=connector.source.road_id,
            connectingRoad=connector.road_id,
            contactPoint="start",
        )
        _add(connection, "laneLink", **{"from": connector.source_lane, "to": -1})
    for (crossing_id, phase), controller_id in phases.items():
        if crossing_id == crossing.crossing_id:
            _add(junction, "controller", id=controller_id, type=0, sequence=phase)


def _controllers(root: ET.Element, furniture: Furniture) -> dict[tuple[int, int], int]:
    """One controller for each phase of each crossing; the ids by (crossing, phase)."""
    ids: dict[tuple[int, int], int] = {}
    for key in dict.fromkeys(signal.controller for signal in furniture.signals):
        if key is None:
            continue
        ids[key] = 3000 + len(ids)
        controller = _add(root, "controller", id=ids[key], name=f"{key[0]} phase {key[1]}", sequence=key[1])
        for signal in furniture.signals:
            if signal.controller == key:
                _add(controller, "control", signalId=signal.signal_id, type="")
    return ids


def _signal(signals: ET.Element, planned: PlannedSignal) -> None:
    signal = _add(
        signals,
        "signal",
        name=f"{planned.kind} {planned.value}" if planned.value else planned.kind,
        id=planned.signal_id,
        s=planned.s,
        t=planned.pole_t,
        zOffset=planned.height,
        hOffset=0.0,
        roll=0.0,
        pitch=0.0,
        orientation=planned.orientation,
        dynamic="yes" if planned.kind == "lights" else "no",
        country="OpenDRIVE",
        type=TYPES[planned.kind],
        subtype=planned.value or -1,
        value=float(planned.value or -1),
        unit="km/h",
        height=0.7,
        width=0.7,
        text="",
    )
    _add(signal, "validity", fromLane=planned.lanes[0], toLane=planned.lanes[1])
    position = _add(signal, "physicalPosition")
    _add(position, "positionRoad", roadId=planned.road_id, s=planned.pole_s, t=planned.pole_t, zOffset=0.0, hOffset=0.0)


def _stop_line(objects: ET.Element, line: StopLine) -> None:
    t = math.copysign(line.width / 2, line.lanes[0])
    element = _add(
        objects,
        "object",
        id=len(objects) + 1 + line.road_id * 100,
        name="line",
        type="roadMark",
        subtype="stop",
        s=line.s,
        t=t,
        zOffset=0.0,
        hdg=0.0,
        orientation=line.orientation,
        length=STOP_LINE_THICKNESS_M,
        width=line.width,
    )
    _add(element, "validity", fromLane=line.lanes[0], toLane=line.lanes[1])


def _arrow(objects: ET.Element, arrow: Arrow) -> None:
    _add(
        objects,
        "object",
        id=len(objects) + 1 + arrow.road_id * 100,
        name=" ".join(arrow.turns),
        type="roadMark",
        subtype="arrow",
        s=arrow.s,
        t=arrow.t,
        zOffset=0.0,
        hdg=0.0 if arrow.orientation == "+" else math.pi,
        orientation=arrow.orientation,
        length=ARROW_LENGTH_M,
        width=ARROW_WIDTH_M,
    )


def _crosswalk(objects: ET.Element, crosswalk: Crosswalk) -> None:
    element = _add(
        objects,
        "object",
        id=len(objects) + 1 + crosswalk.road_id * 100,
        name="crosswalk",
        type="crosswalk",
        s=crosswalk.s,
        t=crosswalk.t,
        zOffset=0.0,
        hdg=0.0,
        orientation="none",
        length=CROSSWALK_LENGTH_M,
        width=2 * crosswalk.half_width,
    )
    outline = _add(element, "outline")
    u, v = CROSSWALK_LENGTH_M / 2, crosswalk.half_width
    for corner_u, corner_v in ((u, v), (-u, v), (-u, -v), (u, -v), (u, v)):
        _add(outline, "cornerLocal", u=corner_u, v=corner_v, z=0.0, height=0.0)


def _plan_view(element: ET.Element, curve: Curve) -> None:
    view = _add(element, "planView")
    for piece in curve.pieces:
        geometry = _add(view, "geometry", s=piece.s, x=piece.x, y=piece.y, hdg=piece.heading, length=piece.length)
        if piece.curvature:
            _add(geometry, "arc", curvature=piece.curvature)
        else:
            _add(geometry, "line")
    _add(_add(element, "elevationProfile"), "elevation", s=0.0, a=0.0, b=0.0, c=0.0, d=0.0)
    _add(element, "lateralProfile")


def _type(element: ET.Element, limit_kmh: int) -> None:
    kind = _add(element, "type", s=0.0, type="town")
    _add(kind, "speed", max=limit_kmh, unit="km/h")


def _width(lane: ET.Element, width: float, slope: float = 0.0, s: float = 0.0) -> None:
    _add(lane, "width", sOffset=s, a=width, b=slope, c=0.0, d=0.0)


def _island(objects: ET.Element, road_id: int, curve: Curve, radius: float) -> None:
    """A roundabout's middle, told from a road that circles it: t to the left by the circle's radius."""
    circle = max(curve.pieces, key=lambda piece: piece.curvature)
    _add(
        objects,
        "object",
        id=road_id * 100,
        name="roundabout",
        type="trafficIsland",
        s=circle.s,
        t=1 / circle.curvature,
        zOffset=0.0,
        hdg=0.0,
        orientation="none",
        radius=radius,
    )


def _mark(lane: ET.Element, s_offset: float, kind: str, lane_change: str, color: str = "standard") -> None:
    _add(
        lane,
        "roadMark",
        sOffset=s_offset,
        type=kind,
        weight="standard",
        color=color,
        material="standard",
        width=MARK_WIDTH_M,
        laneChange=lane_change,
    )


def _extent(network: Network) -> tuple[float, float, float, float]:
    x = [crossing.x for crossing in network.plan.crossings]
    y = [crossing.y for crossing in network.plan.crossings]
    return max(y), min(y), max(x), min(x)


def _add(parent: ET.Element, tag: str, **attributes: str | float) -> ET.Element:
    texts = {name: value if isinstance(value, str) else _number(value) for name, value in attributes.items()}
    return ET.SubElement(parent, tag, texts)


def _number(value: float) -> str:
    """Nine decimals: continuous to a nanometre, and the same text on every machine."""
    if isinstance(value, int):
        return str(value)
    return f"{value:.9f}".rstrip("0").rstrip(".") if value else "0"
