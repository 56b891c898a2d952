"""The data set on disk: SimLingo-shaped folders of pictures and measurements, written whole or not at all.

    DIR/data/backseat/<split>/<weather_seed>/<Town_..>/rgb/NNNN.jpg             1024x512 RGB
                                                      /measurements/NNNN.json.gz   FrameFacts and SimLingo's own keys
                                                      /boxes/NNNN.json.gz          what is seen, as boxes
    DIR/data_card.json                                                          what there is of everything

A frame exists when its measurements do: they are renamed into place last, so an interrupted writer leaves no half one.
"""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from model.training.samples import (
    BesideFacts,
    FrameFacts,
    LeadFacts,
    LightFacts,
    PedestrianFacts,
    SeenBox,
    SignFacts,
    next_stop_m,
)

VERSION = 2
JPEG_QUALITY = 92
SPLITS = ("train", "val")
# A fifth of the road buckets, by a multiplier that scatters neighbours.
VAL_EVERY = 5
# Towns whose frames are for testing alone: collected only when asked for by name and flag, and never trained on.
HELD_OUT_TOWNS = ("Backseat03",)


class BadFrame(ValueError):
    """A stored frame that cannot be used; the message names the file and what is wrong with it."""


def split_of(place: str) -> str:
    """ "train" or "val" from "road:lane:bucket": both lanes of a stretch fall on the same side."""
    road, _, bucket = place.split(":")
    return "val" if (int(road) * 7919 + int(bucket) * 104729 + 3) % VAL_EVERY == 0 else "train"


# ---- facts as JSON ---------------------------------------------------------------------------------------------------


def _rounded(line: npt.ArrayLike | None) -> list[list[float]] | None:
    return None if line is None else np.round(np.asarray(line, dtype=np.float64), 3).tolist()


def facts_to_json(facts: FrameFacts) -> dict[str, Any]:
    """Plain JSON types; coordinates to the millimetre."""
    entry: dict[str, Any] = {}
    for field in dataclasses.fields(facts):
        value = getattr(facts, field.name)
        if isinstance(value, np.ndarray):
            value = _rounded(value)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = dataclasses.asdict(value)
        entry[field.name] = value
    entry["turns"] = {name: _rounded(line) for name, line in facts.turns.items()}
    entry["seen"] = [dataclasses.asdict(box) for box in facts.seen]
    entry["signs"] = None if facts.signs is None else [dataclasses.asdict(sign) for sign in facts.signs]
    return entry


def _line(value: Any) -> npt.NDArray[np.float32]:
    line = np.asarray(value, dtype=np.float32)
    if line.ndim != 2 or line.shape[1] != 2 or len(line) < 2 or not np.isfinite(line).all():
        raise BadFrame(f"expected a line of (N, 2) finite metres, got shape {line.shape}")
    return line


def _lead(entry: dict[str, Any]) -> LeadFacts:
    lead = LeadFacts(**entry)
    # A rider hides what is painted; frames of older collections name its colour.
    return dataclasses.replace(lead, color="") if lead.type in ("motorcycle", "bicycle") else lead


def facts_from_json(entry: dict[str, Any]) -> FrameFacts:
    """The facts again. Raises BadFrame naming what is missing or malformed; keys it does not know are passed over."""
    try:
        known = {field.name for field in dataclasses.fields(FrameFacts)}
        values = {name: value for name, value in entry.items() if name in known}
        values["route"] = _line(entry["route"])
        values["target_points"] = _line(entry["target_points"])
        for name in ("lane_left", "lane_right"):
            values[name] = None if entry[name] is None else _line(entry[name])
        values["turns"] = {name: _line(line) for name, line in entry["turns"].items()}
        values["light"] = None if entry["light"] is None else LightFacts(**entry["light"])
        values["lead"] = None if entry["lead"] is None else _lead(entry["lead"])
        values["pedestrian"] = None if entry["pedestrian"] is None else PedestrianFacts(**entry["pedestrian"])
        beside = entry.get("beside")
        values["beside"] = None if beside is None else BesideFacts(**beside)
        values["changes_m"] = tuple(float(metres) for metres in entry.get("changes_m", ()))
        values["seen"] = tuple(SeenBox(**box) for box in entry["seen"])
        signs = entry.get("signs")
        values["signs"] = None if signs is None else tuple(SignFacts(**sign) for sign in signs)
        # A stored frame is viewed at any speed, so what the drive it comes from had done by then does not count.
        values["stop_m"] = next_stop_m(values["signs"])
        return FrameFacts(**values)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadFrame(f"expected the facts of version {VERSION}, got an entry with {error!r}") from error


