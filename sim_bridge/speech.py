"""What the driver says: commentary sentence by sentence, and answers, which go first. Driver thread, except `ask`.

Words are pulled a few pieces at a time between plans, so that talking never delays the wheel. What was said so far is
published as immutable messages that any thread may read.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from sim_bridge.interfaces import Cancelled, Driver
from sim_bridge.messages import Answer, Commentary, Instruction, Observation

ANSWERS_KEPT = 20
QUESTIONS_WAITING_MAX = 5
# Time to read a sentence before the next one replaces it.
COMMENTARY_PAUSE_US = 1_500_000
# No sentence is longer than this; a driver that never ends is cut off here.
CHARACTERS_MAX = 1000
CANCELLED = "Cancelled before there was an answer."
CUT_OFF = " … (cancelled)"
TOO_MANY = f"{QUESTIONS_WAITING_MAX} questions are waiting for their answers; ask again in a moment."

Words = Generator[str, None, None]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    answer: Answer
    observation: Observation  # of the moment of asking: that is what the answer is about


class Speech:
    """One per driver. `ask` and the two properties from any thread; everything else from the driver's."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._lock = threading.Lock()  # around the questions and the answers, which two threads change
        self._questions: deque[Question] = deque()
        self._answers: tuple[Answer, ...] = ()
        self._commentary = Commentary()
        self._answering: tuple[int, Words] | None = None
        self._commenting: Words | None = None
        self._heard: tuple[int, int] = (-1, -1)  # episode and instruction serial of the sentence in hand
        self._finished_at_us = -COMMENTARY_PAUSE_US
        self.trouble = ""

    @property
    def commentary(self) -> Commentary:
        return self._commentary

    @property
    def answers(self) -> tuple[Answer, ...]:
        return self._answers

    @property
    def topic(self) -> str:
        """What the next piece belongs to, "answer" or "commentary"."""
        return "answer" if self._answering or self._questions else "commentary"

    @property
    def is_within_words(self) -> bool:
        """Whether an answer or a sentence is begun and not ended."""
        return self._answering is not None or self._commenting is not None

    def ask(self, question: str, question_id: int, observation: Observation) -> str:
        """Queue a question about `observation`. Returns why it cannot be asked, or ""; its answer then says so too."""
        answer = Answer(question_id, question, asked_at_tick=observation.tick)
        with self._lock:
            refusal = TOO_MANY if len(self._questions) >= QUESTIONS_WAITING_MAX else ""
            if refusal:
                answer = replace(answer, error=refusal, is_final=True)
            else:
                self._questions.append(Question(answer, observation))
            self._answers = _kept((*self._answers, answer))
        return refusal

    def says_first(self, text: str, tick: int) -> None:
        """The words that came with a plan; they replace the running commentary, and an earlier complaint."""
        self._stop_commenting()
        self.trouble = ""
        self._commentary = Commentary(text, True, tick)

    def advance(self, observation: Observation, instruction: Instruction | None, comments: bool = True) -> bool:
        """Say one more piece, answers first. Whether there was anything to say."""
        if self._answering is None:
            self._next_question(observation.episode)
        if self._answering is not None:
            self._answer_on(*self._answering)
            return True
        if not comments:
            return False
        self._next_commentary(observation, instruction)
        if self._commenting is None:
            return False
        self._comment_on(self._commenting, observation)
        return True

    def _next_question(self, episode: int) -> None:
        with self._lock:
            if not self._questions:
                return
            question = self._questions.popleft()
        answer = question.answer
        if question.observation.episode != episode:
            self._write(answer.question_id, error="The drive was reset before this could be answered.", is_final=True)
            return
        words = _begun_when_taken(lambda: self._driver.answer(question.observation, answer.question))
        self._answering = answer.question_id, words

    def _answer_on(self, question_id: int, words: Iterator[str]) -> None:
        try:
            piece = next(words, None)
        except Cancelled:
            self._answering = None
            has_text = any(answer.question_id == question_id and answer.text for answer in self._answers)
            self._write(question_id, CUT_OFF if has_text else "", "" if has_text else CANCELLED, is_final=True)
            return
        except Exception as problem:  # the driver's boundary: however it fails, the person who asked must hear it
            self._answering = None
            self._write(question_id, error=_trouble("answer", problem), is_final=True)
            return
        is_final = not self._write(question_id, piece=piece or "") or piece is None
        if is_final:
            self._answering = None
            self._write(question_id, is_final=True)

    def _write(self, question_id: int, piece: str = "", error: str = "", is_final: bool = False) -> bool:
        """Grow or close one answer. Whether it may grow on."""
        may_grow = True
        with self._lock:
            changed = []
            for answer in self._answers:
                if answer.question_id == question_id and not answer.is_final:
                    text = (answer.text + piece)[:CHARACTERS_MAX]
                    may_grow = len(text) < CHARACTERS_MAX
                    answer = replace(answer, text=text, error=error, is_final=is_final)
                changed.append(answer)
            self._answers = tuple(changed)
        return may_grow

    def _next_commentary(self, observation: Observation, instruction: Instruction | None) -> None:
        serial = instruction.serial if instruction else 0
        is_news = (observation.episode, serial) != self._heard
        if is_news:
            self._stop_commenting()
        has_paused = observation.sim_time_us - self._finished_at_us >= COMMENTARY_PAUSE_US
        if self._commenting is not None or not (is_news or has_paused):
            return
        self._heard = observation.episode, serial
        self._commenting = _begun_when_taken(lambda: self._driver.comment(observation, instruction))
        self._commentary = Commentary("", False, observation.tick)

    def _comment_on(self, words: Iterator[str], observation: Observation) -> None:
        try:
            piece = next(words, None)
        except Cancelled:
            self._end_commentary(observation, "")
            return
        except Exception as problem:  # the driver's boundary: silence must have a reason on the page
            self._end_commentary(observation, _trouble("comment", problem))
            return
        said = self._commentary
        text = (said.text + (piece or ""))[:CHARACTERS_MAX]
        self._commentary = replace(said, text=text, is_final=piece is None or len(text) >= CHARACTERS_MAX)
        if self._commentary.is_final:
            self._end_commentary(observation, "")

    def _end_commentary(self, observation: Observation, trouble: str) -> None:
        self._stop_commenting()
        self.trouble = trouble
        self._finished_at_us = observation.sim_time_us

    def _stop_commenting(self) -> None:
        words, self._commenting = self._commenting, None
        if words is not None:
            words.close()
        self._commentary = replace(self._commentary, is_final=True)


def _kept(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """The newest, and every open one: who asked must see its end."""
    oldest = len(answers) - ANSWERS_KEPT
    return tuple(answer for number, answer in enumerate(answers) if number >= oldest or not answer.is_final)


def _begun_when_taken(begin: Callable[[], Iterator[str]]) -> Words:
    """A driver that fails as it begins then fails where its words are taken, as one that fails later does."""
    yield from begin()


def _trouble(what: str, problem: Exception) -> str:
    return f"The driver could not {what}: {type(problem).__name__}: {problem}"
