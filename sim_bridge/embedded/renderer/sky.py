"""The sky dome: a hemisphere around each camera, bluest overhead, hazy at the horizon. Drawn first, without depth."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim_bridge.embedded.renderer.geoms import Surface, geom_node, smooth_surface
from sim_bridge.embedded.renderer.light import Daylight

_RADIUS_M = 400.0
_SEGMENTS = 24
# Elevations of the dome's rings in degrees, denser where the colour changes; the lowest hides the far ground's edge.
_RINGS_DEG = (-3.0, 0.0, 2.0, 5.0, 10.0, 20.0, 38.0, 62.0)


def _dome() -> Surface:
    around = np.linspace(0.0, 2.0 * np.pi, _SEGMENTS, endpoint=False)
    points = [(0.0, 0.0, _RADIUS_M)]
    for ring in np.radians(_RINGS_DEG):
        flat = np.cos(ring) * _RADIUS_M
        points += [(np.cos(a) * flat, np.sin(a) * flat, np.sin(ring) * _RADIUS_M) for a in around]
    triangles = []
    for ring in range(len(_RINGS_DEG)):
        low = 1 + ring * _SEGMENTS
        for i in range(_SEGMENTS):
            j = (i + 1) % _SEGMENTS
            if ring == len(_RINGS_DEG) - 1:
                triangles.append((low + i, 0, low + j))
            else:
                high = low + _SEGMENTS
                triangles += [(low + i, high + i, high + j), (low + i, high + j, low + j)]
    return smooth_surface(points, triangles)


class SkyDome:
    """One geometry, shared by every camera; `node` is replaced by `relight`."""

    def __init__(self) -> None:
        self._dome = _dome()
        self._elevation = np.clip(self._dome.vertices[:, 2] / _RADIUS_M, 0.0, 1.0)

    def relight(self, light: Daylight) -> Any:
        """A GeomNode in this weather's colours, to hang where cameras look for it."""
        blend = (self._elevation**0.55)[:, None]
        self._dome.colors[:, :3] = np.array(light.horizon) * (1.0 - blend) + np.array(light.zenith) * blend
        return geom_node("sky", self._dome)
