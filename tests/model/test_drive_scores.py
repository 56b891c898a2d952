"""The judge of a drive: lane keeping against the route as planned, infractions and their price, comfort. No world."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import carla
import numpy as np
import pytest

from model.training.comfort import comfort, efficiency, slope
from model.training.evaluate_drive import RouteScore, route_summary
from model.training.infractions import Watch
from model.training.lane_keeping import LaneKeeping, Placement, PlannedRoute, planned_route
from model.training.samples import FrameFacts, SignFacts
from sim_bridge.messages import TICK_S, Collision, EgoState
from tests.model.teacher_scenes import open_road, red_light

TOWN = Path(__file__).resolve().parents[2] / "assets" / "towns" / "Backseat01.xodr"
HALF_LENGTH_M, HALF_WIDTH_M = 2.45, 0.92


def straight(metres: int = 200, junction: tuple[int, int] | None = None) -> PlannedRoute:
    """A lane 3.5 m wide along x, its middle at y = 0, with a junction between two metres of it."""
    inside = np.zeros(metres + 1, dtype=bool)
    if junction is not None:
        inside[slice(*junction)] = True
    xy = np.column_stack([np.arange(metres + 1.0), np.zeros(metres + 1)])
    return PlannedRoute(xy, np.zeros(metres + 1), np.full(metres + 1, 1.75), inside)


def at(x: float, y: float = 0.0, yaw_deg: float = 0.0, speed: float = 8.0) -> EgoState:
    return EgoState(x, y, math.radians(yaw_deg), speed)


def keeping(route: PlannedRoute | None = None) -> LaneKeeping:
    return LaneKeeping(route or straight(), HALF_LENGTH_M, HALF_WIDTH_M)


def drive(
    ys: list[float], facts: FrameFacts | None = None, route: PlannedRoute | None = None, route_m: float = 150.0
) -> Watch:
    """A car along x at 8 m/s whose middle is at each `y` in turn."""
    keeps, watch = keeping(route), Watch(route_m)
    for k, y in enumerate(ys):
        ego = at(0.4 * k, y)
        watch.sees(ego, keeps.sees(ego), facts or open_road(), ())
        if watch.end:
            break
    return watch


# ---- the lane --------------------------------------------------------------------------------------------------------


def test_the_side_of_the_car_is_measured_against_the_edge_of_its_lane() -> None:
    keeps = keeping()
    assert keeps.sees(at(0.0)).over_m == pytest.approx(HALF_WIDTH_M - 1.75)
    assert keeps.sees(at(1.0, 1.0)).over_m == pytest.approx(1.0 + HALF_WIDTH_M - 1.75)
    askew = keeps.sees(at(2.0, 0.5, 10.0))
    reach = math.sin(math.radians(10.0)) * HALF_LENGTH_M + math.cos(math.radians(10.0)) * HALF_WIDTH_M
    assert askew.over_m == pytest.approx(0.5 + reach - 1.75, abs=0.01)
    assert askew.aside_m == pytest.approx(0.5) and askew.along_m == 2.0


def test_inside_a_junction_the_middle_counts_and_the_corners_may_sweep() -> None:
    keeps = keeping(straight(junction=(0, 40)))
    assert keeps.sees(at(10.0, 1.2, 25.0)).over_m < 0.0
    assert keeps.sees(at(11.0, 2.4)).over_m == pytest.approx(0.65)


def test_changing_into_the_next_lane_unasked_is_leaving_the_lane() -> None:
    slide = [3.5 * min(1.0, max(0.0, (k - 50) / 60)) for k in range(300)]
    watch = drive(slide)
    assert watch.counts == {"left_lane": 1}
    assert not watch.is_done and watch.driving_score < 100.0
    assert "left lane after" in watch.first_fault


def test_a_brush_of_the_paint_is_forgiven_and_a_long_or_wide_one_is_not() -> None:
    on_paint = 1.75 - HALF_WIDTH_M + 0.25  # a quarter of a metre over the edge
    assert drive([0.0] * 20 + [on_paint] * 8 + [0.0] * 20).counts == {}
    assert drive([0.0] * 20 + [on_paint] * 12 + [0.0] * 20).counts == {"left_lane": 1}
    assert drive([0.0] * 20 + [1.75 - HALF_WIDTH_M + 0.6] + [0.0] * 20).counts == {"left_lane": 1}
    assert drive([0.0] * 50).worst_over_m < 0.0


def test_two_excursions_count_twice_and_one_once() -> None:
    out, back = [1.6] * 30, [0.0] * 30
    assert drive(out + back + out).counts == {"left_lane": 2}
    assert drive(out + [0.95] * 30 + out).counts == {"left_lane": 1}  # a side stays over the edge all along


def test_a_wrong_turn_ends_off_the_route() -> None:
    watch = drive([0.0] * 40 + [0.4 * k for k in range(45)])
    assert watch.end == "off the route" and not watch.is_done


def test_the_plan_of_the_start_is_the_navigators_own() -> None:
    town_map = carla.Map("Backseat01", TOWN.read_text())
    start = town_map.generate_waypoints(40.0)[3]
    one, two = planned_route(start, 17, 200.0), planned_route(start, 17, 120.0)
    assert np.array_equal(one.xy[:121], two.xy)
    assert len(one.xy) == 201 and (one.half_width_m > 1.2).all()
    steps = np.hypot(*np.diff(one.xy, axis=0).T)
    assert steps.max() < 1.3


# ---- infractions and scores ------------------------------------------------------------------------------------------


def test_a_faultless_drive_scores_a_hundred() -> None:
    watch = drive([0.0] * 400)
    assert watch.end == "done" and watch.is_done and watch.is_success
    assert watch.driving_score == pytest.approx(100.0) and watch.seconds == pytest.approx(150.0 / 8.0, abs=0.3)


def test_penalties_multiply_and_completion_scales() -> None:
    watch = Watch(200.0)
    hits = (Collision(5, "vehicle.tesla.model3", 900.0), Collision(6, "vehicle.tesla.model3", 20.0))
    for k in range(251):
        watch.sees(at(0.4 * k), keeping().sees(at(0.4 * k)), open_road(), hits)
    assert watch.counts == {"collision_vehicle": 1}
    for hit in (Collision(300, "walker.pedestrian.0001", 50.0),):
        watch.sees(at(100.4), Placement(100.0, 0.0, -0.8, False), open_road(), (*hits, hit))
    assert watch.infraction_score == pytest.approx(0.6 * 0.5)
    assert watch.driving_score == pytest.approx(100.0 * 0.5 * 0.3, abs=0.5)


def passes(facts_at: list[tuple[float, FrameFacts]]) -> Watch:
    watch = Watch(100.0)
    for speed, facts in facts_at:
        watch.sees(at(0.0, speed=speed), Placement(0.0, 0.0, -0.8, False), facts, ())
    return watch


def test_running_a_red_light_is_noticed_and_waiting_is_not() -> None:
    assert passes([(6.0, red_light(left)) for left in (3.0, 1.5, 0.4)] + [(6.0, open_road())]).counts == {
        "red_light": 1
    }
    assert passes([(1.0, red_light(left)) for left in (3.0, 1.5, 1.2, 1.2)]).counts == {}


def test_a_stop_sign_wants_a_standstill_before_its_line() -> None:
    signs = [replace(open_road(), signs=(SignFacts("stop", left),)) for left in (8.0, 4.0, 1.5, 0.5)]
    gone = open_road(signs=())
    assert passes([(6.0, facts) for facts in signs] + [(6.0, gone)]).counts == {"stop_sign": 1}
    waits = [(6.0, signs[0]), (3.0, signs[1]), (0.0, signs[2]), (2.0, signs[3]), (4.0, gone)]
    assert passes(waits).counts == {}


def test_standing_about_ends_a_drive_and_waiting_at_red_does_not() -> None:
    assert passes([(0.0, open_road())] * 420).end == "stuck"
    assert passes([(0.0, red_light(3.0))] * 420).end == ""
    assert passes([(0.0, red_light(3.0))] * round(100.0 / TICK_S)).end == "stuck"


def test_a_summary_adds_up() -> None:
    good = RouteScore(1, "done", True, True, {}, 1.0, 1.0, 100.0, 300.0, 40.0, 7.5, 0.0, -0.8, 0.9, 120.0, "")
    bad = replace(good, seed=2, is_done=False, is_success=False, counts={"left_lane": 2}, driving_score=50.0,
                  efficiency=None)  # fmt: skip
    figures = route_summary([good, bad])
    assert (figures["done"], figures["successes"], figures["of"]) == (1, 1, 2)
    assert figures["driving_score"] == 75.0 and figures["infractions"] == {"left_lane": 2}
    assert figures["efficiency"] == 120.0
    assert route_summary([])["driving_score"] is None


# ---- comfort ---------------------------------------------------------------------------------------------------------


def test_a_slope_is_the_slope() -> None:
    ticks = np.arange(100) * TICK_S
    assert slope(3.0 * ticks)[20:80] == pytest.approx(3.0)
    assert slope(np.sin(ticks))[20:80] == pytest.approx(np.cos(ticks)[20:80], abs=0.03)


def test_steady_driving_is_comfortable_and_stabbing_the_brake_is_not() -> None:
    steady = [at(0.4 * k) for k in range(200)]
    assert comfort(steady) == 1.0
    stabbed = [at(0.4 * k, speed=8.0 if k % 60 < 40 else 1.0) for k in range(200)]
    assert comfort(stabbed) < 0.5
    weaving = [at(0.4 * k, yaw_deg=20.0 * math.sin(0.4 * k)) for k in range(200)]
    assert comfort(weaving) == 0.0
    assert comfort(steady[:10]) is None


def test_efficiency_is_against_those_around() -> None:
    assert efficiency([6.0, 6.0, 9.0], [8.0, 4.0, None]) == pytest.approx(100.0)
    assert efficiency([6.0], [None]) is None
