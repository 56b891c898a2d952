"""`World`: one town with everything in it, and its ticks. Owned by one thread, the one that serves the RPC port.

A tick moves everything and posts the world message; `sense` then reads the sensors. They are apart so that a caller is
answered before the pictures of its tick are drawn.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import replace

from sim_bridge.embedded.blueprints import Library
from sim_bridge.embedded.contracts import BodyState, PedalState, Pose, Town
from sim_bridge.embedded.recorder.deck import Deck
from sim_bridge.embedded.recorder.folder import RecordingsFolder
from sim_bridge.embedded.wire.messages import MAP_CHANGED
from sim_bridge.embedded.wire.structs import (
    AckermannControl,
    EpisodeSettings,
    Vec3,
    VehicleControl,
    Weather,
)
from sim_bridge.embedded.wire.tokens import WORLD_STREAM
from sim_bridge.embedded.world import signage
from sim_bridge.embedded.world.ackermann import followed
from sim_bridge.embedded.world.actors import Actor, Prop, Registry, SensorActor, Spectator, Vehicle, Walker
from sim_bridge.embedded.world.geometry import composed, rotation, turned
from sim_bridge.embedded.world.lanes import LaneIndex
from sim_bridge.embedded.world.parts import Outlet, Parts
from sim_bridge.embedded.world.sensing import Sensing
from sim_bridge.embedded.world.signals import StopLines, groups
from sim_bridge.embedded.world.signs import Signs
from sim_bridge.embedded.world.sketch import Sketch
from sim_bridge.embedded.world.snapshot import world_message
from sim_bridge.embedded.world.spring_arm import SpringArm
from sim_bridge.embedded.world.walking import feet_of, follow

_LOG = logging.getLogger(__name__)

# The step of a world whose settings name none, and the longest one a free-running world takes after a stall.
DEFAULT_DELTA_S = 0.05
# What CARLA calls the world it makes of an OpenDRIVE text that a client sent.
UPLOADED_TOWN = "OpenDriveMap"
_JUDGE_AGAIN_M = 0.5
_MOST_SUBSTEPS = 100  # a tick, whatever the settings ask for


class World:
    """Lives as long as the server; `reload` makes a new episode in it."""

    def __init__(
        self,
        parts: Parts,
        town_name: str,
        outlet: Outlet,
        library: Library,
        seed: int = 0,
        recordings: RecordingsFolder | None = None,
    ) -> None:
        """Raises ValueError for an unknown town. CARLA's recorder touches files in `recordings` only."""
        self.library = library
        self.outlet = outlet
        self.seed = seed
        self.episode = 1
        self.frame = 0
        self.settings = EpisodeSettings()
        self.weather = Weather()
        self.uploaded_town: Town | None = None  # what `UPLOADED_TOWN` means
        self._parts = parts
        self._flags = 0
        self._is_unsensed = False
        self.actors = Registry()
        self.town = parts.town(town_name)
        self.painter = parts.painter(self.town)
        self.deck = Deck(self, recordings or RecordingsFolder())
        outlet.open(WORLD_STREAM)
        self._begin()

    # ---- episodes ---------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Fill the town: physics, spectator, traffic lights and signs."""
        self.elapsed_s, self.delta_s = 0.0, DEFAULT_DELTA_S
        self.bodies = self._parts.bodies(self.town)
        self.lanes = LaneIndex(self.town.lane_samples)
        self.spectator = Spectator(self.actors.new_id(), signage.plain("spectator"), BodyState(self._first_view()))
        self.actors.add(self.spectator)
        self.lights = signage.raised(self.town, self.actors)
        self.groups = groups(self.lights)
        self._stop_lines = StopLines(self.lights, self.lanes)
        self._signs = Signs(self.town.signals, self.lanes)
        self.sensing = Sensing(self)
        self.sketch = Sketch()

    def _first_view(self) -> Pose:
        start = self.town.spawn_points[0] if self.town.spawn_points else Pose()
        return composed(start, Pose(x=-8.0, z=4.0, pitch=-15.0))

    def reload(self, town_name: str = "", reset_settings: bool = True) -> None:
        """A new episode: every actor gone, the town as new. Raises ValueError for an unknown town, changing nothing."""
        self._enter(self._town_called(town_name.rsplit("/", 1)[-1]), reset_settings)

    def _town_called(self, name: str) -> Town:
        if name == UPLOADED_TOWN and self.uploaded_town:
            return self.uploaded_town
        return self.town if name in ("", self.town.name) else self._parts.town(name)

    def _enter(self, town: Town, reset_settings: bool) -> None:
        self.deck.close()
        for actor in list(self.actors):
            self.forget(actor)
        if town is not self.town:
            self.painter.close()
            self.town, self.painter = town, self._parts.painter(town)
        self.actors = Registry(self.actors.next_id)
        self._begin()
        self.weather = Weather()
        if reset_settings:
            self.settings = EpisodeSettings()
        self.episode += 1
        self.frame += 1
        self._flags = MAP_CHANGED
        self.post_world(0.0)

    def close(self) -> None:
        self.deck.close()
        self.painter.close()

    # ---- actors -----------------------------------------------------------------------------------------------------

    def find(self, actor_id: int) -> Actor | None:
        return self.actors.find(actor_id)

    def destroy(self, actor_id: int) -> bool:
        """Remove a spawned actor. False for unknown ids and for what belongs to the town."""
        actor = self.actors.find(actor_id)
        if actor is None or isinstance(actor, Spectator) or actor.type_id.startswith("traffic."):
            return False
        self.forget(actor)
        self.actors.remove(actor_id)
        for child in self.actors:
            if child.parent_id == actor_id:
                child.parent_id, child.mount, child.arm = 0, None, None
        return True

    def forget(self, actor: Actor) -> None:
        """Take an actor out of physics, picture and streams."""
        if isinstance(actor, (Vehicle, Walker, Prop)):
            self.bodies.remove(actor.actor_id)
            self.painter.remove_actor(actor.actor_id)
        if isinstance(actor, SensorActor):
            self.sensing.forget(actor)
            if actor.stream_id:
                self.outlet.shut(actor.stream_id)

    def place(self, actor: Actor, pose: Pose) -> None:
        """Move an actor at once. A mounted actor's pose is relative to its parent, as in CARLA."""
        if actor.mount is not None:
            actor.mount = pose
            parent = self.find(actor.parent_id)
            pose = self.carried(parent, pose, actor.arm, 0.0) if parent else pose
        if isinstance(actor, (Vehicle, Prop)):
            self.bodies.place(actor.actor_id, pose)
        elif isinstance(actor, Walker):
            self.bodies.place(actor.actor_id, feet_of(actor, pose))
        actor.body = BodyState(pose, actor.body.velocity, actor.body.angular_velocity)

    def simulate(self, actor: Actor, is_on: bool) -> None:
        if isinstance(actor, (Vehicle, Walker, Prop)):
            self.bodies.simulate(actor.actor_id, is_on)
        if isinstance(actor, (Vehicle, Walker)):
            actor.is_simulated = is_on

    def push(self, actor: Actor, velocity: Vec3) -> None:
        if isinstance(actor, (Vehicle, Walker, Prop)):
            self.bodies.push(actor.actor_id, velocity)

    def drive(self, vehicle: Vehicle, control: VehicleControl) -> None:
        """The control holds until the next one; an Ackermann control ends."""
        vehicle.ackermann = None
        self._press(vehicle, control)

    def _press(self, vehicle: Vehicle, control: VehicleControl) -> None:
        is_reverse = control.reverse or (control.manual_gear_shift and control.gear < 0)
        vehicle.control = VehicleControl(
            throttle=min(max(control.throttle, 0.0), 1.0),
            steer=min(max(control.steer, -1.0), 1.0),
            brake=min(max(control.brake, 0.0), 1.0),
            hand_brake=control.hand_brake,
            reverse=is_reverse,
            manual_gear_shift=control.manual_gear_shift,
            gear=-1 if is_reverse else min(max(control.gear, 1), 8),
        )
        now = vehicle.control
        self.bodies.pedals(
            vehicle.actor_id, PedalState(now.throttle, now.steer, now.brake, now.hand_brake, now.reverse)
        )

    def steer(self, vehicle: Vehicle, control: AckermannControl) -> None:
        vehicle.ackermann = control

    # ---- time -------------------------------------------------------------------------------------------------------

    @property
    def is_synchronous(self) -> bool:
        return self.settings.is_synchronous

    def tick(self, delta_s: float | None = None) -> int:
        """Advance once and post the world message. `delta_s` None takes the settings' step. Returns the new frame."""
        delta_s = delta_s or self.settings.fixed_delta_s or DEFAULT_DELTA_S
        self.sketch.drop_old(self.elapsed_s)
        self.frame += 1
        self.elapsed_s += delta_s
        self.delta_s = delta_s
        for group in dict.fromkeys(self.groups.values()):
            group.advance(delta_s)
        try:
            self.deck.replay(delta_s)
            self._move(delta_s)
            self.deck.record(delta_s)
        # Whatever physics stumbles over, clients wait for this frame: without it they time out, and a Traffic Manager
        # takes its whole process down.
        except Exception:
            _LOG.exception("tick %d: the physics failed; bodies stay where they were", self.frame)
        self.post_world(delta_s)
        self._is_unsensed = True
        return self.frame

    def sense(self) -> None:
        """Read every sensor that is due and subscribed, once per tick."""
        if self._is_unsensed:
            self._is_unsensed = False
            try:
                self.sensing.read_all()
            # A sensor that cannot be read costs its message, not the world that everybody else ticks.
            except Exception:
                _LOG.exception("frame %d: reading the sensors failed", self.frame)

    def post_world(self, delta_s: float) -> None:
        message = world_message(self, time.time(), delta_s, self._flags)
        self._flags = 0
        self.outlet.post(WORLD_STREAM, message, is_kept=True)

    def _move(self, delta_s: float) -> None:
        vehicles, walkers = self.actors.of(Vehicle), self.actors.of(Walker)
        for vehicle in vehicles:
            self._steer_and_hold(vehicle, delta_s)
        self.bodies.step(*self._moved_for(delta_s))
        for vehicle in vehicles:
            vehicle.body = self.bodies.state(vehicle.actor_id)
            self._judge(vehicle)
        self._signs.judge(vehicles, self.elapsed_s)
        for walker in walkers:
            follow(self, walker, delta_s)
        for actor in self.actors:
            if isinstance(actor, Prop):
                actor.body = self.bodies.state(actor.actor_id)
            elif actor.mount is not None:
                self._carry(actor, delta_s)

    def _moved_for(self, delta_s: float) -> tuple[float, int]:
        """For how long bodies move in a tick, in seconds, and in how many substeps.

        As in CARLA never for longer than all substeps may last together: longer ones would throw cars about.
        """
        settings = self.settings
        if not settings.substepping or settings.max_substep_s <= 0.0:
            return delta_s, 1
        most = max(1, min(settings.max_substeps, _MOST_SUBSTEPS))
        substeps = max(1, min(math.ceil(delta_s / settings.max_substep_s - 1e-6), most))
        return min(delta_s, substeps * settings.max_substep_s), substeps

    def _steer_and_hold(self, vehicle: Vehicle, delta_s: float) -> None:
        if vehicle.ackermann is not None:
            self._press(vehicle, followed(vehicle, vehicle.ackermann, delta_s))
        if vehicle.constant_velocity is not None:
            x, y, _ = turned(rotation(vehicle.pose), vehicle.constant_velocity)
            self.bodies.push(vehicle.actor_id, (x, y, vehicle.body.velocity[2]))

    def carried(self, parent: Actor, mount: Pose, arm: SpringArm | None, delta_s: float) -> Pose:
        """Where something mounted on `parent` is, `delta_s` after it was last asked."""
        if arm is None:
            return composed(parent.pose, mount)
        return arm.end(parent.pose, mount, delta_s, self.bodies.cast)

    def _carry(self, actor: Actor, delta_s: float) -> None:
        parent = self.find(actor.parent_id)
        if parent is not None and actor.mount is not None:
            body = parent.body
            # As if it sat at the parent's origin: what turning adds farther out is small beside the sensors' noise.
            actor.body = replace(body, pose=self.carried(parent, actor.mount, actor.arm, delta_s))

    def _judge(self, vehicle: Vehicle) -> None:
        """Look up the vehicle's speed limit, and the light it stands before."""
        x, y = vehicle.pose.x, vehicle.pose.y
        seen = vehicle.judged_at
        if seen is None or math.hypot(x - seen[0], y - seen[1]) > _JUDGE_AGAIN_M:
            vehicle.judged_at = (x, y)
            vehicle.place = self.lanes.nearest(vehicle.pose, vehicle.place)
            if vehicle.place is not None and vehicle.place.limit_kmh > 0.0:
                vehicle.speed_limit_kmh = vehicle.place.limit_kmh
        speed = math.hypot(vehicle.body.velocity[0], vehicle.body.velocity[1])
        light = self._stop_lines.ahead_of(vehicle, vehicle.place, speed)
        vehicle.waits_at = light.actor_id if light else 0
