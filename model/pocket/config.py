"""Pocket's shape and preprocessing constants. Stored as config.json beside the weights; driving reads it from there."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from model.pocket import images
from sim_bridge.messages import PATH_POINTS, SPEED_POINTS, InstructionKind

FORMAT = 3
CELL_PX = 16  # the backbone's stride
# Dense classes by cell, and the global facts, in the order of the heads' outputs.
CELL_CLASSES = ("nothing", "red", "yellow", "green", "lead", "lead_brakes", "pedestrian", "vehicle")
LIGHTS = ("none", "red", "yellow", "green")
FLAGS = ("lead", "lead_brakes", "pedestrian", "left_lane", "right_lane")
MEASURES = ("light_m", "lead_m", "pedestrian_m", "curvature", "junction_m")
# What one unit of each measure's output is worth; the curvature's is 1/m.
MEASURE_SCALES = (10.0, 10.0, 10.0, 0.015, 20.0)
# What else the eye is asked, each a choice of one: what can be read off a picture without the car's own plan. Distances
# are chosen as they are said, in metres.
_SAID_M = ("5", "10", "20", "30", "50")
_NO_YES = ("no", "yes")
_COUNTS = ("0", "1", "2", "3", "more")
CHOICES: dict[str, tuple[str, ...]] = {
    "lead_type": ("car", "van", "truck", "bus", "motorcycle", "bicycle"),
    "lead_color": ("white", "black", "grey", "silver", "red", "blue", "green", "yellow", "orange", "brown"),
    "lead_said_m": _SAID_M,
    "light_said_m": _SAID_M,
    "pedestrian_said_m": _SAID_M,
    "junction_said_m": ("none", "inside", *_SAID_M),
    "vehicle_count": _COUNTS,
    "pedestrian_count": _COUNTS,
    "vehicle_left": _NO_YES,
    "vehicle_right": _NO_YES,
    "pedestrian_where": ("nowhere", "left", "ahead", "right"),
    "stop_sign": _NO_YES,
    "yield_sign": _NO_YES,
    "limit_kmh": ("none", "20", "30", "40", "50", "60", "70", "80", "90"),
    "lane_left": ("none", "free", "marked", "oncoming"),
    "lane_right": ("none", "free", "marked"),
    "in_lane": ("left", "middle", "right"),
    "bend": ("left", "straight", "right"),
    "way_left": _NO_YES,
    "way_straight": _NO_YES,
    "way_right": _NO_YES,
    "lane_blocked": _NO_YES,
}
KINDS = tuple(kind.value for kind in InstructionKind)


class ConfigError(ValueError):
    """A config.json that does not describe a Pocket this code can build."""


@dataclass(frozen=True, slots=True)
class PocketConfig:
    """Everything needed to rebuild the network for a set of weights."""

    vocabulary: tuple[str, ...]
    width: int = 192
    layers: int = 4
    heads: int = 6
    kv_heads: int = 2
    feed_forward: int = 576
    channels: tuple[int, int, int, int] = (24, 48, 96, 192)
    vision_blocks: int = 2
    vision_heads: int = 4
    eye_width: int = images.EYE_WIDTH
    eye_height: int = images.EYE_HEIGHT
    eye_mean: float = 110.0
    eye_scale: float = 60.0
    path_points: int = PATH_POINTS
    speed_points: int = SPEED_POINTS
    kinds: tuple[str, ...] = KINDS
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ConfigError(
                f"expected weights of format {FORMAT}, got format {self.format}: train or fetch them anew"
            )
        if (self.eye_width, self.eye_height) != (images.EYE_WIDTH, images.EYE_HEIGHT):
            raise ConfigError(
                f"expected an eye of {images.EYE_WIDTH}x{images.EYE_HEIGHT}, got {self.eye_width}x{self.eye_height}"
            )
        if self.width % self.heads or self.heads % self.kv_heads or (self.width // self.heads) % 2:
            raise ConfigError(f"{self.width} wide, {self.heads} heads and {self.kv_heads} shared heads do not divide")
        if (self.path_points, self.speed_points) != (PATH_POINTS, SPEED_POINTS):
            raise ConfigError(
                f"expected {PATH_POINTS}+{SPEED_POINTS} points, got {self.path_points}+{self.speed_points}"
            )
        if unknown := set(self.kinds) - set(KINDS):
            raise ConfigError(f"the weights know instruction kinds this program does not: {sorted(unknown)}")

    @property
    def head_dim(self) -> int:
        return self.width // self.heads

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the backbone's cells in one view."""
        return self.eye_height // CELL_PX, self.eye_width // CELL_PX

    @property
    def facts(self) -> int:
        """How many of the image tokens, the first ones, tell one fact each: the light, every flag and every choice."""
        return 1 + len(FLAGS) + len(CHOICES)

    @property
    def image_tokens(self) -> int:
        """One a fact; a quarter of both views' cells; one that tells all that the heads see."""
        rows, columns = self.grid
        return self.facts + images.VIEWS * rows * columns // 4 + 1

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> PocketConfig:
        """Raises ConfigError naming what is wrong."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(
                f"no {path.name} in {path.parent}: a Pocket folder holds config.json and weights"
            ) from None
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ConfigError(f"{path} is not readable JSON: {error}") from None
        fields = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(raw, dict) or set(raw) != fields:
            have = set(raw) if isinstance(raw, dict) else set()
            raise ConfigError(f"{path}: missing {sorted(fields - have)}, unexpected {sorted(have - fields)}")
        try:
            return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in raw.items()})
        except TypeError as error:
            raise ConfigError(f"{path}: {error}") from None
