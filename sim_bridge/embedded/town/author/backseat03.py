"""The plan of Backseat03: a village of narrow lanes around a green, its houses close to the road.

.----.__.---T-------P--.      W, E: lights; H: the green, a roundabout; X: everybody stops
|           (       |  |      T, P, Q give way with a stop sign, U with a yield sign
|           )       )  |
W--.__.-----H-----X----E      main street W-H-X-E 40 km/h, lanes of 3 m
|           (     (    |      lanes 30 km/h, 2.75 m without a centre line
|           )    /     |      back lane P-X-Q 20 km/h, 2.6 m between grass verges
'-----------U---Q------'
"""

from __future__ import annotations

from sim_bridge.embedded.town.author.plan import Crossing, Profile, Street, TownPlan

MAIN = Profile(1, 40, "sidewalk", 1.6, may_overtake=True, lane_width_m=3.0, quarter="village")
LANE = Profile(1, 30, "sidewalk", 1.6, lane_width_m=2.75, is_unmarked=True, quarter="village")
BACK = Profile(1, 20, "shoulder", 0.5, lane_width_m=2.6, is_unmarked=True, quarter="village")

PLAN = TownPlan(
    name="Backseat03",
    crossings=(
        Crossing("H", 0, 0, "roundabout", island_m=6.0),
        Crossing("W", -160, 0, "lights"),
        Crossing("E", 165, 0, "lights"),
        Crossing("T", 0, 110, "stop"),
        Crossing("P", 105, 110, "stop"),
        Crossing("U", 0, -100, "yield"),
        Crossing("Q", 60, -100, "stop"),
        Crossing("X", 80, 0, "all-way stop"),
    ),
    streets=(
        Street("W", "H", MAIN, via=((-115, 0, 40), (-78, 20, 25), (-40, 0, 35))),
        Street("H", "X", MAIN),
        Street("X", "E", MAIN),
        Street("W", "T", LANE, via=((-160, 110, 25), (-100, 110, 25), (-72, 126, 20), (-45, 110, 25))),
        Street("T", "P", LANE, via=((35, 110, 20), (52, 120, 18), (70, 110, 20))),
        Street("P", "E", LANE, via=((165, 110, 28),)),
        Street("H", "T", LANE, via=((0, 34, 20), (-10, 55, 16), (0, 76, 20))),
        Street("H", "U", LANE, via=((0, -32, 22), (9, -50, 16), (0, -68, 22))),
        Street("W", "U", LANE, via=((-160, -60, 20), (-120, -100, 20))),
        Street("U", "Q", LANE),
        Street("Q", "E", LANE, via=((165, -100, 32),)),
        Street("X", "P", BACK, via=((80, 45, 14), (105, 70, 14))),
        Street("X", "Q", BACK, via=((80, -45, 13), (60, -65, 13))),
    ),
    seed=3,
)
