"""Fine-tuning SimLingo: its views, its two losses, memorising a handful of every task, and going on after a stop."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from model import prompts
from model.simlingo import checkpoint, images
from model.simlingo.driver import SimLingoDriver
from model.simlingo.network import SimLingo
from model.simlingo.runtime import Runtime
from model.simlingo.tokens import Words
from model.training import folders, simlingo_losses, simlingo_run, simlingo_train
from model.training.simlingo_views import MIX, View, is_refusal, view
from tests.model import painted_frames
from tests.model.simlingo_toys import observation

STEPS, RATE = 75, 5e-3


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("painted")
    painted_frames.write(root, 24)
    return root


@pytest.fixture(scope="module")
def views(data: Path) -> list[View]:
    """32 looks, some of every task."""
    stored = list(folders.read(data, "train"))
    rng = np.random.default_rng(5)
    return [view(*stored[n % len(stored)], rng, tuple(MIX)[n % len(MIX)]) for n in range(32)]


def fresh(toy_folder: Path) -> SimLingo:
    return simlingo_run.load_network(toy_folder / "pytorch_model.pt", torch.device("cpu"))


def test_the_tasks_read_and_answer_in_the_published_wording(data: Path) -> None:
    (stored, *_) = folders.read(data, "train")
    rng = np.random.default_rng(0)
    for _ in range(20):
        made = {task: view(*stored, rng, task) for task in MIX}
        assert all("Current speed: " in one.prompt.text for one in made.values())
        assert made["drive"].prompt.text.endswith(" Predict the waypoints.")
        assert made["commentary"].prompt.text.endswith(" What should the ego do next?")
        assert " Q: " in made["vqa"].prompt.text
        assert made["dream"].prompt.text.startswith(tuple(prompts.FLAGS.values()))
        assert made["vqa"].answer.startswith("A: ")
        assert made["given"].answer == made["drive"].answer == "Waypoints:"
        assert all(made[task].answer.endswith("Waypoints:") for task in ("commentary", "dream"))
        assert made["given"].prompt.text.endswith(". Predict the waypoints.")


def test_both_navigations_and_both_dream_answers_occur(data: Path) -> None:
    (stored, *_) = folders.read(data, "train")
    rng = np.random.default_rng(1)
    dreams = [view(*stored, rng, "dream") for _ in range(1000)]
    led = sum(bool(one.prompt.target_points) for one in dreams)
    commanded = sum("Command: " in one.prompt.text for one in dreams)
    assert 200 < led < 550
    assert 250 < commanded < 620
    assert 140 < 1000 - led - commanded < 260
    followed = [one for one in dreams if one.answer == "Following the given instruction. Waypoints:"]
    assert 0 < len(followed) < 1000
    assert all("<SAFETY>" in one.prompt.text for one in dreams if one not in followed)
    assert is_refusal("There is no lane to change to on the left.")
    assert not is_refusal("Driving faster.")


def test_words_are_counted_from_the_role_header_to_the_end_token(
    toy_folder: Path, toy_words: Words, views: list[View]
) -> None:
    network = fresh(toy_folder).eval()
    one = next(v for v in views if v.task == "commentary")
    batch = simlingo_losses.collate([one], toy_words, network)
    spoken = batch.ids[0][batch.first_spoken[0] :]
    text = toy_words.tokenizer.decode(spoken.tolist(), skip_special_tokens=False)
    assert text == f"<|im_start|>assistant\n{one.answer}<|im_end|>"
    assert batch.tiles.shape == (1, 2, 3, 56, 56)


def test_padding_changes_no_loss(toy_folder: Path, toy_words: Words, views: list[View]) -> None:
    network = fresh(toy_folder).eval()
    pair = [next(v for v in views if v.task == task) for task in ("drive", "commentary")]

    def parts(rows: list[View]) -> dict[str, float]:
        with torch.no_grad():
            _, found = simlingo_losses.total(network, toy_words, simlingo_losses.collate(rows, toy_words, network))
        return {name: float(part) for name, part in found.items()}

    together, alone = parts(pair), [parts([one]) for one in pair]
    for name in ("path", "speed"):
        assert together[name] == pytest.approx((alone[0][name] + alone[1][name]) / 2, rel=1e-4)


def test_training_sees_what_driving_sees(toy_folder: Path, toy_words: Words, data: Path) -> None:
    """The plan that the losses judge is the runtime's plan for the same picture, prompt and answer."""
    stored = next(folders.read(data, "train"))
    one = view(*stored, np.random.default_rng(3), "drive")
    network = fresh(toy_folder).eval()
    runtime = Runtime(network, toy_words)
    tiles = images.cut(np.asarray(Image.open(one.jpeg)), 56)
    context = runtime.prompt(runtime.encode_tiles(images.normalised(torch.from_numpy(tiles))), one.prompt)
    runtime.assume(context, one.answer)
    plan = runtime.act(context)[0]
    with torch.no_grad():
        _, parts = simlingo_losses.total(network, toy_words, simlingo_losses.collate([one], toy_words, network))
    wanted = torch.nn.functional.smooth_l1_loss(torch.tensor(plan.path), torch.tensor(one.path), reduction="none")
    assert float(parts["path"]) == pytest.approx(float(wanted.sum(-1).mean()), rel=1e-4)


