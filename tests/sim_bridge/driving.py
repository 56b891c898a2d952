"""Running a session in the tests: in a thread, with conditions waited for instead of slept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sim_bridge.interfaces import Driver, Simulator
from sim_bridge.messages import SessionView
from sim_bridge.session import DriveSession, SessionConfig


def until(claim: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not claim():
        assert time.monotonic() < deadline, "what the test waits for did not happen in time"
        time.sleep(0.005)


def seen(session: DriveSession, claim: Callable[[SessionView], bool], timeout_s: float = 10.0) -> SessionView:
    """The first newest view that `claim` holds for."""
    found: list[SessionView] = []

    def holds() -> bool:
        view = session.view()
        if claim(view):
            found.append(view)
        return bool(found)

    until(holds, timeout_s)
    return found[0]


@contextmanager
def running(simulator: Simulator, driver: Driver, config: SessionConfig | None = None) -> Iterator[DriveSession]:
    session = DriveSession(simulator, driver, config)
    thread = threading.Thread(target=session.run, name="session", daemon=True)
    thread.start()
    try:
        yield session
    finally:
        session.stop()
        thread.join(10.0)
        assert not thread.is_alive()
        session.close()


def is_alive(process_id: int) -> bool:
    """Whether this process still runs; a zombie does not."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
