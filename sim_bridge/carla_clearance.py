"""How much room a car has straight ahead and straight behind, read from the world's actors. Session thread.

For a car that is stuck and must not back into somebody; a driver never sees it.
"""

from __future__ import annotations

import math
from typing import Any

import carla

from sim_bridge.messages import Clearance

REACH_M = 15.0
# Room kept to the sides: somebody this near beside the car's own width counts as in its way.
BESIDE_M = 0.4
KINDS = ("vehicle.", "walker.", "static.prop.")
HOLDS = (carla.TrafficLightState.Red, carla.TrafficLightState.Yellow)


def clearance_of(ego: Any, world: Any) -> Clearance:
    """Where `ego` stands now. What is beyond REACH_M counts as free."""
    own, half = ego.get_transform(), ego.bounding_box.extent
    yaw_rad = math.radians(own.rotation.yaw)
    c, s = math.cos(yaw_rad), math.sin(yaw_rad)
    ahead = behind = math.inf
    for actor in world.get_actors():
        if actor.id == ego.id or not actor.type_id.startswith(KINDS):
            continue
        place = actor.get_transform()
        dx, dy = place.location.x - own.location.x, place.location.y - own.location.y
        along, aside = c * dx + s * dy, c * dy - s * dx
        half_along, half_across = _reach(actor, math.radians(place.rotation.yaw) - yaw_rad)
        if abs(aside) > half.y + half_across + BESIDE_M or abs(along) > REACH_M + half.x + half_along:
            continue
        free = max(0.0, abs(along) - half.x - half_along)
        ahead, behind = (min(ahead, free), behind) if along > 0.0 else (ahead, min(behind, free))
    return Clearance(ahead, behind, ego.is_at_traffic_light() and ego.get_traffic_light_state() in HOLDS)


def _reach(actor: Any, turned_rad: float) -> tuple[float, float]:
    """Half the room an actor takes along and across the car's heading."""
    extent, c, s = actor.bounding_box.extent, abs(math.cos(turned_rad)), abs(math.sin(turned_rad))
    return c * extent.x + s * extent.y, s * extent.x + c * extent.y
