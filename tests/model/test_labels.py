from __future__ import annotations

import math
import time

import numpy as np
import pytest

from model.pocket.vocabulary import Vocabulary
from model.training import dreams, labels, phrases, questions, sentences
from model.training.consent import obey, refusal
from model.training.expert import roll_out
from model.training.samples import FrameFacts, LeadFacts, LightFacts, SignFacts
from sim_bridge.messages import InstructionKind as Kind
from sim_bridge.messages import InstructionMode
from tests.model.teacher_scenes import (
    every_scene,
    junction,
    open_road,
    red_light,
    standing_van,
    straight_line,
    turning_line,
    walker,
)

FOLLOW, SAFETY = InstructionMode.FOLLOW, InstructionMode.SAFETY


def speeds(speed_xy: np.ndarray, start_mps: float | None = None) -> np.ndarray:
    points = speed_xy if start_mps is None else np.vstack([[0.0, 0.0], speed_xy])
    return np.linalg.norm(np.diff(points, axis=0), axis=1) / 0.25


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.NONE])
@pytest.mark.parametrize("speed", [0.0, 3.0, 9.0])
def test_every_plan_has_the_promised_shape_and_is_drivable(kind: Kind, speed: float) -> None:
    for facts in every_scene():
        path, points = labels.plan(facts, kind, speed, 5.0 if kind is Kind.TARGET_SPEED else None)
        assert path.shape == (20, 2) and points.shape == (10, 2)
        assert np.allclose(path[0], 0.0)
        assert np.allclose(np.linalg.norm(np.diff(path, axis=0), axis=1), 1.0, atol=0.06)
        reached = speeds(points, speed)
        assert (np.diff(np.concatenate([[speed], reached])) <= 3.0 * 0.25 + 0.1).all()
        assert (np.diff(np.concatenate([[speed], reached])) >= -8.4 * 0.25 - 0.1).all()


@pytest.mark.parametrize("speed", [4.0, 8.0, 11.0])
def test_the_car_stops_before_a_red_line_a_standing_van_and_a_walker(speed: float) -> None:
    assert roll_out(red_light(20.0), Kind.NONE, speed).speed[-1, 0] <= 20.0
    assert roll_out(standing_van(15.0), Kind.NONE, speed).speed[-1, 0] <= 13.0
    assert roll_out(walker(12.0), Kind.NONE, speed).speed[-1, 0] <= 10.0


@pytest.mark.parametrize("speed", [2.0, 6.0, 12.0])
@pytest.mark.parametrize("distance_m", [6.0, 12.0, 25.0])
def test_who_is_told_to_stop_stands_whatever_else_is_ahead(speed: float, distance_m: float) -> None:
    moving = open_road(lead=LeadFacts(distance_m, 8.0, False, "car", "red"))
    at_sign = open_road(stop_m=distance_m, signs=(SignFacts("stop", distance_m),))
    for facts in (red_light(distance_m), standing_van(distance_m), walker(distance_m), moving, at_sign):
        for mode in InstructionMode:
            points = roll_out(facts, Kind.STOP, speed, mode=mode).speed
            assert speeds(points)[-2:].max() < 0.01, (facts.lead, facts.light, mode)


def test_repeated_planning_brings_the_car_to_rest_before_the_line() -> None:
    speed, left = 9.0, 40.0
    for _ in range(600):
        points = roll_out(red_light(left), Kind.NONE, speed).speed
        moved = float(points[0, 0]) / 5.0
        left, speed = left - moved, moved / 0.05
    assert speed < 0.05
    assert 0.2 < left < 4.0


def test_green_does_not_stop_and_a_close_yellow_is_driven_through() -> None:
    green = open_road(light=LightFacts("green", 20.0))
    assert roll_out(green, Kind.NONE, 8.0).cause == "clear"
    near, far = open_road(light=LightFacts("yellow", 4.0)), open_road(light=LightFacts("yellow", 30.0))
    assert roll_out(near, Kind.NONE, 9.0).cause == "clear"
    assert roll_out(far, Kind.NONE, 9.0).cause == "yellow"


def test_a_turn_is_entered_slowly_enough_and_left_is_left() -> None:
    for side, sign in ((-1, -1.0), (1, 1.0)):
        rolled = roll_out(junction(side), Kind.NONE, 9.0)
        assert sign * rolled.path[-1, 1] > 0.5
        assert rolled.end_mps < math.sqrt(3.2 * 8.0)
        assert rolled.cause == "turn"


