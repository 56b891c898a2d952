"""What a world and a driver are, for the loop. Protocols only.

The session thread alone calls a Simulator. One driver thread, started by the session, alone calls a Driver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

from sim_bridge.messages import (
    CameraFrame,
    Clearance,
    Collision,
    Control,
    DrivePlan,
    DriverInfo,
    Instruction,
    InstructionKind,
    JourneyNews,
    Manoeuvre,
    Observation,
    Progress,
)


class SimulatorLost(RuntimeError):
    """The drive cannot go on in this world; the message names the world and the way back.

    `is_gone`: the world itself stopped answering. A world that is not gone answers, but not as this drive needs it.
    """

    def __init__(self, line: str, is_gone: bool = True) -> None:
        super().__init__(line)
        self.is_gone = is_gone


class CannotBegin(ValueError):
    """This world has no place for what the drive is for; the message says what it asks for."""


class Cancelled(RuntimeError):
    """A person does not want to wait for this call any longer."""


class Simulator(Protocol):
    """A world with one ego car, advanced one tick at a time."""

    @property
    def town(self) -> str: ...

    @property
    def world(self) -> str:
        """Either "embedded" or "carla HOST:PORT"."""

    def reset(self, seed: int) -> Observation:
        """A new episode: ego at the start chosen by `seed`, traffic re-seeded. `episode` rises by one, `tick` is 0."""

    def step(self, control: Control) -> Observation:
        """Apply `control`, advance TICK_S, return what the car sees. Raises SimulatorLost within 5 s of silence."""

    def chase_frame(self) -> CameraFrame | None:
        """The newest picture for people, of the last tick where there is one. Never part of an Observation."""

    def begin(self, kind: InstructionKind) -> None:
        """Note where the car is now as the start of a manoeuvre that `progress` judges."""

    def progress(self, kind: InstructionKind) -> Manoeuvre:
        """How the lane change or turn begun by `begin(kind)` stands."""

    @property
    def collisions(self) -> tuple[Collision, ...]:
        """What the car came to touch since the reset, in order; lasting contact is one collision."""

    @property
    def journey_news(self) -> JourneyNews | None:
        """How the scene or route of this episode goes, None on a drive to nowhere in particular."""

    def clearance(self) -> Clearance:
        """How much room there is straight ahead and straight behind, and whether a light holds the car."""

    def close(self) -> None:
        """Destroy our own actors and restore the world's settings. Twice is fine."""


class Driver(Protocol):
    """Looks, plans, and speaks. Each call returns or yields within a tick or so; words are taken between plans."""

    @property
    def info(self) -> DriverInfo: ...

    def plan(self, observation: Observation, instruction: Instruction | None, talk_first: bool = False) -> DrivePlan:
        """The plan for this observation. Raises on failure; the session brakes and says so."""

    def comment(self, observation: Observation, instruction: Instruction | None) -> Iterator[str]:
        """Commentary on this observation, a few characters at a time; the pieces concatenate to the sentence."""

    def answer(self, observation: Observation, question: str) -> Iterator[str]:
        """The answer to a question about this observation, a few characters at a time."""

    def close(self) -> None: ...


@runtime_checkable
class SlowDriver(Protocol):
    """A Driver whose calls may take seconds. Whoever calls it sets `report`, which is called on the way through each.

    `report` may raise Cancelled, which the driver lets through with nothing half done; its next call works.
    """

    report: Callable[[Progress], None]
