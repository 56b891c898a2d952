"""Made-up frames with known geometry, for the label tests."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from model.training.samples import BesideFacts, FrameFacts, LeadFacts, LightFacts, PedestrianFacts, SeenBox


def straight_line(lateral_m: float = 0.0, heading_rad: float = 0.0, length: int = 60) -> np.ndarray:
    """A 1 m line that starts beside the car: `lateral_m` right of it, turned by `heading_rad` to the right."""
    along = np.arange(length + 1)
    tangent = np.array([math.cos(heading_rad), math.sin(heading_rad)])
    normal = np.array([-tangent[1], tangent[0]])
    return (lateral_m * normal + along[:, None] * tangent).astype(np.float32)


def turning_line(straight_m: int, radius_m: float, side: int) -> np.ndarray:
    """Straight on for `straight_m`, a quarter circle (side +1 right, -1 left), straight again; 61 points."""
    points = [np.array([float(k), 0.0]) for k in range(straight_m + 1)]
    heading = 0.0
    while len(points) < 61:
        if abs(heading) < math.pi / 2 - 1e-6:
            heading += side / radius_m
            heading = max(-math.pi / 2, min(math.pi / 2, heading))
        points.append(points[-1] + np.array([math.cos(heading), math.sin(heading)]))
    return np.array(points, dtype=np.float32)


def open_road(**changes: object) -> FrameFacts:
    """A straight two-lane road at 13.9 m/s, the car in its lane's middle, a lane on the left, nothing else."""
    facts = FrameFacts(
        speed_mps=8.0,
        speed_limit_mps=13.9,
        route=straight_line(),
        lane_left=straight_line(-3.5),
        lane_right=None,
        turns={},
        target_points=np.array([[12.0, 0.0], [25.0, 0.0]], dtype=np.float32),
        command=4,
        next_command=4,
        command_distance_m=60.0,
        junction_m=None,
        in_junction=False,
        may_change_left=True,
        may_change_right=False,
        oncoming_left=False,
        light=None,
        lead=None,
        pedestrian=None,
        town="Backseat01",
        weather="clear_noon",
        place="3:-1:4",
        source="staged",
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def red_light(distance_m: float = 20.0) -> FrameFacts:
    return open_road(light=LightFacts("red", distance_m))


def standing_van(gap_m: float = 15.0) -> FrameFacts:
    """A van of two metres, as tall in the picture as one is at its distance."""
    tall = 1.5 / gap_m
    box = SeenBox("lead_brakes", 0.5 - tall / 4.0, 0.5 - tall / 2.0, 0.5 + tall / 4.0, 0.5 + tall / 2.0)
    return open_road(lead=LeadFacts(gap_m, 0.0, True, "van", "white"), seen=(box,))


def walker(distance_m: float = 12.0) -> FrameFacts:
    return open_road(pedestrian=PedestrianFacts(distance_m, 0.5))


def junction(side: int = -1) -> FrameFacts:
    name = "left" if side < 0 else "right"
    return open_road(
        turns={name: turning_line(15, 8.0, side), "straight": straight_line()},
        route=turning_line(15, 8.0, side),
        command=1 if side < 0 else 2,
        junction_m=12.0,
        route_turn=name,
        changes_m=(12.0, 31.0),
    )


def village_street(**changes: object) -> FrameFacts:
    """A narrow street: one lane each way, a sidewalk on the right."""
    street = open_road(lane_left=None, may_change_left=False, oncoming_left=True, beside=BesideFacts(3.5, 3.0))
    return replace(street, **changes)  # type: ignore[arg-type]


def every_scene() -> tuple[FrameFacts, ...]:
    return (open_road(), red_light(), standing_van(), walker(), junction(-1), junction(1), village_street())
