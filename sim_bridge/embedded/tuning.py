"""What the world tells the physics about a vehicle whose physics control a script changed. Plain data, any thread."""

from __future__ import annotations

from dataclasses import dataclass

# Speed in km/h, share of the wheel that is left. CARLA's cars steer less at speed; this one is fitted between the 20
# km/h at which the bicycle model was measured and 120 km/h.
STEERING_CURVE = ((0.0, 1.0), (60.0, 1.0), (120.0, 0.78))


@dataclass(frozen=True, slots=True)
class Tuning:
    """A vehicle's figures beside those of its shape: 1.0 is "as the shape has it"."""

    mass: float  # kg
    max_steer_deg: float
    pull: float = 1.0  # engine force at the road
    stretch: float = 1.0  # of the speeds over which the engine pulls
    drag: float = 1.0
    brake: float = 1.0
    hand_brake: float = 1.0
    grip: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)  # front left, front right, rear left, rear right
    steering_curve: tuple[tuple[float, float], ...] = STEERING_CURVE


def steer_share(curve: tuple[tuple[float, float], ...], speed_kmh: float) -> float:
    """The curve at a speed: straight lines between its points, level beyond them. 1 where it has none."""
    if not curve:
        return 1.0
    before = curve[0]
    for point in curve:
        if speed_kmh <= point[0]:
            wide = point[0] - before[0]
            return point[1] if wide <= 0.0 else before[1] + (point[1] - before[1]) * (speed_kmh - before[0]) / wide
        before = point
    return before[1]
