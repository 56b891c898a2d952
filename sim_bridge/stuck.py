"""Frees a car that does not get on: backs it out of what it pushes against, lets it creep where it stands for nothing.

Two ways to be stuck: the driver wants to move and the car does not (a wall, a kerb, another car); or the driver wants
to stand although nothing holds it. SimLingo's agent knows the second and lets the car creep for 15 ticks; a wall it
backs out of in a person's way: straight, a little, and only into room that is free. Session thread.

    state      becomes      when
    WATCHING   BACKING      it pushed for PUSHES_S and did not move, and there is room behind
    WATCHING   CREEPING     it stood for STANDS_S with no light, nobody ahead and no instruction to hold it
    BACKING    HALTING      BACK_M are done, the time is up, or the room is
    CREEPING   WATCHING     after CREEP_S
    HALTING    WATCHING     it stands
    any        WATCHING     a person touches the wheel or the pedals: `rest`
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum

from sim_bridge.messages import FULL_BRAKE, TICK_S, Clearance, Control, EgoState

PUSHES_S, STANDS_S = 5.0, 15.0
STANDING_MPS = 0.3
THROTTLE_WANTED = 0.3
# What holds a car is asked for once a second while it stands.
ASKS_EVERY_TICKS = 20

BACK_M, BACK_THROTTLE, BACK_MPS, BACK_MOST_S = 4.0, 0.45, 1.5, 5.0
ROOM_BEHIND_M, ROOM_LEFT_M = 2.5, 1.2
# SimLingo's agent: 15 ticks of at least this much throttle.
CREEP_S, CREEP_THROTTLE = 0.75, 0.4
CREEPS_TOWARDS_M = 10.0
# After so many times at one place it is a person's turn.
TRIES, SAME_PLACE_M = 3, 12.0

BACKS_OUT = "The car is stuck: its driver wants to go on and it does not move. It backs out a little."
CREEPS = "The car stands and nothing holds it. It creeps on a little."
STUCK = "The car is stuck: its driver wants to go on and it does not move. Take the wheel, or press New start."


class _State(Enum):
    WATCHING = "watching"
    BACKING = "backing"
    CREEPING = "creeping"
    HALTING = "halting"


class Unstick:
    """One per episode. `control` once per tick while the driver drives alone, `rest` in every other tick."""

    def __init__(self) -> None:
        self.line = ""
        self._tries = 0
        self._tried_at: EgoState | None = None
        self.rest()

    @property
    def is_at_work(self) -> bool:
        """Whether it drives in the driver's place."""
        return self._state is not _State.WATCHING

    def rest(self) -> None:
        """Somebody else drives: whatever was begun is over."""
        self._state = _State.WATCHING
        self._pushed_s = self._stood_s = self._worked_s = 0.0
        self._begun: EgoState | None = None

    def control(self, wanted: Control, ego: EgoState, may_creep: bool, clearance: Callable[[], Clearance]) -> Control:
        """What moves the car this tick: `wanted`, the driver's, unless the car is being freed.

        `may_creep`: no instruction asks the car to stand. `line` is what a person is to be told in this tick, else "".
        """
        self.line = ""
        if not self.is_at_work:
            self._watch(wanted, ego, may_creep, clearance)
        if not self.is_at_work:
            return wanted
        self._worked_s += TICK_S
        if self._state is _State.BACKING:
            return self._back(ego, clearance)
        if self._state is _State.HALTING:
            return self._halt(ego)
        return self._creep()

    # ---- noticing

    def _watch(self, wanted: Control, ego: EgoState, may_creep: bool, clearance: Callable[[], Clearance]) -> None:
        stands = abs(ego.speed_mps) < STANDING_MPS
        pushes = stands and wanted.throttle >= THROTTLE_WANTED and wanted.brake == 0.0
        self._pushed_s = self._pushed_s + TICK_S if pushes else 0.0
        self._stood_s = self._stood_s + TICK_S if stands and not pushes and may_creep else 0.0
        if self._pushed_s >= PUSHES_S:
            self._free(ego, clearance())
        elif self._stood_s > 0.0 and round(self._stood_s / TICK_S) % ASKS_EVERY_TICKS == 0:
            room = clearance()
            if room.waits_at_light or room.ahead_m < CREEPS_TOWARDS_M:
                self._stood_s = 0.0
            elif self._stood_s >= STANDS_S:
                self._begin(_State.CREEPING, ego, CREEPS)

    def _free(self, ego: EgoState, room: Clearance) -> None:
        if self._tried_at is None or _apart_m(self._tried_at, ego) > SAME_PLACE_M:
            self._tries = 0
        if self._tries >= TRIES or room.behind_m < ROOM_BEHIND_M:
            self.line, self._pushed_s = STUCK, PUSHES_S - 1.0  # looked at again in a second
            return
        self._tries, self._tried_at = self._tries + 1, ego
        self._begin(_State.BACKING, ego, BACKS_OUT)

    def _begin(self, state: _State, ego: EgoState, line: str) -> None:
        self.rest()
        self._state, self._begun, self.line = state, ego, line

    # ---- doing

    def _back(self, ego: EgoState, clearance: Callable[[], Clearance]) -> Control:
        assert self._begun is not None, "what is done was begun"
        is_far = _apart_m(self._begun, ego) >= BACK_M or self._worked_s >= BACK_MOST_S
        if is_far or clearance().behind_m < ROOM_LEFT_M:
            self._state, self._worked_s = _State.HALTING, 0.0
            return Control(brake=1.0, reverse=True)
        return Control(throttle=BACK_THROTTLE if ego.speed_mps > -BACK_MPS else 0.0, reverse=True)

    def _halt(self, ego: EgoState) -> Control:
        if abs(ego.speed_mps) < STANDING_MPS:
            self.rest()
        return FULL_BRAKE

    def _creep(self) -> Control:
        if self._worked_s >= CREEP_S:
            self.rest()
        return Control(throttle=CREEP_THROTTLE)


def _apart_m(one: EgoState, other: EgoState) -> float:
    return math.hypot(one.x_m - other.x_m, one.y_m - other.y_m)
