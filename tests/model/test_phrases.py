from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from model.training import answers, answers_ahead, phrases, questions, sentences
from model.training.courtesy import INSTRUCTING, tersely
from model.training.expert import roll_out
from model.training.moment import Moment, bucket_m
from model.training.phrasings import Families, draw, forms, forms_of, held_out_keys, key, load, split
from model.training.samples import FrameFacts, LeadFacts, LightFacts, PedestrianFacts, SeenBox, SignFacts
from sim_bridge.messages import InstructionKind as Kind
from tests.model.teacher_scenes import (
    every_scene,
    junction,
    open_road,
    red_light,
    standing_van,
    straight_line,
    turning_line,
)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("stop here", Kind.STOP, None),
        ("Stop here!", Kind.STOP, None),
        ("drive faster", Kind.FASTER, None),
        ("please drive a bit slower", Kind.SLOWER, None),
        ("change to the left lane", Kind.LANE_LEFT, None),
        ("take the left lane", Kind.LANE_LEFT, None),
        ("could you merge into the right lane please", Kind.LANE_RIGHT, None),
        ("keep 5 m/s", Kind.TARGET_SPEED, 5.0),
        ("drive at 36 km/h.", Kind.TARGET_SPEED, 10.0),
        ("stop behind the van", Kind.STOP, None),
        ("turn left at the next junction", Kind.TURN_LEFT, None),
        ("go straight on", Kind.STRAIGHT, None),
        ("go", Kind.GO, None),
        ("I would rather you go faster than this", Kind.FASTER, None),
        ("the moon is made of cheese", Kind.UNCLEAR, None),
        ("", Kind.NONE, None),
        ("?!", Kind.NONE, None),
    ],
)
def test_typed_text_is_read(text: str, kind: Kind, value: float | None) -> None:
    read, number, _ = phrases.read(text)
    assert read is kind
    assert number == (None if value is None else pytest.approx(value))


def test_the_vehicle_to_stop_behind_is_read() -> None:
    assert phrases.read("stop behind the van")[2] == "van"


def test_every_phrasing_is_read_back_as_what_it_means() -> None:
    rng = np.random.default_rng(1)
    for kind in phrases.FAMILY_OF:
        for unseen in (False, True):
            for _ in range(60):
                text, value = phrases.phrase(kind, rng, speed_mps=7.0, unseen=unseen)
                read, number, _ = phrases.read(text)
                assert read is kind, text
                assert number == (None if value is None else pytest.approx(value)), text


def test_families_are_rich_and_do_not_overlap() -> None:
    for families, fewest in ((phrases.FAMILIES, 60), (questions.QUESTIONS, 60)):
        meanings: dict[tuple[tuple[str, ...], bool], set[str]] = {}
        for family, wordings in families.items():
            for form in (*forms(wordings, False), *forms(wordings, True)):
                meanings.setdefault((key(form), "{n}" in form), set()).add(family)
            assert len(forms(wordings, False)) >= fewest, family
        assert [(form, found) for form, found in meanings.items() if len(found) > 1] == []


@pytest.mark.parametrize("families", [phrases.FAMILIES, questions.QUESTIONS])
def test_every_family_keeps_forms_for_testing_that_training_never_makes(families: Families) -> None:
    kept = held_out_keys(families)
    learnt_words = set(phrases.words())
    for family, wordings in families.items():
        unseen = forms(wordings, True)
        assert not {key(form) for form in forms(wordings, False)} & kept, family
        lines = [wording for wording in wordings if wording.is_held_out]
        assert len(unseen) >= 4 and 0.05 < len(lines) / len(wordings) < 0.5, family
        tellable = [form for form in unseen if set(split(re.sub(r"{\w+}", "", form))) <= learnt_words]
        assert family == "unclear" or len(tellable) >= 4, family


