"""Houses, trees, street lamps, rails and small things beside the road: meshes to see and boxes to bump into."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from sim_bridge.embedded.contracts import Label, StaticBox
from sim_bridge.embedded.town.curves import Floats
from sim_bridge.embedded.town.parked import add_parked_car
from sim_bridge.embedded.town.scenery_file import RGB, Building, Lamp, Prop, Rail, Scenery, Tree
from sim_bridge.embedded.town.sheets import WHITE, Look, Sheets
from sim_bridge.embedded.town.solids import Place, add_ball, add_box, add_post, add_quad, static_box

STOREY_M = 3.0
BAY_M = 4.0  # one facade repeat across
ROOF_TILE_M = 4.0
GABLE_M = 2.6
PARAPET_M = 0.7
TRUNK_M = 0.2  # radius
LAMP_HEIGHT_M = 6.5
LAMP_REACH_M = 1.9

BARE = Look("solid", Label.BUILDINGS)
ROOF = Look("solid", Label.BUILDINGS, "roof")
BARK = Look("solid", Label.VEGETATION, "bark")
LEAVES = Look("solid", Label.VEGETATION, "leaves")
POLE = Look("solid", Label.POLES)
RAIL = Look("solid", Label.FENCES)
THING = Look("solid", Label.STATIC)
STEEL: RGB = (0.42, 0.44, 0.46)
GALVANISED: RGB = (0.68, 0.70, 0.71)
ROOF_TILES: RGB = (1.15, 0.66, 0.52)
TRIM: RGB = (0.62, 0.60, 0.57)
# Where a facade is plain wall, for the bit under a gable.
PLAIN_UV = (0.043, 0.914)


def add_scenery(sheets: Sheets, scenery: Scenery) -> Iterator[StaticBox]:
    """Adds every mesh and yields every box; boxes are named "building 3", "tree 12" ... as in the file."""
    for number, building in enumerate(scenery.buildings):
        yield _add_building(sheets, building, f"building {number}")
    for number, tree in enumerate(scenery.trees):
        yield _add_tree(sheets, tree, f"tree {number}")
    for number, lamp in enumerate(scenery.lamps):
        yield _add_lamp(sheets, lamp, f"street lamp {number}")
    for number, prop in enumerate(scenery.props):
        yield _add_prop(sheets, prop, f"{prop.kind} {number}")
    for number, car in enumerate(scenery.parked):
        yield add_parked_car(sheets, car, f"parked car {number}")
    for number, rail in enumerate(scenery.rails):
        yield from _add_rail(sheets, rail, f"guard rail {number}")


def _add_building(sheets: Sheets, building: Building, name: str) -> StaticBox:
    place = Place(building.x, building.y, building.heading)
    width, depth, height = building.width, building.depth, building.storeys * STOREY_M
    facade = Look("solid", Label.BUILDINGS, building.facade)
    ground_floor = STOREY_M if building.shops and building.storeys > 1 else 0.0
    if ground_floor:
        _add_walls(sheets, Look("solid", Label.BUILDINGS, "facade_glass"), place, (width, depth), (0.0, ground_floor))
    _add_walls(sheets, facade, place, (width, depth), (ground_floor, height), building.tint)
    if building.gable:
        _add_gable(sheets, place, width, depth, height, facade, building.tint)
    else:
        top = height + PARAPET_M
        _add_walls(sheets, BARE, place, (width + 0.3, depth + 0.3), (height, top), TRIM)
        _add_flat_roof(sheets, place, width + 0.3, depth + 0.3, top)
    return static_box(name, Label.BUILDINGS, place.shifted(0, 0, height / 2), (width, depth, height))


def _add_walls(
    sheets: Sheets,
    look: Look,
    place: Place,
    size: tuple[float, float],
    span: tuple[float, float],
    color: RGB = (1, 1, 1),
) -> None:
    half = np.array(size) / 2
    corners = np.array([[1, -1], [1, 1], [-1, 1], [-1, -1]]) * half
    low, high = span
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        local = np.array([[*a, low], [*b, low], [*b, high], [*a, high]])
        # Whole bays: a window is never cut by a corner.
        across = max(1.0, round(float(np.linalg.norm(b - a)) / BAY_M))
        up = round((high - low) / STOREY_M, 3)
        uvs = np.array([[0.0, 0.0], [across, 0.0], [across, up], [0.0, up]])
        add_quad(sheets, look, place.points(local), uvs, color)


def _add_flat_roof(sheets: Sheets, place: Place, width: float, depth: float, height: float) -> None:
    w, d = width / 2, depth / 2
    local = np.array([[w, -d, height], [w, d, height], [-w, d, height], [-w, -d, height]])
    add_quad(sheets, ROOF, place.points(local), local[:, :2] / ROOF_TILE_M)


def _add_gable(
    sheets: Sheets, place: Place, width: float, depth: float, height: float, facade: Look, tint: RGB
) -> None:
    """Two slopes that meet in a ridge along the heading, with eaves, and the wall up to them at both ends."""
    w, d, eave = width / 2 + 0.4, depth / 2 + 0.5, height - 0.25
    ridge = height + GABLE_M
    slope = float(np.hypot(d, ridge - eave)) / ROOF_TILE_M
    uvs = np.array([[0, 0], [2 * w / ROOF_TILE_M, 0], [2 * w / ROOF_TILE_M, slope], [0, slope]])
    for side in (1, -1):
        x = side * w
        local = np.array([[x, side * d, eave], [-x, side * d, eave], [-x, 0, ridge], [x, 0, ridge]])
        add_quad(sheets, ROOF, place.points(local), uvs, ROOF_TILES)
    for side in (1, -1):
        x, y = side * width / 2, side * depth / 2
        triangle = place.points(np.array([[x, -y, height], [x, y, height], [x, 0.0, ridge - 0.3]]))
        normal = place.directions(np.array([[side, 0.0, 0.0]]))[0]
        sheets.add(facade, triangle, normal, np.tile(PLAIN_UV, (3, 1)), np.array([[0, 1, 2]]), tint)


def _add_tree(sheets: Sheets, tree: Tree, name: str) -> StaticBox:
    place = Place(tree.x, tree.y, (tree.x * 7.3 + tree.y * 3.1) % math.tau)
    bare = tree.height * 0.34
    add_post(sheets, BARK, place, bare + tree.crown * 0.4, (TRUNK_M, TRUNK_M * 0.7), WHITE, sides=5 if tree.fine else 3)
    half = (tree.height - bare) / 2
    crown = place.shifted(0, 0, bare + half)
    if tree.conifer:
        tint = (tree.tint[0] * 0.62, tree.tint[1] * 0.72, tree.tint[2] * 0.78)
        for share, width in ((0.16, 1.0), (0.48, 0.72)):
            foot = place.shifted(0, 0, tree.height * share)
            add_post(sheets, LEAVES, foot, tree.height * 0.52, (tree.crown * width, 0.02), tint, sides=7)
    else:
        add_ball(sheets, LEAVES, crown, (tree.crown, tree.crown * 0.92, half), tree.tint, tree.fine)
    return static_box(name, Label.VEGETATION, place.shifted(0, 0, bare / 2), (2 * TRUNK_M, 2 * TRUNK_M, bare))


def _add_lamp(sheets: Sheets, lamp: Lamp, name: str) -> StaticBox:
    foot = Place(lamp.x, lamp.y, lamp.heading)
    add_post(sheets, POLE, foot, LAMP_HEIGHT_M, (0.09, 0.06), STEEL)
    add_box(sheets, POLE, foot.shifted(LAMP_REACH_M / 2, 0, LAMP_HEIGHT_M), (LAMP_REACH_M, 0.08, 0.08), STEEL)
    head = foot.shifted(LAMP_REACH_M, 0, LAMP_HEIGHT_M - 0.05)
    add_box(sheets, POLE, head, (0.7, 0.28, 0.14), (0.86, 0.86, 0.80), with_bottom=True)
    return static_box(name, Label.POLES, foot.shifted(0, 0, LAMP_HEIGHT_M / 2), (0.2, 0.2, LAMP_HEIGHT_M))


def _add_prop(sheets: Sheets, prop: Prop, name: str) -> StaticBox:
    """Every prop is a few boxes: (forward, left, up of the middle), (length, width, height), color."""
    place = Place(prop.x, prop.y, prop.heading)
    parts = PROP_PARTS[prop.kind]
    for middle, size, color in parts:
        add_box(sheets, THING, place.shifted(*middle), size, color, with_bottom=middle[2] > 1.0)
    low = np.min([np.array(middle) - np.array(size) / 2 for middle, size, _ in parts], axis=0)
    high = np.max([np.array(middle) + np.array(size) / 2 for middle, size, _ in parts], axis=0)
    forward, left, up = (float(value) for value in (low + high) / 2)
    length, width, height = (float(value) for value in high - low)
    return static_box(name, Label.STATIC, place.shifted(forward, left, up), (length, width, height))


Part = tuple[tuple[float, float, float], tuple[float, float, float], RGB]
WOOD: RGB = (0.55, 0.40, 0.26)
PROP_PARTS: dict[str, list[Part]] = {
    "bench": [
        ((0, 0, 0.42), (1.7, 0.42, 0.07), WOOD),
        ((0, -0.2, 0.70), (1.7, 0.06, 0.42), WOOD),
        ((-0.7, 0, 0.20), (0.08, 0.40, 0.40), STEEL),
        ((0.7, 0, 0.20), (0.08, 0.40, 0.40), STEEL),
    ],
    "bin": [
        ((0, 0, 0.48), (0.50, 0.46, 0.96), (0.20, 0.34, 0.26)),
        ((0, 0, 1.0), (0.56, 0.52, 0.1), (0.14, 0.22, 0.18)),
    ],
    "hydrant": [
        ((0, 0, 0.36), (0.22, 0.22, 0.72), (0.76, 0.16, 0.12)),
        ((0, 0, 0.5), (0.42, 0.14, 0.12), (0.8, 0.7, 0.2)),
    ],
    "planter": [
        ((0, 0, 0.28), (1.4, 0.55, 0.56), (0.60, 0.58, 0.55)),
        ((0, 0, 0.72), (1.2, 0.40, 0.36), (0.30, 0.46, 0.22)),
    ],
    "shelter": [
        ((0, -0.3, 1.15), (3.6, 0.06, 2.3), (0.62, 0.72, 0.76)),
        ((0, 0.05, 2.38), (3.9, 0.9, 0.12), (0.24, 0.27, 0.30)),
        ((-1.75, 0.05, 1.15), (0.06, 0.7, 2.3), (0.56, 0.66, 0.70)),
        ((0, -0.1, 0.45), (2.6, 0.3, 0.06), WOOD),
    ],
}


def _add_rail(sheets: Sheets, rail: Rail, name: str) -> Iterator[StaticBox]:
    points = np.array(rail.points)
    for number, (a, b) in enumerate(itertools.pairwise(points)):
        step = b - a
        length, heading = float(np.hypot(*step)), math.atan2(step[1], step[0])
        x, y = (float(value) for value in (a + b) / 2)
        middle = Place(x, y, heading)
        _add_band(sheets, middle, length)
        add_post(sheets, RAIL, middle.shifted(-length / 2, 0, 0), 0.6, (0.06, 0.06), STEEL, sides=3)
        yield static_box(f"{name}.{number}", Label.FENCES, middle.shifted(0, 0, 0.4), (length, 0.14, 0.8))


def _add_band(sheets: Sheets, middle: Place, length: float) -> None:
    """The steel band of one rail segment, seen from both sides."""
    x = length / 2 + 0.03
    front: Floats = np.array([[-x, -0.05, 0.46], [x, -0.05, 0.46], [x, -0.05, 0.78], [-x, -0.05, 0.78]])
    for local in (front, front * (-1, -1, 1)):
        add_quad(sheets, RAIL, middle.points(local), np.zeros((4, 2)), GALVANISED)
