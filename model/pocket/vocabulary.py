"""Pocket's words: a word-level vocabulary, prompt -> tokens with values, tokens -> text. No torch, any thread.

Fixed phrases of our own prompts are one token each, which keeps a driving prompt at four tokens. Speeds, typed numbers
and target points are tokens that carry a value (`NUMBER`, `SPEED`, `TARGET_POINT`): the network embeds the value
itself, so "keep 7.5 m/s" needs no arithmetic on digits. Numbers that the network *says* are spelled digit by digit.
A person's words reach `_user_tokens` only, where no phrase and no special token is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model import prompts
from sim_bridge.messages import InstructionMode

PAD, EOS, UNKNOWN, NUMBER, SPEED = "<pad>", "<eos>", "<unk>", "<number>", "<speed>"
POINT = "<point>"  # the decimal point of a spoken number, so that it is never taken for a full stop
FOLLOW, SAFETY = prompts.FLAGS[InstructionMode.FOLLOW], prompts.FLAGS[InstructionMode.SAFETY]
PHRASES = (prompts.PREDICT, prompts.WHAT_NEXT, "Q:", FOLLOW, SAFETY)
DIGITS = tuple("0123456789")
MARKS = (".", ",", ":", ";", "!", "?", "/", "'", "(", ")", "-", "%")
UNITS = ("m/s", "km/h", "mph")
SPECIALS = (PAD, EOS, UNKNOWN, NUMBER, SPEED, prompts.TARGET_POINT, POINT, *PHRASES, *DIGITS, *MARKS, *UNITS)

# One m/s in each unit; exact by definition (mile = 1609.344 m).
MPS_PER_UNIT = {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704}
MAX_NUMBER = 99.0
# From so many letters on, a word with one wrong letter is taken for the known one.
LONG_WORD = 6

# "one" stays a word: "the one ahead" is commoner than a speed of 1 m/s.
SPELLED = {"two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0, "eight": 8.0, "nine": 9.0}
SPELLED |= {"ten": 10.0, "eleven": 11.0, "twelve": 12.0, "thirteen": 13.0, "fourteen": 14.0, "fifteen": 15.0}
SPELLED |= {"sixteen": 16.0, "seventeen": 17.0, "eighteen": 18.0, "nineteen": 19.0}
TENS = {"twenty": 20.0, "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0}

_OURS = re.compile(
    r"(?P<speed>Current speed: (?P<mps>\d+(?:\.\d+)?) m/s\.)"
    r"|(?P<points>Target waypoint: <TARGET_POINT><TARGET_POINT>\.)"
    + "".join(f"|(?P<p{i}>{re.escape(phrase)})" for i, phrase in enumerate(PHRASES))
    + r"|(?P<number>\d+(?:\.\d+)?)|(?P<word>[A-Za-z]+)"
)
_UNIT_SPELLINGS = (
    (re.compile(r"\b(?:m\s?/\s?s|mps|met(?:er|re)s? (?:per|a) second)\b"), "m/s"),
    (re.compile(r"\b(?:km\s?/\s?h|kmh|kph|kilomet(?:er|re)s? (?:per|an) hour)\b"), "km/h"),
    (re.compile(r"\b(?:mph|miles? (?:per|an) hour)\b"), "mph"),
)
# Contractions and other spellings are written out, so that the network learns one way of saying each.
_WRITTEN_OUT = {
    "can't": "can not",
    "cannot": "can not",
    "cant": "can not",
    "won't": "will not",
    "wont": "will not",
    "let's": "let us",
    "lets": "let us",
    "dont": "do not",
    "doesnt": "does not",
    "didnt": "did not",
    "isnt": "is not",
    "arent": "are not",
    "whats": "what is",
    "wheres": "where is",
    "hows": "how is",
    "whos": "who is",
    "theres": "there is",
    "im": "i am",
    "youre": "you are",
    "gonna": "going to",
    "wanna": "want to",
    "gotta": "have to",
    "colour": "color",
    "gray": "grey",
    "centre": "center",
    "u": "you",
    "ur": "your",
    "pls": "please",
    "plz": "please",
    "thx": "thanks",
}
_ENDINGS = {"n't": " not", "'m": " am", "'re": " are", "'ll": " will", "'ve": " have", "'d": " would", "'s": " is"}
_WRITTEN_OUT_AT = re.compile(rf"\b(?:{'|'.join(_WRITTEN_OUT)})\b(?!')")
_ENDING_AT = re.compile(rf"(?<=[a-z])(?:{'|'.join(_ENDINGS)})\b")
_LETTERS = r"[^\W\d_]+"  # of any script: a word that nobody here can read is still an unknown word
_USER = re.compile(rf"m/s|km/h|mph|\d+(?:\.\d+)?|{_LETTERS}(?:'{_LETTERS})*")
_SPOKEN = re.compile(r"m/s|km/h|\d+(?:\.\d+)?|[a-z]+(?:'[a-z]+)*|[.,:;!?/'()%-]")


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """`ids` (N,) int64; `values` (N, 2) float32, zero except m/s or the number at [0] and target points as x, y."""

    ids: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    unknown_share: float = 0.0  # of the person's words, how many the vocabulary lacks


class Vocabulary:
    """Words and their numbers. Built once, then only read."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        if self.words[: len(SPECIALS)] != SPECIALS:
            raise ValueError("expected the vocabulary to begin with Pocket's special tokens: it is of another version")
        self._ids = {word: i for i, word in enumerate(self.words)}
        if len(self._ids) != len(self.words):
            raise ValueError(f"expected every word once, {len(self.words) - len(self._ids)} words come twice")
        self._by_length: dict[int, list[str]] = {}
        for word in self.words[len(SPECIALS) :]:
            self._by_length.setdefault(len(word), []).append(word)
        self.eos = self._ids[EOS]
        self.pad = self._ids[PAD]
        self.unknown = self._ids[UNKNOWN]
        self.valued = (self._ids[SPEED], self._ids[NUMBER])
        self.mps = self._ids["m/s"]
        self.target_point = self._ids[prompts.TARGET_POINT]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        """A vocabulary of every word in `texts` beside the words of our own prompts."""
        found = {word for text in texts for word in words_of(text)}
        found |= {word for text in prompts.words() for word in words_of(text)}
        return cls(SPECIALS + tuple(sorted(found - set(SPECIALS))))

    def __len__(self) -> int:
        return len(self.words)

    def read(self, prompt: prompts.Prompt) -> Tokens:
        """What the network reads for `prompt`."""
        ours = self._our_tokens(prompt.ours, prompt.target_points)
        users, unknown_share = self._user_tokens(prompt.user)
        pairs = ours + users
        values = np.zeros((len(pairs), 2), np.float32)
        for row, (_, value) in enumerate(pairs):
            values[row] = value
        return Tokens(np.array([i for i, _ in pairs], np.int64), values, unknown_share)

    def spell(self, answer: str) -> npt.NDArray[np.int64]:
        """An answer as the network says it: words, marks, digits one by one, and the end token."""
        ids = []
        for piece in _SPOKEN.findall(answer.lower()):
            if piece[0].isdigit():
                ids += [self._ids[POINT if c == "." else c] for c in piece]
            else:
                ids.append(self._ids.get(piece, self.unknown))
        return np.array([*ids, self.eos], np.int64)

    def piece(self, token: int, before: tuple[int, ...]) -> str:
        """What to append to the text when `token` is said after the tokens `before`. Pieces concatenate to the text."""
        word = self.words[token]
        if word in (EOS, PAD):
            return ""
        if word == POINT:
            return "."
        last = self.words[before[-1]] if before else ""
        if word in DIGITS and (last in DIGITS or last == POINT):
            return word
        glued = word in (".", ",", ":", ";", "!", "?", "/", "'", ")", "%", "-") or last in ("(", "/", "'", "-")
        begins = not before or last in (".", "!", "?")
        shown = word.capitalize() if (begins and word not in UNITS) or word == "i" else word
        return shown if glued or not before else f" {shown}"

    def text(self, ids: Iterable[int]) -> str:
        """Tokens as readable text, up to the end token."""
        said: tuple[int, ...] = ()
        pieces = []
        for token in ids:
            if token == self.eos:
                break
            pieces.append(self.piece(int(token), said))
            said += (int(token),)
        return "".join(pieces)

    def _our_tokens(self, text: str, points: tuple[prompts.XY, ...]) -> list[tuple[int, tuple[float, float]]]:
        pairs: list[tuple[int, tuple[float, float]]] = []
        for match in _OURS.finditer(text):
            kind, found = match.lastgroup or "", match.group()
            if match.group("speed"):
                pairs.append((self._ids[SPEED], (float(match.group("mps")), 0.0)))
            elif kind == "points":
                pairs += [(self.target_point, point) for point in points]
            elif kind == "number":
                pairs.append((self._ids[NUMBER], (min(float(found), MAX_NUMBER), 0.0)))
            else:
                pairs.append((self._ids.get(found if kind[0] == "p" else found.lower(), self.unknown), (0.0, 0.0)))
        return pairs

    def _user_tokens(self, text: str) -> tuple[list[tuple[int, tuple[float, float]]], float]:
        pieces = _with_speeds_in_mps(_USER.findall(_folded(text)))
        pairs, unknown, words = [], 0, 0
        for piece in pieces:
            if isinstance(piece, float):
                pairs.append((self._ids[NUMBER], (min(piece, MAX_NUMBER), 0.0)))
                continue
            token = self._ids.get(piece, -1)
            token = self._ids.get(self._nearest(piece), self.unknown) if token < 0 else token
            words += 1
            unknown += token == self.unknown
            pairs.append((token, (0.0, 0.0)))
        # Marks or pictures alone say nothing that is known.
        return pairs, unknown / words if words else float(bool(text.strip()) and not pairs)

    def _nearest(self, word: str) -> str:
        """The one known word a single typing slip away, for words of four letters or more; "" where there is none."""
        if len(word) < 4:
            return ""
        # Two letters that changed places are a likelier slip than a wrong letter, so they are looked for first.
        for is_slip in (_swapped, _one_off):
            for length in (len(word), len(word) - 1, len(word) + 1):
                for known in self._by_length.get(length, ()):
                    if len(known) >= 4 and is_slip(word, known):
                        return known
        return ""


