"""The vehicles this world can spawn: CARLA's ids with their outer size, mass and running gear. Data only, any thread.

Lengths, widths and heights follow the bounding boxes CARLA 0.9.16 reports for the same ids; masses, wheel bases and
tyre radii follow the makers' data sheets. Bodies are lofted from these figures by `renderer.vehicle_models`.
"""

from __future__ import annotations

from sim_bridge.embedded.contracts import Label, VehicleShape

DEFAULT_EGO = "vehicle.lincoln.mkz_2020"


def _shape(
    blueprint_id: str,
    body: str,
    size: tuple[float, float, float],
    mass: float,
    gear: tuple[float, float, float],
    max_steer_deg: float = 70.0,
    service: str = "",
) -> VehicleShape:
    """`size` is length, width, height; `gear` is wheel base, track, wheel radius; all in metres."""
    length, width, height = size
    wheel_base, track, wheel_radius = gear
    return VehicleShape(
        blueprint_id, length, width, height, mass, wheel_base, track, wheel_radius, max_steer_deg, body, service
    )


_SHAPES = (
    _shape("vehicle.lincoln.mkz_2020", "sedan", (4.89, 1.84, 1.49), 1800.0, (2.85, 1.58, 0.335)),
    _shape("vehicle.lincoln.mkz_2017", "sedan", (4.90, 1.86, 1.48), 1800.0, (2.85, 1.58, 0.335)),
    _shape("vehicle.tesla.model3", "sedan", (4.79, 1.85, 1.44), 1845.0, (2.88, 1.58, 0.335)),
    _shape("vehicle.ford.crown", "sedan", (5.37, 1.96, 1.50), 1900.0, (2.91, 1.61, 0.34)),
    _shape("vehicle.dodge.charger_2020", "sedan", (5.01, 1.90, 1.48), 1950.0, (3.05, 1.62, 0.36)),
    _shape("vehicle.audi.tt", "coupe", (4.18, 1.83, 1.36), 1400.0, (2.50, 1.56, 0.33)),
    _shape("vehicle.mini.cooper_s", "hatchback", (3.81, 1.74, 1.44), 1250.0, (2.49, 1.47, 0.31)),
    _shape("vehicle.nissan.micra", "hatchback", (3.63, 1.67, 1.50), 1000.0, (2.45, 1.45, 0.30)),
    _shape("vehicle.nissan.patrol", "suv", (4.86, 1.94, 1.88), 2500.0, (2.95, 1.62, 0.39)),
    _shape("vehicle.jeep.wrangler_rubicon", "suv", (4.22, 1.88, 1.86), 2000.0, (2.46, 1.60, 0.40)),
    _shape("vehicle.tesla.cybertruck", "pickup", (5.89, 2.03, 1.80), 2900.0, (3.81, 1.75, 0.43)),
    _shape("vehicle.mercedes.sprinter", "van", (5.92, 1.99, 2.56), 2600.0, (3.67, 1.70, 0.35)),
    _shape("vehicle.carlamotors.carlacola", "truck", (5.20, 2.45, 2.47), 5500.0, (3.10, 1.95, 0.42)),
    _shape("vehicle.mitsubishi.fusorosa", "bus", (10.27, 2.50, 3.30), 9000.0, (5.20, 2.05, 0.47)),
    _shape("vehicle.dodge.charger_police", "sedan", (4.97, 1.90, 1.50), 2000.0, (3.05, 1.62, 0.36), service="police"),
    _shape(
        "vehicle.dodge.charger_police_2020", "sedan", (5.24, 1.92, 1.50), 2000.0, (3.05, 1.64, 0.36), service="police"
    ),
    _shape("vehicle.ford.ambulance", "van", (6.36, 2.15, 2.43), 4500.0, (3.90, 1.80, 0.38), service="ambulance"),
    _shape("vehicle.carlamotors.firetruck", "truck", (8.46, 2.60, 3.20), 12000.0, (4.80, 2.10, 0.52), service="fire"),
    _shape("vehicle.kawasaki.ninja", "motorcycle", (2.04, 0.76, 1.60), 280.0, (1.41, 0.50, 0.31), 60.0),
    _shape("vehicle.bh.crossbike", "bicycle", (1.72, 0.60, 1.70), 95.0, (1.08, 0.44, 0.34), 60.0),
)

VEHICLES: dict[str, VehicleShape] = {shape.blueprint_id: shape for shape in _SHAPES}

_LABEL_OF_BODY = {
    "truck": Label.TRUCK,
    "bus": Label.BUS,
    "motorcycle": Label.MOTORCYCLE,
    "bicycle": Label.BICYCLE,
}


def label_of(shape: VehicleShape) -> Label:
    """The semantic label a vehicle of this body carries."""
    return _LABEL_OF_BODY.get(shape.body, Label.CAR)


def two_wheeled(shape: VehicleShape) -> bool:
    return shape.body in ("motorcycle", "bicycle")