def test_politeness_never_makes_a_form_that_is_kept_for_testing() -> None:
    rng = np.random.default_rng(7)
    eager = replace(INSTRUCTING, before=("do not",), after=("right here",), before_share=0.5, after_share=0.5)
    kept = frozenset({key("do not stop"), key("stop right here")})
    said = {eager.around("stop", kept, rng) for _ in range(60)}
    assert said == {"stop", "do not stop right here"}
    assert {eager.around("stop", frozenset(), rng) for _ in range(60)} == said | {"do not stop", "stop right here"}


def test_some_words_are_met_in_testing_alone() -> None:
    known = set(phrases.words())
    strange = {
        word
        for families in (phrases.FAMILIES, questions.QUESTIONS)
        for family, wordings in families.items()
        for form in forms(wordings, True)
        if family != "unclear"
        for word in split(re.sub(r"{\w+}", "", form))
    } - known
    assert len(strange) >= 10


def test_what_a_newcomer_is_shown_is_learnt() -> None:
    for family, shown in (
        ("stop", "stop here"),
        ("faster", "drive faster"),
        ("target_speed", "keep {n}"),
        ("lane", "change to the {side} lane"),
        ("lane", "take the {side} lane"),
        ("stop_behind", "stop behind the {type}"),
        ("turn", "turn {side} at the next junction"),
        ("slower", "slow down"),
        ("straight", "go straight"),
        ("go", "go"),
    ):
        assert shown in phrases.phrasings(family)


def test_the_vocabulary_is_small_and_covers_what_is_said() -> None:
    known = set(phrases.words())
    assert len(known) <= 1000
    rng = np.random.default_rng(2)
    for facts in every_scene():
        rolled = roll_out(facts, Kind.NONE, 6.0)
        for _ in range(80):
            question, answer, _ = questions.ask(facts, 6.0, rolled, rng)
            assert set(split(question)) <= known and set(split(answer)) <= known, (question, answer)


def test_a_line_stands_for_all_its_forms() -> None:
    named = {"ahead": "ahead|in front (of us|)"}
    assert forms_of("is the (car|(big|small) van) <ahead> (now|)?", named)[:4] == (
        "is the car ahead now?",
        "is the car ahead?",
        "is the car in front of us now?",
        "is the car in front of us?",
    )
    assert len(forms_of("is the (car|(big|small) van) <ahead> (now|)?", named)) == 18
    for wrong in ("stop (now", "stop now)", "stop) now ("):
        with pytest.raises(ValueError, match="bracket"):
            forms_of(wrong, {})
    with pytest.raises(ValueError, match="@ahead"):
        forms_of("stop <ahead>", {})


def test_a_form_that_is_kept_is_taken_out_of_every_learnt_line(tmp_path, monkeypatch) -> None:
    (tmp_path / "few.txt").write_text("[stop]\nstop (here|now)\ndon't go\n* stop now\n* do not go\n[go]\ngo\n")
    monkeypatch.setattr("model.training.phrasings.FOLDER", tmp_path)
    families = load("few")
    assert forms(families["stop"], False) == ("stop here",)
    assert forms(families["stop"], True) == ("stop now", "do not go")
    assert {draw(families["stop"], True, np.random.default_rng(k)) for k in range(9)} == {"stop now", "do not go"}


def test_questions_are_recognised_and_answered_from_the_facts() -> None:
    for family, wordings in questions.QUESTIONS.items():
        for form in (*forms(wordings, False)[::7], *forms(wordings, True)):
            named = [name for name in questions.SLOTS if f"{{{name}}}" in form]
            slot = questions.SLOTS[named[0]][0][-1] if named else ""
            text = form.replace(f"{{{named[0]}}}", slot) if named else form
            assert questions.family_of(text) == (family, slot), form
            assert questions.family_of(f"Hey car, {text}") == (family, slot), form
    facts = red_light(10.0)
    rolled = roll_out(facts, Kind.NONE, 5.0)
    assert questions.answer(facts, 5.0, rolled, "Is the traffic light red?") == "Yes, the light is red."
    assert questions.answer(facts, 5.0, rolled, "is the light green?") == "No, the light is red."
    assert questions.answer(open_road(), 5.0, rolled, "is the light green?") == "I see no traffic light."
    assert questions.answer(facts, 5.0, rolled, "why are you stopping?") == "Because of the red light."
    van = standing_van(15.0)
    assert questions.answer(van, 5.0, rolled, "what kind of vehicle is ahead?") == "A white van."
    assert questions.answer(van, 5.0, rolled, "how far is the car ahead?") == "About 20 meters."
    assert "only answer about the road" in questions.answer(facts, 5.0, rolled, "who won the cup?")