def test_a_car_beside_and_askew_of_its_lane_comes_back_within_twelve_metres() -> None:
    facts = open_road(route=straight_line(-1.1, math.radians(-10.0)))
    path = roll_out(facts, Kind.NONE, 6.0).path
    assert abs(path[1, 1]) < 0.1  # leaves along its own heading
    line_y = -1.1 - np.tan(math.radians(10.0)) * path[13:, 0]
    assert np.abs((path[13:, 1] - line_y) * math.cos(math.radians(10.0))).max() < 0.15


def test_lane_changes_reach_the_neighbour_or_say_why_not() -> None:
    facts = open_road()
    left = roll_out(facts, Kind.LANE_LEFT, 5.0)
    assert left.path[-1, 1] == pytest.approx(-3.5, abs=0.1)
    right, reason = obey(facts, Kind.LANE_RIGHT, 5.0, None, FOLLOW)
    assert abs(right.path[-1, 1]) < 0.01 and reason == "no_lane"
    assert "right" in sentences.reply(Kind.LANE_RIGHT, None, right, reason)
    solid = open_road(may_change_left=False)
    assert obey(solid, Kind.LANE_LEFT, 5.0, None, FOLLOW)[1] == ""
    refused, reason = obey(solid, Kind.LANE_LEFT, 5.0, None, SAFETY)
    assert reason == "marking" and abs(refused.path[-1, 1]) < 0.01


def test_turn_instructions_take_the_other_arm() -> None:
    facts = junction(-1)
    assert labels.plan(facts, Kind.NONE, 4.0)[0][-1, 1] < -0.5
    assert abs(labels.plan(facts, Kind.STRAIGHT, 4.0)[0][-1, 1]) < 0.1
    assert obey(facts, Kind.TURN_RIGHT, 4.0, None, FOLLOW)[1] == "no_turn"


def test_speed_instructions_do_what_they_say() -> None:
    facts = open_road()
    stop = speeds(labels.plan(facts, Kind.STOP, 8.0)[1])
    assert stop.min() < 0.1
    slower = speeds(labels.plan(facts, Kind.SLOWER, 8.0)[1])
    assert slower[-1] == pytest.approx(4.8, abs=0.4)
    assert speeds(labels.plan(facts, Kind.FASTER, 8.0)[1])[-1] > 11.0
    assert speeds(labels.plan(facts, Kind.TARGET_SPEED, 8.0, 5.0)[1])[-1] == pytest.approx(5.0, abs=0.3)
    behind = labels.plan(facts, Kind.STOP, 3.0, 6.0)[1]
    assert 4.0 < behind[-1, 0] < 6.0


def test_follow_runs_the_red_light_and_safety_refuses_it() -> None:
    facts = red_light(20.0)
    assert obey(facts, Kind.FASTER, 8.0, None, FOLLOW)[0].speed[-1, 0] > 21.0
    rolled, reason = obey(facts, Kind.FASTER, 8.0, None, SAFETY)
    assert reason == "red" and rolled.speed[-1, 0] <= 20.0
    assert refusal(open_road(), Kind.TARGET_SPEED, 8.0, 20.0) == "limit"
    assert refusal(open_road(), Kind.TARGET_SPEED, 8.0, 10.0) == ""
    assert refusal(standing_van(), Kind.GO, 0.0, None) in ("", "lead")


def test_a_target_speed_still_stops_for_the_light_and_says_so() -> None:
    rolled, reason = obey(red_light(12.0), Kind.TARGET_SPEED, 6.0, 6.0, FOLLOW)
    assert rolled.end_mps < 2.5 and reason == ""
    assert sentences.reply(Kind.TARGET_SPEED, 6.0, rolled, "") == "First I stop for the red light."
    free, _ = obey(open_road(), Kind.TARGET_SPEED, 6.0, 6.0, FOLLOW)
    assert sentences.reply(Kind.TARGET_SPEED, 6.0, free, "") == "Holding 6 m/s."


def test_commentary_agrees_with_the_plan() -> None:
    said = {}
    for name, facts, speed in (
        ("red", red_light(15.0), 8.0),
        ("held", red_light(2.0), 0.0),
        ("van", standing_van(15.0), 8.0),
        ("clear", open_road(), 3.0),
        ("turn", junction(-1), 9.0),
    ):
        said[name] = sentences.commentary(facts, speed, roll_out(facts, Kind.NONE, speed))
    assert said["red"] == "Stopping for the red light."
    assert said["held"] == "Staying stopped for the red light."
    assert said["van"].startswith("Slowing down") and said["van"].endswith("behind the van.")
    assert said["clear"].startswith("Speeding up to 9 m/s") or said["clear"].startswith("Speeding up to 10 m/s")
    assert said["turn"].startswith("Turning left. Slowing down")


