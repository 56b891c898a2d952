"""What simulator, session and driver hand to one another: pictures, the car's motion, plans and controls.

A driver's input has no field it could cheat with: `Clearance`, `Collision` and `JourneyNews` are the simulator's own
knowledge and go to the session and the page alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from sim_bridge.messages.vocabulary import InstructionKind, InstructionMode, RouteCommand

Points = npt.NDArray[np.float32]  # (N, 2) metres
Picture = npt.NDArray[np.uint8]  # (H, W, 3) RGB

PATH_POINTS = 20
PATH_SPACING_M = 1.0  # point k lies k metres along the path, point 0 at the car
SPEED_POINTS = 10
SPEED_INTERVAL_S = 0.25  # point k is where the car is (k + 1) * 0.25 s from the plan's moment
TICK_S = 0.05


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
    """driver -> session. `commentary`: the words that the plan was made on, shown with it; nothing else is said of this
    sight. "" where none came first. They do in the TALK_FIRST order, and where a driver judges an instruction (SAFETY).

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


@dataclass(frozen=True, slots=True)
class Collision:
    """The car came to touch something; `other_type_id` is CARLA's, such as vehicle.audi.tt."""

    tick: int
    other_type_id: str
    impulse_ns: float


@dataclass(frozen=True, slots=True)
class Clearance:
    """simulator -> session: what a car's bumpers and the lamp over the road would tell, for leaving a place where it
    is stuck. Free metres to the next vehicle, person or thing on the road, `math.inf` where there is none in reach;
    walls are not among them. Never part of an Observation."""

    ahead_m: float
    behind_m: float
    waits_at_light: bool = False


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
