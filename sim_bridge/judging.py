"""A command and the newest view -> whether it can be obeyed, at once and without waiting for the session. Any thread.

The session judges again when it obeys; what has changed by then shows as a notice in the next view.
"""

from __future__ import annotations

import math

from sim_bridge.messages import (
    Ask,
    Cancel,
    Command,
    CommandResult,
    Engage,
    Engagement,
    HumanInput,
    Phase,
    SessionView,
    SetInstruction,
    Step,
    Stop,
    Takeover,
    Verdict,
)
from sim_bridge.typed_text import objection as text_objection

HOLDER_MAX = 64


def judged(command: Command, view: SessionView) -> CommandResult:
    if view.phase in (Phase.FAILED, Phase.STARTING) and not _may_come_now(command, view.phase):
        line = view.failure or "The drive is still starting; try again in a moment."
        return CommandResult(Verdict.NOT_RUNNING, line)
    refusal = _refusal(command, view)
    return CommandResult(Verdict.REFUSED, refusal) if refusal else CommandResult(Verdict.ACCEPTED)


def _may_come_now(command: Command, phase: Phase) -> bool:
    """A key that goes up while the drive starts is heard of once, and obeyed when it has started."""
    is_release = isinstance(command, HumanInput) and _lets_go(command)
    return isinstance(command, Stop) or (is_release and phase is Phase.STARTING)


def _lets_go(hands: HumanInput) -> bool:
    return not any((hands.steer, hands.throttle, hands.brake))


def _refusal(command: Command, view: SessionView) -> str:
    if isinstance(command, Ask):
        return text_objection(command.question, "question")
    if isinstance(command, SetInstruction):
        return text_objection(command.text, "instruction") if command.text else ""
    if isinstance(command, Cancel):
        return "" if view.progress else "The driver is not busy with anything that could be cancelled."
    if isinstance(command, Step):
        return _step_refusal(command, view)
    if isinstance(command, HumanInput | Takeover):
        return _hands_refusal(command, view)
    return _engage_refusal(view) if isinstance(command, Engage) else ""


def _engage_refusal(view: SessionView) -> str:
    """The driver gets the car back only with a plan that may be followed; a failure is the reason why there is none."""
    if view.engagement not in (Engagement.MANUAL, Engagement.SAFE_STOP):
        return ""
    objection = view.failure or ("It has made no plan yet." if view.plan_age_ms is None else "")
    return f"The driver cannot take the car: {objection}" if objection else ""


def _step_refusal(command: Step, view: SessionView) -> str:
    if view.phase is not Phase.PAUSED:
        return "Only a paused drive can be stepped; pause it first."
    return "" if 1 <= command.ticks <= 1000 else f"A step is 1 to 1000 ticks; {command.ticks} were asked for."


def _hands_refusal(command: HumanInput | Takeover, view: SessionView) -> str:
    if not 0 < len(command.holder) <= HOLDER_MAX:
        return f"A holder's name has 1 to {HOLDER_MAX} characters; this one has {len(command.holder)}."
    if isinstance(command, HumanInput):
        values = (command.steer, command.throttle, command.brake)
        if not all(math.isfinite(value) and -1.0 <= value <= 1.0 for value in values):
            return f"Steer lies in -1..1, throttle and brake in 0..1; this input says {values}."
        if _lets_go(command):
            return ""  # letting go is never refused
    if view.engagement is Engagement.MANUAL and command.holder != view.holder:
        return f"{view.holder} has the wheel; wait until it is handed back."
    return ""
