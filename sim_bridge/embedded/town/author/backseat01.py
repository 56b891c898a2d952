"""The plan of Backseat01: an avenue through the middle, a ring around it, a fast road in the south.

    NW-------N-------NE-.        ring 50 km/h, bends r = 60 (west) and r = 100 (east); N: everybody stops
    |    .---'       |   \\       quiet street R-N: 30 km/h, bends r = 12 to 20
    R----'           |    |
    |                |    |
W---A----------------B----E      avenue, two lanes each way, 50 km/h; A, B: lights, one arm at a time
|    )               (    |
'-.  |               |    |      streets A-SW and B-SE sway with r = 50 and r = 80
   '-SW-------------SE---'      fast road, two lanes each way, 70 km/h between SW and SE
"""

from __future__ import annotations

from sim_bridge.embedded.town.author.plan import Crossing, Profile, Street, TownPlan

AVENUE = Profile(lanes=2, limit_kmh=50, border="sidewalk", border_width_m=3.0)
STREET = Profile(lanes=1, limit_kmh=50, border="sidewalk", border_width_m=2.5, may_overtake=True)
QUIET = Profile(lanes=1, limit_kmh=30, border="sidewalk", border_width_m=2.0)
RING = Profile(lanes=1, limit_kmh=50, border="shoulder", border_width_m=1.2, may_overtake=True)
BEND = Profile(lanes=2, limit_kmh=50, border="shoulder", border_width_m=1.5)
FAST = Profile(lanes=2, limit_kmh=70, border="shoulder", border_width_m=1.5)

PLAN = TownPlan(
    name="Backseat01",
    crossings=(
        Crossing("A", -110, 0, "lights in turn"),
        Crossing("B", 110, 0, "lights in turn"),
        Crossing("W", -260, 0, "lights"),
        Crossing("E", 260, 0, "lights"),
        Crossing("NW", -110, 200, "lights"),
        Crossing("N", 0, 200, "all-way stop"),
        Crossing("NE", 110, 200, "lights"),
        Crossing("SW", -110, -200, "lights"),
        Crossing("SE", 110, -200, "lights"),
        Crossing("R", -110, 100, "stop"),
    ),
    streets=(
        Street("W", "A", AVENUE),
        Street("A", "B", AVENUE),
        Street("B", "E", AVENUE),
        Street("W", "NW", RING, via=((-260, 200, 60),)),
        Street("NW", "N", RING),
        Street("N", "NE", RING),
        Street("NE", "E", RING, via=((260, 200, 100),)),
        Street("E", "SE", BEND, via=((260, -200, 40),)),
        Street("SW", "SE", FAST),
        Street("W", "SW", BEND, via=((-260, -120, 25), (-190, -120, 25), (-190, -200, 25))),
        Street("A", "SW", STREET, via=((-110, -55, 50), (-130, -100, 50), (-110, -145, 50))),
        Street("B", "SE", STREET, via=((110, -60, 80), (122, -100, 80), (110, -140, 80))),
        Street("B", "NE", AVENUE),
        Street("A", "R", STREET),
        Street("R", "NW", STREET),
        Street("R", "N", QUIET, via=((-60, 100, 12), (-60, 140, 12), (0, 140, 20))),
    ),
    seed=1,
)
