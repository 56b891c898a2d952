"""Everything that crosses a wall, as frozen dataclasses. No behaviour beyond checking itself, no I/O, any thread.

Frames. All coordinates are CARLA's: metres, left-handed, x forward, y right, z up; yaw clockwise seen from above.
`*_in_ego` is relative to the car's actor origin on the ground at the tick named beside it; `*_in_world` is the town.
Units are suffixes: `_m`, `_mps`, `_rad`, `_deg`, `_us`, `_ms`, `_px`, `_hz`. Simulated time is integer microseconds.
Pictures are RGB, uint8, (H, W, 3), top row first, read-only.

Words. tick (not step, frame), plan (not prediction, trajectory), instruction (what the person says; prompt is what the
network reads; command is what the hand does), commentary, answer, scene, drive, episode (reset to reset), takeover.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float32]  # (N, 2) metres
Picture = npt.NDArray[np.uint8]  # (H, W, 3) RGB

PATH_POINTS = 20
PATH_SPACING_M = 1.0  # point k lies k metres along the path, point 0 at the car
SPEED_POINTS = 10
SPEED_INTERVAL_S = 0.25  # point k is where the car is (k + 1) * 0.25 s from the plan's moment
TICK_S = 0.05


class InstructionMode(Enum):
    """How a driver treats an instruction: FOLLOW obeys regardless, SAFETY refuses in words and drives on."""

    FOLLOW = "follow"
    SAFETY = "safety"


class InstructionKind(Enum):
    """What a driver took an instruction to mean; decides when the loop may call it done."""

    NONE = "none"
    GO = "go"
    STOP = "stop"
    SLOWER = "slower"
    FASTER = "faster"
    TARGET_SPEED = "target_speed"
    LANE_LEFT = "lane_left"
    LANE_RIGHT = "lane_right"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    STRAIGHT = "straight"
    UNCLEAR = "unclear"


class Manoeuvre(Enum):
    """How a lane change or turn that was begun stands, as the world sees it."""

    UNDER_WAY = "under way"
    NO_LANE = "no lane on that side"
    DONE = "done"
    OTHER_WAY = "the junction was passed another way"


class RouteCommand(Enum):
    """The navigator's word for the road ahead; values are CARLA's RoadOption numbers (simulator and SimLingo agree)."""

    LEFT = 1
    RIGHT = 2
    STRAIGHT = 3
    FOLLOW_ROAD = 4
    LANE_LEFT = 5
    LANE_RIGHT = 6


class Engagement(Enum):
    """Who moves the wheel and pedals. OVERRIDDEN: a person adds throttle, the driver keeps the wheel."""

    ENGAGED = "engaged"
    OVERRIDDEN = "overridden"
    MANUAL = "manual"
    SAFE_STOP = "safe_stop"


class Reason(Enum):
    """Why the engagement is what it is."""

    STARTED = "started"
    USER_ENGAGED = "user_engaged"
    USER_RELEASED = "user_released"
    USER_TAKEOVER = "user_takeover"
    USER_STEER = "user_steer"
    USER_BRAKE = "user_brake"
    USER_GAS = "user_gas"
    DEADMAN = "deadman"
    WATCHER_LEFT = "watcher_left"
    PLAN_STALE = "plan_stale"
    PLAN_INVALID = "plan_invalid"
    DRIVER_FAILED = "driver_failed"
    WORLD_LOST = "world_lost"
    PLAN_RECOVERED = "plan_recovered"


class Phase(Enum):
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"


class TalkOrder(Enum):
    """ALONGSIDE: the plan never waits for words. TALK_FIRST: SimLingo's published order, words, then the plan."""

    ALONGSIDE = "alongside"
    TALK_FIRST = "talk_first"


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """A pinhole camera on the car. `fov_deg` is horizontal; the mount is in ego coordinates, pitch up positive."""

    name: str
    width_px: int
    height_px: int
    fov_deg: float
    x_m: float
    y_m: float
    z_m: float
    pitch_deg: float = 0.0


# SimLingo's only camera: what a driver sees.
FRONT_CAMERA = CameraSpec("front", 1024, 512, 110.0, -1.5, 0.0, 2.0)
# For people only; a driver never receives it.
CHASE_CAMERA = CameraSpec("chase", 512, 256, 90.0, -7.5, 0.0, 3.6, -12.0)


@dataclass(frozen=True, slots=True, eq=False)
class CameraFrame:
    camera: CameraSpec
    rgb: Picture
    tick: int


@dataclass(frozen=True, slots=True)
class EgoState:
    x_m: float
    y_m: float
    yaw_rad: float
    speed_mps: float


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """simulator -> session -> driver. Only what a car can know: pictures, its own motion, and the navigator's hints."""

    episode: int
    tick: int
    sim_time_us: int
    ego: EgoState
    frames: tuple[CameraFrame, ...]
    target_points_xy_in_ego: Points  # (2, 2): the route's next two sparse points
    command: RouteCommand = RouteCommand.FOLLOW_ROAD
    next_command: RouteCommand = RouteCommand.FOLLOW_ROAD
    command_distance_m: float = 0.0

    def frame(self, name: str) -> CameraFrame:
        for frame in self.frames:
            if frame.camera.name == name:
                return frame
        raise KeyError(f"expected a camera named {name!r}, the observation has {[f.camera.name for f in self.frames]}")


