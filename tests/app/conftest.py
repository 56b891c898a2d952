"""The page over the toy drive, served on a free port of this machine for the tests of the window and the microphone."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI

from app import page, tickets
from sim_bridge import messages as m
from tests.app.fake_drive import FakeDrive, FakeSupervised


def until(wanted: Callable[[], Any], what: str, within_s: float = 10.0) -> Any:
    """What `wanted` says as soon as it says something true; fails naming `what` after `within_s`."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := wanted():
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited {within_s} s in vain for: {what}")


@dataclass
class House:
    """Everything a test may touch."""

    drive: FakeDrive
    supervised: FakeSupervised
    app: FastAPI
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def socket_url(self, holder: str, path: str = page.SOCKET_PATH) -> str:
        ticket = tickets.mint(self.app.state.options.secret, holder)
        return f"ws://127.0.0.1:{self.port}{path}?ticket={ticket}"

    def heard(self, kind: type) -> list[Any]:
        """The commands of one kind that reached the drive."""
        return [command for command in list(self.drive.commands) if isinstance(command, kind)]


@dataclass
class Served:
    app: FastAPI
    port: int


def serve_in_thread(app: FastAPI, listening: socket.socket) -> Callable[[], None]:
    """Serve until the returned function is called."""
    ready = threading.Event()
    server = page.server(app, ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    assert ready.wait(20), "the page did not start"

    def stop() -> None:
        server.should_exit = True
        thread.join(10)
        listening.close()

    return stop


@pytest.fixture(scope="session")
def _house() -> Iterator[House]:
    drive, supervised = FakeDrive(), FakeSupervised()
    drive.start()
    app = page.build(drive, supervised)
    listening = page.listen("127.0.0.1", 0)
    stop = serve_in_thread(app, listening)
    yield House(drive, supervised, app, listening.getsockname()[1])
    stop()
    drive.stop()


@pytest.fixture
def house(_house: House) -> Iterator[House]:
    """The one house, as new: nothing said, nobody at the wheel."""
    drive = _house.drive
    drive.is_silent = False
    _house.supervised.__init__()
    episode = drive.view().episode if drive.view() else 0
    drive.submit(m.Reset())
    until(lambda: drive.view() and drive.view().episode > episode, "a new episode")
    drive.commands.clear()
    drive.inputs.clear()
    yield _house
    drive.is_silent = False
