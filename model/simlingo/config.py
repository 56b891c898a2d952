"""The shape of a SimLingo network. Full size is the published one; toy width runs the same code in milliseconds.

Every number is readable from a checkpoint's tensor shapes, so a configuration is never stored beside the weights.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim_bridge.messages import PATH_POINTS, SPEED_POINTS

HEAD_DIM = 64  # of both transformers, at every width
PATCH_PX = 14
TILES = 2  # two columns, one row, no thumbnail
MAX_NEW_TOKENS = 100  # of one answer, as published
ROPE_THETA = 1_000_000.0
LORA_SCALE = 2.0  # alpha / rank = 64 / 32
LORA_DROPOUT = 0.1
QUERIES = PATH_POINTS + SPEED_POINTS


@dataclass(frozen=True, slots=True)
class SimLingoConfig:
    """Widths and depths. `vocabulary` counts the embedding rows; token ids from there up are placeholders."""

    vision_width: int = 1024
    vision_layers: int = 24
    vision_feed_forward: int = 4096
    tile_px: int = 448
    width: int = 896
    layers: int = 24
    kv_heads: int = 2
    feed_forward: int = 4864
    vocabulary: int = 151_655
    lora_rank: int = 32

    def __post_init__(self) -> None:
        if self.vision_width % HEAD_DIM or self.width % HEAD_DIM:
            raise ValueError(f"expected widths divisible by {HEAD_DIM}, got {self.vision_width} and {self.width}")
        if self.tile_px % (2 * PATCH_PX):
            raise ValueError(f"expected a tile that is a multiple of {2 * PATCH_PX} px, got {self.tile_px}")
        if self.heads % self.kv_heads:
            raise ValueError(f"expected {self.heads} heads to be shared evenly by {self.kv_heads} key heads")

    @property
    def heads(self) -> int:
        return self.width // HEAD_DIM

    @property
    def vision_heads(self) -> int:
        return self.vision_width // HEAD_DIM

    @property
    def grid(self) -> int:
        """Patches along one side of a tile."""
        return self.tile_px // PATCH_PX

    @property
    def image_tokens(self) -> int:
        """Tokens of one frame: a quarter of the patches of each tile."""
        return TILES * (self.grid // 2) ** 2


FULL = SimLingoConfig()
# The embedding rows of the toy are given by its tokenizer.
TOY_VOCABULARY = 640


def toy(vocabulary: int = TOY_VOCABULARY) -> SimLingoConfig:
    """A network of the same design small enough for tests: 8 image tokens, two layers a side."""
    return SimLingoConfig(
        vision_width=64,
        vision_layers=2,
        vision_feed_forward=128,
        tile_px=56,
        width=128,
        layers=2,
        kv_heads=1,
        feed_forward=256,
        vocabulary=vocabulary,
        lora_rank=32,
    )
