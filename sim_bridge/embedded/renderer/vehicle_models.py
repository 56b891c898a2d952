"""A vehicle's look from its shape and paint: hull, wheels, lamps, and what brake lamps and indicators add when lit.

Surfaces only, light baked in; `actors` turns them into nodes. The nose is +y, the origin on the ground.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim_bridge.embedded.contracts import VehicleShape
from sim_bridge.embedded.renderer import liveries, lofts, two_wheelers
from sim_bridge.embedded.renderer.geoms import Surface, joined, moved, surface
from sim_bridge.embedded.renderer.light import glint, shade_body
from sim_bridge.embedded.renderer.lofts import PLASTIC, RGB
from sim_bridge.embedded.renderer.solids import box, disc, rod
from sim_bridge.embedded.vehicles import two_wheeled

POSITION, LOW_BEAM, HIGH_BEAM, BRAKE, RIGHT, LEFT, REVERSE, FOG = 1, 2, 4, 8, 16, 32, 64, 128
LAMP_COLORS: dict[int, RGB] = {
    BRAKE: (1.0, 0.07, 0.04),
    RIGHT: (1.0, 0.62, 0.05),
    LEFT: (1.0, 0.62, 0.05),
    REVERSE: (1.0, 1.0, 0.95),
    LOW_BEAM: (1.0, 0.98, 0.86),
    HIGH_BEAM: (1.0, 1.0, 0.97),
    FOG: (1.0, 0.96, 0.70),
    POSITION: (0.55, 0.05, 0.04),
}

_SECTIONS = {
    "sedan": lofts.SEDAN,
    "coupe": lofts.COUPE,
    "hatchback": lofts.HATCHBACK,
    "suv": lofts.SUV,
    "pickup": lofts.PICKUP,
    "van": lofts.VAN,
    "truck": lofts.CAB,
    "bus": lofts.BUS,
}
# The hull is this much narrower than the wheels, so that they stand in front of it and not inside.
_WHEEL_PROUD_M = 0.035
_TYRE: RGB = (0.05, 0.05, 0.055)
_RIM: RGB = (0.62, 0.63, 0.65)
_ARCH: RGB = (0.025, 0.025, 0.03)
_REAR_LAMP_OFF: RGB = (0.34, 0.03, 0.03)
_HEADLAMP_OFF: RGB = (0.80, 0.83, 0.86)
# Rear lamps and headlamps as parts of height (their middle) and of half width (their outer edge).
_REAR_LAMP_AT = {"van": 0.30, "bus": 0.22, "truck": 0.24, "suv": 0.52, "pickup": 0.48}
_HEADLAMP_AT = {"van": 0.27, "bus": 0.22, "truck": 0.30, "suv": 0.49, "pickup": 0.48, "hatchback": 0.48}


@dataclass(frozen=True, slots=True, eq=False)
class VehicleModel:
    """`near` and `far` are whole bodies of two levels of detail without the front wheels of `near`."""

    near: Surface
    far: Surface
    front_wheel: Surface | None
    front_wheels_at: tuple[RGB, ...]
    lit: dict[int, Surface]  # by light flag, full brightness
    shadow: tuple[float, float]  # width, length
    rider_faces: int = 0  # how many of the last triangles of `near` are a rider

    def solid(self) -> Surface:
        """The whole body with its front wheels straight."""
        if self.front_wheel is None:
            return self.near
        return joined([*(_placed(self.front_wheel, place) for place in self.front_wheels_at), self.near])


def build(shape: VehicleShape, color: RGB) -> VehicleModel:
    if two_wheeled(shape):
        body, rider_faces = two_wheelers.build(shape, color)
        lit = {flag: joined(lamps) for flag, lamps in _small_lamps(shape).items()}
        shadow = (shape.width * 0.9, shape.length + 0.2)
        return VehicleModel(body, body, None, (), lit, shadow, rider_faces)
    return _four_wheeled(shape, color)


def _four_wheeled(shape: VehicleShape, color: RGB) -> VehicleModel:
    color = liveries.PAINTS.get(shape.service, color)
    hull = lofts.hull(_SECTIONS[shape.body], _hull_size(shape), color)
    painted = [_shiny(hull.paint, 0.5), _shiny(hull.glass, 1.0), _matte(hull.trim)]
    if shape.body == "truck":
        cargo = liveries.fire_body(shape) if shape.service == "fire" else _cargo_box(shape)
        painted.append(_shiny(cargo, 0.3))
    if shape.service:
        painted.append(_matte(liveries.markings(shape)))
    trim = [_matte(part) for part in (*_unlit_lamps(shape), *_details(shape))]
    wheel = _matte(_wheel(shape, 12))
    corners = _wheel_places(shape)
    rear = [_placed(wheel, place) for place in corners[2:]]
    arches = [_matte(_arch(shape, place)) for place in corners]
    near = joined([*painted, *trim, *arches, *rear])
    plain = _matte(_wheel(shape, 8))
    far = joined([*painted, *(_matte(p) for p in _unlit_lamps(shape)), *(_placed(plain, place) for place in corners)])
    lit = {flag: joined(lamps) for flag, lamps in _lamps(shape).items()}
    if shape.service:
        lit.update(liveries.beacons(shape))
    return VehicleModel(near, far, wheel, corners[:2], lit, (shape.width, shape.length))


def _hull_size(shape: VehicleShape) -> RGB:
    return (shape.width - 2.0 * _WHEEL_PROUD_M, shape.length, shape.height)


def _lit_by(part: Surface, factors: np.ndarray[tuple[int, ...], np.dtype[np.float32]], gloss: float) -> Surface:
    colors = part.colors.copy()
    colors[:, :3] = colors[:, :3] * factors + gloss * glint(part.normals) * np.array([0.86, 0.94, 1.0], np.float32)
    return Surface(part.vertices, part.normals, colors, part.uvs, part.triangles)


def _shiny(part: Surface, gloss: float) -> Surface:
    return _lit_by(part, shade_body(part.normals, gloss), gloss)


def _matte(part: Surface) -> Surface:
    return _lit_by(part, shade_body(part.normals, 0.0), 0.0)


def _placed(part: Surface, place: RGB) -> Surface:
    """The wheel is built for the right side; on the left it is turned around."""
    if place[0] > 0:
        return moved(part, *place)
    turned = part.vertices * np.array([-1.0, -1.0, 1.0], np.float32)
    return moved(Surface(turned, part.normals, part.colors, part.uvs, part.triangles), *place)


def _wheel_places(shape: VehicleShape) -> tuple[RGB, ...]:
    """Front left, front right, rear left, rear right; the outer face of each tyre is at the body's full width."""
    x, y, z = shape.width / 2.0, shape.wheel_base / 2.0, shape.wheel_radius
    return ((-x, y, z), (x, y, z), (-x, -y, z), (x, -y, z))


