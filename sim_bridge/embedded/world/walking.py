"""Walkers: told by a script where to head, or led step by step by CARLA's walker AI, which runs in the client.

A walker's origin is the middle of its body; physics, picture and the client's crowd stand it on its feet.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from sim_bridge.embedded.contracts import BodyState, Pose
from sim_bridge.embedded.wire.structs import WalkerControl
from sim_bridge.embedded.world.actors import Walker
from sim_bridge.embedded.world.geometry import difference_deg, rotation, turned

if TYPE_CHECKING:
    from sim_bridge.embedded.world.world import World

_STRIDE_M = 1.5
# A walker that was run over is taken away after this, as in CARLA.
_DEAD_STAYS_S = 10.0


def feet_of(walker: Walker, pose: Pose) -> Pose:
    return replace(pose, z=pose.z - walker.shape.height / 2.0)


def _middle_of(walker: Walker, feet: Pose) -> Pose:
    return replace(feet, z=feet.z + walker.shape.height / 2.0)


def walk(world: World, walker: Walker, control: WalkerControl) -> None:
    """Holds until the next control."""
    walker.control = control
    world.bodies.walk(walker.actor_id, control.direction, control.speed)


def lead(world: World, walker: Walker, feet: Pose, speed: float) -> None:
    """The crowd in the client puts the walker here for the next tick."""
    if walker.died_at_s is not None:
        return
    feet = replace(feet, yaw=difference_deg(feet.yaw, 0.0))
    forward = turned(rotation(feet), (1.0, 0.0, 0.0))
    walker.control = WalkerControl(forward, speed)
    walker.led_at = world.frame + 1
    world.bodies.place(walker.actor_id, feet)


def kill(world: World, walker: Walker) -> None:
    walker.died_at_s = world.elapsed_s
    walk(world, walker, replace(walker.control, speed=0.0))


def follow(world: World, walker: Walker, delta_s: float) -> None:
    """Take over where the physics moved the walker, and let its legs keep pace."""
    body = world.bodies.state(walker.actor_id)
    middle = _middle_of(walker, body.pose)
    walker.body = BodyState(middle, body.velocity, body.angular_velocity, body.acceleration)
    # A crowd that stopped telling, or whose client is gone, leaves its walkers standing.
    if 0 <= walker.led_at < world.frame and walker.control.speed > 0.0:
        walker.control, walker.led_at = replace(walker.control, speed=0.0), -1
    speed = math.hypot(body.velocity[0], body.velocity[1])
    walker.stride = (walker.stride + speed * delta_s / _STRIDE_M) % 1.0
    if walker.died_at_s is not None and world.elapsed_s - walker.died_at_s > _DEAD_STAYS_S:
        world.destroy(walker.actor_id)
