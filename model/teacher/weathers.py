"""The skies that frames are collected under, in CARLA's own scales."""

from __future__ import annotations

from typing import Any

import carla

# name -> sun altitude and azimuth in degrees, then cloudiness, fog density, wetness and precipitation, 0..100.
WEATHERS: dict[str, tuple[float, float, float, float, float, float]] = {
    "clear_noon": (65.0, 40.0, 5.0, 0.0, 0.0, 0.0),
    "clear_morning": (25.0, 110.0, 10.0, 0.0, 0.0, 0.0),
    "clear_evening": (18.0, 250.0, 15.0, 0.0, 0.0, 0.0),
    "cloudy": (45.0, 200.0, 60.0, 0.0, 0.0, 0.0),
    "overcast": (40.0, 320.0, 95.0, 5.0, 20.0, 0.0),
    "hazy": (35.0, 160.0, 40.0, 20.0, 0.0, 0.0),
    "after_rain": (50.0, 80.0, 55.0, 0.0, 80.0, 0.0),
}


def weather_parameters(name: str) -> Any:
    """The `carla.WeatherParameters` of a name. Raises KeyError for one that is not in WEATHERS."""
    altitude, azimuth, clouds, fog, wetness, rain = WEATHERS[name]
    return carla.WeatherParameters(
        cloudiness=clouds,
        precipitation=rain,
        sun_azimuth_angle=azimuth,
        sun_altitude_angle=altitude,
        fog_density=fog,
        wetness=wetness,
    )
