"""What the session shows: session -> app, cockpit, recorder. One whole picture of the drive per tick."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim_bridge.messages.driving import (
    CameraSpec,
    Control,
    DriverInfo,
    EgoState,
    Instruction,
    JourneyNews,
    Points,
    Progress,
)
from sim_bridge.messages.vocabulary import Engagement, InstructionKind, Phase, Reason, TalkOrder


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` grows while the driver speaks; `is_final` closes it. `error` is set instead when it could not answer."""

    question_id: int
    question: str
    text: str = ""
    is_final: bool = False
    error: str = ""
    asked_at_tick: int = 0


@dataclass(frozen=True, slots=True)
class Commentary:
    text: str = ""
    is_final: bool = True
    made_at_tick: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PictureJpeg:
    camera: CameraSpec
    jpeg: bytes


@dataclass(frozen=True, slots=True, eq=False)
class SessionView:
    """One immutable picture of the whole drive, replaced every tick. Safe to read from any thread."""

    phase: Phase
    episode: int
    tick: int
    sim_time_us: int
    published_at_ns: int  # time.monotonic_ns() when the tick's pictures left the simulator
    ego: EgoState
    control: Control
    target_speed_mps: float
    engagement: Engagement
    engagement_reason: Reason
    holder: str  # who holds the wheel: "driver", the holder of the newest takeover, or "nobody" in SAFE_STOP
    driver: DriverInfo
    town: str
    world: str  # "embedded" or "carla HOST:PORT"
    pictures: tuple[PictureJpeg, ...] = ()
    path_xy_in_ego: Points | None = None  # the acting plan, moved into this tick's ego frame
    speed_xy_in_ego: Points | None = None
    target_points_xy_in_ego: Points | None = None
    plan_age_ms: float | None = None
    plan_hz: float = 0.0
    inference_ms: float = 0.0
    is_on_known_picture: bool = False  # whether the acting plan's `inference_ms` is without looking at the picture
    frame_hz: float = 0.0
    real_time_factor: float = 0.0
    instruction_asked: Instruction | None = None
    instruction_acting: Instruction | None = None
    instruction_kind: InstructionKind = InstructionKind.NONE
    instruction_note: str = ""  # "done", "obeying", "not a driving instruction", ...
    talk_order: TalkOrder = TalkOrder.ALONGSIDE
    progress: Progress | None = None  # what the driver is busy with, once that takes long enough to be seen
    lockstep_ticks: int = 0  # the world waits for each plan and then moves this far; 0: it waits for nobody
    commentary: Commentary = field(default_factory=Commentary)
    answers: tuple[Answer, ...] = ()  # newest last: the newest 20, and every open one
    is_being_freed: bool = False  # a stuck car is backed out or creeps on, by rule and not by its driver
    collisions: int = 0  # since the reset
    journey: JourneyNews | None = None  # None on a drive to nowhere in particular
    input_echo: tuple[str, int, float] | None = None  # holder, seq, sent_at_ms of the input this tick applied
    notice: str = ""
    failure: str = ""
