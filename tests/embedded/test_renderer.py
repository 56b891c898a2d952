"""Facts about pictures: where things land in them, who sees whom, which lamps shine, and how buffers come and go."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sim_bridge.embedded.contracts import Camera, Drawn, LightState, Pose, Sky, Town
from sim_bridge.embedded.renderer import Renderer
from sim_bridge.embedded.renderer.pipe import has_graphics_device
from sim_bridge.embedded.vehicles import DEFAULT_EGO, VEHICLES
from tests.embedded.plain_towns import block, floor, lamp_at, plain_town

Picture = npt.NDArray[np.uint8]
NOON = Sky(sun_altitude=60.0)
MAGENTA = (0.9, 0.0, 0.9)
EYE = Pose(0.0, 0.0, 1.7)


@contextmanager
def _renderer(town: Town) -> Iterator[Renderer]:
    renderer = Renderer(town, "software")
    try:
        yield renderer
    finally:
        renderer.close()


def _camera(pose: Pose = EYE, width: int = 256, height: int = 128, fov: float = 90.0, **more: int) -> Camera:
    return Camera(more.pop("camera_id", 1), width, height, fov, pose, **more)


def _shot(
    renderer: Renderer,
    camera: Camera,
    drawn: list[Drawn] | None = None,
    lights: dict[str, LightState] | None = None,
    sky: Sky = NOON,
) -> Picture:
    renderer.add_camera(camera)
    try:
        return renderer.render(drawn or [], [camera], lights or {}, sky)[camera.camera_id]
    finally:
        renderer.remove_camera(camera.camera_id)


def _is_magenta(picture: Picture) -> npt.NDArray[np.bool_]:
    blue, green, red = (picture[..., c].astype(int) for c in range(3))
    return (red > 60) & (blue > 60) & (green < red // 3)


def _is_red(picture: Picture) -> npt.NDArray[np.bool_]:
    blue, green, red = (picture[..., c].astype(int) for c in range(3))
    return (red > 180) & (green < 90) & (blue < 90)


def _middle(mask: npt.NDArray[np.bool_]) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    assert len(rows) > 0, "nothing of the expected colour in the picture"
    return float(columns.mean()), float(rows.mean())


@pytest.mark.parametrize(("width", "height"), [(1024, 512), (200, 100), (333, 77), (96, 256)])
def test_a_picture_is_bgra_top_row_first_and_contiguous(width: int, height: int) -> None:
    with _renderer(plain_town()) as renderer:
        picture = _shot(renderer, _camera(width=width, height=height))
    assert picture.shape == (height, width, 4)
    assert picture.dtype == np.uint8
    assert picture.flags["C_CONTIGUOUS"]
    assert (picture[..., 3] == 255).all()
    sky, ground = picture[: height // 4].mean(axis=(0, 1)), picture[-height // 4 :].mean(axis=(0, 1))
    assert sky[0] > sky[2] + 20, "the top of the picture is blue sky"
    assert abs(ground[0] - ground[2]) < 20, "the bottom is the grey road"


@pytest.mark.parametrize(("width", "height", "fov"), [(1024, 512, 110.0), (256, 256, 60.0), (200, 400, 90.0)])
@pytest.mark.parametrize("bearing", [-20.0, 0.0, 25.0])
def test_fov_is_horizontal_and_right_is_right(width: int, height: int, fov: float, bearing: float) -> None:
    """A pinhole puts what lies at `bearing` at focal * tan(bearing) from the middle column."""
    x, y = 20.0 * math.cos(math.radians(bearing)), 20.0 * math.sin(math.radians(bearing))
    with _renderer(plain_town((block((x, y, 1.7), 0.5, MAGENTA),))) as renderer:
        picture = _shot(renderer, _camera(width=width, height=height, fov=fov))
    focal = width / 2.0 / math.tan(math.radians(fov / 2.0))
    column, row = _middle(_is_magenta(picture))
    assert column == pytest.approx(width / 2.0 + focal * math.tan(math.radians(bearing)), abs=2.0 + focal * 0.006)
    assert row == pytest.approx(height / 2.0, abs=2.0)


def test_pitch_up_lowers_the_horizon_and_yaw_right_moves_things_left() -> None:
    with _renderer(plain_town((block((20.0, 0.0, 1.7), 0.5, MAGENTA),))) as renderer:
        up = _middle(_is_magenta(_shot(renderer, _camera(Pose(0, 0, 1.7, 10.0)))))
        right = _middle(_is_magenta(_shot(renderer, _camera(Pose(0, 0, 1.7, 0.0, 10.0)))))
        rolled = _middle(_is_magenta(_shot(renderer, _camera(Pose(0, -10.0, 1.7, 0.0, 0.0, 20.0)))))
    assert up[1] > 64 + 15
    assert right[0] < 128 - 15
    # The block is to the right; rolling the camera clockwise lifts what is on its right.
    assert rolled[1] < 64 - 5


def test_only_due_cameras_are_drawn() -> None:
    cameras = [_camera(camera_id=k, width=64, height=32) for k in (1, 2, 3)]
    with _renderer(plain_town()) as renderer:
        for camera in cameras:
            renderer.add_camera(camera)
        assert set(renderer.render([], cameras[:2], {}, NOON)) == {1, 2}
        assert set(renderer.render([], cameras[2:], {}, NOON)) == {3}
        assert renderer.render([], [], {}, NOON) == {}


def test_one_camera_can_be_blind_to_its_own_car() -> None:
    car = Pose(8.0)
    blind, seeing = _camera(camera_id=1, hides=5), _camera(camera_id=2)
    with _renderer(plain_town()) as renderer:
        renderer.add_actor(5, DEFAULT_EGO, {"color": "230,0,230"})
        for camera in (blind, seeing):
            renderer.add_camera(camera)
        for _ in range(2):
            pictures = renderer.render([Drawn(5, car)], [blind, seeing], {}, NOON)
            assert not _is_magenta(pictures[1]).any()
            assert _is_magenta(pictures[2]).sum() > 100
        again = renderer.render([Drawn(5, car)], [_camera(camera_id=1)], {}, NOON)
        assert _is_magenta(again[1]).sum() > 100


def test_an_actor_is_drawn_where_it_is_and_only_while_named() -> None:
    with _renderer(plain_town()) as renderer:
        renderer.add_actor(5, DEFAULT_EGO, {"color": "230,0,230"})
        left = _middle(_is_magenta(_shot(renderer, _camera(), [Drawn(5, Pose(15.0, -4.0))])))
        right = _middle(_is_magenta(_shot(renderer, _camera(), [Drawn(5, Pose(15.0, 4.0))])))
        gone = _shot(renderer, _camera(), [])
    assert left[0] < 100 < 156 < right[0]
    assert not _is_magenta(gone).any()


def test_walls_hide_what_is_behind_them() -> None:
    town = plain_town((block((10.0, 0.0, 2.0), 2.0, (0.2, 0.2, 0.2)),))
    with _renderer(town) as renderer:
        renderer.add_actor(5, DEFAULT_EGO, {"color": "230,0,230"})
        assert not _is_magenta(_shot(renderer, _camera(), [Drawn(5, Pose(20.0))])).any()
        assert _is_magenta(_shot(renderer, _camera(), [Drawn(5, Pose(20.0, 8.0))])).any()


@pytest.mark.parametrize("blueprint_id", sorted(VEHICLES))
def test_every_vehicle_lights_its_own_brake_lamps_only(blueprint_id: str) -> None:
    drawn = [Drawn(1, Pose(9.0, -2.5)), Drawn(2, Pose(9.0, 2.5))]
    with _renderer(plain_town()) as renderer:
        for actor in (1, 2):
            renderer.add_actor(actor, blueprint_id, {"color": "120,120,120"})
        dark = _shot(renderer, _camera(), drawn)
        braking = _shot(renderer, _camera(), [drawn[0], Drawn(2, drawn[1].pose, light_flags=8)])
    assert _is_red(braking)[:, 128:].sum() >= _is_red(dark)[:, 128:].sum() + 6
    assert _is_red(braking)[:, :128].sum() == _is_red(dark)[:, :128].sum()


def test_indicators_shine_on_their_own_side() -> None:
    def amber(flags: int) -> float:
        picture = _shot(renderer, _camera(), [Drawn(1, Pose(6.0), light_flags=flags)])
        blue, green, red = (picture[..., c].astype(int) for c in range(3))
        return _middle((red > 220) & (green > 120) & (blue < 90))[0]

    with _renderer(plain_town()) as renderer:
        renderer.add_actor(1, DEFAULT_EGO, {"color": "40,40,200"})
        assert amber(32) < 122 < 134 < amber(16)


def test_wheels_steer_and_legs_swing() -> None:
    with _renderer(plain_town()) as renderer:
        renderer.add_actor(1, DEFAULT_EGO, {})
        renderer.add_actor(2, "walker.pedestrian.0001", {})
        camera = _camera(Pose(0.0, 0.0, 1.0))
        side, far = Pose(5.0, 0.0, 0.0, 0.0, 90.0), Pose(50.0, 40.0)
        straight, turned = (
            _shot(renderer, camera, [Drawn(1, side, wheel_steer_deg=a), Drawn(2, far)]) for a in (0.0, 35.0)
        )
        stand, stride = (_shot(renderer, camera, [Drawn(1, far), Drawn(2, side, walk_phase=p)]) for p in (0.0, 0.25))
    assert (straight != turned).any(axis=2).sum() > 20
    assert (stand != stride).any(axis=2).sum() > 20


@pytest.mark.parametrize("distance", [15.0, 30.0, 45.0])
def test_a_traffic_lamp_shows_its_colour_in_a_drivers_picture(distance: float) -> None:
    """In a 1024x512 picture of 110 degrees, with red above yellow above green."""
    rows = {}
    with _renderer(plain_town(signals=(lamp_at(distance),))) as renderer:
        camera = _camera(Pose(0.0, 0.0, 2.0), 1024, 512, 110.0)
        for state in (LightState.RED, LightState.YELLOW, LightState.GREEN):
            picture = _shot(renderer, camera, lights={"7": state})
            blue, green, red = (picture[..., c].astype(int) for c in range(3))
            masks = {
                LightState.RED: (red > 200) & (green < 120) & (blue < 110),
                LightState.YELLOW: (red > 200) & (green > 140) & (blue < 110),
                LightState.GREEN: (red < 120) & (green > 190) & (blue < 180),
            }
            assert masks[state].sum() >= 5
            assert all(masks[other].sum() == 0 for other in masks if other != state)
            rows[state] = _middle(masks[state])[1]
        off = _shot(renderer, camera, lights={"7": LightState.OFF})
    assert rows[LightState.RED] < rows[LightState.YELLOW] < rows[LightState.GREEN]
    assert not _is_red(off).any()


def test_a_lamp_shows_nothing_to_those_behind_it() -> None:
    with _renderer(plain_town(signals=(lamp_at(20.0),))) as renderer:
        behind = _camera(Pose(40.0, 0.0, 2.0, 0.0, 180.0))
        assert not _is_red(_shot(renderer, behind, lights={"7": LightState.RED})).any()


@pytest.mark.parametrize("kind", ["stop", "yield", "speed_limit"])
def test_a_sign_shows_red_to_its_traffic_and_its_back_to_others(kind: str) -> None:
    with _renderer(plain_town(signals=(lamp_at(12.0, kind=kind, limit=50.0),))) as renderer:
        front = _shot(renderer, _camera(width=512, height=256))
        back = _shot(renderer, _camera(Pose(24.0, 0.0, 1.7, 0.0, 180.0), 512, 256))
    blue, green, red = (front[..., c].astype(int) for c in range(3))
    assert ((red > 140) & (green < 80) & (blue < 80)).sum() > 20
    blue, green, red = (back[..., c].astype(int) for c in range(3))
    assert not ((red > 140) & (green < 80) & (blue < 80)).any()


def test_speed_limits_differ_by_their_digits() -> None:
    shots = []
    for limit in (30.0, 50.0):
        with _renderer(plain_town(signals=(lamp_at(8.0, kind="speed_limit", limit=limit),))) as renderer:
            shots.append(_shot(renderer, _camera(width=512, height=256)).astype(int))
    assert (np.abs(shots[0] - shots[1]).max(axis=2) > 60).sum() > 20


def test_flat_ground_is_painted_in_layers_whatever_the_depth_buffer_says() -> None:
    """Grass 1 cm above the road, and paint 1 cm below it, still end up under and over it, out to the distance."""
    meshes = (
        floor("terrain", 120.0, (0.1, 0.9, 0.1), z=0.01),
        floor("marking", 60.0, MAGENTA, z=-0.01),
    )
    with _renderer(plain_town(meshes)) as renderer:
        picture = _shot(renderer, _camera(width=512, height=256))
    column = picture[140:, 256]
    assert _is_magenta(column).all()
    edge = picture[256 // 2 + 3 : 140, 256].astype(int)
    assert not (edge[:, 1] > edge[:, 2] + 40).any(), "no grass shows through the road"


def test_night_is_dark_and_lamps_are_not() -> None:
    lamps = [Drawn(1, Pose(8.0), light_flags=8)]
    with _renderer(plain_town(signals=(lamp_at(20.0),))) as renderer:
        renderer.add_actor(1, DEFAULT_EGO, {})
        red = {"7": LightState.RED}
        day = _shot(renderer, _camera(), lamps, red, NOON)
        night = _shot(renderer, _camera(), lamps, red, Sky(sun_altitude=-30.0))
        dawn = _shot(renderer, _camera(), lamps, red, Sky(sun_altitude=4.0))
    assert night.mean() < 0.5 * day.mean()
    assert night.mean() < dawn.mean() < day.mean()
    assert _is_red(night).sum() >= 0.8 * _is_red(day).sum() > 0


def test_headlamps_light_the_road_ahead_at_night_only() -> None:
    def road(flags: int, sun: float) -> float:
        sky = Sky(sun_altitude=sun)
        picture = _shot(renderer, _camera(Pose(-8.0, 0.0, 5.0, -10.0)), [Drawn(1, Pose(), light_flags=flags)], sky=sky)
        return float(picture[72:80, 122:134].mean())

    with _renderer(plain_town()) as renderer:
        renderer.add_actor(1, DEFAULT_EGO, {})
        assert road(2, -30.0) > 1.2 * road(0, -30.0)
        assert road(2, 60.0) == pytest.approx(road(0, 60.0), rel=0.02)


def test_a_wet_road_is_darker() -> None:
    with _renderer(plain_town()) as renderer:
        dry, wet = (_shot(renderer, _camera(), sky=Sky(wetness=w))[100:].mean() for w in (0.0, 100.0))
    assert wet < 0.8 * dry


def test_rain_clouds_take_the_blue_out_of_the_sky() -> None:
    with _renderer(plain_town()) as renderer:
        clear = _shot(renderer, _camera(), sky=NOON)[:20].mean(axis=(0, 1))
        grey = _shot(renderer, _camera(), sky=Sky(sun_altitude=60.0, cloudiness=100.0, precipitation=80.0))
    grey_sky = grey[:20].mean(axis=(0, 1))
    assert clear[0] - clear[2] > 2 * (grey_sky[0] - grey_sky[2])


def test_supersampling_keeps_the_size_and_softens_edges() -> None:
    town = plain_town((block((12.0, 1.0, 1.7), 1.0, MAGENTA),))
    camera = _camera(Pose(0.0, 0.0, 1.7, 0.0, 0.0, 12.0))
    with _renderer(town) as renderer:
        plain = _shot(renderer, camera)
        renderer.add_camera(camera, supersample=2)
        smooth = renderer.render([], [camera], {}, NOON)[1]
    assert smooth.shape == plain.shape
    assert smooth.flags["C_CONTIGUOUS"]
    assert np.abs(smooth.astype(int) - plain).mean() < 6.0
    assert len(np.unique(smooth[..., 1])) > len(np.unique(plain[..., 1]))


def test_the_same_scene_is_drawn_the_same_twice() -> None:
    def picture() -> Picture:
        with _renderer(plain_town(signals=(lamp_at(20.0),))) as renderer:
            renderer.add_actor(1, DEFAULT_EGO, {})
            return _shot(renderer, _camera(), [Drawn(1, Pose(8.0))], {"7": LightState.GREEN})

    assert (picture() == picture()).all()


def test_pictures_stay_what_they_were_when_the_next_is_drawn() -> None:
    camera = _camera()
    with _renderer(plain_town()) as renderer:
        renderer.add_camera(camera)
        first = renderer.render([], [camera], {}, NOON)[1]
        kept = first.copy()
        renderer.render([], [camera], {}, Sky(sun_altitude=-30.0))
        assert (first == kept).all()


def test_cameras_and_actors_come_and_go() -> None:
    with _renderer(plain_town()) as renderer:
        for round_ in range(40):
            renderer.add_camera(_camera(camera_id=round_, width=64, height=32))
            renderer.add_actor(round_, DEFAULT_EGO, {})
            renderer.render([Drawn(round_, Pose(8.0))], [_camera(camera_id=round_, width=64, height=32)], {}, NOON)
            renderer.remove_actor(round_)
            renderer.remove_camera(round_)
        renderer.close()
        renderer.close()


def test_a_buffer_used_again_shows_only_its_new_camera() -> None:
    with _renderer(plain_town((block((10.0, 0.0, 1.7), 1.0, MAGENTA),))) as renderer:
        for width, height, yaw in ((64, 32, 0.0), (200, 150, 180.0), (50, 20, 0.0)):
            picture = _shot(renderer, _camera(Pose(0.0, 0.0, 1.7, 0.0, yaw), width, height))
            assert picture.shape == (height, width, 4)
            assert _is_magenta(picture).any() == (yaw == 0.0)


def test_wrong_use_is_named() -> None:
    with _renderer(plain_town()) as renderer:
        renderer.add_actor(1, DEFAULT_EGO, {"color": "not a colour"})
        with pytest.raises(ValueError, match="actor 1 is already drawn"):
            renderer.add_actor(1, DEFAULT_EGO, {})
        with pytest.raises(ValueError, match=r"vehicle\.flying\.saucer"):
            renderer.add_actor(2, "vehicle.flying.saucer", {})
        with pytest.raises(KeyError, match="camera 9"):
            renderer.render([], [_camera(camera_id=9)], {}, NOON)
        for camera in (_camera(width=0), _camera(height=100_000), _camera(fov=180.0)):
            with pytest.raises(ValueError, match="expected a"):
                renderer.add_camera(camera)
    with pytest.raises(ValueError, match="vulkan"):
        Renderer(plain_town(), "vulkan")
    with pytest.raises(ValueError, match="texture out of"):
        Renderer(plain_town((floor("road", 5.0, MAGENTA, texture="velvet"),)), "software")


def test_gl_is_tried_only_where_there_is_a_graphics_device(tmp_path: Path) -> None:
    assert not has_graphics_device(tmp_path)
    (tmp_path / "dri").mkdir()
    assert not has_graphics_device(tmp_path)
    (tmp_path / "dri" / "renderD128").touch()
    assert has_graphics_device(tmp_path)
