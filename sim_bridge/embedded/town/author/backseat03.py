"""The plan of Backseat03: a village of narrow lanes around a green, its houses close to the road.

.----.__.---T-------P--.      W, E: lights; H: the green, a roundabout; X: everybody stops
|           (       |  |      T, P, Q give way with a stop sign, U with a yield sign
|           )       )  |
W--.__.-----H-----X----E      main street W-H-X-E 40 km/h, lanes of 3.25 m
|           (     (    |      lanes 30 km/h, 3 m without a centre line
|           )    /     |      back lane P-X-Q 20 km/h, 3 m between grass verges
'-----------U---Q------'
"""

from __future__ import annotations

from sim_bridge.embedded.town.author.plan import Crossing, Profile, Street, TownPlan

# Three metres: two trucks of the Traffic Manager just pass each other.
MAIN = Profile(1, 40, "sidewalk", 1.6, may_overtake=True, lane_width_m=3.25, quarter="village")
LANE = Profile(1, 30, "sidewalk", 1.6, lane_width_m=3.0, is_unmarked=True, quarter="village")
BACK = Profile(1, 20, "shoulder", 0.5, lane_width_m=3.0, is_unmarked=True, quarter="village")

PLAN = TownPlan(
    name="Backseat03",
    crossings=(
        Crossing("H", 0, 0, "roundabout", island_m=8.0),
        Crossing("W", -160, 0, "lights"),
        Crossing("E", 165, 0, "lights"),
        Crossing("T", 0, 110, "stop"),
        Crossing("P", 105, 110, "stop"),
        Crossing("U", 0, -100, "yield"),
        Crossing("Q", 60, -100, "stop"),
        Crossing("X", 80, 0, "all-way stop"),
    ),
    streets=(
        Street("W", "H", MAIN, via=((-115, 0, 45), (-78, 20, 35), (-40, 0, 45))),
        Street("H", "X", MAIN),
        Street("X", "E", MAIN),
        Street("W", "T", LANE, via=((-160, 110, 30), (-100, 110, 30), (-72, 126, 28), (-45, 110, 30))),
        Street("T", "P", LANE, via=((32, 110, 25), (52, 121, 26), (73, 110, 25))),
        Street("P", "E", LANE, via=((165, 110, 32),)),
        Street("H", "T", LANE, via=((0, 34, 28), (-10, 55, 25), (0, 76, 28))),
        Street("H", "U", LANE, via=((0, -32, 28), (9, -50, 24), (0, -68, 28))),
        Street("W", "U", LANE, via=((-160, -60, 35), (-120, -100, 35))),
        Street("U", "Q", LANE),
        Street("Q", "E", LANE, via=((165, -100, 35),)),
        Street("X", "P", BACK, via=((80, 45, 30), (105, 70, 30))),
        Street("X", "Q", BACK, via=((80, -45, 27), (60, -65, 27))),
    ),
    seed=3,
)
