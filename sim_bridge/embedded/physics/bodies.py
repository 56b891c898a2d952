"""`Physics`: every body of one world and the fixed substeps that move them. Called from the world's thread only.

The same calls in the same order give the same trajectories, bit for bit, on one machine: nothing here is random.
"""

from __future__ import annotations

import math
from dataclasses import replace

from panda3d.bullet import BulletBoxShape, BulletRigidBodyNode, BulletWorld
from panda3d.core import BitMask32, LVector3, NodePath, TransformState

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import BodyState, Contact, Label, PedalState, Pose, Town, VehicleShape
from sim_bridge.embedded.physics.car import Car
from sim_bridge.embedded.physics.contacts import ContactLedger
from sim_bridge.embedded.physics.ground import GROUND, Ground
from sim_bridge.embedded.physics.walker import Prop, Walker
from sim_bridge.embedded.tuning import Tuning

Vector = tuple[float, float, float]
Location = tuple[float, float, float]

_GRAVITY_MPS2 = 9.81
_STANDING_MPS = 0.08
# Faster and farther than anything drives or is thrown. Bullet multiplies such numbers with each other in float32, and
# where one is no number any more it asserts on every step from then on.
_FASTEST_MPS, _FASTEST_SPIN_RAD_S = 1e4, 1e3
_FARTHEST_M = 1e6
# A spawn test ignores this much around the box, so that bumper to bumper is not a collision.
_OVERLAP_SLACK_M = 0.05


class _Moving:
    """A body with its velocity of the last tick, from which acceleration is derived."""

    def __init__(self, body: Car | Walker | Prop) -> None:
        self.body = body
        self.velocity = LVector3(0, 0, 0)
        self.acceleration = LVector3(0, 0, 0)
        self.last_position = body.path.getPos()
        self.has_weight = True

    def stay_within_numbers(self) -> None:
        node = self.body.node
        if not node.getLinearVelocity().length() <= _FASTEST_MPS:
            node.setLinearVelocity(_within(node.getLinearVelocity(), _FASTEST_MPS))
        if not node.getAngularVelocity().length() <= _FASTEST_SPIN_RAD_S:
            node.setAngularVelocity(_within(node.getAngularVelocity(), _FASTEST_SPIN_RAD_S))

    def note_tick(self, dt: float) -> None:
        body = self.body
        if body.simulated:
            self.stay_within_numbers()
        position = body.path.getPos()
        moved = (position - self.last_position) / dt
        velocity = body.node.getLinearVelocity() if body.simulated else moved
        # Bullet adds the suspension's push after it moved a car, so a standing one reports a velocity it never has.
        if abs(moved[0]) + abs(moved[1]) < _STANDING_MPS:
            velocity = moved
        velocity = _within(LVector3(velocity[0], velocity[1], moved[2]), _FASTEST_MPS)
        self.acceleration = (velocity - self.velocity) / dt
        self.velocity = LVector3(velocity)
        self.last_position = position


def _within(vector: LVector3, most: float) -> LVector3:
    """The vector, no longer than `most`; zero where it is no number."""
    length = vector.length()
    if length <= most:
        return vector
    return vector * (most / length) if math.isfinite(length) else LVector3(0, 0, 0)


def _near(pose: Pose) -> Pose:
    """The pose, no farther away than _FARTHEST_M along each axis."""
    x, y, z = (max(-_FARTHEST_M, min(_FARTHEST_M, part)) for part in (pose.x, pose.y, pose.z))
    return replace(pose, x=x, y=y, z=z)


