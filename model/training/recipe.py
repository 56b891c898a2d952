"""What a training view is made of and what counts in it: the choices behind the shipped weights, each in one place.

`python -m model.training.compare` departs from them one by one and measures what that does. Needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import nn

from model.pocket import images
from model.pocket.network import Pocket
from model.training import labels

GREY = 110  # what the network takes for nothing


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to train. The defaults are how the shipped weights are trained."""

    # A picture costs as much as all that is said about it, so each is talked about several times: conversations that
    # end in a plan, and asides that are words alone and leave out the thirty queries. Another speed, way and task each.
    plans: int = 2
    asides: int = 3
    acts_at_once: float = 0.5  # the share of plans made before a word is said, as while driving
    targets_dropped: float = labels.TARGET_DROPPED  # the share of views without the navigator's points
    left_out: tuple[str, ...] = ()  # parts of the loss that do not count
    has_fovea: bool = True  # without, that view is grey: the same network sees the wide view alone
    has_convolutions: bool = True  # without, 16x16 patches go straight to the attention between cells
    shape: dict[str, object] = field(default_factory=dict)  # PocketConfig's fields that differ

    def seen(self, eye: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """A packed picture (2, 96, 256, 3) as the network is shown it."""
        if self.has_fovea:
            return eye
        blinded = eye.copy()
        blinded[images.FOVEA] = GREY
        return blinded

    def built(self, network: Pocket) -> Pocket:
        """The network with its convolutions replaced where the recipe has none. Changes and returns it."""
        if not self.has_convolutions:
            backbone, patch = network.vision.backbone, 16
            backbone.stem = nn.Sequential(nn.Conv2d(3, network.config.channels[-1], patch, patch))
            backbone.stages = nn.Sequential()
        return network


SHIPPED = Recipe()
# Patches cost as much as convolutions where four more blocks look at them.
DEPARTURES = {
    "no losses of the eye": Recipe(left_out=("aux", "cells", "choices")),
    "the wide view alone": Recipe(has_fovea=False),
    "16x16 patches and four blocks more for convolutions": Recipe(has_convolutions=False, shape={"vision_blocks": 6}),
    "one conversation a picture": Recipe(plans=1, asides=0),
    "every plan after its words": Recipe(acts_at_once=0.0),
    "target points in every view": Recipe(targets_dropped=0.0),
}
