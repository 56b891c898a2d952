"""Notices a car that its driver wants to move and that does not: against a wall, on a kerb, in another car.

Nothing here knows what is in the way; what the driver wants and what the car does are enough. Session thread.
"""

from __future__ import annotations

from sim_bridge.messages import TICK_S, Control

STUCK_S = 5.0
STANDING_MPS = 0.3
THROTTLE_WANTED = 0.3

STUCK = "The car is stuck: its driver wants to go on and it does not move. Take the wheel, or press New start."


class StuckWatch:
    """One per episode."""

    def __init__(self) -> None:
        self._pressing_s = 0.0

    def sees(self, control: Control, speed_mps: float) -> str:
        """Once per tick with what moves the car. The sentence for people once it is stuck, else ""."""
        is_pressing = control.throttle >= THROTTLE_WANTED and control.brake == 0.0
        self._pressing_s = self._pressing_s + TICK_S if is_pressing and abs(speed_mps) < STANDING_MPS else 0.0
        return STUCK if self._pressing_s >= STUCK_S else ""
