"""No surface fights another for the same depth where a car drives: nothing that stands still flickers as it passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sim_bridge.embedded import town as towns
from sim_bridge.embedded.contracts import Pose, Town
from sim_bridge.embedded.renderer import Renderer
from tests.embedded.flicker import CREEP_M, DRIVE_M, EYE_M, measured, millionths, passage
from tests.embedded.plain_towns import floor, plain_town

PICTURES = 6
# Millionths of the picture. Creeping, 15 points of half a million: a far window whose texture shimmers. At driving pace
# lane lines of far cross streets, seen so flat that they are a tenth of a pixel high, come and go in crowds as well.
MOST_CREEPING, MOST_DRIVING = 30, 300


@contextmanager
def _renderer(town: Town) -> Iterator[Renderer]:
    renderer = Renderer(town, "software")
    try:
        yield renderer
    finally:
        renderer.close()


@pytest.mark.parametrize("name", towns.names())
def test_towns_do_not_flicker_over_a_junction(name: str) -> None:
    town = towns.load(name)
    with _renderer(town) as renderer:
        creeping, driving = (measured(renderer, town, pace, 1, PICTURES)[0].mean_share for pace in (CREEP_M, DRIVE_M))
    assert millionths([creeping]) <= MOST_CREEPING
    assert millionths([driving]) <= MOST_DRIVING


def test_two_surfaces_of_almost_one_height_are_seen_to_flicker() -> None:
    fighting = [floor("solid", 60.0, color, z) for color, z in (((0.1, 0.1, 0.1), 0.1), ((0.9, 0.9, 0.9), 0.1002))]
    with _renderer(plain_town(tuple(fighting))) as renderer:
        eyes = (Pose(number * CREEP_M, 0.0, EYE_M) for number in range(PICTURES))
        assert millionths([passage(renderer, plain_town(), eyes).mean_share]) > 100 * MOST_CREEPING
