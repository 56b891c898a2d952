"""Pocket at drive time: look once, read any number of prompts on that look, act and speak from each. No torch needed.

    look = runtime.look(rgb)                     the picture, encoded and cached
    read = runtime.read(look, prompt)            a prompt on top of it
    path, speed = runtime.act(read, speed)       20 + 10 points
    for word, read in runtime.speak(read): ...   one word at a time

Looks and readings are immutable: a sentence can be spoken over many ticks while newer looks drive the car. One thread
may use a runtime at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.pocket import images, weights
from model.pocket.adapters import Floats, NumpyAdapters
from model.pocket.config import PocketConfig
from model.pocket.graphs import Graphs, empty_cache, open_graphs
from model.prompts import Prompt

MAX_WORDS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Everything read so far. `hidden` (width,) is the newest position's state, `said` the words spoken since.

    `facts` (facts, width) are the look's tokens that a sentence may quote.
    """

    cache: Floats
    hidden: Floats
    facts: Floats
    said: tuple[int, ...] = ()
    unknown_share: float = 0.0


class PocketRuntime:
    """The network of one folder, ready to run."""

    def __init__(self, folder: Path, graphs: Graphs | None = None) -> None:
        """Raises ConfigError or WeightsError with what is wrong. `graphs` None picks the fastest there is."""
        self.config = PocketConfig.load(folder / weights.CONFIG)
        arrays = weights.read(folder)
        weights.check_finite(arrays)
        self._adapters = NumpyAdapters(arrays, self.config)
        self._graphs, self.notice = (graphs, "") if graphs is not None else open_graphs(folder)

    @property
    def backend(self) -> str:
        return self._graphs.backend

    def look(self, rgb: npt.NDArray[np.uint8]) -> Reading:
        """A 2:1 RGB picture, encoded. Raises ValueError for another picture."""
        return self.look_at_eye(images.eye(rgb))

    def look_at_eye(self, eye: npt.NDArray[np.uint8]) -> Reading:
        """A picture that `images.eye` has made already, (2, 96, 256, 3)."""
        tokens = self._graphs.see(eye)
        hidden, cache = self._graphs.read(tokens, empty_cache(self.config))
        return Reading(cache, hidden[-1], tokens[: self.config.facts])

    def read(self, look: Reading, prompt: Prompt) -> Reading:
        tokens = self._adapters.vocabulary.read(prompt)
        hidden, cache = self._graphs.read(self._adapters.embed(tokens), look.cache)
        return Reading(cache, hidden[-1], look.facts, (), tokens.unknown_share)

    def act(self, reading: Reading, speed_mps: float) -> tuple[Floats, Floats]:
        """Path (20, 2) and speed points (10, 2) after everything read so far."""
        hidden, _ = self._graphs.read(self._adapters.queries, reading.cache)
        return self._adapters.points(hidden, speed_mps)

    def read_and_act(self, look: Reading, prompt: Prompt, speed_mps: float) -> tuple[Reading, Floats, Floats]:
        """`read` and `act` in one pass, for the control loop."""
        tokens = self._adapters.vocabulary.read(prompt)
        queries = self._adapters.queries
        hidden, cache = self._graphs.read(np.concatenate([self._adapters.embed(tokens), queries]), look.cache)
        # The queries' own keys and values are cut off again: words that follow must not see them.
        read = cache[:, :, :, :, : -len(queries)]
        reading = Reading(read, hidden[-len(queries) - 1], look.facts, (), tokens.unknown_share)
        return reading, *self._adapters.points(hidden[-len(queries) :], speed_mps)

    def kind(self, reading: Reading) -> tuple[str, float]:
        """What the prompt's instruction means to the network, and how sure it is, 0 .. 1."""
        logits = self._adapters.kind(reading.hidden)
        chances = np.exp(logits - logits.max())
        chances /= chances.sum()
        best = int(chances.argmax())
        return self.config.kinds[best], float(chances[best])

    def speak(self, reading: Reading) -> Iterator[tuple[str, Reading]]:
        """Word by word: the text to append, and the reading that has heard it. The pieces concatenate."""
        for _ in range(MAX_WORDS):
            token = self._adapters.next_word(reading.hidden, reading.facts)
            if token == self._adapters.vocabulary.eos:
                return
            piece = self._adapters.vocabulary.piece(token, reading.said)
            reading = self._heard(reading, token)
            yield piece, reading

    def say(self, reading: Reading) -> tuple[str, Reading]:
        """The whole sentence, and the reading after its end token: what acting "talk first" goes on from."""
        pieces = list(self.speak(reading))
        heard = pieces[-1][1] if pieces else reading
        return "".join(piece for piece, _ in pieces), self._heard(heard, self._adapters.vocabulary.eos)

    def _heard(self, reading: Reading, token: int) -> Reading:
        hidden, cache = self._graphs.read(self._adapters.word(token), reading.cache)
        return Reading(cache, hidden[-1], reading.facts, (*reading.said, token), reading.unknown_share)
