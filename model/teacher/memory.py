"""What a teacher remembers between two looks: stop signs it has stopped for, and how long who has stood in its way.

A memory lives for one drive; `update` is called once per tick.
"""

from __future__ import annotations

from collections.abc import Sequence

from model.training.samples import SignFacts

STOPPED_MPS = 0.3
# The front has stopped for a sign when it stands this near to the line.
AT_LINE_M = 4.5
STAND_S = 0.8
# Without a sign nearer than this the one that was stopped for is behind.
GONE_M = 8.0


class StopSigns:
    """Which stop sign ahead still asks for a stop."""

    def __init__(self, tick_s: float) -> None:
        self._tick_s = tick_s
        self._stood_s = 0.0

    def update(self, signs: Sequence[SignFacts], speed_mps: float) -> float | None:
        """Metres to the line of a stop sign that has not been stopped for, None where there is none."""
        ahead = [sign.distance_m for sign in signs if sign.kind == "stop" and sign.distance_m > -0.5]
        if not ahead or ahead[0] > GONE_M:
            self._stood_s = 0.0
            return ahead[0] if ahead else None
        if speed_mps < STOPPED_MPS and ahead[0] < AT_LINE_M:
            self._stood_s += self._tick_s
        return None if self._stood_s >= STAND_S else ahead[0]


class Blocker:
    """Whether the vehicle ahead stands there for good: long, and with nothing that it could be waiting for."""

    def __init__(self, tick_s: float) -> None:
        self._tick_s = tick_s
        self._actor_id, self._after_s = 0, 0.0
        self._stood_s = 0.0

    def update(self, actor_id: int, stands: bool, is_queue: bool, after_s: float) -> bool:
        """`is_queue`: a light or sign explains the standing; `after_s`: how long it is waited for.

        Who is to be waited for less long than before has let go of its brake and may be about to drive: the wait
        begins anew.
        """
        begins_anew = actor_id != self._actor_id or after_s < self._after_s
        self._actor_id, self._after_s = actor_id, after_s
        if begins_anew or not stands or is_queue:
            self._stood_s = 0.0
            return False
        self._stood_s += self._tick_s
        return self._stood_s >= after_s
