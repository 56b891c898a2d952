"""Plays a recording back into a world: its actors come, move and go as they did, without physics."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sim_bridge.embedded.contracts import LightState, Pose
from sim_bridge.embedded.recorder.log_file import LogReader
from sim_bridge.embedded.recorder.packets import Added, Damaged, Frame, Packet, pose_of
from sim_bridge.embedded.wire.structs import VehicleControl, WalkerControl
from sim_bridge.embedded.world.actors import Actor, Spectator, TrafficLight, Vehicle, Walker
from sim_bridge.embedded.world.geometry import composed, difference_deg, rotation, seen_from, turned
from sim_bridge.embedded.world.spawning import SpawnFailed, spawn

if TYPE_CHECKING:
    from sim_bridge.embedded.world.world import World

_LOG = logging.getLogger(__name__)

# Faster than this, frames are shown as they are instead of what lies between two of them.
_NOTHING_BETWEEN = 2.0
# Actors are born where nothing stands, then put in their place: what is there already is no obstacle to a replay.
_BIRTH_HEIGHT_M = 1000.0
_SAME_PLACE_M = 1.0
NOT_MOVED = Pose()


@dataclass(slots=True)
class Wishes:
    """How recordings are played; kept from one to the next."""

    time_factor: float = 1.0
    ignores_hero: bool = False
    ignores_spectator: bool = True


@dataclass(frozen=True, slots=True)
class Span:
    """What to play, in recorded seconds, and whom the spectator follows (0 nobody), from where."""

    start_s: float
    end_s: float
    follow_id: int = 0
    offset: Pose = NOT_MOVED
    has_sensors: bool = False


class Replayer:
    """One playback. `advance` moves it on; it ends by itself at the span's end. Creating it may raise Damaged."""

    def __init__(self, world: World, log: LogReader, span: Span, wishes: Wishes) -> None:
        self._world, self._log, self._span, self.wishes = world, log, span, wishes
        self._frames: Iterator[Frame] = log.frames()
        self._actors: dict[int, int] = {}  # recorded id -> id here
        self._born: list[int] = []
        self._fresh: list[Vehicle] = []  # that just came into the replay, with their physics still on
        self._now: Frame | None = None
        self._next: Frame | None = next(self._frames, None)
        self._time_s = span.start_s
        self.is_playing = True
        self._show()

    def advance(self, delta_s: float) -> None:
        if self.is_playing:
            self._time_s += delta_s * self.wishes.time_factor
            try:
                self._show()
            except Damaged as error:
                _LOG.warning("the replay ends early: %s", error)
                self.stop(keeps_actors=True)
            if self._next is None or self._time_s >= self._span.end_s:
                self.stop(keeps_actors=True)

    def stop(self, keeps_actors: bool) -> None:
        """The vehicles get their physics back and stand still. Those that the replay brought go unless kept."""
        if not self.is_playing:
            return
        self.is_playing = False
        self._log.close()
        for actor_id in self._actors.values():
            actor = self._world.find(actor_id)
            if isinstance(actor, Vehicle) and not self._is_left_alone(actor):
                self._world.simulate(actor, True)
                self._world.push(actor, (0.0, 0.0, 0.0))
                self._world.drive(actor, VehicleControl(gear=1))
            elif isinstance(actor, Walker):
                actor.control = replace(actor.control, speed=0.0)
        if not keeps_actors:
            for actor_id in self._born:
                self._world.destroy(actor_id)

    # ---- one moment -------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        """Take every event up to now, then put the actors where they are between two frames."""
        while self._next is not None and (self._now is None or self._next.elapsed_s <= self._time_s + 1e-9):
            self._now, self._next = self._next, next(self._frames, None)
            self._happen(self._now)
        if self._now is not None:
            self._move(self._now)
            self._set_states(self._now)
        # Only once they are in their places: what has no physics is as fast as it is moved.
        for vehicle in self._fresh:
            self._world.simulate(vehicle, False)
        self._fresh.clear()
        self._follow()

    def _happen(self, frame: Frame) -> None:
        for added in frame.added:
            self._add(added)
        for (recorded_id,) in frame.of(Packet.EVENT_DEL):
            actor_id = self._actors.pop(recorded_id, 0)
            if actor_id in self._born:
                self._born.remove(actor_id)
                self._world.destroy(actor_id)
        for child_id, parent_id in frame.of(Packet.EVENT_PARENT):
            self._mount(self._find(child_id), self._find(parent_id))

    def _add(self, added: Added) -> None:
        actor = self._already_here(added) or self._newborn(added)
        if actor is None:
            return
        self._actors[added.actor_id] = actor.actor_id
        if isinstance(actor, Vehicle) and not self._is_left_alone(actor):
            self._fresh.append(actor)

    def _already_here(self, added: Added) -> Actor | None:
        type_id = added.description.id
        if type_id == "spectator":
            return self._world.spectator
        if type_id.startswith("traffic."):
            return next((a for a in self._world.actors if a.type_id == type_id and _is_at(a, added.pose)), None)
        actor = self._world.find(added.actor_id)
        return actor if actor is not None and actor.type_id == type_id else None

    def _newborn(self, added: Added) -> Actor | None:
        """None for what is not replayed, and for blueprints this world lacks."""
        is_sensor = added.description.id.startswith("sensor.")
        if added.description.id.startswith("traffic.") or (is_sensor and not self._span.has_sensors):
            return None
        try:
            actor = spawn(self._world, added.description, replace(added.pose, z=added.pose.z + _BIRTH_HEIGHT_M))
        except SpawnFailed:
            return None
        self._world.place(actor, added.pose)
        self._born.append(actor.actor_id)
        return actor

    def _mount(self, child: Actor | None, parent: Actor | None) -> None:
        if child is None or parent is None or child.actor_id not in self._born:
            return
        child.parent_id, child.mount = parent.actor_id, _seen_in(parent.pose, child.pose)

    # ---- places and states ------------------------------------------------------------------------------------------

    def _move(self, frame: Frame) -> None:
        then = {row[0]: pose_of(row[1:]) for row in self._next.of(Packet.POSITION)} if self._next else {}
        share = 0.0
        if self._next is not None and self.wishes.time_factor < _NOTHING_BETWEEN:
            share = min(max((self._time_s - frame.elapsed_s) / (self._next.elapsed_s - frame.elapsed_s), 0.0), 1.0)
        for recorded_id, *placed in frame.of(Packet.POSITION):
            actor = self._find(recorded_id)
            if actor is not None and not self._is_left_alone(actor) and actor.mount is None:
                pose = pose_of(tuple(placed))
                self._world.place(actor, _between(pose, then.get(recorded_id, pose), share))

    def _set_states(self, frame: Frame) -> None:
        for recorded_id, is_frozen, elapsed_s, state in frame.of(Packet.STATE):
            light = self._find(recorded_id)
            if isinstance(light, TrafficLight) and state in tuple(LightState):
                light.state, light.elapsed_s, light.is_frozen = LightState(state), elapsed_s, is_frozen
        for recorded_id, steer, throttle, brake, hand_brake, gear in frame.of(Packet.ANIM_VEHICLE):
            vehicle = self._find(recorded_id)
            if isinstance(vehicle, Vehicle) and not self._is_left_alone(vehicle):
                control = VehicleControl(throttle, steer, brake, hand_brake, reverse=gear < 0, gear=gear)
                self._world.drive(vehicle, control)
        for recorded_id, flags in frame.of(Packet.VEHICLE_LIGHT):
            vehicle = self._find(recorded_id)
            if isinstance(vehicle, Vehicle) and not self._is_left_alone(vehicle):
                vehicle.light_flags = flags
        for recorded_id, speed in frame.of(Packet.ANIM_WALKER):
            walker = self._find(recorded_id)
            if isinstance(walker, Walker):
                forward = turned(rotation(walker.pose), (1.0, 0.0, 0.0))
                walker.control = WalkerControl(forward, speed)

    def _follow(self) -> None:
        followed = self._find(self._span.follow_id) if self._span.follow_id else None
        if followed is not None:
            self._world.place(self._world.spectator, composed(followed.pose, self._span.offset))

    def _find(self, recorded_id: int) -> Actor | None:
        return self._world.find(self._actors.get(recorded_id, 0))

    def _is_left_alone(self, actor: Actor) -> bool:
        if isinstance(actor, Spectator):
            return self.wishes.ignores_spectator or self._span.follow_id != 0
        return self.wishes.ignores_hero and actor.attribute("role_name") == "hero"


def _is_at(actor: Actor, pose: Pose) -> bool:
    return abs(actor.pose.x - pose.x) < _SAME_PLACE_M and abs(actor.pose.y - pose.y) < _SAME_PLACE_M


def _seen_in(parent: Pose, child: Pose) -> Pose:
    """`child` relative to `parent`, for parents that stand upright, as whatever carries sensors does."""
    x, y, z = seen_from(parent, (child.x, child.y, child.z))
    return Pose(x, y, z, child.pitch - parent.pitch, difference_deg(child.yaw, parent.yaw), child.roll - parent.roll)


def _between(a: Pose, b: Pose, share: float) -> Pose:
    def mixed(p: float, q: float) -> float:
        return p + (q - p) * share

    def turned_to(p: float, q: float) -> float:
        return difference_deg(p + difference_deg(q, p) * share, 0.0)

    return Pose(
        mixed(a.x, b.x),
        mixed(a.y, b.y),
        mixed(a.z, b.z),
        turned_to(a.pitch, b.pitch),
        turned_to(a.yaw, b.yaw),
        turned_to(a.roll, b.roll),
    )
