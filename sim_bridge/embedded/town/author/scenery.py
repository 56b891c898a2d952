"""Houses, trees, street lamps and street furniture along a network's roads, from the plan's seed.

Order matters: houses take their lots first, then lamps and props the sidewalks, then trees what room is left.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim_bridge.embedded.town.author.built import Network, Road
from sim_bridge.embedded.town.author.lots import Ground
from sim_bridge.embedded.town.author.plan import Profile
from sim_bridge.embedded.town.curves import Pose2
from sim_bridge.embedded.town.scenery_file import CARS, Building, Lamp, ParkedCar, Prop, Rail, Scenery, Tree

LAMP_SPACING_M = 27.0
LAMP_FROM_EDGE_M = 0.6
LAMP_IN_BEND_M = 1.35  # from the kerb, at least
CLEAR_OF_MOUTH_M = 12.0  # lamps and props leave the view of lights and crosswalks free
TIGHT_BEND_M = 40.0
BUS_LENGTH_M = 10.0
TREE_SPACING_M = 18.0
GROVES = 45
GROVE_TREES = (3, 7)
GROVE_SPREAD_M = 7.0
FIELD_MARGIN_M = 90.0
RAIL_FROM_EDGE_M = 0.5
RAIL_STEP_M = 5.0
PARKED_FROM_MOUTH_M = 17.0
NO_PARKING_BEND_M = 28.0
PARKED_EVERY_M = 7.5
PARKED_SHARE = 0.5

PLASTER = ((1.0, 0.97, 0.90), (0.96, 0.86, 0.72), (0.86, 0.92, 0.96), (0.98, 0.90, 0.86), (0.90, 0.95, 0.86))
BRICK = ((1.0, 1.0, 1.0), (0.88, 0.82, 0.80), (1.0, 0.92, 0.82))
OFFICE = ((1.0, 1.0, 1.0), (0.86, 0.90, 0.96), (0.94, 0.90, 0.84))
TINTS = {"facade_plaster": PLASTER, "facade_brick": BRICK, "facade_office": OFFICE, "facade_glass": OFFICE}
PAINT = ((0.72, 0.73, 0.75), (0.16, 0.18, 0.22), (0.55, 0.12, 0.12), (0.14, 0.26, 0.45), (0.86, 0.85, 0.82))
LEAVES = ((1.0, 1.0, 1.0), (0.88, 0.98, 0.80), (1.08, 1.04, 0.82), (0.84, 0.92, 0.92))


@dataclass(frozen=True, slots=True)
class Quarter:
    """What is built along a kind of street. Ranges are (least, most)."""

    facades: tuple[str, ...]
    storeys: tuple[int, int]
    width: tuple[float, float]
    depth: tuple[float, float]
    setback: tuple[float, float]
    gap: tuple[float, float]
    yards: float  # how often a lot stays open
    gables: bool = False
    shops: float = 0.0
    trees: float = 0.75  # how many of the places for a tree beside the street have one


CENTRE = Quarter(
    ("facade_brick", "facade_plaster", "facade_office", "facade_glass"), (3, 7), (14, 26), (12, 18), (0.2, 0.9),
    (0.5, 4.0), 0.1, shops=0.6,
)  # fmt: skip
TOWN_STREET = Quarter(
    ("facade_brick", "facade_plaster", "facade_plaster"), (2, 4), (11, 18), (10, 14), (2.0, 5.0), (1.5, 5.0), 0.15
)
VILLAGE = Quarter(
    ("facade_plaster", "facade_plaster", "facade_brick"), (1, 2), (9, 13), (8, 10), (4.0, 7.0), (4.0, 9.0), 0.3, True
)
OUTSKIRTS = Quarter(
    ("facade_office", "facade_brick", "facade_plaster"), (1, 3), (16, 30), (12, 20), (14.0, 24.0), (10, 40), 0.5
)

SUBURB = Quarter(
    ("facade_plaster", "facade_brick", "facade_plaster"), (1, 2), (10, 15), (9, 12), (5.0, 9.0), (4.0, 10.0), 0.12,
    True, trees=0.6,
)  # fmt: skip
OLD_VILLAGE = Quarter(
    ("facade_plaster", "facade_plaster", "facade_brick"), (1, 2), (8, 13), (7, 10), (0.6, 3.0), (1.0, 6.0), 0.1, True
)
BLOCKS = Quarter(
    ("facade_brick", "facade_office", "facade_plaster", "facade_glass"), (3, 8), (12, 20), (10, 14), (1.4, 2.2),
    (0.5, 2.5), 0.08, shops=0.6, trees=0.3,
)  # fmt: skip
COUNTRY = Quarter(
    ("facade_office", "facade_brick", "facade_plaster"), (1, 3), (16, 30), (12, 20), (14.0, 24.0), (20, 60), 0.7,
    trees=0.3,
)  # fmt: skip
HAMLET = Quarter(
    ("facade_brick", "facade_brick", "facade_plaster"), (1, 3), (7, 17), (6, 9), (0.3, 4.5), (1.5, 14.0), 0.2, True,
    trees=0.4,
)  # fmt: skip
FARMS = Quarter(
    ("facade_brick", "facade_plaster"), (1, 2), (8, 24), (7, 12), (0.8, 9.0), (8.0, 30.0), 0.35, True, trees=0.85
)
QUARTERS = {
    "suburb": SUBURB,
    "village": OLD_VILLAGE,
    "hamlet": HAMLET,
    "farms": FARMS,
    "blocks": BLOCKS,
    "country": COUNTRY,
}


def furnish(network: Network) -> Scenery:
    random = np.random.default_rng(network.plan.seed)
    ground = Ground.of(network)
    buildings = tuple(_buildings(network, ground, random))
    lamps = tuple(lamp for road in network.roads for lamp in _lamps(road, ground))
    props = tuple(prop for road in network.roads for prop in _props(road, ground, random))
    trees = (*_street_trees(network, ground, random), *_field_trees(ground, random))
    rails = tuple(_rail(road) for road in network.roads if _has_rail(road.street.profile))
    parked = tuple(car for road in network.roads for car in _parked(road, random))
    return Scenery(buildings, trees, lamps, props, rails, parked)


def _quarter(profile: Profile) -> Quarter:
    if profile.quarter:
        return QUARTERS[profile.quarter]
    if profile.border == "shoulder":
        return OUTSKIRTS
    if profile.lanes > 1:
        return CENTRE
    return VILLAGE if profile.limit_kmh <= 30 else TOWN_STREET


def _buildings(network: Network, ground: Ground, random: np.random.Generator) -> Iterator[Building]:
    for road in network.roads:
        quarter = _quarter(road.street.profile)
        for side in (1, -1):
            s = 4.0
            while s < road.curve.length - 8.0:
                if random.random() < quarter.yards:
                    s += random.uniform(10.0, 18.0)
                    continue
                building = _building(road, quarter, side, s, random)
                if ground.take(building.x, building.y, building.heading, building.width, building.depth):
                    yield building
                    s += building.width + random.uniform(*quarter.gap)
                else:
                    s += 3.0


def _building(road: Road, quarter: Quarter, side: int, s: float, random: np.random.Generator) -> Building:
    profile = road.street.profile
    width, depth = random.uniform(*quarter.width), random.uniform(*quarter.depth)
    edge = profile.kerb_m(side) + profile.border_width_m + random.uniform(*quarter.setback)
    x, y, heading = _beside(road, s + width / 2, side * (edge + depth / 2))
    facade = str(random.choice(quarter.facades))
    tints = TINTS[facade]
    return Building(
        x=x,
        y=y,
        heading=heading,
        width=width,
        depth=depth,
        storeys=int(random.integers(quarter.storeys[0], quarter.storeys[1] + 1)),
        facade=facade,
        tint=tints[int(random.integers(len(tints)))],
        gable=quarter.gables,
        shops=bool(random.random() < quarter.shops),
    )


def _lamps(road: Road, ground: Ground) -> Iterator[Lamp]:
    profile = road.street.profile
    if profile.border != "sidewalk":
        return
    side = 1
    for s in np.arange(CLEAR_OF_MOUTH_M + 6.0, road.curve.length - CLEAR_OF_MOUTH_M, LAMP_SPACING_M):
        bend = _tight_bend(road, float(s))
        side = -bend if bend else side
        aside = max(profile.border_width_m - LAMP_FROM_EDGE_M, LAMP_IN_BEND_M) if bend else LAMP_FROM_EDGE_M
        x, y, heading = _beside(road, float(s), side * (profile.kerb_m(side) + aside))
        ground.occupy(x, y, 0.8)
        yield Lamp(x, y, heading - side * math.pi / 2)
        side = -side


def _props(road: Road, ground: Ground, random: np.random.Generator) -> Iterator[Prop]:
    profile = road.street.profile
    if profile.border != "sidewalk":
        return
    kinds = ("bench", "bin", "hydrant", "planter") + (("shelter",) if profile.lanes > 1 else ())
    for side in (1, -1):
        for s in np.arange(CLEAR_OF_MOUTH_M + 8.0, road.curve.length - CLEAR_OF_MOUTH_M - 8.0, 23.0):
            if random.random() < 0.45:
                continue
            t = profile.kerb_m(side) + profile.border_width_m - 0.45
            along = float(s + random.uniform(-4, 4))
            x, y, heading = _beside(road, along, side * t)
            if ground.is_free(x, y, 0.9) and not _tight_bend(road, along):
                ground.occupy(x, y, 1.6)
                # Fronts face the road.
                yield Prop(str(random.choice(kinds)), x, y, heading + (math.pi if side > 0 else 0.0))


def _parked(road: Road, random: np.random.Generator) -> Iterator[ParkedCar]:
    profile = road.street.profile
    for side in (1, -1) if profile.parking_m else ():
        if not profile.count(side):
            continue
        for s in np.arange(PARKED_FROM_MOUTH_M, road.curve.length - PARKED_FROM_MOUTH_M, PARKED_EVERY_M):
            # A bus swings its tail over the outer edge of its lane.
            swings_here = _tight_bend(road, float(s)) == -side
            is_bend = bool(_tight_bend(road, float(s), NO_PARKING_BEND_M))
            if random.random() < PARKED_SHARE and not is_bend and not swings_here:
                t = side * (profile.kerb_m(side) - profile.parking_m / 2)
                x, y, heading = _beside(road, float(s + random.uniform(-0.5, 0.5)), t + random.uniform(-0.08, 0.08))
                color = PAINT[int(random.integers(len(PAINT)))]
                yield ParkedCar(str(random.choice(CARS)), x, y, heading + (math.pi if side > 0 else 0.0), color)


def _street_trees(network: Network, ground: Ground, random: np.random.Generator) -> Iterator[Tree]:
    for road in network.roads:
        profile = road.street.profile
        share = _quarter(profile).trees
        for side in (1, -1):
            beyond = profile.kerb_m(side) + profile.border_width_m
            for s in np.arange(8.0, road.curve.length - 8.0, TREE_SPACING_M):
                along, aside = float(s + random.uniform(-3, 3)), beyond + random.uniform(1.8, 4.5)
                x, y, _ = _beside(road, along, side * aside)
                tree = _tree(x, y, random, fine=True)
                if random.random() < share and ground.is_clear_of_roads(x, y, 4.6) and ground.is_free(x, y, tree.crown):
                    ground.occupy(x, y, tree.crown)
                    yield tree


def _field_trees(ground: Ground, random: np.random.Generator) -> Iterator[Tree]:
    """Groves in the open: inside the blocks and around the town."""
    x_min, y_min, x_max, y_max = ground.bounds
    for _ in range(GROVES):
        middle_x = random.uniform(x_min - FIELD_MARGIN_M, x_max + FIELD_MARGIN_M)
        middle_y = random.uniform(y_min - FIELD_MARGIN_M, y_max + FIELD_MARGIN_M)
        is_conifer = bool(random.random() < 0.4)
        for _ in range(int(random.integers(*GROVE_TREES))):
            x, y = random.normal((middle_x, middle_y), GROVE_SPREAD_M)
            tree = _tree(float(x), float(y), random, fine=False, conifer=is_conifer)
            if ground.is_clear_of_roads(tree.x, tree.y, 12.0) and ground.is_free(tree.x, tree.y, tree.crown * 0.7):
                ground.occupy(tree.x, tree.y, tree.crown * 0.7)
                yield tree


def _tight_bend(road: Road, s: float, radius: float = TIGHT_BEND_M) -> int:
    """1 near a tight bend to the left, -1 to the right, 0 elsewhere. There a bus's rear wheels run over the inner kerb
    and its nose over the outer one."""
    near = [road.curve.curvature_at(along) for along in (s - BUS_LENGTH_M, s, s + BUS_LENGTH_M)]
    sharpest = max(near, key=abs)
    return 0 if abs(sharpest) < 1 / radius else (1 if sharpest > 0 else -1)


def _tree(x: float, y: float, random: np.random.Generator, fine: bool, conifer: bool = False) -> Tree:
    height = random.uniform(5.0, 8.5) * (1.0 if fine else 1.3)
    crown = height * random.uniform(0.24, 0.32) * (0.8 if conifer else 1.0)
    return Tree(x, y, height, crown, LEAVES[int(random.integers(len(LEAVES)))], fine, conifer)


def _has_rail(profile: Profile) -> bool:
    return profile.border == "shoulder" and profile.lanes > 1


def _rail(road: Road) -> Rail:
    """Along the side that faces out of town, clear of the crossings."""
    profile = road.street.profile
    x, y, heading = _beside(road, road.curve.length / 2, 0.0)
    side = 1 if -math.sin(heading) * x + math.cos(heading) * y > 0 else -1
    t = side * (profile.kerb_m(side) + profile.border_width_m + RAIL_FROM_EDGE_M)
    stations = np.arange(4.0, road.curve.length - 4.0, RAIL_STEP_M)
    return Rail(tuple(_beside(road, float(s), t)[:2] for s in stations))


def _beside(road: Road, s: float, t: float) -> Pose2:
    x, y, heading = (float(value) for value in road.curve.poses(min(s, road.curve.length))[0])
    return x - t * math.sin(heading), y + t * math.cos(heading), heading
