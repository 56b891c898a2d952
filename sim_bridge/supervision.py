"""Keeps the world and the drive alive from the page's process, and speaks for the drive while it is down.

One thread, `supervisor`, starts, watches, kills by pid and restarts the children. The world goes first; a drive that
lost an embedded world takes that world down with it, because a world that hangs still looks alive from outside. Ends in
order: the drive, which tidies up in the world, then the world.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sim_bridge.drive_link import DriveLink
from sim_bridge.drive_process import Factory
from sim_bridge.engagement import NOBODY
from sim_bridge.judging import judged
from sim_bridge.kept_alive import FAILED, RUNNING, STOPPED, KeptAlive
from sim_bridge.messages import Answer, Command, CommandResult, Engagement, Phase, Reason, SessionView, Verdict
from sim_bridge.session import SessionConfig
from sim_bridge.world_process import WorldProcess

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.05
NEVER_ANSWERED = "The drive stopped before this was answered."
SILENCE_MAX_S = 5.0
# A reset on a big map and the first start of a driver may take this long between two views.
SILENCE_STARTING_MAX_S = 60.0


@dataclass(frozen=True, slots=True)
class SupervisorConfig:
    """`world_command` None: the world is somebody else's server, which is not started here."""

    world_command: tuple[str, ...] | None
    world_ready_within_s: float = 30.0
    drive_ready_within_s: float = 120.0
    silence_max_s: float = SILENCE_MAX_S
    silence_starting_max_s: float = SILENCE_STARTING_MAX_S


@dataclass(frozen=True, slots=True)
class Part:
    """One supervised process as the page shows it; the states are those of `kept_alive`."""

    name: str
    state: str
    line: str


def _how(exit_code: int | None) -> str:
    """ "status 1", "signal SIGKILL"."""
    if exit_code is None or exit_code >= 0:
        return f"status {exit_code}"
    name = signal.Signals(-exit_code).name
    return f"signal {name}" + (", as libcarla ends it when the world stops answering" if name == "SIGABRT" else "")


def _ended(answer: Answer) -> Answer:
    return answer if answer.is_final else replace(answer, error=NEVER_ANSWERED, is_final=True)


class WorldChild(WorldProcess):
    """The embedded world as something to keep alive."""

    def trouble(self) -> str:
        return ""  # whether it hangs shows in the drive, which talks to it twenty times a second

    def obituary(self) -> str:
        words = f": {self.last_words}" if self.last_words else "."
        return f"The world process ended ({_how(self.exit_code)}){words}"

    def can_retry(self) -> bool:
        # Status 2 is a wrong use: an unknown town, a port that another program has.
        return self.exit_code != 2


class DriveChild(DriveLink):
    """The drive as something to keep alive."""

    silence_max_s = SILENCE_MAX_S
    silence_starting_max_s = SILENCE_STARTING_MAX_S

    @property
    def is_ready(self) -> bool:
        view = self.view()
        return view is not None and view.phase is not Phase.STARTING

    def trouble(self) -> str:
        view = self.view()
        is_starting = view is None or view.phase is Phase.STARTING
        limit_s = self.silence_starting_max_s if is_starting else self.silence_max_s
        if self.silent_s() <= limit_s:
            return ""
        return f"The drive process said nothing for {self.silent_s():.0f} s; it hangs and was ended."

    @property
    def has_failed(self) -> bool:
        """Whether it runs but says itself that something in it failed."""
        view = self.view()
        return view is not None and bool(view.failure)

    def obituary(self) -> str:
        if self.ended is not None:
            return self.ended.line
        return f"The drive process ended without a word ({_how(self.exit_code)})."

    def can_retry(self) -> bool:
        return self.ended is None or self.ended.can_retry


