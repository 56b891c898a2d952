"""The shipped towns, each read once for all tests: by our own loader, and by libcarla as every client does."""

from __future__ import annotations

from functools import cache

import carla

from sim_bridge.embedded import town as towns
from sim_bridge.embedded.contracts import Town

NAMES = towns.names()


@cache
def town_of(name: str) -> Town:
    return towns.load(name)


@cache
def oracle_of(name: str) -> carla.Map:
    return carla.Map(name, town_of(name).opendrive)
