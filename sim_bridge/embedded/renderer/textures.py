"""Textures painted with numpy: asphalt, grass, stone, facades, bark, leaves. Power of two, tileable, deterministic.

One repeat of a facade is one storey of two window bays. Painted as RGB, (S, S, 3) 0..1, row 0 at the bottom.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import SamplerState, Texture

Image = npt.NDArray[np.float32]

_SIZE = 128


def _rng(name: str) -> np.random.Generator:
    return np.random.default_rng(np.frombuffer(name.encode(), np.uint8))


def _noise(rng: np.random.Generator, size: int, cells: int) -> Image:
    """Tileable value noise (S, S), 0..1, `cells` bumps across."""
    grid = rng.random((cells, cells)).astype(np.float32)
    at = np.arange(size) * cells / size
    low = at.astype(int) % cells
    t = (at - np.floor(at)).astype(np.float32)
    t = t * t * (3 - 2 * t)
    high = (low + 1) % cells
    rows = grid[low] * (1 - t)[:, None] + grid[high] * t[:, None]
    return np.asarray(rows[:, low] * (1 - t) + rows[:, high] * t, np.float32)


def tileable_noise(name: str, size: int, cells: int) -> Image:
    """(S, S) value noise 0..1 that repeats, `cells` bumps across; the same name is the same noise."""
    return _noise(_rng(name), size, cells)


def _flat(color: tuple[float, float, float], size: int = _SIZE) -> Image:
    return np.tile(np.array(color, np.float32), (size, size, 1))


def _grained(name: str, color: tuple[float, float, float], fine: float, coarse: float) -> Image:
    rng = _rng(name)
    speckle = (rng.random((_SIZE, _SIZE)).astype(np.float32) - 0.5) * fine
    patches = (_noise(rng, _SIZE, 4) + _noise(rng, _SIZE, 9) - 1.0) * coarse
    return _flat(color) * (1.0 + speckle + patches)[..., None]


def _asphalt() -> Image:
    return _grained("asphalt", (0.36, 0.36, 0.375), 0.16, 0.05)


def _grass() -> Image:
    image = _grained("grass", (0.42, 0.53, 0.29), 0.20, 0.14)
    image[..., 0] *= 1.0 + (_noise(_rng("straw"), _SIZE, 6) - 0.5) * 0.3
    return image


def _pavement() -> Image:
    image = _grained("pavement", (0.66, 0.65, 0.62), 0.07, 0.04)
    for joint in range(0, _SIZE, _SIZE // 2):
        image[joint : joint + 2] *= 0.80
        image[:, joint : joint + 2] *= 0.80
    return image


def _roof() -> Image:
    return _grained("roof", (0.50, 0.47, 0.45), 0.12, 0.06)


def _bark() -> Image:
    image = _grained("bark", (0.40, 0.31, 0.23), 0.2, 0.1)
    return image * (0.8 + 0.4 * _noise(_rng("rings"), _SIZE, 16)[:1].T[None, :, 0, None])


def _leaves() -> Image:
    rng = _rng("leaves")
    clumps = _noise(rng, _SIZE, 8) * 0.5 + _noise(rng, _SIZE, 20) * 0.5
    light = 0.50 + 0.95 * clumps + (rng.random((_SIZE, _SIZE)).astype(np.float32) - 0.5) * 0.25
    return _flat((0.40, 0.56, 0.26)) * light[..., None]


def _brick_wall() -> Image:
    rng = _rng("brick")
    image = _flat((0.74, 0.45, 0.36)) * (1.0 + (rng.random((_SIZE, _SIZE, 1)).astype(np.float32) - 0.5) * 0.12)
    for course, row in enumerate(range(0, _SIZE, 6)):
        image[row : row + 1] = (0.76, 0.69, 0.62)
        tones = 1.0 + (rng.random(_SIZE // 16 + 1).astype(np.float32) - 0.5) * 0.22
        shift = 8 * (course % 2)
        image[row + 1 : row + 6] *= np.roll(np.repeat(tones, 16)[:_SIZE], shift)[None, :, None]
        image[row : row + 6, (np.arange(0, _SIZE, 16) + shift) % _SIZE] = (0.76, 0.69, 0.62)
    return image


def _window(image: Image, left: int, bottom: int, width: int, height: int, frame: tuple[float, float, float]) -> None:
    """A pane with sky caught in its upper half, a frame and a sill."""
    image[bottom - 3 : bottom + height + 3, left - 3 : left + width + 3] = frame
    pane = image[bottom : bottom + height, left : left + width]
    sky = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None, None]
    slant = ((np.arange(width)[None, :] + np.arange(height)[:, None]) % 90 < 26)[..., None] * 0.06
    pane[:] = np.array([0.20, 0.25, 0.31]) * (1 - sky) + np.array([0.50, 0.61, 0.72]) * sky + slant
    image[bottom - 6 : bottom - 3, left - 5 : left + width + 5] = (0.72, 0.70, 0.67)


def _two_windows(wall: Image, frame: tuple[float, float, float], width: int = 28, height: int = 64) -> Image:
    for left in (_SIZE // 4, 3 * _SIZE // 4):
        _window(wall, left - width // 2, 36, width, height, frame)
    return wall


def _facade_brick() -> Image:
    return _two_windows(_brick_wall(), (0.90, 0.88, 0.84))


def _facade_plaster() -> Image:
    wall = _grained("plaster", (0.92, 0.89, 0.83), 0.04, 0.03)
    wall[:5] *= 0.88
    return _two_windows(wall, (0.95, 0.94, 0.92), 32, 60)


def _facade_office() -> Image:
    wall = _grained("office", (0.82, 0.82, 0.81), 0.04, 0.03)
    _window(wall, 6, 40, 116, 58, (0.45, 0.46, 0.48))
    for post in (44, 82):
        wall[40:98, post : post + 3] = (0.45, 0.46, 0.48)
    return wall


def _facade_glass() -> Image:
    sky = np.linspace(0.0, 1.0, _SIZE, dtype=np.float32)[:, None, None]
    wall = (np.array([0.34, 0.46, 0.55]) * (1 - sky) + np.array([0.55, 0.69, 0.79]) * sky).astype(np.float32)
    wall = np.repeat(wall, _SIZE, axis=1)
    tones = np.repeat(1.0 + (_rng("glass").random(4).astype(np.float32) - 0.5) * 0.16, _SIZE // 4)
    wall = wall * tones[None, :, None]
    wall[:8] = (0.30, 0.33, 0.36)
    for post in range(0, _SIZE, _SIZE // 4):
        wall[:, post : post + 2] = (0.24, 0.27, 0.30)
    return wall


PAINTERS: dict[str, Callable[[], Image]] = {
    "asphalt": _asphalt,
    "grass": _grass,
    "pavement": _pavement,
    "facade_brick": _facade_brick,
    "facade_plaster": _facade_plaster,
    "facade_office": _facade_office,
    "facade_glass": _facade_glass,
    "roof": _roof,
    "bark": _bark,
    "leaves": _leaves,
}


def puddle_image(amount: float, size: int = 256) -> Image:
    """(S, S, 4) white whose opacity is where puddles stand: the more of them, the larger `amount` 0..1 is."""
    hollow = sum(w * tileable_noise(f"puddles {cells}", size, cells) for cells, w in ((5, 0.6), (11, 0.28), (29, 0.12)))
    image = np.ones((size, size, 4), np.float32)
    image[..., 3] = np.clip((hollow - (0.80 - 0.27 * amount)) / 0.05, 0.0, 1.0) * 0.58
    return image


def soft_disc(size: int = 64, power: float = 1.0) -> Image:
    """(S, S) opacity of a soft-edged rounded blob: 1 in the middle, 0 at the rim."""
    axis = (np.arange(size) + 0.5) / size * 2.0 - 1.0
    distance = (np.abs(axis[:, None]) ** 4 + np.abs(axis[None, :]) ** 4) ** 0.25
    return np.asarray(np.clip((1.0 - distance) / 0.42, 0.0, 1.0) ** power, np.float32)


def upload(name: str, image: Image) -> Any:
    """A panda texture from RGB (S, S, 3) or RGBA (S, S, 4), 0..1, row 0 at the bottom, with mipmaps."""
    height, width, channels = image.shape
    texture = Texture(name)
    texture.setup2dTexture(width, height, Texture.TUnsignedByte, Texture.FRgb if channels == 3 else Texture.FRgba)
    order = [2, 1, 0] + [3] * (channels == 4)
    texture.setRamImage(np.ascontiguousarray(np.clip(image[..., order] * 255.0 + 0.5, 0, 255).astype(np.uint8)))
    texture.setMinfilter(SamplerState.FT_linear_mipmap_linear)
    texture.setMagfilter(SamplerState.FT_linear)
    return texture


class Palette:
    """Textures of one renderer by name, painted when first asked for."""

    def __init__(self) -> None:
        self._textures: dict[str, Any] = {}

    def find(self, name: str) -> Any:
        """Raises ValueError naming the painted textures when there is no such one."""
        if name not in self._textures:
            painter = PAINTERS.get(name)
            if painter is None:
                raise ValueError(f"expected a texture out of {sorted(PAINTERS)}, got {name!r}")
            self._textures[name] = upload(name, painter())
        return self._textures[name]
