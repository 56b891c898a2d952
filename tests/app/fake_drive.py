"""A small real drive for the page's tests: a toy car on a winding road, painted at 20 Hz, that obeys in a toy way.

It runs in a thread, keeps every rule that the page relies on (holders, echoes, serials, dead-man), and can be made to
stop, fail or fall silent. `python tests/app/fake_drive.py --port 24000` serves the page over it.
"""

from __future__ import annotations

import io
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from app.cockpit import projection
from sim_bridge import messages as m

LANE_M = 3.5
DEADMAN_S = 0.4
WORDS = (
    "I follow the lane at {speed:.0f} m/s because the road ahead is clear.",
    "The road bends ahead, so I keep to the middle of the lane and hold {speed:.0f} m/s.",
    "Nothing stands in my way; I keep the distance and drive on.",
)


@dataclass
class Toy:
    """The toy car: how far along the road, how far right of the right lane's middle, heading against the road."""

    s_m: float = 0.0
    d_m: float = 0.0
    heading: float = 0.0
    speed: float = 6.0
    target: float = 8.0
    lane_m: float = 0.0


def curvature(s_m: float) -> float:
    return 0.012 * math.sin(s_m / 45.0) + 0.006 * math.sin(s_m / 17.0)


class FakeDrive:
    """`submit`, `view`, `subscribe` like a DriveLink. `start` and `stop` own its thread."""

    def __init__(self, hz: float = 20.0, is_painting: bool = True) -> None:
        self.commands: list[m.Command] = []
        self.inputs: list[tuple[float, m.HumanInput]] = []
        self.is_silent = False
        self.progress: m.Progress | None = None
        self.lockstep_ticks = 0
        self.is_on_known_picture = False
        self.notice = ""
        self.collisions = 0
        self.journey: m.JourneyNews | None = None
        self._hz = hz
        self._is_painting = is_painting
        self._lock = threading.Lock()
        self._queue: deque[m.Command] = deque()
        self._callbacks: list[Callable[[m.SessionView], None]] = []
        self._view: m.SessionView | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-drive", daemon=True)
        self._reset(episode=1)

    # ---- what the page sees ----

    def submit(self, command: m.Command) -> m.CommandResult:
        if not self._thread.is_alive():
            return m.CommandResult(m.Verdict.NOT_RUNNING, "The drive is not running.")
        view = self._view
        takes = isinstance(command, (m.HumanInput, m.Takeover))
        if takes and view and view.engagement is m.Engagement.MANUAL and command.holder != view.holder:
            return m.CommandResult(m.Verdict.REFUSED, f"{view.holder} has the wheel.")
        with self._lock:
            self.commands.append(command)
            self._queue.append(command)
        if isinstance(command, m.HumanInput):
            self.inputs.append((time.monotonic(), command))
        return m.CommandResult(m.Verdict.ACCEPTED)

    def view(self) -> m.SessionView | None:
        return self._view

    def subscribe(self, callback: Callable[[m.SessionView], None]) -> None:
        self._callbacks.append(callback)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join(5)

    # ---- the loop ----

    def _reset(self, episode: int) -> None:
        self._toy = Toy()
        self._episode, self._tick, self._phase = episode, 0, m.Phase.RUNNING
        self._owed = 0
        self._engagement, self._reason, self._holder = m.Engagement.ENGAGED, m.Reason.STARTED, "driver"
        self._asked: m.Instruction | None = None
        self._acting: m.Instruction | None = None
        self._serial = getattr(self, "_serial", 0)
        self._asked_at = 0
        self._kind, self._note = m.InstructionKind.NONE, ""
        self._answers: list[m.Answer] = getattr(self, "_answers", [])
        self._talk = m.TalkOrder.ALONGSIDE
        self._hands: m.HumanInput | None = None
        self._hands_at = 0.0
        self._failure = ""

    def fail(self, words: str) -> None:
        """The way a session reports a driver that failed: the world goes on."""
        self._failure = words
        self._engagement, self._reason, self._holder = m.Engagement.SAFE_STOP, m.Reason.DRIVER_FAILED, "nobody"

    def _run(self) -> None:
        due = time.monotonic()
        stamps: deque[float] = deque(maxlen=41)
        while not self._ending.is_set():
            due = max(due + 1 / self._hz, time.monotonic() - 0.2)
            self._obey()
            if self._phase is m.Phase.RUNNING or self._owed:
                self._owed = max(0, self._owed - 1)
                self._move(1 / 20)
                self._tick += 1
            stamps.append(time.monotonic())
            hz = (len(stamps) - 1) / (stamps[-1] - stamps[0]) if len(stamps) > 1 else 0.0
            if not self.is_silent:
                self._publish(hz)
            self._ending.wait(max(0.0, due - time.monotonic()))

    def _obey(self) -> None:
        with self._lock:
            commands, self._queue = list(self._queue), deque()
        for command in commands:
            self._obey_one(command)
        if self._asked is not self._acting and self._tick >= self._asked_at + 4:
            self._acting = self._asked
        held = self._hands is not None and (self._hands.steer or self._hands.throttle or self._hands.brake)
        if held and self._engagement is not m.Engagement.ENGAGED and time.monotonic() - self._hands_at > DEADMAN_S:
            self._hands = None
            self._engagement, self._reason, self._holder = m.Engagement.SAFE_STOP, m.Reason.DEADMAN, "nobody"

    def _obey_one(self, command: m.Command) -> None:
        match command:
            case m.Pause():
                self._phase = m.Phase.PAUSED
            case m.Cancel():
                self._phase, self.progress = m.Phase.PAUSED, None
            case m.Resume():
                self._phase = m.Phase.RUNNING
            case m.Step(ticks):
                self._owed += ticks
            case m.Reset():
                self._reset(self._episode + 1)
            case m.SetInstruction(text, mode):
                self._serial += 1
                self._asked, self._asked_at = m.Instruction(text, mode, self._serial), self._tick
                self._understand(text.lower())
            case m.Ask(question, question_id):
                self._answers = [*self._answers, m.Answer(question_id, question, asked_at_tick=self._tick)][-20:]
            case m.SetTalkOrder(order):
                self._talk = order
            case m.Takeover(holder, reason):
                self._take(holder, reason)
            case m.Engage(reason):
                self._engagement, self._reason, self._holder = m.Engagement.ENGAGED, reason, "driver"
                self._hands = None
            case m.HumanInput():
                self._hear(command)
            case m.HolderLeft(holder):
                if holder == self._holder:
                    self._hands = None
                    self._engagement, self._reason = m.Engagement.SAFE_STOP, m.Reason.WATCHER_LEFT
                    self._holder = "nobody"

    def _take(self, holder: str, reason: m.Reason) -> None:
        self._engagement, self._reason, self._holder = m.Engagement.MANUAL, reason, holder

    def _hear(self, hands: m.HumanInput) -> None:
        is_holding = bool(hands.steer or hands.throttle or hands.brake)
        if not is_holding and hands.holder != self._holder:
            return
        self._hands, self._hands_at = hands, time.monotonic()
        if self._engagement is m.Engagement.MANUAL:
            return
        if hands.is_nudge:
            self._engagement, self._reason = m.Engagement.OVERRIDDEN, m.Reason.USER_GAS
        elif is_holding:
            why = m.Reason.USER_BRAKE if hands.brake else m.Reason.USER_STEER if hands.steer else m.Reason.USER_GAS
            self._take(hands.holder, why)

    def _understand(self, words: str) -> None:
        kinds = {"stop": m.InstructionKind.STOP, "fast": m.InstructionKind.FASTER, "slow": m.InstructionKind.SLOWER}
        self._kind = next((kind for word, kind in kinds.items() if word in words), m.InstructionKind.GO)
        self._toy.target = {"STOP": 0.0, "FASTER": 12.0, "SLOWER": 4.0}.get(self._kind.name, 8.0)
        self._toy.lane_m = -LANE_M if "left lane" in words else 0.0
        self._note = "obeying" if words else ""

    def _move(self, dt: float) -> None:
        toy, control = self._toy, self._control()
        if self._engagement is m.Engagement.ENGAGED:
            toy.heading += (0.2 * (toy.lane_m - toy.d_m) * 0.5 - toy.heading) * 0.2
        else:
            toy.heading += (control.steer * toy.speed * 0.3 - curvature(toy.s_m) * toy.speed) * dt
        toy.speed = max(0.0, toy.speed + (4.0 * control.throttle - 8.0 * control.brake - 0.05 * toy.speed) * dt)
        toy.s_m += toy.speed * math.cos(toy.heading) * dt
        toy.d_m = max(-8.0, min(8.0, toy.d_m + toy.speed * math.sin(toy.heading) * dt))

    def _control(self) -> m.Control:
        toy = self._toy
        if self._engagement is m.Engagement.SAFE_STOP:
            return m.FULL_BRAKE
        if self._engagement is m.Engagement.MANUAL:
            hands = self._hands
            return m.Control(hands.steer, hands.throttle, hands.brake, hands.reverse) if hands else m.Control()
        error = toy.target - toy.speed
        steer = max(-1.0, min(1.0, curvature(toy.s_m + 5) * 9 + 0.1 * (toy.lane_m - toy.d_m)))
        return m.Control(steer, max(0.0, min(0.75, error * 0.4)), max(0.0, min(1.0, -error * 0.3 - 0.05)))

    # ---- the view ----

    def _publish(self, hz: float) -> None:
        toy = self._toy
        taken_ns = time.monotonic_ns()
        road = self._road()
        path = self._path(road)
        self._answers = [self._grown(answer) for answer in self._answers]
        view = m.SessionView(
            phase=self._phase,
            episode=self._episode,
            tick=self._tick,
            sim_time_us=self._tick * 50_000,
            published_at_ns=taken_ns,
            ego=m.EgoState(toy.s_m, toy.d_m, toy.heading, toy.speed),
            control=self._control(),
            target_speed_mps=toy.target,
            engagement=self._engagement,
            engagement_reason=self._reason,
            holder=self._holder,
            driver=m.DriverInfo("fake", "Toy driver", False, "a toy for tests"),
            town="ToyTown",
            world="fake",
            pictures=self._pictures(road) if self._is_painting else (),
            path_xy_in_ego=path,
            speed_xy_in_ego=_along(path, toy.speed, toy.target),
            target_points_xy_in_ego=path[[12, 19]],
            plan_age_ms=42.0,
            plan_hz=18.5,
            inference_ms=31.0,
            is_on_known_picture=self.is_on_known_picture,
            frame_hz=hz,
            real_time_factor=hz / 20,
            instruction_asked=self._asked,
            instruction_acting=self._acting,
            instruction_kind=self._kind,
            instruction_note=self._note,
            talk_order=self._talk,
            commentary=self._commentary(),
            answers=tuple(self._answers),
            collisions=self.collisions,
            journey=self.journey,
            progress=self.progress,
            lockstep_ticks=self.lockstep_ticks,
            input_echo=(self._hands.holder, self._hands.seq, self._hands.sent_at_ms) if self._hands else None,
            notice=self.notice,
            failure=self._failure,
        )
        self._view = view
        for callback in self._callbacks:
            callback(view)

    def _commentary(self) -> m.Commentary:
        number, place = divmod(self._tick, 80)
        words = WORDS[number % len(WORDS)].format(speed=self._toy.target)
        return m.Commentary(words[: place * 2], place * 2 >= len(words), number * 80)

    def _grown(self, answer: m.Answer) -> m.Answer:
        if answer.is_final:
            return answer
        whole = f"You asked: {answer.question} The toy car is {self._toy.s_m:.0f} m down the road."
        shown = min(len(whole), len(answer.text) + 4)
        return replace(answer, text=whole[:shown], is_final=shown == len(whole))

    def _road(self) -> list[tuple[float, float, float]]:
        """The right lane's middle ahead and behind in ego: x, y, distance along the road."""
        toy = self._toy
        points, x, y, heading = [], 0.0, -toy.d_m, -toy.heading
        for index in range(140):
            points.append((x, y, toy.s_m + index * 1.0))
            heading += curvature(toy.s_m + index) * 1.0
            x, y = x + math.cos(heading), y + math.sin(heading)
        back = (-10.0 * math.cos(toy.heading), -toy.d_m + 10.0 * math.sin(toy.heading), toy.s_m - 10.0)
        return [back, *points]

    def _path(self, road: list[tuple[float, float, float]]) -> m.Points:
        lane = self._toy.lane_m - self._toy.d_m
        points = []
        for k in range(m.PATH_POINTS):
            x, y, _ = road[k + 1]
            blend = min(1.0, k / 14)
            points.append((x, y + self._toy.d_m * (1 - blend) + (lane + self._toy.d_m) * blend))
        return np.array(points, np.float32)

    def _pictures(self, road: list[tuple[float, float, float]]) -> tuple[m.PictureJpeg, ...]:
        return tuple(m.PictureJpeg(camera, _paint(camera, road)) for camera in (m.FRONT_CAMERA, m.CHASE_CAMERA))


