"""One view of the numbered scene: a buffer whose pixels are triangle numbers. World thread only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import BitMask32, GraphicsOutput, PerspectiveLens, Texture
from panda3d.core import Camera as PandaCamera

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import Pose
from sim_bridge.embedded.renderer.pipe import Target

_NUMBER = np.uint32(0x00FFFFFF)


@dataclass(frozen=True, slots=True)
class Window:
    """What a view looks through, one metre ahead: `left` to `right` and `low` to `high` of the axis, in metres, drawn
    as `width` x `height` pixels, from `near` to `far` metres."""

    left: float
    right: float
    low: float
    high: float
    width: int
    height: int
    near: float
    far: float

    def columns(self) -> npt.NDArray[np.float64]:
        """(W,) where the middles of the columns cross the plane one metre ahead."""
        return self.left + (np.arange(self.width) + 0.5) / self.width * (self.right - self.left)

    def rows(self) -> npt.NDArray[np.float64]:
        """(H,) the same for the rows, top row first."""
        return self.high - (np.arange(self.height) + 0.5) / self.height * (self.high - self.low)


class NumberView:
    """Lives from the sensor's first reading to its removal."""

    def __init__(self, target: Target, scene: Any, name: str, window: Window, mask_bit: int) -> None:
        self.window = window
        self.mask_bit = mask_bit
        self.mask = BitMask32.bit(mask_bit)
        self._target = target
        # Smoothed edges would be mixtures of two numbers, which is the number of something else.
        self._buffer = target.make_buffer(name, window.width, window.height, is_smooth=False)
        self._texture = Texture()
        self._buffer.addRenderTexture(self._texture, GraphicsOutput.RTMCopyRam)
        self._buffer.setClearColorActive(True)
        self._buffer.setClearColor((0.0, 0.0, 0.0, 0.0))
        node = PandaCamera(name, _lens(window))
        node.setCameraMask(self.mask)
        self._mount = scene.attachNewNode("mount")
        self._path = self._mount.attachNewNode(node)
        self._scene = scene
        self._buffer.makeDisplayRegion().setCamera(self._path)

    def aim(self, pose: Pose, yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> None:
        """Look along the sensor at `pose`, or turned from it to the right and then up."""
        panda_frame.put(self._mount, pose)
        self._path.setHpr(-yaw_deg, pitch_deg, 0.0)

    def set_due(self, is_due: bool) -> None:
        self._buffer.setActive(is_due)

    def camera_from_world(self) -> npt.NDArray[np.float64]:
        """(4, 4) for row vectors; the camera looks along +y with x to its right."""
        return np.array(self._scene.getMat(self._path), np.float64)

    def numbers(self) -> npt.NDArray[np.int64]:
        """(H, W) triangle numbers of the last drawing, top row first."""
        raw = np.frombuffer(self._texture.getRamImage(), np.uint32).reshape(self.window.height, self.window.width)
        return (raw[::-1] & _NUMBER).astype(np.int64)

    def close(self) -> None:
        self._target.give_back(self._buffer)
        self._mount.removeNode()


def _lens(window: Window) -> Any:
    lens = PerspectiveLens()
    lens.setFilmSize(window.right - window.left, window.high - window.low)
    lens.setFilmOffset((window.left + window.right) / 2.0, (window.low + window.high) / 2.0)
    lens.setFocalLength(1.0)
    lens.setNearFar(window.near, window.far)
    return lens
