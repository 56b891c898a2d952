"""The instruction that was asked for, the one the car acts on, and when it is done. Session thread only.

A manoeuvre (lane change, turn, straight on) is done when the world says so; GO clears what stood; everything else stays
until it is replaced. Asking twice for the same is two instructions: the serial rises each time.
"""

from __future__ import annotations

from sim_bridge.interfaces import Simulator
from sim_bridge.messages import DrivePlan, Instruction, InstructionKind, InstructionMode

MANOEUVRES = frozenset(
    {
        InstructionKind.LANE_LEFT,
        InstructionKind.LANE_RIGHT,
        InstructionKind.TURN_LEFT,
        InstructionKind.TURN_RIGHT,
        InstructionKind.STRAIGHT,
    }
)

WAITING = "waiting for the first plan that reads it"
DONE = "done"
OBEYING = "obeying"
WEIGHING = "weighing it: the driver refuses what is unsafe, in its commentary"
CLEARED = "cleared"
DRIVING_ON = "driving on"
UNCLEAR = "not a driving instruction the driver knows"


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

    def ask(self, text: str, mode: InstructionMode) -> None:
        """A cleaned text; empty clears."""
        self._serial += 1
        if not text:
            self._clear(CLEARED)
            return
        self.asked, self.note = Instruction(text, mode, self._serial), WAITING
        # A plan in flight may still obey the one before; older ones never act again.
        self._known = {i.serial: i for i in (*list(self._known.values())[-3:], self.asked)}

    def obeyed_by(self, plan: DrivePlan, simulator: Simulator) -> None:
        """A plan that the car follows from here on."""
        self.acting = self._known.get(plan.instruction_serial)
        if self.asked is None or plan.instruction_serial != self.asked.serial:
            return
        self.kind = plan.reads_instruction_as
        if self.kind is InstructionKind.GO:
            self._clear(DRIVING_ON)
            return
        self.note = _note(self.kind, self.asked.mode)
        if self.kind in MANOEUVRES and self._begun != (self.asked.serial, self.kind):
            self._begun = (self.asked.serial, self.kind)
            simulator.begin(self.kind)

    def watches(self, simulator: Simulator) -> None:
        """Once per tick: is the manoeuvre over?"""
        if self.asked is None or self._begun is None or self._begun[0] != self.asked.serial:
            return
        if simulator.finished(self._begun[1]):
            self._clear(DONE)

    def _clear(self, note: str) -> None:
        self.asked, self.note, self.kind, self._begun = None, note, InstructionKind.NONE, None


def _note(kind: InstructionKind, mode: InstructionMode) -> str:
    if kind is InstructionKind.UNCLEAR:
        return UNCLEAR
    return OBEYING if mode is InstructionMode.FOLLOW else WEIGHING
