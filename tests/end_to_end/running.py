"""The program as a user starts it, for the end-to-end tests: one process group, a port of its own, a log."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def until(wanted: Callable[[], Any], what: str, within_s: float) -> Any:
    """What `wanted` says as soon as it says something true; fails naming `what` after `within_s`."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := wanted():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {within_s} s in vain for: {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """`python launch.py ...` and everything it started."""

    def __init__(self, *arguments: str, log: Path) -> None:
        self.port = free_port()
        self.log = log
        command = [sys.executable, "launch.py", "--no-browser", "--port", str(self.port), *arguments]
        with log.open("w") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def children(self) -> dict[int, str]:
        """Every living descendant: process id -> command line."""
        found: dict[int, str] = {}
        parents = {self.process.pid}
        rows = _processes()
        while new := {pid for pid, (parent, _) in rows.items() if parent in parents and pid not in found}:
            found.update({pid: rows[pid][1] for pid in new})
            parents = new
        return found

    def child(self, mark: str) -> int:
        """The process id of the one child whose command line has `mark` in it."""
        found = [pid for pid, line in self.children().items() if mark in line]
        assert len(found) == 1, f"expected one process with {mark!r}, found {found} of {self.children()}"
        return found[0]

    def stop(self, within_s: float = 20.0) -> int:
        """Ctrl-C, then wait. Returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(within_s)

    def kill(self) -> None:
        """Whatever a failed test left: the program and its descendants, by id."""
        for pid in [*self.children(), self.process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(10)


def is_running(pid: int) -> bool:
    row = _processes().get(pid)
    return row is not None


def _processes() -> dict[int, tuple[int, str]]:
    """Every process that is not a zombie: id -> (parent's id, command line). Linux's /proc."""
    rows: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if state != "Z":
            rows[int(folder.name)] = (int(parent), line)
    return rows
