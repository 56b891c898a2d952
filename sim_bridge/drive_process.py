"""A drive in a process of its own: this file is what runs in it. Its parent's side is `drive_link`.

Main thread: the session. `commands`: what the parent sends. `views`: the newest view to the parent, never a queue of
them. When the parent is gone its pipe ends, and the drive tidies up and ends too: no orphan, no car left behind.
What goes through the pipe is pickled between a process and the child that it started itself, never read from outside.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from sim_bridge.interfaces import CannotBegin, Driver, Simulator, SimulatorLost
from sim_bridge.mailbox import Mailbox
from sim_bridge.messages import Command, HolderLeft, HumanInput, SessionView, Stop
from sim_bridge.session import DriveSession, SessionConfig

log = logging.getLogger(__name__)

# Builds what is driven and who drives it, in the drive's own process. A function at the top of a module, so that the
# child can import it.
Factory = Callable[[Any], tuple[Simulator, Driver]]

# How long tidying up may take before the process ends without it.
FAREWELL_S = 6.0


@dataclass(frozen=True, slots=True)
class Ended:
    """The drive's last word to its parent. `is_world_lost`: the world stopped answering. `can_retry`: the same start
    may well work the next time."""

    line: str
    is_world_lost: bool = False
    can_retry: bool = True


def serve(connection: Connection, factory: Factory, what: Any, config: SessionConfig) -> None:
    """The whole life of the drive process. Ends with an exit status: 0 in good order, 1 after sending an Ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides the order
    # The loop comes back from the world into a process full of busy threads; it must not wait 5 ms for each of them.
    sys.setswitchinterval(0.001)
    logging.basicConfig(level=logging.WARNING, format="drive: %(levelname)s %(name)s: %(message)s")
    ended = _Drive(connection).run(factory, what, config)
    if ended is not None:
        _send(connection, ended)
    sys.stdout.flush()
    sys.stderr.flush()
    # libcarla's and the Traffic Manager's threads outlive Python's shutdown and can crash in it; nothing is left to do.
    os._exit(0 if ended is None else 1)


class _Drive:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._session: DriveSession | None = None
        self._views: Mailbox[SessionView] = Mailbox()
        self._is_over = threading.Event()
        signal.signal(signal.SIGTERM, self._terminated)

    def run(self, factory: Factory, what: Any, config: SessionConfig) -> Ended | None:
        threading.Thread(target=self._read_commands, name="commands", daemon=True).start()
        threading.Thread(target=self._send_views, name="views", daemon=True).start()
        try:
            simulator, driver = factory(what)
        except SimulatorLost as problem:
            return Ended(str(problem), problem.is_gone)
        except Exception as problem:  # a process boundary: whatever keeps a drive from starting must reach a person
            log.exception("The drive could not start.")
            return Ended(f"The drive could not start: {_said(problem)}", can_retry=False)
        self._session = session = DriveSession(simulator, driver, config)
        if self._is_over.is_set():
            session.stop()
        session.observe(self._views.put)
        try:
            session.run()
        except SimulatorLost as problem:
            return Ended(str(problem), problem.is_gone)
        except CannotBegin as problem:
            # Where an episode had begun, another start was asked for since; the first one works again.
            return Ended(str(problem), can_retry=session.view().episode > 0)
        except Exception as problem:  # the same boundary, while driving
            log.exception("The drive ended.")
            return Ended(f"The drive ended: {_said(problem)}")
        finally:
            self._last_view(session)
            self._leave_within_farewell()
            session.close()
        return None

    def _read_commands(self) -> None:
        while True:
            try:
                command: Command = self._connection.recv()
            except (EOFError, OSError):
                break  # the parent is gone
            if isinstance(command, Stop):
                break
            if self._session is not None:
                self._pass_on(command, self._session)
        self._is_over.set()
        self._leave_within_farewell()
        if self._session is not None:
            self._session.stop()

    def _pass_on(self, command: Command, session: DriveSession) -> None:
        """The parent accepted it by an earlier view, so whoever sent it still has to hear of a refusal."""
        result = session.submit(command)
        # Hands are sent again and again; what they could not do shows in who drives.
        if result.line and not isinstance(command, HumanInput | HolderLeft):
            session.tell(result.line)

    def _send_views(self) -> None:
        while True:
            view = self._views.take(timeout_s=1.0)
            if view is not None and not _send(self._connection, view):
                return

    def _last_view(self, session: DriveSession) -> None:
        """The sender thread may be between two views; the last one says why it ended."""
        self._views.take()
        _send(self._connection, session.view())

    def _leave_within_farewell(self) -> None:
        """However the goodbye hangs (a dead world, a stuck driver), the process ends."""
        timer = threading.Timer(FAREWELL_S, os._exit, (1,))
        timer.daemon = True
        timer.start()

    def _terminated(self, number: int, frame: Any) -> None:
        self._is_over.set()
        if self._session is None:
            raise SystemExit(1)
        self._session.stop()


_sending = threading.Lock()  # the views' thread and the farewell share one pipe


def _send(connection: Connection, what: SessionView | Ended) -> bool:
    try:
        with _sending:
            connection.send(what)
    except (OSError, ValueError):
        return False  # the parent is gone; the reading thread ends the drive
    return True


def _said(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