class FakeSupervised:
    """Two parts that can be declared dead; `restart` brings them back."""

    @dataclass
    class FakePart:
        name: str
        state: str = "running"
        line: str = ""

    def __init__(self) -> None:
        self.parts = [self.FakePart("world"), self.FakePart("drive")]
        self.restarts = 0

    def status(self) -> list[FakePart]:
        return list(self.parts)

    def restart(self) -> None:
        self.restarts += 1
        for part in self.parts:
            part.state, part.line = "running", ""


def _along(path: m.Points, speed: float, target: float) -> m.Points:
    """Where the toy will be each quarter second, along its path."""
    points, distance = [], 0.0
    for _ in range(m.SPEED_POINTS):
        speed += max(-1.5, min(0.6, target - speed))
        distance = min(distance + max(speed, 0.0) * m.SPEED_INTERVAL_S, m.PATH_POINTS - 1.001)
        k = int(distance)
        points.append(path[k] + (path[k + 1] - path[k]) * (distance - k))
    return np.array(points, np.float32)


def _paint(camera: m.CameraSpec, road: list[tuple[float, float, float]]) -> bytes:
    image = Image.new("RGB", (camera.width_px, camera.height_px), (150, 180, 205))
    draw = ImageDraw.Draw(image)
    horizon = projection.pixel(camera, projection.seen(camera, (5000.0, 0.0, 0.0)))[1]
    draw.rectangle((0, horizon, camera.width_px, camera.height_px), fill=(88, 108, 74))
    near_to_far = list(pairwise(road))
    for here, there in reversed(near_to_far):
        for left, right, colour in _stripes(here[2]):
            corners = [_beside(here, there, left), _beside(here, there, right)]
            corners += [_beside(there, here, -right, 1), _beside(there, here, -left, 1)]
            shape = projection.polygon(camera, corners)
            if len(shape) > 2:
                draw.polygon(shape, fill=colour)
    if camera.name == "chase":
        body = [(2.3, -0.9, 0.9), (2.3, 0.9, 0.9), (-2.3, 0.9, 1.3), (-2.3, -0.9, 1.3)]
        draw.polygon(projection.polygon(camera, body), fill=(170, 40, 45))
        tail = [(-2.3, -0.9, 0.3), (-2.3, 0.9, 0.3), (-2.3, 0.9, 1.3), (-2.3, -0.9, 1.3)]
        draw.polygon(projection.polygon(camera, tail), fill=(120, 25, 30))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def _stripes(s_m: float) -> list[tuple[float, float, tuple[int, int, int]]]:
    stripes = [(-1.5 * LANE_M - 0.5, 0.5 * LANE_M + 0.5, (70, 72, 76))]
    stripes += [(side - 0.1, side + 0.1, (225, 225, 220)) for side in (-1.5 * LANE_M, 0.5 * LANE_M)]
    if int(s_m) % 8 < 4:
        stripes.append((-0.5 * LANE_M - 0.08, -0.5 * LANE_M + 0.08, (225, 225, 220)))
    return stripes


def _beside(
    here: tuple[float, float, float], there: tuple[float, float, float], right_m: float, flip: int = 0
) -> projection.Ground:
    dx, dy = there[0] - here[0], there[1] - here[1]
    length = math.hypot(dx, dy) or 1.0
    return (here[0] - dy / length * right_m, here[1] + dx / length * right_m, 0.0)


if __name__ == "__main__":
    import argparse

    from app import page

    parser = argparse.ArgumentParser(description="Serve the page over the toy drive.")
    parser.add_argument("--port", type=int, default=24000)
    port = parser.parse_args().port
    drive = FakeDrive()
    drive.start()
    raise SystemExit(
        page.serve(
            page.build(drive, FakeSupervised()), "127.0.0.1", port, lambda port: print(f"ready on {port}", flush=True)
        )
    )
