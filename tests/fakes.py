"""Small real worlds and drivers for the tests: each implements its whole interface and does one thing."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator

import numpy as np

from sim_bridge.interfaces import SimulatorLost
from sim_bridge.messages import (
    CHASE_CAMERA,
    FRONT_CAMERA,
    TICK_S,
    CameraFrame,
    CameraSpec,
    Clearance,
    Collision,
    Control,
    DrivePlan,
    DriverInfo,
    EgoState,
    Instruction,
    InstructionKind,
    InstructionMode,
    JourneyNews,
    Manoeuvre,
    Observation,
)

LANE_M = 3.5


def picture(camera: CameraSpec, tick: int) -> CameraFrame:
    """A cheap picture whose first pixel counts the ticks."""
    rgb = np.zeros((camera.height_px, camera.width_px, 3), dtype=np.uint8)
    rgb[0, 0] = (tick % 256, tick // 256 % 256, 7)
    rgb.setflags(write=False)
    return CameraFrame(camera, rgb, tick)


class StraightRoad:
    """A straight, endless two-lane road along +x, a car like a bicycle on it. At `fails_at_tick` the world ends."""

    town = "StraightRoad"
    world = "embedded"

    def __init__(self, fails_at_tick: int | None = None) -> None:
        self.fails_at_tick = fails_at_tick
        self.controls: list[Control] = []
        self.is_closed = self.is_walled_in = False
        self.episode = 0
        self.collisions: tuple[Collision, ...] = ()
        self.news: JourneyNews | None = None
        self.room = Clearance(math.inf, math.inf)
        self._ego = EgoState(0.0, 0.0, 0.0, 0.0)
        self._tick = 0
        self._lane_at_begin = 0

    def reset(self, seed: int) -> Observation:
        self.episode += 1
        self._tick = 0
        self._ego = EgoState(float(seed % 97), 0.0, 0.0, 0.0)
        return self._observation()

    def step(self, control: Control) -> Observation:
        if self._tick == self.fails_at_tick:
            raise SimulatorLost("The straight road ended; start the program again.")
        self.controls.append(control)
        ego = self._ego
        pull = control.throttle * 3.0 * (-1.0 if control.reverse else 1.0)
        speed = ego.speed_mps + pull * TICK_S
        speed = math.copysign(max(0.0, abs(speed) - (control.brake * 7.0 + 0.1) * TICK_S), speed)
        speed = 0.0 if self.is_walled_in else speed
        yaw = ego.yaw_rad + speed * math.tan(control.steer * 1.2) / 2.8 * TICK_S
        x, y = ego.x_m + speed * math.cos(yaw) * TICK_S, ego.y_m + speed * math.sin(yaw) * TICK_S
        self._ego = EgoState(x, y, yaw, speed)
        self._tick += 1
        return self._observation()

    def chase_frame(self) -> CameraFrame | None:
        return picture(CHASE_CAMERA, self._tick)

    def begin(self, kind: InstructionKind) -> None:
        self._lane_at_begin = self._lane()

    def progress(self, kind: InstructionKind) -> Manoeuvre:
        if kind is InstructionKind.LANE_LEFT and self._lane_at_begin == 0:
            return Manoeuvre.NO_LANE
        if kind is InstructionKind.STRAIGHT:
            return Manoeuvre.OTHER_WAY
        return Manoeuvre.UNDER_WAY if self._lane() == self._lane_at_begin else Manoeuvre.DONE

    @property
    def journey_news(self) -> JourneyNews | None:
        return self.news

    def clearance(self) -> Clearance:
        return self.room

    def close(self) -> None:
        self.is_closed = True

    def _lane(self) -> int:
        return round(self._ego.y_m / LANE_M)

    def _observation(self) -> Observation:
        points = np.array([[20.0, 0.0], [60.0, 0.0]], dtype=np.float32)
        return Observation(
            self.episode,
            self._tick,
            round(self._tick * TICK_S * 1e6),
            self._ego,
            (picture(FRONT_CAMERA, self._tick),),
            points,
        )


KINDS = {
    "stop": InstructionKind.STOP,
    "go": InstructionKind.GO,
    "left": InstructionKind.LANE_LEFT,
    "right": InstructionKind.LANE_RIGHT,
    "faster": InstructionKind.FASTER,
    "slower": InstructionKind.SLOWER,
    "straight": InstructionKind.STRAIGHT,
}
FACTORS = {"stop": 0.0, "faster": 2.0, "slower": 0.5}


def steady_plan(
    observation: Observation, instruction: Instruction | None, speed_mps: float, offset_m: float = 0.0
) -> DrivePlan:
    """Along the road at a steady speed, `offset_m` right of the middle of the lane it started in (y = 0)."""
    ego = observation.ego
    kind = KINDS.get(instruction.text, InstructionKind.UNCLEAR) if instruction else InstructionKind.NONE
    along = np.arange(20.0)
    y = (offset_m - ego.y_m) * np.clip(along / 8.0, 0.0, 1.0)
    cos, sin = math.cos(-ego.yaw_rad), math.sin(-ego.yaw_rad)
    path = np.stack([along * cos - y * sin, along * sin + y * cos], axis=1)
    times = np.arange(1, 11) * 0.25
    speed = np.stack([times * speed_mps, np.zeros(10)], axis=1)
    return DrivePlan(
        episode=observation.episode,
        made_at_tick=observation.tick,
        made_from=ego,
        path_xy_in_ego=path.astype(np.float32),
        speed_xy_in_ego=speed.astype(np.float32),
        instruction_serial=instruction.serial if instruction else 0,
        reads_instruction_as=kind,
        inference_ms=1.0,
    )


class SteadyDriver:
    """Drives straight on at `speed_mps`; obeys the words of KINDS while they stand; says one word per piece."""

    info = DriverInfo("steady", "Steady driver", False)

    def __init__(self, speed_mps: float = 5.0) -> None:
        self.speed_mps = speed_mps
        self.is_closed = False
        self.plans = 0

    def plan(self, observation: Observation, instruction: Instruction | None, talk_first: bool = False) -> DrivePlan:
        self.plans += 1
        text = instruction.text if instruction else ""
        offset = {"left": -LANE_M, "right": LANE_M}.get(text, 0.0)
        return steady_plan(observation, instruction, FACTORS.get(text, 1.0) * self.speed_mps, offset)

    def comment(self, observation: Observation, instruction: Instruction | None) -> Iterator[str]:
        refuses = instruction is not None and instruction.mode is InstructionMode.SAFETY
        yield from ("I ", "keep ", "my ", "lane." if not refuses else "wits.")

    def answer(self, observation: Observation, question: str) -> Iterator[str]:
        yield from ("Tick ", str(observation.tick), ".")

    def close(self) -> None:
        self.is_closed = True


class SlowDriver(SteadyDriver):
    """Takes `plan_s` of wall time for each plan."""

    def __init__(self, plan_s: float) -> None:
        super().__init__()
        self.plan_s = plan_s

    def plan(self, observation: Observation, instruction: Instruction | None, talk_first: bool = False) -> DrivePlan:
        time.sleep(self.plan_s)
        return super().plan(observation, instruction, talk_first)


class HeldDriver(SteadyDriver):
    """Plans only while `go` is set; waiting inside `plan` otherwise, as a hung model does."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.go.set()
        self.is_held = threading.Event()

    def plan(self, observation: Observation, instruction: Instruction | None, talk_first: bool = False) -> DrivePlan:
        if not self.go.is_set():
            self.is_held.set()
        self.go.wait(30.0)
        return super().plan(observation, instruction, talk_first)


class MoodyDriver(SteadyDriver):
    """`mood` is "good", "raises", "nan" or "jumps", and may be changed while it drives."""

    def __init__(self) -> None:
        super().__init__()
        self.mood = "good"

    def plan(self, observation: Observation, instruction: Instruction | None, talk_first: bool = False) -> DrivePlan:
        plan = super().plan(observation, instruction, talk_first)
        if self.mood == "raises":
            raise ValueError("out of memory, say")
        if self.mood == "nan":
            plan.path_xy_in_ego[7, 1] = np.nan
        if self.mood == "jumps":
            plan.path_xy_in_ego[9:] += 30.0
        return plan

    def answer(self, observation: Observation, question: str) -> Iterator[str]:
        yield "I "
        if self.mood == "raises":
            raise ValueError("lost for words")
        yield "see."
