"""Writes a world into a file, one frame per tick, until told to stop."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sim_bridge.embedded.recorder.log_file import LogWriter
from sim_bridge.embedded.recorder.packets import NO_ACTOR, ActorKind, Added, Packet, Record, place
from sim_bridge.embedded.world.actors import (
    Actor,
    Prop,
    SensorActor,
    Spectator,
    TrafficLight,
    TrafficSign,
    Vehicle,
    Walker,
)

if TYPE_CHECKING:
    from sim_bridge.embedded.world.world import World

_LOG = logging.getLogger(__name__)

# About ten hours of thirty cars at 20 Hz. A recording that nobody stops must not fill the disk.
_LARGEST_FILE = 2 << 30
_MOVING = (Vehicle, Walker, Prop, Spectator)
_CENTIMETRES = 100.0

Rows = dict[Packet, list[Record]]


def kind_of(actor: Actor) -> ActorKind:
    kinds: dict[type[Actor], ActorKind] = {
        Vehicle: ActorKind.VEHICLE,
        Walker: ActorKind.WALKER,
        TrafficLight: ActorKind.TRAFFIC_LIGHT,
        TrafficSign: ActorKind.TRAFFIC_SIGN,
        SensorActor: ActorKind.SENSOR,
    }
    return kinds.get(type(actor), ActorKind.OTHER)


class Recorder:
    """One recording. `has_more` adds velocities, boxes and light times, as CARLA's `additional_data` does."""

    def __init__(self, world: World, path: Path, has_more: bool) -> None:
        """Raises OSError. The actors of the town and those already spawned open the recording at the next tick."""
        self.path = path
        self._world = world
        self._has_more = has_more
        self._log = LogWriter(path, world.town.name, int(time.time()))
        self._began = time.monotonic()
        self._known: set[int] = set()
        self._collisions = 0
        self.is_open = True

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._log.close()

    def flush(self) -> None:
        if self.is_open:
            self._log.flush()

    def note(self, delta_s: float) -> None:
        """Write the tick that just ended. A disk that fails ends the recording, not the world."""
        if not self.is_open:
            return
        try:
            self._write(delta_s)
        except OSError as error:
            _LOG.warning("recording %s ended: %s", self.path, error)
            self.close()
            return
        if self._log.bytes_written > _LARGEST_FILE:
            _LOG.warning("recording %s ended: it holds %d bytes", self.path, self._log.bytes_written)
            self.close()

    def _write(self, delta_s: float) -> None:
        world = self._world
        actors = list(world.actors)
        fresh = [actor for actor in actors if actor.actor_id not in self._known]
        alive = {actor.actor_id for actor in actors}
        rows: Rows = {Packet.EVENT_DEL: [(actor_id,) for actor_id in sorted(self._known - alive)]}
        rows[Packet.EVENT_PARENT] = [(actor.actor_id, actor.parent_id) for actor in fresh if actor.parent_id]
        rows[Packet.COLLISION] = self._collided()
        self._add_states(rows, actors)
        values: dict[Packet, Record] = {Packet.VISUAL_TIME: (world.elapsed_s,)}
        if self._has_more:
            self._add_more(rows, actors, fresh)
            values[Packet.PLATFORM_TIME] = (time.monotonic() - self._began,)
            values[Packet.FRAME_COUNTER] = (world.frame,)
        added = [Added(actor.actor_id, kind_of(actor), actor.pose, actor.description) for actor in fresh]
        self._log.write(delta_s, added, rows, values)
        self._known = alive

    def _add_states(self, rows: Rows, actors: list[Actor]) -> None:
        moving = [actor for actor in actors if isinstance(actor, _MOVING)]
        vehicles = [actor for actor in actors if isinstance(actor, Vehicle)]
        rows[Packet.POSITION] = [(actor.actor_id, *place(actor.pose)) for actor in moving]
        rows[Packet.STATE] = [
            (light.actor_id, light.is_frozen, light.elapsed_s, int(light.state)) for light in self._world.lights
        ]
        rows[Packet.ANIM_VEHICLE] = [(vehicle.actor_id, *_pedals(vehicle)) for vehicle in vehicles]
        rows[Packet.ANIM_WALKER] = [(a.actor_id, a.control.speed) for a in actors if isinstance(a, Walker)]
        rows[Packet.VEHICLE_LIGHT] = [(vehicle.actor_id, vehicle.light_flags) for vehicle in vehicles]

    def _add_more(self, rows: Rows, actors: list[Actor], fresh: list[Actor]) -> None:
        rows[Packet.KINEMATICS] = [
            (actor.actor_id, *actor.body.velocity, *actor.body.angular_velocity)
            for actor in actors
            if isinstance(actor, (Vehicle, Walker))
        ]
        rows[Packet.BOUNDING_BOX] = [
            (actor.actor_id, *(part * _CENTIMETRES for part in (*actor.box.location, *actor.box.extent)))
            for actor in fresh
            if isinstance(actor, (Vehicle, Walker, Prop))
        ]
        rows[Packet.TRAFFIC_LIGHT_TIME] = [
            (light.actor_id, light.green_s, light.yellow_s, light.red_s)
            for light in fresh
            if isinstance(light, TrafficLight)
        ]

    def _collided(self) -> list[Record]:
        rows: list[Record] = []
        for contact in self._world.bodies.contacts():
            # Both parties of a crash have a contact of their own; one of the two is the collision.
            if contact.b and contact.b < contact.a:
                continue
            one, other = self._world.find(contact.a), self._world.find(contact.b)
            other_id = contact.b if other is not None else NO_ACTOR
            rows.append((self._collisions, contact.a, other_id, _is_hero(one), _is_hero(other)))
            self._collisions += 1
        return rows


def _pedals(vehicle: Vehicle) -> tuple[float, float, float, bool, int]:
    control = vehicle.control
    return (control.steer, control.throttle, control.brake, control.hand_brake, control.gear)


def _is_hero(actor: Actor | None) -> bool:
    return actor is not None and actor.attribute("role_name") == "hero"
