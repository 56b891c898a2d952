from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from model.training import answers, phrases, questions
from model.training.expert import roll_out
from model.training.phrasings import load, split
from model.training.samples import FrameFacts, LeadFacts, LightFacts, SeenBox, SignFacts
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
    counted = Counter(entry for entries in phrases.FAMILIES.values() for entry in entries)
    assert [entry for entry, times in counted.items() if times > 1] == []
    for family in ("stop", "slower", "faster", "target_speed", "lane", "turn", "straight", "go", "unclear"):
        assert len(phrases.FAMILIES[family]) >= 30, family


def test_phrasings_for_testing_are_never_learnt_and_hold_no_unknown_word() -> None:
    learnt_words = {word for family in phrases.FAMILIES for entry in phrases.phrasings(family) for word in split(entry)}
    for family in phrases.FAMILIES:
        unseen = set(phrases.phrasings(family, True))
        assert unseen and not unseen & set(phrases.phrasings(family))
        if family != "unclear":
            assert {word for entry in unseen for word in split(entry)} <= learnt_words
    for shown in ("stop here", "drive faster", "keep {n}", "change to the {side} lane", "stop behind the {type}"):
        assert shown not in phrases.HELD_OUT


def test_the_vocabulary_is_small_and_covers_what_is_said() -> None:
    known = set(phrases.words())
    assert len(known) <= 500
    rng = np.random.default_rng(2)
    for facts in every_scene():
        rolled = roll_out(facts, Kind.NONE, 6.0)
        for _ in range(80):
            question, answer, _ = questions.ask(facts, 6.0, rolled, rng)
            assert set(split(question)) <= known and set(split(answer)) <= known, (question, answer)


def test_questions_are_recognised_and_answered_from_the_facts() -> None:
    for family, forms in questions.QUESTIONS.items():
        for form in forms:
            named = [name for name in questions.SLOTS if f"{{{name}}}" in form]
            slot = questions.SLOTS[named[0]][0][-1] if named else ""
            text = form.replace(f"{{{named[0]}}}", slot) if named else form
            assert questions.family_of(text) == (family, slot), form
    facts = red_light(10.0)
    rolled = roll_out(facts, Kind.NONE, 5.0)
    assert questions.answer(facts, 5.0, rolled, "Is the traffic light red?") == "Yes, the light is red."
    assert questions.answer(facts, 5.0, rolled, "is the light green?") == "No, the light is red."
    assert questions.answer(open_road(), 5.0, rolled, "is the light green?") == "No, I see no traffic light."
    assert questions.answer(facts, 5.0, rolled, "why are you stopping?") == "Because of the red light."
    van = standing_van(15.0)
    assert questions.answer(van, 5.0, rolled, "what kind of vehicle is ahead?") == "A white van."
    assert questions.answer(van, 5.0, rolled, "how far is the car ahead?") == "About 15 meters."
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


def test_there_are_many_families_and_each_has_a_phrasing_for_testing() -> None:
    assert len(questions.QUESTIONS) >= 25
    assert set(questions.QUESTIONS) == set(answers.REPLIES)
    for forms in questions.QUESTIONS.values():
        assert len(forms) >= 8 and any(questions.is_held_out(form) for form in forms)


def test_what_a_picture_cannot_tell_is_not_asked() -> None:
    unread = open_road(signs=None)
    assert not {"limit", "sign"} & set(asked_of(unread))
    truck = open_road(lead=LeadFacts(12.0, 5.0, False, "truck", ""))
    assert "lead_color" not in asked_of(truck)
    inside = open_road(in_junction=True, junction_m=0.0)
    assert not {"my_lane", "lane_where", "in_lane", "ways", "bend"} & set(asked_of(inside))


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
