"""One camera of the world: an offscreen buffer, a lens, and the copy of its picture to BGRA. World thread only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import BitMask32, GraphicsOutput, PerspectiveLens, Texture
from panda3d.core import Camera as PandaCamera
from PIL import Image

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import Camera
from sim_bridge.embedded.renderer.pipe import Target
from sim_bridge.embedded.renderer.sky import SkyDome

_OPAQUE = np.uint32(0xFF000000)  # alpha is the highest byte of a little-endian BGRA pixel
# The software depth buffer has 16 bits of 1/z: every centimetre of near plane counts in the distance.
_NEAR_M, _FAR_M = 0.45, 1600.0


class View:
    """Lives from `add_camera` to `remove_camera`. `supersample` 2 draws twice the size and averages."""

    def __init__(self, target: Target, scene: Any, camera: Camera, mask_bit: int, supersample: int) -> None:
        self.camera = camera
        self.mask = BitMask32.bit(mask_bit)
        self.mask_bit = mask_bit
        self._target = target
        self._supersample = supersample
        self._size = (camera.width * supersample, camera.height * supersample)
        self._buffer = target.make_buffer(f"camera {camera.camera_id}", *self._size)
        self._texture = Texture()
        self._buffer.addRenderTexture(self._texture, GraphicsOutput.RTMCopyRam)
        self._buffer.setClearColorActive(True)
        self._lens = _lens(camera)
        node = PandaCamera(f"camera {camera.camera_id}", self._lens)
        node.setCameraMask(self.mask)
        self.path = scene.attachNewNode(node)
        self._buffer.makeDisplayRegion().setCamera(self.path)
        self._sky: Any = None

    def hang_sky(self, dome: SkyDome, horizon: tuple[float, float, float]) -> None:
        if self._sky is not None:
            self._sky.removeNode()
        self._sky = dome.hang(self.path, self.mask)
        self.clear_to(horizon)

    def clear_to(self, color: tuple[float, float, float]) -> None:
        """What shows where nothing is drawn, 0..1."""
        self._buffer.setClearColor((*color, 1.0))

    def aim(self, camera: Camera) -> None:
        if camera.fov != self.camera.fov:
            _set_fov(self._lens, camera)
        self.camera = camera
        panda_frame.put(self.path, camera.pose)

    def set_due(self, is_due: bool) -> None:
        self._buffer.setActive(is_due)

    def picture(self) -> npt.NDArray[np.uint8]:
        """(H, W, 4) BGRA, top row first, contiguous, owned by the caller."""
        width, height = self._size
        raw = np.frombuffer(self._texture.getRamImage(), np.uint8).reshape(height, width, -1)
        if raw.shape[2] != 4:
            raise RuntimeError(f"expected 4 bytes per pixel from {self._target.name}, got {raw.shape[2]}")
        if self._supersample == 1:
            # Texturing leaves 254 here and there in the alpha; the flip's copy sets it for nothing.
            pixels = raw.view(np.uint32)[::-1, :, 0] | _OPAQUE
            return np.ascontiguousarray(pixels).view(np.uint8).reshape(height, width, 4)
        image = Image.frombuffer("RGBX", (width, height), raw, "raw", "RGBX", 0, -1)
        reduced = np.array(image.reduce(self._supersample))
        reduced[..., 3] = 255
        return reduced

    def close(self) -> None:
        self._target.give_back(self._buffer)
        self.path.removeNode()


def _set_fov(lens: Any, camera: Camera) -> None:
    """CARLA's fov is horizontal whatever the picture's shape."""
    half = math.radians(camera.fov) / 2.0
    vertical = 2.0 * math.degrees(math.atan(math.tan(half) * camera.height / camera.width))
    lens.setFov(camera.fov, vertical)


def _lens(camera: Camera) -> Any:
    lens = PerspectiveLens()
    lens.setFilmSize(camera.width, camera.height)
    _set_fov(lens, camera)
    lens.setNearFar(_NEAR_M, _FAR_M)
    return lens
