"""One scene in one world: find a place, bring the cast in, play it tick by tick, say how it went. Session thread.

The order of a run, in a synchronous world that somebody else ticks:

| call | when |
|---|---|
| prepare | nothing of the scene is there yet; afterwards the cast stands, and `ego_start` and `goals` are known |
| begin(ego) | the car stands on `ego_start` and one tick has made everybody known |
| tick | before each world tick: reads the newest snapshot, judges it, tells the cast what to do next |
| clear | at the end; twice is fine |
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import carla

from sim_bridge.actor_words import in_words
from sim_bridge.carla_rig import ROLE
from sim_bridge.interfaces import CannotBegin
from sim_bridge.scenarios.cast import CannotStand, Performer, Vehicle, spawned
from sim_bridge.scenarios.judging import Moment, Other, holds
from sim_bridge.scenarios.lights import Lights
from sim_bridge.scenarios.places import Place, place_at, places
from sim_bridge.scenarios.rules import Rules
from sim_bridge.scenarios.scene import JUNCTION, Demand, Event, Scene
from sim_bridge.scenarios.seen import Watched, gap_m

START_DROP_M = 0.3
EGO_HALF_LENGTH_M = 2.45
TRIES = 40
GOAL_EVERY_M = 15.0


class NoPlace(CannotBegin):
    """This map has no place where the scene can happen; the message says what was asked for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went. `ended`: "" while it goes on, "done", "collision", "out of time". `unmet`: demands not met.

    `nearest_m` is the smallest gap between the car and anybody of the cast, infinite for an empty cast.
    """

    scene: str
    happened: bool
    ended: str
    unmet: tuple[str, ...]
    seconds: float
    nearest_m: float
    hit: str = ""

    @property
    def is_passed(self) -> bool:
        return self.happened and self.ended == "done" and not self.unmet

    @property
    def line(self) -> str:
        """For people: how far it is, or how it ended."""
        if not self.ended:
            return "It has happened; drive on." if self.happened else "It is still to happen."
        struck = f"The car hit {in_words(self.hit)}"
        ends = {"done": "Done, no contact", "collision": struck, "out of time": "The time is up"}
        parts = [ends[self.ended], *([] if self.happened else ["it did not happen"])]
        parts += [f"not met: {says}" for says in self.unmet]
        return f"{', '.join(parts)} ({self.seconds:.0f} s)."


class SceneRun:
    """Owns its cast and its collision sensor, from `prepare` to `clear`."""

    def __init__(self, world: Any, scene: Scene, seed: int) -> None:
        self.scene = scene
        self._world, self._seed = world, seed
        self._cast: list[Performer] = []
        self._sensor: Any = None
        self._lights: Lights | None = None
        self._weather_before: Any = None
        self._place: Place | None = None
        self._hits: list[tuple[float, str]] = []  # simulated seconds of the world, what was hit
        self._began_s: float | None = None
        self._elapsed_s = 0.0
        self._stage = 0
        self._nearest_m = float("inf")
        self._ended = ""
        self._events: list[Event] = list(scene.events)
        self._met: set[Demand] = set()
        self._broken: set[Demand] = set()

    # ---- making ready

    def prepare(self) -> None:
        """Bring the cast in at the first place with room for it. Raises NoPlace."""
        self._prepare(itertools.islice(places(self.scene, self._world.get_map(), self._seed), TRIES))

    def prepare_at(self, waypoint: Any) -> None:
        """The same with the place's anchor given, or the first junction ahead of it. Raises NoPlace."""
        town_map = self._world.get_map()
        if self.scene.place.kind == JUNCTION:
            waypoint = waypoint.next_until_lane_end(1.0)[-1]
        place = place_at(self.scene, waypoint, Rules(town_map), town_map)
        self._prepare(iter([place] if place is not None else []))

    def _prepare(self, tried: Iterator[Place]) -> None:
        tick_s = self._world.get_settings().fixed_delta_seconds or 0.05
        why = "the map has no such place"
        for place in tried:
            try:
                for member in self.scene.cast:
                    self._cast.append(spawned(self._world, place, member, tick_s))
            except CannotStand as problem:
                why = str(problem)
                self._dismiss()
                continue
            self._place, self._rules = place, Rules(self._world.get_map())
            return
        raise NoPlace(
            f"The scene {self.scene.name!r} finds no place in {self._world.get_map().name.rsplit('/', 1)[-1]}. It "
            f"wants {wish_in_words(self.scene)}; {why}."
        )

    @property
    def place(self) -> Place:
        if self._place is None:
            raise ValueError("expected prepare() before the place is asked for, it was not called")
        return self._place

    @property
    def ego_start(self) -> Any:
        """The carla.Transform the car starts on."""
        at = self.place.course.pose(self.scene.start_m - EGO_HALF_LENGTH_M)
        location = carla.Location(at.x, at.y, at.z + START_DROP_M)
        return carla.Transform(location, self.place.course.waypoint(self.scene.start_m).transform.rotation)

    @property
    def goals(self) -> tuple[Any, ...]:
        """Where the car's way leads, as carla.Locations some metres apart."""
        course, found = self.place.course, []
        s = self.scene.start_m + GOAL_EVERY_M
        while s < self.scene.goal_m:
            # Inside a junction ways lie over each other, and a place on one of them is found on another.
            if not (lane := course.waypoint(s)).is_junction:
                found.append(lane.transform.location)
            s += GOAL_EVERY_M
        return (*found, course.waypoint(min(self.scene.goal_m + GOAL_EVERY_M, course.last_s)).transform.location)

    def begin(self, ego: Any) -> None:
        """The clock starts with the next `tick`."""
        self._ego = Watched(ego)
        self._lights = Lights(self._world, self.place, self._rules)
        self._lights.hold(self.scene.lights)
        for performer in self._cast:
            performer.begin(self.place.course)
        if self.scene.weather:
            self._weather_before = self._world.get_weather()
            self._world.set_weather(getattr(carla.WeatherParameters, self.scene.weather))
        blueprint = self._world.get_blueprint_library().find("sensor.other.collision")
        if blueprint.has_attribute("role_name"):
            blueprint.set_attribute("role_name", ROLE)
        self._sensor = self._world.spawn_actor(blueprint, carla.Transform(), attach_to=ego)
        self._sensor.listen(self._hit)

    def _hit(self, event: Any) -> None:
        """On libcarla's thread. The first contact ends the scene; a car that leans on something sends them for ever."""
        if not self._hits and not self._ended:
            self._hits.append((event.timestamp, event.other_actor.type_id))

    # ---- playing

    def tick(self) -> None:
        """Judge what the newest snapshot shows, then tell the cast what to do in the coming tick."""
        snapshot = self._world.get_snapshot()
        now = self._moment(snapshot)
        if now is None:
            return
        if not self._ended:
            self._judge(now)
        assert self._lights is not None
        self._lights.keep()
        self._events = [event for event in self._events if not self._fires(event, now)]
        for performer in self._cast:
            other = now.others.get(performer.member.name)
            if other is not None:
                performer.act(now.ego, now.ahead_m(other))

    def _moment(self, snapshot: Any) -> Moment | None:
        """None while the car is not known yet, or no longer."""
        ego = self._ego.read(snapshot)
        if ego is None:
            return None
        if self._began_s is None:
            self._began_s = snapshot.timestamp.elapsed_seconds
            self._hits.clear()  # the car dropping onto its wheels
        elapsed_s = snapshot.timestamp.elapsed_seconds - self._began_s
        if not self._ended:
            self._elapsed_s = elapsed_s
        others = {}
        for performer in self._cast:
            seen = performer.watched.read(snapshot)
            if seen is not None:
                others[performer.member.name] = self._other(performer)
        s, _ = self.place.course.locate(ego.x, ego.y)
        return Moment(elapsed_s, ego, s, others)

    def _other(self, performer: Performer) -> Other:
        seen = performer.watched.seen
        assert seen is not None and self._lights is not None
        s, aside = self.place.course.locate(seen.x, seen.y)
        inside = False
        if isinstance(performer, Vehicle):
            own_s, _ = performer.course.locate(seen.x, seen.y)
            inside = bool(performer.course.waypoint(own_s).is_junction)
        light = self._lights.state(performer.member.spot.arm or "ego")
        return Other(seen, s, aside, inside, light, performer.has_siren)

    def _fires(self, event: Event, now: Moment) -> bool:
        if not holds(event.when, now):
            return False
        for performer in self._cast:
            if performer.member.name == event.who:
                performer.told(event.do)
        return True

    def _judge(self, now: Moment) -> None:
        for other in now.others.values():
            self._nearest_m = min(self._nearest_m, gap_m(now.ego, other.seen))
        # Stages come true one after the other, several in one tick where they hold together.
        while self._stage < len(self.scene.happens) and holds(self.scene.happens[self._stage], now):
            self._stage += 1
        for demand in self.scene.demands:
            if holds(demand.condition, now):
                (self._broken if demand.is_never else self._met).add(demand)
        if self._hits:
            self._ended = "collision"
            # The event may have come a tick late; its own clock says when it was.
            self._elapsed_s = self._hits[0][0] - (self._began_s or 0.0)
        elif now.front_s >= self.scene.goal_m:
            self._ended = "done"
        elif now.elapsed_s >= self.scene.time_s:
            self._ended = "out of time"

    # ---- how it went

    @property
    def happened(self) -> bool:
        return self._stage == len(self.scene.happens)

    @property
    def outcome(self) -> Outcome:
        demands = self.scene.demands
        unmet = [d.says for d in demands if (d in self._broken if d.is_never else self._ended and d not in self._met)]
        hit = self._hits[0][1] if self._ended == "collision" else ""
        elapsed, nearest = round(self._elapsed_s, 2), round(self._nearest_m, 2)
        return Outcome(self.scene.name, self.happened, self._ended, tuple(unmet), elapsed, nearest, hit)

    def clear(self) -> None:
        """Let the lights go, take the cast and the sensor away, and give the weather back."""
        if self._weather_before is not None:
            self._world.set_weather(self._weather_before)
            self._weather_before = None
        if self._lights is not None:
            self._lights.release()
            self._lights = None
        if self._sensor is not None:
            self._sensor.stop()
            self._sensor.destroy()
            self._sensor = None
        self._dismiss()

    def _dismiss(self) -> None:
        cast, self._cast = self._cast, []
        for performer in cast:
            performer.watched.actor.destroy()


def wish_in_words(scene: Scene) -> str:
    """What a scene asks of a town, for people."""
    wish = scene.place
    words = [f"a straight of {wish.length_m:.0f} m" if wish.kind == "straight" else "a junction"]
    if wish.kind == "junction":
        words += [f"{wish.length_m:.0f} m of road before it", f"a way {wish.way}"]
        words += [f"an arm {'on a' if arm == 'side' else 'from the'} {arm}" if arm != "oncoming" else "an arm opposite"
                  for arm in wish.arms]  # fmt: skip
        words += {"lights": ["traffic lights"], "stop": ["a stop sign"]}.get(wish.control, [])
    if wish.lanes > 1:
        words.append(f"{wish.lanes} lanes")
    if wish.needs_oncoming:
        words.append("a lane of the other direction beside it")
    return ", ".join(words)
