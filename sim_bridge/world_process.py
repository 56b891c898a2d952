"""The embedded world as a child process: start it, wait for its `ready` line, end it. Supervisor thread; one reader."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

STOP_TIMEOUT_S = 5.0
LINES_KEPT = 20
ROOT = Path(__file__).resolve().parents[1]


def world_command(port: int, town: str, seed: int) -> tuple[str, ...]:
    """The embedded world on `port`, which ends when we end."""
    module = ("sim_bridge.embedded", "--port", str(port), "--town", town, "--seed", str(seed))
    return (sys.executable, "-m", "sim_bridge.leash", *module)


def free_port_pair() -> int:
    """A port P of this machine with P + 1 free too, for the world's calls and its streams. Raises OSError without."""
    for _ in range(50):
        with socket.socket() as calls, socket.socket() as streams:
            calls.bind(("127.0.0.1", 0))
            port = int(calls.getsockname()[1])
            try:
                streams.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise OSError("found no two neighbouring free ports on 127.0.0.1 in 50 tries; close some programs and try again")


class WorldProcess:
    """One server process, from `start` to its end."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._is_ready = threading.Event()
        self.ready_line = ""

    def start(self) -> None:
        """In a session of its own, so that Ctrl-C ends the drive first, which still needs a world to tidy up."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            cwd=ROOT,
        )
        threading.Thread(target=self._read, name="world output", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        return self._is_ready.is_set()

    @property
    def process_id(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    @property
    def last_words(self) -> str:
        """The newest line it printed that is no traceback frame; "" when it said nothing."""
        spoken = [line for line in self._lines if line.strip() and not line.startswith((" ", "Traceback", "ready "))]
        return spoken[-1].strip() if spoken else ""

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """SIGTERM, then SIGKILL."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            deadline = time.monotonic() + timeout_s
            while self._process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
        self.kill()

    def kill(self) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None, "read only after start"
        with self._process.stdout as output:
            for line in output:
                self._lines.append(line.rstrip())
                if line.startswith("ready "):
                    self.ready_line = line.strip()
                    self._is_ready.set()
                else:
                    print(f"world: {line}", end="", file=sys.stderr)