def words_of(text: str) -> list[str]:
    """The words of `text` a vocabulary needs, whether it is typed or spoken: no numbers, contractions written out."""
    return [piece for piece in _SPOKEN.findall(_folded(text)) if piece[0].isalpha()]


def _folded(text: str) -> str:
    """Lower case, contractions written out, and one spelling of each unit of speed."""
    folded = text.lower().replace("\u2019", "'").replace("-", " ")
    folded = _WRITTEN_OUT_AT.sub(lambda match: _WRITTEN_OUT[match.group()], folded)
    folded = _ENDING_AT.sub(lambda match: _ENDINGS[match.group()], folded)
    folded = re.sub(r"(\d)([a-z])", r"\1 \2", folded)
    for pattern, unit in _UNIT_SPELLINGS:
        folded = pattern.sub(unit, folded)
    return folded


def _with_speeds_in_mps(pieces: list[str]) -> list[str | float]:
    """Numbers as floats, and every speed converted so that the network knows one unit only."""
    out: list[str | float] = []
    for piece in pieces:
        number = float(piece) if piece[0].isdigit() else SPELLED.get(piece, TENS.get(piece))
        before = out[-1] if out else ""
        if number is not None and isinstance(before, float) and before in TENS.values() and 1 < number < 10:
            out[-1] = before + number
        elif number is not None:
            out.append(number)
        elif piece in MPS_PER_UNIT and isinstance(before, float):
            out[-1] = before * MPS_PER_UNIT[piece]
            out.append("m/s")
        else:
            out.append(piece)
    return out


def _first_difference(a: str, b: str) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _swapped(a: str, b: str) -> bool:
    """Whether two neighbouring letters of `a`, changed over, give `b`."""
    at = _first_difference(a, b)
    return a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :]


def _one_off(a: str, b: str) -> bool:
    """Whether one letter added or dropped turns `a` into `b`, or one changed where the word is long: "dead" is not
    "head", nor "town" "down"."""
    if len(a) > len(b):
        a, b = b, a
    at = _first_difference(a, b)
    if len(a) < len(b):
        return a[at:] == b[at + 1 :]
    return len(a) >= LONG_WORD and a[at + 1 :] == b[at + 1 :]
