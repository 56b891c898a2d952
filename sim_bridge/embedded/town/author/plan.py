"""What a person says of a town: crossings, the streets between them, and how each street looks across.

OpenDRIVE's frame: metres, x east, y north. A plan holds no geometry beyond corner points and radii; `network` works out
the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

LANE_WIDTH_M = 3.5


@dataclass(frozen=True, slots=True)
class Profile:
    """Half a street across, mirrored: `lanes` of LANE_WIDTH_M each way, then a sidewalk or a shoulder."""

    lanes: int
    limit_kmh: int
    border: str  # "sidewalk" | "shoulder"
    border_width_m: float
    may_overtake: bool = False  # a broken centre line on roads with one lane each way

    @property
    def carriageway_m(self) -> float:
        """From the centre line to the edge of the outermost driving lane."""
        return self.lanes * LANE_WIDTH_M


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where three or four streets meet. With "stop" or "yield" the arm without a street opposite gives way."""

    name: str
    x: float
    y: float
    control: str  # "lights" | "stop" | "yield"


@dataclass(frozen=True, slots=True)
class Street:
    """A street from one crossing to another; `via` are its corner points, each (x, y, radius of the bend)."""

    start: str
    end: str
    profile: Profile
    via: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class TownPlan:
    name: str
    crossings: tuple[Crossing, ...]
    streets: tuple[Street, ...]
    seed: int  # of the scenery

    def crossing(self, name: str) -> Crossing:
        for crossing in self.crossings:
            if crossing.name == name:
                return crossing
        raise KeyError(f"expected a crossing named {name!r}, the plan has {[c.name for c in self.crossings]}")
