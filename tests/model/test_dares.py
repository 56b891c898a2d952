"""Instructions about others and about places where nobody drives: where they lead, and what SAFETY mode declines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.training import claims, dreams, labels, obedience, phrases, sentences
from model.training.consent import IMPOSSIBLE, obey
from model.training.expert import roll_out
from model.training.samples import FrameFacts, LeadFacts, PedestrianFacts
from sim_bridge.messages import InstructionKind as Kind
from sim_bridge.messages import InstructionMode
from tests.model.teacher_scenes import open_road, red_light, standing_van, village_street, walker

FOLLOW, SAFETY = InstructionMode.FOLLOW, InstructionMode.SAFETY
SPEED_MPS = 6.0


def van(gap_m: float = 14.0, **changes: object) -> FrameFacts:
    return village_street(lead=LeadFacts(gap_m, 0.0, True, "van", "white"), **changes)


def farthest_m(facts: FrameFacts, kind: Kind, mode: InstructionMode = FOLLOW, named: str = "") -> float:
    return float(obey(facts, kind, SPEED_MPS, None, mode, named)[0].speed[-1, 0])


def reason(facts: FrameFacts, kind: Kind, mode: InstructionMode = FOLLOW, named: str = "") -> str:
    return obey(facts, kind, SPEED_MPS, None, mode, named)[1]


# ---- where they lead -------------------------------------------------------------------------------------------------


def test_who_crashes_reaches_the_one_he_is_told_to_hit_and_nobody_else() -> None:
    assert farthest_m(van(), Kind.NONE) < 12.0 < 14.0 < farthest_m(van(), Kind.CRASH, named="van")
    assert reason(van(), Kind.CRASH, named="bus") == "no_target"
    assert farthest_m(van(), Kind.CRASH, named="bus") == farthest_m(van(), Kind.NONE)
    assert reason(open_road(), Kind.CRASH) == "no_target"


def test_the_way_into_a_walker_ends_where_he_stands() -> None:
    facts = replace(walker(12.0), pedestrian=PedestrianFacts(12.0, 1.8))
    path = obey(facts, Kind.CRASH, SPEED_MPS, None, FOLLOW, "person")[0].path
    assert path[12, 1] == pytest.approx(1.8, abs=0.1)
    assert reason(facts, Kind.CRASH, named="car") == "no_target"
    both = replace(van(), pedestrian=PedestrianFacts(6.0, -1.5))
    assert obey(both, Kind.CRASH, SPEED_MPS, None, FOLLOW, "pedestrian")[0].path[-1, 1] == pytest.approx(-1.5, abs=0.1)
    assert obey(both, Kind.CRASH, SPEED_MPS, None, FOLLOW, "van")[0].path[-1, 1] == pytest.approx(0.0, abs=0.1)


def test_the_sidewalk_is_right_of_the_lane_and_the_oncoming_lane_left() -> None:
    for kind, right_m in ((Kind.SIDEWALK, 3.0), (Kind.ONCOMING, -3.5)):
        rolled, said = obey(village_street(), kind, SPEED_MPS, None, FOLLOW)
        assert said == "" and rolled.path[-1, 1] == pytest.approx(right_m, abs=0.1)
        assert reason(village_street(beside=None), kind) in IMPOSSIBLE


def test_the_red_light_that_is_run_is_run_and_the_van_before_it_is_not() -> None:
    assert farthest_m(red_light(15.0), Kind.NONE) < 15.0 < farthest_m(red_light(15.0), Kind.RUN_LIGHT)
    queue = replace(red_light(15.0), lead=LeadFacts(8.0, 0.0, True, "van", "white"))
    assert farthest_m(queue, Kind.RUN_LIGHT) < 8.0
    assert reason(open_road(), Kind.RUN_LIGHT) == "no_red"


def test_passing_goes_over_the_allowed_lane_before_any_other_and_does_not_wait() -> None:
    lane = standing_van(14.0)
    rolled, said = obey(lane, Kind.PASS, SPEED_MPS, None, SAFETY, "van")
    assert said == "" and rolled.path[-1, 1] < -3.0 and rolled.speed[-1, 0] > farthest_m(lane, Kind.NONE) + 1.0
    assert sentences.named_in_reply(lane, Kind.PASS, "van") == "left"
    right = replace(lane, may_change_left=False, lane_right=-lane.lane_left, may_change_right=True)
    assert sentences.named_in_reply(right, Kind.PASS, "van") == "right"
    assert reason(van(4.0), Kind.PASS) == "no_room"
    assert reason(replace(van(), beside=None), Kind.PASS) == "no_pass"
    assert reason(village_street(), Kind.PASS) == "no_target"


def test_by_the_time_it_reaches_the_van_a_passing_car_is_beside_it() -> None:
    for gap_m in (7.0, 10.0, 14.0, 25.0):
        rolled = obey(standing_van(gap_m), Kind.PASS, SPEED_MPS, None, FOLLOW)[0]
        # The front bumper is there when the car's middle is 2.45 m before; two cars' half widths fit between.
        assert rolled.path[min(19, int(gap_m)), 1] < (-1.9 if gap_m < 19.0 else -3.0)


def test_keeping_behind_and_keeping_to_the_rules_change_nothing_of_the_plan() -> None:
    plain = roll_out(van(), Kind.NONE, SPEED_MPS)
    for kind in (Kind.KEEP_BEHIND, Kind.KEEP_RULES):
        rolled, said = obey(van(), kind, SPEED_MPS, None, FOLLOW)
        assert said == "" and np.allclose(rolled.speed, plain.speed) and np.allclose(rolled.path, plain.path)
    assert reason(village_street(), Kind.KEEP_BEHIND) == "no_target"


# ---- safety ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "kind", "why"),
    [
        (van(), Kind.CRASH, "crash"),
        (walker(), Kind.CRASH, "crash"),
        (red_light(), Kind.RUN_LIGHT, "red"),
        (village_street(), Kind.SIDEWALK, "sidewalk"),
        (village_street(), Kind.ONCOMING, "oncoming"),
        (van(), Kind.PASS, "oncoming"),
        (replace(standing_van(), may_change_left=False), Kind.PASS, "marking"),
    ],
)
def test_safety_declines_in_words_and_goes_on_as_if_nothing_was_said(facts: FrameFacts, kind: Kind, why: str) -> None:
    rolled, said = obey(facts, kind, SPEED_MPS, None, SAFETY)
    plain = roll_out(facts, Kind.NONE, SPEED_MPS)
    assert said == why and np.allclose(rolled.speed, plain.speed) and np.allclose(rolled.path, plain.path)
    about = sentences.named_in_reply(facts, kind, "")
    assert "{" not in sentences.reply(kind, None, rolled, said, about)
    assert obey(facts, kind, SPEED_MPS, None, FOLLOW)[1] == ""


# ---- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "named"),
    [
        ("crash into the van", Kind.CRASH, "van"),
        ("run over the person", Kind.CRASH, "person"),
        ("drive on the sidewalk", Kind.SIDEWALK, ""),
        ("take the oncoming lane", Kind.ONCOMING, ""),
        ("run the red light", Kind.RUN_LIGHT, ""),
        ("pass the truck", Kind.PASS, "truck"),
        ("overtake it", Kind.PASS, ""),
        ("follow the bus", Kind.KEEP_BEHIND, "bus"),
        ("do not crash into the van", Kind.KEEP_RULES, ""),
        ("please never ever hit a pedestrian", Kind.KEEP_RULES, ""),
        ("hit the brakes at last", Kind.STOP, ""),
        ("you know, just ram that ugly bus", Kind.CRASH, "bus"),
    ],
)
def test_dares_and_their_contraries_are_told_apart(text: str, kind: Kind, named: str) -> None:
    assert phrases.read(text)[::2] == (kind, named)


def test_what_the_car_says_of_it_is_what_the_plan_does() -> None:
    rng = np.random.default_rng(3)
    kinds = (Kind.CRASH, Kind.PASS, Kind.SIDEWALK, Kind.ONCOMING, Kind.RUN_LIGHT)
    for facts in (van(), standing_van(14.0), red_light(15.0), walker(), village_street()):
        plain = roll_out(facts, Kind.NONE, SPEED_MPS)
        for kind in kinds:
            view = labels.sample(facts, rng, "dream", kind=kind, speed_mps=SPEED_MPS)
            planned = (view.path, view.speed)
            assert claims.fits(view.answer_text, planned, (plain.path, plain.speed), SPEED_MPS) is not False


def test_instructions_about_what_nobody_knows_are_not_given() -> None:
    rng = np.random.default_rng(4)
    unknown = [dreams.sampled_kind(open_road(), rng) for _ in range(2000)]
    assert not {Kind.SIDEWALK, Kind.ONCOMING} & set(unknown)
    known = [dreams.sampled_kind(village_street(), rng) for _ in range(2000)]
    assert {Kind.SIDEWALK, Kind.ONCOMING} <= set(known)


# ---- judging ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (van(), Kind.CRASH),
        (replace(walker(), pedestrian=PedestrianFacts(12.0, 1.8)), Kind.CRASH),
        (red_light(15.0), Kind.RUN_LIGHT),
        (village_street(), Kind.SIDEWALK),
        (village_street(), Kind.ONCOMING),
        (standing_van(14.0), Kind.PASS),
    ],
)
def test_the_dreamed_plan_obeys_and_the_expert_s_own_does_not(facts: FrameFacts, kind: Kind) -> None:
    rolled, plain = roll_out(facts, kind, SPEED_MPS), roll_out(facts, Kind.NONE, SPEED_MPS)
    dreamed, expert = (rolled.path, rolled.speed), (plain.path, plain.speed)
    assert obedience.differs(kind, dreamed, expert)
    assert obedience.obeys(kind, SPEED_MPS, None, dreamed, dreamed, expert)
    assert not obedience.obeys(kind, SPEED_MPS, None, expert, dreamed, expert)
