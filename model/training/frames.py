"""A split of a data set, ready to be looked at: every frame's facts beside its packed picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.training import eye_cache, folders
from model.training.contradictions import looks_at_home_elsewhere
from model.training.samples import FrameFacts

BROKEN_NAMED = 3


class DataError(ValueError):
    """A data set that cannot be learned from, with what to do about it."""


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Frame i is `facts[i]` and row `rows[i, 1]` of `eyes[rows[i, 0]]`, one array a folder. Read-only, any process."""

    eyes: tuple[npt.NDArray[np.uint8], ...]
    rows: npt.NDArray[np.int64]  # (N, 2)
    facts: tuple[FrameFacts, ...]
    broken: tuple[str, ...] = ()
    untellable: int = 0  # left out because no picture can tell their label

    def __len__(self) -> int:
        return len(self.facts)

    def eye(self, i: int) -> npt.NDArray[np.uint8]:
        folder, row = self.rows[i]
        return self.eyes[folder][row]

    @property
    def once(self) -> tuple[FrameFacts, ...]:
        """The facts of each frame once, however often its folder is named."""
        names = [str(getattr(eyes, "filename", k)) for k, eyes in enumerate(self.eyes)]
        rows = [(names[folder], row) for folder, row in self.rows.tolist()]
        return tuple(dict(zip(rows, self.facts, strict=True)).values())

    @property
    def towns(self) -> tuple[str, ...]:
        return tuple(sorted({facts.town for facts in self.facts if facts.town}))


def open_splits(directories: Sequence[Path], split: str, packs: bool = True) -> Frames:
    """The same split of several data sets as one. A folder may lack it as long as another has it; what is named twice
    is trained on twice as often, and held-out figures weigh it once.

    Raises DataError if nothing is left, or where a frame is of a town that is kept for testing.
    """
    opened, problems = [], []
    for directory in directories if split == "train" else dict.fromkeys(directories):
        try:
            opened.append(open_split(directory, split, packs))
        except DataError as error:
            problems.append(error)
    if not opened:
        raise problems[0]
    frames = Frames(
        tuple(part.eyes[0] for part in opened),
        np.concatenate([np.column_stack([np.full(len(part), k), part.rows[:, 1]]) for k, part in enumerate(opened)]),
        tuple(facts for part in opened for facts in part.facts),
        tuple(name for part in opened for name in part.broken),
        sum(part.untellable for part in opened),
    )
    if kept := sorted(set(frames.towns) & set(folders.HELD_OUT_TOWNS)):
        raise DataError(f"{', '.join(kept)} is kept for testing and must not be trained on: leave out its folder")
    return frames


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
    kept, rows, untellable = [], [], 0
    for picture, facts in listed:
        row = cache.rows.get(picture.relative_to(directory).as_posix())
        if row is None:
            continue
        if looks_at_home_elsewhere(facts):
            untellable += 1
            continue
        kept.append(facts)
        rows.append((0, row))
    if not kept:
        raise DataError(
            f"no usable frame of split {split!r} in {directory} ({len(skipped) + len(cache.broken)} are broken): "
            f"let `launch.py collect --out {directory}` run longer"
        )
    return Frames((cache.eyes,), np.array(rows), tuple(kept), (*skipped, *cache.broken), untellable)


def broken_sentence(frames: Frames) -> str:
    """One line about frames that were left out, "" where there were none."""
    if not frames.broken:
        return ""
    named = ", ".join(frames.broken[:BROKEN_NAMED])
    return (
        f"Left out {len(frames.broken)} broken pictures: {named}{', ...' if len(frames.broken) > BROKEN_NAMED else ''}."
    )
