"""Facts about what is measured: depth, labels and echoes against geometry that can be worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from sim_bridge.embedded.contracts import Camera, Drawn, Echoes, Label, Pose, Scan, Sky, StaticBox, Town
from sim_bridge.embedded.renderer import Renderer
from sim_bridge.embedded.vehicles import DEFAULT_EGO, VEHICLES
from tests.embedded.plain_towns import block, floor, lamp_at, plain_town

Picture = npt.NDArray[np.uint8]
NOON = Sky(sun_altitude=60.0)
GREY = (0.5, 0.5, 0.5)
EYE = Pose(0.0, 0.0, 1.7)
DEPTH_STEP_M = 1000.0 / (2**24 - 1)


@contextmanager
def _renderer(town: Town) -> Iterator[Renderer]:
    renderer = Renderer(town, "software")
    try:
        yield renderer
    finally:
        renderer.close()


def _shot(renderer: Renderer, kind: str, drawn: list[Drawn] | None = None, pose: Pose = EYE, **more: int) -> Picture:
    camera = Camera(1, more.pop("width", 256), more.pop("height", 128), 90.0, pose, kind, **more)
    renderer.add_camera(camera)
    try:
        return renderer.render(drawn or [], [camera], {}, NOON)[1]
    finally:
        renderer.remove_camera(1)


def _metres(picture: Picture) -> npt.NDArray[np.float64]:
    """As a script decodes it: (R + G * 256 + B * 65536) / (256^3 - 1) * 1000."""
    blue, green, red = (picture[..., channel].astype(np.int64) for channel in range(3))
    return (red + green * 256 + blue * 65536) / (256**3 - 1) * 1000.0


def _instances(picture: Picture) -> npt.NDArray[np.int64]:
    return picture[..., 1].astype(np.int64) + 256 * picture[..., 0].astype(np.int64)


def _rays(*angles_deg: tuple[float, float]) -> npt.NDArray[np.float32]:
    """Unit vectors of (azimuth, elevation)."""
    azimuth, elevation = np.radians(np.array(angles_deg)).T
    level = np.cos(elevation)
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], -1).astype(np.float32)


def _scan(
    renderer: Renderer, rays: npt.NDArray[np.float32], drawn: list[Drawn] | None = None, **more: object
) -> Echoes:
    given = {"pose": EYE, "range_m": 100.0, "azimuth_deg": (-180.0, 180.0), "elevation_deg": (-30.0, 10.0), **more}
    scan = Scan(scan_id=9, directions=rays, pitch_deg=(0.4, 0.6), **given)  # type: ignore[arg-type]
    return renderer.measure(drawn or [], [scan])[9]


# ---- cameras --------------------------------------------------------------------------------------------------------


def test_a_box_ten_metres_ahead_is_ten_metres_deep_all_over_its_face() -> None:
    with _renderer(plain_town((block((11.0, 0.0, 1.7), 1.0, GREY),))) as renderer:
        depth = _metres(_shot(renderer, "depth"))
    # The face spans 2 m at 10 m: 12.8 pixels to each side of the middle. Depth is along the axis, not along the ray.
    assert np.abs(depth[64 - 11 : 64 + 11, 128 - 11 : 128 + 11] - 10.0).max() <= 2 * DEPTH_STEP_M
    assert depth[60, 128 - 20] == 1000.0 == depth[60, 128 + 20]


def test_the_ground_is_as_deep_as_a_pinhole_says_in_every_row() -> None:
    with _renderer(plain_town()) as renderer:
        depth = _metres(_shot(renderer, "depth"))
    rows = np.arange(70, 128)
    expected = 1.7 * 128.0 / (rows + 0.5 - 64.0)
    assert depth[70:].min(axis=1) == pytest.approx(expected, rel=1e-4)
    assert depth[70:].max(axis=1) == pytest.approx(expected, rel=1e-4)


def test_depth_is_measured_from_a_turned_and_tilted_camera() -> None:
    pose = Pose(0.0, 0.0, 3.0, pitch=-20.0, yaw=35.0, roll=10.0)
    with _renderer(plain_town()) as renderer:
        depth = _metres(_shot(renderer, "depth", pose=pose))
    # The axis meets the ground at height / sin(20); a pixel off the middle is less than a degree away.
    assert depth[64, 128] == pytest.approx(3.0 / math.sin(math.radians(20.0)), rel=0.02)


def test_nothing_is_a_kilometre_away_and_sky() -> None:
    with _renderer(plain_town()) as renderer:
        assert (_shot(renderer, "depth")[:40] == 255).all()
        assert (_shot(renderer, "semantic")[:40, :, 2] == Label.SKY).all()


def test_labels_are_in_red_and_fit_the_painted_picture() -> None:
    town = plain_town((floor("marking", 6.0, GREY), floor("terrain", 140.0, GREY)), signals=(lamp_at(12.0),))
    drawn = [Drawn(5, Pose(9.0, -4.0)), Drawn(6, Pose(9.0, 3.0, yaw=90.0)), Drawn(7, Pose(9.0, 7.0, yaw=90.0))]
    with _renderer(town) as renderer:
        for actor_id, blueprint in ((5, DEFAULT_EGO), (6, "walker.pedestrian.0001"), (7, "vehicle.bh.crossbike")):
            renderer.add_actor(actor_id, blueprint, {})
        labels = _shot(renderer, "semantic", drawn)
        instances = _shot(renderer, "instance", drawn)
        painted, bare = _shot(renderer, "rgb", drawn), _shot(renderer, "rgb")
    assert (labels[..., :2] == 0).all() and (labels[..., 3] == 255).all()
    found = {Label(int(value)) for value in np.unique(labels[..., 2])}
    assert {Label.CAR, Label.PEDESTRIANS, Label.BICYCLE, Label.RIDER, Label.TRAFFIC_LIGHT, Label.SKY} <= found
    assert (labels[..., 2] == instances[..., 2]).all()
    car = labels[..., 2] == Label.CAR
    assert 30 < np.nonzero(car)[1].mean() < 80
    assert set(np.unique(instances[car][:, 1])) == {5}
    bike = (labels[..., 2] == Label.BICYCLE) | (labels[..., 2] == Label.RIDER)
    assert set(np.unique(_instances(instances)[bike])) == {7}
    # What the actors changed in the painted picture is theirs in the labelled one, but for shadows on the ground.
    changed = (painted != bare).any(axis=2)
    theirs = np.isin(labels[..., 2], [Label.CAR, Label.PEDESTRIANS, Label.BICYCLE, Label.RIDER])
    assert (changed & theirs).sum() > 0.97 * theirs.sum()
    above_ground = changed & (np.arange(128)[:, None] < 64)
    assert (above_ground & theirs).sum() > 0.97 * above_ground.sum()


def test_houses_and_trees_of_one_mesh_are_instances_of_their_own() -> None:
    meshes = tuple(replace(block((15.0, y, 2.0), 2.0, GREY), label=Label.BUILDINGS) for y in (-6.0, 6.0))
    boxes = tuple(StaticBox("house", Label.BUILDINGS, Pose(15.0, y, 2.0), (2.0, 2.0, 2.0)) for y in (-6.0, 6.0))
    with _renderer(plain_town(meshes, boxes)) as renderer:
        picture = _shot(renderer, "instance")
    codes = _instances(picture)
    left, right = codes[60, 128 - 60], codes[60, 128 + 60]
    assert left >= 0x8000 and right >= 0x8000 and left != right


def test_normals_point_at_the_camera_and_up() -> None:
    with _renderer(plain_town((block((11.0, 0.0, 1.7), 1.0, GREY),))) as renderer:
        picture = _shot(renderer, "normals")
    assert picture[64, 128, 2::-1].tolist() == pytest.approx([0, 128, 128], abs=1)
    assert picture[120, 20, 2::-1].tolist() == pytest.approx([128, 128, 255], abs=1)


def test_a_camera_that_changes_its_view_and_goes_leaves_the_others_alone() -> None:
    with _renderer(plain_town((block((11.0, 0.0, 1.7), 1.0, GREY),))) as renderer:
        first = _shot(renderer, "depth")
        _scan(renderer, _rays((0.0, 0.0)))
        assert (_shot(renderer, "semantic", width=64, height=64)[..., 2] > 0).all()
        assert (_shot(renderer, "depth") == first).all()
        with pytest.raises(ValueError, match="kind"):
            renderer.add_camera(Camera(1, 64, 64, 90.0, EYE, "infrared"))


# ---- rays -----------------------------------------------------------------------------------------------------------


def test_rays_measure_boxes_and_ground_exactly() -> None:
    town = plain_town((block((11.0, 0.0, 1.7), 1.0, GREY), block((-21.0, 5.0, 1.7), 1.0, GREY)))
    rays = _rays((0.0, 0.0), (3.0, -2.0), (180.0 - math.degrees(math.atan2(5, 20)), 0.0), (90.0, 0.0), (60.0, -10.0))
    with _renderer(town) as renderer:
        echoes = _scan(renderer, rays)
    oblique = 10.0 / (math.cos(math.radians(3.0)) * math.cos(math.radians(2.0)))
    ground = 1.7 / math.sin(math.radians(10.0))
    assert echoes.distance[:3].tolist() == pytest.approx([10.0, oblique, math.hypot(20, 5)], abs=1e-3)
    assert echoes.distance[3] == np.inf
    assert echoes.distance[4] == pytest.approx(ground, abs=1e-3)
    assert echoes.cosine[[0, 4]].tolist() == pytest.approx([1.0, math.sin(math.radians(10.0))], abs=1e-4)


@pytest.mark.parametrize("fan", [(-30.0, 10.0), (-89.0, 89.0)])
def test_a_whole_sphere_of_rays_finds_the_ground_under_it(fan: tuple[float, float]) -> None:
    rng = np.random.default_rng(3)
    angles = np.column_stack([rng.uniform(-180.0, 180.0, 4000), rng.uniform(fan[0], -2.0, 4000)])
    rays = _rays(*map(tuple, angles.tolist()))
    tilted = Pose(3.0, -2.0, 1.7, yaw=77.0)
    with _renderer(plain_town()) as renderer:
        echoes = _scan(renderer, rays, pose=tilted, elevation_deg=fan)
    expected = -1.7 / rays[:, 2]
    assert echoes.distance == pytest.approx(expected, rel=1e-3)


def test_rays_turn_with_the_sensor() -> None:
    with _renderer(plain_town((block((0.0, 11.0, 1.7), 1.0, GREY),))) as renderer:
        turned = _scan(renderer, _rays((0.0, 0.0)), pose=Pose(0.0, 0.0, 1.7, yaw=90.0))
        pitched = _scan(renderer, _rays((0.0, 0.0)), pose=Pose(0.0, 0.0, 1.7, pitch=-15.0))
    assert turned.distance[0] == pytest.approx(10.0, abs=1e-3)
    assert pitched.distance[0] == pytest.approx(1.7 / math.sin(math.radians(15.0)), abs=1e-3)


def test_rays_meet_moving_things_where_they_are_and_say_who_it_is() -> None:
    half = VEHICLES[DEFAULT_EGO].length / 2.0
    bumper_high, ahead = Pose(0.0, 0.0, 0.6), _rays((0.0, 0.0))
    with _renderer(plain_town()) as renderer:
        renderer.add_actor(31, DEFAULT_EGO, {})
        for x in (12.0, 20.0):
            echoes = _scan(renderer, ahead, [Drawn(31, Pose(x))], pose=bumper_high)
            assert echoes.distance[0] == pytest.approx(x - half, abs=0.1)
            assert (echoes.label[0], echoes.actor_id[0]) == (Label.CAR, 31)
        assert _scan(renderer, ahead, [Drawn(31, Pose(12.0))], pose=bumper_high, hides=31).actor_id[0] == 0
        assert _scan(renderer, ahead, [], pose=bumper_high).actor_id[0] == 0
        renderer.remove_actor(31)
        renderer.add_actor(32, DEFAULT_EGO, {})
        assert _scan(renderer, ahead, [Drawn(32, Pose(12.0))], pose=bumper_high).actor_id[0] == 32


def test_a_range_ends_what_rays_see() -> None:
    with _renderer(plain_town((block((11.0, 0.0, 1.7), 1.0, GREY),))) as renderer:
        assert _scan(renderer, _rays((0.0, 0.0)), range_m=9.0).distance[0] == np.inf
        assert _scan(renderer, _rays((0.0, 0.0)), range_m=11.0).distance[0] == pytest.approx(10.0, abs=1e-3)


def test_actors_come_and_go_without_using_up_the_numbers() -> None:
    with _renderer(plain_town()) as renderer:
        _scan(renderer, _rays((0.0, 0.0)))
        counts = []
        for actor_id in range(1, 9):
            renderer.add_actor(actor_id, "walker.pedestrian.0001", {})
            assert _scan(renderer, _rays((0.0, -3.0)), [Drawn(actor_id, Pose(4.0))]).actor_id[0] == actor_id
            counts.append(renderer._survey._faces.count)  # type: ignore[union-attr]
            renderer.remove_actor(actor_id)
    assert len(set(counts)) == 1