def measurements(facts: FrameFacts, ego_matrix: list[list[float]]) -> dict[str, Any]:
    """One frame's record: SimLingo's measurement keys, and the facts whole under "facts"."""
    light = facts.light
    return {
        "version": VERSION,
        "speed": facts.speed_mps,
        "speed_limit": facts.speed_limit_mps,
        "target_point": _rounded(facts.target_points)[0],  # type: ignore[index]
        "target_point_next": _rounded(facts.target_points)[1],  # type: ignore[index]
        "command": facts.command,
        "next_command": facts.next_command,
        "route": _rounded(facts.route[2:42]),
        "route_original": _rounded(facts.route[2:42]),
        "changed_route": False,
        "junction": facts.in_junction,
        "light_hazard": light is not None and light.state != "green",
        "vehicle_hazard": facts.lead is not None,
        "walker_hazard": facts.pedestrian is not None,
        "augmentation_translation": 0.0,
        "augmentation_rotation": 0.0,
        "ego_matrix": ego_matrix,
        "facts": facts_to_json(facts),
    }


# ---- writing ---------------------------------------------------------------------------------------------------------


def picture_jpeg(rgb: npt.NDArray[np.uint8]) -> bytes:
    """A 1024x512 RGB frame as a JPEG with all of its colour: a lamp far away is a few pixels of it."""
    if rgb.shape != (512, 1024, 3):
        raise ValueError(f"expected a (512, 1024, 3) picture, got {rgb.shape}")
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def _put(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(
            error.errno, f"cannot write {path}: {error.strerror}; free some space or give another --out"
        ) from error


def _zipped(entry: Any) -> bytes:
    return gzip.compress(json.dumps(entry, separators=(",", ":")).encode(), compresslevel=3, mtime=0)


class FolderWriter:
    """Appends frames to one run's folders; a run is one worker of one collection, with a number of its own."""

    def __init__(self, root: Path, town: str, run: int) -> None:
        self.root, self.town, self.run = root, town, run
        self._next: dict[Path, int] = {}

    def folder(self, split: str, weather: str) -> Path:
        return self.root / "data" / "backseat" / split / f"{weather}_{self.run:03d}" / f"Town_{self.town}"

    def _index(self, folder: Path) -> int:
        if folder not in self._next:
            for part in ("rgb", "measurements", "boxes"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            taken = [int(path.name.split(".")[0]) for path in (folder / "measurements").glob("[0-9]*.json.gz")]
            self._next[folder] = max(taken, default=-1) + 1
        index = self._next[folder]
        self._next[folder] = index + 1
        return index

    def write(self, rgb: npt.NDArray[np.uint8], facts: FrameFacts, ego_matrix: list[list[float]]) -> Path:
        """Store one frame and return its measurements' path. OSError names the file when the disk is full."""
        folder = self.folder(split_of(facts.place), facts.weather)
        index = self._index(folder)
        _put(folder / "rgb" / f"{index:04d}.jpg", picture_jpeg(rgb))
        boxes = [{"class": box.kind, "box": [box.u0, box.v0, box.u1, box.v1]} for box in facts.seen]
        _put(folder / "boxes" / f"{index:04d}.json.gz", _zipped(boxes))
        path = folder / "measurements" / f"{index:04d}.json.gz"
        _put(path, _zipped(measurements(facts, ego_matrix)))
        return path


# ---- reading ---------------------------------------------------------------------------------------------------------


def frames(root: Path, split: str) -> list[Path]:
    """The measurement files of a split, sorted. Raises FileNotFoundError naming the folder when there are none."""
    if split not in SPLITS:
        raise ValueError(f"expected a split of {SPLITS}, got {split!r}")
    found = sorted((root / "data" / "backseat" / split).glob("*/Town_*/measurements/[0-9]*.json.gz"))
    if not found:
        raise FileNotFoundError(f"no {split} frames under {root}; make some with `launch.py collect --out {root}`")
    return found


def read_one(path: Path) -> tuple[Path, FrameFacts]:
    """One frame by its measurements' path. Raises BadFrame when either file is damaged or of another version."""
    jpeg = path.parent.parent / "rgb" / f"{path.name.split('.')[0]}.jpg"
    try:
        entry = json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, ValueError) as error:
        raise BadFrame(f"{path}: not readable ({error})") from error
    if not isinstance(entry, dict) or entry.get("version") != VERSION:
        got = entry.get("version") if isinstance(entry, dict) else type(entry).__name__
        raise BadFrame(f"{path}: expected version {VERSION}, got {got}; collect it again")
    try:
        facts = facts_from_json(entry["facts"])
    except (BadFrame, KeyError) as error:
        raise BadFrame(f"{path}: {error}") from error
    if not is_whole_jpeg(jpeg):
        raise BadFrame(f"{jpeg}: missing or cut short")
    return jpeg, facts


def is_whole_jpeg(path: Path) -> bool:
    """Whether a file begins and ends as a JPEG does; full decoding is left to whoever looks at it."""
    try:
        with path.open("rb") as file:
            head = file.read(2)
            file.seek(-2, os.SEEK_END)
            return head == b"\xff\xd8" and file.read(2) == b"\xff\xd9"
    except OSError:
        return False


def read(root: Path | str, split: str, skipped: list[str] | None = None) -> Iterator[tuple[Path, FrameFacts]]:
    """Every usable frame of a split as (jpeg path, facts). What is passed over is named in `skipped`."""
    for path in frames(Path(root), split):
        try:
            yield read_one(path)
        except BadFrame as error:
            if skipped is not None:
                skipped.append(str(error))


# ---- the data card ---------------------------------------------------------------------------------------------------


def tally(facts: FrameFacts) -> list[str]:
    """The categories one frame counts in."""
    light = facts.light.state if facts.light else "none"
    names = [
        f"town:{facts.town}",
        f"weather:{facts.weather}",
        f"source:{facts.source}",
        f"limit:{round(facts.speed_limit_mps * 3.6)} km/h",
        f"light:{light}",
        f"lead:{'none' if facts.lead is None else 'braking' if facts.lead.brakes else 'moving'}",
        f"pedestrian:{'in the way' if facts.pedestrian else 'none'}",
        f"lane on the left:{'yes' if facts.lane_left is not None else 'no'}",
        f"lane on the right:{'yes' if facts.lane_right is not None else 'no'}",
        f"junction:{'inside' if facts.in_junction else 'near' if facts.junction_m is not None else 'far'}",
    ]
    names += [f"sign:{sign.kind}" for sign in facts.signs or () if sign.kind != "limit"][:1]
    if facts.blocked_m is not None:
        names.append("lane blocked:waits" if facts.yield_m is not None else "lane blocked:goes round")
    elif facts.yield_m is not None:
        names.append("lets somebody pass at a sign")
    names += [f"turn:{name}" for name in facts.turns]
    return names


def write_card(root: Path, **about: Any) -> dict[str, Any]:
    """Count everything under `root` and store it as DIR/data_card.json; returns the card."""
    card: dict[str, Any] = {"version": VERSION, **about, "splits": {}}
    for split in SPLITS:
        skipped: list[str] = []
        counts: Counter[str] = Counter()
        total = 0
        try:
            for _, facts in read(root, split, skipped):
                counts.update(tally(facts))
                total += 1
        except FileNotFoundError:
            pass
        card["splits"][split] = {
            "frames": total,
            "skipped": len(skipped),
            "first_skipped": skipped[:5],
            "counts": dict(sorted(counts.items())),
        }
    _put(root / "data_card.json", json.dumps(card, indent=1).encode())
    return card
