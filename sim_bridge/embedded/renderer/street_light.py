"""Street lamps at night: a bulb that shines and a pool of light on the ground under it. World thread only.

Lamps are the town's boxes called "street lamp ..."; their heads reach out over the road along the box's heading.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from panda3d.core import TransparencyAttrib

from sim_bridge.embedded.contracts import StaticBox, Town
from sim_bridge.embedded.renderer.geoms import geom_node, joined, moved
from sim_bridge.embedded.renderer.solids import RGB, box, floor_patch
from sim_bridge.embedded.renderer.static_scene import chunked, paint_in_order
from sim_bridge.embedded.renderer.textures import Image, upload

_NAME = "street lamp"
_REACH_M = 1.9  # of the head beyond the pole
_POOL_M = 15.0
_POOL_COLOR: RGB = (1.0, 0.86, 0.60)
_POOL_STRENGTH = 0.34
_BULB_COLOR: RGB = (1.0, 0.93, 0.74)
_BULB_M: RGB = (0.56, 0.76, 0.10)


class StreetLight:
    """All lamps of one town; `relight` switches them at dusk and dawn."""

    def __init__(self, parent: Any, town: Town) -> None:
        self._node = parent.attachNewNode("street light")
        heads = [_head(lamp) for lamp in town.boxes if lamp.name.startswith(_NAME)]
        if heads:
            self._add(heads)
        self._node.hide()

    def _add(self, heads: list[RGB]) -> None:
        pools = self._node.attachNewNode("pools")
        bulbs = self._node.attachNewNode("bulbs")
        for piece in chunked(joined([moved(floor_patch(_POOL_M, _POOL_M, 0.03), x, y) for x, y, _ in heads])):
            pools.attachNewNode(geom_node("pools", piece))
        for piece in chunked(joined([box((x, y, z - 0.12), _BULB_M, _BULB_COLOR) for x, y, z in heads])):
            bulbs.attachNewNode(geom_node("bulbs", piece))
        pools.setTexture(upload("pool of light", _pool_image()))
        pools.setTransparency(TransparencyAttrib.MAlpha)
        paint_in_order(pools, "shadow")

    def relight(self, is_night: bool) -> None:
        if is_night:
            self._node.show()
        else:
            self._node.hide()


def _head(lamp: StaticBox) -> RGB:
    """Where the bulb hangs, in panda's frame."""
    yaw = math.radians(lamp.pose.yaw)
    x, y = lamp.pose.x + _REACH_M * math.cos(yaw), lamp.pose.y + _REACH_M * math.sin(yaw)
    return (x, -y, lamp.pose.z + lamp.extent[2])


def _pool_image(size: int = 64) -> Image:
    axis = (np.arange(size) + 0.5) / size * 2.0 - 1.0
    distance = np.hypot(axis[:, None], axis[None, :])
    image = np.empty((size, size, 4), np.float32)
    image[..., :3] = _POOL_COLOR
    image[..., 3] = _POOL_STRENGTH * np.clip(1.0 - distance, 0.0, 1.0) ** 1.3
    return image
