from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.training import folders
from model.training.samples import LeadFacts, SeenBox, SignFacts
from tests.model.teacher_scenes import every_scene, junction, open_road, standing_van

MATRIX = np.eye(4).tolist()


def picture(shade: int = 90) -> np.ndarray:
    rgb = np.full((512, 1024, 3), shade, np.uint8)
    rgb[:, :512, 0] = 200
    return rgb


def write_some(root: Path, count: int, run: int = 0, **changes: object) -> list[Path]:
    writer = folders.FolderWriter(root, "Backseat01", run)
    return [writer.write(picture(), open_road(place=f"{k}:-1:{k}", **changes), MATRIX) for k in range(count)]


def test_facts_survive_the_disk(tmp_path: Path) -> None:
    writer = folders.FolderWriter(tmp_path, "Backseat01", 0)
    boxes = (SeenBox("red", 0.5, 0.3, 0.51, 0.33),)
    for facts in (*every_scene(), open_road(seen=boxes)):
        writer.write(picture(), facts, MATRIX)
    split = folders.split_of("3:-1:4")
    stored = list(folders.read(tmp_path, split))
    assert len(stored) == len(every_scene()) + 1
    for (jpeg, facts), expected in zip(stored, every_scene(), strict=False):
        assert Image.open(jpeg).size == (1024, 512)
        assert np.allclose(facts.route, expected.route, atol=1e-3)
        assert facts.lead == expected.lead and facts.light == expected.light
        assert facts.turns.keys() == expected.turns.keys()
    assert stored[-1][1].seen == boxes


def test_the_stored_picture_is_the_cameras_with_its_colours(tmp_path: Path) -> None:
    (path,) = write_some(tmp_path, 1)
    jpeg, _ = folders.read_one(path)
    pixels = np.asarray(Image.open(jpeg)).astype(int)
    assert np.abs(pixels[200, 120] - [200, 90, 90]).max() <= 4
    assert np.abs(pixels[200, 800] - [90, 90, 90]).max() <= 4


def test_neighbouring_frames_never_cross_the_split(tmp_path: Path) -> None:
    sides = [
        folders.split_of(f"{road}:{lane}:{bucket}") for road in range(40) for bucket in range(10) for lane in (-1, 1)
    ]
    assert sides[::2] == sides[1::2]  # both lanes of a stretch on one side
    assert 0.1 < sides.count("val") / len(sides) < 0.3


def test_a_second_run_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    first = write_some(tmp_path, 12)
    second = write_some(tmp_path, 12)
    assert not set(first) & set(second)
    assert len(set(first) | set(second)) == 24


def test_damaged_frames_are_passed_over_and_counted(tmp_path: Path) -> None:
    paths = [path for path in write_some(tmp_path, 30) if "/train/" in str(path)]
    paths[0].write_bytes(b"not a gzip file")
    entry = json.loads(gzip.decompress(paths[1].read_bytes()))
    paths[1].write_bytes(gzip.compress(json.dumps({**entry, "version": 99}).encode()))
    jpeg = paths[2].parent.parent / "rgb" / f"{paths[2].name.split('.')[0]}.jpg"
    jpeg.write_bytes(jpeg.read_bytes()[:-500])
    del entry["facts"]["route"]
    paths[3].write_bytes(gzip.compress(json.dumps(entry).encode()))
    skipped: list[str] = []
    assert len(list(folders.read(tmp_path, "train", skipped))) == len(paths) - 4
    assert len(skipped) == 4
    assert any("version 99" in line or "got 99" in line for line in skipped)
    assert any("cut short" in line for line in skipped)
    card = folders.write_card(tmp_path)
    assert card["splits"]["train"] == json.loads((tmp_path / "data_card.json").read_text())["splits"]["train"]
    assert card["splits"]["train"]["skipped"] == 4


def test_the_card_counts_every_category(tmp_path: Path) -> None:
    writer = folders.FolderWriter(tmp_path, "Backseat01", 0)
    gives_way = open_road(
        signs=(SignFacts("limit", 3.0, 30), SignFacts("yield", 8.0), SignFacts("stop", 30.0)), yield_m=8.0
    )
    for facts in (standing_van(), junction(), gives_way):
        writer.write(picture(), facts, MATRIX)
    counts = folders.write_card(tmp_path, seed=4)["splits"][folders.split_of("3:-1:4")]["counts"]
    assert counts["lead:braking"] == 1 and counts["turn:left"] == 1 and counts["town:Backseat01"] == 3
    assert counts["sign:yield"] == 1 and "sign:stop" not in counts and counts["lets somebody pass at a sign"] == 1


def test_a_frame_stored_without_a_stop_line_has_the_one_of_its_sign(tmp_path: Path) -> None:
    signs = (SignFacts("yield", 4.0), SignFacts("stop", 9.0))
    for facts, expected in ((open_road(signs=signs), 9.0), (open_road(signs=()), None), (open_road(signs=None), None)):
        assert folders.facts_from_json(folders.facts_to_json(facts)).stop_m == expected


def test_an_empty_folder_and_a_wrong_split_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="collect --out"):
        list(folders.read(tmp_path, "train"))
    with pytest.raises(ValueError, match="expected a split"):
        folders.frames(tmp_path, "test")


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    writer = folders.FolderWriter(tmp_path, "Backseat01", 0)
    (target,) = {folders.split_of("3:-1:4")}
    folder = writer.folder(target, "clear_noon")
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    with pytest.raises(OSError, match="Town_Backseat01"):
        writer.write(picture(), open_road(), MATRIX)


@pytest.mark.parametrize(("kind", "color"), [("motorcycle", ""), ("bicycle", ""), ("car", "red")])
def test_what_a_rider_hides_has_no_colour(tmp_path: Path, kind: str, color: str) -> None:
    folders.FolderWriter(tmp_path, "Backseat01", 0).write(
        picture(), open_road(lead=LeadFacts(9.0, 0.0, True, kind, "red")), MATRIX
    )
    measured = next(tmp_path.glob("data/backseat/*/*/*/measurements/*.json.gz"))
    lead = folders.read_one(measured)[1].lead
    assert lead is not None and (lead.type, lead.color) == (kind, color)
