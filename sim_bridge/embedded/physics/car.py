"""One vehicle in Bullet: a box on four ray-cast wheels, driven by pedals. Owned by `Physics`, world thread only."""

from __future__ import annotations

import math
from typing import Any

from panda3d.bullet import BulletBoxShape, BulletRigidBodyNode, BulletVehicle, BulletWorld, ZUp
from panda3d.core import LPoint3, LVector3, TransformState

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import PedalState, Pose, VehicleShape
from sim_bridge.embedded.physics import powertrain
from sim_bridge.embedded.tuning import Tuning
from sim_bridge.embedded.vehicles import label_of

_GRAVITY_MPS2 = 9.81
_SUSPENSION_REST_M = 0.40  # what panda3d gives every wheel; it offers no way to set it
_SUSPENSION_STIFFNESS = 45.0  # force per metre and kilogram of chassis, Bullet's unit
_DAMPING_COMPRESSION, _DAMPING_RELAXATION = 4.0, 5.5
_TYRE_FRICTION = 1.25
_MAX_SUSPENSION = 20.0  # N per kilogram of car
_ROLL_INFLUENCE = 0.12
_CLEARANCE_M = 0.22
_STANDING_MPS = 0.15
# Bullet drops the brake of a wheel whose engine force is not zero, so pedals below this count as released.
_PEDAL_DEAD_ZONE = 0.01
# A held car is put back where it stopped as long as it strayed less than this in a tick: Bullet's wheels let it creep,
# and the Traffic Manager counts a car as stopped only below 1 mm/s.
_CREEP_M = 0.01
# Holds a car with no pedal pressed where it stands; far below what a push of another car overcomes.
_HOLDING_MPS2 = 0.4


