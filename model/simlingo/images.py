"""SimLingo's eye: camera picture -> two normalised tiles, exactly as its training pictures were made. Any thread.

    1024x512 RGB --JPEG 95--> drop 153 rows --> 1024x359 --bicubic--> 896x448 --> left and right 448x448 --> ImageNet

Up to the tiles it is bytes on the CPU; the normalisation runs wherever the network is.
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from model.simlingo.config import TILES

CAMERA_SIZE = (1024, 512)
JPEG_QUALITY = 95  # the training pictures' own; the round trip leaves the same marks on what the camera sees
MEAN = (0.485, 0.456, 0.406)  # ImageNet's, per channel of 0..1
STD = (0.229, 0.224, 0.225)


def jpeg_round_trip(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(H, W, 3) -> the same picture with the marks that its JPEG file would have."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=JPEG_QUALITY, subsampling="4:2:0")
    return np.asarray(Image.open(file))


def without_bonnet(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Drops the rows that show the car itself: 153 of 512."""
    height = rgb.shape[0]
    return rgb[: height - int(height * 4.8) // 16]


def grid_for(width: int, height: int) -> tuple[int, int]:
    """Columns and rows of tiles: of one tile, two beside or two above each other, the one nearest in aspect."""
    grids = ((1, 1), (1, 2), (2, 1))
    return min(grids, key=lambda grid: abs(width / height - grid[0] / grid[1]))


def cut(rgb: npt.NDArray[np.uint8], tile_px: int) -> npt.NDArray[np.uint8]:
    """(H, W, 3) RGB, 2:1, already a JPEG's -> (2, 3, tile_px, tile_px), left tile first."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"expected an (H, W, 3) uint8 RGB picture, got shape {rgb.shape} of {rgb.dtype}")
    if rgb.shape[1] != 2 * rgb.shape[0] or rgb.shape[0] < 64:
        raise ValueError(
            f"expected a 2:1 picture at least 128 px wide, got {rgb.shape[1]}x{rgb.shape[0]}: use SimLingo's camera"
        )
    kept = Image.fromarray(without_bonnet(rgb))
    columns, rows = grid_for(*kept.size)
    assert columns * rows == TILES, "a 2:1 picture without its bonnet is two tiles wide"
    wide = np.asarray(kept.resize((columns * tile_px, rows * tile_px), Image.Resampling.BICUBIC))
    return np.ascontiguousarray(wide.reshape(tile_px, columns, tile_px, 3).transpose(1, 3, 0, 2))


def normalised(tiles: Tensor) -> Tensor:
    """(..., 3, px, px) uint8 -> float32 with ImageNet's mean and spread taken out."""
    mean, std = (torch.tensor(values, device=tiles.device).view(3, 1, 1) for values in (MEAN, STD))
    return (tiles.float() / 255.0 - mean) / std


def tiles(rgb: npt.NDArray[np.uint8], tile_px: int) -> npt.NDArray[np.uint8]:
    """A camera frame, 1024x512 RGB uint8 -> (2, 3, tile_px, tile_px). Raises ValueError for any other size."""
    if rgb.shape != (CAMERA_SIZE[1], CAMERA_SIZE[0], 3) or rgb.dtype != np.uint8:
        raise ValueError(
            f"SimLingo expects its own camera's 1024x512 RGB uint8 picture, got shape {rgb.shape} of {rgb.dtype}: "
            "put a camera of FRONT_CAMERA's size on the car"
        )
    return cut(jpeg_round_trip(rgb), tile_px)
