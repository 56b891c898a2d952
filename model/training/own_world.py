"""An embedded world of one's own: started as a process on a free port, ended with whoever started it.

For collection and evaluation, which must not share a world with anybody else's ticks.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START_WITHIN_S = 60.0
STOP_WITHIN_S = 5.0
PR_SET_PDEATHSIG = 1


class WorldDidNotStart(RuntimeError):
    """The world process ended or stayed silent; the message carries its last lines."""


def free_port(first: int) -> int:
    """The first port at or after `first` that is free together with the one above it, which carries the streams."""
    for port in range(first, first + 400, 2):
        if _is_free(port) and _is_free(port + 1):
            return port
    raise OSError(f"no free pair of ports between {first} and {first + 400}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _die_with_parent() -> None:
    """Runs in the child before its program: the kernel ends it when we are killed without a chance to."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def own_world(town: str, seed: int, first_port: int) -> Iterator[int]:
    """Serve `town` for as long as the block runs; yields the port. Raises WorldDidNotStart with its last words."""
    port = free_port(first_port)
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "sim_bridge.embedded", "--port", str(port), "--town", town, "--seed", str(seed)]
    process = subprocess.Popen(
        command,
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # Ctrl-C reaches us alone; we end the world once our frame is written
        preexec_fn=_die_with_parent,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    lines: list[str] = []
    ready = threading.Event()
    reader = threading.Thread(target=_read, args=(process, lines, ready), daemon=True)
    reader.start()
    try:
        _wait(process, ready, lines)
        yield port
    finally:
        _end(process)
        reader.join(STOP_WITHIN_S)


def _read(process: subprocess.Popen[str], lines: list[str], ready: threading.Event) -> None:
    """Own thread: keep the world's last lines and notice the one that says it answers."""
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.rstrip())
        del lines[:-20]
        if line.startswith("ready "):
            ready.set()


def _wait(process: subprocess.Popen[str], ready: threading.Event, lines: list[str]) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while not ready.wait(0.1):
        if process.poll() is not None:
            raise WorldDidNotStart(f"the world ended with code {process.returncode}: {' / '.join(lines) or 'no words'}")
        if time.monotonic() > deadline:
            raise WorldDidNotStart(f"the world was not ready within {START_WITHIN_S:g} s: {' / '.join(lines)}")


def _end(process: subprocess.Popen[Any]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_WITHIN_S)