def test_no_family_of_questions_can_be_guessed() -> None:
    rng = np.random.default_rng(3)
    answers: dict[str, Counter[str]] = {}
    scenes = (*every_scene(), standing_van(9.0), standing_van(30.0))
    for k in range(6000):
        facts = scenes[k % len(scenes)]
        _, answer, family = questions.ask(facts, 6.0, roll_out(facts, Kind.NONE, 6.0), rng)
        answers.setdefault(family, Counter())[answer] += 1
    for family in ("light_is", "pedestrian", "lane", "vehicle", "light_color"):
        counted = answers[family]
        assert counted.most_common(1)[0][1] / counted.total() < 0.75, (family, counted)


def asked_of(facts: FrameFacts, times: int = 900, speed: float = 6.0) -> dict[str, Counter[str]]:
    rng, found = np.random.default_rng(4), {}
    for _ in range(times):
        _, answer, family = questions.ask(facts, speed, roll_out(facts, Kind.NONE, speed), rng)
        found.setdefault(family, Counter())[answer] += 1
    return found


def test_there_are_many_families_and_each_has_an_answer() -> None:
    assert len(questions.QUESTIONS) >= 25
    assert set(questions.QUESTIONS) == set(answers.REPLIES)


def test_what_a_picture_cannot_tell_is_not_asked() -> None:
    unread = open_road(signs=None)
    assert not {"limit", "sign"} & set(asked_of(unread))
    truck = open_road(lead=LeadFacts(12.0, 5.0, False, "truck", ""))
    assert "lead_color" not in asked_of(truck)
    inside = open_road(in_junction=True, junction_m=0.0)
    assert not {"my_lane", "lane_where", "in_lane", "ways", "bend"} & set(asked_of(inside))


@pytest.mark.parametrize(
    ("facts", "untold", "told"),
    [
        (standing_van(40.0), {"kind", "lead_type", "vehicle", "braking", "lead_motion", "distance"}, {"lane"}),
        (standing_van(46.0), {"kind", "lead_type"}, {"distance"}),
        (open_road(pedestrian=PedestrianFacts(7.2, 0.0)), {"pedestrian_distance"}, {"pedestrian"}),
        (open_road(light=LightFacts("red", 26.0)), {"light_distance"}, {"light_color"}),
        (open_road(blocked_m=12.0), {"bend", "in_lane", "vehicle"}, {"lane", "why"}),
        (open_road(blocked_m=12.0, yield_m=4.0), set(), {"bend", "vehicle"}),
        (standing_van(34.0), {"braking", "lead_motion"}, {"kind", "lead_type", "vehicle"}),
        (standing_van(10.0), set(), {"kind", "braking", "lead_motion"}),
        (open_road(lead=LeadFacts(9.0, 0.0, True, "car", "red")), {"kind", "lead_color", "braking"}, {"distance"}),
        (open_road(junction_m=44.0), {"junction", "where", "turn_is"}, {"speed"}),
        (open_road(junction_m=30.0), set(), {"junction", "where", "turn_is"}),
        (open_road(junction_m=58.0), set(), {"junction", "where", "turn_is"}),
        (open_road(seen=(SeenBox("pedestrian", 0.2, 0.5, 0.22, 0.542),)), {"pedestrian_count"}, {"pedestrian"}),
        (open_road(seen=(SeenBox("vehicle", 0.57, 0.4, 0.59, 0.5),)), {"vehicle_side"}, {"vehicle_count"}),
        (open_road(route=straight_line(-0.65)), {"in_lane"}, {"lane"}),
        (open_road(route=turning_line(4, 90.0, 1)), {"bend"}, {"lane"}),
    ],
)
def test_what_lies_on_an_answers_edge_or_is_too_small_to_see_is_not_asked(
    facts: FrameFacts, untold: set[str], told: set[str]
) -> None:
    weights = questions.weights_of(Moment(facts, 6.0, roll_out(facts, Kind.NONE, 6.0)))
    assert {family for family in untold if weights[family] > 0.0} == set()
    assert {family for family in told if weights[family] == 0.0} == set()


