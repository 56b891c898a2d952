"""Baked light: what a weather does to colours. Pure numpy, in panda's frame.

Lamps in the scene are dear in software and fog does not exist there, so light is multiplied into vertex colours once
per weather for what stands still, and once per shape for what moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.contracts import Sky

Floats = npt.NDArray[np.float32]
RGB = tuple[float, float, float]

_FULL_DAY_DEG, _NIGHT_DEG = 18.0, -8.0
NIGHT_FALLS = 0.4  # of `Daylight.night`: lamps go on
_NIGHT_TINT = np.array([0.27, 0.31, 0.43])
_LOW_SUN_TINT = np.array([1.10, 0.93, 0.76])
_DUST, _DUST_TINT = np.array([0.72, 0.57, 0.38]), np.array([1.0, 0.88, 0.70])
# The sun in a vehicle's own frame, high and a little behind it, because rears are what a driver looks at. It turns with
# the body, which the eye does not notice and which costs nothing per frame.
_BODY_SUN = np.array([0.36, -0.16, 0.919], np.float32)


@dataclass(frozen=True, slots=True)
class Daylight:
    """`tint` multiplies everything that does not shine by itself; the sky has its own two colours."""

    sun: tuple[float, float, float]  # towards the sun, panda's frame
    sun_strength: float
    ambient: float
    tint: RGB
    zenith: RGB
    horizon: RGB
    night: float  # 0 by day .. 1 at night


def _smooth(x: float, low: float, high: float) -> float:
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3.0 - 2.0 * t)


def daylight(sky: Sky) -> Daylight:
    """The light of this weather; clouds and rain take the sun and leave grey."""
    altitude, azimuth = math.radians(sky.sun_altitude), math.radians(sky.sun_azimuth)
    day = _smooth(sky.sun_altitude, _NIGHT_DEG, _FULL_DAY_DEG)
    overcast = min(1.0, max(sky.cloudiness - 20.0, 0.0) / 80.0 * 0.8 + sky.precipitation / 100.0 * 0.4)
    low_sun = day * (1.0 - _smooth(sky.sun_altitude, 5.0, 30.0)) * (1.0 - overcast)
    tint = _NIGHT_TINT + (1.0 - _NIGHT_TINT) * day
    tint = tint * (1.0 + (_LOW_SUN_TINT - 1.0) * low_sun) * (1.0 - 0.22 * overcast)
    grey = np.array([0.62, 0.66, 0.70])
    zenith = np.array([0.20, 0.43, 0.80]) * (1.0 - overcast) + grey * 0.85 * overcast
    horizon = np.array([0.78, 0.86, 0.93]) * (1.0 - overcast) + grey * 1.12 * overcast
    horizon = horizon * (1.0 - low_sun) + np.array([0.98, 0.80, 0.62]) * low_sun
    dust = min(1.0, sky.dust / 100.0)
    zenith, horizon = (color * (1.0 - 0.85 * dust) + _DUST * 0.85 * dust for color in (zenith, horizon))
    tint = tint * (1.0 - dust + _DUST_TINT * dust)
    haze = min(1.0, sky.fog_density / 100.0)
    zenith = zenith * (1.0 - 0.8 * haze) + horizon * 0.8 * haze
    dark = _NIGHT_TINT * 0.25 + (1.0 - _NIGHT_TINT * 0.25) * day
    above = max(math.sin(altitude), 0.05)
    return Daylight(
        (math.cos(altitude) * math.cos(azimuth), -math.cos(altitude) * math.sin(azimuth), above),
        0.47 * (1.0 - 0.75 * overcast) * day,
        0.72 + 0.20 * overcast,
        _rgb(tint),
        _rgb(zenith * dark),
        _rgb(horizon * dark),
        1.0 - day,
    )


def _rgb(color: npt.NDArray[np.float64]) -> RGB:
    r, g, b = np.clip(color, 0.0, 1.3).tolist()
    return (r, g, b)


def shade_static(normals: Floats, light: Daylight) -> Floats:
    """(N, 3) factors for what stands still: sky from above, light bounced from the ground, and the sun."""
    up = normals[:, 2]
    cosine = normals @ np.asarray(light.sun, np.float32)
    facing = np.clip(cosine, 0.0, None)
    # Part of the sun wraps around corners, as light thrown back by houses and sky does: shaded walls keep their form.
    wrapped = (0.5 + 0.5 * cosine) ** 2
    level = light.ambient * (0.86 + 0.14 * up) + light.sun_strength * (0.65 * facing + 0.35 * wrapped)
    # The sky's ambient is blue against the sun's warm light; shaded walls then look cool, not just darker.
    cool = np.clip(1.0 - facing * 2.0, 0.0, 1.0)[:, None] * np.array([-0.03, -0.01, 0.03], np.float32)
    return np.asarray((level[:, None] + cool) * np.asarray(light.tint), np.float32)


def shade_body(normals: Floats, gloss: float) -> Floats:
    """(N, 3) factors for moving things: soft light from above; callers add `glint` for shiny paint."""
    up = normals[:, 2]
    facing = np.clip(normals @ _BODY_SUN, 0.0, None)
    level = 0.60 + 0.16 * up + (0.34 + 0.1 * gloss) * facing
    return np.asarray(level[:, None].repeat(3, axis=1), np.float32)


def glint(normals: Floats) -> Floats:
    """(N, 1) how much sky and sun shiny paint or glass throws back, 0..1."""
    up = np.clip(normals[:, 2], 0.0, 1.0)
    highlight = np.clip(normals @ _BODY_SUN, 0.0, 1.0) ** 24
    return np.asarray((0.05 * up + 0.08 * up**2 + 0.36 * highlight)[:, None], np.float32)