def test_a_leader_that_brakes_is_expected_to_slow() -> None:
    rolling = open_road(lead=LeadFacts(12.0, 6.0, False, "car", "red"))
    braking = open_road(lead=LeadFacts(12.0, 6.0, True, "car", "red"))
    assert roll_out(braking, Kind.NONE, 8.0).speed[-1, 0] < roll_out(rolling, Kind.NONE, 8.0).speed[-1, 0] - 1.0


def test_samples_are_varied_consistent_and_cheap() -> None:
    rng = np.random.default_rng(5)
    scenes = every_scene()
    views = [labels.sample(scenes[k % len(scenes)], rng) for k in range(1500)]
    assert {view.task for view in views} == set(labels.TASKS)
    standing = np.mean([view.speed_mps == 0.0 for view in views])
    assert 0.12 < standing < 0.2
    # Whoever asks for a turn overrules the navigator, so turns lose their target points far oftener.
    dropped = np.mean([view.target_points is None for view in views if view.kind not in labels.TURNS])
    assert 0.09 < dropped < 0.15
    assert np.mean([view.target_points is None for view in views if view.kind in labels.TURNS]) > 0.8
    assert {view.kind for view in views if view.task == "dream"} >= set(dreams.KIND_WEIGHTS)
    for view in views:
        assert (view.task == "dream") == bool(view.instruction)
        assert (view.task == "vqa") == bool(view.question)
        assert (view.task == "drive") == (view.answer_text == "")
        assert np.isfinite(view.path).all() and np.isfinite(view.speed).all()
    # CPU time of this thread, so that a busy machine does not fail the test; the data set is made of these calls.
    begun = time.thread_time()
    for k in range(300):
        labels.sample(scenes[k % len(scenes)], rng)
    assert (time.thread_time() - begun) / 300 < 3e-3


def test_the_same_seed_gives_the_same_view() -> None:
    one, two = (labels.sample(red_light(), np.random.default_rng(9), "dream") for _ in range(2))
    assert one.instruction == two.instruction and np.array_equal(one.speed, two.speed)
    with pytest.raises(ValueError, match="expected a task"):
        labels.sample(red_light(), np.random.default_rng(9), "sing")


def test_target_points_are_where_the_navigator_puts_them() -> None:
    assert labels.sparse_ahead((), 10.0) == (40.0, 90.0)
    assert labels.sparse_ahead((12.0, 31.0), 10.0) == (12.0, 31.0)
    # An entry within 7.5 m counts as reached; after the exit the next point is 50 m on.
    assert labels.sparse_ahead((5.0, 24.0), 10.0) == (24.0, 74.0)
    assert labels.sparse_ahead((24.0,), 49.0) == (24.0, 74.0)


@pytest.mark.parametrize("speed", [0.5, 2.0, 5.0, 8.0])
def test_who_moves_stops_at_the_line_of_a_stop_sign_and_who_stands_there_goes(speed: float) -> None:
    ahead = open_road(stop_m=12.0)
    assert roll_out(ahead, Kind.NONE, speed).speed[-1, 0] <= 11.2
    for near_m in (1.5, 3.0):
        near = open_road(stop_m=near_m)
        assert roll_out(near, Kind.NONE, min(speed, 2.0)).speed[-1, 0] <= near_m - 0.8
        assert roll_out(near, Kind.NONE, 0.0).end_mps > 4.0


def test_who_stands_five_metres_before_the_line_creeps_up_to_it() -> None:
    rolled = roll_out(open_road(stop_m=5.0), Kind.NONE, 0.0)
    assert 3.0 < rolled.speed[-1, 0] <= 4.2 and rolled.end_mps < 0.6


def test_who_sets_off_from_the_line_goes_on_and_who_comes_too_fast_does_not() -> None:
    for stop_m, speed in ((0.9, 0.6), (0.5, 1.5), (-0.5, 2.5)):
        assert roll_out(open_road(stop_m=stop_m), Kind.NONE, speed).end_mps > 5.0
    assert roll_out(open_road(stop_m=0.5), Kind.NONE, 3.0).end_mps == 0.0
    due = open_road(stop_m=1.5, stop_is_due=True)
    assert roll_out(due, Kind.NONE, 0.0).speed[-1, 0] == pytest.approx(0.0, abs=0.01)


