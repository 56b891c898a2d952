"""The sky: a painted panorama on a dome around each camera: haze, clouds, the sun. Drawn behind all that is solid."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import BitMask32, CompassEffect, NodePath, SamplerState

from sim_bridge.embedded.contracts import Sky
from sim_bridge.embedded.renderer.geoms import Surface, geom_node, smooth_surface
from sim_bridge.embedded.renderer.light import Daylight
from sim_bridge.embedded.renderer.static_scene import paint_in_order
from sim_bridge.embedded.renderer.textures import tileable_noise, upload

Image = npt.NDArray[np.float32]

_RADIUS_M = 1500.0  # behind everything and within the far plane
_SEGMENTS = 32
_WIDTH, _HEIGHT = 1024, 256
# The lowest ring lies under the horizon, so that the far ground's edge never shows the clear colour.
_LOWEST_DEG = -4.0
_RINGS = 9
_CLOUD_HEIGHT = 0.35  # in repeats of the noise: how far apart clouds stand


def _elevation_rad(v: Any) -> Any:
    """Row of the panorama 0..1 to elevation: more rows near the horizon, where drivers look."""
    low = math.radians(_LOWEST_DEG)
    return low + (math.pi / 2.0 - low) * np.asarray(v) ** 1.7


def _dome() -> Surface:
    columns = np.linspace(0.0, 1.0, _SEGMENTS + 1)
    rows = np.linspace(0.0, 1.0, _RINGS)
    u, v = np.meshgrid(columns, rows)
    azimuth, elevation = u * 2.0 * math.pi, _elevation_rad(v)
    flat = np.cos(elevation) * _RADIUS_M
    points = np.stack([np.cos(azimuth) * flat, np.sin(azimuth) * flat, np.sin(elevation) * _RADIUS_M], -1)
    triangles = []
    for ring in range(_RINGS - 1):
        for i in range(_SEGMENTS):
            a, b = ring * (_SEGMENTS + 1) + i, (ring + 1) * (_SEGMENTS + 1) + i
            triangles += [(a, b, b + 1), (a, b + 1, a + 1)]
    dome = smooth_surface(points.reshape(-1, 3), triangles)
    return Surface(
        dome.vertices, dome.normals, dome.colors, np.stack([u, v], -1).reshape(-1, 2).astype(np.float32), dome.triangles
    )


@cache
def _cloud_field() -> tuple[Image, Image]:
    """Density 0..1 of clouds over the panorama, and how far each pixel fades into the haze (1 at the horizon)."""
    u = (np.arange(_WIDTH) + 0.5) / _WIDTH
    elevation = np.maximum(_elevation_rad((np.arange(_HEIGHT) + 0.5) / _HEIGHT), math.radians(1.2))
    reach = _CLOUD_HEIGHT / np.tan(elevation)[:, None]
    x, y = np.cos(2.0 * math.pi * u) * reach, np.sin(2.0 * math.pi * u) * reach
    density = np.zeros((_HEIGHT, _WIDTH), np.float32)
    for cells, weight in ((4, 0.5), (9, 0.28), (21, 0.15), (43, 0.07)):
        noise = tileable_noise(f"clouds {cells}", 256, cells)
        density += weight * noise[(y * 90).astype(int) % 256, (x * 90).astype(int) % 256]
    return density, np.exp(-np.degrees(elevation) / 9.0)[:, None].astype(np.float32)


class SkyDome:
    """One panorama for all cameras; each camera carries a dome of its own. `relight` repaints it."""

    def __init__(self) -> None:
        self._node = geom_node("sky", _dome())
        self._density, self._haze = _cloud_field()
        self._texture: Any = None

    def relight(self, sky: Sky, light: Daylight) -> None:
        texture = upload("sky", self._painted(sky, light))
        texture.setWrapU(SamplerState.WM_repeat)
        texture.setWrapV(SamplerState.WM_clamp)
        texture.setMinfilter(SamplerState.FT_linear)
        self._texture = texture

    def hang(self, camera: Any, mask: Any) -> Any:
        """A dome that follows `camera`'s place but not its turning, seen by cameras of `mask` only."""
        path = camera.attachNewNode("sky dome")
        path.attachNewNode(self._node)
        path.setTexture(self._texture)
        path.setEffect(CompassEffect.make(NodePath(), CompassEffect.PRot))
        paint_in_order(path, "sky")
        path.setTwoSided(True)
        path.hide(BitMask32.allOn())
        path.showThrough(mask)
        return path

    def _painted(self, sky: Sky, light: Daylight) -> Image:
        up = np.sin(np.maximum(_elevation_rad((np.arange(_HEIGHT) + 0.5) / _HEIGHT), 0.0))
        blend = (up**0.62)[:, None, None].astype(np.float32)
        zenith, horizon = np.array(light.zenith, np.float32), np.array(light.horizon, np.float32)
        image = np.repeat(horizon * (1.0 - blend) + zenith * blend, _WIDTH, axis=1)
        self._add_sun(image, light)
        cover = min(1.0, sky.cloudiness / 100.0)
        above = self._density - np.float32(0.66 - 0.42 * cover)
        cloud = (np.clip(above / 0.16, 0.0, 1.0) * (1.0 - self._haze) * 0.85)[..., None]
        shade = np.clip(above / 0.5, 0.0, 1.0)[..., None] * np.float32(0.12 + 0.3 * cover)
        lit = (0.75 * max(light.tint) + 0.25 * horizon).astype(np.float32)
        image += cloud * ((np.array([0.97, 0.97, 0.98], np.float32) - shade) * lit - image)
        return np.asarray(image, np.float32)

    def _add_sun(self, image: Image, light: Daylight) -> None:
        """A bright spot with a wide, faint halo."""
        azimuth = (np.arange(_WIDTH) + 0.5) / _WIDTH * 2.0 * math.pi
        elevation = _elevation_rad((np.arange(_HEIGHT) + 0.5) / _HEIGHT)[:, None]
        sun = np.array(light.sun) / np.linalg.norm(light.sun)
        facing = np.cos(elevation) * (np.cos(azimuth) * sun[0] + np.sin(azimuth) * sun[1]) + np.sin(elevation) * sun[2]
        # 1 - cos grows with the square of the angle: the disc ends near 1.8 degrees, the halo fades over some ten.
        away = 1.0 - facing.astype(np.float32)
        shine = np.clip(2.0 - away * 4000.0, 0.0, 1.0) + 0.30 * np.exp(-np.sqrt(np.maximum(away, 0.0)) * 9.0)
        image += (shine * min(1.0, light.sun_strength * 2.2))[..., None] * np.array([1.0, 0.95, 0.82], np.float32)