def test_a_gap_or_a_speed_at_its_edge_is_not_asked() -> None:
    kept_m = answers_ahead.kept_gap_m(6.0)
    for times, is_asked in ((0.5, True), (0.95, False), (1.1, False), (1.4, True)):
        van = standing_van(times * kept_m)
        weights = questions.weights_of(Moment(van, 6.0, roll_out(van, Kind.NONE, 6.0)))
        assert (weights["gap"] > 0.0) == is_asked, times
    van = standing_van(20.0)
    rolled = roll_out(van, Kind.NONE, 6.0)
    for end_mps, is_asked in ((6.0, True), (5.3, False), (5.0, False), (3.0, True)):
        moment = Moment(van, 6.0, replace(rolled, end_mps=end_mps))
        assert (questions.weights_of(moment)["brake"] > 0.0) == is_asked, end_mps


def test_a_vehicle_too_small_to_tell_is_called_a_vehicle() -> None:
    for gap_m, named in ((10.0, "van"), (36.0, "van"), (40.0, "vehicle")):
        facts = standing_van(gap_m)
        rolled = roll_out(facts, Kind.NONE, 12.0)
        assert sentences.commentary(facts, 12.0, rolled).endswith(f"behind the {named}.")
        assert questions.answer(facts, 12.0, rolled, "why do you brake?") == "Because of the vehicle ahead."


def test_a_limit_is_read_where_its_number_is_more_than_a_speck() -> None:
    for metres, is_asked in ((8.0, True), (14.0, True), (20.0, False)):
        facts = open_road(signs=(SignFacts("limit", metres, 30),))
        weights = questions.weights_of(Moment(facts, 6.0, roll_out(facts, Kind.NONE, 6.0)))
        assert (weights["limit"] > 0.0) is is_asked
    bare = open_road(signs=())
    assert questions.weights_of(Moment(bare, 6.0, roll_out(bare, Kind.NONE, 6.0)))["limit"] > 0.0


@pytest.mark.parametrize(
    ("metres", "said"),
    [(0.2, 5), (7.4, 5), (7.6, 10), (14.0, 10), (16.0, 20), (24.0, 20), (26.0, 30), (39.0, 30), (41.0, 50), (90.0, 50)],
)
def test_distances_are_said_as_people_judge_them(metres: float, said: int) -> None:
    assert bucket_m(metres) == said


def test_what_comes_next_is_said_without_the_speed_aimed_at_and_without_the_reason() -> None:
    facts = red_light(15.0)
    rolled = roll_out(facts, Kind.NONE, 10.0)
    assert questions.answer(facts, 10.0, rolled, "what is next?") == "Stopping."
    assert questions.answer(facts, 10.0, rolled, "why do you brake?") == "Because of the red light."
    free = open_road()
    rolled = roll_out(free, Kind.NONE, 3.0)
    assert "to" in sentences.commentary(free, 3.0, rolled).split()
    assert questions.answer(free, 3.0, rolled, "what is next?") == "Speeding up."


