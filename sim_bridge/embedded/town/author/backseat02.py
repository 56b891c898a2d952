"""The plan of Backseat02: a suburb of winding streets, T-junctions and gardens, with a roundabout in the south.

 .--------N--------.          N, L, C, M: lights, one arm at a time; main street L-C-M 50 km/h with an S on either side
|         )         |         ring 40 km/h, bends of 40 to 70 m
A--.      |    .----B         A, B, G, K: everybody stops
)   '-----K---'     |         quiet streets A-K-B 30 km/h
L--._.----C--.-'--.-M
|         )         |
'---G-----O---._.--'          O: roundabout; crescent G-O 20 km/h with cars parked on both sides
     '---'
"""

from __future__ import annotations

from sim_bridge.embedded.town.author.plan import Crossing, Profile, Street, TownPlan

MAIN = Profile(lanes=1, limit_kmh=50, border="sidewalk", border_width_m=2.5, may_overtake=True, quarter="suburb")
RING = Profile(lanes=1, limit_kmh=40, border="sidewalk", border_width_m=2.0, may_overtake=True, quarter="suburb")
QUIET = Profile(lanes=1, limit_kmh=30, border="sidewalk", border_width_m=2.0, quarter="suburb")
CRESCENT = Profile(lanes=1, limit_kmh=20, border="sidewalk", border_width_m=2.0, parking_m=2.2, quarter="suburb")

PLAN = TownPlan(
    name="Backseat02",
    crossings=(
        Crossing("C", 0, 0, "lights in turn"),
        Crossing("L", -200, 0, "lights in turn"),
        Crossing("M", 210, 0, "lights in turn"),
        Crossing("N", 0, 200, "lights in turn"),
        Crossing("A", -200, 130, "all-way stop"),
        Crossing("B", 210, 120, "all-way stop"),
        Crossing("K", 0, 100, "all-way stop"),
        Crossing("G", -100, -130, "all-way stop"),
        Crossing("O", 0, -130, "roundabout", island_m=8.0),
    ),
    streets=(
        Street("L", "C", MAIN, via=((-140, 0, 60), (-90, -35, 40), (-45, 0, 60))),
        Street("C", "M", MAIN, via=((70, 0, 60), (110, 40, 30), (150, 0, 60))),
        Street("L", "A", RING, via=((-200, 45, 40), (-215, 70, 25), (-200, 95, 40))),
        Street("A", "N", RING, via=((-200, 200, 45),)),
        Street("N", "B", RING, via=((210, 200, 60),)),
        Street("B", "M", RING),
        Street("N", "K", RING, via=((0, 172, 30), (16, 150, 20), (0, 128, 30))),
        Street("K", "C", RING),
        Street("A", "K", QUIET, via=((-155, 130, 20), (-155, 80, 15), (-90, 80, 30), (-60, 100, 30))),
        Street("K", "B", QUIET, via=((45, 100, 25), (75, 145, 25), (130, 145, 40), (165, 120, 30))),
        Street("L", "G", RING, via=((-200, -130, 50),)),
        Street("G", "O", RING),
        Street("C", "O", RING, via=((0, -35, 50), (-12, -60, 25), (0, -85, 50))),
        Street("O", "M", RING, via=((60, -130, 60), (100, -160, 30), (150, -130, 60), (210, -130, 40))),
        Street("G", "O", CRESCENT, via=((-100, -205, 30), (0, -205, 30))),
    ),
    seed=2,
)
