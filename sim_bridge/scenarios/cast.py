"""The actors of a scene: bringing them onto their spots, and what they do each tick. Session thread.

A performer belongs to one run and is destroyed with it. Everything goes through the public `carla` API.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any

import carla

from sim_bridge.carla_rig import ROLE
from sim_bridge.frames import wrapped
from sim_bridge.route import heading_rad
from sim_bridge.scenarios.course import Course, walked
from sim_bridge.scenarios.doings import Between, wanted
from sim_bridge.scenarios.following import Follower
from sim_bridge.scenarios.places import Place, beside, standing
from sim_bridge.scenarios.scene import Action, Member
from sim_bridge.scenarios.seen import Seen, Watched

# Actors are dropped from this little: a vehicle onto its springs, a walker's origin is the middle of its body.
VEHICLE_DROP_M, WALKER_DROP_M, PROP_DROP_M = 0.3, 1.0, 0.02
COURSE_BACK_M, COURSE_AHEAD_M = 30.0, 220.0
# Two ways that come no closer than this do not meet.
MEETING_M = 2.0
Lamps = carla.VehicleLightState
LAMPS = {"": 0, "hazard": int(Lamps.LeftBlinker) | int(Lamps.RightBlinker), "siren": int(Lamps.Special1)}


class CannotStand(RuntimeError):
    """A member finds no room, or this place has no such lane."""


def spawned(world: Any, place: Place, member: Member, tick_s: float) -> Performer:
    """Bring a member in. Raises CannotStand, and ValueError where the world has no such blueprint at all."""
    spot = standing(place, member.spot, member.way)
    if spot is None:
        raise CannotStand(f"{member.name}: this place has no such lane")
    lane, aside = spot
    blueprint = _blueprint(world, member)
    where = _transform(lane, aside, member, blueprint.id)
    actor = world.try_spawn_actor(blueprint, where)
    if actor is None:
        raise CannotStand(f"{member.name}: something stands there already")
    if actor.type_id.startswith("vehicle."):
        return Vehicle(member, actor, lane, aside, place, tick_s)
    return Performer(member, actor)


def _blueprint(world: Any, member: Member) -> Any:
    known = sorted(world.get_blueprint_library(), key=lambda blueprint: str(blueprint.id))
    for pattern in member.blueprints:
        found = [blueprint for blueprint in known if fnmatch(blueprint.id, pattern)]
        if found:
            blueprint = found[0]
            for name, value in (("role_name", ROLE), ("color", member.color), ("is_invincible", "false")):
                if value and blueprint.has_attribute(name):
                    blueprint.set_attribute(name, value)
            return blueprint
    raise ValueError(f"{member.name}: this world has none of {', '.join(member.blueprints)}")


def _transform(lane: Any, aside: float, member: Member, blueprint_id: str) -> Any:
    place, yaw = lane.transform.location, heading_rad(lane)
    kind = blueprint_id.split(".", 1)[0]
    drop = {"vehicle": VEHICLE_DROP_M, "walker": WALKER_DROP_M}.get(kind, PROP_DROP_M)
    where = carla.Location(place.x - aside * math.sin(yaw), place.y + aside * math.cos(yaw), place.z + drop)
    return carla.Transform(where, carla.Rotation(yaw=math.degrees(yaw) + member.spot.turn_deg))


class Performer:
    """Somebody who only stands there, or walks. `act` once per tick, after `watched` was read."""

    def __init__(self, member: Member, actor: Any) -> None:
        self.member = member
        self.action = member.does
        self.watched = Watched(actor)
        self._walks_from: tuple[float, float] | None = None
        self._heading_rad = 0.0

    @property
    def has_siren(self) -> bool:
        return self.member.lights == "siren"

    def begin(self, way: Course) -> None:
        """`way` is the car's."""
        self._way = way

    def told(self, action: Action) -> None:
        self.action, self._walks_from = action, None

    def act(self, ego: Seen, ahead_m: float) -> None:
        seen = self.watched.seen
        if seen is None or not self.watched.actor.type_id.startswith("walker."):
            return
        if self.action.kind != "cross":
            return
        if self._walks_from is None:
            self._set_out(seen)
        assert self._walks_from is not None
        walked_m = math.hypot(seen.x - self._walks_from[0], seen.y - self._walks_from[1])
        speed = self.action.mps if walked_m < self.action.far_m else 0.0
        towards = carla.Vector3D(math.cos(self._heading_rad), math.sin(self._heading_rad), 0.0)
        self.watched.actor.apply_control(carla.WalkerControl(towards, speed, False))

    def _set_out(self, seen: Seen) -> None:
        """Straight across the car's way, from the side it stands on."""
        s, aside = self._way.locate(seen.x, seen.y)
        across = math.pi / 2 if aside < 0.0 else -math.pi / 2
        self._heading_rad = wrapped(self._way.pose(s).yaw_rad + across)
        self._walks_from = (seen.x, seen.y)