@dataclass(frozen=True, slots=True)
class Instruction:
    """session -> driver. `serial` rises by one with every change, so everyone can say which one a plan obeys."""

    text: str
    mode: InstructionMode
    serial: int


@dataclass(frozen=True, slots=True, eq=False)
class DrivePlan:
    """driver -> session. `commentary` is set only when the words came first (TALK_FIRST).

    `is_on_known_picture`: an earlier plan or answer had looked at the picture, so `inference_ms` is without that.
    """

    episode: int
    made_at_tick: int
    made_from: EgoState
    path_xy_in_ego: Points  # (20, 2), metres, at `made_from`
    speed_xy_in_ego: Points  # (10, 2), metres, at `made_from`
    instruction_serial: int
    reads_instruction_as: InstructionKind
    inference_ms: float
    commentary: str = ""
    is_on_known_picture: bool = False


@dataclass(frozen=True, slots=True)
class DriverInfo:
    """What the page says about the driver. `is_privileged`: it reads the simulator's state, not the camera."""

    name: str
    label: str
    is_privileged: bool
    detail: str = ""
    frame_s: float = 0.0  # seconds one plan took when the driver was loaded; 0: well within control rate


@dataclass(frozen=True, slots=True)
class Progress:
    """driver -> session -> app: how far a call that takes seconds has come.

    `doing` is "plan", "answer" or "commentary". `done` of `of` parts of `stage`; `of` 0: the end is not known before.
    """

    stage: str  # a word for a person: "looking", "reading", "speaking", "planning"
    done: int = 0
    of: int = 0
    doing: str = ""
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Control:
    """tracker or hands -> simulator. steer -1 (left) .. 1 (right); throttle and brake 0 .. 1."""

    steer: float = 0.0
    throttle: float = 0.0
    brake: float = 0.0
    reverse: bool = False


FULL_BRAKE = Control(brake=1.0)


# ---- commands: app -> session ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pause:
    pass


@dataclass(frozen=True, slots=True)
class Resume:
    pass


@dataclass(frozen=True, slots=True)
class Step:
    """Advance this many ticks while paused."""

    ticks: int = 1


@dataclass(frozen=True, slots=True)
class Reset:
    """Start a new episode. `seed` None keeps the start; another seed is another start."""

    seed: int | None = None


@dataclass(frozen=True, slots=True)
class SetInstruction:
    """Empty text clears the instruction."""

    text: str
    mode: InstructionMode


@dataclass(frozen=True, slots=True)
class Ask:
    question: str
    question_id: int


@dataclass(frozen=True, slots=True)
class SetTalkOrder:
    order: TalkOrder


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give up what a slow driver is busy with. A drive that waits for the plan is paused by it."""


@dataclass(frozen=True, slots=True)
class Takeover:
    holder: str
    reason: Reason = Reason.USER_TAKEOVER


@dataclass(frozen=True, slots=True)
class Engage:
    """Hand the car to the driver. `reason` tells a release by the holder from an engage by a button."""

    reason: Reason = Reason.USER_ENGAGED


@dataclass(frozen=True, slots=True)
class HumanInput:
    """What one person's hands ask for now. Sent on every change and at least each 100 ms while anything is held.

    `seq` rises within one `holder`; older packets are dropped. `is_nudge`: throttle only, the driver keeps the wheel.
    `sent_at_ms` is the sender's clock, echoed in the view as `input_echo` so a page can measure key to applied control.
    """

    holder: str
    seq: int
    steer: float = 0.0
    throttle: float = 0.0
    brake: float = 0.0
    reverse: bool = False
    is_nudge: bool = False
    sent_at_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class HolderLeft:
    """The person's tab, window or link is gone."""

    holder: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End the drive process in good order."""


Command = (
    Pause
    | Resume
    | Step
    | Reset
    | SetInstruction
    | Ask
    | SetTalkOrder
    | Cancel
    | Takeover
    | Engage
    | HumanInput
    | HolderLeft
    | Stop
)


class Verdict(Enum):
    ACCEPTED = "accepted"
    NOT_RUNNING = "not_running"
    BUSY = "busy"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class CommandResult:
    """session -> app: judged at once against the newest view, with one line for the person."""

    verdict: Verdict
    line: str = ""


# ---- views: session -> app, cockpit, recorder ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Collision:
    """The car came to touch something; `other_type_id` is CARLA's, such as vehicle.audi.tt."""

    tick: int
    other_type_id: str
    impulse_ns: float


class JourneyStage(Enum):
    """How what the drive is for stands. MISSED: it is over and did not come out as asked."""

    UNDER_WAY = "under_way"
    DONE = "done"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class JourneyNews:
    """simulator -> session -> app: what the drive is for and how it goes, in one or two sentences for a person."""

    line: str
    stage: JourneyStage = JourneyStage.UNDER_WAY


@dataclass(frozen=True, slots=True)
class Clearance:
    """simulator -> session: what a car's bumpers and the lamp over the road would tell, for leaving a place where it
    is stuck. Free metres to the next vehicle, person or thing on the road, `math.inf` where there is none in reach;
    walls are not among them. Never part of an Observation."""

    ahead_m: float
    behind_m: float
    waits_at_light: bool = False


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
    answers: tuple[Answer, ...] = ()  # newest last, at most 20
    collisions: int = 0  # since the reset
    journey: JourneyNews | None = None  # None on a drive to nowhere in particular
    input_echo: tuple[str, int, float] | None = None  # holder, seq, sent_at_ms of the input this tick applied
    notice: str = ""
    failure: str = ""
