"""Cars that stand at the kerb for good: a few dozen triangles each, and a box to bump into."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim_bridge.embedded.contracts import Label, StaticBox
from sim_bridge.embedded.town.curves import Floats
from sim_bridge.embedded.town.scenery_file import RGB, ParkedCar
from sim_bridge.embedded.town.sheets import Look, Sheets
from sim_bridge.embedded.town.solids import Place, add_quad, static_box

CAR = Look("solid", Label.CAR)
GLASS: RGB = (0.13, 0.16, 0.19)
TYRE: RGB = (0.07, 0.07, 0.08)
HUB: RGB = (0.45, 0.46, 0.48)
HEADLAMP: RGB = (0.92, 0.92, 0.86)
TAILLAMP: RGB = (0.60, 0.08, 0.07)
SILL_M, WHEEL_M, WHEEL_SIDES = 0.24, 0.32, 8


@dataclass(frozen=True, slots=True)
class Body:
    """Metres. `waist` is where the windows begin; `cabin` says where they begin and end along the car, at the waist and
    at the roof, from the middle forwards."""

    length: float
    width: float
    height: float
    waist: float
    cabin: tuple[float, float, float, float]


BODIES = {
    "sedan": Body(4.6, 1.80, 1.46, 0.92, (-1.75, -1.15, 0.35, 1.15)),
    "hatchback": Body(4.0, 1.74, 1.50, 0.95, (-1.92, -1.55, 0.30, 1.05)),
    "van": Body(4.9, 1.90, 1.95, 1.10, (-2.40, -2.30, 1.05, 1.75)),
}


def add_parked_car(sheets: Sheets, car: ParkedCar, name: str) -> StaticBox:
    body, place = BODIES[car.body], Place(car.x, car.y, car.heading)
    x, y = body.length / 2, body.width / 2
    rear, roof_rear, roof_front, front = body.cabin
    roof = body.height - 0.07
    _add_frustum(sheets, place, (-x, x, y, SILL_M), (-x + 0.06, x - 0.10, y - 0.05, body.waist), car.color)
    _add_frustum(sheets, place, (rear, front, y - 0.08, body.waist), (roof_rear, roof_front, y - 0.24, roof), GLASS)
    top = (roof_rear - 0.03, roof_front + 0.03, y - 0.22)
    _add_frustum(sheets, place, (*top, roof), (*top, body.height), car.color)
    for along in (-x + 0.85, x - 0.85):
        for side in (1, -1):
            _add_wheel(sheets, place, along, side * (y + 0.01))
            _add_lamp(sheets, place, math.copysign(x + 0.01, along), side * (y - 0.30), body.waist - 0.22)
    middle = place.shifted(0.0, 0.0, body.height / 2)
    return static_box(name, Label.CAR, middle, (body.length, body.width, body.height))


def _add_frustum(
    sheets: Sheets,
    place: Place,
    low: tuple[float, float, float, float],
    high: tuple[float, float, float, float],
    color: RGB,
) -> None:
    """A box between two rectangles (rear, front, half the width, height), open below."""
    rings = [np.array([[r, -y, z], [f, -y, z], [f, y, z], [r, y, z]]) for r, f, y, z in (low, high)]
    below, above = (place.points(ring) for ring in rings)
    for i in range(4):
        j = (i + 1) % 4
        add_quad(sheets, CAR, np.array([below[i], below[j], above[j], above[i]]), np.zeros((4, 2)), color)
    add_quad(sheets, CAR, above, np.zeros((4, 2)), color)


def _add_wheel(sheets: Sheets, place: Place, x: float, y: float) -> None:
    """Only the outside of it: a dark disc, its hub on top."""
    angles = np.linspace(0.0, math.tau, WHEEL_SIDES, endpoint=False) * (-1 if y > 0 else 1)
    normal = place.directions(np.array([[0.0, math.copysign(1.0, y), 0.0]]))[0]
    for radius, color, proud in ((WHEEL_M, TYRE, 0.0), (0.55 * WHEEL_M, HUB, 0.01)):
        rim: Floats = np.column_stack(
            [
                x + radius * np.cos(angles),
                np.full(len(angles), y + math.copysign(proud, y)),
                WHEEL_M + radius * np.sin(angles),
            ]
        )
        fan = np.array([[0, i, i + 1] for i in range(1, WHEEL_SIDES - 1)])
        sheets.add(CAR, place.points(rim), normal, np.zeros((len(rim), 2)), fan, color)


def _add_lamp(sheets: Sheets, place: Place, x: float, y: float, z: float) -> None:
    ahead = math.copysign(1.0, x)
    corners = np.array([[x, y - ahead * 0.2, z], [x, y + ahead * 0.2, z], [x, y + ahead * 0.2, z + 0.14]])
    corners = np.vstack([corners, [x, y - ahead * 0.2, z + 0.14]])
    add_quad(sheets, CAR, place.points(corners), np.zeros((4, 2)), HEADLAMP if x > 0 else TAILLAMP)
