"""The page's end of a drive process: starts it, hands it commands, receives its views. Never imports torch or carla.

Threads here: `drive-link reader` calls the observers with every view; `drive-link writer` sends commands, so that no
caller ever waits for a drive that hangs.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from sim_bridge.drive_process import Ended, Factory, serve
from sim_bridge.judging import judged
from sim_bridge.messages import Command, CommandResult, SessionView, Stop, Verdict
from sim_bridge.session import SessionConfig

COMMANDS_WAITING_MAX = 200
STOP_TIMEOUT_S = 8.0


class DriveLink:
    """One drive process, from `start` to its end; another process is another link. Any thread may call."""

    def __init__(
        self,
        factory: Factory,
        what: Any,
        config: SessionConfig | None = None,
        on_view: Callable[[SessionView], None] | None = None,
    ) -> None:
        """`factory(what)` builds the simulator and the driver in the child; both must be picklable by import."""
        self._on_view = on_view
        self._view: SessionView | None = None
        self._ended: Ended | None = None
        self._heard_at = time.monotonic()
        self._commands: queue.Queue[Command | None] = queue.Queue(COMMANDS_WAITING_MAX)
        spawn = multiprocessing.get_context("spawn")
        self._here, self._there = spawn.Pipe()
        self._process = spawn.Process(
            target=serve, args=(self._there, factory, what, config or SessionConfig()), name="drive", daemon=True
        )

    def start(self) -> None:
        self._process.start()
        self._there.close()  # or the pipe would not end with the child
        self._heard_at = time.monotonic()
        threading.Thread(target=self._read, name="drive-link reader", daemon=True).start()
        threading.Thread(target=self._write, name="drive-link writer", daemon=True).start()

    # ---- for the page

    def submit(self, command: Command) -> CommandResult:
        """Judged at once against the newest view. A dead drive answers NOT_RUNNING."""
        view = self._view
        if not self.is_alive or view is None:
            line = self._ended.line if self._ended else "The drive is still starting; try again in a moment."
            return CommandResult(Verdict.NOT_RUNNING, line)
        result = judged(command, view)
        if result.verdict is not Verdict.ACCEPTED:
            return result
        try:
            self._commands.put_nowait(command)
        except queue.Full:
            return CommandResult(Verdict.BUSY, "The drive is not keeping up with what it is told; try again.")
        return result

    def view(self) -> SessionView | None:
        return self._view

    # ---- for the supervisor

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    @property
    def process_id(self) -> int | None:
        return self._process.pid

    @property
    def ended(self) -> Ended | None:
        """Its last word, if it had one; a process that was killed or crashed has none."""
        return self._ended

    @property
    def exit_code(self) -> int | None:
        """Negative is the number of the signal that ended it."""
        return self._process.exitcode

    def silent_s(self) -> float:
        """Seconds since the newest view, or since the start."""
        return time.monotonic() - self._heard_at

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Ask it to end in good order; then insist."""
        if self._process.pid is None:
            return
        with contextlib.suppress(queue.Full):
            self._commands.put_nowait(Stop())
        self._process.join(timeout_s)
        self.kill()

    def kill(self) -> None:
        """End it at once where it still lives."""
        if self._process.pid is None:
            return
        if self._process.is_alive():
            self._process.kill()
        self._process.join(5.0)
        with contextlib.suppress(queue.Full):
            self._commands.put_nowait(None)

    # ---- threads

    def _read(self) -> None:
        while True:
            try:
                said: SessionView | Ended = self._here.recv()
            except (EOFError, OSError):
                self._here.close()
                return
            self._heard_at = time.monotonic()
            if isinstance(said, Ended):
                self._ended = said
                continue
            self._view = said
            if self._on_view is not None:
                self._on_view(said)

    def _write(self) -> None:
        while (command := self._commands.get()) is not None:
            try:
                self._here.send(command)
            except (OSError, ValueError):
                return
