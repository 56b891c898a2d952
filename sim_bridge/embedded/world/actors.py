"""What lives in the world: one small record per actor, and the registry that numbers them.

State only; `World` moves it. `body` is where the actor is and how it moves, replaced after every tick.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from sim_bridge.embedded.blueprints import WalkerShape
from sim_bridge.embedded.contracts import BodyState, LightState, Pose, Signal, VehicleShape
from sim_bridge.embedded.wire.structs import (
    AckermannControl,
    AckermannSettings,
    ActorDescription,
    BoundingBox,
    PhysicsControl,
    Vec3,
    VehicleControl,
    WalkerControl,
)
from sim_bridge.embedded.world.lanes import LanePlace
from sim_bridge.embedded.world.spring_arm import SpringArm


@dataclass(slots=True, eq=False)
class Actor:
    """Anything with an id. `mount` is its pose relative to the parent, or at the end of an `arm` that the parent
    carries; without a parent it is None."""

    actor_id: int
    description: ActorDescription
    body: BodyState
    box: BoundingBox = field(default_factory=BoundingBox)
    labels: bytes = b""
    parent_id: int = 0
    mount: Pose | None = None
    arm: SpringArm | None = None
    stream_id: int = 0

    @property
    def type_id(self) -> str:
        return self.description.id

    @property
    def pose(self) -> Pose:
        return self.body.pose

    def attribute(self, name: str, default: str = "") -> str:
        for attribute in self.description.attributes:
            if attribute.id == name:
                return attribute.value
        return default


@dataclass(slots=True, eq=False)
class Spectator(Actor):
    """The free camera. Never destroyed."""


@dataclass(slots=True, eq=False, kw_only=True)
class Vehicle(Actor):
    shape: VehicleShape
    physics_control: PhysicsControl
    control: VehicleControl = field(default_factory=VehicleControl)
    ackermann: AckermannControl | None = None
    ackermann_settings: AckermannSettings = field(default_factory=AckermannSettings)
    speed_debt: float = 0.0  # the Ackermann controller's memory, m/s2
    light_flags: int = 0
    constant_velocity: Vec3 | None = None  # along the car's own axes
    is_simulated: bool = True
    posed_steer_deg: float = 0.0  # how a script turned the front wheels, to the right; shows while it is not simulated
    speed_limit_kmh: float = 30.0
    waits_at: int = 0  # the traffic light it stands or brakes at, 0 none
    sign: str = ""  # the signal id of the stop or yield sign it stands before, reached at `sign_since_s`
    sign_since_s: float = 0.0
    must_wait: bool = False  # at that sign
    place: LanePlace | None = None  # the lane it was on when last looked up, at `judged_at`
    judged_at: tuple[float, float] | None = None

    @property
    def wheel_steer_deg(self) -> float:
        """How the front wheels stand, positive to the right."""
        return self.body.wheel_steer_deg if self.is_simulated else self.posed_steer_deg


@dataclass(slots=True, eq=False, kw_only=True)
class Walker(Actor):
    shape: WalkerShape
    control: WalkerControl = field(default_factory=WalkerControl)
    stride: float = 0.0  # 0..1 through two steps
    is_simulated: bool = True
    led_at: int = -1  # the last frame for which the client's crowd said where it is, -1 never
    died_at_s: float | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class TrafficLight(Actor):
    signal: Signal
    wire_id: bytes
    place_record: bytes  # the part of its record that never changes
    state: LightState = LightState.RED
    green_s: float = 10.0
    yellow_s: float = 3.0
    red_s: float = 2.0
    elapsed_s: float = 0.0
    is_frozen: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class TrafficSign(Actor):
    signal: Signal
    record: bytes  # whole: a sign never changes


@dataclass(slots=True, eq=False)
class Prop(Actor):
    """A solid thing that scripts put on the road."""


@dataclass(slots=True, eq=False)
class WalkerController(Actor):
    """The handle of CARLA's walker AI, which runs in the client; here it only exists."""


@dataclass(slots=True, eq=False, kw_only=True)
class SensorActor(Actor):
    """A sensor. `period_s` 0 sends at every tick; `next_s` is the simulated time of the next reading."""

    period_s: float = 0.0
    next_s: float = float("-inf")

    def is_due(self, now_s: float) -> bool:
        # Half a millisecond of slack: a period of 0.1 s must be met by the second of two ticks of 0.05 s.
        if self.period_s > 0.0 and now_s < self.next_s - 5e-4:
            return False
        # Counted from the last due time, so that a period that is no multiple of the tick keeps its rate.
        is_late = now_s - self.next_s >= self.period_s
        self.next_s = (now_s if is_late else self.next_s) + self.period_s
        return True


Kind = TypeVar("Kind", bound=Actor)


class Registry:
    """The actors alive, in the order they were born. Ids are never used twice within a server's life."""

    def __init__(self, first_id: int = 1) -> None:
        self._actors: dict[int, Actor] = {}
        self._next_id = first_id

    def new_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    @property
    def next_id(self) -> int:
        return self._next_id

    def add(self, actor: Actor) -> None:
        self._actors[actor.actor_id] = actor

    def remove(self, actor_id: int) -> Actor | None:
        return self._actors.pop(actor_id, None)

    def find(self, actor_id: int) -> Actor | None:
        return self._actors.get(actor_id)

    def __iter__(self) -> Iterator[Actor]:
        return iter(self._actors.values())

    def __len__(self) -> int:
        return len(self._actors)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [actor for actor in self._actors.values() if isinstance(actor, kind)]
