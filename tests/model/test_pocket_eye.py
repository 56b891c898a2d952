"""The eye, and the targets that are painted over what it sees."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from model.pocket import images
from model.pocket.config import CELL_CLASSES
from model.training import targets
from model.training.samples import SeenBox


def test_the_wide_view_is_the_quartered_picture() -> None:
    camera = np.random.default_rng(0).integers(0, 255, (512, 1024, 3), dtype=np.uint8)
    quartered = np.asarray(Image.fromarray(camera).reduce(4))[11:107]
    assert np.abs(images.eye(camera)[images.WIDE].astype(int) - quartered.astype(int)).max() <= 1  # rounding


def test_the_wide_view_keeps_rows_11_to_106() -> None:
    camera = np.zeros((128, 256, 3), np.uint8)
    camera[11], camera[106] = 200, 100
    seen = images.eye(camera)
    assert seen.shape == (2, 96, 256, 3)
    assert seen[images.WIDE, 0, 0, 0] == 200
    assert seen[images.WIDE, -1, 0, 0] == 100


def test_what_is_straight_ahead_at_the_horizon_is_three_times_as_large_in_the_fovea() -> None:
    camera = np.zeros((512, 1024, 3), np.uint8)
    camera[240:272, 496:528] = 255  # a 32 px square in the middle
    bright = (images.eye(camera)[..., 0] > 127).sum(axis=(1, 2))
    assert bright[images.WIDE] == 8 * 8
    assert bright[images.FOVEA] == pytest.approx(23.8**2, rel=0.05)


def test_the_horizon_is_just_below_the_middle_of_the_fovea() -> None:
    camera = np.zeros((512, 1024, 3), np.uint8)
    camera[256:260] = 255
    rows = np.nonzero(images.eye(camera)[images.FOVEA, :, 128, 0] > 127)[0]
    # The window begins at row 184 of the camera and is 129 rows high.
    assert rows.mean() == pytest.approx((258 - 184) * 96 / 129 - 0.5, abs=0.6)


def test_the_fovea_shows_left_left_and_up_up() -> None:
    camera = np.zeros((512, 1024, 3), np.uint8)
    camera[200:210, 360:370] = 255
    rows, columns = np.nonzero(images.eye(camera)[images.FOVEA, :, :, 0] > 127)
    assert rows.max() < 48
    assert columns.max() < 128


@pytest.mark.parametrize("shape", [(512, 512, 3), (64, 128, 3), (512, 1024, 4)])
def test_other_pictures_are_refused_by_size(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        images.eye(np.zeros(shape, np.uint8))


def test_an_odd_size_is_resized_by_area() -> None:
    assert images.eye(np.full((400, 800, 3), 77, np.uint8)).mean() == 77


def test_a_box_marks_the_cells_under_it_in_the_cropped_picture() -> None:
    # Rows 11 + 32 .. 11 + 48 of 128 are cell row 2; columns 128 .. 144 of 256 are cell column 8.
    box = SeenBox("lead", 128 / 256, 43 / 128, 144 / 256, 59 / 128)
    wide = targets.cells([box]).reshape(2, 6, 16)[images.WIDE]
    assert np.argwhere(wide).tolist() == [[2, 8]]
    assert wide[2, 8] == CELL_CLASSES.index("lead")


def test_a_box_marks_the_cells_of_the_fovea_that_show_it() -> None:
    camera = np.zeros((512, 1024, 3), np.uint8)
    camera[230:262, 700 - 32 : 700] = 255  # at the fovea's right edge, and beyond it
    box = SeenBox("lead", 668 / 1024, 230 / 512, 700 / 1024, 262 / 512)
    fovea = targets.cells([box]).reshape(2, 6, 16)[images.FOVEA]
    shown = images.eye(camera)[images.FOVEA, :, :, 0].reshape(6, 16, 16, 16).mean(axis=(1, 3)) / 255
    marked = fovea == CELL_CLASSES.index("lead")
    assert marked.any()
    assert (marked == (shown >= targets.COVER)).all()


def test_a_small_lamp_marks_its_cell_and_a_walker_stays_on_top() -> None:
    lamp = SeenBox("red", 0.501, 0.40, 0.505, 0.42)
    car = SeenBox("vehicle", 0.4, 0.3, 0.6, 0.6)
    walker = SeenBox("pedestrian", 0.501, 0.45, 0.52, 0.55)
    for view in targets.cells([walker, lamp, car]).reshape(2, 6, 16):
        names = {CELL_CLASSES[i] for i in view.flatten()}
        assert names == {"nothing", "vehicle", "red", "pedestrian"}


def test_a_box_outside_the_crop_marks_nothing() -> None:
    assert not targets.cells([SeenBox("lead", 0.4, 0.9, 0.6, 0.99)]).any()
    assert not targets.cells([SeenBox("red", 0.4, 0.0, 0.42, 0.05)]).any()
