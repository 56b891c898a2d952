"""Questions and commentary on held-out frames: exact answers by family against guessing, the action and the cause."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from model.training import labels, questions, sentences
from model.training.answers_ahead import VEHICLE_TYPES
from model.training.expert import Kind, roll_out
from model.training.judged_frames import Case, Frame, FrameDriver, same_words, shares
from model.training.phrasings import split

QUESTIONS_PER_FRAME = 2


def vqa(driver: FrameDriver, frames: Sequence[Frame], seed: int) -> tuple[dict[str, Any], list[Case]]:
    """Exact answers by family, `guess` beside each: always giving the commonest answer of the family.

    Headline figures are of held-out wordings; `learnt_wordings` is the same for wordings seen in training.
    """
    rng = np.random.default_rng(seed)
    unseen = [case for frame in frames for case in _asked(driver, frame, QUESTIONS_PER_FRAME, True, rng)]
    learnt = [case for frame in frames[::2] for case in _asked(driver, frame, 1, False, rng)]
    figures = shares(unseen)
    guesses = _guesses(unseen)
    for family, guess in guesses.items():
        figures[family]["guess"] = guess
    figures["learnt_wordings"] = shares(learnt)["all"] if learnt else {"share": 0.0, "of": 0}
    figures["majority_guess"] = guesses["all"] if unseen else 0.0
    # Where a town has one answer to a family, nothing can be better than it.
    told = {family: guess for family, guess in guesses.items() if family != "all" and guess < 1.0}
    figures["families_above_guess"] = sum(figures[family]["share"] > guess for family, guess in told.items())
    figures["families"] = len(told)
    return figures, [*unseen, *learnt]


def _asked(driver: FrameDriver, frame: Frame, times: int, unseen: bool, rng: np.random.Generator) -> list[Case]:
    cases = []
    for _ in range(times):
        speed = labels.sampled_speed(frame[1], rng)
        rolled = roll_out(frame[1], Kind.NONE, speed)
        ahead = labels.sampled_ahead(frame[1], rng)
        shows_turn = labels.shows_turn(frame[1], ahead)
        question, expected, family = questions.ask(frame[1], speed, rolled, rng, unseen, shows_turn)
        said = driver.answer(driver.show(frame, speed, rng, ahead), question)
        cases.append(Case("vqa", family, same_words(said, expected), str(frame[0]), question, expected, said))
    return cases


def _guesses(cases: Sequence[Case]) -> dict[str, float]:
    """The share of each family's commonest answer, and under "all" what always giving them would score."""
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for case in cases:
        answers[case.category][case.expected] += 1
    right = {family: counts.most_common(1)[0][1] for family, counts in answers.items()}
    found = {family: round(count / answers[family].total(), 3) for family, count in right.items()}
    return {"all": round(sum(right.values()) / max(1, len(cases)), 3), **found}


def commentary(driver: FrameDriver, frames: Sequence[Frame], seed: int) -> tuple[dict[str, Any], list[Case]]:
    """The whole sentence, its action, and its cause; numbers count in the whole sentence only."""
    rng = np.random.default_rng(seed)
    cases: list[Case] = []
    for frame in frames:
        speed = labels.sampled_speed(frame[1], rng)
        rolled = roll_out(frame[1], Kind.NONE, speed)
        expected = sentences.commentary(frame[1], speed, rolled)
        said = driver.comment(driver.show(frame, speed, rng))
        for name, part in (("exact", split), ("action", action_of), ("cause", cause_of)):
            cases.append(Case("commentary", name, part(said) == part(expected), str(frame[0]), "", expected, said))
    return {name: share for name, share in shares(cases).items() if name != "all"}, cases


ACTIONS = ("staying", "stopping", "slowing", "speeding", "keeping")
CAUSES = (
    "red",
    "yellow",
    "green",
    "pedestrian",
    "sign",
    "blocks",
    "turn",
    "bend",
    "clear",
    "vehicle",
    *VEHICLE_TYPES,
)


def action_of(text: str) -> str:
    return next((word for word in split(text) if word in ACTIONS), "")


def cause_of(text: str) -> str:
    """The word that names the cause; which kind of vehicle it is has questions of its own."""
    named = next((word for word in split(text) if word in CAUSES), "")
    return "vehicle" if named in VEHICLE_TYPES else named
