"""Which questions a single picture cannot answer exactly on a frame, so that they are not asked of it.

An answer changes from one word to another at an edge: the 45th metre to a junction, the fifth row of a walker's
height. Nobody sees on which side of it a thing lies that lies upon it, and a lamp or a colour of two pixels is a guess.
"""

from __future__ import annotations

import math

from model.training import answers
from model.training.answers_ahead import ASIDE, COUNTED_HEIGHT
from model.training.moment import JUNCTION_NEAR_M, SAID_M, Moment
from model.training.paths import offset_of_car
from model.training.rollout import kept_gap_m
from model.training.samples import FrameFacts
from model.training.sentences import STEADY_MPS, TELLS_TYPE_HEIGHT, lead_height, light_seen

# Of the picture's height: from here on a vehicle's lamps are more than a pixel.
TELLS_LAMPS_HEIGHT = 0.05
# Farther away than this the number on a limit's plate is three pixels tall.
READS_LIMIT_M = 15.0
# How near to its edge an answer is a guess.
HEIGHT_BAND, ASIDE_BAND = 0.01, 0.03
JUNCTION_BAND_M = (JUNCTION_NEAR_M - 7.0, JUNCTION_NEAR_M + 10.0)
MIDDLE_BAND_M, BEND_BAND_RAD, STEADY_BAND_MPS, GAP_BAND = 0.15, 0.07, 0.4, 0.15

ABOUT_TYPE = ("kind", "lead_color", "lead_type", "vehicle")
ABOUT_LAMPS = ("braking", "lead_motion")
# Distances are said in steps; this near to the edge between two of them, as a share of it, either is right.
SAID_BAND = 0.08
# What is about the road and who leads on it, where the way leaves the lane to go round what blocks it.
ABOUT_DETOUR = ("bend", "in_lane", "vehicle", "kind", "lead_color", "lead_type", "distance", "gap", *ABOUT_LAMPS)
ABOUT_JUNCTION = ("junction", "where", "turn_is", "ways")


def untold(moment: Moment) -> set[str]:
    """The families whose answer at this moment no picture tells for sure."""
    found = untold_by_facts(moment.facts)
    if _is_gap_at_its_edge(moment):
        found.add("gap")
    if abs(moment.rolled.end_mps - moment.speed_mps + STEADY_MPS) < STEADY_BAND_MPS and answers.named_cause(moment):
        found.add("brake")
    return found


def untold_by_facts(facts: FrameFacts) -> set[str]:
    """Those of them that are so whatever the car's speed and plan."""
    found = _untold_distances(facts)
    if is_on_detour(facts):
        found |= set(ABOUT_DETOUR)
    if facts.lead is not None:
        height = lead_height(facts)
        found |= set(ABOUT_TYPE) if height < TELLS_TYPE_HEIGHT else set()
        found |= set(ABOUT_LAMPS) if height < TELLS_LAMPS_HEIGHT else set()
    if not facts.in_junction and facts.junction_m is not None:
        found |= set(ABOUT_JUNCTION) if JUNCTION_BAND_M[0] < facts.junction_m < JUNCTION_BAND_M[1] else set()
    limit_m = next((sign.distance_m for sign in facts.signs or () if sign.kind == "limit"), 0.0)
    found |= {"limit"} if limit_m > READS_LIMIT_M else set()
    return found | _untold_counts(facts) | _untold_of_road(facts)


def is_on_detour(facts: FrameFacts) -> bool:
    """Whether the route leads round what blocks the lane: it is not where the lane goes then."""
    return facts.blocked_m is not None and facts.yield_m is None


def _untold_distances(facts: FrameFacts) -> set[str]:
    lead, walker, light = facts.lead, facts.pedestrian, facts.light if light_seen(facts) else None
    said = {
        "distance": lead and lead.gap_m,
        "pedestrian_distance": walker and walker.distance_m,
        "light_distance": light and light.stop_line_m,
        "junction": facts.junction_m,
    }
    return {family for family, metres in said.items() if metres is not None and _is_at_an_edge(metres)}


def _is_at_an_edge(distance_m: float) -> bool:
    return any(abs(distance_m - edge_m) < SAID_BAND * edge_m for edge_m, _ in SAID_M if math.isfinite(edge_m))


def _is_gap_at_its_edge(moment: Moment) -> bool:
    lead = moment.facts.lead
    kept_m = kept_gap_m(moment.speed_mps)
    return lead is not None and abs(lead.gap_m - kept_m) < GAP_BAND * kept_m


def _untold_counts(facts: FrameFacts) -> set[str]:
    found: set[str] = set()
    for kinds, families in (
        (("vehicle", "lead", "lead_brakes"), ("vehicle_count", "vehicle_side")),
        (("pedestrian",), ("pedestrian_count", "pedestrian_where")),
    ):
        boxes = [box for box in facts.seen if box.kind in kinds]
        if any(abs(box.v1 - box.v0 - COUNTED_HEIGHT) < HEIGHT_BAND for box in boxes):
            found |= set(families)
        if any(abs(abs((box.u0 + box.u1) / 2.0 - 0.5) - ASIDE) < ASIDE_BAND for box in boxes):
            found.add(families[1])
    return found


def _untold_of_road(facts: FrameFacts) -> set[str]:
    found: set[str] = set()
    if abs(abs(offset_of_car(facts.route)[1]) - answers.OFF_MIDDLE_M) < MIDDLE_BAND_M:
        found.add("in_lane")
    if abs(abs(answers.bend_rad(facts)) - answers.BEND_RAD) < BEND_BAND_RAD:
        found.add("bend")
    return found
