"""Reads the phrasings of `assets/phrasings/`: [family] headers with one phrasing a line below, # for remarks."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "phrasings"


# One phrasing in this many is kept for testing, in every family.
HELD_OUT_EVERY = 7


def load(name: str) -> dict[str, tuple[str, ...]]:
    """family -> phrasings of one file. Raises ValueError for a line outside any family."""
    families: dict[str, list[str]] = {}
    family = ""
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        if entry.startswith("[") and entry.endswith("]"):
            family = entry[1:-1]
            families[family] = []
        elif family:
            families[family].append(entry)
        else:
            raise ValueError(f"{name}.txt: expected a [family] before {entry!r}")
    return {name: tuple(entries) for name, entries in families.items()}


def split(text: str) -> list[str]:
    """A text as words, single digits and marks: "keep 12 m/s." -> keep 1 2 m/s ."""
    return re.findall(r"m/s|km/h|[a-z]+|\d|[.,?!/]", text.lower().replace("'", ""))


def held_out(families: dict[str, tuple[str, ...]], always_learnt: frozenset[str]) -> frozenset[str]:
    """Whole phrasings kept for testing, chosen by their own letters: a seventh of each family.

    Only phrasings whose every word is learnt from others are taken, so a test asks for another sentence, not for an
    unknown word; "unclear" is the exception, since it stands for anything at all.
    """
    spread = Counter(word for entries in families.values() for entry in entries for word in set(split(entry)))
    kept: set[str] = set()
    for family, entries in families.items():
        wanted = max(1, len(entries) // HELD_OUT_EVERY)
        for entry in sorted(set(entries) - always_learnt, key=lambda text: zlib.crc32(text.encode())):
            words = set(split(entry))
            if wanted and (family == "unclear" or all(spread[word] > 1 for word in words)):
                spread.subtract(words)
                kept.add(entry)
                wanted -= 1
    return frozenset(kept)
