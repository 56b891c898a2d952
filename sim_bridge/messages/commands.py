"""What a person or a script does, app -> session: one dataclass each, and the verdict that comes back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sim_bridge.messages.vocabulary import InstructionMode, Reason, TalkOrder


@dataclass(frozen=True, slots=True)
class Pause:
    pass


@dataclass(frozen=True, slots=True)
class Resume:
    pass


@dataclass(frozen=True, slots=True)
class Step:
    """Advance this many ticks while paused."""

    ticks: int = 1


@dataclass(frozen=True, slots=True)
class Reset:
    """Start a new episode. `seed` None keeps the start; another seed is another start."""

    seed: int | None = None


@dataclass(frozen=True, slots=True)
class SetInstruction:
    """Empty text clears the instruction."""

    text: str
    mode: InstructionMode


@dataclass(frozen=True, slots=True)
class Ask:
    question: str
    question_id: int


@dataclass(frozen=True, slots=True)
class SetTalkOrder:
    order: TalkOrder


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give up what a slow driver is busy with. A drive that waits for the plan is paused by it."""


@dataclass(frozen=True, slots=True)
class Takeover:
    holder: str
    reason: Reason = Reason.USER_TAKEOVER


@dataclass(frozen=True, slots=True)
class Engage:
    """Hand the car to the driver. `reason` tells a release by the holder from an engage by a button."""

    reason: Reason = Reason.USER_ENGAGED


@dataclass(frozen=True, slots=True)
class HumanInput:
    """What one person's hands ask for now. Sent on every change and at least each 100 ms while anything is held.

    `seq` rises within one `holder`; older packets are dropped. `is_nudge`: throttle only, the driver keeps the wheel.
    `sent_at_ms` is the sender's clock, echoed in the view as `input_echo` so a page can measure key to applied control.
    """

    holder: str
    seq: int
    steer: float = 0.0
    throttle: float = 0.0
    brake: float = 0.0
    reverse: bool = False
    is_nudge: bool = False
    sent_at_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class HolderLeft:
    """The person's tab, window or link is gone."""

    holder: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End the drive process in good order."""


Command = (
    Pause
    | Resume
    | Step
    | Reset
    | SetInstruction
    | Ask
    | SetTalkOrder
    | Cancel
    | Takeover
    | Engage
    | HumanInput
    | HolderLeft
    | Stop
)


class Verdict(Enum):
    ACCEPTED = "accepted"
    NOT_RUNNING = "not_running"
    BUSY = "busy"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class CommandResult:
    """session -> app: judged at once against the newest view, with one line for the person."""

    verdict: Verdict
    line: str = ""
