"""Debug shapes: what they are made of, how long they last, and where they are in the picture."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim_bridge.embedded.contracts import Camera, Dot, Marks, Pose, Sky, Town
from sim_bridge.embedded.renderer import Renderer
from sim_bridge.embedded.world import sketch
from sim_bridge.embedded.world.sketch import Sketch
from tests.embedded.plain_towns import block, plain_town
from tests.embedded.test_calls import ask, connected, start_over

RED, BLUE = (255, 0, 0), (0, 0, 255)
EYE = Camera(1, 400, 200, 90.0, Pose(0.0, 0.0, 2.0))
FOCAL_PX = 200.0


def test_an_arrow_has_a_shaft_and_four_barbs_that_meet_at_the_tip() -> None:
    shaft, *barbs = sketch.arrow((1.0, 2.0, 3.0), (1.0, 6.0, 3.0), 0.1, 0.5, RED).strokes
    assert (shaft.start, shaft.end) == ((1.0, 2.0, 3.0), (1.0, 6.0, 3.0))
    assert {barb.end for barb in barbs} == {(1.0, 6.0, 3.0)}
    for barb in barbs:
        assert barb.start[1] == pytest.approx(5.5)
        assert (abs(barb.start[0] - 1.0), abs(barb.start[2] - 3.0)) == pytest.approx((0.5, 0.5))
    assert len({tuple(round(part, 3) for part in barb.start) for barb in barbs}) == 4


def test_a_box_has_twelve_edges_as_long_as_the_box_wherever_it_is_turned() -> None:
    edges = sketch.box(Pose(5.0, 0.0, 1.0, 10.0, 30.0, -20.0), (2.0, 1.0, 0.5), 0.1, RED).strokes
    lengths = sorted(round(math.dist(edge.start, edge.end), 6) for edge in edges)
    assert lengths == [1.0] * 4 + [2.0] * 4 + [4.0] * 4
    corners = [end for edge in edges for end in (edge.start, edge.end)]
    assert np.mean(corners, axis=0) == pytest.approx((5.0, 0.0, 1.0))
    level = sketch.box(Pose(yaw=90.0), (2.0, 1.0, 0.5), 0.1, RED).strokes
    assert max(edge.start[1] for edge in level) == pytest.approx(2.0), "its length is along y once turned by 90 degrees"


def test_a_shape_is_seen_for_its_life_and_in_one_tick_at_least() -> None:
    drawn = Sketch()
    drawn.add(sketch.point((1.0, 0.0, 0.0), 0.1, RED), 3.0, 0.1)
    drawn.add(sketch.point((2.0, 0.0, 0.0), 0.1, RED), 3.0, 0.001)
    drawn.add(sketch.point((3.0, 0.0, 0.0), 0.1, RED), 3.0, -1.0)
    seen = []
    for tick in range(4):
        drawn.drop_old(3.0 + 0.05 * tick)
        seen.append([dot.at[0] for dot in drawn.drawn().dots])
    assert seen == [[1.0, 2.0, 3.0], [1.0, 3.0], [3.0], [3.0]]
    assert drawn.drawn() is drawn.drawn(), "what did not change is not built again"


def test_the_oldest_shapes_go_when_there_are_too_many() -> None:
    drawn = Sketch()
    for number in range(sketch.MOST_SHAPES + 5):
        drawn.add(sketch.point((float(number), 0.0, 0.0), 0.1, RED), 0.0, 0.0)
    dots = drawn.drawn().dots
    assert (len(dots), dots[0].at[0]) == (sketch.MOST_SHAPES, 5.0)


# ---- in the picture -------------------------------------------------------------------------------------------------


def pictures(town: Town, *drawn: Marks, kind: str = "rgb", sky: Sky | None = None) -> list[np.ndarray]:
    """One picture per set of marks, all by one renderer."""
    renderer = Renderer(town, "software")
    eye = Camera(EYE.camera_id, EYE.width, EYE.height, EYE.fov, EYE.pose, kind)
    try:
        renderer.add_camera(eye)
        return [renderer.render([], [eye], {}, sky or Sky(), marks)[1] for marks in drawn]
    finally:
        renderer.close()


def is_red(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 2] > 240) & (picture[..., 1] < 10) & (picture[..., 0] < 10)


@pytest.mark.parametrize("distance_m", [5.0, 50.0])
def test_a_point_is_where_it_was_drawn_and_as_large_near_and_far(distance_m: float) -> None:
    (picture,) = pictures(plain_town(), sketch.point((distance_m, 0.2 * distance_m, 2.0), 0.1, RED))
    rows, columns = np.nonzero(is_red(picture))
    assert columns.mean() == pytest.approx(200.0 + 0.2 * FOCAL_PX, abs=1.5)
    assert rows.mean() == pytest.approx(100.0, abs=1.5)
    assert len(rows) == pytest.approx(100, abs=25), "a size of 0.1 is ten pixels square"


def test_a_line_is_as_thick_as_it_was_drawn() -> None:
    across = sketch.line((10.0, -2.0, 2.0), (10.0, 3.0, 2.0), 0.3, RED)
    (picture,) = pictures(plain_town(), across)
    rows, columns = np.nonzero(is_red(picture))
    assert (columns.min(), columns.max()) == (pytest.approx(160, abs=1), pytest.approx(260, abs=1))
    assert rows.max() - rows.min() + 1 == pytest.approx(0.3 * FOCAL_PX / 10.0, abs=1.5)


def test_a_line_thinner_than_a_pixel_is_still_seen() -> None:
    (picture,) = pictures(plain_town(), sketch.line((60.0, -20.0, 2.5), (60.0, 20.0, 2.5), 0.0, RED))
    assert len(set(np.nonzero(is_red(picture))[1])) > 120


def test_walls_hide_shapes_and_the_road_they_lie_in_does_not() -> None:
    town = plain_town((block((20.0, 0.0, 3.0), 3.0, (0.2, 0.2, 0.2)),))
    (hidden,) = pictures(town, sketch.point((30.0, 0.0, 2.0), 0.1, RED))
    assert not is_red(hidden).any()
    (whole,) = pictures(plain_town(), sketch.point((15.0, 0.0, 0.0), 0.1, RED))
    assert is_red(whole).sum() == pytest.approx(100, abs=25)


def test_shapes_shine_at_night() -> None:
    (picture,) = pictures(plain_town(), sketch.point((10.0, 0.0, 2.0), 0.1, RED), sky=Sky(sun_altitude=-60.0))
    assert is_red(picture).any()


def test_no_other_pixel_changes_and_all_are_back_when_the_shapes_are_gone() -> None:
    marks = sketch.box(Pose(10.0, 0.0, 1.0), (2.0, 1.0, 1.0), 0.05, BLUE)
    before, during, after = pictures(plain_town(), Marks(), marks, Marks())
    changed = (before != during).any(axis=2)
    assert 0.001 < changed.mean() < 0.1
    assert (during[changed][:, :3] == (250, 0, 0)).all(), "blue, a little below full white"
    assert np.array_equal(before, after)


@pytest.mark.parametrize("kind", ["depth", "semantic", "instance", "normals"])
def test_measuring_cameras_do_not_see_shapes(kind: str) -> None:
    without, with_shape = pictures(plain_town(), Marks(), Marks(dots=(Dot((10.0, 0.0, 2.0), 10.0, RED),)), kind=kind)
    assert np.array_equal(without, with_shape)


# ---- what may come over the wire ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("primitive", "complaint"),
    [
        ([9, []], "shape.primitive.kind: expected 0 to 8, got 9"),
        ([0], "shape.primitive: expected [kind, fields], got 1 elements"),
        ([1, [[0.0, 0.0], [1.0, 0.0, 0.0], 0.1]], "shape.primitive[0]: expected 3 elements, got 2"),
        ([0, [[0.0, 0.0, math.nan], 0.1]], "shape.primitive[0][2]: expected a finite number, got nan"),
    ],
)
def test_a_shape_that_is_none_is_refused_by_the_field_that_is_wrong(flat: int, primitive: list, complaint: str) -> None:
    start_over(flat)
    with connected(flat) as rpc:
        assert ask(rpc, "draw_debug_shape", [primitive, [255, 0, 0], 1.0, True]) == [[True, [complaint]]]
