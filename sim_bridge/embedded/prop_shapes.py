"""The props this world can put on the road: CARLA's ids, and the simple solids each is made of. Data only, any thread.

A prop stands on the ground at its origin. Its own axes are x to its right, y forward, z up, in metres; what is drawn
and what is bumped into both follow from the parts here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Vec3 = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Block:
    """An upright box of full `size` around `center`; `taper` scales its top."""

    center: Vec3
    size: Vec3
    color: Vec3
    taper: float = 1.0

    def reach(self) -> tuple[Vec3, Vec3]:
        (x, y, z), (width, length, height) = self.center, self.size
        low = (x - width / 2.0, y - length / 2.0, z - height / 2.0)
        return low, (x + width / 2.0, y + length / 2.0, z + height / 2.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """A round bar from `start` to `end`, a cone where the radii differ."""

    start: Vec3
    end: Vec3
    radius: float
    color: Vec3
    segments: int = 12
    end_radius: float | None = None

    def reach(self) -> tuple[Vec3, Vec3]:
        far = self.radius if self.end_radius is None else self.end_radius
        ends = ((self.start, self.radius), (self.end, far))
        length = math.dist(self.start, self.end)
        # A disc across the bar reaches out along an axis as the sine of the angle between the two.
        tilt = [math.sqrt(max(0.0, 1.0 - ((b - a) / length) ** 2)) for a, b in zip(self.start, self.end, strict=True)]
        low = [min(point[axis] - radius * tilt[axis] for point, radius in ends) for axis in range(3)]
        high = [max(point[axis] + radius * tilt[axis] for point, radius in ends) for axis in range(3)]
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])


@dataclass(frozen=True, slots=True)
class Lump:
    """An ellipsoid."""

    center: Vec3
    radii: Vec3
    color: Vec3

    def reach(self) -> tuple[Vec3, Vec3]:
        (x, y, z), (a, b, c) = self.center, self.radii
        return (x - a, y - b, z - c), (x + a, y + b, z + c)


Part = Block | Bar | Lump
Parts = tuple[Part, ...]

ORANGE: Vec3 = (0.95, 0.36, 0.08)
WHITE: Vec3 = (0.95, 0.95, 0.93)
RED: Vec3 = (0.82, 0.12, 0.10)
BLACK: Vec3 = (0.10, 0.10, 0.10)
STEEL: Vec3 = (0.62, 0.63, 0.65)
WOOD: Vec3 = (0.55, 0.40, 0.26)
CARDBOARD: Vec3 = (0.62, 0.48, 0.32)
GREEN: Vec3 = (0.16, 0.30, 0.20)
BLUE: Vec3 = (0.15, 0.28, 0.55)
YELLOW: Vec3 = (0.95, 0.78, 0.12)
LEAF: Vec3 = (0.28, 0.46, 0.22)
CLAY: Vec3 = (0.66, 0.38, 0.26)


def _cone() -> Parts:
    return (
        Block((0, 0, 0.02), (0.40, 0.40, 0.04), (0.12, 0.12, 0.12)),
        Bar((0, 0, 0.04), (0, 0, 0.28), 0.16, ORANGE, 12, 0.115),
        Bar((0, 0, 0.28), (0, 0, 0.46), 0.115, WHITE, 12, 0.078),
        Bar((0, 0, 0.46), (0, 0, 0.72), 0.078, ORANGE, 12, 0.025),
    )


def _barrier() -> Parts:
    parts: list[Part] = [Block((x, 0, 0.5), (0.08, 0.40, 1.0), (0.70, 0.70, 0.70)) for x in (-0.75, 0.75)]
    for stripe in range(8):
        color = RED if stripe % 2 else WHITE
        x = -0.875 + 0.25 * stripe
        parts += [Block((x, 0.0, z), (0.25, 0.06, 0.20), color) for z in (0.82, 0.45)]
    return tuple(parts)


def _chain_barrier() -> Parts:
    posts = [Bar((x, 0, 0.0), (x, 0, 0.95), 0.05, RED if x < 0 else WHITE, 8) for x in (-0.9, 0.9)]
    feet = [Bar((x, 0, 0.0), (x, 0, 0.06), 0.16, BLACK, 10) for x in (-0.9, 0.9)]
    links = [((-0.9, 0.85), (-0.3, 0.66)), ((-0.3, 0.66), (0.3, 0.66)), ((0.3, 0.66), (0.9, 0.85))]
    return (*posts, *feet, *(Bar((a, 0, h), (b, 0, g), 0.02, WHITE, 6) for (a, h), (b, g) in links))


def _bin() -> Parts:
    return (
        Bar((0, 0, 0), (0, 0, 0.85), 0.26, GREEN, 12, 0.30),
        Bar((0, 0, 0.85), (0, 0, 0.95), 0.31, (0.1, 0.1, 0.1), 12, 0.2),
    )


def _wheeled_bin() -> Parts:
    return (
        Block((0, 0, 0.52), (0.58, 0.62, 0.92), (0.20, 0.32, 0.24)),
        Block((0, 0, 1.01), (0.62, 0.68, 0.07), (0.13, 0.20, 0.16)),
        *(Bar((x, -0.26, 0.10), (x + 0.05, -0.26, 0.10), 0.10, BLACK, 10) for x in (-0.28, 0.23)),
    )


def _skip(body: Vec3, lid: Vec3, half: float = 0.85) -> Parts:
    return (
        Block((0, 0, 0.72), (2 * half, 1.05, 1.20), body, 1.05),
        Block((0, 0, 1.36), (2 * half + 0.04, 1.12, 0.10), lid),
        *(Block((x, 0, 0.06), (0.10, 0.9, 0.12), BLACK) for x in (-half + 0.1, half - 0.1)),
    )


def _box(size: Vec3, lid: bool = True) -> Parts:
    width, length, height = size
    body = Block((0, 0, height / 2), size, CARDBOARD)
    if not lid:
        return (body,)
    return (body, Block((0, 0, height - 0.004), (width * 0.12, length * 1.002, 0.012), (0.72, 0.60, 0.42)))


def _barrel() -> Parts:
    bands = ((0.0, 0.22, ORANGE), (0.22, 0.40, WHITE), (0.40, 0.62, ORANGE), (0.62, 0.80, WHITE), (0.80, 1.0, ORANGE))
    return tuple(Bar((0, 0, low), (0, 0, high), 0.30 - 0.04 * low, color, 14) for low, high, color in bands)


def _bag(color: Vec3) -> Parts:
    return (Lump((0, 0, 0.26), (0.30, 0.28, 0.26), color), Bar((0, 0, 0.48), (0, 0, 0.62), 0.05, color, 8, 0.10))


def _rubbish(spread: float) -> Parts:
    """Paper, cans and a cup, low on the ground."""
    return (
        Block((-0.3 * spread, 0.1, 0.02), (0.30, 0.22, 0.04), WHITE),
        Block((0.25 * spread, -0.2, 0.03), (0.20, 0.26, 0.06), CARDBOARD),
        Bar((0.1, 0.3 * spread, 0.04), (0.22, 0.3 * spread, 0.04), 0.035, RED, 8),
        Lump((-0.1, -0.3 * spread, 0.05), (0.12, 0.10, 0.05), BLUE),
    )


def _bench(back: bool = True) -> Parts:
    parts: list[Part] = [Block((0, 0, 0.43), (1.7, 0.42, 0.07), WOOD)]
    parts += [Block((x, 0, 0.20), (0.08, 0.40, 0.40), STEEL) for x in (-0.7, 0.7)]
    if back:
        parts.append(Block((0, -0.2, 0.72), (1.7, 0.06, 0.42), WOOD))
    return tuple(parts)


def _plant(pot: Vec3, height: float) -> Parts:
    return (
        Bar((0, 0, 0), (0, 0, 0.42), 0.22, pot, 12, 0.30),
        Lump((0, 0, 0.42 + height / 2), (0.34, 0.34, height / 2), LEAF),
    )


def _board(face: Vec3, sign: Vec3) -> Parts:
    """A triangular warning board on two feet: a bright plate, and what it warns of as a dark block."""
    return (
        *(Bar((x, y, 0), (0.6 * x, 0, 1.15), 0.025, STEEL, 6) for x in (-0.42, 0.42) for y in (-0.28, 0.28)),
        Block((0, 0, 0.80), (0.95, 0.04, 0.80), face, 0.35),
        Block((0, 0.012, 0.76), (0.34, 0.05, 0.34), sign, 0.5),
    )


def _arrow_board() -> Parts:
    """A trailer whose board shows an arrow."""
    lamps = [(0.0, 2.0), (-0.45, 2.0), (0.45, 2.0), (0.75, 2.0), (0.45, 2.3), (0.45, 1.7), (-0.8, 2.0)]
    return (
        Block((0, 0, 0.45), (1.6, 1.0, 0.25), YELLOW),
        *(Bar((x, 0, 0.30), (x + 0.14, 0, 0.30), 0.30, BLACK, 14) for x in (-0.9, 0.76)),
        *(Block((x, 0, 1.1), (0.10, 0.10, 1.2), STEEL) for x in (-0.6, 0.6)),
        Block((0, 0, 2.0), (2.2, 0.10, 1.1), (0.08, 0.08, 0.09)),
        *(Block((x, 0.06, z), (0.16, 0.04, 0.16), YELLOW) for x, z in lamps),
    )


def _street_sign(plate: Vec3) -> Parts:
    return (
        Bar((0, 0, 0), (0, 0, 2.3), 0.04, STEEL, 8),
        Block((0, 0.05, 2.3), (0.72, 0.03, 0.72), plate),
        Block((0, 0.07, 2.3), (0.44, 0.02, 0.14), WHITE),
    )


def _mailbox() -> Parts:
    return (Block((0, 0, 0.55), (0.50, 0.50, 1.10), BLUE), Bar((-0.25, 0, 1.10), (0.25, 0, 1.10), 0.25, BLUE, 14))


def _vending_machine() -> Parts:
    return (
        Block((0, 0, 0.92), (0.95, 0.80, 1.84), RED),
        Block((-0.1, 0.41, 1.05), (0.60, 0.03, 1.2), (0.1, 0.14, 0.2)),
    )


def _table() -> Parts:
    return (
        Bar((0, 0, 0.70), (0, 0, 0.74), 0.45, WHITE, 16),
        Bar((0, 0, 0.03), (0, 0, 0.70), 0.04, STEEL, 8),
        Bar((0, 0, 0), (0, 0, 0.03), 0.26, STEEL, 12),
    )


def _chair() -> Parts:
    return (
        Block((0, 0, 0.44), (0.46, 0.44, 0.05), WHITE),
        Block((0, -0.20, 0.68), (0.46, 0.05, 0.44), WHITE),
        *(Block((x, y, 0.21), (0.05, 0.05, 0.42), WHITE) for x in (-0.19, 0.19) for y in (-0.18, 0.18)),
    )


def _shopping_cart() -> Parts:
    return (
        Block((0, 0, 0.66), (0.55, 0.85, 0.45), (0.74, 0.75, 0.77), 1.12),
        Block((0, 0, 0.28), (0.45, 0.75, 0.05), STEEL),
        Bar((-0.28, -0.48, 1.0), (0.28, -0.48, 1.0), 0.025, RED, 8),
        *(Bar((x, y, 0.07), (x + 0.04, y, 0.07), 0.07, BLACK, 10) for x in (-0.24, 0.20) for y in (-0.32, 0.32)),
    )


def _case(color: Vec3) -> Parts:
    return (Block((0, 0, 0.36), (0.46, 0.24, 0.66), color), Block((0, 0, 0.74), (0.20, 0.04, 0.12), BLACK))


def _hay_bale() -> Parts:
    return (Bar((-0.6, 0, 0.6), (0.6, 0, 0.6), 0.6, (0.80, 0.68, 0.34), 18),)


def _bike_stand() -> Parts:
    arms = [Bar((x, 0, 0), (x, 0, 0.75), 0.03, STEEL, 6) for x in (-0.9, -0.3, 0.3, 0.9)]
    return (*arms, Bar((-0.93, 0, 0.75), (0.93, 0, 0.75), 0.03, STEEL, 6))


def _advertisement() -> Parts:
    return (
        Block((0, 0, 0.15), (1.3, 0.30, 0.30), STEEL),
        Block((0, 0, 1.4), (1.30, 0.22, 2.2), (0.20, 0.21, 0.23)),
        *(Block((0, y, 1.42), (1.12, 0.02, 1.9), (0.86, 0.80, 0.62)) for y in (-0.115, 0.115)),
    )


def _plank() -> Parts:
    return (Block((0, 0, 0.02), (1.6, 0.9, 0.04), (0.45, 0.43, 0.42)),)


PROP_SHAPES: dict[str, Parts] = {
    f"static.prop.{name}": parts
    for name, parts in {
        "constructioncone": _cone(),
        "trafficcone01": _cone(),
        "trafficcone02": _cone(),
        "streetbarrier": _barrier(),
        "chainbarrier": _chain_barrier(),
        "warningconstruction": _board(ORANGE, BLACK),
        "warningaccident": _board(RED, WHITE),
        "trafficwarning": _arrow_board(),
        "barrel": _barrel(),
        "ironplank": _plank(),
        "bin": _bin(),
        "trashcan01": _bin(),
        "trashcan02": _bin(),
        "trashcan03": _wheeled_bin(),
        "trashcan04": _wheeled_bin(),
        "trashcan05": _wheeled_bin(),
        "container": _skip((0.22, 0.34, 0.26), (0.14, 0.22, 0.18)),
        "glasscontainer": _skip((0.20, 0.46, 0.24), (0.12, 0.28, 0.15), 0.70),
        "clothcontainer": _skip(YELLOW, (0.70, 0.55, 0.10), 0.60),
        "trashbag": _bag((0.09, 0.09, 0.10)),
        "plasticbag": _bag((0.85, 0.86, 0.88)),
        "garbage01": _rubbish(1.0),
        "garbage02": _rubbish(0.7),
        "garbage03": _rubbish(1.3),
        "box01": _box((0.7, 0.7, 0.7), lid=False),
        "box02": _box((0.7, 0.7, 0.7), lid=False),
        "box03": _box((0.5, 0.7, 0.42)),
        "creasedbox01": _box((0.62, 0.46, 0.40)),
        "creasedbox02": _box((0.46, 0.46, 0.34)),
        "creasedbox03": _box((0.80, 0.60, 0.52)),
        "bench01": _bench(),
        "bench02": _bench(back=False),
        "bench03": _bench(),
        "plantpot01": _plant(CLAY, 0.7),
        "plantpot02": _plant((0.60, 0.58, 0.55), 0.9),
        "plantpot03": _plant(CLAY, 0.5),
        "streetsign": _street_sign(BLUE),
        "streetsign01": _street_sign((0.10, 0.42, 0.26)),
        "streetsign04": _street_sign(RED),
        "mailbox": _mailbox(),
        "vendingmachine": _vending_machine(),
        "advertisement": _advertisement(),
        "bikeparking": _bike_stand(),
        "table": _table(),
        "plasticchair": _chair(),
        "shoppingcart": _shopping_cart(),
        "travelcase": _case((0.45, 0.12, 0.16)),
        "briefcase": _case((0.30, 0.20, 0.13)),
        "haybale": _hay_bale(),
    }.items()
}


def extent_of(parts: Parts) -> Vec3:
    """Half sizes forward, right and up of the box around the origin that holds all parts."""
    reaches = [part.reach() for part in parts]
    right = max(max(-low[0], high[0]) for low, high in reaches)
    forward = max(max(-low[1], high[1]) for low, high in reaches)
    return (round(forward, 3), round(right, 3), round(max(high[2] for _, high in reaches) / 2.0, 3))
