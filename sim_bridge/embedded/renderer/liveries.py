"""What tells police, ambulance and fire engine from other vehicles: paint, stripes, bodies and beacons. Surfaces only.

The nose is +y, the origin on the ground, as in `vehicle_models`, which lights these surfaces.
"""

from __future__ import annotations

from sim_bridge.embedded.contracts import VehicleShape
from sim_bridge.embedded.renderer.geoms import Surface, joined
from sim_bridge.embedded.renderer.solids import RGB, box

LEFT_BEACON, RIGHT_BEACON = 512, 1024
PAINTS: dict[str, RGB] = {"police": (0.06, 0.07, 0.09), "ambulance": (0.93, 0.93, 0.91), "fire": (0.72, 0.07, 0.06)}
_BEACON_COLORS: dict[str, tuple[RGB, RGB]] = {
    "police": ((1.0, 0.10, 0.08), (0.15, 0.35, 1.0)),
    "ambulance": ((1.0, 0.10, 0.08), (0.15, 0.35, 1.0)),
    "fire": ((1.0, 0.10, 0.08), (1.0, 0.10, 0.08)),
}
_WHITE: RGB = (0.93, 0.93, 0.91)
_SILVER: RGB = (0.66, 0.67, 0.69)
_DARK: RGB = (0.09, 0.09, 0.10)
_REFLECTING: RGB = (0.93, 0.90, 0.30)
_UNLIT = 0.28  # of a beacon's colour
# Along each side: middle and length as parts of the vehicle's length, middle and height as parts of its height, colour.
_STRIPES: dict[str, tuple[tuple[float, float, float, float, RGB], ...]] = {
    "police": ((-0.02, 0.40, 0.42, 0.24, _WHITE),),
    "ambulance": ((-0.10, 0.78, 0.36, 0.10, (0.86, 0.32, 0.08)), (-0.14, 0.62, 0.66, 0.07, (0.16, 0.26, 0.55))),
    "fire": ((-0.16, 0.62, 0.36, 0.05, _REFLECTING), (0.36, 0.22, 0.36, 0.05, _REFLECTING)),
}
# Where the beacons stand on each body: metres from the middle as parts of length and height.
_ROOF_AT = {"sedan": (-0.03, 1.0), "van": (0.16, 0.985), "truck": (0.27, 0.985)}


def markings(shape: VehicleShape) -> Surface:
    """Stripes along the sides, and the beacons' housings, unlit."""
    length, height = shape.length, shape.height
    side = shape.width / 2.0 - 0.035
    parts: list[Surface] = []
    for middle, share, up, tall, color in _STRIPES[shape.service]:
        for x in (-side, side):
            parts.append(box((x, middle * length, up * height), (0.02, share * length, tall * height), color))
    if shape.service == "ambulance":
        parts += _crosses(shape, side)
    parts += [box(center, size, _dimmed(color)) for center, size, color in _bars(shape)]
    return joined(parts)


def _crosses(shape: VehicleShape, side: float) -> list[Surface]:
    """A red cross on each side and one at the back."""
    up, red = 0.80 * shape.height, (0.80, 0.08, 0.08)
    parts = []
    for x in (-side, side):
        at = (x, -0.24 * shape.length, up)
        parts += [box(at, (0.03, 0.16, 0.46), red), box(at, (0.03, 0.46, 0.16), red)]
    at = (0.0, -shape.length / 2.0, 0.72 * shape.height)
    return [*parts, box(at, (0.16, 0.04, 0.46), red), box(at, (0.46, 0.04, 0.16), red)]


def fire_body(shape: VehicleShape) -> Surface:
    """The box behind the cab with its shutters, and the ladder on top."""
    length, lift, height = shape.length * 0.66, 0.24 * shape.height, 0.62 * shape.height
    y = -shape.length / 2.0 + length / 2.0
    parts = [box((0.0, y, lift + height / 2.0), (shape.width - 0.10, length, height), PAINTS["fire"])]
    for index in range(3):
        at = y - length * 0.32 + index * length * 0.32
        shutter = (shape.width - 0.06, length * 0.26, height * 0.52)
        parts.append(box((0.0, at, lift + height * 0.62), shutter, _SILVER))
    top = lift + height + 0.10
    parts += [box((x, y, top), (0.07, length * 0.98, 0.10), _SILVER) for x in (-0.35, 0.35)]
    parts += [box((0.0, y + step * length / 11.0, top), (0.70, 0.05, 0.05), _SILVER) for step in range(-5, 6)]
    parts.append(box((0.0, y, lift - 0.12), (shape.width * 0.5, length, 0.36), _DARK))
    return joined(parts)


def beacons(shape: VehicleShape) -> dict[int, Surface]:
    """The two beacons alight, by flag, a little larger than the housings they hide."""
    lit: dict[int, list[Surface]] = {LEFT_BEACON: [], RIGHT_BEACON: []}
    for center, size, color in _bars(shape):
        flag = LEFT_BEACON if center[0] < 0.0 else RIGHT_BEACON
        grown = (size[0] + 0.03, size[1] + 0.03, size[2] + 0.03)
        lit[flag].append(box(center, grown, color))
    return {flag: joined(parts) for flag, parts in lit.items()}


def _bars(shape: VehicleShape) -> list[tuple[RGB, RGB, RGB]]:
    """Centre, size and colour of every beacon: a pair on the roof in front, and one at the back of a tall vehicle."""
    along, up = _ROOF_AT[shape.body]
    left, right = _BEACON_COLORS[shape.service]
    places = [(along * shape.length, up * shape.height + 0.05)]
    if shape.body != "sedan":
        places.append((-shape.length / 2.0 + 0.12, 0.93 * shape.height if shape.body == "van" else 0.84 * shape.height))
    offset = 0.32 * shape.width / 2.0 if shape.body == "sedan" else 0.52 * shape.width / 2.0
    wide = 0.58 * shape.width / 2.0
    return [
        ((side * offset, y, z), (wide, 0.24, 0.13), color)
        for y, z in places
        for side, color in ((-1.0, left), (1.0, right))
    ]


def _dimmed(color: RGB) -> RGB:
    return (color[0] * _UNLIT, color[1] * _UNLIT, color[2] * _UNLIT)
