"""What a recipe changes in a training view and in the network, and a small comparison from its runs to its table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model.pocket import images
from model.pocket.config import PocketConfig
from model.pocket.network import Pocket
from model.pocket.vocabulary import Vocabulary
from model.training import batches, compare, losses, phrases, run_folder
from model.training.frames import open_split
from model.training.labels import TURNS
from model.training.presets import PRESETS
from model.training.recipe import DEPARTURES, SHIPPED, Recipe
from tests.model import painted_frames


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("painted")
    painted_frames.write(folder, 40)
    return folder


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return Vocabulary.of(phrases.words())


def views(data: Path, words: Vocabulary, recipe: Recipe, count: int = 60) -> list[batches.View]:
    frames, rng = open_split(data, "train"), np.random.default_rng(0)
    at = [i % len(frames) for i in range(count)]
    return [batches.view(frames.eye(i), frames.facts[i], words, rng, recipe) for i in at]


def network(words: Vocabulary, recipe: Recipe) -> Pocket:
    torch.manual_seed(0)
    return recipe.built(Pocket(PocketConfig(words.words, **{**PRESETS["debug"].shape, **recipe.shape})))  # type: ignore[arg-type]


def test_every_departure_differs_from_what_is_shipped() -> None:
    assert all(recipe != SHIPPED for recipe in DEPARTURES.values())
    assert len({repr(recipe) for recipe in DEPARTURES.values()}) == len(DEPARTURES)


def test_without_the_fovea_the_wide_view_is_as_it_was(data: Path, words: Vocabulary) -> None:
    whole, blinded = (views(data, words, recipe, 1)[0].eye for recipe in (SHIPPED, Recipe(has_fovea=False)))
    np.testing.assert_array_equal(whole[images.WIDE], blinded[images.WIDE])
    assert np.ptp(whole[images.FOVEA]) > 0 and np.ptp(blinded[images.FOVEA]) == 0


def test_a_picture_is_talked_about_as_often_as_the_recipe_says(data: Path, words: Vocabulary) -> None:
    for recipe in (SHIPPED, Recipe(plans=1, asides=0)):
        told = views(data, words, recipe, 3)
        assert {(len(v.looks), len(v.asides)) for v in told} == {(recipe.plans, recipe.asides)}
        batch, wanted = batches.collate(told, words, None)
        losses.total(network(words, recipe)(batch), batch, wanted)[0].backward()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_plans_are_made_at_once_as_often_as_the_recipe_says(data: Path, words: Vocabulary, share: float) -> None:
    told = [one for v in views(data, words, Recipe(acts_at_once=share)) for one in v.looks]
    assert {one.acts_at_once for one in told} == {bool(share)}


def test_target_points_are_in_every_view_but_where_a_turn_is_asked_for(data: Path, words: Vocabulary) -> None:
    told = [one.sample for v in views(data, words, Recipe(targets_dropped=0.0)) for one in v.looks]
    assert all(one.target_points is not None for one in told if one.kind not in TURNS)
    assert any(one.target_points is None for one in told if one.kind in TURNS)
    usual = [one.sample for v in views(data, words, SHIPPED) for one in v.looks if one.sample.kind not in TURNS]
    assert any(one.target_points is None for one in usual)


def test_what_is_left_out_of_the_loss_teaches_nothing(data: Path, words: Vocabulary) -> None:
    recipe = Recipe(left_out=("aux", "cells", "choices"))
    batch, wanted = batches.collate(views(data, words, recipe, 4), words, None)
    for left_out, learns in ((SHIPPED.left_out, True), (recipe.left_out, False)):
        pocket = network(words, recipe)
        losses.total(pocket(batch), batch, wanted, left_out)[0].backward()
        grad = pocket.vision.cell_head.weight.grad
        assert (grad is not None and bool(grad.abs().sum() > 0)) is learns


def test_patches_make_as_many_cells_as_convolutions(data: Path, words: Vocabulary) -> None:
    recipe = Recipe(has_convolutions=False, shape={"vision_blocks": 2})
    pocket = network(words, recipe)
    assert sum(isinstance(part, torch.nn.Conv2d) for part in pocket.vision.modules()) == 1
    batch, _ = batches.collate(views(data, words, recipe, 2), words, None)
    assert pocket(batch).seen.cells.shape == network(words, SHIPPED)(batch).seen.cells.shape


def test_a_comparison_ends_in_a_table_and_is_not_run_twice(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compare, "DEPARTURES", {"one conversation a picture": Recipe(plans=1, asides=0)})
    arguments = ["--data", str(data), "--out", str(tmp_path), "--minutes", "0.001", "--preset", "debug"]
    assert compare.main(arguments) == 0
    table = capsys.readouterr().out[-2000:].split("| recipe ")[1]
    names = [line.split(" | ")[0].lstrip("| ") for line in table.splitlines()[2:]]
    assert names == ["as shipped", "as shipped, another seed", "one conversation a picture"]
    assert all(int(line.split(" | ")[1]) > 0 for line in table.splitlines()[2:])
    logs = {run.name: run_folder.read_log(run.folder(tmp_path)) for run in compare.runs()}
    assert compare.main(arguments) == 0
    assert logs == {run.name: run_folder.read_log(run.folder(tmp_path)) for run in compare.runs()}
    assert capsys.readouterr().out.split("| recipe ")[1] == table


def test_a_comparison_of_nothing_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["--data", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("compare: ")