def test_only_lora_is_trained_in_the_language_model(toy_folder: Path) -> None:
    run = simlingo_run.begin(fresh(toy_folder), steps=10)
    trained = [name for name, p in run.network.named_parameters() if p.requires_grad]
    assert sum(name.startswith("language.") for name in trained) == 2 * 7 * 2
    assert all(name.endswith((".down", ".up")) for name in trained if name.startswith("language."))
    assert {name.split(".")[0] for name in trained} == {"vision", "projector", "language", "point_encoder", "driving"}
    kept = simlingo_run.begin(fresh(toy_folder), steps=10, keeps_vision=True)
    assert not any(p.requires_grad for p in kept.network.vision.parameters())


def test_it_memorises_32_views_of_every_task_and_drives_with_the_result(
    toy_folder: Path, toy_words: Words, views: list[View], tmp_path: Path
) -> None:
    run = simlingo_run.begin(fresh(toy_folder), STEPS, RATE)
    halves = [simlingo_losses.collate(views[n::2], toy_words, run.network) for n in range(2)]
    first = simlingo_train.step(run, toy_words, halves[0])
    for n in range(1, STEPS):
        simlingo_train.step(run, toy_words, halves[n % 2])
    simlingo_run.save(tmp_path, run)
    network, _ = checkpoint.load(tmp_path / "simlingo.safetensors", torch.float32)
    with torch.no_grad():
        _, last = simlingo_losses.total(network, toy_words, simlingo_losses.collate(views, toy_words, network))
    assert float(last["words"]) < 0.35 * first["words"]
    assert float(last["path"]) < 0.05 * first["path"]
    assert float(last["speed"]) < 0.15 * first["speed"]
    driver = SimLingoDriver(Runtime(network, toy_words))
    assert driver.plan(observation(), None).speed_xy_in_ego.shape == (10, 2)
    said = {one.answer: spoken(driver.runtime, one) for one in views if one.task in ("drive", "given")}
    assert said == {"Waypoints:": "Waypoints:"}


def spoken(runtime: Runtime, one: View) -> str:
    """What the network says to a view's picture and prompt."""
    tiles = torch.from_numpy(images.cut(np.asarray(Image.open(one.jpeg)), runtime.network.config.tile_px))
    context = runtime.prompt(runtime.encode_tiles(images.normalised(tiles)), one.prompt)
    return runtime.words.text(runtime.generate(context, 20)[0])


def trained(run: simlingo_run.Run) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in run.network.named_parameters() if p.requires_grad}


def test_a_resumed_run_goes_on_exactly_as_one_that_never_stopped(
    toy_folder: Path, toy_words: Words, views: list[View], tmp_path: Path
) -> None:
    def some_steps(run: simlingo_run.Run, count: int) -> simlingo_run.Run:
        for _ in range(count):
            chosen = [views[n] for n in run.rng.choice(32, 2, replace=False)]
            simlingo_train.step(run, toy_words, simlingo_losses.collate(chosen, toy_words, run.network))
        return run

    whole = some_steps(simlingo_run.begin(fresh(toy_folder), 4, RATE), 4)
    simlingo_run.save(tmp_path, some_steps(simlingo_run.begin(fresh(toy_folder), 4, RATE), 2))
    again = simlingo_run.begin(fresh(toy_folder), 4, RATE, seed=99)
    simlingo_run.resume(tmp_path, again)
    some_steps(again, 2)
    assert again.step == 4
    one, other = trained(whole), trained(again)
    assert all(torch.equal(one[name], other[name]) for name in one)


def arguments(*words: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    simlingo_train.add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def given(toy_folder: Path, data: Path, out: Path) -> tuple[object, ...]:
    files = ("--checkpoint", toy_folder / "pytorch_model.pt", "--tokenizer", toy_folder / "tokenizer")
    return ("--data", data, "--out", out, *files, "--steps", 3, "--batch", 2, "--save-every", 2)


def test_the_command_trains_saves_and_resumes(toy_folder: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    asked = (*given(toy_folder, data, out), "--accept-simlingo-license")
    run = simlingo_run.begin(fresh(toy_folder), 3)
    simlingo_run.save(out, run)
    assert simlingo_train.main(arguments(*asked, "--resume")) == 0
    (entry,) = (json.loads(line) for line in (out / "log.jsonl").read_text().splitlines())
    assert entry["step"] == 3
    assert all(entry[name] > 0 for name in ("words", "path", "speed"))
    assert checkpoint.load(out / "simlingo.safetensors")[1].is_merged_file


def test_what_users_get_wrong_is_said(
    toy_folder: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, accepted = given(toy_folder, data, tmp_path / "run"), "--accept-simlingo-license"

    def complaint(*words: object) -> str:
        assert simlingo_train.main(arguments(*words)) == 2
        return capsys.readouterr().err

    assert "start again with --accept-simlingo-license" in complaint(*asked)
    assert "no run to resume" in complaint(*asked, accepted, "--resume")
    assert "no train frames under" in complaint(*asked, accepted, "--data", tmp_path)
    assert "--steps, --batch and --save-every" in complaint(*asked, accepted, "--batch", 0)
    assert "no checkpoint at" in complaint(*asked, accepted, "--checkpoint", tmp_path)
    simlingo_run.save(tmp_path / "run", simlingo_run.begin(fresh(toy_folder), 7))
    assert "holds a run already" in complaint(*asked, accepted)
    assert "planned for 7 steps, not 3; give --steps 7" in complaint(*asked, accepted, "--resume")
