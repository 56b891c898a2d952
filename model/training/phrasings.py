"""Reads the wordings of `assets/phrasings/`: a small grammar, one construction a line.

    [family]                 what the lines below it mean
    @ahead = ahead | in front      what <ahead> stands for, in any line of the file
    how far is the (car|van) <ahead>   (a|b) is one of both, (a|) may be missing; {slot} is filled when it is asked
    * how far off is it      a * keeps every form of the line for testing: it is never learnt, and stays marked
    # a remark

Which forms are for testing is written down and not drawn, so that new lines never move an old one to the other side:
weights go on being trained that have seen what was learnt before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, product
from pathlib import Path

import numpy as np

from model.pocket.vocabulary import words_of

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "phrasings"
KEPT_MARK = "*"

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wording:
    """One line: all its `forms`, and whether they are kept for testing."""

    forms: tuple[str, ...]
    is_held_out: bool


Families = dict[str, tuple[Wording, ...]]


def load(name: str) -> Families:
    """family -> its wordings in one file; no learnt wording holds a form that is kept for testing.

    Raises ValueError for a line outside any family, for a name in <> that nothing defines, and for an open bracket.
    """
    families: dict[str, list[Wording]] = {}
    named: dict[str, str] = {}
    family = ""
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        if entry.startswith("[") and entry.endswith("]"):
            family = entry[1:-1]
            families[family] = []
        elif entry.startswith("@"):
            word, _, stands_for = entry[1:].partition("=")
            named[word.strip()] = stands_for.strip()
        elif family:
            kept = entry.startswith(KEPT_MARK)
            families[family].append(Wording(forms_of(entry.lstrip(f"{KEPT_MARK} "), named), kept))
        else:
            raise ValueError(f"{name}.txt: expected a [family] before {entry!r}")
    return _without_kept_forms(families)


def _without_kept_forms(families: dict[str, list[Wording]]) -> Families:
    kept = held_out_keys(families)
    found: Families = {}
    for family, wordings in families.items():
        cleaned = []
        for wording in wordings:
            forms = wording.forms
            if not wording.is_held_out:
                forms = tuple(form for form in forms if key(form) not in kept)
            if forms:
                cleaned.append(Wording(forms, wording.is_held_out))
        found[family] = tuple(cleaned)
    return found


def forms_of(line: str, named: dict[str, str]) -> tuple[str, ...]:
    """Every form of a line, in order, each once."""
    for _ in range(8):
        line, count = re.subn(r"<(\w+)>", lambda match: f"({_stands_for(match.group(1), named)})", line)
        if not count:
            break
    return tuple(dict.fromkeys(re.sub(r" +([?.,])", r"\1", " ".join(text.split())) for text in _expanded(line)))


def _stands_for(word: str, named: dict[str, str]) -> str:
    if word not in named:
        raise ValueError(f"expected @{word} = ... before <{word}> is used, found none")
    return named[word]


def _expanded(text: str) -> list[str]:
    """The texts that a line with (a|b) stands for."""
    return ["".join(pieces) for pieces in product(*_outer_parts(text))]


def _outer_parts(text: str) -> list[list[str]]:
    """The text cut at its outermost brackets, each part as the texts it stands for."""
    parts, depth, begun = [], 0, 0
    for at, letter in enumerate(text):
        if letter == "(":
            if depth == 0:
                parts.append([text[begun:at]])
                begun = at + 1
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0:
                parts.append([form for choice in _choices(text[begun:at]) for form in _expanded(choice)])
                begun = at + 1
            elif depth < 0:
                break
    if depth:
        raise ValueError(f"expected every bracket to be closed, got {text!r}")
    return [*parts, [text[begun:]]]


def _choices(text: str) -> list[str]:
    """What lies between the | that are in no bracket of their own."""
    depths = accumulate((letter == "(") - (letter == ")") for letter in text)
    cuts = [at for at, (letter, depth) in enumerate(zip(text, depths, strict=True)) if letter == "|" and depth == 0]
    return [text[a + 1 : b] for a, b in zip([-1, *cuts], [*cuts, len(text)], strict=True)]


def split(text: str) -> list[str]:
    """A text as words, single digits and marks: "keep 12 m/s." -> keep 1 2 m/s ."""
    return re.findall(r"m/s|km/h|[a-z]+|\d|[.,?!/]", text.lower().replace("'", ""))


def key(text: str) -> Key:
    """What the network reads of a text, which is how two forms are compared: "Don't go!" is "do not go"."""
    return tuple(word for piece in text.split() for word in _words_read(piece))


@cache
def _words_read(piece: str) -> tuple[str, ...]:
    return tuple(words_of(re.sub(r"\{(\w+)\}", r" slot\1 ", piece)))


def held_out_keys(families: dict[str, list[Wording]] | Families) -> frozenset[Key]:
    return frozenset(
        key(form)
        for wordings in families.values()
        for wording in wordings
        if wording.is_held_out
        for form in wording.forms
    )


def held_out_texts(families: Families, fillers: Mapping[str, Sequence[str]]) -> frozenset[Key]:
    """The keys of what is kept for testing as it is put to the car: every slot of `fillers` filled with each of its
    words. A speed is left as its slot, since there is no end of them."""
    texts = {form for wordings in families.values() for form in forms(wordings, True)}
    for slot, words in fillers.items():
        texts = {text.replace(slot, word) for text in texts for word in (words if slot in text else ("",))}
    return frozenset(map(key, texts))


def forms(wordings: Iterable[Wording], unseen: bool) -> tuple[str, ...]:
    """All forms to learn from, or all that are kept for testing."""
    return tuple(form for wording in wordings if wording.is_held_out == unseen for form in wording.forms)


def draw(wordings: Iterable[Wording], unseen: bool, rng: np.random.Generator) -> str:
    """One form: a line of many forms comes oftener, by the root of their number, so that short lines are met too."""
    lines = [wording for wording in wordings if wording.is_held_out == unseen]
    share = np.cumsum([len(line.forms) ** 0.5 for line in lines])
    line = lines[int(np.searchsorted(share, rng.random() * share[-1], side="right"))]
    return line.forms[int(rng.integers(len(line.forms)))]
