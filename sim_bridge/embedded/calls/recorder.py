"""CARLA's own recorder, which this world does not have."""

from __future__ import annotations

from typing import Any

from sim_bridge.embedded.calls.desk import Desk, Refused


def no_recording(desk: Desk, *_: Any) -> str:
    raise Refused("not supported by the embedded world: CARLA's recorder and replayer")


def nothing_runs(desk: Desk, *_: Any) -> None:
    """Stopping what was never started."""
