"""How scenes are counted and shown, without a world."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model.training import evaluate, evaluation_folder, scene_figures
from model.training.evaluate_scenes import Played, summary
from model.training.infractions import Watch
from model.training.judged_frames import Case
from model.training.lane_keeping import Placement
from model.training.report import write_report
from model.training.scored_drive import RoadAhead
from sim_bridge.messages import EgoState
from sim_bridge.scenarios import Outcome

ARRIVED = Outcome("slow_leader", True, "done", (), 21.5, 4.2)
PASSED = Played(ARRIVED, 100.0, {})


def ended(**how: Any) -> str:
    return Played(replace(ARRIVED, **how), 100.0, {}).fault


def test_a_scene_counts_only_when_it_happened_and_was_got_through() -> None:
    assert PASSED.fault == ""
    assert ended(happened=False) == "nothing happened"
    assert ended(ended="out of time") == "out of time"
    assert ended(ended="collision", hit="vehicle.audi.tt") == "collision with vehicle.audi.tt"
    assert ended(unmet=("stops before the line",)) == "not met: stops before the line"


def test_what_the_judge_of_the_routes_saw_fails_a_scene_too() -> None:
    assert Played(ARRIVED, 70.0, {"red_light": 1}).fault == "red light"
    late = replace(ARRIVED, unmet=("keeps its distance",))
    twice = Played(late, 50.0, {"red_light": 1, "left_lane": 2})
    assert twice.fault == "not met: keeps its distance; left lane; red light"


def test_places_add_up_and_say_how_they_ended() -> None:
    figures = summary([PASSED, PASSED, Played(replace(ARRIVED, ended="out of time"), 40.0, {"left_lane": 1})])
    assert (figures["passed"], figures["of"], figures["share"], figures["driving_score"]) == (2, 3, 0.667, 80.0)
    assert figures["ends"] == {"passed": 2, "out of time": 1}
    assert figures["each"][2]["counts"] == {"left_lane": 1}


def test_a_way_that_leads_over_another_lane_is_not_leaving_it() -> None:
    nothing = RoadAhead(None, None, None, (), None)
    beside = Placement(along_m=4.0, aside_m=3.5, over_m=2.5, in_junction=False)
    for may_leave, counted in ((True, {}), (False, {"left_lane": 1})):
        watch = Watch(10.0, may_leave_lane=may_leave)
        for k in range(20):
            watch.sees(EgoState(0.5 * k, 0.0, 0.0, 10.0), beside, nothing, ())
        assert watch.counts == counted
        assert (watch.driving_score == 40.0) == may_leave


def test_the_report_shows_drives_and_scenes_with_a_picture_of_what_went_wrong(tmp_path: Path) -> None:
    pixel = "data:image/jpeg;base64,/9j/4AAQ"
    case = Case("scenes", "slow_leader", False, pixel, "Backseat01, slow_leader", "got through", "out of time")
    route = {"driving_score": 61.5, "of": 1, "infractions": {"left_lane": 2}, "each": [{"seed": 3, "end": "done"}]}
    played = {"all": {"share": 0.5, "of": 2}, "slow_leader": summary([PASSED])}
    asked = {"vqa": {"why": {"share": 0.8, "of": 20, "guess": 0.35}, "majority_guess": 0.35}}
    figures = {"scenes": {"Backseat01": played}, "drive": {"Backseat01": {"routes": route}}, "open_loop": asked}
    write_report(tmp_path / "r.html", "Teacher", figures, [case])
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    for shown in (
        "Scenes",
        "slow_leader",
        pixel,
        "out of time",
        "61.5",
        "left lane: 2",
        "Routes in Backseat01",
        "guessing",
        "0.35",
    ):
        assert shown in page


def test_suites_of_the_same_weights_gather_in_one_folder(tmp_path: Path) -> None:
    about = {"driver": "pocket", "date": "2026-11-22", "weights": "abc"}
    wrong = Case("vqa", "why", False, "", "why?", "yes", "no")
    publish = evaluation_folder.publish
    publish(tmp_path, {**about, "minutes": 1.0, "open_loop": {"vqa": {"all": {"share": 0.5, "of": 2}}}}, [wrong])
    publish(tmp_path, {**about, "minutes": 2.0, "drive": {"Backseat01": {"routes": {"done": 3}}}}, [])
    publish(tmp_path, {**about, "minutes": 3.0, "drive": {"Backseat03": {"routes": {"done": 1}}}}, [])
    figures = json.loads((tmp_path / "evaluation.json").read_text())
    assert figures["open_loop"]["vqa"]["all"]["of"] == 2 and figures["minutes"] == 6.0
    assert {town: entry["routes"]["done"] for town, entry in figures["drive"].items()} == {
        "Backseat01": 3,
        "Backseat03": 1,
    }
    assert len(json.loads((tmp_path / "worst_cases.json").read_text())) == 1
    publish(tmp_path, {**about, "weights": "def", "minutes": 1.0, "drive": {}}, [])
    figures = json.loads((tmp_path / "evaluation.json").read_text())
    assert "open_loop" not in figures and json.loads((tmp_path / "worst_cases.json").read_text()) == []


def test_a_damaged_folder_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text("{ half")
    report = evaluation_folder.publish(tmp_path, {"driver": "teacher", "date": "2026-11-22", "minutes": 1.0}, [])
    assert report.exists() and json.loads((tmp_path / "evaluation.json").read_text())["driver"] == "teacher"


def test_the_page_of_figures_is_made_of_evaluations_alone(tmp_path: Path) -> None:
    late = summary([PASSED, Played(replace(ARRIVED, ended="out of time"), 40.0, {})])
    towns = {
        "Backseat03": {"all": late, "no_place": {"cut_in": "none"}, "slow_leader": late},
        "Backseat01": {"all": summary([PASSED]), "no_place": {}, "cut_in": summary([PASSED])},
    }
    driven = {"successes": 1, "of": 2, "driving_score": 80.0, "route_completion": 1.0, "infractions": {"left_lane": 2}}
    figures = {"driver": "pocket", "date": "2026-11-22", "seed": 7, "weights": "abc", "scenes": towns}
    source, out = tmp_path / "evaluation.json", tmp_path / "FIGURES.md"
    source.write_text(json.dumps({**figures, "drive": {"Backseat01": {"traffic": driven}}}))
    assert scene_figures.main([str(source), "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    for line in (
        "2026-11-22, seed 7, weights abc.",
        "| scene | Backseat01 | Backseat03 |",
        "| cut_in | 1/1 100.0 | - |",
        "| slow_leader | - | 1/2 70.0 |",
        "- Backseat03, slow_leader: out of time (1 of 2)",
        "| Backseat01 | 1/2 | 80.0 | 1.0 | left lane 2 |",
    ):
        assert line in text.splitlines()
    source.write_text('{"driver": "teacher"}')
    assert scene_figures.main([str(source), "--out", str(out)]) == 2


def test_a_world_that_does_not_start_keeps_what_was_measured_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    nothing = ["--routes", "0", "--reds", "0", "--traffic-routes", "0", "--port", "2960"]
    towns = ["--town", "Backseat01", "Nowhere"]
    words = ["--suite", "drive", "--driver", "teacher", *nothing, *towns, "--out", str(tmp_path)]
    assert evaluate.main(parser.parse_args(words)) == 1
    assert list(json.loads((tmp_path / "evaluation.json").read_text())["drive"]) == ["Backseat01"]
    assert "Nowhere" in capsys.readouterr().err
