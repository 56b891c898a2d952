"""The plan of Backseat03: a village of narrow lanes around a green, its houses close to the road.

.----.__.---T-------P--.      W, E: lights, one arm at a time; H: the green, a roundabout
|           (       |  |      T, P, Q, U, X: everybody stops
|           )       )  |
W--.__.-----H-----X----E      main street W-H-X-E 40 km/h, lanes of 3.25 m
|           (     (    |      lanes 30 km/h, 3 m without a centre line
|           )    /     |      back lane P-X-Q 20 km/h, 3 m between grass verges
'-----------U---Q------'
"""

from __future__ import annotations

from sim_bridge.embedded.town.author.plan import RING_MARGIN_M, Crossing, Profile, Street, TownPlan

# Three metres: two trucks of the Traffic Manager just pass each other.
MAIN = Profile(1, 40, "sidewalk", 1.6, may_overtake=True, lane_width_m=3.25, quarter="village")
LANE = Profile(1, 30, "sidewalk", 1.6, lane_width_m=3.0, is_unmarked=True, quarter="village")
BACK = Profile(1, 20, "shoulder", 0.5, lane_width_m=3.0, is_unmarked=True, quarter="village")
# Wide, as trucks cut its bend.
RING = Profile(1, 20, "sidewalk", 1.6, back=0, lane_width_m=4.5, inner_m=RING_MARGIN_M, quarter="village")

# A truck that turns from a lane of three metres needs the whole crossing: one vehicle at a time, and nobody near. The
# lead of W is longer lest streets from there end at a 5 m sample of libcarla, where cars stop late: see `network`.
LEAD_M = 3.0

PLAN = TownPlan(
    name="Backseat03",
    crossings=(
        Crossing("H", 0, 0, "roundabout", reach_m=21.5, island_m=10.9, ring=RING),
        Crossing("W", -160, 0, "lights in turn", lead_m=LEAD_M + 0.6),
        Crossing("E", 165, 0, "lights in turn", lead_m=LEAD_M),
        Crossing("T", 0, 110, "all-way stop", lead_m=LEAD_M),
        Crossing("P", 105, 110, "all-way stop", lead_m=LEAD_M),
        Crossing("U", 0, -100, "all-way stop", lead_m=LEAD_M),
        Crossing("Q", 60, -100, "all-way stop", lead_m=LEAD_M),
        Crossing("X", 80, 0, "all-way stop", lead_m=LEAD_M),
    ),
    streets=(
        Street("W", "H", MAIN, via=((-115, 0, 45), (-78, 20, 35), (-46, 0, 45))),
        Street("H", "X", MAIN),
        Street("X", "E", MAIN),
        Street("W", "T", LANE, via=((-160, 110, 30), (-100, 110, 30), (-72, 126, 28), (-45, 110, 30))),
        Street("T", "P", LANE, via=((34, 110, 22), (52, 121, 26), (73, 110, 25))),
        Street("P", "E", LANE, via=((165, 110, 32),)),
        Street("H", "T", LANE, via=((0, 40, 28), (-9, 58, 25), (0, 76, 28))),
        Street("H", "U", LANE, via=((0, -40, 28), (7, -55, 22), (0, -70, 28))),
        Street("W", "U", LANE, via=((-160, -60, 35), (-120, -100, 35))),
        Street("U", "Q", LANE),
        Street("Q", "E", LANE, via=((165, -100, 35),)),
        Street("X", "P", BACK, via=((80, 45, 30), (105, 70, 30))),
        Street("X", "Q", BACK, via=((80, -45, 27), (60, -65, 27))),
    ),
    seed=3,
    turn_limit_kmh=20,
)
