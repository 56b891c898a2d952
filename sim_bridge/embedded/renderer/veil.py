"""Fog, dust and rain laid over a finished picture: the software rasteriser has none, and GL shall show no other.

The day's light is not touched here: a sky without fog above FOG_FREE, dust and rain leaves every pixel as it was.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from sim_bridge.embedded.contracts import Sky
from sim_bridge.embedded.renderer.light import Daylight

Picture = npt.NDArray[np.uint8]
RGB = tuple[float, float, float]

FOG_FREE = 20.0  # thinner fog only greys the sky
_THICKEST_PER_M = 0.035
_DUST_PER_M, _RAIN_PER_M = 0.022, 0.007
_DUST_COLOR = np.array([0.72, 0.57, 0.38])
_DROP_COLOR = np.array([0.80, 0.84, 0.88])
_SHINES_FROM, _SHINES_OVER = 90.0, 110.0  # levels of a night's picture
_SHINE = 0.75  # of the opacity that the brightest lamp does away with
_MOST_DROPS = 1500  # streaks in a picture of 1024x512 in the hardest rain
_DROP_OPACITY = (40, 110)  # of 255
_SPARE_PX = 256  # how far the sheet of rain is larger than the picture, so that it can be shifted about


def thickness_per_m(sky: Sky) -> float:
    """How much of the light each metre of air takes; 0 where nothing has to be laid over."""
    fog = max(0.0, sky.fog_density - FOG_FREE) / (100.0 - FOG_FREE)
    rain = sky.precipitation / 100.0
    return float(_THICKEST_PER_M * fog**1.5 + _DUST_PER_M * sky.dust / 100.0 + _RAIN_PER_M * rain**2)


def fogged(picture: Picture, depth: npt.NDArray[np.float32], sky: Sky, light: Daylight) -> Picture:
    """The picture seen through the air of this weather. `depth` (h, w) metres may be smaller than the picture."""
    through = np.maximum(depth - sky.fog_distance_m, 0.0)
    opacity = 1.0 - np.exp(-thickness_per_m(sky) * through)
    # The sky is no wall a kilometre away: it shows through thin fog.
    share = max(max(0.0, sky.fog_density - FOG_FREE) / (100.0 - FOG_FREE), 0.9 * sky.dust / 100.0)
    opacity[depth >= 999.0] = min(1.0, share + 0.25 * sky.precipitation / 100.0)
    mask = Image.fromarray((opacity * 255.0 + 0.5).astype(np.uint8))
    height, width = picture.shape[:2]
    mask = mask.resize((width, height), Image.Resampling.BILINEAR)
    if light.night > 0.0:
        mask = _shone_through(mask, picture, light.night)
    return _blended(picture, _fog_color(sky, light), mask)


def _shone_through(mask: Image.Image, picture: Picture, night: float) -> Image.Image:
    """Less opacity where lamps and lit plates are: at night nothing else is bright, and light carries far."""
    brightest = picture[..., :3].max(axis=2).astype(np.float32)
    shine = np.clip((brightest - _SHINES_FROM) / _SHINES_OVER, 0.0, 1.0) * (_SHINE * night)
    return Image.fromarray((np.asarray(mask, np.float32) * (1.0 - shine)).astype(np.uint8))


def _fog_color(sky: Sky, light: Daylight) -> RGB:
    horizon = np.array(light.horizon)
    dust = sky.dust / 100.0
    r, g, b = np.clip(horizon * (1.0 - dust) + _DUST_COLOR * max(light.tint) * dust, 0.0, 1.0).tolist()
    return (r, g, b)


class Rain:
    """Sheets of streaks by picture size, drawn once and shifted about from picture to picture."""

    def __init__(self) -> None:
        self._sheets: dict[tuple[int, int, int, int], Image.Image] = {}
        self._falls = 0

    def over(self, picture: Picture, sky: Sky, light: Daylight) -> Picture:
        height, width = picture.shape[:2]
        amount, wind = round(sky.precipitation / 10.0), round(sky.wind / 25.0)
        if amount <= 0:
            return picture
        key = (width, height, amount, wind)
        if key not in self._sheets:
            if len(self._sheets) > 8:
                self._sheets.clear()
            self._sheets[key] = _sheet(*key)
        self._falls += 1
        x, y = (self._falls * 97) % _SPARE_PX, (self._falls * 151) % _SPARE_PX
        mask = self._sheets[key].crop((x, y, x + width, y + height))
        r, g, b = (_DROP_COLOR * (0.35 + 0.65 * min(1.0, max(light.tint)))).tolist()
        return _blended(picture, (r, g, b), mask)


def _sheet(width: int, height: int, amount: int, wind: int) -> Image.Image:
    """(H + spare, W + spare) opacity of streaks, long and slanted by the wind."""
    size = (width + _SPARE_PX, height + _SPARE_PX)
    sheet = Image.new("L", size, 0)
    draw = ImageDraw.Draw(sheet)
    rng = np.random.default_rng(width * 7919 + height * 31 + amount)
    count = int(_MOST_DROPS * amount / 10.0 * size[0] * size[1] / (1280.0 * 768.0))
    scale = height / 512.0
    for x, y, length, opacity in rng.random((count, 4)).tolist():
        tall = (10.0 + 26.0 * length) * scale
        start = (x * size[0], y * size[1])
        fill = int(_DROP_OPACITY[0] + (_DROP_OPACITY[1] - _DROP_OPACITY[0]) * opacity)
        draw.line((*start, start[0] - tall * math.tan(math.radians(2.0 + 4.0 * wind)), start[1] + tall), fill=fill)
    return sheet


def _blended(picture: Picture, color: RGB, mask: Image.Image) -> Picture:
    height, width = picture.shape[:2]
    # Pillow does not care what the channels are called: blue comes first in all of this.
    drawn = Image.frombuffer("RGBX", (width, height), picture, "raw", "RGBX", 0, 1)
    r, g, b = (int(value * 255.0 + 0.5) for value in color)
    return np.array(Image.composite(Image.new("RGBX", (width, height), (b, g, r, 255)), drawn, mask))
