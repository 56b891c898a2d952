"""Named sizes of Pocket to train, and the settings of one run. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model.pocket.config import PocketConfig
from model.training.recipe import SHIPPED, Recipe
from model.training.schedule import PEAK_RATE, Budget


@dataclass(frozen=True, slots=True)
class Preset:
    """`shape` are PocketConfig's fields; `batch` is shared by all processes."""

    shape: dict[str, object]
    batch: int
    held_out_views: int
    seconds_between_lines: float
    seconds_between_saves: float
    seconds_between_figures: float


PRESETS = {
    "pocket": Preset({}, 32, 768, 10.0, 120.0, 240.0),
    # For one core and a quarter of an hour, judged once and closely at its end.
    "comparison": Preset({}, 16, 2304, 10.0, 300.0, 1e9),
    "debug": Preset(
        {
            "width": 32,
            "layers": 1,
            "heads": 2,
            "kv_heads": 1,
            "feed_forward": 64,
            "channels": (16, 16, 16, 16),
            "vision_blocks": 1,
            "vision_heads": 2,
        },
        4,
        8,
        0.5,
        1e9,
        1e9,
    ),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """One run, as every process of it is told."""

    data: tuple[Path, ...]
    out: Path
    budget: Budget
    preset: str = "pocket"
    workers: int = 2
    device: str = "cpu"
    resume: bool = False
    seed: int = 0
    peak_rate: float = PEAK_RATE
    begin_from: Path | None = None  # a folder of weights to begin with, None for random ones
    only_words: bool = False  # the pointer alone learns, so that plans stay as they are to the last bit
    recipe: Recipe = SHIPPED

    @property
    def sizes(self) -> Preset:
        return PRESETS[self.preset]

    @property
    def share(self) -> int:
        """Views per step of one process."""
        return max(1, self.sizes.batch // self.workers)

    def config(self, words: tuple[str, ...]) -> PocketConfig:
        return PocketConfig(words, **{**self.sizes.shape, **self.recipe.shape})  # type: ignore[arg-type]
