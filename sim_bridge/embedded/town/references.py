"""What the elements of an OpenDRIVE file name of one another must be in the file.

libcarla follows these names without a look: one that leads nowhere ends every client that loads the map.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple
from xml.etree import ElementTree as ET

from sim_bridge.embedded.town.lined_xml import place
from sim_bridge.embedded.town.opendrive import lane_elements

Ids = frozenset[str]


class _Named(NamedTuple):
    """A name in the file: `kind` is what it names, `known` what there is of that."""

    element: ET.Element
    attribute: str
    kind: str
    known: Ids


def check_references(root: ET.Element) -> None:
    """Raises ValueError naming the first element that names a road, lane, junction or signal that is not there."""
    for named in chain(_junctions(root), _signals(root), _lanes(root)):
        name = named.element.get(named.attribute, "")
        if name not in named.known:
            expected = f"expected {named.attribute!r} of {place(named.element)} to name a {named.kind}"
            raise ValueError(f"{expected} of this file, got {name!r:.40}")


def _ids(root: ET.Element, path: str) -> Ids:
    return frozenset(element.get("id", "") for element in root.iterfind(path))


def _junctions(root: ET.Element) -> Iterator[_Named]:
    roads, junctions = _ids(root, "road"), _ids(root, "junction") | {"-1"}
    yield from (_Named(road, "junction", "junction (or be -1)", junctions) for road in root.iterfind("road"))
    for connection in root.iterfind("junction/connection"):
        yield _Named(connection, "connectingRoad", "road", roads)


def _signals(root: ET.Element) -> Iterator[_Named]:
    signals = _ids(root, "road/signals/signal")
    yield from (_Named(control, "signalId", "signal", signals) for control in root.iterfind("controller/control"))
    yield from (_Named(again, "id", "signal", signals) for again in root.iterfind("road/signals/signalReference"))


def _lanes(root: ET.Element) -> Iterator[_Named]:
    """Where lanes lead: those on the right (negative ids) to larger s, those on the left to smaller s."""
    sections = {road.get("id", ""): road.findall("lanes/laneSection") for road in root.iterfind("road")}
    for road in root.iterfind("road"):
        own = sections[road.get("id", "")]
        for end, step in (("successor", 1), ("predecessor", -1)):
            beyond = sections.get(_road_beyond(road, end), [])
            for index, section in enumerate(own):
                following = [own[index + step]] if 0 <= index + step < len(own) else beyond
                if following:
                    known = _lane_ids(following)
                    yield from (_Named(link, "id", "lane", known) for link in _links(section, end))


def _road_beyond(road: ET.Element, end: str) -> str:
    link = road.find(f"link/{end}")
    return "" if link is None else link.get("elementId", "")


def _lane_ids(sections: list[ET.Element]) -> Ids:
    """With 0, by which files say that a lane ends."""
    return frozenset(lane.get("id", "") for section in sections for lane in lane_elements(section)) | {"0"}


def _links(section: ET.Element, end: str) -> Iterator[ET.Element]:
    for lane in lane_elements(section):
        link = lane.find(f"link/{end}")
        if link is not None and lane.get("id", "").startswith("-") == (end == "successor"):
            yield link