@pytest.mark.parametrize(
    ("changes", "question", "expected"),
    [
        ({"signs": (SignFacts("limit", 12.0, 30),)}, "what is the speed limit?", "The sign says 30 km/h."),
        ({"signs": ()}, "what is the speed limit?", "I see no speed limit sign."),
        ({"signs": (SignFacts("stop", 12.0),)}, "is there a stop sign?", "Yes, there is a stop sign."),
        ({"signs": (SignFacts("stop", 12.0),)}, "do you see a yield sign?", "No, I see no yield sign."),
        ({"light": LightFacts("yellow", 3.0)}, "does the light stop us?", "No, I am too close to stop."),
        ({"light": LightFacts("red", 23.0)}, "how far is the traffic light?", "About 20 meters."),
        ({"lead": LeadFacts(6.0, 0.0, True, "van", "blue")}, "is the car ahead red?", "No, it is blue."),
        ({"lead": LeadFacts(6.0, 0.0, True, "van", "blue")}, "is it a van ahead?", "Yes, it is a van."),
        ({"lead": LeadFacts(6.0, 0.0, True, "van", "blue")}, "are you too close?", "I am too close."),
        ({"seen": (SeenBox("pedestrian", 0.1, 0.4, 0.2, 0.6),)}, "where is the pedestrian?", "On the left."),
        ({"seen": (SeenBox("vehicle", 0.7, 0.4, 0.8, 0.5),)}, "how many cars do you see?", "I see one vehicle."),
        ({"seen": (SeenBox("vehicle", 0.7, 0.4, 0.8, 0.41),)}, "how many cars do you see?", "I see no vehicle."),
        ({}, "where may you change lanes?", "Only to the left."),
        ({}, "which lane are you in?", "In the right lane."),
        ({}, "must you brake?", "No, I can drive on."),
        ({"route": straight_line(-0.9)}, "are you in the middle of your lane?", "I am too far to the right."),
        ({"route": turning_line(4, 30.0, 1)}, "is there a bend ahead?", "It bends to the right."),
    ],
)
def test_answers_follow_the_facts(changes: dict, question: str, expected: str) -> None:
    facts = open_road(**changes)
    assert questions.answer(facts, 6.0, roll_out(facts, Kind.NONE, 6.0), question) == expected


def test_turn_questions_are_answered_from_the_route_and_the_arms() -> None:
    facts = junction(-1)
    rolled = roll_out(facts, Kind.NONE, 6.0)
    assert questions.answer(facts, 6.0, rolled, "will you turn left?") == "Yes, I turn left."
    assert questions.answer(facts, 6.0, rolled, "will you turn right?") == "No, I turn left."
    assert questions.answer(facts, 6.0, rolled, "can we go straight at the next junction?") == (
        "Yes, there is a way straight on."
    )
    assert questions.answer(facts, 6.0, rolled, "is there a way to turn right?") == "No, there is no way to the right."


def test_a_phrasing_outside_any_family_is_named(tmp_path, monkeypatch) -> None:
    (tmp_path / "odd.txt").write_text("lost words\n[stop]\nstop\n")
    monkeypatch.setattr("model.training.phrasings.FOLDER", tmp_path)
    with pytest.raises(ValueError, match="lost words"):
        load("odd")


def test_a_hurried_hand_leaves_out_little_words_and_never_writes_what_is_kept_for_testing() -> None:
    rng = np.random.default_rng(0)
    written = {tersely("what is the color of the light", frozenset(), rng) for _ in range(200)}
    assert {"what color light", "what is the color of the light"} <= written
    assert all({"what", "color", "light"} <= set(text.split()) for text in written)
    kept = frozenset({key("what color light")})
    assert "what color light" not in {tersely("what is the color of the light", kept, rng) for _ in range(200)}
    assert {tersely("is it", frozenset(), rng) for _ in range(50)} <= {"is it", "is", "it"}
    assert tersely("drive at 5 m/s", frozenset(), rng) == "drive at 5 m/s"


def test_what_is_kept_for_testing_is_known_with_its_slots_filled() -> None:
    kept = next(form for form in phrases.phrasings("turn", unseen=True) if "{side}" in form)
    for side in ("left", "right"):
        assert key(kept.replace("{side}", side)) in phrases.KEPT
