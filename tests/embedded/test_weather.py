"""What weather and hour do to pictures: fog by distance, rain, puddles, dust, lamps at night, and CARLA's presets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from sim_bridge.embedded.contracts import Camera, Label, Pose, Scan, Sky, StaticBox
from sim_bridge.embedded.renderer import Renderer
from sim_bridge.embedded.wire.structs import Weather
from sim_bridge.embedded.world.sensing import sky_of
from tests.embedded.plain_towns import block, plain_town

Picture = npt.NDArray[np.uint8]
CAMERA = Camera(1, 256, 128, 90.0, Pose(0.0, 0.0, 1.7))
NOON = Sky(sun_altitude=60.0, cloudiness=40.0)
NIGHT = Sky(sun_altitude=-30.0)
RED = (0.85, 0.08, 0.08)
# A near block on the left and a far one on the right, of one colour; a street lamp over the road in between.
BLOCKS = (block((9.0, -5.0, 1.7), 1.5, RED), block((80.0, 30.0, 1.7), 12.0, RED))
LAMP = StaticBox("street lamp 0", Label.POLES, Pose(12.0, -1.9, 3.25, 0.0, 90.0), (0.1, 0.1, 3.25))


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    made = Renderer(plain_town(BLOCKS, (LAMP,)), "software")
    made.add_camera(CAMERA)
    yield made
    made.close()


def _under(renderer: Renderer, sky: Sky) -> Picture:
    return renderer.render([], [CAMERA], {}, sky)[1]


def _redness(picture: Picture, columns: slice) -> float:
    part = picture[58:64, columns].astype(int)
    return float((part[..., 2] - part[..., 0]).mean())


NEAR, FAR = slice(55, 65), slice(170, 182)


def test_fog_takes_the_far_before_the_near(renderer: Renderer) -> None:
    clear, foggy, thick = (_under(renderer, replace(NOON, fog_density=fog)) for fog in (0.0, 60.0, 100.0))
    assert _redness(foggy, FAR) < 0.7 * _redness(clear, FAR)
    assert _redness(foggy, NEAR) > 0.8 * _redness(clear, NEAR)
    assert _redness(thick, FAR) < 0.15 * _redness(clear, FAR)
    later = _under(renderer, replace(NOON, fog_density=60.0, fog_distance_m=70.0))
    assert _redness(later, FAR) > 1.2 * _redness(foggy, FAR)


def test_thin_fog_leaves_what_stands_on_the_ground_alone(renderer: Renderer) -> None:
    clear, thin = (_under(renderer, replace(NOON, fog_density=fog)) for fog in (0.0, 20.0))
    assert (clear[70:] == thin[70:]).all()


def test_rain_falls_and_no_two_pictures_have_the_same_drops(renderer: Renderer) -> None:
    pouring = replace(NOON, precipitation=100.0, wind=60.0)
    first, second, dry = _under(renderer, pouring), _under(renderer, pouring), _under(renderer, NOON)
    assert first.shape == dry.shape and (first[..., 3] == 255).all()
    changed = np.abs(first.astype(int) - second).max(axis=2) > 8
    assert 0.01 < changed.mean() < 0.5
    drizzle = replace(NOON, precipitation=20.0)
    lighter = np.abs(_under(renderer, drizzle).astype(int) - _under(renderer, drizzle)).max(axis=2) > 8
    assert lighter.mean() < 0.6 * changed.mean()


def test_puddles_stand_on_the_road_and_grow(renderer: Renderer) -> None:
    dry, some, many = (_under(renderer, replace(NOON, wetness=50.0, puddles=p)) for p in (0.0, 45.0, 95.0))
    wet = [np.abs(picture[70:].astype(int) - dry[70:]).max(axis=2) > 15 for picture in (some, many)]
    assert 0.02 < wet[0].mean() < wet[1].mean() < 0.9
    assert (some[:60] == dry[:60]).all()
    assert (_under(renderer, replace(NOON, wetness=50.0)) == dry).all()


def test_dust_is_brown_and_hides_the_distance(renderer: Renderer) -> None:
    storm = _under(renderer, replace(NOON, dust=100.0))
    sky = storm[:20].mean(axis=(0, 1))
    assert sky[2] > sky[0] + 40
    assert _redness(storm, NEAR) > _redness(storm, FAR)


def test_street_lamps_light_the_road_at_night_only(renderer: Renderer) -> None:
    night, day = _under(renderer, NIGHT), _under(renderer, NOON)
    # The lamp hangs over the road 12 m ahead; its pool lies around row 64 + 1.7 / 12 * 128.
    under_it, beside = (night[80:84, c, :3].mean() for c in (slice(120, 136), slice(225, 245)))
    assert under_it > 1.5 * beside
    assert day[80:84, 120:136].mean() == pytest.approx(day[80:84, 225:245].mean(), rel=0.05)
    bulb = night[:30, 110:146, :3].max()
    assert bulb > 200


def test_gl_shows_the_same_weather() -> None:
    try:
        drawn_by_gl = Renderer(plain_town(BLOCKS, (LAMP,)), "gl")
    except RuntimeError as missing:
        pytest.skip(str(missing))
    drawn_by_gl.add_camera(CAMERA)
    clear, foggy = (_under(drawn_by_gl, replace(NOON, fog_density=fog)) for fog in (2.0, 60.0))
    wet = _under(drawn_by_gl, replace(NOON, precipitation=80.0, puddles=80.0, wetness=80.0))
    night = _under(drawn_by_gl, NIGHT)
    depth = drawn_by_gl.measure([], [_ahead()])[9]
    drawn_by_gl.close()
    assert _redness(foggy, FAR) < 0.7 * _redness(clear, FAR)
    assert _redness(foggy, NEAR) > 0.8 * _redness(clear, NEAR)
    assert wet[..., :3].mean() < clear[..., :3].mean()
    assert night[..., :3].mean() < 0.5 * clear[..., :3].mean()
    assert depth.distance[0] == pytest.approx(1.7 / np.sin(np.radians(10.0)), abs=1e-3)


def _ahead() -> Scan:
    down = np.radians(10.0)
    ray = np.array([[np.cos(down), 0.0, -np.sin(down)]], np.float32)
    return Scan(9, CAMERA.pose, ray, 50.0, (-45.0, 45.0), (-20.0, 20.0), (0.5, 0.5))


def test_carlas_weather_figures_reach_the_sky() -> None:
    weather = Weather(
        cloudiness=30.0, precipitation=40.0, precipitation_deposits=50.0, wind_intensity=60.0, sun_azimuth=70.0,
        sun_altitude=-20.0, fog_density=80.0, fog_distance=12.0, wetness=10.0, dust_storm=5.0,
    )  # fmt: skip
    sky = sky_of(weather)
    assert (sky.sun_altitude, sky.sun_azimuth, sky.cloudiness) == (-20.0, 70.0, 30.0)
    assert (sky.precipitation, sky.puddles, sky.wetness) == (40.0, 50.0, 50.0)
    assert (sky.wind, sky.fog_density, sky.fog_distance_m, sky.dust) == (60.0, 80.0, 12.0, 5.0)


def test_the_preset_default_is_the_maps_own_weather() -> None:
    minus = dict.fromkeys(
        ("cloudiness", "precipitation", "sun_altitude", "sun_azimuth", "fog_density", "wetness"), -1.0
    )
    assert sky_of(Weather(**minus)) == sky_of(Weather())
