"""The instruction that was asked for, the one the car acts on, and when it is done. Session thread only.

A manoeuvre (lane change, turn, straight on, passing) ends when the world says so; "faster" and "slower" are done when
the speed has changed, for a driver that reads them anew at every plan would speed up or slow down for ever; GO clears
what stood; everything else stays until it is replaced. Asking twice for the same is two instructions: the serial rises.
"""

from __future__ import annotations

from sim_bridge.interfaces import Simulator
from sim_bridge.messages import TICK_S, DrivePlan, Instruction, InstructionKind, InstructionMode, Manoeuvre, Observation

MANOEUVRES = frozenset(
    {
        InstructionKind.LANE_LEFT,
        InstructionKind.LANE_RIGHT,
        InstructionKind.TURN_LEFT,
        InstructionKind.TURN_RIGHT,
        InstructionKind.STRAIGHT,
        InstructionKind.PASS,
    }
)

# A change of speed that a passenger feels, and how long a car may need for it, or be kept from it.
MUCH_FASTER, MUCH_SLOWER = 1.3, 0.7
FASTER_AT_LEAST_MPS = 1.0
CHANGE_OF_SPEED_MAX_S = 8.0

WAITING = "waiting for the first plan that reads it"
DONE = "done"
OBEYING = "obeying"
NO_LANE = "there is no lane on that side here"
OTHER_WAY = "the junction was passed another way"
WEIGHING = "weighing it: the driver refuses what is unsafe, in its commentary"
CLEARED = "cleared"
DRIVING_ON = "driving on"
UNCLEAR = "not a driving instruction the driver knows"
_ENDS = {Manoeuvre.DONE: DONE, Manoeuvre.OTHER_WAY: OTHER_WAY}


class StandingInstruction:
    """One per episode. `after` is the one of the episode before: serials go on rising, the wish itself ends with it."""

    def __init__(self, after: StandingInstruction | None = None) -> None:
        self.asked: Instruction | None = None
        self.acting: Instruction | None = None
        self.kind = InstructionKind.NONE
        self.note = ""
        self._serial: int = after._serial + 1 if after else 0
        self._known: dict[int, Instruction] = {}
        self._begun: tuple[int, InstructionKind] | None = None
        self._begun_at: Observation | None = None

    def ask(self, text: str, mode: InstructionMode) -> None:
        """A cleaned text; empty clears."""
        self._serial += 1
        if not text:
            self._clear(CLEARED)
            return
        self.asked, self.note = Instruction(text, mode, self._serial), WAITING
        # A plan in flight may still obey the one before; older ones never act again.
        self._known = {i.serial: i for i in (*list(self._known.values())[-3:], self.asked)}

    def obeyed_by(self, plan: DrivePlan, simulator: Simulator, seen: Observation) -> None:
        """A plan that the car follows from here on; `seen` is where it begins."""
        self.acting = self._known.get(plan.instruction_serial)
        if self.asked is None or plan.instruction_serial != self.asked.serial:
            return
        self.kind = plan.reads_instruction_as
        if self.kind is InstructionKind.GO:
            self._clear(DRIVING_ON)
            return
        if self._begun != (self.asked.serial, self.kind):
            self._begun, self._begun_at = (self.asked.serial, self.kind), seen
            if self.kind in MANOEUVRES:
                simulator.begin(self.kind)
        self.note = self._note(simulator, self.asked.mode)

    def watches(self, simulator: Simulator, seen: Observation) -> None:
        """Once per tick: is it over?"""
        if self.asked is None or self._begun is None or self._begun[0] != self.asked.serial:
            return
        kind = self._begun[1]
        if kind in MANOEUVRES:
            progress = simulator.progress(kind)
            if progress in _ENDS:
                self._clear(_ENDS[progress])
        elif self._has_changed_speed(kind, seen):
            self._clear(DONE)

    def _has_changed_speed(self, kind: InstructionKind, seen: Observation) -> bool:
        if self._begun_at is None or kind not in (InstructionKind.FASTER, InstructionKind.SLOWER):
            return False
        before, now = self._begun_at.ego.speed_mps, seen.ego.speed_mps
        if (seen.tick - self._begun_at.tick) * TICK_S >= CHANGE_OF_SPEED_MAX_S:
            return True
        if kind is InstructionKind.FASTER:
            return now >= max(MUCH_FASTER * before, before + FASTER_AT_LEAST_MPS)
        return now <= MUCH_SLOWER * before

    def _note(self, simulator: Simulator, mode: InstructionMode) -> str:
        if self.kind is InstructionKind.UNCLEAR:
            return UNCLEAR
        if self.kind in MANOEUVRES and simulator.progress(self.kind) is Manoeuvre.NO_LANE:
            return NO_LANE
        return OBEYING if mode is InstructionMode.FOLLOW else WEIGHING

    def _clear(self, note: str) -> None:
        self.asked, self.note, self.kind = None, note, InstructionKind.NONE
        self._begun = self._begun_at = None
