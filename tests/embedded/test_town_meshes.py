"""What is seen and bumped into: asphalt under every lane, nothing solid on it, meshes a renderer can trust."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import numpy as np
import pytest

from sim_bridge.embedded import town as towns
from sim_bridge.embedded.contracts import Mesh, Town
from tests.embedded.authored import NAMES, town_of
from tests.embedded.ground_cover import covered, flat_triangles, lane_width_points

TEXTURES = {
    "asphalt", "grass", "pavement", "facade_brick", "facade_plaster", "facade_glass", "facade_office", "roof", "bark",
    "leaves", "",
}  # fmt: skip
LAYERS = {"terrain", "road", "marking", "pavement", "solid"}
MOST_TRIANGLES = 40_000
HALF_LANE_M = {"Backseat03": 1.5, "Backseat05": 1.3}  # of its narrowest lanes; 1.75 elsewhere


@pytest.fixture(scope="module", params=NAMES)
def town(request: pytest.FixtureRequest) -> Town:
    return town_of(request.param)


def test_asphalt_lies_under_every_lane(town: Town) -> None:
    points = lane_width_points(town, HALF_LANE_M.get(town.name, 1.75) - 0.05)
    bare = points[~covered(points, flat_triangles(town, "road"))]
    assert len(bare) == 0, f"grass shows at {bare[:5].tolist()}"


def test_no_sidewalk_crosses_a_lane(town: Town) -> None:
    points = lane_width_points(town, HALF_LANE_M.get(town.name, 1.75) - 0.15)
    blocked = points[covered(points, flat_triangles(town, "pavement"))]
    assert len(blocked) == 0, f"pavement lies at {blocked[:5].tolist()}"


def test_grass_lies_under_the_whole_town(town: Town) -> None:
    x_min, y_min, x_max, y_max = town.bounds
    corners = np.array([[x_min, y_min], [x_max, y_max], [x_min, y_max], [x_max, y_min], [0.0, 0.0]])
    assert covered(corners, flat_triangles(town, "terrain")).all()


def test_nothing_solid_stands_on_a_lane(town: Town) -> None:
    points = lane_width_points(town, HALF_LANE_M.get(town.name, 1.75) - 0.25)
    for box in town.boxes:
        yaw = np.radians(box.pose.yaw)
        offset = points - (box.pose.x, box.pose.y)
        along = offset @ np.array([np.cos(yaw), np.sin(yaw)])
        across = offset @ np.array([-np.sin(yaw), np.cos(yaw)])
        inside = (abs(along) < box.extent[0] + 0.1) & (abs(across) < box.extent[1] + 0.1)
        assert not inside.any(), f"{box.name} stands on a lane at {points[inside][0]}"


def test_boxes_stand_on_the_ground(town: Town) -> None:
    assert len(town.boxes) > 300
    for box in town.boxes:
        assert -0.01 <= box.pose.z - box.extent[2] < 2.5, box.name
        assert min(box.extent) > 0


def test_every_building_seen_is_a_building_hit(town: Town) -> None:
    walls = np.concatenate([m.vertices for m in town.meshes if m.texture.startswith("facade_")])
    buildings = [box for box in town.boxes if box.name.startswith("building")]
    hit = np.zeros(len(walls), dtype=bool)
    for box in buildings:
        yaw = np.radians(box.pose.yaw)
        offset = walls[:, :2] - (box.pose.x, box.pose.y)
        along = offset @ np.array([np.cos(yaw), np.sin(yaw)])
        across = offset @ np.array([-np.sin(yaw), np.cos(yaw)])
        hit |= (abs(along) < box.extent[0] + 0.05) & (abs(across) < box.extent[1] + 0.05)
    assert len(buildings) > 60
    assert hit.all()


def test_meshes_are_sound(town: Town) -> None:
    for mesh in town.meshes:
        assert mesh.layer in LAYERS and mesh.texture in TEXTURES
        assert mesh.triangles.min() >= 0 and mesh.triangles.max() < len(mesh.vertices)
        assert mesh.vertices.dtype == mesh.normals.dtype == mesh.uvs.dtype == mesh.colors.dtype == np.float32
        assert np.isfinite(mesh.vertices).all() and np.isfinite(mesh.uvs).all()
        assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=0.02)
        assert (mesh.colors >= 0).all() and (mesh.colors[:, 3] == 1).all()
        if mesh.layer != "solid":
            assert (mesh.vertices[:, 2] == 0).all()


def test_front_faces_look_outside(town: Town) -> None:
    for mesh in town.meshes:
        assert _outward(mesh).mean() > 0.99, mesh.name


def _outward(mesh: Mesh) -> np.ndarray:
    """Per triangle, whether its winding in the mirrored frame agrees with its normals."""
    mirror = np.array([1.0, -1.0, 1.0])
    corners = (mesh.vertices * mirror)[mesh.triangles]
    normals = (mesh.normals * mirror)[mesh.triangles].mean(axis=1)
    return np.sum(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) * normals, axis=1) >= -1e-6


def test_a_software_renderer_can_carry_it(town: Town) -> None:
    assert sum(len(mesh.triangles) for mesh in town.meshes) < MOST_TRIANGLES


def test_loading_is_quick_and_repeatable() -> None:
    town = town_of("Backseat04")
    began = time.thread_time()
    again = towns.load(town.name)
    assert time.thread_time() - began < 4.0
    assert again.spawn_points == town.spawn_points and again.signals == town.signals and again.boxes == town.boxes
    assert all(np.array_equal(a.vertices, b.vertices) for a, b in zip(again.meshes, town.meshes, strict=True))


def test_an_unknown_town_is_refused_with_the_known_ones() -> None:
    assert "Backseat01" in towns.names()
    for name in ("Town99", "../towns/Backseat01", ""):
        with pytest.raises(ValueError, match="Backseat01"):
            towns.load(name)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<OpenDRIVE", "well-formed"),
        ("<html/>", "OpenDRIVE"),
        ("<OpenDRIVE/>", "at least one <road>"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><OpenDRIVE/>', "document type"),
    ],
)
def test_files_that_are_no_town_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        towns.build("mine", text)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [("<line />", "<spiral />", "lines and arcs"), ('curvature="', 'curvature="x', "finite number")],
)
def test_a_road_that_cannot_be_read_is_named(town: Town, old: str, new: str, complaint: str) -> None:
    assert old in town.opendrive
    with pytest.raises(ValueError, match=complaint):
        towns.build("mine", town.opendrive.replace(old, new, 1))


def test_a_bus_in_a_tight_bend_hits_nothing(town: Town) -> None:
    """Its rear runs a metre inside of its lane and its nose as far outside: 2.6 m from the middle must be free."""
    bends = np.concatenate(list(_tight_bends(town)))
    assert len(bends) > 0 or town.name == "Backseat04"
    for box in town.boxes:
        distance = np.linalg.norm(bends - (box.pose.x, box.pose.y), axis=1).min()
        assert distance - min(box.extent[:2]) > 2.6, f"{box.name} stands in a bend at {box.pose}"


def _tight_bends(town: Town) -> Iterator[np.ndarray]:
    """(N, 2) points of street lanes with a radius below 25 m."""
    ids = town.lane_samples[:, 4:6].astype(int)
    for road_id, lane_id in np.unique(ids, axis=0).tolist():
        rows = town.lane_samples[(ids == (road_id, lane_id)).all(axis=1)]
        turn = (np.diff(rows[:, 2]) + 180.0) % 360.0 - 180.0
        step = np.linalg.norm(np.diff(rows[:, :2], axis=0), axis=1)
        if road_id < 100:
            yield rows[:-1, :2][np.abs(np.radians(turn)) / step > 1 / 25]


def test_a_road_without_paint_is_built_bare(town: Town) -> None:
    unpainted = re.sub(r"<roadMark [^>]*/>", "", town.opendrive)
    assert "<roadMark" not in unpainted, "the fixture's paint is written another way; strip that one"
    bare = towns.build("Bare", unpainted)
    assert len(flat_triangles(bare, "road")) == len(flat_triangles(town, "road"))
    assert len(flat_triangles(bare, "marking")) < len(flat_triangles(town, "marking"))
