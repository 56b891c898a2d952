"""What a recording holds, in words: its events, its collisions, and who stood still. The words are those CARLA uses."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sim_bridge.embedded.recorder.log_file import LogReader
from sim_bridge.embedded.recorder.packets import NO_ACTOR, ActorKind, Added, Frame, Packet, pose_of

_EVENTS = (Packet.EVENT_ADD, Packet.EVENT_DEL, Packet.EVENT_PARENT, Packet.COLLISION)
_LETTERS = {
    ActorKind.OTHER: "o",
    ActorKind.VEHICLE: "v",
    ActorKind.WALKER: "w",
    ActorKind.TRAFFIC_LIGHT: "t",
}
_LAMPS = (
    (1, "Position"), (2, "LowBeam"), (4, "HighBeam"), (8, "Brake"), (16, "RightBlinker"), (32, "LeftBlinker"),
    (64, "Reverse"), (128, "Fog"), (256, "Interior"), (512, "Special1"), (1024, "Special2"),
)  # fmt: skip
_BLOCKED_WITHIN = (Packet.EVENT_ADD, Packet.EVENT_DEL, Packet.POSITION)


def info(log: LogReader, shows_all: bool) -> str:
    """Every event of the recording; with `shows_all` also where everything was in every frame."""
    lines = _heading(log)
    last: Frame | None = None
    for frame in log.frames(None if shows_all else _EVENTS):
        told = [*_events(frame), *(_states(frame) if shows_all else ())]
        if told or shows_all:
            lines += [f"Frame {frame.number} at {frame.elapsed_s:g} seconds", *told]
        last = frame
    return _ended(lines, last)


def _heading(log: LogReader) -> list[str]:
    date = time.strftime("%x %X", time.localtime(log.date_s))
    return [f"Version: {log.version}", f"Map: {log.map_name}", f"Date: {date}", ""]


def _ended(lines: list[str], last: Frame | None) -> str:
    number, duration_s = (last.number, last.elapsed_s) if last else (0, 0.0)
    return "\n".join([*lines, "", f"Frames: {number}", f"Duration: {duration_s:g} seconds", ""])


def _events(frame: Frame) -> Iterator[str]:
    for added in frame.added:
        # CARLA tells places in centimetres, as the file has them.
        x, y, z = (100.0 * part for part in (added.pose.x, added.pose.y, added.pose.z))
        yield f" Create {added.actor_id}: {added.description.id} ({added.kind}) at ({x:g}, {y:g}, {z:g})"
        yield from (f"  {attribute.id} = {attribute.value}" for attribute in added.description.attributes)
    for (actor_id,) in frame.of(Packet.EVENT_DEL):
        yield f" Destroy {actor_id}"
    for child, parent in frame.of(Packet.EVENT_PARENT):
        yield f" Parenting {child} with {parent} (parent)"
    for number, one, other, is_one_hero, is_other_hero in frame.of(Packet.COLLISION):
        heroes = [" (hero) " if is_hero else "" for is_hero in (is_one_hero, is_other_hero)]
        yield f" Collision id {number} between {one}{heroes[0]} with {other}{heroes[1]}"


def _states(frame: Frame) -> Iterator[str]:
    yield f" Positions: {len(frame.of(Packet.POSITION))}"
    for actor_id, x, y, z, roll, pitch, yaw in frame.of(Packet.POSITION):
        yield f"  Id: {actor_id} Location: ({x:g}, {y:g}, {z:g}) Rotation: ({roll:g}, {pitch:g}, {yaw:g})"
    yield f" State traffic lights: {len(frame.of(Packet.STATE))}"
    for actor_id, is_frozen, elapsed_s, state in frame.of(Packet.STATE):
        yield f"  Id: {actor_id} state: {state} frozen: {int(is_frozen)} elapsedTime: {elapsed_s:g}"
    yield f" Vehicle animations: {len(frame.of(Packet.ANIM_VEHICLE))}"
    for actor_id, steer, throttle, brake, hand_brake, gear in frame.of(Packet.ANIM_VEHICLE):
        pedals = f"Throttle: {throttle:g} Brake: {brake:g} Handbrake: {int(hand_brake)} Gear: {gear}"
        yield f"  Id: {actor_id} Steering: {steer:g} {pedals}"
    yield f" Walker animations: {len(frame.of(Packet.ANIM_WALKER))}"
    for actor_id, speed in frame.of(Packet.ANIM_WALKER):
        yield f"  Id: {actor_id} speed: {speed:g}"
    yield f" Vehicle light animations: {len(frame.of(Packet.VEHICLE_LIGHT))}"
    for actor_id, flags in frame.of(Packet.VEHICLE_LIGHT):
        yield f"  Id: {actor_id} {' '.join(name for bit, name in _LAMPS if flags & bit) or 'None'}"
    for actor_id, *motion in frame.of(Packet.KINEMATICS):
        linear, angular = (", ".join(f"{part:g}" for part in half) for half in (motion[:3], motion[3:]))
        yield f"  Id: {actor_id} linear_velocity: ({linear}) angular_velocity: ({angular})"


# ---- collisions -----------------------------------------------------------------------------------------------------


def collisions(log: LogReader, first: str, second: str) -> str:
    """Collisions as they begin, of parties that are h hero, v vehicle, w walker, t traffic light, o other or a any."""
    lines = [*_heading(log), f"{'Time':>8} {'Types':>6} {'Id':>6} {'Actor 1':<35} {'Id':>6} {'Actor 2':<35}"]
    known: dict[int, Added] = {}
    going_on: set[tuple[int, int]] = set()
    last: Frame | None = None
    for frame in log.frames(_EVENTS):
        known.update((added.actor_id, added) for added in frame.added)
        met = [row[1:] for row in frame.of(Packet.COLLISION)]
        for one, other, is_one_hero, is_other_hero in met:
            letters = [_letter(known, actor_id) for actor_id in (one, other)]
            is_asked = _fits(first, letters[0], is_one_hero) and _fits(second, letters[1], is_other_hero)
            if is_asked and (one, other) not in going_on:
                names = [known[i].description.id if i in known else "" for i in (one, other)]
                types = f"  {letters[0]} {letters[1]} "
                lines.append(f"{frame.elapsed_s:>8.0f} {types} {one:>6} {names[0]:<35} {other:>6} {names[1]:<35}")
        # One crash touches in many frames; only its first is told.
        going_on = {(one, other) for one, other, *_ in met}
        last = frame
    return _ended(lines, last)


def _letter(known: dict[int, Added], actor_id: int) -> str:
    if actor_id == NO_ACTOR or actor_id not in known:
        return "o"
    return _LETTERS.get(ActorKind(known[actor_id].kind), "o") if known[actor_id].kind in tuple(ActorKind) else "o"


def _fits(asked: str, letter: str, is_hero: bool) -> bool:
    return asked in ("a", letter) or (asked == "h" and is_hero)


# ---- who stands still -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Standing:
    at: tuple[float, float, float]  # metres
    since_s: float
    for_s: float = 0.0


def blocked(log: LogReader, least_s: float, within_cm: float) -> str:
    """Actors that stayed within `within_cm` of a place for `least_s` or longer, the longest first."""
    known: dict[int, str] = {}
    standing: dict[int, _Standing] = {}
    found: list[tuple[float, str]] = []
    last: Frame | None = None
    for frame in log.frames(_BLOCKED_WITHIN):
        known.update((added.actor_id, added.description.id) for added in frame.added)
        for actor_id, *placed in frame.of(Packet.POSITION):
            pose = pose_of(tuple(placed))
            at = (pose.x, pose.y, pose.z)
            since = standing.get(actor_id)
            if since is not None and math.dist(since.at, at) * 100.0 < within_cm:
                since.for_s = frame.elapsed_s - since.since_s
                continue
            if since is not None:
                found += _told(known, actor_id, since, least_s)
            standing[actor_id] = _Standing(at, frame.elapsed_s)
        last = frame
    for actor_id, since in standing.items():
        found += _told(known, actor_id, since, least_s)
    rows = [line for _, line in sorted(found, key=lambda entry: -entry[0])]
    return _ended([*_heading(log), f"{'Time':>8} {'Id':>6} {'Actor':<35} {'Duration':>10}", *rows], last)


def _told(known: dict[int, str], actor_id: int, since: _Standing, least_s: float) -> list[tuple[float, str]]:
    if since.for_s < least_s:
        return []
    name = known.get(actor_id, "")
    return [(since.for_s, f"{since.since_s:>8.0f} {actor_id:>6} {name:<35} {since.for_s:>10.0f}")]
