"""What the page needs of a drive and of whoever keeps the processes alive. Protocols only; no process is started here.

Every method may be called from any thread. `submit` returns within a second even when the drive hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sim_bridge.messages import Command, CommandResult, SessionView


class Drive(Protocol):
    """A running drive, in this process or another."""

    def submit(self, command: Command) -> CommandResult:
        """Judged at once against the newest view. A dead drive answers NOT_RUNNING with a sentence."""

    def view(self) -> SessionView | None:
        """The newest view, or None before the first."""

    def subscribe(self, callback: Callable[[SessionView], None]) -> None:
        """Call back with every view as it arrives, on the drive's own thread; the callback returns at once."""


class Part(Protocol):
    """One supervised process: `state` is "starting", "running", "restarting", "failed" or "stopped"."""

    @property
    def name(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def line(self) -> str:
        """One sentence for the person: what happened, and what is being done about it. Empty when all is well."""


class Supervised(Protocol):
    """Keeps the world and the drive alive."""

    def status(self) -> Sequence[Part]: ...

    def restart(self) -> None:
        """Start again whatever is not running, or runs and has failed. Returns at once; `status` tells how it goes."""
