"""Which lane a car counts as being on, and so which speed limit it is told."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sim_bridge.embedded.contracts import Pose, Town
from sim_bridge.embedded.town import opendrive
from sim_bridge.embedded.world.lanes import LaneIndex, LanePlace
from tests.embedded.authored import NAMES, oracle_of, town_of
from tests.embedded.carla_agents import Connection, connections
from tests.embedded.fakes import FLAT, flat_world
from tests.embedded.strange_roads import opendrive as file_of
from tests.embedded.strange_roads import street
from tests.embedded.test_world import car

INSIDE_M = 1.0  # how far drivers cut corners


def _cut(connection: Connection) -> list[Pose]:
    """A driver's poses along the way, on the inside of its bends."""
    transforms = [waypoint.transform for waypoint in connection.way]
    turn = [(b.rotation.yaw - a.rotation.yaw + 180.0) % 360.0 - 180.0 for a, b in pairwise(transforms)]
    poses = []
    for pose, bend in zip(transforms, [*turn, 0.0], strict=True):
        yaw, aside = math.radians(pose.rotation.yaw), math.copysign(INSIDE_M, bend) if abs(bend) > 1.0 else 0.0
        x, y = pose.location.x - aside * math.sin(yaw), pose.location.y + aside * math.cos(yaw)
        poses.append(Pose(x, y, yaw=pose.rotation.yaw))
    return poses


def _limits_met(index: LaneIndex, poses: list[Pose]) -> list[float]:
    """The limits one after another, as a car that drives along the poses is told them, at steps of half a metre."""
    place: LanePlace | None = None
    limits: list[float] = []
    for a, b in pairwise(poses):
        for share in np.linspace(0.0, 1.0, 4, endpoint=False):
            x, y = a.x + share * (b.x - a.x), a.y + share * (b.y - a.y)
            place = index.nearest(replace(a, x=x, y=y), place)
            assert place is not None
            if not limits or limits[-1] != place.limit_kmh:
                limits.append(place.limit_kmh)
    return limits


@pytest.mark.parametrize("name", NAMES)
def test_the_limit_does_not_flicker_between_ways_that_lie_on_one_another(name: str) -> None:
    index = LaneIndex(town_of(name).lane_samples)
    wrong = {}
    for connection in connections(oracle_of(name)):
        limits = _limits_met(index, _cut(connection))
        # Street, a way that begins as one's own does, one's own, the street beyond.
        if len(limits) > 4:
            wrong[connection.name] = limits
    assert not wrong


def test_a_car_is_on_the_road_it_comes_from_until_another_is_clearly_nearer() -> None:
    along = np.arange(0.0, 60.0, 2.0)
    ahead = [[x, 0.0, 0.0, 50.0, 1, -1, x] for x in along]
    # Begins on the first road, half a sample on, and leaves it to the right.
    off = [[x + 1.0, max(0.0, x - 20.0) / 4.0, 0.0, 30.0, 2, -1, x] for x in along]
    index = LaneIndex(np.array(ahead + off))
    for first, lone in ((1, ahead), (2, off)):
        place = index.nearest(Pose(lone[0][0], lone[0][1]), LanePlace(0.0, 0.0, first, -1, 0.0, 0.0))
        for x, y, *_ in lone:
            place = index.nearest(Pose(x, y), place)
            assert place is not None and place.road_id == first
    strayed = index.nearest(Pose(45.0, 6.0), LanePlace(0.0, 50.0, 1, -1, 40.0, 0.0))
    assert strayed is not None and strayed.road_id == 2


def test_a_road_whose_file_states_no_limit_leaves_the_one_before_in_force() -> None:
    stated = '<type s="0" type="town"><speed max="30" unit="km/h"/></type>'
    plain = street()
    said = plain.replace("<planView>", stated + "<planView>", 1)
    for text, limit in ((plain, opendrive.UNSTATED_KMH), (said, 30.0)):
        (road,) = opendrive.parse(file_of(text)).roads.values()
        assert float(road.limit_kmh(1.0)) == limit
    silent = FLAT.lane_samples.copy()
    silent[silent[:, 0] > 30.0, 3] = opendrive.UNSTATED_KMH
    assert _driven_limits(replace(FLAT, lane_samples=silent)) == [50.0, 50.0]


def _driven_limits(town: Town) -> list[float]:
    world = flat_world()
    world.lanes = LaneIndex(town.lane_samples)
    told = []
    ego = car(world, x=20.0, y=1.75)
    for x in (20.0, 60.0):
        world.place(ego, replace(ego.pose, x=x))
        world.tick()
        told.append(ego.speed_limit_kmh)
    return told