class Physics:
    """Bodies by actor id. An unknown id raises KeyError naming it; an id in use raises ValueError.

    `seed` is the world's; it is kept so that a world can be built again from it, and moves nothing by itself.
    """

    def __init__(self, town: Town, seed: int = 0) -> None:
        self.seed = seed
        self._world = BulletWorld()
        self._world.setGravity(LVector3(0, 0, -_GRAVITY_MPS2))
        self._root = NodePath("physics")
        self._ground = Ground(self._world, self._root, town)
        self._moving: dict[int, _Moving] = {}
        self._ids: dict[str, int] = {}
        self._labels: dict[int, Label] = {}
        self._ledger = ContactLedger(self._ground)

    # ---- who is there ----

    def add_vehicle(self, actor_id: int, shape: VehicleShape, pose: Pose) -> None:
        self._must_be_free(actor_id)
        self._add(actor_id, Car(self._world, self._root, shape, pose))

    def add_walker(self, actor_id: int, pose: Pose, height: float, radius: float) -> None:
        """`pose` is on the ground between the feet."""
        self._must_be_free(actor_id)
        self._add(actor_id, Walker(self._world, self._root, pose, height, radius))

    def add_box(self, actor_id: int, extent: Vector, pose: Pose) -> None:
        """A prop of these half sizes; `pose` is on the ground under its middle."""
        self._must_be_free(actor_id)
        self._add(actor_id, Prop(self._world, self._root, extent, pose))

    def _must_be_free(self, actor_id: int) -> None:
        if actor_id in self._moving:
            raise ValueError(f"actor {actor_id} already has a body; remove it before adding another")

    def _add(self, actor_id: int, body: Car | Walker | Prop) -> None:
        body.node.setName(f"actor {actor_id}")
        self._ids[body.node.getName()] = actor_id
        self._labels[actor_id] = body.label
        self._moving[actor_id] = _Moving(body)

    def remove(self, actor_id: int) -> None:
        moving = self._found(actor_id)
        del self._moving[actor_id], self._labels[actor_id], self._ids[f"actor {actor_id}"]
        moving.body.remove()

    def _found(self, actor_id: int) -> _Moving:
        try:
            return self._moving[actor_id]
        except KeyError:
            raise KeyError(f"actor {actor_id} has no body; add it first") from None

    def _body(self, actor_id: int) -> Car | Walker | Prop:
        return self._found(actor_id).body

    # ---- what they are told ----

    def pedals(self, actor_id: int, pedals: PedalState) -> None:
        """Holds until the next call. An actor that is no vehicle raises TypeError."""
        car = self._body(actor_id)
        if not isinstance(car, Car):
            raise TypeError(f"actor {actor_id} is a {car.label.name}, it has no pedals")
        car.pedals = pedals

    def tune(self, actor_id: int, tuning: Tuning) -> None:
        """Holds until the next call. An actor that is no vehicle raises TypeError."""
        car = self._body(actor_id)
        if not isinstance(car, Car):
            raise TypeError(f"actor {actor_id} is a {car.label.name}, it has no engine to tune")
        car.tune(tuning)

    def walk(self, actor_id: int, direction: Vector, speed: float) -> None:
        """Holds until the next call. An actor that is no walker raises TypeError."""
        walker = self._body(actor_id)
        if not isinstance(walker, Walker):
            raise TypeError(f"actor {actor_id} is a {walker.label.name}, it does not walk")
        walker.walk(direction, speed)

    def place(self, actor_id: int, pose: Pose) -> None:
        """Move at once; a simulated body keeps its velocity, and was not pushed there."""
        moving = self._found(actor_id)
        stood = moving.body.path.getPos()
        moving.body.place(_near(pose))
        if moving.body.simulated:
            moving.last_position += moving.body.path.getPos() - stood

    def push(self, actor_id: int, velocity: Vector) -> None:
        """Set the velocity, m/s in the world."""
        moving = self._found(actor_id)
        moving.body.node.setLinearVelocity(panda_frame.vector(velocity))
        moving.stay_within_numbers()

    def spin(self, actor_id: int, angular_deg_s: Vector) -> None:
        moving = self._found(actor_id)
        moving.body.node.setAngularVelocity(panda_frame.spin(angular_deg_s))
        moving.stay_within_numbers()

    def impulse(self, actor_id: int, vec: Vector) -> None:
        """N s on the centre of mass."""
        moving = self._found(actor_id)
        moving.body.node.applyCentralImpulse(panda_frame.vector(vec))
        moving.stay_within_numbers()

    def twist(self, actor_id: int, vec: Vector) -> None:
        """N m s about the world's axes through the centre of mass, with the signs of CARLA's angular velocities."""
        moving = self._found(actor_id)
        moving.body.node.applyTorqueImpulse(panda_frame.turning(vec))
        moving.stay_within_numbers()

    def weigh(self, actor_id: int, has_weight: bool) -> None:
        """Whether gravity pulls it. Holds until the next call."""
        moving = self._found(actor_id)
        moving.has_weight = has_weight
        moving.body.node.setGravity(LVector3(0, 0, -_GRAVITY_MPS2 if has_weight else 0.0))

    def make_solid(self, actor_id: int, is_solid: bool) -> None:
        """Whether anything can touch it. The wheels of a car carry it either way. Holds until the next call."""
        mask = BitMask32.allOn() if is_solid else BitMask32.allOff()
        self._body(actor_id).node.setIntoCollideMask(mask)

    def simulate(self, actor_id: int, on: bool) -> None:
        """Off: only `place` moves the body, it costs nothing per substep, and nothing pushes it."""
        moving = self._found(actor_id)
        if moving.body.simulated == on:
            return
        pose = moving.body.pose()
        moving.body.simulate(on)
        # Bullet has not heard where a body was put that it did not simulate.
        moving.body.place(pose)
        moving.body.node.setLinearVelocity(moving.velocity if on else LVector3(0, 0, 0))
        self.weigh(actor_id, moving.has_weight)

    # ---- time ----

    def step(self, dt: float, substeps: int) -> None:
        """Advance `dt` seconds in `substeps` equal substeps; in one, where nothing moves by itself."""
        if not any(moving.body.simulated for moving in self._moving.values()):
            substeps = 1
        substep_s = dt / substeps
        self._ledger.clear()
        for moving in self._moving.values():
            moving.body.drive(substep_s)
        for _ in range(substeps):
            self._world.doPhysics(substep_s, 0)
            self._ledger.read(self._world, self._ids, self._labels)
        for moving in self._moving.values():
            if isinstance(moving.body, Car):
                moving.body.settle()
            moving.note_tick(dt)

    def state(self, actor_id: int) -> BodyState:
        moving = self._found(actor_id)
        body = moving.body
        spin = body.node.getAngularVelocity() if body.simulated else LVector3(0, 0, 0)
        return BodyState(
            body.pose(),
            panda_frame.vector_from(moving.velocity),
            panda_frame.spin_from(spin),
            panda_frame.vector_from(moving.acceleration),
            body.steer_deg,
        )

    def contacts(self) -> list[Contact]:
        """Collisions of the last `step`, one per pair and direction: both parties of a crash get their own."""
        return self._ledger.contacts()

    # ---- questions ----

    def overlaps(self, shape_extent: Vector, pose: Pose) -> bool:
        """Whether a box of these half sizes standing at `pose` would touch anything but the ground."""
        x, y, z = (max(0.01, half - _OVERLAP_SLACK_M) for half in shape_extent)
        probe = BulletRigidBodyNode("probe")
        probe.addShape(BulletBoxShape(LVector3(y, x, z)), TransformState.makeIdentity())
        path = self._root.attachNewNode(probe)
        panda_frame.put(path, pose)
        path.setPos(path, 0.0, 0.0, shape_extent[2])
        result = self._world.contactTest(probe)
        path.removeNode()
        names = {node.getName() for c in result.getContacts() for node in (c.getNode0(), c.getNode1()) if node}
        return bool(names - {"probe", GROUND})

    def cast(self, origin: Location, target: Location) -> list[tuple[Location, Label]]:
        """Everything a ray from `origin` to `target` meets, nearest first."""
        result = self._world.rayTestAll(panda_frame.point(*origin), panda_frame.point(*target))
        hits = sorted(result.getHits(), key=lambda hit: float(hit.getHitFraction()))
        # A body of several shapes is met several times; its first point counts.
        first = {hit.getNode().getName(): hit for hit in reversed(hits)}
        return [self._labelled(panda_frame.vector_from(hit.getHitPos()), name) for name, hit in reversed(first.items())]

    def _labelled(self, location: Location, name: str) -> tuple[Location, Label]:
        if name == GROUND:
            return location, self._ground.label_at(location[0], location[1])
        box = self._ground.box_of(name)
        return location, box.label if box else self._labels.get(self._ids.get(name, 0), Label.OTHER)
