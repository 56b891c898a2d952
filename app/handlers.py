"""One function per thing a person or a script may do: check the words, submit a command, hand back the result.

Called from the stage's WebSocket and from Gradio's API alike, on worker threads. Whatever comes in is untrusted.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

from app import text
from app.drive import Drive
from app.wheel import Wheel, other_holder
from sim_bridge.messages import (
    WORDS_AT_MOST,
    Ask,
    Cancel,
    Command,
    CommandResult,
    Engage,
    HolderLeft,
    HumanInput,
    InstructionMode,
    Pause,
    Reason,
    Reset,
    Resume,
    SessionView,
    SetInstruction,
    SetTalkOrder,
    Step,
    Takeover,
    TalkOrder,
    Verdict,
)

STEP_TICKS = 1
SEEDS = 10_000
FREED_WITHIN_S = 0.5

ACTIONS: dict[str, Callable[[str], Command]] = {
    "pause": lambda holder: Pause(),
    "resume": lambda holder: Resume(),
    "step": lambda holder: Step(STEP_TICKS),
    "reset": lambda holder: Reset(),
    "new_start": lambda holder: Reset(seed=random.randrange(SEEDS)),
    "engage": lambda holder: Engage(Reason.USER_ENGAGED),
    "release": lambda holder: Engage(Reason.USER_RELEASED),
    "takeover": lambda holder: Takeover(holder),
    "talk_alongside": lambda holder: SetTalkOrder(TalkOrder.ALONGSIDE),
    "talk_first": lambda holder: SetTalkOrder(TalkOrder.TALK_FIRST),
    "cancel": lambda holder: Cancel(),
}
# What takes the wheel out of the hands of whoever holds it; a new episode begins with the driver at the wheel.
WHEEL_ACTIONS = frozenset({"engage", "release", "takeover", "reset", "new_start"})


class Handlers:
    """Shared by every watcher and script; question ids are unique among all of them."""

    def __init__(
        self, drive: Drive, wheel: Wheel, wait_for: Callable[[Callable[[SessionView], Any], float], Any]
    ) -> None:
        """`wait_for(wanted, timeout_s)` is the hub's."""
        self._drive = drive
        self._wheel = wheel
        self._wait_for = wait_for
        self._question_ids = itertools.count(1)

    def instruct(self, words: str, mode: str) -> CommandResult:
        """Empty words clear the instruction."""
        if not isinstance(words, str):
            return _refused(text.not_text("An instruction"))
        words = words.strip()
        if len(words) > WORDS_AT_MOST:
            return _refused(text.too_long("An instruction", len(words)))
        try:
            chosen = InstructionMode(mode)
        except ValueError:
            return _refused(text.unknown_mode(str(mode)))
        result = self._drive.submit(SetInstruction(words, chosen))
        return _with_line(result, text.told(words, mode) if words else text.CLEARED)

    def ask(self, question: str) -> tuple[CommandResult, int]:
        """The verdict on the question, and the id under which its answer will appear in the views."""
        if not isinstance(question, str):
            return _refused(text.not_text("A question")), 0
        question = question.strip()
        if not question:
            return _refused(text.EMPTY_QUESTION), 0
        if len(question) > WORDS_AT_MOST:
            return _refused(text.too_long("A question", len(question))), 0
        question_id = next(self._question_ids)
        return self._drive.submit(Ask(question, question_id)), question_id

    def control(self, action: str, holder: str) -> CommandResult:
        command = ACTIONS.get(action) if isinstance(action, str) else None
        if command is None:
            return _refused(text.unknown_action(str(action), tuple(ACTIONS)))
        if action in WHEEL_ACTIONS:
            view = self._drive.view()
            if refusal := self._wheel.refusal(holder, view):
                return CommandResult(Verdict.BUSY, refusal)
            self._free_the_wheel(holder, view)
        self._wheel.touch(holder)
        return _with_line(self._drive.submit(command(holder)), text.ACTION_WORDS[action])

    def hands(self, human: HumanInput) -> CommandResult:
        """What a person's hands ask for now. Letting go is never refused."""
        view = self._drive.view()
        if human.steer or human.throttle or human.brake:
            if refusal := self._wheel.refusal(human.holder, view):
                return CommandResult(Verdict.BUSY, refusal)
            self._free_the_wheel(human.holder, view)
            self._wheel.touch(human.holder)
        return self._drive.submit(human)

    def _free_the_wheel(self, person: str, view: SessionView | None) -> None:
        """Tell the drive of a holder who is not there any more, so that `person` can have the wheel.

        Waits for the view that says so: what `person` sends next is judged against the newest one.
        """
        if gone := self._wheel.gone(person, view):
            self._drive.submit(HolderLeft(gone))
            self._wait_for(lambda newer: other_holder(person, newer) != gone or None, FREED_WITHIN_S)


def _with_line(result: CommandResult, line: str) -> CommandResult:
    """The drive's own sentence, or `line` where it accepted without one."""
    return CommandResult(result.verdict, line) if result.verdict is Verdict.ACCEPTED and not result.line else result


def _refused(line: str) -> CommandResult:
    return CommandResult(Verdict.REFUSED, line)
