"""Politeness and fillers that people put around an instruction or a question, which change nothing of what it means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model.training.phrasings import Key, key


@dataclass(frozen=True)
class Courtesy:
    """What may stand before and after a text, and how often it does."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    before_share: float = 0.2
    after_share: float = 0.15

    def around(self, text: str, kept: frozenset[Key], rng: np.random.Generator) -> str:
        """`text`, sometimes with more around it; never such that it becomes one of the forms `kept` for testing."""
        said = text
        if rng.random() < self.before_share:
            said = f"{_one_of(self.before, rng)} {said}"
        if rng.random() < self.after_share:
            after = _one_of(self.after, rng)
            # "go right" and "now" make "go right now", which is another instruction.
            said = said if after == "now" and text.endswith("right") else _appended(said, after)
        return text if key(said) in kept else said

    def bare(self, text: str) -> Iterator[str]:
        """`text`, and what is left of it as more and more of what stands before and after it is taken away."""
        while True:
            yield from self._without_endings(text)
            shorter = self._before_at.sub("", text)
            if shorter == text:
                return
            text = shorter

    def _without_endings(self, text: str) -> Iterator[str]:
        yield text
        while (shorter := self._after_at.sub("", text)) != text:
            yield shorter
            text = shorter

    @cached_property
    def _before_at(self) -> re.Pattern[str]:
        return re.compile(rf"^(?:{_any_of(self.before)}),? ")

    @cached_property
    def _after_at(self) -> re.Pattern[str]:
        return re.compile(rf",? (?:{_any_of(self.after)})$")


def _one_of(texts: Sequence[str], rng: np.random.Generator) -> str:
    return texts[int(rng.integers(len(texts)))]


def _any_of(texts: Sequence[str]) -> str:
    return "|".join(sorted((re.escape(text) for text in texts), key=len, reverse=True))


def _appended(text: str, after: str) -> str:
    mark = text[-1] if text[-1:] in ("?", ".") else ""
    return f"{text[: len(text) - len(mark)]} {after}{mark}"


# Words that a hurried hand leaves out and a reader does not miss.
_STANDING_IN = ("a", "an", "the", "that", "this", "there", "it", "i", "me", "we", "our", "you", "your")
LITTLE = frozenset((*_STANDING_IN, "is", "are", "do", "does", "can", "at", "of", "on", "to", "please"))


def tersely(text: str, kept: frozenset[Key], rng: np.random.Generator) -> str:
    """`text` without some of its LITTLE words; never without a word, never as one of the texts `kept` for testing. One
    with a number stays as it is: `kept` holds no numbers."""
    if re.search(r"\d", text):
        return text
    said = " ".join(word for word in text.split() if word not in LITTLE or rng.random() < 0.5)
    return text if not said or key(said) in kept else said


# "right" is a side in half of all instructions, so it is met where it is none, too.
INSTRUCTING = Courtesy(
    before=(
        "please",
        "now",
        "can you please",
        "could you please",
        "could you",
        "can you",
        "would you",
        "will you",
        "i would like you to",
        "i want you to",
        "i need you to",
        "hey car",
        "hey",
        "ok",
        "okay",
        "car",
        "you should",
        "you need to",
        "you can",
        "you may",
        "you better",
        "well",
        "so",
        "and",
        "then",
        "just",
        "right",
        "all right",
        "alright",
    ),
    after=(
        "please",
        "now",
        "for me",
        "thanks",
        "thank you",
        "if you can",
        "if possible",
        "will you",
        "would you",
        "ok",
        "right now",
        "right away",
        "all right",
        "then",
        "buddy",
        "my friend",
    ),
)
ASKING = Courtesy(
    before=(
        "hey",
        "hey car",
        "car",
        "ok",
        "okay",
        "so",
        "and",
        "now",
        "please",
        "tell me",
        "say",
        "well",
        "one question",
        "excuse me",
        "do you know",
        "all right",
        "right",
    ),
    after=("please", "now", "right now", "at the moment", "car", "thanks", "do you know", "can you tell me", "then"),
)