class Supervisor:
    """`submit`, `view`, `subscribe` are the drive's, whichever process it lives in; `status`, `restart` are its own."""

    def __init__(
        self, config: SupervisorConfig, factory: Factory, what: Any, session: SessionConfig | None = None
    ) -> None:
        """`factory(what)` builds the simulator and the driver in the drive process."""
        self._config = config
        self._factory, self._what, self._session = factory, what, session
        self._observers: list[Callable[[SessionView], None]] = []
        self._view: SessionView | None = None
        self._stopping, self._wanted = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        by_hand = "Press Restart on the page, or start the program again."
        self._world = KeptAlive("world", self._make_world, config.world_ready_within_s, by_hand)
        self._drive = KeptAlive("drive", self._make_drive, config.drive_ready_within_s, by_hand)
        self._said = ""
        # Why the drive is down; the world itself may be back long before the drive is.
        self._is_world_lost = False

    # ---- life

    def start(self) -> None:
        self._wanted.set()
        self._thread = threading.Thread(target=self._work, name="supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the drive, then the world. Returns when both are gone. Twice is fine."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def restart(self) -> None:
        """Start again whatever is not running, or runs and has failed. Returns at once; `status` tells how it goes."""
        self._wanted.set()

    def status(self) -> tuple[Part, ...]:
        parts = [self._drive] if self._config.world_command is None else [self._world, self._drive]
        return tuple(Part(part.name, part.state, part.line) for part in parts)

    @property
    def has_failed(self) -> bool:
        """Whether something stays down until a person restarts it."""
        return FAILED in (self._world.state, self._drive.state)

    def process_ids(self) -> dict[str, int]:
        """The living children by name."""
        children = {"world": self._world.child, "drive": self._drive.child}
        return {n: c.process_id for n, c in children.items() if isinstance(c, WorldChild | DriveChild) and c.process_id}

    # ---- the drive's voice, any thread

    def submit(self, command: Command) -> CommandResult:
        drive = self._drive.child
        if isinstance(drive, DriveChild) and self._drive.state == RUNNING:
            return drive.submit(command)
        view = self.view()
        if view is not None and (result := judged(command, view)).verdict is Verdict.NOT_RUNNING:
            return result
        return CommandResult(Verdict.NOT_RUNNING, self._line() or "The drive is still starting; try again in a moment.")

    def view(self) -> SessionView | None:
        """The newest view; while the drive is down, the last one with the failure in it. None before the first."""
        return self._view

    def subscribe(self, observer: Callable[[SessionView], None]) -> None:
        """Call `observer` with every view as it arrives; it must return at once."""
        self._observers.append(observer)

    # ---- the supervisor's thread

    def _work(self) -> None:
        # Children inherit this: Ctrl-C in a terminal reaches only the main thread, which then ends them in order.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            while not self._stopping.wait(LOOK_EVERY_S):
                self._look()
        finally:
            self._drive.stop()
            self._world.stop()

    def _look(self) -> None:
        now_s = time.monotonic()
        has_world = self._config.world_command is not None
        if self._wanted.is_set():
            self._wanted.clear()
            if has_world:
                self._world.want(now_s)
            drive = self._drive.child
            if isinstance(drive, DriveChild) and self._drive.state == RUNNING and drive.has_failed:
                self._drive.stop()
            self._drive.want(now_s)
        if has_world:
            self._look_at_world(now_s)
        lost_before = self._drive.falls
        lost = self._lost_its_world()
        self._is_world_lost |= lost
        self._drive.step(now_s, may_start=not has_world or self._world.state == RUNNING)
        if lost and has_world and self._drive.falls > lost_before and self._world.state == RUNNING:
            self._world.fall(now_s, "The world stopped answering and was ended.", counts=False)
        if self._drive.state == RUNNING:
            self._is_world_lost = False
        self._say()

    def _look_at_world(self, now_s: float) -> None:
        falls = self._world.falls
        self._world.step(now_s)
        self._is_world_lost |= self._world.falls > falls
        if self._world.falls > falls and self._drive.child is not None:
            self._drive.fall(now_s, "The drive lost its world.", counts=False)

    def _lost_its_world(self) -> bool:
        """Whether the drive's last word, read before it is buried, is that the world is gone. libcarla may abort before
        there is a word: its threads do where the world stops answering."""
        drive = self._drive.child
        if not isinstance(drive, DriveChild) or drive.is_alive:
            return False
        return drive.exit_code == -signal.SIGABRT if drive.ended is None else drive.ended.is_world_lost

    def _make_world(self) -> WorldChild:
        assert self._config.world_command is not None, "only an embedded world is started here"
        return WorldChild(self._config.world_command)

    def _make_drive(self) -> DriveChild:
        drive = DriveChild(self._factory, self._what, self._session, on_view=self._show)
        drive.silence_max_s = self._config.silence_max_s
        drive.silence_starting_max_s = self._config.silence_starting_max_s
        return drive

    def _line(self) -> str:
        return self._world.line or self._drive.line

    def _say(self) -> None:
        """Every new trouble once to the console, and into the view while no drive speaks for itself."""
        line = self._line()
        if line == self._said:
            return
        self._said = line
        if line:
            log.log(logging.WARNING if self._world.falls or self._drive.falls else logging.INFO, "%s", line)
        last = self._view
        if line and last is not None and self._drive.state not in (RUNNING, STOPPED):
            self._show(self._standstill(last, line))

    def _standstill(self, last: SessionView, line: str) -> SessionView:
        """The last view with nobody driving and nothing moving in it."""
        return replace(
            last,
            phase=Phase.FAILED if self.has_failed else Phase.STARTING,
            failure=line,
            answers=tuple(_ended(answer) for answer in last.answers),
            published_at_ns=time.monotonic_ns(),
            engagement=Engagement.SAFE_STOP,
            engagement_reason=Reason.WORLD_LOST if self._is_world_lost else Reason.DRIVER_FAILED,
            holder=NOBODY,
            plan_hz=0.0,
            frame_hz=0.0,
            real_time_factor=0.0,
        )

    def _show(self, view: SessionView) -> None:
        self._view = view
        for observer in self._observers:
            try:
                observer(view)
            except Exception:  # an observer's fault must not end the reading of views
                log.exception("An observer of the drive's views failed.")