def test_who_gives_way_stays_at_the_line_until_it_is_free() -> None:
    waits = open_road(stop_m=1.2, yield_m=1.2)
    rolled = roll_out(waits, Kind.NONE, 0.0)
    assert rolled.cause == "yield" and rolled.speed[-1, 0] == pytest.approx(0.0, abs=0.01)
    assert roll_out(open_road(yield_m=10.0), Kind.NONE, 6.0).speed[-1, 0] <= 9.2


def test_frames_at_a_stop_sign_are_met_at_speeds_that_come_about() -> None:
    rng = np.random.default_rng(3)
    for stop_m in (-0.8, 0.3, 1.5, 3.5, 12.0):
        drawn = np.array([labels.sampled_speed(open_road(stop_m=stop_m), rng) for _ in range(300)])
        standing = 0.45 if stop_m <= 4.0 else 0.15
        assert np.mean(drawn == 0.0) == pytest.approx(standing, abs=0.1)
        assert drawn.max() <= max(
            math.sqrt(10.0 * max(0.0, stop_m - 1.0)), math.sqrt(0.09 + 5.0 * (1.0 - min(1.0, stop_m))), 0.8
        )
        for speed in drawn[drawn > 0.0][:20]:
            plan = roll_out(open_road(stop_m=stop_m), Kind.NONE, float(speed))
            assert plan.end_mps > 4.0 or plan.speed[-1, 0] <= max(0.2, stop_m - 0.7), (stop_m, speed)


def test_cars_that_barely_roll_are_not_only_those_that_are_about_to_stand() -> None:
    rng = np.random.default_rng(8)
    for facts in (open_road(), open_road(lead=LeadFacts(14.0, 0.0, True, "car", "red"))):
        drawn = np.array([labels.sampled_speed(facts, rng) for _ in range(1000)])
        barely = drawn[(drawn > 0.0) & (drawn < 1.0)]
        assert len(barely) > 15
        assert all(roll_out(facts, Kind.NONE, float(speed)).end_mps > 1.0 for speed in barely)


def test_a_leader_far_ahead_holds_nobody_back() -> None:
    for speed in (0.0, 5.0, 10.0):
        alone, far = (
            roll_out(open_road(lead=lead), Kind.NONE, speed)
            for lead in (None, LeadFacts(48.0, 10.0, False, "car", "red"))
        )
        assert far.cause == alone.cause and far.end_mps == pytest.approx(alone.end_mps, abs=0.3)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (open_road(lead=LeadFacts(9.0, 8.0, False, "car", "red")), "lead"),
        (open_road(lead=LeadFacts(36.0, 8.0, False, "car", "red")), ""),
        (open_road(yield_m=8.0), "yield"),
        (open_road(yield_m=8.0, blocked_m=16.0), "blocked"),
    ],
)
def test_faster_is_declined_for_what_the_car_slows_for_and_for_nothing_else(facts: FrameFacts, reason: str) -> None:
    rolled, refused = obey(facts, Kind.FASTER, 8.0, None, InstructionMode.SAFETY)
    assert refused == reason
    if reason:
        assert sentences.reply(Kind.FASTER, None, rolled, refused) == sentences.REFUSALS[reason]


def test_which_way_is_asked_only_where_a_target_point_shows_it() -> None:
    facts = open_road(junction_m=20.0, changes_m=(20.0, 35.0), turns={"left": turning_line(20, 10.0, -1)})
    assert labels.shows_turn(facts, (20.0, 35.0)) and not labels.shows_turn(facts, (12.0, 20.0))
    rolled, rng = roll_out(facts, Kind.NONE, 6.0), np.random.default_rng(0)
    asked = {questions.ask(facts, 6.0, rolled, rng, shows_turn=False)[2] for _ in range(400)}
    assert "junction" in asked and not {"where", "turn_is"} & asked


def test_every_word_about_a_blocked_lane_is_one_that_the_car_can_say() -> None:
    words = Vocabulary.of(phrases.words())
    for facts in (open_road(blocked_m=14.0, yield_m=6.0), open_road(blocked_m=8.0, route=turning_line(4, 12.0, -1))):
        for speed in (0.0, 5.0, 9.0):
            said = sentences.commentary(facts, speed, roll_out(facts, Kind.NONE, speed))
            assert words.unknown not in words.spell(said), said
