"""Valid calls, drawn by a seed: every name of the RPC table with arguments of the types its handler asks for."""

from __future__ import annotations

import dataclasses
import inspect
import random
import types
import typing
from typing import Any

from sim_bridge.embedded.blueprints import PROPS, WALKERS
from sim_bridge.embedded.calls.batch import COMMANDS
from sim_bridge.embedded.calls.table import TABLE
from sim_bridge.embedded.contracts import Pose
from sim_bridge.embedded.sensor_blueprints import SENSORS
from sim_bridge.embedded.vehicles import VEHICLES
from sim_bridge.embedded.wire.structs import ActorDescription, AttributeValue, EpisodeSettings

# Each costs a second or so of town building: one in so many draws of them is made.
SLOW = {"load_new_episode": 0.05, "copy_opendrive_to_file": 0.05, "get_required_files": 0.2, "request_file": 0.2}
NAMES = sorted(TABLE)
BLUEPRINTS = [*VEHICLES, *WALKERS, *PROPS, *SENSORS, "controller.ai.walker", "static.trigger.friction", "no.such.thing"]
WORDS = [
    "",
    "Flat",
    "OpenDriveMap",
    "Nav",
    "recording.log",
    "../../etc/passwd",
    "x" * 300,
    "\u0000",
    "Ünïcødé",
    "127.0.0.1",
]
# How many ids from the episode's first on are asked about: the spectator, lights and signs, then what was spawned.
IDS = 160


class Calls:
    """Draws calls for one episode, whose actors' ids begin with `first_id`."""

    def __init__(self, rng: random.Random, first_id: int) -> None:
        self.rng, self._first_id = rng, first_id

    def call(self) -> tuple[str, list[Any]]:
        """A name and its arguments, without the leading metadata."""
        rng = self.rng
        while True:
            name = rng.choice(NAMES)
            if rng.random() < SLOW.get(name, 1.0):
                break
        if name == "apply_batch":
            return name, [[self.command() for _ in range(rng.randint(0, 4))], rng.random() < 0.2]
        return name, self._arguments(TABLE[name].signature.handler)

    def command(self) -> list[Any]:
        """One of apply_batch's."""
        rng = self.rng
        if rng.random() < 0.3:
            after = [self.command()] if rng.random() < 0.2 else []
            spawned = [value(rng, ActorDescription), value(rng, Pose), [False], rng.randrange(256), "", after]
            return [[0, spawned]]
        index = rng.choice(list(COMMANDS))
        return [[index, self._arguments(COMMANDS[index])]]

    def actor_id(self) -> int:
        return self._first_id + self.rng.randrange(IDS)

    def _arguments(self, handler: Any) -> list[Any]:
        hints = typing.get_type_hints(handler)
        parameters = list(inspect.signature(handler).parameters.values())[1:]
        return [
            self.actor_id() if p.name in ("actor_id", "parent", "stream_id") else value(self.rng, hints[p.name])
            for p in parameters
            if p.kind is not p.VAR_POSITIONAL
        ]


def value(rng: random.Random, kind: Any) -> Any:
    """A wire value of this annotation."""
    if kind is ActorDescription:
        attributes = [value(rng, AttributeValue) for _ in range(rng.randint(0, 3))]
        return [0, rng.choice(BLUEPRINTS), attributes]
    if kind is AttributeValue:
        names = (
            "fov",
            "image_size_x",
            "image_size_y",
            "range",
            "points_per_second",
            "channels",
            "sensor_tick",
            "color",
        )
        return [rng.choice(names), rng.randint(1, 5), rng.choice(("1", "0", "-1", "64", "nan", "1e30", "255,0,0", ""))]
    if kind is EpisodeSettings:  # mostly synchronous, or every other message would wait for a clock
        return [rng.random() < 0.9, rng.random() < 0.5, [True, rng.choice((0.05, 0.001, 0.0, 0.1))]]
    if kind is Pose:
        return [[rng.uniform(-300, 300), rng.uniform(-300, 300), rng.uniform(-1, 3)], [_angle(rng) for _ in range(3)]]
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return [value(rng, hints[field.name]) for field in dataclasses.fields(kind)]
    return _plain(rng, kind)


def _plain(rng: random.Random, kind: Any) -> Any:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        return [value(rng, inner[0]) for _ in range(rng.randint(0, 3))]
    if origin is tuple:
        return [value(rng, part) for part in inner]
    if origin in (typing.Union, types.UnionType):
        return [True, value(rng, inner[0])] if rng.random() < 0.5 else [False]
    if kind is float:
        return rng.choice((0.0, 1.0, -1.0, 0.5, rng.uniform(-100, 100)))
    made = {
        bool: rng.random() < 0.5,
        int: rng.randint(-3, 300),
        str: rng.choice(WORDS),
        bytes: b"\x00" * rng.randint(0, 24),
    }
    return made.get(kind, rng.choice(("h", 104, [], [[]], None)))


def _angle(rng: random.Random) -> float:
    return rng.choice((0.0, 90.0, -180.0, rng.uniform(-360, 360)))
