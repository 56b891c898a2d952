"""Walkers and props in Bullet. A walker is an upright capsule that steers its own velocity; a prop is a box."""

from __future__ import annotations

import math
from typing import Any

from panda3d.bullet import BulletBoxShape, BulletCapsuleShape, BulletRigidBodyNode, ZUp
from panda3d.core import LPoint3, LVector3, TransformState

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import Label, Pose

_WALKER_KG = 75.0
# How hard legs push: a walker reaches its pace within a few steps, and a car's hit carries it off.
_WALKER_MPS2 = 8.0
_PROP_KG_PER_M3 = 60.0
_PROP_KG = (2.0, 400.0)


class _Upright:
    """A rigid body whose actor origin is on the ground and whose centre is `origin_height` above it."""

    label = Label.DYNAMIC
    steer_deg = 0.0

    def __init__(self, world: Any, root: Any, name: str, mass: float, origin_height: float) -> None:
        self.simulated = True
        self.origin_height = origin_height
        self._world = world
        self._mass = mass
        self.node = BulletRigidBodyNode(name)
        self.node.setMass(mass)
        self.path = root.attachNewNode(self.node)

    def simulate(self, on: bool) -> None:
        if on == self.simulated:
            return
        self.simulated = on
        self._world.remove(self.node)
        self.node.setKinematic(not on)
        if on:
            self.node.setMass(self._mass)
        self._world.attachRigidBody(self.node)

    def drive(self, substep_s: float) -> None:
        """Nothing drives a prop."""

    def place(self, pose: Pose) -> None:
        panda_frame.put(self.path, pose)
        self.path.setPos(self.path, 0.0, 0.0, self.origin_height)

    def pose(self) -> Pose:
        position = self.path.getPos() - self.path.getQuat().xform(LVector3(0, 0, self.origin_height))
        return panda_frame.pose_from(position, self.path.getHpr())

    def remove(self) -> None:
        self._world.remove(self.node)
        self.path.removeNode()


class Walker(_Upright):
    label = Label.PEDESTRIANS

    def __init__(self, world: Any, root: Any, pose: Pose, height: float, radius: float) -> None:
        super().__init__(world, root, "walker", _WALKER_KG, height / 2.0)
        self._direction = (0.0, 0.0)
        self._speed = 0.0
        self.node.addShape(BulletCapsuleShape(radius, max(0.01, height - 2.0 * radius), ZUp))
        self.node.setAngularFactor(LVector3(0, 0, 0))
        self.node.setFriction(0.0)
        self.node.setDeactivationEnabled(False)
        self.place(pose)
        world.attachRigidBody(self.node)

    def walk(self, direction: tuple[float, float, float], speed: float) -> None:
        """Head for `direction` (any length, the world's x and y) at `speed` m/s; zero stands still."""
        length = math.hypot(direction[0], direction[1])
        self._direction = (direction[0] / length, direction[1] / length) if length > 1e-6 else (0.0, 0.0)
        self._speed = speed if length > 1e-6 else 0.0

    def drive(self, substep_s: float) -> None:
        if not self.simulated:
            return
        if self._speed > 0.0:
            yaw = math.degrees(math.atan2(self._direction[1], self._direction[0]))
            self.path.setHpr(panda_frame.heading(yaw), 0.0, 0.0)
        velocity = self.node.getLinearVelocity()
        wanted = panda_frame.vector((self._direction[0] * self._speed, self._direction[1] * self._speed, 0.0))
        change = LVector3(wanted[0] - velocity[0], wanted[1] - velocity[1], 0.0)
        # `drive` acts once for the whole tick, which is a handful of substeps.
        most = _WALKER_MPS2 * substep_s * 6.0
        if change.length() > most:
            change *= most / change.length()
        self.node.setLinearVelocity(velocity + change)


class Prop(_Upright):
    def __init__(self, world: Any, root: Any, extent: tuple[float, float, float], pose: Pose) -> None:
        volume = 8.0 * extent[0] * extent[1] * extent[2]
        mass = min(_PROP_KG[1], max(_PROP_KG[0], volume * _PROP_KG_PER_M3))
        super().__init__(world, root, "prop", mass, extent[2])
        # Extents are along the actor's own x (forward), y (right), z; forward is panda's +Y.
        box = BulletBoxShape(LVector3(extent[1], extent[0], extent[2]))
        self.node.addShape(box, TransformState.makePos(LPoint3(0, 0, 0)))
        self.node.setFriction(0.7)
        self.place(pose)
        world.attachRigidBody(self.node)
