"""What each part of Pocket should have said for one sample, as arrays. No torch, any thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.pocket import images
from model.pocket.config import CELL_CLASSES, CELL_PX, FLAGS, KINDS, MEASURE_SCALES, MEASURES
from model.training.samples import Sample, SeenBox

ROWS, COLUMNS = images.EYE_HEIGHT // CELL_PX, images.EYE_WIDTH // CELL_PX
# Painted in this order, so that what matters more stays on top where boxes share a cell.
PAINT_ORDER = ("vehicle", "lead", "lead_brakes", "yellow", "green", "red", "pedestrian")
# A cell belongs to a box that covers this share of it, or holds this share of the box.
COVER = 0.3
IGNORED_KIND = -100


class Aux(NamedTuple):
    """Targets of the whole-picture heads; `*_known` is 0 where the fact says nothing (no lead: no gap)."""

    light: int
    flags: npt.NDArray[np.float32]
    flags_known: npt.NDArray[np.float32]
    measures: npt.NDArray[np.float32]
    measures_known: npt.NDArray[np.float32]


def cells(seen: Sequence[SeenBox]) -> npt.NDArray[np.int64]:
    """(2 * rows * columns,) class numbers of `config.CELL_CLASSES`, a view row by row from its top left, then the
    next."""
    grid = np.zeros((images.VIEWS, ROWS, COLUMNS), np.int64)
    order = {kind: i for i, kind in enumerate(PAINT_ORDER)}
    for box in sorted((b for b in seen if b.kind in order), key=lambda b: order[b.kind]):
        for view, window in enumerate(images.WINDOWS):
            grid[view][_covered(box, window)] = CELL_CLASSES.index(box.kind)
    return grid.reshape(-1)


def _covered(box: SeenBox, window: tuple[float, float, float, float]) -> npt.NDArray[np.bool_]:
    """(rows, columns): which cells of the view that `window` cuts out the box claims."""
    left, top, right, bottom = window
    u0, u1 = ((edge - left) / (right - left) * COLUMNS for edge in sorted((box.u0, box.u1)))
    v0, v1 = ((edge - top) / (bottom - top) * ROWS for edge in sorted((box.v0, box.v1)))
    across = _overlaps(u0, u1, COLUMNS)
    down = _overlaps(v0, v1, ROWS)
    shared = down[:, None] * across[None, :]  # in cells
    size = max(1e-6, (u1 - u0) * (v1 - v0))
    claimed = (shared >= COVER) | (shared >= COVER * size)
    return claimed & (shared > 0)


def _overlaps(low: float, high: float, count: int) -> npt.NDArray[np.float64]:
    edges = np.arange(count)
    return np.clip(np.minimum(high, edges + 1) - np.maximum(low, edges), 0, None)


def aux(facts: Mapping[str, float]) -> Aux:
    """Targets from `Sample.aux`. Measures are in units of MEASURE_SCALES."""
    present = {"light_m": facts["light"] > 0, "lead_m": facts["lead"] > 0, "pedestrian_m": facts["pedestrian"] > 0}
    known_flags = {"lead": facts["lead_known"], "lead_brakes": float(facts["lead"] > 0)}
    flags_known = [known_flags.get(flag, 1.0) for flag in FLAGS]
    known = [float(present.get(name, True)) for name in MEASURES]
    values = [
        facts[name] / scale if there else 0.0
        for name, scale, there in zip(MEASURES, MEASURE_SCALES, known, strict=True)
    ]
    return Aux(
        int(facts["light"]),
        np.array([facts[flag] for flag in FLAGS], np.float32),
        np.array(flags_known, np.float32),
        np.array(values, np.float32),
        np.array(known, np.float32),
    )


def kind(sample: Sample) -> int:
    """The instruction kind's number; IGNORED_KIND where no instruction was shown."""
    return KINDS.index(sample.kind.value) if sample.task == "dream" else IGNORED_KIND
