"""Pocket's eye: the one way from a camera picture to what the network sees, in training and in driving. Any thread.

    wide    1024x512  --box filter-->  256x128  --rows 11..106-->                256x96   110 degrees, all of the road
    fovea   1024x512  --344x129 px around the horizon's middle, box filter-->    256x96   51 degrees, three times finer

Wide drops the top twelfth (sky) and the bottom sixth (asphalt right before the bonnet). The fovea is where far lamps,
walkers, plates and the vehicle ahead are: at 30 m a lamp is eight pixels in it and not three. Fixed, as a dashboard
camera's second lens would be; nothing steers it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

EYE_WIDTH = 256
EYE_HEIGHT = 96
WIDE, FOVEA = range(2)
VIEWS = 2
# (left, top, right, bottom) of each view, in shares of the 2:1 picture.
WINDOWS = (
    (0.0, 11 / 128, 1.0, 107 / 128),
    (340 / 1024, 184 / 512, 684 / 1024, 313 / 512),
)


def eye(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(H, W, 3) RGB with W = 2 H, at least 256 wide -> (2, 96, 256, 3). Raises ValueError for any other picture.

    A picture narrower than 1024 px is seen whole, but no finer in the fovea than it is.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"expected an (H, W, 3) uint8 RGB picture, got shape {rgb.shape} of {rgb.dtype}")
    height, width = rgb.shape[:2]
    if width != 2 * height or width < EYE_WIDTH:
        raise ValueError(f"expected a 2:1 picture at least {EYE_WIDTH} px wide, got {width}x{height}")
    picture = Image.fromarray(rgb)
    size = (EYE_WIDTH, EYE_HEIGHT)
    views = [
        picture.resize(size, Image.Resampling.BOX, (u0 * width, v0 * height, u1 * width, v1 * height))
        for u0, v0, u1, v1 in WINDOWS
    ]
    return np.stack([np.asarray(view) for view in views])