class Vehicle(Performer):
    """Somebody who drives."""

    def __init__(self, member: Member, actor: Any, lane: Any, aside: float, place: Place, tick_s: float) -> None:
        super().__init__(member, actor)
        self.course = walked(lane, COURSE_BACK_M, COURSE_AHEAD_M, member.way)
        self._follower = Follower(self.course, aside, tick_s)
        self._lamps = -1
        self._meeting = _meeting(place.course, self.course) if member.spot.arm else None

    def begin(self, way: Course) -> None:
        super().begin(way)
        self._show(0)

    def told(self, action: Action) -> None:
        seen = self.watched.seen
        if action.kind == "change_lane" and seen is not None:
            self._change_lane(action, seen)
            action = replace(action, mps=action.mps or seen.speed_mps)
        if action.kind == "pull_out" and seen is not None:
            s, _ = self.course.locate(seen.x, seen.y)
            self._follower.shift(s, action.over_m, -self._follower.heads_for_m)
            action = replace(action, to="left" if self._follower.aside(s) > 0.0 else "right")
        super().told(action)

    def _change_lane(self, action: Action, seen: Seen) -> None:
        s, _ = self.course.locate(seen.x, seen.y)
        here = self.course.waypoint(s)
        lanes = beside(here, action.to)
        width = (here.lane_width + (lanes[0] if lanes else here).lane_width) / 2
        self._follower.shift(s, action.over_m, width if action.to == "right" else -width)

    def act(self, ego: Seen, ahead_m: float) -> None:
        seen = self.watched.seen
        if seen is None:
            return
        wish = wanted(self.action, self._between(ego, seen, ahead_m))
        self.watched.actor.apply_control(self._follower.control(seen, wish))
        self._show(int(Lamps.Brake) if wish.brake > 0.0 else 0)

    def _between(self, ego: Seen, seen: Seen, ahead_m: float) -> Between:
        if self._meeting is None:
            return Between(ego, seen, ahead_m)
        ego_s, _ = self._way.locate(ego.x, ego.y)
        own_s, _ = self.course.locate(seen.x, seen.y)
        return Between(ego, seen, ahead_m, self._meeting[0] - ego_s, self._meeting[1] - own_s)

    def _show(self, pedal_lamps: int) -> None:
        """Switch lamps only when they change: every one is a call."""
        lamps = LAMPS[self.member.lights] | pedal_lamps | self._indicator()
        if lamps != self._lamps:
            self._lamps = lamps
            self.watched.actor.set_light_state(Lamps(lamps))

    def _indicator(self) -> int:
        side = self.action.to if self.action.kind in ("change_lane", "pull_out") else self.member.way
        return {"left": int(Lamps.LeftBlinker), "right": int(Lamps.RightBlinker)}.get(side, 0)


def _meeting(way: Course, other: Course) -> tuple[float, float] | None:
    """(s on the car's way, s on the other) where two ways first come together."""
    mine, theirs = way.crossing(other)
    here, there = way.pose(mine), other.pose(theirs)
    return (mine, theirs) if math.hypot(here.x - there.x, here.y - there.y) < MEETING_M else None
