"""The file's signals as the world sees them: the kind, where the pole stands, which way the lamps face, the phase."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from sim_bridge.embedded.contracts import Pose, Signal
from sim_bridge.embedded.town.lanes import at, carla_pose, lateral
from sim_bridge.embedded.town.opendrive import LaneSection, RoadMap, RoadRecord, SignalRecord
from sim_bridge.embedded.town.right_of_way import ground_to_watch

KINDS = {"1000001": "traffic_light", "206": "stop", "205": "yield", "274": "speed_limit"}


def signals(roads: RoadMap) -> tuple[Signal, ...]:
    """In the order of the file. `pole_index` counts the lights of one junction."""
    return tuple(_signals(roads))


def _signals(roads: RoadMap) -> Iterator[Signal]:
    phases = _phases(roads)
    lights: Counter[int] = Counter()
    for road in roads.roads.values():
        for record in road.signals:
            if record.type not in KINDS:
                continue
            kind = KINDS[record.type]
            junction = road.after if record.orientation == "+" else road.before
            yield Signal(
                signal_id=record.signal_id,
                kind=kind,
                pose=_facing(road, record, record.pole_s, record.pole_t, 0.0),
                head=_facing(road, record, record.pole_s, _head_t(road, record, kind), record.height),
                stop_line=_stop_line(road, record),
                junction_id=-1 if kind == "speed_limit" else junction,
                phase=phases.get(record.signal_id, _axis(road, record) if kind == "traffic_light" else 0),
                pole_index=lights[junction],
                speed_limit_kmh=record.value if kind == "speed_limit" else 0.0,
                gives_way_at=ground_to_watch(roads, road, record) if kind in ("stop", "yield") else (),
            )
            if kind == "traffic_light":
                lights[junction] += 1


def _phases(roads: RoadMap) -> dict[str, int]:
    return {
        signal_id: phase
        for junction in roads.junctions.values()
        for phase, controller in enumerate(junction.controllers)
        for signal_id in roads.controlled.get(controller, ())
    }


def _axis(road: RoadRecord, record: SignalRecord) -> int:
    """A phase for lights without a controller: those across the map's east-west take turns with those along it."""
    heading = float(at(road, record.s, 0.0)[0][2])
    return int(abs(math.sin(heading)) > abs(math.cos(heading)))


def _head_t(road: RoadRecord, record: SignalRecord, kind: str) -> float:
    """Lamps for two lanes or more hang over the middle of them; everything else sits on its pole."""
    if kind != "traffic_light" or record.lanes[0] == record.lanes[1]:
        return record.pole_t
    return _middle_of_lanes(road, record)


def _middle_of_lanes(road: RoadRecord, record: SignalRecord) -> float:
    section = road.section_at(record.s)
    there = [lane for lane in record.lanes if lane in section.lanes and lane] or _lanes_towards(section, road, record)
    centres = [float(lateral(section, road, lane, record.s, 0.5)[0]) for lane in there] or [record.t]
    return sum(centres) / len(centres)


def _lanes_towards(section: LaneSection, road: RoadRecord, record: SignalRecord) -> list[int]:
    """The driving lanes of the signal's direction, for a file that does not say which it rules."""
    is_along = record.orientation == "+"
    driving = [lane.lane_id for lane in section.lanes.values() if lane.kind == "driving"]
    return [lane_id for lane_id in driving if road.runs_along(lane_id) == is_along]


def _stop_line(road: RoadRecord, record: SignalRecord) -> Pose:
    x, y, heading = at(road, record.s, _middle_of_lanes(road, record))[0]
    return carla_pose(x, y, heading + (0.0 if record.orientation == "+" else math.pi))


def _facing(road: RoadRecord, record: SignalRecord, s: float, t: float, height: float) -> Pose:
    """A pose that looks against the traffic the signal rules."""
    x, y, heading = at(road, s, t)[0]
    return carla_pose(x, y, heading + (math.pi if record.orientation == "+" else 0.0), height)
