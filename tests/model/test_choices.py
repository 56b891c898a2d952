"""What the eye is taught to choose: the same as is answered in words, and nothing where no picture tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from model.pocket.config import CHOICES
from model.training import answers, answers_ahead
from model.training.choices import UNKNOWN, choices
from model.training.expert import Kind, roll_out
from model.training.moment import SAID_M, Moment
from model.training.samples import FrameFacts, LeadFacts, LightFacts, PedestrianFacts, SeenBox, SignFacts
from tests.model.teacher_scenes import every_scene, open_road, standing_van, straight_line, turning_line

RED_20_M = LightFacts("red", 20.0)
LIMIT_60 = SignFacts("limit", 12.0, 60)


def chosen(facts: FrameFacts) -> dict[str, str]:
    """Choice -> name, "" where it is not taught."""
    return {
        name: "" if k == UNKNOWN else CHOICES[name][k] for name, k in zip(CHOICES, choices(facts).tolist(), strict=True)
    }


def said(facts: FrameFacts, family: str, slot: str = "") -> str:
    return answers.reply_to(family, slot, Moment(facts, 6.0, roll_out(facts, Kind.NONE, 6.0)))


def box(kind: str, u: float, height: float = 0.1) -> SeenBox:
    return SeenBox(kind, u - 0.02, 0.5, u + 0.02, 0.5 + height)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (standing_van(12.0), {"lead_type": "van", "lead_said_m": "10"}),
        (standing_van(40.0), {"lead_said_m": ""}),
        (standing_van(46.0), {"lead_type": "", "lead_color": "", "lead_said_m": "50"}),
        (open_road(), {"lead_type": "", "lead_said_m": "", "light_said_m": "", "vehicle_count": "0"}),
        (open_road(), {"bend": "straight", "in_lane": "middle", "junction_said_m": "none"}),
        (open_road(light=RED_20_M), {"light_said_m": "20"}),
        (open_road(light=replace(RED_20_M, stop_line_m=-9.0)), {"light_said_m": ""}),
        (open_road(signs=(LIMIT_60,)), {"limit_kmh": "60", "stop_sign": "no", "yield_sign": "no"}),
        (open_road(signs=(SignFacts("stop", 9.0),)), {"limit_kmh": "none", "stop_sign": "yes"}),
        (open_road(signs=None), {"limit_kmh": "", "stop_sign": "", "yield_sign": ""}),
        (open_road(pedestrian=PedestrianFacts(6.0, 0.2)), {"pedestrian_said_m": "5"}),
        (open_road(seen=(box("pedestrian", 0.3),)), {"pedestrian_where": "left", "pedestrian_count": "1"}),
        (open_road(seen=(box("pedestrian", 0.5),)), {"pedestrian_where": "ahead"}),
        (open_road(seen=(box("pedestrian", 0.3, 0.041),)), {"pedestrian_where": "", "pedestrian_count": ""}),
        (
            open_road(seen=tuple(box("vehicle", u) for u in (0.7, 0.75, 0.8, 0.85))),
            {"vehicle_count": "more", "vehicle_right": "yes", "vehicle_left": "no"},
        ),
        (open_road(lane_left=straight_line(-3.5), may_change_left=True), {"lane_left": "free"}),
        (open_road(lane_left=straight_line(-3.5), may_change_left=False), {"lane_left": "marked"}),
        (open_road(lane_left=None, oncoming_left=True), {"lane_left": "oncoming"}),
        (open_road(lane_left=None, oncoming_left=False), {"lane_left": "none"}),
        (open_road(route=straight_line(-1.0)), {"in_lane": "right"}),
        (open_road(route=straight_line(-0.65)), {"in_lane": ""}),
        (open_road(route=turning_line(8, 15.0, 1)), {"bend": "right"}),
        (open_road(in_junction=True, junction_m=0.0), {"junction_said_m": "inside", "way_left": ""}),
        (open_road(blocked_m=9.0), {"lane_blocked": "yes"}),
        (open_road(), {"lane_blocked": "no"}),
        (open_road(junction_m=44.0), {"junction_said_m": "", "way_left": ""}),
        (open_road(junction_m=None), {"junction_said_m": "none", "way_left": ""}),
        (
            open_road(junction_m=12.0, turns={"left": turning_line(12, 10.0, -1)}),
            {"junction_said_m": "10", "way_left": "yes", "way_right": "no"},
        ),
    ],
)
def test_a_frame_is_chosen_as_it_is(facts: FrameFacts, expected: dict[str, str]) -> None:
    found = chosen(facts)
    assert {name: found[name] for name in expected} == expected


def yes_no(name: str) -> str:
    return name.capitalize()[:2]


# What a choice says beside the answer in words that goes with it.
SAID: dict[str, Callable[[FrameFacts, str], tuple[object, object]]] = {
    "lead_type": lambda facts, name: (said(facts, "lead_type", name), f"Yes, it is a {name}."),
    "lead_color": lambda facts, name: (said(facts, "lead_color", name), f"Yes, it is {name}."),
    "lead_said_m": lambda facts, name: (said(facts, "distance"), f"About {name} meters."),
    "light_said_m": lambda facts, name: (said(facts, "light_distance"), f"About {name} meters."),
    "pedestrian_said_m": lambda facts, name: (said(facts, "pedestrian_distance"), f"About {name} meters."),
    "way_left": lambda facts, name: (said(facts, "ways", "turn left")[:2], yes_no(name)),
    "way_right": lambda facts, name: (said(facts, "ways", "turn right")[:2], yes_no(name)),
    "vehicle_left": lambda facts, name: (said(facts, "vehicle_side", "left")[:2], yes_no(name)),
    "stop_sign": lambda facts, name: (said(facts, "sign", "stop sign")[:2], yes_no(name)),
    "lane_left": lambda facts, name: (said(facts, "lane", "left")[:3] == "Yes", name == "free"),
    "lane_right": lambda facts, name: (said(facts, "lane", "right")[:3] == "Yes", name == "free"),
}


def test_what_is_chosen_is_what_is_answered() -> None:
    compared = 0
    for facts in (*every_scene(), standing_van(12.0), open_road(light=RED_20_M)):
        for name, choice in chosen(facts).items():
            if choice and name in SAID:
                answer, expected = SAID[name](facts, choice)
                assert answer == expected, (name, choice)
                compared += 1
    assert compared > 30


def test_every_name_of_a_choice_can_be_said() -> None:
    assert CHOICES["lead_type"] == answers_ahead.VEHICLE_TYPES
    assert CHOICES["lead_color"] == answers_ahead.COLORS
    assert CHOICES["lead_said_m"] == tuple(str(said_m) for _, said_m in SAID_M)
    assert len(CHOICES["vehicle_count"]) == answers_ahead.MOST_COUNTED + 2
    for lead in ("car", "bus"):
        facts = open_road(lead=LeadFacts(9.0, 5.0, False, lead, "red"), seen=(box("lead", 0.5),))
        assert (chosen(facts)["lead_type"], chosen(facts)["lead_color"]) == (lead, "red")
