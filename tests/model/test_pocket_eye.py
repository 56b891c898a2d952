"""The eye, and the targets that are painted over what it sees."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from model.pocket import images
from model.pocket.config import CELL_CLASSES
from model.training import targets
from model.training.samples import SeenBox


def test_camera_and_stored_picture_look_alike() -> None:
    camera = np.random.default_rng(0).integers(0, 255, (512, 1024, 3), dtype=np.uint8)
    stored = np.asarray(Image.fromarray(camera).reduce(2))
    difference = np.abs(images.eye(camera).astype(int) - images.eye(stored).astype(int))
    assert difference.max() <= 1  # two roundings instead of one


def test_the_eye_keeps_rows_11_to_106() -> None:
    camera = np.zeros((128, 256, 3), np.uint8)
    camera[11], camera[106] = 200, 100
    seen = images.eye(camera)
    assert seen.shape == (96, 256, 3)
    assert seen[0, 0, 0] == 200
    assert seen[-1, 0, 0] == 100


@pytest.mark.parametrize("shape", [(512, 512, 3), (64, 128, 3), (512, 1024, 4)])
def test_other_pictures_are_refused_by_size(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        images.eye(np.zeros(shape, np.uint8))


def test_an_odd_size_is_resized_by_area() -> None:
    assert images.eye(np.full((400, 800, 3), 77, np.uint8)).mean() == 77


def test_a_box_marks_the_cells_under_it_in_the_cropped_picture() -> None:
    # Rows 11 + 32 .. 11 + 48 of 128 are cell row 2; columns 128 .. 144 of 256 are cell column 8.
    box = SeenBox("lead", 128 / 256, 43 / 128, 144 / 256, 59 / 128)
    grid = targets.cells([box]).reshape(6, 16)
    assert np.argwhere(grid).tolist() == [[2, 8]]
    assert grid[2, 8] == CELL_CLASSES.index("lead")


def test_a_small_lamp_marks_its_cell_and_a_walker_stays_on_top() -> None:
    lamp = SeenBox("red", 0.501, 0.40, 0.505, 0.42)
    car = SeenBox("vehicle", 0.4, 0.3, 0.6, 0.6)
    walker = SeenBox("pedestrian", 0.501, 0.45, 0.52, 0.55)
    grid = targets.cells([walker, lamp, car]).reshape(6, 16)
    names = {CELL_CLASSES[i] for i in grid.flatten()}
    assert names == {"nothing", "vehicle", "red", "pedestrian"}


def test_a_box_outside_the_crop_marks_nothing() -> None:
    assert not targets.cells([SeenBox("lead", 0.4, 0.9, 0.6, 0.99)]).any()
    assert not targets.cells([SeenBox("red", 0.4, 0.0, 0.42, 0.05)]).any()