def _wheel(shape: VehicleShape, segments: int) -> Surface:
    """A wheel on the right side: its outer face at x 0, the tyre inward of it."""
    radius, width = shape.wheel_radius, 0.24
    tyre = rod((-width, 0, 0), (-0.012, 0, 0), radius, _TYRE, segments)
    rim_radius = radius * 0.68
    angles = np.arange(20) * 2.0 * np.pi / 20
    points = [(0.0, 0.0, 0.0), *((-0.004, np.cos(a) * rim_radius, np.sin(a) * rim_radius) for a in angles)]
    spokes = [(0, 1 + i, 1 + (i + 1) % 20) for i in range(20) if i % 4 < 2 or segments < 10]
    gaps = [(0, 1 + i, 1 + (i + 1) % 20) for i in range(20) if i % 4 >= 2 and segments >= 10]
    parts = [tyre, surface(points, spokes, _RIM)]
    if gaps:
        parts.append(surface(points, gaps, (0.10, 0.10, 0.11)))
    return joined(parts)


def _arch(shape: VehicleShape, place: RGB) -> Surface:
    """The dark opening a wheel stands in: a disc just outside the hull, cut off at the sill."""
    radius, x = shape.wheel_radius * 1.17, abs(place[0]) - 0.014
    angles = np.linspace(-0.25, np.pi + 0.25, 13)
    points = [
        (x, place[1], place[2]),
        *((x, place[1] + np.cos(a) * radius, place[2] + np.sin(a) * radius) for a in angles),
    ]
    fan = [(0, 1 + i, 2 + i) for i in range(12)]
    if place[0] < 0:
        points = [(-px, py, pz) for px, py, pz in points]
        fan = [(a, c, b) for a, b, c in fan]
    return surface(points, fan, _ARCH)


def _rear_lamp_boxes(shape: VehicleShape, grow: float) -> list[tuple[RGB, RGB]]:
    """Centre and size of the two rear lamps; they wrap around the corners of the body."""
    z = _REAR_LAMP_AT.get(shape.body, 0.545) * shape.height
    wide, tall = (0.16, 0.42) if shape.body in ("van", "bus", "suv", "truck") else (0.40, 0.15)
    x = shape.width / 2.0 * (0.84 if tall < 0.2 else 0.90) - wide / 2.0
    y = -shape.length / 2.0 + 0.025
    return [((side * x, y, z), (wide + grow, 0.10 + grow, tall + grow)) for side in (-1.0, 1.0)]


def _headlamp_boxes(shape: VehicleShape, grow: float) -> list[tuple[RGB, RGB]]:
    z = _HEADLAMP_AT.get(shape.body, 0.415) * shape.height
    x = shape.width / 2.0 * 0.60
    y = shape.length / 2.0 - (0.05 if shape.body in ("van", "bus", "truck") else 0.075)
    return [((side * x, y, z), (0.36 + grow, 0.16 + grow, 0.13 + grow)) for side in (-1.0, 1.0)]


def _unlit_lamps(shape: VehicleShape) -> list[Surface]:
    rear = [box(c, s, _REAR_LAMP_OFF) for c, s in _rear_lamp_boxes(shape, 0.0)]
    return rear + [box(c, s, _HEADLAMP_OFF) for c, s in _headlamp_boxes(shape, 0.0)]


