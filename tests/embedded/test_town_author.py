"""Authored towns: the files in assets are what the script writes, and a plan that cannot be built is refused."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim_bridge.embedded.town.author.__main__ import PLANS, write
from sim_bridge.embedded.town.author.backseat01 import PLAN
from sim_bridge.embedded.town.author.network import build
from sim_bridge.embedded.town.author.plan import Crossing, Profile, Street, TownPlan
from sim_bridge.embedded.town.curves import join, through_corners
from sim_bridge.embedded.town.folder import TOWNS_FOLDER
from sim_bridge.embedded.town.scenery_file import Scenery, Tree, dumps, loads

NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")


def test_assets_are_what_the_author_writes(tmp_path: Path) -> None:
    for written in write(tmp_path):
        fresh, shipped = written.read_text(), (TOWNS_FOLDER / written.name).read_text()
        stale = f"{written.name} in assets is stale; run the author again"
        assert NUMBER.sub("#", fresh) == NUMBER.sub("#", shipped), stale
        # Another machine's sine may differ in the last bit, and so in the last decimal written.
        ours, theirs = (np.array(NUMBER.findall(text), dtype=float) for text in (fresh, shipped))
        assert np.allclose(ours, theirs, rtol=0, atol=1.5e-3 if written.suffix == ".json" else 1e-6), stale


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_turns_over_crossings_can_be_driven_at_six_metres_per_second(plan: TownPlan) -> None:
    radii = [
        # In the lane's middle, half a lane to the right of the reference line: 6 m/s at 3 m/s2.
        1 / abs(piece.curvature) + math.copysign(connector.source.profile.lane_width_m / 2, piece.curvature)
        for crossing in build(plan).crossings
        for connector in crossing.connectors
        for piece in connector.curve.pieces
        if piece.curvature and (crossing.crossing.control != "roundabout" or crossing.crossing.ring)
    ]
    assert min(radii) > 11.9


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_no_two_connectors_join_the_same_lanes(plan: TownPlan) -> None:
    network = build(plan)
    pairs = [
        (c.source.road_id, c.source_lane, c.target.road_id, c.target_lane)
        for crossing in network.crossings
        for c in crossing.connectors
    ]
    assert len(pairs) == len(set(pairs))


def test_a_crossing_of_two_streets_is_refused() -> None:
    plan = replace(PLAN, streets=tuple(street for street in PLAN.streets if street.start != "R"))
    with pytest.raises(ValueError, match="at least 3 streets"):
        build(plan)


def test_a_lane_that_ends_at_a_crossing_is_refused() -> None:
    """Two lanes that arrive where only a street of one lane leads on: one of them goes nowhere."""
    wide, narrow = Profile(2, 50, "sidewalk", 2.0), Profile(1, 50, "sidewalk", 2.0, back=0)
    middle = Crossing("M", 0, 0, "lights")
    ends = (Crossing("A", -90, 0, "free"), Crossing("B", 0, 90, "free"), Crossing("C", 0, -90, "free"))
    streets = (Street("A", "M", wide), Street("B", "M", narrow), Street("M", "C", narrow))
    with pytest.raises(ValueError, match="expected a way on from lane 0 of road 1 at M"):
        build(TownPlan("T", (middle, *ends), streets, 1))


def test_a_ring_whose_arms_stand_too_close_is_refused() -> None:
    lane = Profile(1, 30, "sidewalk", 1.6)
    ring = Profile(1, 20, "sidewalk", 1.6, back=0)
    middle = Crossing("M", 0, 0, "roundabout", reach_m=21.5, island_m=11.0, ring=ring)
    ends = (Crossing("A", -90, 0, "free"), Crossing("B", 90, 0, "free"), Crossing("C", 90, 60, "free"))
    streets = tuple(Street("M", end.name, lane) for end in ends)
    with pytest.raises(ValueError, match="arms of M farther apart"):
        build(TownPlan("T", (middle, *ends), streets, 1))


def test_a_bend_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="are missing"):
        through_corners([(0, 0), (10, 0), (10, 10)], [20.0])


def test_corners_are_rounded_with_their_radius() -> None:
    curve = through_corners([(0, 0), (50, 0), (50, 50)], [20.0])
    assert [1 / p.curvature for p in curve.pieces if p.curvature] == pytest.approx([20.0])
    assert curve.end == pytest.approx((50.0, 50.0, math.pi / 2))
    assert curve.length == pytest.approx(30 + 30 + 10 * math.pi)


@pytest.mark.parametrize(
    "end",
    [(20.0, 0.0, 0.0), (30.0, 3.5, 0.0), (15.0, 12.0, math.pi / 2), (12.0, -20.0, -math.pi / 2), (20.0, 5.0, 0.8)],
)
def test_join_is_smooth_and_arrives(end: tuple[float, float, float]) -> None:
    curve = join((0.0, 0.0, 0.0), end)
    assert curve.end == pytest.approx(end, abs=1e-6)
    poses = curve.poses(np.linspace(0.0, curve.length, 400))
    steps = np.diff(poses[:, :2], axis=0)
    between = (poses[1:, 2] + poses[:-1, 2]) / 2
    assert np.allclose(np.arctan2(steps[:, 1], steps[:, 0]), between, atol=0.01)


def test_scenery_survives_its_file() -> None:
    scenery = Scenery(trees=(Tree(1.0, -2.5, 7.0, 1.8, (1.0, 0.9, 0.8), True, False),))
    assert loads(dumps(scenery)) == scenery


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"lamps": [{"x": 1.0, "y": 2.0}]}', r"lamps\[0\]"),
        ('{"props": [{"kind": "dragon", "x": 1.0, "y": 2.0, "heading": 0.0}]}', r"props\[0\]"),
        ('{"lamps": [{"x": NaN, "y": 2.0, "heading": 0.0}]}', r"lamps\[0\]"),
    ],
)
def test_scenery_names_what_is_wrong(text: str, place: str) -> None:
    with pytest.raises(ValueError, match=place):
        loads(text)
