"""Whom a stop or yield sign gives way to: the ground on others' ways over the junction where a car comes first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim_bridge.embedded.town.curves import Floats, Point2
from sim_bridge.embedded.town.lanes import at, lateral
from sim_bridge.embedded.town.opendrive import RoadMap, RoadRecord, SignalRecord

_STEP_M = 1.0
_MEET_M = 2.6  # between two lanes' middles: nearer than this, two vehicles do not pass each other
_SAME_MOUTH_M = 1.5
# Of one's own way: past its first turn onto a roundabout's ring, others give way in their turn.
_OWN_REACH_M = 18.0
# Of another's way, around where it first meets one's own.
_BEFORE_MEETING_M, _PAST_MEETING_M = 15.0, 8.0


def ground_to_watch(roads: RoadMap, road: RoadRecord, record: SignalRecord) -> tuple[Point2, ...]:
    """Points (x, y) in CARLA's frame, about a metre apart; none where no junction lies ahead of the sign."""
    junction = roads.junctions.get(road.after if record.orientation == "+" else road.before)
    if junction is None:
        return ()
    mouths = _mouths(road, record)
    ways = [way for connector in junction.connectors for way in _ways(roads.roads[connector])]
    is_own = [_gap(way[:1], mouths)[0] < _SAME_MOUTH_M for way in ways]
    own = [way[: round(_OWN_REACH_M / _STEP_M)] for way, mine in zip(ways, is_own, strict=True) if mine]
    if not own:
        return ()
    others = (way for way, mine in zip(ways, is_own, strict=True) if not mine)
    watched = [point for way in others for point in _around_meeting(way, np.concatenate(own)).tolist()]
    return tuple(dict.fromkeys((round(x, 2), round(-y, 2)) for x, y in watched))


def _mouths(road: RoadRecord, record: SignalRecord) -> Floats:
    """(N, 2) ends of the lanes the sign rules."""
    s = road.length if record.orientation == "+" else 0.0
    section = road.section_at(s)
    driving = [lane.lane_id for lane in section.lanes.values() if lane.kind == "driving"]
    lanes = [lane for lane in driving if road.runs_along(lane) == (record.orientation == "+")]
    return np.array([at(road, s, lateral(section, road, lane, s, 0.5))[0, :2] for lane in lanes]).reshape(-1, 2)


def _ways(connector: RoadRecord) -> Iterator[Floats]:
    """(N, 2) middles of a connector's lanes, along the traffic."""
    s = np.linspace(0.0, connector.length, max(2, round(connector.length / _STEP_M) + 1))
    section = connector.sections[0]
    for lane in section.lanes.values():
        if lane.kind == "driving":
            points = at(connector, s, lateral(section, connector, lane.lane_id, s, 0.5))[:, :2]
            yield points if connector.runs_along(lane.lane_id) else points[::-1]


def _gap(points: Floats, others: Floats) -> Floats:
    """(N,) from each point to the nearest of the others."""
    if not len(others):
        return np.full(len(points), np.inf)
    gaps: Floats = np.linalg.norm(points[:, None] - others[None], axis=2).min(axis=1)
    return gaps


def _around_meeting(way: Floats, own: Floats) -> Floats:
    meets = np.flatnonzero(_gap(way, own) < _MEET_M)
    if not len(meets):
        return way[:0]
    first = int(meets[0])
    return way[max(0, first - round(_BEFORE_MEETING_M / _STEP_M)) : first + round(_PAST_MEETING_M / _STEP_M)]