def _details(shape: VehicleShape) -> list[Surface]:
    """Number plates, grille, bumper, mirrors: what makes a front a front and a rear a rear."""
    half, height = shape.length / 2.0, shape.height
    low = 0.26 * height if shape.body not in ("van", "bus", "truck") else 0.14 * height
    parts = [
        box((0, -half - 0.012, low + 0.12), (0.50, 0.03, 0.13), (0.85, 0.85, 0.80)),
        box((0, half + 0.005, low), (0.48, 0.03, 0.12), (0.85, 0.85, 0.80)),
        box((0, -half + 0.01, low - 0.06), (shape.width * 0.80, 0.10, 0.14), PLASTIC),
        box((0, half - 0.02, low + 0.16), (shape.width * 0.46, 0.06, 0.13), PLASTIC),
    ]
    if shape.body in ("sedan", "coupe", "hatchback", "suv", "pickup", "van"):
        y, z = (0.19 if shape.body != "van" else 0.30) * shape.length, (0.66 if shape.body != "van" else 0.52) * height
        for side in (-1.0, 1.0):
            parts.append(box((side * (shape.width / 2.0 + 0.04), y, z), (0.16, 0.10, 0.12), PLASTIC, 0.8))
    return parts


def _cargo_box(shape: VehicleShape) -> Surface:
    length = shape.length * 0.64
    lift, height = 0.32 * shape.height, 0.66 * shape.height
    middle = (0.0, -shape.length / 2.0 + length / 2.0, lift + height / 2.0)
    parts = [box(middle, (shape.width - 0.08, length, height), (0.86, 0.10, 0.12))]
    stripe = (0.0, middle[1], lift + height * 0.45)
    parts.append(box(stripe, (shape.width - 0.02, length * 0.98, height * 0.24), (0.95, 0.94, 0.92)))
    parts.append(box((0.0, middle[1], lift - 0.1), (shape.width * 0.5, length, 0.3), PLASTIC))
    return joined(parts)


def _lamps(shape: VehicleShape) -> dict[int, list[Surface]]:
    rear, front = _rear_lamp_boxes(shape, 0.05), _headlamp_boxes(shape, 0.02)
    z_high = shape.height * (0.93 if shape.body in ("suv", "van", "hatchback", "bus", "truck") else 0.735)
    y_high = -shape.length / 2.0 * (0.985 if shape.body in ("suv", "van", "bus", "truck", "hatchback") else 0.72)
    third = box((0, y_high - 0.03, z_high), (0.42, 0.05, 0.06), LAMP_COLORS[BRAKE])
    lamps = {BRAKE: [box(c, s, LAMP_COLORS[BRAKE]) for c, s in rear] + [third]}
    lamps[POSITION] = [box(c, (s[0] - 0.03, s[1] - 0.03, s[2] - 0.03), LAMP_COLORS[POSITION]) for c, s in rear]
    for flag, index in ((LEFT, 0), (RIGHT, 1)):
        lamps[flag] = [_indicator(*rear[index], flag), _indicator(*front[index], flag)]
    lamps[REVERSE] = [box((c[0] * 0.72, c[1], c[2] - 0.02), (0.12, 0.16, 0.09), LAMP_COLORS[REVERSE]) for c, _ in rear]
    lamps[LOW_BEAM] = [box(c, s, LAMP_COLORS[LOW_BEAM]) for c, s in front]
    lamps[HIGH_BEAM] = [box(c, (s[0] - 0.10, s[1] + 0.03, s[2]), LAMP_COLORS[HIGH_BEAM]) for c, s in front]
    lamps[FOG] = [box((c[0], c[1], c[2] - 0.24), (0.18, s[1], 0.08), LAMP_COLORS[FOG]) for c, s in front]
    return lamps


def _indicator(center: RGB, size: RGB, flag: int) -> Surface:
    """The outer part of a lamp, a little proud of it."""
    outward = 1.0 if center[0] > 0 else -1.0
    middle = (center[0] + outward * (size[0] / 2.0 - 0.05), center[1], center[2])
    return box(middle, (0.16, size[1] + 0.05, size[2] * 0.8), LAMP_COLORS[flag])


def _small_lamps(shape: VehicleShape) -> dict[int, list[Surface]]:
    back, front = -shape.length / 2.0 + 0.12, shape.length / 2.0 - 0.25
    lamps = {BRAKE: [box((0, back, 0.78), (0.18, 0.06, 0.10), LAMP_COLORS[BRAKE])]}
    lamps[POSITION] = [box((0, back, 0.78), (0.14, 0.05, 0.08), LAMP_COLORS[POSITION])]
    for flag, side in ((LEFT, -1.0), (RIGHT, 1.0)):
        lamps[flag] = [box((side * 0.16, back, 0.80), (0.07, 0.06, 0.07), LAMP_COLORS[flag])]
    lamps[LOW_BEAM] = [disc((0, front + 0.05, 0.86), 0.10, LAMP_COLORS[LOW_BEAM])]
    lamps[HIGH_BEAM] = [disc((0, front + 0.06, 0.86), 0.11, LAMP_COLORS[HIGH_BEAM])]
    return lamps
