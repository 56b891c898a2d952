"""What a network reads: SimLingo's task prompts and flags, built from plain values. Pure, no torch, any thread.

The literal formats (wording, order, one decimal of speed) are those the published SimLingo checkpoint was trained on;
another wording would be another model. A person's words enter through `sanitize` alone and stay a separate piece of
the prompt, so that a tokenizer never mistakes them for ours.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from sim_bridge.messages import WORDS_AT_MOST, InstructionMode, RouteCommand

TARGET_POINT = "<TARGET_POINT>"
WAYPOINTS = "Waypoints:"
FLAGS = {InstructionMode.FOLLOW: "<INSTRUCTION_FOLLOWING>", InstructionMode.SAFETY: "<SAFETY>"}
PREDICT = "Predict the waypoints."
WHAT_NEXT = "What should the ego do next?"

COMMAND_WORDS = {
    RouteCommand.LEFT: "go left at the next intersection",
    RouteCommand.RIGHT: "go right at the next intersection",
    RouteCommand.STRAIGHT: "go straight at the next intersection",
    RouteCommand.FOLLOW_ROAD: "follow the road",
    RouteCommand.LANE_LEFT: "do a lane change to the left",
    RouteCommand.LANE_RIGHT: "do a lane change to the right",
}

XY = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt in two pieces: `ours` is trusted wording with placeholders, `user` a person's sanitized words.

    `target_points` are what the `<TARGET_POINT>` placeholders stand for, metres in ego coordinates, x forward, y right.
    """

    ours: str
    user: str = ""
    target_points: tuple[XY, ...] = ()

    @property
    def text(self) -> str:
        """The whole prompt as SimLingo's tokenizer reads it."""
        whole = f"{self.ours} {self.user}".strip().replace("..", ".")
        return whole.replace("  ", " ").replace("!.", "!").replace("?.", "?")


def sanitize(text: str) -> str:
    """A person's words made safe to show a network: one line, no markup, at most WORDS_AT_MOST.

    Angle brackets, bars and braces go, since every special token of either model is written with them.
    Returns "" where nothing readable is left.
    """
    folded = unicodedata.normalize("NFKC", text[: 4 * WORDS_AT_MOST])
    visible = (" " if unicodedata.category(c)[0] in "CZ" or c in "<>|{}[]\\`" else c for c in folded)
    return " ".join("".join(visible).split())[:WORDS_AT_MOST].strip()


def speed_words(speed_mps: float) -> str:
    """`Current speed: 5.3 m/s.`, one decimal, never negative."""
    return f"Current speed: {max(0.0, round(float(speed_mps), 1))} m/s."


@dataclass(frozen=True, slots=True)
class Navigation:
    """Where the navigator wants to go: SimLingo's `NAV` piece, by target points or by command. Empty text is none."""

    text: str = ""
    target_points: tuple[XY, ...] = ()


NO_NAVIGATION = Navigation()


def by_target_points(points_xy_in_ego) -> Navigation:
    """The route's next two sparse points, any (2, 2) array-like in metres."""
    points = tuple((float(x), float(y)) for x, y in points_xy_in_ego)
    if len(points) != 2:
        raise ValueError(f"expected two target points, got {len(points)}: pass the route's next two sparse points")
    return Navigation(f"Target waypoint: {TARGET_POINT}{TARGET_POINT}.", points)


def by_command(command: RouteCommand, distance_m: float, next_command: RouteCommand) -> Navigation:
    """The navigator's word, with the distance unless it is to follow the road, and the word after it if it differs."""
    words = COMMAND_WORDS[command]
    if command is not RouteCommand.FOLLOW_ROAD:
        words += f" in {max(0, int(distance_m))} meter"
    if next_command is not command:
        words += f" then {COMMAND_WORDS[next_command]}"
    return Navigation(f"Command: {words}.")


def _joined(*pieces: str) -> str:
    return " ".join(piece for piece in pieces if piece)


def driving(speed_mps: float, navigation: Navigation) -> Prompt:
    """Plan, say nothing."""
    return Prompt(_joined(speed_words(speed_mps), navigation.text, PREDICT), "", navigation.target_points)


def commentary(speed_mps: float, navigation: Navigation) -> Prompt:
    """Say what the car does next and why, then plan."""
    return Prompt(_joined(speed_words(speed_mps), navigation.text, WHAT_NEXT), "", navigation.target_points)


def question(speed_mps: float, navigation: Navigation, words: str) -> Prompt:
    """Answer a person's question about the picture."""
    ours = _joined(speed_words(speed_mps), navigation.text, "Q:")
    return Prompt(ours, sanitize(words), navigation.target_points)


def dream(speed_mps: float, navigation: Navigation, instruction: str, mode: InstructionMode) -> Prompt:
    """Obey a person's instruction (FOLLOW), or obey it unless it is unsafe (SAFETY)."""
    ours = _joined(FLAGS[mode], speed_words(speed_mps), navigation.text)
    return Prompt(ours, sanitize(instruction), navigation.target_points)


def answer(task: str, words: str) -> str:
    """The answer a network is trained to give to a prompt of `task`, in SimLingo's wording."""
    words = bare_answer(words)
    if task == "vqa":
        return f"A: {words}"
    return _joined("" if task == "drive" else words, WAYPOINTS)


def bare_answer(words: str) -> str:
    """An answer without the markers around it: no leading `A:`, no trailing `Waypoints:`."""
    bare = words.strip()
    if bare.startswith("A:"):
        bare = bare[2:]
    return bare.removesuffix(WAYPOINTS).strip()


def words() -> set[str]:
    """Every lower-case word of our own prompts that a word-level vocabulary has to hold."""
    text = " ".join(COMMAND_WORDS.values()) + " command in meter then"
    return set(text.split())
