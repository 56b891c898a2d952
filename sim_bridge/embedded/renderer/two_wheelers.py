"""Motorcycle and bicycle with their riders, out of rods and balls. Surfaces with light baked in; nose +y."""

from __future__ import annotations

from sim_bridge.embedded.contracts import VehicleShape
from sim_bridge.embedded.renderer.geoms import Surface, joined
from sim_bridge.embedded.renderer.light import shade_body
from sim_bridge.embedded.renderer.solids import RGB, ball, box, rod

_TYRE: RGB = (0.06, 0.06, 0.065)
_METAL: RGB = (0.45, 0.46, 0.48)
_SKIN: RGB = (0.78, 0.58, 0.46)
_JACKET: RGB = (0.16, 0.20, 0.30)
_TROUSERS: RGB = (0.20, 0.20, 0.22)


def build(shape: VehicleShape, color: RGB) -> tuple[Surface, int]:
    """The machine with its rider, and how many of the last triangles are the rider."""
    is_bicycle = shape.body == "bicycle"
    half, radius = shape.wheel_base / 2.0, shape.wheel_radius
    tyre = 0.05 if is_bicycle else 0.16
    parts = [rod((-tyre / 2, y, radius), (tyre / 2, y, radius), radius, _TYRE, 14) for y in (-half, half)]
    for y in (-half, half):
        parts.append(rod((-tyre / 2 - 0.006, y, radius), (tyre / 2 + 0.006, y, radius), radius * 0.72, _METAL, 12))
    parts += _bicycle(half, radius, color) if is_bicycle else _motorcycle(half, radius, color)
    rider = _rider(0.92 if is_bicycle else 0.80, shape.height, color)
    whole = joined(parts + rider)
    whole.colors[:, :3] *= shade_body(whole.normals, 0.0)
    return whole, sum(len(part.triangles) for part in rider)


def _bicycle(half: float, radius: float, color: RGB) -> list[Surface]:
    saddle, bars, crank = (0.0, -half * 0.45, 0.90), (0.0, half * 0.72, 0.98), (0.0, -half * 0.1, 0.30)
    frame = [(crank, saddle), (crank, bars), (saddle, bars), ((0, -half, radius), crank), ((0, -half, radius), saddle)]
    parts = [rod(a, b, 0.022, color, 6) for a, b in [*frame, (bars, (0.0, half, radius))]]
    return [*parts, rod((-0.26, bars[1], 1.0), (0.26, bars[1], 1.0), 0.018, _METAL, 6)]


def _motorcycle(half: float, radius: float, color: RGB) -> list[Surface]:
    return [
        ball((0, 0.12, 0.76), (0.17, 0.36, 0.17), color, 10, 6),
        box((0, -0.02, 0.46), (0.30, 0.62, 0.34), _METAL),
        box((0, -0.50, 0.76), (0.22, 0.62, 0.11), (0.09, 0.09, 0.10)),
        ball((0, half * 0.86, 0.86), (0.19, 0.24, 0.26), color, 10, 6),
        rod((0, half, radius), (0, half * 0.66, 0.95), 0.05, _METAL, 6),
        rod((0, -half, radius), (0, 0.0, 0.45), 0.05, _METAL, 6),
        rod((-0.32, half * 0.55, 1.0), (0.32, half * 0.55, 1.0), 0.025, _METAL, 6),
    ]


def _rider(seat: float, height: float, color: RGB) -> list[Surface]:
    """Sits at y about -0.2, leaning forward, hands on the bars."""
    neck = (0.0, 0.08, height - 0.30)
    parts = [
        rod((0, -0.24, seat), neck, 0.17, _JACKET, 8, 0.15),
        ball((0, 0.13, height - 0.13), (0.12, 0.14, 0.14), color),
    ]
    parts.append(ball((0, 0.20, height - 0.15), (0.08, 0.08, 0.09), _SKIN, 6, 4))
    for side in (-1.0, 1.0):
        knee, foot = (side * 0.20, 0.16, seat - 0.24), (side * 0.16, -0.06, 0.30)
        shoulder = (side * 0.19, 0.06, neck[2] - 0.06)
        parts += [rod((side * 0.10, -0.2, seat), knee, 0.085, _TROUSERS, 6), rod(knee, foot, 0.065, _TROUSERS, 6)]
        parts.append(rod(shoulder, (side * 0.24, 0.42, 1.0), 0.055, _JACKET, 6))
    return parts
