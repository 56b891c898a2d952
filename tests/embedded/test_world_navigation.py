"""The walkers' mesh: polygons that touch hang together, and the file is laid out as it must be."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from sim_bridge.embedded.navigation.mesh_file import can_be_kept, mesh_file
from sim_bridge.embedded.navigation.ribbons import CROSSWALK, SIDEWALK, Polygon
from sim_bridge.embedded.navigation.tile import Welded, written
from tests.embedded.fakes import FLAT


def square(x: float, y: float, area: int = SIDEWALK) -> Polygon:
    return Polygon(np.array([[x, y], [x + 2.0, y], [x + 2.0, y + 2.0], [x, y + 2.0]]), area)


def test_polygons_that_share_an_edge_are_neighbours_and_a_gap_is_a_wall() -> None:
    mesh = Welded([square(0.0, 0.0), square(2.0, 0.0), square(4.2, 0.0)])
    assert [sorted(island) for island in mesh.islands()] == [[0, 1], [2]]
    assert sorted(mesh.neighbours[0]) == [0, 0, 0, 2]
    assert mesh.neighbours[2] == [0, 0, 0, 0]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0]])
def test_faces_wind_the_way_the_client_wants(order: list[int]) -> None:
    mesh = Welded([Polygon(square(0.0, 0.0).corners[order], SIDEWALK)])
    a, b, c = (mesh.corners[i] for i in mesh.faces[0][:3])
    assert (c[0] - a[0]) * (b[1] - a[1]) - (b[0] - a[0]) * (c[1] - a[1]) > 0.0


def test_corners_a_hair_apart_are_one_though_a_cell_ends_between_them() -> None:
    """Noise in the last digits falls to either side of half a centimetre."""
    shared = 2.005
    left = Polygon(np.array([[0.0, 0.0], [shared - 1e-9, 0.0], [shared - 1e-9, 2.0], [0.0, 2.0]]), SIDEWALK)
    right = Polygon(np.array([[shared + 1e-9, 0.0], [4.0, 0.0], [4.0, 2.0], [shared + 1e-9, 2.0]]), SIDEWALK)
    assert len(Welded([left, right]).islands()) == 1


def test_a_dented_quad_becomes_two_triangles_and_a_sliver_nothing() -> None:
    dented = Polygon(np.array([[0.0, 0.0], [4.0, 0.0], [1.0, 1.0], [0.0, 4.0]]), SIDEWALK)
    sliver = Polygon(np.array([[0.0, 9.0], [4.0, 9.0], [4.0, 9.001], [0.0, 9.001]]), SIDEWALK)
    mesh = Welded([dented, sliver])
    assert [len(face) for face in mesh.faces] == [3, 3]
    assert len(mesh.islands()) == 1


def test_the_file_says_its_own_sizes() -> None:
    mesh = Welded([square(0.0, 0.0), square(2.0, 0.0, CROSSWALK)])
    data = written(mesh)
    assert data[:4] == b"TESM"
    assert struct.unpack_from("<i", data, 44)[0] == len(data) - 48
    counts = struct.unpack_from("<4i", data, 48 + 24)
    assert counts == (2, 6, 8, 2)
    sections = 100 + 12 * 6 + 32 * 2 + 12 * 8 + 12 * 2 + 4 * 4
    assert len(data) == 48 + sections
    flags_and_area = [struct.unpack_from("<HBB", data, 48 + 100 + 72 + 32 * k + 28) for k in (0, 1)]
    assert flags_and_area == [(0x02, 4, 1), (0x04, 4, 2)]


def test_a_home_that_cannot_be_written_gets_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert can_be_kept()
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    assert not can_be_kept()
    monkeypatch.delenv("HOME")
    assert not can_be_kept()


def test_without_sidewalks_there_is_no_file() -> None:
    assert mesh_file(FLAT) is None
    with pytest.raises(ValueError, match="polygons"):
        written(Welded([]))
