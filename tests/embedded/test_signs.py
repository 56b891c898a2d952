"""What a driver reads 30 m before a sign: the number on the plate, by day and by night, in a front picture."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sim_bridge.embedded.contracts import Camera, LightState, Pose, Signal, Sky
from sim_bridge.embedded.renderer import Renderer
from tests.embedded.plain_towns import lamp_at, plain_town

Grey = npt.NDArray[np.float64]
LIMITS = (20, 30, 40, 50, 60, 70, 80, 90)
SKIES = {"day": Sky(sun_altitude=50.0, cloudiness=10.0), "night": Sky(sun_altitude=-30.0)}
FAR_M, NEAR_M = 30.0, 5.0
HEAD_M, EYE_M = 2.5, 2.0
_FOCAL_PX = 512.0 / math.tan(math.radians(55.0))  # of 1024 pixels and 110 degrees
_TEMPLATE_PX = 120
# Off a whole pixel in different ways: a number must not be legible only where it happens to meet the raster.
NUDGES_M = ((0.0, 0.0, 0.0), (0.7, 0.03, 0.02), (-0.8, 0.05, 0.04))


def _beside(number: int) -> float:
    return -10.5 + 3.0 * number


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    """One sign of each limit, side by side."""
    signals = tuple(
        Signal(
            str(limit), "speed_limit", Pose(FAR_M, _beside(i)), Pose(FAR_M, _beside(i), HEAD_M, 0.0, 180.0), Pose(),
            speed_limit_kmh=float(limit),
        )
        for i, limit in enumerate(LIMITS)
    )  # fmt: skip
    made = Renderer(plain_town(signals=signals), "software")
    yield made
    made.close()


@pytest.fixture(scope="module")
def templates(renderer: Renderer) -> dict[int, Grey]:
    """Each plate from close by, filling a square picture."""
    found = {}
    for number, limit in enumerate(LIMITS):
        fov = 2.0 * math.degrees(math.atan(_half_m(limit) / NEAR_M))
        eye = Pose(FAR_M - NEAR_M, _beside(number), HEAD_M)
        picture = _picture(renderer, Camera(1, _TEMPLATE_PX, _TEMPLATE_PX, fov, eye), SKIES["day"])
        found[limit] = picture.mean(axis=2)
    return found


def _half_m(limit: int) -> float:
    return 0.60 if limit >= 70 else 0.42


def _picture(renderer: Renderer, camera: Camera, sky: Sky) -> npt.NDArray[np.uint8]:
    renderer.add_camera(camera)
    try:
        return renderer.render([], [camera], {}, sky)[1][..., 2::-1]
    finally:
        renderer.remove_camera(1)


def _crop(picture: npt.NDArray[np.uint8], number: int, eye: Pose) -> Grey:
    ahead = FAR_M - eye.x
    column = round(512.0 + _FOCAL_PX * (_beside(number) - eye.y) / ahead)
    row = round(256.0 - _FOCAL_PX * (HEAD_M - eye.z) / ahead)
    return picture[row - 10 : row + 10, column - 10 : column + 10].mean(axis=2)


def _likeness(crop: Grey, template: Grey, width_px: float) -> float:
    """The best correlation of the plate's inside with the crop, wherever it lies and however it was rounded."""
    best = -1.0
    for size in (math.floor(width_px), math.ceil(width_px)):
        small = np.asarray(Image.fromarray(template.astype(np.float32)).resize((size, size), Image.Resampling.BOX))
        rows, columns = np.mgrid[:size, :size] - (size - 1) / 2.0
        inside = np.hypot(rows, columns) < size * 0.36
        wanted = small[inside] - small[inside].mean()
        windows = np.lib.stride_tricks.sliding_window_view(crop, (size, size))[..., inside]
        windows = windows - windows.mean(axis=-1, keepdims=True)
        lengths = np.linalg.norm(windows, axis=-1) * np.linalg.norm(wanted)
        best = max(best, float((windows @ wanted / np.maximum(lengths, 1e-9)).max()))
    return best


