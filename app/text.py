"""The sentences that the page's own process writes. Plain strings and pure functions.

What the browser says of itself stands in the stage's scripts. What the car does comes from the drive in sentences,
inside views and command results; they are shown as they are.
"""

from __future__ import annotations

from sim_bridge.messages import WORDS_AT_MOST, Engagement, Phase, Progress, Reason

TOO_FAST = "That was a lot at once. Wait a second and try again."
EMPTY_INSTRUCTION = "Type an instruction first. Clear removes the present one."
EMPTY_QUESTION = "Type a question first."
CLEARED = "Instruction cleared. The car drives on by its route."
RESTARTING = "Restarting what has stopped or failed."
NOT_UNDERSTOOD = "The page sent something the drive does not know. Reload the page."

ENGAGEMENT_WORDS = {
    Engagement.ENGAGED: "Engaged",
    Engagement.OVERRIDDEN: "Overridden",
    Engagement.MANUAL: "Manual",
    Engagement.SAFE_STOP: "Safe stop",
}

ACTION_WORDS = {
    "pause": "Paused. Step goes on by one tick.",
    "resume": "Driving on.",
    "step": "One tick further.",
    "reset": "A new episode begins at the same start.",
    "new_start": "A new episode begins at another start.",
    "engage": "The model is asked to drive.",
    "release": "Handed back to the model.",
    "takeover": "You have the wheel: W A S D drives, Space brakes, H hands back.",
    "talk_alongside": "The plan no longer waits for words.",
    "talk_first": "Words come first, then the plan.",
    "cancel": "Cancelled.",
}

REASON_WORDS = {
    Reason.STARTED: "since the drive started",
    Reason.USER_ENGAGED: "engaged by a person",
    Reason.USER_RELEASED: "handed back by a person",
    Reason.USER_TAKEOVER: "a person took the wheel",
    Reason.USER_STEER: "a person steered",
    Reason.USER_BRAKE: "a person braked",
    Reason.USER_GAS: "a person pressed the throttle",
    Reason.DEADMAN: "no word from the person's keys, so the car brakes",
    Reason.WATCHER_LEFT: "the person at the wheel left, so the car brakes",
    Reason.PLAN_STALE: "the driver's plan is too old, so the car brakes",
    Reason.PLAN_INVALID: "the driver's plan makes no sense, so the car brakes",
    Reason.DRIVER_FAILED: "the driver failed, so the car brakes",
    Reason.WORLD_LOST: "the world stopped answering",
    Reason.PLAN_RECOVERED: "the driver plans well again",
}

# In place of a reason while a stuck car is moved by rule.
BEING_FREED = "it was stuck, and the model drives on after this"

PHASE_WORDS = {
    Phase.STARTING: "starting",
    Phase.RUNNING: "running",
    Phase.PAUSED: "paused",
    Phase.FAILED: "failed",
}

CANCEL = "Cancel"
CANCEL_PLAN = "Cancel and pause"

DOING_WORDS = {"plan": "Planning", "answer": "Answering", "commentary": "Commenting"}
STAGE_WORDS = {"planning": "path and speed"}  # "Planning: planning" tells nobody what is under way

EXAMPLES = (
    "stop here",
    "drive faster",
    "slow down",
    "keep 5 m/s",
    "change to the left lane",
    "change to the right lane",
    "turn left at the next junction",
    "pass the car ahead",
    "run the red light",
    "drive on",
)

QUESTION_EXAMPLES = (
    "Is the traffic light red?",
    "What are you doing and why?",
    "Is there a car ahead?",
)


def too_long(what: str, length: int) -> str:
    return f"{what} may have up to {WORDS_AT_MOST} characters, this one has {length:,}. Say it shorter."


def progress_words(progress: Progress) -> str:
    """`Planning: looking, 12 of 24 · 2.1 s`."""
    doing = DOING_WORDS.get(progress.doing, progress.doing.capitalize())
    how_far = f", {progress.done} of {progress.of}" if progress.of else ""
    if not progress.of and progress.done:
        how_far = f", {progress.done} token{'s' if progress.done > 1 else ''} so far"
    stage = STAGE_WORDS.get(progress.stage, progress.stage)
    return f"{doing}: {stage}{how_far} · {progress.elapsed_s:.1f} s"


def lockstep_words(moves_s: float, plan_s: float, real_time_factor: float) -> str:
    """What lockstep means here, in one sentence; figures that are not known yet are left out."""
    pace = f" at {real_time_factor:.2g} × real time" if real_time_factor else ""
    takes = f" ({plan_s:.1f} s)" if plan_s else ""
    return f"Lockstep{pace}: the world waits for each plan{takes}, then moves {moves_s:.2f} s."


def told(words: str, mode: str) -> str:
    return f"Told the car: “{words}” ({mode})."


def unknown_mode(mode: str) -> str:
    return f"The mode is either 'follow' or 'safety', not {_quoted(mode)}."


def unknown_action(action: str, known: tuple[str, ...]) -> str:
    return f"The action is one of {', '.join(known)}, not {_quoted(action)}."


def not_text(what: str) -> str:
    return f"{what} is a piece of text."


def wheel_is_held(holder: str, idle_s: float) -> str:
    return (
        f"Someone else ({holder}) holds the wheel. "
        f"It is free once they hand it back, leave, or touch nothing for {idle_s:.0f} s."
    )


def house_is_full(watchers: int) -> str:
    """Short enough for the reason of a closed WebSocket, which has 123 bytes."""
    return f"{watchers} people are watching, which is as many as fit. Try again later."


def no_answer_within(seconds: float) -> str:
    return f"The driver gave no answer within {seconds:.0f} s. Ask again, or look whether it is still running."


def _quoted(word: str) -> str:
    short = word if len(word) <= 40 else word[:40] + "…"
    return repr(short)
