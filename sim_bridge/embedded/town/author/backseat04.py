"""The plan of Backseat04: an arterial of 90 km/h with ramps, and a dense grid of blocks beside it.

.--------------------------------------.      north loop 70 km/h, shoulders
|                                      |
W=====___=====J1=======J2=====___======E      arterial, two lanes each way, eastbound a third between the ramps
|           .'           '.            |
|          a1--b1--c1--d1--e1          |      avenue row 1, 50 km/h, two lanes each way
|          |   |   |   |   |           |
'----------a2--b2--c2--d2--e2----------'      row 2: one lane each way, parked cars
           |   |   |   |   |
           '---b3--c3--d3--'                  row 3: one-way to the west, 30 km/h; columns b and d one-way too
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from sim_bridge.embedded.town.author.plan import Crossing, Profile, Street, TownPlan

ARTERIAL = Profile(2, 90, "shoulder", 2.0, quarter="country")
BETWEEN_RAMPS = replace(ARTERIAL, lanes=3, back=2)
RAMP = Profile(1, 60, "shoulder", 1.0, back=0, quarter="country")
LOOP = Profile(1, 70, "shoulder", 1.5, may_overtake=True, quarter="country")
FEEDER = Profile(1, 50, "sidewalk", 2.5, may_overtake=True)
AVENUE = Profile(2, 50, "sidewalk", 2.5, quarter="blocks")
STREET = Profile(1, 50, "sidewalk", 2.5, may_overtake=True, parking_m=2.2, quarter="blocks")
ONE_WAY = Profile(2, 30, "sidewalk", 2.5, back=0, parking_m=2.2, quarter="blocks")

RAMP_REACH_M = 45.0
COLUMNS = {"a": -200, "b": -100, "c": 0, "d": 100, "e": 200}
ROWS = {"1": -110, "2": -190, "3": -270}
# Nobody comes from the side at b3 and d1: neither light nor sign stands there.
CONTROLS = {"a2": "all-way stop", "e2": "all-way stop", "c3": "all-way stop", "b3": "yield", "d1": "yield"}
BENDS = ("a3", "e3")  # row 3 turns there, no streets meet

GRID = tuple(
    Crossing(column + row, x, y, CONTROLS.get(column + row, "lights in turn"))
    for row, y in ROWS.items()
    for column, x in COLUMNS.items()
    if column + row not in BENDS
)


def _along(profile: Profile, *crossings: str) -> tuple[Street, ...]:
    return tuple(Street(a, b, profile) for a, b in pairwise(crossings))


PLAN = TownPlan(
    name="Backseat04",
    crossings=(
        Crossing("W", -450, 40, "lights in turn"),
        Crossing("E", 450, 40, "lights in turn"),
        Crossing("J1", -120, 0, "free", reach_m=RAMP_REACH_M),
        Crossing("J2", 120, 0, "free", reach_m=RAMP_REACH_M),
        *GRID,
    ),
    streets=(
        Street("W", "J1", ARTERIAL, via=((-380, 40, 300), (-250, 0, 300))),
        Street("J1", "J2", BETWEEN_RAMPS),
        Street("J2", "E", ARTERIAL, via=((250, 0, 300), (380, 40, 300))),
        Street("a1", "J1", RAMP, via=((-200, -29.12, 40),)),
        Street("J2", "e1", RAMP, via=((200, -29.12, 40),)),
        Street("W", "E", LOOP, via=((-450, 150, 60), (-150, 190, 250), (150, 130, 250), (450, 150, 60))),
        Street("W", "a2", FEEDER, via=((-450, -190, 70),)),
        Street("E", "e2", FEEDER, via=((450, -190, 70),)),
        *_along(AVENUE, "a1", "b1", "c1", "d1"),
        *_along(STREET, "d1", "e1"),
        *_along(STREET, "a2", "b2", "c2", "d2", "e2"),
        Street("e2", "d3", ONE_WAY, via=((200, -270, 25),)),
        *_along(ONE_WAY, "d3", "c3", "b3"),
        Street("b3", "a2", ONE_WAY, via=((-200, -270, 25),)),
        *_along(STREET, "a2", "a1"),
        *_along(ONE_WAY, "b3", "b2", "b1"),
        *_along(STREET, "c3", "c2", "c1"),
        *_along(ONE_WAY, "d1", "d2"),
        *_along(replace(ONE_WAY, lanes=1), "d2", "d3"),
        *_along(STREET, "e2", "e1"),
    ),
    seed=4,
)
