"""Frames of Pocket's own driving: what is kept of them, and a few from a real world."""

from __future__ import annotations

import math
import random

import numpy as np

from model.training import collect, on_policy
from model.training.own_world import own_world
from model.training.paths import offset_of_car
from model.training.samples import LeadFacts
from sim_bridge.messages import Control
from tests.model.teacher_scenes import open_road, standing_van, straight_line

PORT = 21500


def test_kept_is_what_a_picture_can_tell() -> None:
    assert on_policy.is_tellable(open_road())
    assert on_policy.is_tellable(open_road(route=straight_line(-2.4)))  # half on the verge: the way back
    assert not on_policy.is_tellable(open_road(route=straight_line(2.2)))  # in the lane on the left, like any car there
    assert not on_policy.is_tellable(open_road(route=straight_line(-4.0)))
    assert not on_policy.is_tellable(open_road(route=straight_line(0.0, math.radians(70.0))))


def test_dull_moments_are_kept_seldom() -> None:
    assert on_policy.looks_between(open_road()) == on_policy.DULL_KEPT_EVERY
    assert on_policy.looks_between(open_road(speed_mps=0.0)) == on_policy.STANDING_KEPT_EVERY
    assert on_policy.looks_between(standing_van(10.0)) == 1
    assert on_policy.looks_between(open_road(route=straight_line(0.6))) == 1
    far = LeadFacts(45.0, 5.0, False, "car", "red")
    assert on_policy.looks_between(open_road(lead=far)) == on_policy.DULL_KEPT_EVERY


def test_pushes_come_and_go_and_stay_within_the_wheel() -> None:
    disturbance = on_policy.Disturbance(random.Random(3), rng=np.random.default_rng(3))
    steers = [disturbance.push(tick, Control(0.9, 0.5, 0.0)).steer for tick in range(4000)]
    pushed = np.array(steers) != 0.9
    assert 0.01 < pushed.mean() < 0.2
    assert np.abs(steers).max() <= 1.0
    wishes = [disturbance.wish(tick, open_road()) for tick in range(4000)]
    told = [wish for wish in wishes if wish is not None]
    assert 0.05 < len(told) / len(wishes) < 0.5
    assert len({wish.serial for wish in told}) > 3


def test_pocket_drives_and_the_teacher_writes() -> None:
    with own_world("Backseat01", 1, PORT) as port:
        shots = list(on_policy.driven_frames("127.0.0.1", port, "Backseat01", 1, 6, collect.SHIPPED, traffic=2))
    assert len(shots) == 6
    for rgb, facts, matrix in shots:
        assert rgb.shape == (512, 1024, 3) and np.shape(matrix) == (4, 4)
        assert facts.source == "pocket" and facts.town == "Backseat01"
        assert abs(offset_of_car(facts.route)[1]) < on_policy.KEPT_WITHIN_M
    assert any(facts.speed_mps > 0.5 for _, facts, _ in shots)