@pytest.mark.parametrize("nudge", NUDGES_M)
@pytest.mark.parametrize("hour", SKIES)
def test_every_limit_is_read_at_30_m(
    renderer: Renderer, templates: dict[int, Grey], hour: str, nudge: tuple[float, float, float]
) -> None:
    eye = Pose(nudge[0], nudge[1], EYE_M + nudge[2])
    picture = _picture(renderer, Camera(1, 1024, 512, 110.0, eye), SKIES[hour])
    read = {}
    for number, limit in enumerate(LIMITS):
        width_px = 2.0 * _half_m(limit) * _FOCAL_PX / (FAR_M - eye.x)
        crop = _crop(picture, number, eye)
        likeness = {other: _likeness(crop, template, width_px) for other, template in templates.items()}
        read[limit] = max(likeness, key=likeness.__getitem__)
    assert read == {limit: limit for limit in LIMITS}


@pytest.mark.parametrize("limit", [-1.0, 0.0, 5.0, 99.6, 130.0, 4e9])
def test_any_limit_of_a_file_gets_a_plate(limit: float) -> None:
    sign = Signal("7", "speed_limit", Pose(8.0), Pose(8.0, 0.0, EYE_M, 0.0, 180.0), Pose(), speed_limit_kmh=limit)
    made = Renderer(plain_town(signals=(sign,)), "software")
    try:
        middle = _picture(made, Camera(1, 256, 128, 90.0, Pose(0.0, 0.0, EYE_M)), SKIES["day"])[48:80, 112:144]
    finally:
        made.close()
    is_written = 1.0 <= limit <= 999.0
    assert (middle.max(axis=2) < 80).any() == is_written
    assert (middle.min(axis=2) > 200).any()


def test_signs_of_fast_roads_are_larger(renderer: Renderer) -> None:
    """A plate's height in a picture: 1.2 m from 70 km/h on, 0.84 m below."""
    picture = _picture(renderer, Camera(1, 1024, 512, 110.0, Pose(15.0, 0.0, EYE_M)), SKIES["day"]).astype(int)
    red = (picture[..., 0] > 150) & (picture[..., 1] < 110) & (picture[..., 2] < 110)
    for number, limit in enumerate(LIMITS):
        column = round(512.0 + _FOCAL_PX * _beside(number) / (FAR_M - 15.0))
        rows = np.nonzero(red[:, column - 2 : column + 3].any(axis=1))[0]
        assert np.ptp(rows) + 1 == pytest.approx(2.0 * _half_m(limit) * _FOCAL_PX / 15.0, abs=2.0), limit


@pytest.mark.parametrize("state", [LightState.RED, LightState.YELLOW, LightState.GREEN])
def test_a_lamp_shines_through_rain_and_fog_at_night(state: LightState) -> None:
    wet = Sky(sun_altitude=-30.0, cloudiness=100.0, precipitation=100.0, fog_density=100.0, fog_distance_m=0.75)
    made = Renderer(plain_town(signals=(lamp_at(FAR_M),)), "software")
    camera = Camera(1, 1024, 512, 110.0, Pose(0.0, 0.0, EYE_M))
    try:
        made.add_camera(camera)
        picture = made.render([], [camera], {"7": state}, wet)[1][200:240, 495:530, 2::-1].astype(int)
    finally:
        made.close()
    most = picture.reshape(-1, 3)[picture.reshape(-1, 3).max(axis=1).argmax()]
    assert most.max() > 140, most
    is_lit = {LightState.RED: (True, False), LightState.YELLOW: (True, True), LightState.GREEN: (False, True)}[state]
    assert tuple(bool(channel > 0.6 * most.max()) for channel in most[:2]) == is_lit


def test_the_back_of_a_sign_throws_nothing_back(renderer: Renderer) -> None:
    behind = Camera(1, 256, 128, 60.0, Pose(FAR_M + 5.0, _beside(0), HEAD_M, 0.0, 180.0))
    middle = {hour: _picture(renderer, behind, sky)[60:68, 124:132].mean() for hour, sky in SKIES.items()}
    assert middle["night"] < 0.45 * middle["day"]


def test_signs_throw_the_headlights_back_at_night(renderer: Renderer) -> None:
    eye = Pose(15.0, 0.0, EYE_M)
    brightest = {
        hour: _picture(renderer, Camera(1, 1024, 512, 110.0, eye), sky)[200:320].max() for hour, sky in SKIES.items()
    }
    assert brightest["night"] > 130
    assert brightest["night"] < brightest["day"]
