"""What a person says of a town: crossings, the streets between them, and how each street looks across.

OpenDRIVE's frame: metres, x east, y north. A plan holds no geometry beyond corner points and radii; `network` works out
the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

LANE_WIDTH_M = 3.5
RING_MARGIN_M = 0.6  # between a roundabout's island and its lane


@dataclass(frozen=True, slots=True)
class Profile:
    """A street across: `lanes` along it and `back` lanes against it, then parking, then a sidewalk or a shoulder."""

    lanes: int
    limit_kmh: int
    border: str  # "sidewalk" | "shoulder"
    border_width_m: float
    may_overtake: bool = False  # a broken centre line on roads with one lane each way
    back: int | None = None  # None: as many as `lanes`; 0: a one-way street
    lane_width_m: float = LANE_WIDTH_M
    parking_m: float = 0.0  # width of the parking lane on either side, 0 for none
    is_unmarked: bool = False  # without a centre line
    inner_m: float = 0.0  # of a one-way street round an island: asphalt this wide on its left instead of the border
    quarter: str = ""  # what is built beside it, by its name in `scenery`; "" goes by the lanes and the border

    def count(self, side: int) -> int:
        """Driving lanes to the right (-1, along the street) or to the left (1) of the reference line."""
        return self.lanes if side < 0 or self.back is None else self.back

    def carriageway_m(self, side: int) -> float:
        """From the reference line to the edge of the outermost driving lane."""
        return self.count(side) * self.lane_width_m

    def kerb_m(self, side: int) -> float:
        """From the reference line to the edge of the asphalt that is driven or parked on."""
        return self.carriageway_m(side) + (self.parking_m if self.count(side) else 0.0)


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where three or four streets meet, each at `reach_m` from the middle (None: as near as turns allow).

    With "stop" or "yield" the arm without a street opposite gives way, with "all-way stop" every arm. A "roundabout"
    needs the radius of its island; round it ways widen to `ring_lane_m` where given; with a `ring` its lane is a street
    of that profile from each arm to the next, and every arm a junction of its own. "free" is a ramp's end on a through
    road: lanes run on without a sign. With "lights in turn" every arm has green alone, with "lights" opposite ones have
    it together.

    Ways turn only `lead_m` after their beginning and as much before their end: long vehicles swing out there, and where
    lanes are narrow that needs room before those who wait.
    """

    name: str
    x: float
    y: float
    control: str  # "lights" | "lights in turn" | "stop" | "yield" | "all-way stop" | "roundabout" | "free"
    reach_m: float | None = None
    island_m: float = 0.0
    lead_m: float = 0.0
    ring: Profile | None = None
    ring_lane_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Street:
    """A street from one crossing to another; `via` are its corner points, each (x, y, radius of the bend).

    `crosswalks` are further ones than those at crossings, as shares of the street's length.
    """

    start: str
    end: str
    profile: Profile
    via: tuple[tuple[float, float, float], ...] = ()
    crosswalks: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class TownPlan:
    name: str
    crossings: tuple[Crossing, ...]
    streets: tuple[Street, ...]
    seed: int  # of the scenery
    turn_limit_kmh: int | None = None  # over crossings, where lanes are too narrow to turn at the streets' own speed

    def crossing(self, name: str) -> Crossing:
        for crossing in self.crossings:
            if crossing.name == name:
                return crossing
        raise KeyError(f"expected a crossing named {name!r}, the plan has {[c.name for c in self.crossings]}")
