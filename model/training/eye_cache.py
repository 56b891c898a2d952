"""A data set's pictures as the network's eye sees them, packed once into one memory-mapped file beside the data.

    DIR/cache/two_views/<split>.eyes     N x (2, 96, 256, 3) uint8, nothing else
    DIR/cache/two_views/<split>.jsonl    one line per packed or refused picture: {"path", "stamp", "row"}

Packing appends, so it goes on where it was cut off, and a data set that has grown is packed for its new pictures only.
A picture that changed on disk (size or time) is packed anew. Broken JPEGs are refused, counted and named.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from model.pocket import images

EYE_SHAPE = (images.VIEWS, images.EYE_HEIGHT, images.EYE_WIDTH, 3)
EYE_BYTES = math.prod(EYE_SHAPE)
PICTURES_AT_ONCE = 256
PROGRESS_EVERY_S = 5.0


@dataclass(slots=True)
class EyeCache:
    """`eyes` (N, 2, 96, 256, 3) uint8, read-only on disk; `rows` maps a picture's path in the data set to its row."""

    eyes: npt.NDArray[np.uint8]
    rows: dict[str, int]
    broken: list[str] = field(default_factory=list)


def folder(directory: Path) -> Path:
    return directory / "cache" / "two_views"


def pack(directory: Path, split: str, pictures: Iterable[Path]) -> EyeCache:
    """Pack every picture (absolute paths inside `directory`) that is not packed yet, and open the result."""
    target = folder(directory)
    target.mkdir(parents=True, exist_ok=True)
    eyes_path, index_path = target / f"{split}.eyes", target / f"{split}.jsonl"
    known = _read_index(index_path, eyes_path)
    count = max((row for _, row in known.values()), default=-1) + 1
    named = {picture.relative_to(directory).as_posix(): picture for picture in pictures}
    stamps = {name: _stamp(picture) for name, picture in named.items()}
    lines: list[str] = []
    new = [name for name, stamp in stamps.items() if known.get(name, ("", -1))[0] != stamp]
    with eyes_path.open("r+b" if eyes_path.exists() else "w+b") as eyes, index_path.open("a") as index:
        eyes.truncate(count * EYE_BYTES)
        eyes.seek(count * EYE_BYTES)
        said = time.monotonic()
        for at, (name, seen) in enumerate(_read_all({name: named[name] for name in new}), 1):
            row = -1
            if seen is not None:
                row, count = count, count + 1
                eyes.write(seen.tobytes())
            known[name] = (stamps[name], row)
            lines.append(json.dumps({"path": name, "stamp": stamps[name], "row": row}) + "\n")
            if len(lines) == PICTURES_AT_ONCE:
                _flush(eyes, index, lines)
            if time.monotonic() - said >= PROGRESS_EVERY_S:
                said = time.monotonic()
                print(f"{target}: {at} of {len(new)} new pictures packed", flush=True)
        _flush(eyes, index, lines)
    broken = [name for name in named if known[name][1] < 0]
    return EyeCache(_open(eyes_path, count), {name: known[name][1] for name in named if known[name][1] >= 0}, broken)


def packed(directory: Path, split: str, pictures: Iterable[Path]) -> EyeCache:
    """What of `pictures` is packed already; writes nothing."""
    eyes_path, index_path = folder(directory) / f"{split}.eyes", folder(directory) / f"{split}.jsonl"
    known = _entries(index_path, eyes_path)
    count = max((row for _, row in known.values()), default=-1) + 1
    names = (picture.relative_to(directory).as_posix() for picture in pictures)
    rows = {name: known[name][1] for name in names if known.get(name, ("", -1))[1] >= 0}
    return EyeCache(_open(eyes_path, count), rows)


def read_eye(picture: Path) -> npt.NDArray[np.uint8] | None:
    """The eye's view of one stored picture, None where the file is missing, cut off or no 2:1 picture."""
    try:
        with Image.open(picture) as opened:
            return images.eye(np.asarray(opened.convert("RGB")))
    except (OSError, ValueError, SyntaxError):  # Pillow raises any of these on a broken file
        return None


def _read_all(pictures: dict[str, Path]) -> Iterator[tuple[str, npt.NDArray[np.uint8] | None]]:
    """Every picture's name and eye in their order, read by a thread for each core: Pillow decodes outside the lock."""
    names = list(pictures)
    with ThreadPoolExecutor(os.cpu_count()) as readers:
        for first in range(0, len(names), PICTURES_AT_ONCE):  # what is read and not yet written fits into memory
            some = names[first : first + PICTURES_AT_ONCE]
            yield from zip(some, readers.map(read_eye, [pictures[name] for name in some]), strict=True)


def _flush(eyes, index, lines: list[str]) -> None:
    """Pixels first: an index line must never speak of pixels that are not there."""
    eyes.flush()
    index.writelines(lines)
    index.flush()
    lines.clear()


def _stamp(picture: Path) -> str:
    try:
        status = picture.stat()
    except OSError:
        return "missing"
    return f"{status.st_size}:{status.st_mtime_ns}"


def _read_index(index_path: Path, eyes_path: Path) -> dict[str, tuple[str, int]]:
    """What is packed already, with lines that do not count removed from the file, so that appending may go on."""
    known = _entries(index_path, eyes_path)
    lines = [json.dumps({"path": path, "stamp": stamp, "row": row}) + "\n" for path, (stamp, row) in known.items()]
    index_path.write_text("".join(lines), encoding="utf-8")
    return known


def _entries(index_path: Path, eyes_path: Path) -> dict[str, tuple[str, int]]:
    """path -> (stamp, row). Lines cut off by a crash, and lines whose pixels were never written, do not count."""
    if not index_path.exists() or not eyes_path.exists():
        return {}
    rows_on_disk = eyes_path.stat().st_size // EYE_BYTES
    known: dict[str, tuple[str, int]] = {}
    for line in index_path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            path, stamp, row = str(entry["path"]), str(entry["stamp"]), int(entry["row"])
        except (ValueError, KeyError, TypeError):
            continue
        if row < rows_on_disk:
            known[path] = (stamp, row)
    return known


def _open(eyes_path: Path, count: int) -> npt.NDArray[np.uint8]:
    shape = (count, *EYE_SHAPE)
    return np.memmap(eyes_path, np.uint8, "r", shape=shape) if count else np.zeros(shape, np.uint8)
