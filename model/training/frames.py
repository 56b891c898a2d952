"""A split of a data set, ready to be looked at: every frame's facts beside its packed picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.training import eye_cache, folders
from model.training.samples import FrameFacts

BROKEN_NAMED = 3


class DataError(ValueError):
    """A data set that cannot be learned from, with what to do about it."""


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Frame i is `facts[i]` and `eyes[rows[i]]`. Read-only, any process."""

    eyes: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int64]
    facts: tuple[FrameFacts, ...]
    broken: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.facts)

    def eye(self, i: int) -> npt.NDArray[np.uint8]:
        return self.eyes[self.rows[i]]

    @property
    def towns(self) -> tuple[str, ...]:
        return tuple(sorted({facts.town for facts in self.facts if facts.town}))


def open_split(directory: Path, split: str, packs: bool = True) -> Frames:
    """Read a split and pack what is not packed yet. Broken frames are left out. Raises DataError if nothing is left.

    One process at a time may pack. With `packs` off, frames that are not packed yet do not exist: processes that open a
    growing data set after one has packed it all get the same frames.
    """
    skipped: list[str] = []
    try:
        listed = list(folders.read(directory, split, skipped))
    except FileNotFoundError as error:
        raise DataError(str(error)) from None
    pictures = [picture for picture, _ in listed]
    cache = eye_cache.pack(directory, split, pictures) if packs else eye_cache.packed(directory, split, pictures)
    kept, rows = [], []
    for picture, facts in listed:
        row = cache.rows.get(picture.relative_to(directory).as_posix())
        if row is not None:
            kept.append(facts)
            rows.append(row)
    if not kept:
        raise DataError(
            f"no usable frame of split {split!r} in {directory} ({len(skipped) + len(cache.broken)} are broken): "
            f"let `launch.py collect --out {directory}` run longer"
        )
    return Frames(cache.eyes, np.array(rows), tuple(kept), (*skipped, *cache.broken))


def broken_sentence(frames: Frames) -> str:
    """One line about frames that were left out, "" where there were none."""
    if not frames.broken:
        return ""
    named = ", ".join(frames.broken[:BROKEN_NAMED])
    return (
        f"Left out {len(frames.broken)} broken pictures: {named}{', ...' if len(frames.broken) > BROKEN_NAMED else ''}."
    )
