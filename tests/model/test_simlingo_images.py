"""What SimLingo sees, to the row and the constant."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from model.simlingo import images


def test_153_of_512_rows_are_dropped_from_below() -> None:
    rgb = np.arange(512, dtype=np.uint16).astype(np.uint8)[:, None, None].repeat(1024, 1).repeat(3, 2)
    kept = images.without_bonnet(rgb)
    assert kept.shape == (359, 1024, 3)
    assert np.array_equal(kept, rgb[:359])


def test_the_kept_picture_is_two_columns_of_one_row() -> None:
    assert images.grid_for(1024, 359) == (2, 1)
    assert images.grid_for(400, 400) == (1, 1)
    assert images.grid_for(300, 700) == (1, 2)


def test_tiles_are_448_px_left_first_and_stretched_bicubically() -> None:
    rgb = np.zeros((512, 1024, 3), np.uint8)
    rgb[:, 512:] = 255
    tiles = images.tiles(rgb, 448)
    assert tiles.shape == (2, 3, 448, 448)
    assert tiles.dtype == np.uint8
    assert tiles[0, :, :, :440].max() < 5
    assert tiles[1, :, :, 8:].min() > 250
    noise = np.random.default_rng(1).integers(0, 256, (512, 1024, 3), np.uint8)
    wide = Image.fromarray(images.jpeg_round_trip(noise)[:359]).resize((896, 448), Image.Resampling.BICUBIC)
    assert np.array_equal(images.tiles(noise, 448)[1, 2], np.asarray(wide)[:, 448:, 2])


def test_the_camera_picture_passes_through_a_jpeg_of_quality_95() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (512, 1024, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", quality=95)
    assert np.array_equal(images.jpeg_round_trip(noise), np.asarray(Image.open(file)))
    assert not np.array_equal(images.jpeg_round_trip(noise), noise)


def test_the_jpeg_is_the_one_opencv_writes() -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not a dependency; where it is installed the pictures agree")
    noise = np.random.default_rng(3).integers(0, 256, (512, 1024, 3), np.uint8)
    _, file = cv2.imencode(".jpg", noise[..., ::-1])
    assert np.array_equal(images.jpeg_round_trip(noise), cv2.imdecode(file, cv2.IMREAD_UNCHANGED)[..., ::-1])


def test_normalisation_is_imagenets() -> None:
    grey = torch.full((2, 3, 4, 4), 128, dtype=torch.uint8)
    values = images.normalised(grey)[0, :, 0, 0]
    wanted = [(128 / 255 - m) / s for m, s in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))]
    assert values.tolist() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("shape", [(256, 512, 3), (512, 1024, 4), (1024, 512, 3)])
def test_a_picture_of_another_size_is_refused_with_both_sizes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expects its own camera's 1024x512.*" + str(shape[0])):
        images.tiles(np.zeros(shape, np.uint8), 448)
