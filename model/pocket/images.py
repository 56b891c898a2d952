"""Pocket's eye: the one way from a camera picture to what the network sees, in training and in driving. Any thread.

    1024x512 (camera) or 512x256 (data set)  --box filter-->  256x128  --rows 11..106-->  256x96

The cut drops the top twelfth (sky) and the bottom sixth (asphalt right before the bonnet).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

EYE_WIDTH = 256
EYE_HEIGHT = 96
FULL_HEIGHT = 128  # of the whole 2:1 picture at the eye's scale
FIRST_ROW = 11  # rows FIRST_ROW .. FIRST_ROW + EYE_HEIGHT - 1 of FULL_HEIGHT are kept


def eye(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(H, W, 3) RGB with W = 2 H, at least 256 wide -> (96, 256, 3). Raises ValueError for any other picture."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"expected an (H, W, 3) uint8 RGB picture, got shape {rgb.shape} of {rgb.dtype}")
    height, width = rgb.shape[:2]
    if width != 2 * height or width < EYE_WIDTH:
        raise ValueError(f"expected a 2:1 picture at least {EYE_WIDTH} px wide, got {width}x{height}")
    picture = Image.fromarray(rgb)
    if width % EYE_WIDTH == 0:
        small = picture.reduce(width // EYE_WIDTH) if width > EYE_WIDTH else picture
    else:
        small = picture.resize((EYE_WIDTH, FULL_HEIGHT), Image.Resampling.BOX)
    return np.ascontiguousarray(np.asarray(small)[FIRST_ROW : FIRST_ROW + EYE_HEIGHT])
