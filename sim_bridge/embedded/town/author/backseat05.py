"""The plan of Backseat05: hamlets on narrow lanes, some with a centre line and some without, tight bends between them.

 .---.____N___.--.          R: a small roundabout; C, L: lights; main road R-C-L 40 km/h, lanes of 3.2 m
(         |      |          A, B, K, M, P, Z: everybody stops
A--.__.---K--.---B          N gives way with a stop sign, Q with a yield sign
|         |      |          hill lane C-K-N and the north ring 30 km/h, 3 m; yard lane C-M 2.7 m
R---'-.---C--.---L          farm lanes 30 km/h, 2.8 m with a centre line
|         |     .'          back lanes 20 km/h, 2.6 m of bare asphalt between verges, bends of 8 to 16 m
'-P--.----M--'-Q
  '-._____Z___.'
"""

from __future__ import annotations

from sim_bridge.embedded.town.author.plan import Crossing, Profile, Street, TownPlan

MAIN = Profile(1, 40, "sidewalk", 1.6, may_overtake=True, lane_width_m=3.2, quarter="hamlet")
HILL = Profile(1, 30, "sidewalk", 1.6, lane_width_m=3.0, is_unmarked=True, quarter="hamlet")
YARD = Profile(1, 30, "sidewalk", 1.6, lane_width_m=2.7, is_unmarked=True, quarter="hamlet")
LANE = Profile(1, 30, "shoulder", 0.6, lane_width_m=2.8, is_unmarked=True, quarter="hamlet")
FARM = Profile(1, 30, "shoulder", 0.6, lane_width_m=2.8, quarter="farms")
PAVED = Profile(1, 30, "sidewalk", 1.6, lane_width_m=2.8, quarter="farms")
BACK = Profile(1, 20, "shoulder", 0.4, lane_width_m=2.6, is_unmarked=True, quarter="farms")

# Where back lanes meet others two that turn cannot pass each other, so everybody stops there.
# Bends keep 17 m away from crossings, where poles stand nearer to the lanes than a long vehicle's nose swings.
PLAN = TownPlan(
    name="Backseat05",
    crossings=(
        Crossing("R", -175, -15, "roundabout", island_m=6.0, ring_lane_m=4.2),
        Crossing("C", 0, 0, "lights"),
        Crossing("L", 180, 10, "lights"),
        Crossing("K", 10, 105, "all-way stop"),
        Crossing("A", -160, 115, "all-way stop"),
        Crossing("B", 165, 120, "all-way stop"),
        Crossing("N", -15, 215, "stop"),
        Crossing("M", -12, -125, "all-way stop"),
        Crossing("P", -120, -125, "all-way stop"),
        Crossing("Q", 125, -110, "yield"),
        Crossing("Z", 15, -222, "all-way stop"),
    ),
    streets=(
        Street("R", "C", MAIN, via=((-130, -15, 40), (-85, 22, 32), (-45, 0, 40))),
        Street("C", "L", MAIN, via=((60, 0, 50), (120, 10, 50))),
        Street("C", "K", HILL, via=((0, 35, 24), (10, 65, 24))),
        Street("K", "N", HILL, via=((10, 143, 16), (-15, 168, 16))),
        Street(
            "A", "N", HILL, via=((-160, 160, 30), (-125, 195, 20), (-85, 190, 25), (-60, 215, 22)), crosswalks=(0.4,)
        ),
        Street("N", "B", HILL, via=((35, 215, 25), (70, 232, 20), (110, 205, 22), (165, 205, 28)), crosswalks=(0.6,)),
        Street("K", "A", LANE, via=((-35, 105, 14), (-55, 130, 10), (-85, 118, 12), (-102, 94, 12), (-124, 115, 14))),
        Street("K", "B", BACK, via=((50, 105, 12), (72, 80, 10), (105, 88, 10), (118, 120, 12))),
        Street("A", "R", PAVED, via=((-160, 75, 25), (-178, 48, 22), (-175, 20, 30))),
        Street("B", "L", FARM, via=((165, 75, 20), (180, 45, 20))),
        Street("C", "M", YARD, via=((0, -37, 14), (-22, -58, 10), (-12, -90, 14))),
        Street("M", "P", LANE, via=((-50, -125, 16), (-66, -146, 12), (-84, -125, 14))),
        Street("M", "Q", FARM, via=((30, -125, 25), (60, -95, 22), (88, -110, 22))),
        Street("M", "Z", BACK, via=((-12, -163, 12), (15, -182, 12))),
        Street("R", "P", PAVED, via=((-175, -60, 28), (-158, -125, 30))),
        Street(
            "P", "Z", BACK, via=((-120, -166, 12), (-92, -176, 8), (-92, -212, 8), (-55, -206, 10), (-28, -222, 30))
        ),
        Street("L", "Q", LANE, via=((180, -48, 14), (152, -65, 12), (125, -65, 12))),
        Street("Q", "Z", LANE, via=((125, -150, 16), (95, -178, 14), (85, -222, 14))),
    ),
    seed=5,
)
