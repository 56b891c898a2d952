from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from model.training import phrases, questions
from model.training.expert import roll_out
from model.training.phrasings import load, split
from sim_bridge.messages import InstructionKind as Kind
from tests.model.teacher_scenes import every_scene, open_road, red_light, standing_van


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
            assert questions.family_of(form.replace("{color}", "red").replace("{side}", "left"))[0] == family, form
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


def test_a_phrasing_outside_any_family_is_named(tmp_path, monkeypatch) -> None:
    (tmp_path / "odd.txt").write_text("lost words\n[stop]\nstop\n")
    monkeypatch.setattr("model.training.phrasings.FOLDER", tmp_path)
    with pytest.raises(ValueError, match="lost words"):
        load("odd")