class Car:
    """Lives from `add_vehicle` to `remove`. While `simulated` is off it is a kinematic box that `place` moves."""

    def __init__(self, world: Any, root: Any, shape: VehicleShape, pose: Pose) -> None:
        self.shape = shape
        self.tuning = Tuning(shape.mass, shape.max_steer_deg)
        self.label = label_of(shape)
        self.pedals = PedalState()
        self.simulated = True
        self.steer_deg = 0.0
        self._world: BulletWorld = world
        self._is_held = False
        self._stopped_at: tuple[float, float, float] | None = None  # x, y, heading in panda's frame
        self.origin_height = 0.30 * shape.height  # of the centre of mass above the ground
        self.node = self._chassis(shape)
        self.path = root.attachNewNode(self.node)
        self.place(pose)
        world.attachRigidBody(self.node)
        self._vehicle = self._wheels(world, shape)
        world.attachVehicle(self._vehicle)

    def _chassis(self, shape: VehicleShape) -> Any:
        half_height = (shape.height - _CLEARANCE_M) / 2.0
        box = BulletBoxShape(LVector3(shape.width / 2.0, shape.length / 2.0, half_height))
        node = BulletRigidBodyNode(shape.blueprint_id)
        lift = _CLEARANCE_M + half_height - self.origin_height
        node.addShape(box, TransformState.makePos(LPoint3(0, 0, lift)))
        node.setMass(shape.mass)
        node.setFriction(0.35)
        node.setDeactivationEnabled(False)
        return node

    def _wheels(self, world: Any, shape: VehicleShape) -> Any:
        vehicle = BulletVehicle(world, self.node)
        vehicle.setCoordinateSystem(ZUp)
        sag = _GRAVITY_MPS2 / (4.0 * _SUSPENSION_STIFFNESS)
        hub = shape.wheel_radius + _SUSPENSION_REST_M - sag - self.origin_height
        for y, is_front in ((shape.wheel_base / 2.0, True), (-shape.wheel_base / 2.0, False)):
            for x in (-shape.track / 2.0, shape.track / 2.0):
                wheel = vehicle.createWheel()
                wheel.setChassisConnectionPointCs(LPoint3(x, y, hub))
                wheel.setFrontWheel(is_front)
                wheel.setWheelDirectionCs(LVector3(0, 0, -1))
                wheel.setWheelAxleCs(LVector3(1, 0, 0))
                wheel.setWheelRadius(shape.wheel_radius)
                wheel.setMaxSuspensionTravelCm(25.0)
                wheel.setMaxSuspensionForce(_MAX_SUSPENSION * shape.mass)
                wheel.setSuspensionStiffness(_SUSPENSION_STIFFNESS)
                wheel.setWheelsDampingCompression(_DAMPING_COMPRESSION)
                wheel.setWheelsDampingRelaxation(_DAMPING_RELAXATION)
                wheel.setFrictionSlip(_TYRE_FRICTION)
                wheel.setRollInfluence(_ROLL_INFLUENCE)
        vehicle.getTuning().setSuspensionStiffness(_SUSPENSION_STIFFNESS)
        return vehicle

    def forward_speed(self) -> float:
        nose = self.path.getQuat().getForward()
        return float(nose.dot(self.node.getLinearVelocity()))

    def drive(self, substep_s: float) -> None:
        """Turn the newest pedals into forces for the coming tick."""
        if not self.simulated:
            return
        speed = self.forward_speed()
        force, braking_mps2 = self._longitudinal(speed)
        self._is_held = braking_mps2 > 0.0 and abs(speed) < _STANDING_MPS
        self.steer_deg = powertrain.wheel_angle_deg(self.shape, speed, self.pedals.steer, self.tuning)
        brake_impulse = braking_mps2 * self.tuning.mass * substep_s / 4.0
        for index in range(4):
            self._vehicle.applyEngineForce(force / 4.0, index)
            self._vehicle.setBrake(brake_impulse, index)
        left, right = powertrain.ackermann_deg(self.shape, self.steer_deg)
        # Bullet turns wheels counter-clockwise seen from above, CARLA's steer is to the right.
        self._vehicle.setSteeringValue(-left, 0)
        self._vehicle.setSteeringValue(-right, 1)

    def settle(self) -> None:
        """After a tick: a car whose brake holds it stands where it stopped."""
        if not (self._is_held and self.simulated):
            self._stopped_at = None
            return
        x, y, _ = self.path.getPos()
        if self._stopped_at is None or math.hypot(x - self._stopped_at[0], y - self._stopped_at[1]) > _CREEP_M:
            self._stopped_at = (x, y, self.path.getH())
            return
        self.path.setX(self._stopped_at[0])
        self.path.setY(self._stopped_at[1])
        self.path.setH(self._stopped_at[2])

    def _longitudinal(self, speed: float) -> tuple[float, float]:
        """Engine force (N, along the nose) and braking (m/s2); one of them is zero."""
        pedals, tuning = self.pedals, self.tuning
        lightness = self.shape.mass / tuning.mass
        rolling = powertrain.rolling_mps2(speed) * tuning.drag
        throttle = pedals.throttle if pedals.throttle > _PEDAL_DEAD_ZONE else 0.0
        if pedals.hand_brake or pedals.brake > _PEDAL_DEAD_ZONE:
            brake = pedals.brake * powertrain.full_brake_mps2(speed) * tuning.brake
            if pedals.hand_brake:
                brake = max(brake, powertrain.HAND_BRAKE_MPS2 * tuning.hand_brake)
            return 0.0, min(brake * lightness, self._grip_mps2()) + rolling
        if throttle == 0.0 and abs(speed) < _STANDING_MPS:
            return 0.0, _HOLDING_MPS2
        direction = -1.0 if pedals.reverse else 1.0
        along = speed * direction
        if along < 0.0:
            # Rolling against the chosen gear: the losses help the engine to stop and turn the motion around.
            pull = min(self._engine_mps2(0.0, throttle) * lightness, self._grip_mps2()) + rolling
        else:
            is_too_fast = pedals.reverse and along > powertrain.REVERSE_LIMIT_MPS
            engine = self._engine_mps2(along, 0.0 if is_too_fast else throttle) * lightness
            pull = min(engine, self._grip_mps2()) - rolling
        return direction * pull * tuning.mass, 0.0

    def _grip_mps2(self) -> float:
        """What the tyres hold. Bullet lets wheels skid only where they also slide sideways, so it is held here."""
        return _TYRE_FRICTION * _GRAVITY_MPS2 * sum(self.tuning.grip) / 4.0

    def _engine_mps2(self, along: float, throttle: float) -> float:
        """What the engine alone adds to the speed of a car of the shape's own mass."""
        v = along / self.tuning.stretch
        return (powertrain.throttle_mps2(self.shape, v, throttle) + powertrain.rolling_mps2(v)) * self.tuning.pull

    def tune(self, tuning: Tuning) -> None:
        self.tuning = tuning
        if self.simulated:
            self.node.setMass(tuning.mass)
        for wheel, grip in zip(self._vehicle.getWheels(), tuning.grip, strict=True):
            wheel.setFrictionSlip(_TYRE_FRICTION * grip)
            wheel.setMaxSuspensionForce(_MAX_SUSPENSION * tuning.mass)

    def simulate(self, on: bool) -> None:
        if on == self.simulated:
            return
        self.simulated = on
        if on:
            self._world.remove(self.node)
            self.node.setKinematic(False)
            self.node.setMass(self.tuning.mass)
            self._world.attachRigidBody(self.node)
            self._world.attachVehicle(self._vehicle)
        else:
            # Removing the vehicle takes its chassis out with it.
            self._world.remove(self._vehicle)
            self.node.setKinematic(True)
            self.steer_deg = 0.0
            self._world.attachRigidBody(self.node)

    def place(self, pose: Pose) -> None:
        self._stopped_at = None
        panda_frame.put(self.path, pose)
        self.path.setPos(self.path, 0.0, 0.0, self.origin_height)

    def pose(self) -> Pose:
        """Of the actor origin, on the ground under the middle."""
        path = self.path
        position = path.getPos() - path.getQuat().xform(LVector3(0, 0, self.origin_height))
        return panda_frame.pose_from(position, path.getHpr())

    def remove(self) -> None:
        self._world.remove(self._vehicle if self.simulated else self.node)
        self.path.removeNode()
