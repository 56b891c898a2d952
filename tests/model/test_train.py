"""Training, from a folder of pictures to a driver: two steps, a checkpoint, on from it, graphs, a plan."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.pocket import weights
from model.pocket.config import CHOICES, FLAGS, PocketConfig
from model.pocket.driver import PocketDriver
from model.pocket.graphs import TorchGraphs
from model.pocket.network import Pocket, Talk
from model.pocket.vision import CHOICE_SIZES
from model.pocket.vocabulary import SPECIALS, Vocabulary
from model.training import (
    batches,
    card,
    choices,
    eye_cache,
    labels,
    losses,
    order,
    phrases,
    run_folder,
    schedule,
    ship,
    targets,
    train,
    warm_start,
)
from model.training.contradictions import looks_at_home_elsewhere
from model.training.frames import DataError, Frames, open_split, open_splits
from model.training.losses import WEIGHTS
from model.training.presets import Settings
from model.training.run_folder import RunError
from model.training.schedule import Budget
from model.training.worker import Worker
from sim_bridge.messages import (
    FRONT_CAMERA,
    CameraFrame,
    EgoState,
    Instruction,
    InstructionKind,
    InstructionMode,
    Observation,
)
from tests.model import painted_frames
from tests.model.teacher_scenes import open_road, straight_line, turning_line

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """Threads that wait for each other make a busy machine many times slower."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("painted")
    painted_frames.write(folder, 40)
    return folder


def run_train(data: Path, out: Path, *more: str) -> int:
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    return train.main(parser.parse_args(["--data", str(data), "--out", str(out), "--preset", "debug", *more]))


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two steps, then two more from the checkpoint, then the graphs and a place to ship from."""
    out = tmp_path_factory.mktemp("runs") / "first"
    assert run_train(data, out, "--workers", "1", "--views", "8") == 0
    assert run_train(data, out, "--workers", "1", "--views", "16", "--resume") == 0
    ship.ship(out, out.parent / "shipped", None)
    return out


def test_a_run_leaves_its_log_its_curves_and_its_figures(run: Path) -> None:
    told = json.loads((run / "training.json").read_text())
    assert told["steps"] == 4
    assert told["views"] == 16
    assert told["finished"]
    assert told["data"]["towns"] == ["Painted"]
    assert np.isfinite(told["held_out"]["path_ade_m"])
    assert [entry["views"] for entry in run_folder.read_log(run) if entry["report"] == "held_out"] == [8, 16]
    assert "plotly" in (run / "curves.html").read_text(encoding="utf-8").lower()


def test_only_words_learn_where_only_words_shall(run: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "words"
    assert run_train(data, out, "--workers", "1", "--views", "8", "--from", str(run), "--only-words") == 0
    before, after = weights.read(run), weights.read(out)
    learnt = {name for name, array in after.items() if not np.array_equal(array, before[name])}
    assert learnt and all(name.startswith("adapters.pointer.") for name in learnt)


def test_only_words_of_no_weights_is_a_sentence(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_train(data, tmp_path / "words", "--views", "8", "--only-words") == 2
    assert "give their folder with --from" in capsys.readouterr().err


def test_the_model_card_takes_its_figures_from_the_run_and_the_evaluation(run: Path, tmp_path: Path) -> None:
    shipped, evaluation = run.parent / "shipped", tmp_path / "evaluation.json"
    alone = {"successes": 4, "of": 5, "driving_score": 91.25, "infractions": {"left_lane": 1}, "each": [1, 2]}
    scenes = {"all": {"passed": 1, "of": 2, "driving_score": 66.0}, "cut_in": {"ends": {"out of time": 1}}}
    open_loop = {
        "frames": 600,
        "dream": {"follow": {"all": {"share": 0.875, "of": 80}}},
        "vqa": {"gap": {"share": 0.5, "of": 4, "guess": 0.25}, "majority_guess": 0.4},
    }
    found = {"seed": 7, "drive": {"Painted": {"routes": alone}}, "scenes": {"Painted": scenes}, "open_loop": open_loop}
    evaluation.write_text(json.dumps(found))
    text = ship.card(shipped, evaluation, None)
    path_ade = json.loads((run / "training.json").read_text())["held_out"]["path_ade_m"]
    assert f"| path_ade_m | {card.rounded(path_ade)} |" in text
    assert "16 views in 4 steps" in text
    assert "| Painted | routes alone | 4 of 5 | 91.25 | left_lane 1 |" in text
    assert "| Painted | staged scenes passed | 1 of 2 | 66 | cut_in: out of time |" in text
    assert "| instructions obeyed, in follow mode | all | 0.875 | 80 |" in text
    assert "| gap | 0.5 | 4 | 0.25 |" in text
    assert "[1, 2]" not in text
    with pytest.raises(ship.ShipError, match=r"no evaluation\.json"):
        ship.card(shipped, tmp_path / "gone" / "evaluation.json", None)
    assert PocketDriver(shipped).info.name == "pocket"


def test_the_trained_network_drives_on_onnx_runtime(run: Path) -> None:
    pytest.importorskip("onnxruntime")
    driver = PocketDriver(run)
    assert "ONNX" in driver.info.detail
    assert not driver.info.is_privileged
    plan = driver.plan(observation(), None)
    assert plan.path_xy_in_ego.shape == (20, 2)
    assert plan.speed_xy_in_ego.shape == (10, 2)
    assert not plan.path_xy_in_ego.flags.writeable
    assert plan.reads_instruction_as is InstructionKind.NONE
    assert plan.made_at_tick == 3


def test_an_instruction_and_its_serial_reach_the_plan(run: Path) -> None:
    driver = PocketDriver(run)
    stop = Instruction("stop here", InstructionMode.FOLLOW, 7)
    assert driver.plan(observation(), stop).instruction_serial == 7
    nonsense = Instruction("zyxwv qpqpq", InstructionMode.FOLLOW, 8)
    plan = driver.plan(observation(), nonsense)
    assert plan.reads_instruction_as is InstructionKind.UNCLEAR
    np.testing.assert_allclose(plan.path_xy_in_ego, driver.plan(observation(), None).path_xy_in_ego, atol=1e-4)
    assert driver.plan(observation(), Instruction(" <> ", InstructionMode.FOLLOW, 9)).instruction_serial == 9


def test_an_instruction_to_turn_shuts_the_navigator_up_and_others_do_not(run: Path, tmp_path: Path) -> None:
    elsewhere = replace(observation(), tick=30, target_points_xy_in_ego=np.array([[9, 8], [11, 25]], np.float32))
    for heard, is_overruled in ((InstructionKind.TURN_LEFT, True), (InstructionKind.SLOWER, False)):
        folder = tmp_path / heard.value
        config, arrays = PocketConfig.load(run / "config.json"), dict(weights.read(run))
        # A network that hears this kind in everything, and whose plans do depend on what it reads.
        bias = np.zeros(len(config.kinds), np.float32)
        bias[config.kinds.index(heard.value)] = 99.0
        arrays["adapters.kind_head.bias"] = bias
        for head in ("path_head", "speed_head"):
            rng = np.random.default_rng(0)
            arrays[f"adapters.{head}.2.weight"] = rng.normal(0, 0.5, arrays[f"adapters.{head}.2.weight"].shape).astype(
                "f4"
            )
        weights.write(folder, config, arrays)
        driver = PocketDriver(folder, TorchGraphs(folder))
        told = Instruction("turn left here", InstructionMode.FOLLOW, 1)
        one, other = driver.plan(observation(), told), driver.plan(elsewhere, told)
        assert one.reads_instruction_as is heard
        assert np.allclose(one.path_xy_in_ego, other.path_xy_in_ego, atol=1e-5) == is_overruled
        # Without the instruction the navigator is listened to again.
        plain = [driver.plan(seen, None).path_xy_in_ego for seen in (observation(), elsewhere)]
        assert not np.allclose(*plain, atol=1e-5)


def test_words_come_in_pieces_and_talk_first_puts_them_in_the_plan(run: Path) -> None:
    driver = PocketDriver(run)
    pieces = list(driver.comment(observation(), None))
    plan = driver.plan(observation(), None, talk_first=True)
    assert plan.commentary == "".join(pieces)
    assert all(isinstance(piece, str) for piece in driver.answer(observation(), "is the traffic light red?"))
    assert list(driver.answer(observation(), "zyxwv?")) == ["I can only answer about the road."]
    driver.close()
    driver.close()


def test_weights_that_give_nan_raise_instead_of_steering(run: Path) -> None:
    driver = PocketDriver(run)

    class Diverged:
        backend = "diverged"

        def see(self, eye):
            return np.full((driver._runtime.config.image_tokens, driver._runtime.config.width), np.nan, np.float32)

        def read(self, embeddings, cache):
            return np.full_like(embeddings, np.nan), cache

    with pytest.raises(ValueError, match="not finite"):
        PocketDriver(run, Diverged()).plan(observation(), None)


def test_graphs_of_other_weights_are_refused(run: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", "vision.onnx", "decoder.onnx"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    (tmp_path / "decoder.onnx").write_bytes(b"not a graph")
    with pytest.raises(ValueError, match="export them again"):
        PocketDriver(tmp_path)


def test_two_processes_learn_together_and_stop_on_ctrl_c(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "two"
    command = [sys.executable, "-m", "model.training.train", "--data", str(data), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--preset", "debug", "--minutes", "10"], cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 240
        while not (out / "log.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert (out / "log.jsonl").exists(), "no progress line within four minutes"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(240) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    card = json.loads((out / "training.json").read_text())
    assert not card["finished"]
    assert card["views"] == card["steps"] * 4
    assert (out / "model.safetensors").exists()
    lines = [entry for entry in run_folder.read_log(out) if entry["report"] == "step"]
    assert lines and all(set(WEIGHTS) <= set(line) for line in lines)
    page = (out / "curves.html").read_text(encoding="utf-8")
    assert [loss for loss in WEIGHTS if f'"name":"{loss}"' not in page] == []


# ---- what users get wrong -------------------------------------------------------------------------------------------


def test_no_data_says_how_to_make_some(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_train(tmp_path / "nothing", tmp_path / "run") == 2
    assert "launch.py collect" in capsys.readouterr().err


def test_a_run_is_never_overwritten_and_never_resumed_from_nothing(
    data: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_train(data, run, "--workers", "1", "--views", "8") == 2
    assert "--resume" in capsys.readouterr().err
    assert run_train(data, tmp_path / "new", "--minutes", "0") == 2
    assert "above zero" in capsys.readouterr().err
    assert run_train(data, tmp_path / "new", "--rate", "0") == 2
    assert "learning rate" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_named(run: Path, data: Path, tmp_path: Path) -> None:
    network = torch.nn.Linear(1, 1)
    (tmp_path / "state.pt").write_bytes((run / "state.pt").read_bytes()[:1000])
    with pytest.raises(run_folder.RunError, match=r"state\.pt does not hold this run's checkpoint"):
        run_folder.resume(tmp_path, network, torch.optim.AdamW(network.parameters()))  # type: ignore[arg-type]


def test_broken_pictures_are_left_out_and_counted(tmp_path: Path) -> None:
    painted_frames.write(tmp_path, 20)
    before = open_split(tmp_path, "train")
    pictures = sorted((tmp_path / "data" / "backseat" / "train").glob("*/*/rgb/*.jpg"))
    content = pictures[0].read_bytes()
    pictures[0].write_bytes(content[: len(content) // 2])
    middle = bytearray(pictures[1].read_bytes())
    middle[2:400] = bytes(398)  # begins and ends as a JPEG, and is none in between
    pictures[1].write_bytes(middle)
    after = open_split(tmp_path, "train")
    assert len(after) == len(before) - 2
    assert len(after.broken) == 2


def test_a_run_begins_from_weights_and_words_keep_their_meaning(run: Path, data: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    arrays, config = weights.read(run), json.loads((run / "config.json").read_text())
    # Old weights that never heard of one word, with the others in another order.
    forgotten = config["vocabulary"].index("junction")
    rest = [k for k in range(len(config["vocabulary"])) if k != forgotten]
    rest = rest[: len(SPECIALS)] + rest[len(SPECIALS) :][::-1]
    config["vocabulary"] = [config["vocabulary"][k] for k in rest]
    arrays["adapters.words"] = arrays["adapters.words"][rest] + 7.0
    # The same of the kinds of instruction.
    known = [k for k, kind in enumerate(config["kinds"]) if kind != "crash"][::-1]
    config["kinds"] = [config["kinds"][k] for k in known]
    for name in warm_start.KIND_ROWS:
        arrays[name] = arrays[name][known] + 7.0
    weights.write(old, PocketConfig(**{k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}), arrays)
    (old / "training.json").write_text(json.dumps({"saved_at": "yesterday", "views": 500, "minutes": 12.5}))

    words = Vocabulary.of(phrases.words())
    network = Pocket(PocketConfig.load(run / "config.json"))
    begun = warm_start.begin_from(old, network, words.words)
    assert begun == {"new_words": 1, "saved_at": "yesterday", "views_in_all": 500, "minutes_in_all": 12.5}
    table = network.state_dict()["adapters.words"].numpy()
    for word in ("stop", "left", "<speed>"):
        np.testing.assert_array_equal(
            table[words.words.index(word)], arrays["adapters.words"][config["vocabulary"].index(word)]
        )
    assert np.abs(table[words.words.index("junction")]).max() < 1.0
    heard = network.state_dict()["adapters.kind_head.bias"].numpy()
    for kind, bias in zip(network.config.kinds, heard, strict=True):
        if kind == "crash":
            assert abs(bias) < 1.0
        else:
            assert bias == arrays["adapters.kind_head.bias"][config["kinds"].index(kind)]

    out = tmp_path / "new"
    assert run_train(data, out, "--workers", "1", "--views", "4", "--from", str(old)) == 0
    assert json.loads((out / "training.json").read_text())["begun_from"] == begun
    assert run_train(data, out, "--workers", "1", "--views", "8", "--resume") == 0
    card = json.loads((out / "training.json").read_text())
    assert card["begun_from"] == begun and card["views"] == 8
    ship.ship(out, tmp_path / "shipped", None)
    assert "begun from the weights of yesterday (500 views in 12.5 minutes)" in ship.card(
        tmp_path / "shipped", None, None
    )
    assert run_train(data, tmp_path / "never", "--workers", "1", "--views", "4", "--from", str(tmp_path)) == 2


def test_a_network_that_has_grown_does_what_the_old_weights_did(run: Path, tmp_path: Path) -> None:
    arrays, config = weights.read(run), PocketConfig.load(run / "config.json")
    heads, told, places = "vision.whole_head.2.weight", "vision.say_seen.0.weight", "vision.backbone.places"
    small = {name: array for name, array in arrays.items() if not name.startswith("vision.chooser")}
    small[heads], small["vision.whole_head.2.bias"] = small[heads][:14], small["vision.whole_head.2.bias"][:14]
    small[told], small[places] = small[told][:, :35], small[places][:, :96]
    weights.write(tmp_path / "small", config, small)

    network = Pocket(config)
    born = {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}
    warm_start.begin_from(tmp_path / "small", network, config.vocabulary)
    now = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    np.testing.assert_array_equal(now[told][:, :35], small[told])
    assert not now[told][:, 35:].any()  # what is new says nothing yet
    np.testing.assert_array_equal(now[heads][:14], small[heads])
    np.testing.assert_array_equal(now[heads][14:], born[heads][14:])
    np.testing.assert_array_equal(now[places][:, :96], small[places])
    np.testing.assert_array_equal(now["vision.chooser.names"], born["vision.chooser.names"])

    weights.write(tmp_path / "large", config, {**arrays, told: np.pad(arrays[told], ((0, 0), (0, 3)))})
    with pytest.raises(RunError, match="say_seen"):
        warm_start.begin_from(tmp_path / "large", network, config.vocabulary)


def test_several_folders_are_one_and_a_town_kept_for_testing_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted_frames.write(tmp_path, 12)
    one, other = open_split(data, "train"), open_split(tmp_path, "train")
    both = open_splits([data, tmp_path, tmp_path / "nothing"], "train")
    assert len(both) == len(one) + len(other)
    np.testing.assert_array_equal(both.eye(len(one) + 2), other.eye(2))
    twice = open_splits([data, data, tmp_path], "train")
    assert (len(twice), len(twice.once)) == (2 * len(one) + len(other), len(both))
    assert len(open_splits([data, data], "val")) == len(open_split(data, "val"))
    assert both.facts[len(one) + 2].place == other.facts[2].place
    monkeypatch.setattr("model.training.folders.HELD_OUT_TOWNS", both.towns)
    with pytest.raises(DataError, match="kept for testing"):
        open_splits([data, tmp_path], "train")


def test_frames_that_contradict_their_picture_are_left_out() -> None:
    # The lane's middle lies 2.2 m to the right: the car stands in the lane on the left, as one that belongs there.
    assert looks_at_home_elsewhere(open_road(route=straight_line(2.2, 0.0)))
    assert not looks_at_home_elsewhere(open_road(route=straight_line(2.2, 0.0), lane_left=None))
    assert not looks_at_home_elsewhere(open_road(route=straight_line(-2.2, 0.0)))
    assert not looks_at_home_elsewhere(open_road(route=straight_line(0.8, 0.0)))


# ---- parts ----------------------------------------------------------------------------------------------------------


def test_packing_goes_on_where_it_stopped(tmp_path: Path) -> None:
    painted_frames.write(tmp_path, 10)
    pictures = sorted((tmp_path / "data").glob("**/*.jpg"))
    eye_cache.pack(tmp_path, "train", pictures[:4])
    index = eye_cache.folder(tmp_path) / "train.jsonl"
    index.write_text(index.read_text()[:-20])  # cut off in the middle of its last line
    cache = eye_cache.pack(tmp_path, "train", pictures)
    assert len(cache.rows) == 10
    for picture in pictures:
        row = cache.rows[picture.relative_to(tmp_path).as_posix()]
        np.testing.assert_array_equal(cache.eyes[row], eye_cache.read_eye(picture))


def test_packing_tells_how_far_it_is(tmp_path: Path, monkeypatch, capsys) -> None:
    painted_frames.write(tmp_path, 3)
    monkeypatch.setattr(eye_cache, "PROGRESS_EVERY_S", 0.0)
    eye_cache.pack(tmp_path, "train", sorted((tmp_path / "data").glob("**/*.jpg")))
    said = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in said] == [f"{k} of 3 new pictures packed" for k in (1, 2, 3)]


def test_lamps_and_walkers_are_looked_at_more_often_and_nothing_is_left_out(data: Path) -> None:
    frames = open_split(data, "train")
    length = sum(order.turns(facts) for facts in frames.facts)
    first, again = order.Order(frames, 0), order.Order(frames, 0)
    epoch = [first.frame(place) for place in range(length)]
    assert set(epoch) == set(range(len(frames)))
    lit = next(i for i, facts in enumerate(frames.facts) if facts.light is not None)
    plain = next(i for i, facts in enumerate(frames.facts) if facts.light is None and facts.pedestrian is None)
    assert (epoch.count(lit), epoch.count(plain)) == (3, order.turns(frames.facts[plain]))
    assert order.turns(open_road()) == 1
    assert {order.turns(open_road(in_junction=True)), order.turns(open_road(source="pocket"))} == {2}
    astray = open_road(route=straight_line(0.8, 0.0))
    assert (order.turns(astray), order.turns(replace(astray, source="pocket"))) == (1, 4)
    bend = turning_line(2, 12.0, 1)
    beside = (bend + np.array([0.0, 0.8])).astype(np.float32)
    assert (order.turns(open_road(route=bend)), order.turns(open_road(route=beside))) == (1, 4)
    assert again.frame(length + 5) == first.frame(length + 5)  # resumed in the second epoch
    assert [first.frame(length + place) for place in range(length)] != epoch


def test_every_view_fits_the_network_and_every_task_comes_up(data: Path) -> None:
    frames, words = open_split(data, "train"), Vocabulary.of(phrases.words())
    rng = np.random.default_rng(0)
    views = [batches.view(frames.eye(i % len(frames)), frames.facts[i % len(frames)], words, rng) for i in range(200)]
    looks, asides = [one for v in views for one in v.looks], [one for v in views for one in v.asides]
    assert {one.sample.task for one in looks} == set(batches.TASK_SHARES)
    assert {one.sample.task for one in asides} == set(batches.ASIDE_SHARES)
    batch, wanted = batches.collate(views, words, rng)
    assert batch.eyes.shape == (200, 2, 96, 256, 3)
    assert wanted.cells.shape == (200, 192)
    assert len(wanted.path) == len(batch.speeds) == len(looks) > len(views)
    assert batch.talk.pictures.tolist() == sorted(batch.talk.pictures.tolist())
    assert not (batch.talk.answer_ids == words.unknown).any()
    assert not (batch.asides.answer_ids == words.unknown).any()
    assert (wanted.kinds[[one.sample.task != "dream" for one in looks]] == -100).all()


def test_who_leads_is_not_taught_where_the_way_leads_round_somebody() -> None:
    lead_flag = FLAGS.index("lead")
    for blocked_m, known in ((None, 1.0), (8.0, 0.0)):
        told = targets.aux(labels.aux_of(open_road(blocked_m=blocked_m)))
        assert told.flags_known[lead_flag] == known


def test_the_card_counts_a_frame_once_however_often_its_folder_is_named(data: Path) -> None:
    twice, val = open_splits([data, data], "train"), open_split(data, "val")
    settings = Settings((data, data), data / "unused", Budget(views=10**6), "debug", workers=1)
    told = Worker(settings, 0, twice, val)._card()["data"]
    assert told["train_frames"] == len(open_split(data, "train")) == sum(told["sources"].values())


def test_the_loss_falls_on_one_batch(data: Path) -> None:
    frames = open_split(data, "train")
    few = Frames(frames.eyes, frames.rows[:4], frames.facts[:4])
    torch.manual_seed(0)
    worker = Worker(Settings((data,), data / "unused", Budget(views=10**6), "debug", workers=1), 0, few, few)
    batch, wanted = worker._batch(np.random.default_rng(0))
    seen = []
    for _ in range(60):
        worker.gradients.zero()
        loss, parts = losses.total(worker.network(batch), batch, wanted)
        loss.backward()
        worker.gradients.clip()
        worker.optimizer.step()
        seen.append(loss.item())
        assert set(parts) == set(WEIGHTS)
        assert loss.item() == pytest.approx(sum(WEIGHTS[name] * part.item() for name, part in parts.items()), rel=1e-4)
    assert seen[-1] < 0.6 * seen[0]


def test_both_views_of_a_picture_are_brightened_alike_and_each_picture_otherwise() -> None:
    eyes = np.full((3, 2, 4, 8, 3), 100, np.uint8)
    shown = batches.augmented(eyes, np.random.default_rng(0))
    assert shown.min() > 100 * (1 - batches.GAIN) - batches.OFFSET
    assert (shown == shown[:, :1, :1, :1]).all()
    assert len({tuple(picture[0, 0, 0]) for picture in shown}) == 3


def test_each_picture_is_asked_its_own_choices(data: Path) -> None:
    frames, words = open_split(data, "train"), Vocabulary.of(phrases.words())
    rng = np.random.default_rng(0)
    several = [open_road(in_junction=True), open_road(oncoming_left=True), open_road(blocked_m=4.0)]
    views = [batches.view(frames.eye(0), facts, words, rng) for facts in several]
    wanted = batches.collate(views, words, rng)[1].choices
    assert [row.tolist() for row in wanted] == [choices.choices(facts).tolist() for facts in several]
    assert len({tuple(row.tolist()) for row in wanted}) == 3


def test_choosing_right_costs_nothing_and_choosing_wrong_does() -> None:
    right = torch.tensor([[0] * len(CHOICES), [choices.UNKNOWN] * len(CHOICES)])
    sure = torch.zeros(2, sum(CHOICE_SIZES))
    firsts = [sum(CHOICE_SIZES[:k]) for k in range(len(CHOICE_SIZES))]
    sure[0, firsts] = 30.0
    assert float(losses._choices(sure, right)) == pytest.approx(0.0, abs=1e-6)
    for first in firsts:  # each one of them counts, and one that nobody can tell does not
        wrong = sure.clone()
        wrong[0, first], wrong[0, first + 1] = 0.0, 30.0
        wrong[1, first] = 30.0
        assert float(losses._choices(wrong, right)) == pytest.approx(30.0 / len(CHOICES), rel=1e-3)
    assert losses.WEIGHTS["choices"] > 0.0


def test_a_wrong_yes_costs_more_than_a_wrong_word_behind_it() -> None:
    talk = Talk(
        torch.zeros(1, dtype=torch.long),
        torch.zeros(1, 1, dtype=torch.long),
        torch.zeros(1, 1, 2),
        torch.ones(1, dtype=torch.long),
        torch.tensor([[1, 2, 3, 0]]),
        torch.tensor([3]),
    )
    right = 20.0 * torch.eye(5)[[1, 2, 3, 4]][None]  # the fourth is padding and may be anything
    cost = []
    for word in range(4):
        said = right.clone()
        said[0, word] = torch.tensor([20.0, 0.0, 0.0, 0.0, 0.0])
        loss, weight = losses._word_losses(said, talk)
        cost.append(float(loss / weight))
    first, second, third, padding = cost
    assert first == pytest.approx(losses.FIRST_WORD_WEIGHT * second, rel=1e-3)
    assert second == pytest.approx(third) and second > 1.0 and padding == pytest.approx(0.0, abs=1e-3)


def test_the_loss_feels_what_the_wheel_and_a_standing_car_feel() -> None:
    # A path that is 0.2 m wrong near the car costs more than one that is so far ahead.
    wanted, weights_of_points = torch.zeros(1, 20, 2), losses._near(20)
    near, far = wanted.clone(), wanted.clone()
    near[:, 3, 1], far[:, 15, 1] = 0.2, 0.2
    cost = [float(losses.points(said, wanted, losses.PATH_BETA_M, weights_of_points)) for said in (near, far)]
    assert cost[0] > 3.0 * cost[1] > 0.0
    # Creeping 3 cm a step costs more where the plan should stand than where it should roll.
    stands, rolls = torch.zeros(1, 9, 2), torch.ones(1, 9, 2)
    creep = torch.zeros(1, 9, 2)
    creep[..., 0] = 0.03
    assert float(losses._pace(stands + creep, stands)) > 2.0 * float(losses._pace(rolls + creep, rolls))


def test_the_rate_warms_up_peaks_and_ends_with_the_budget() -> None:
    assert schedule.rate(0.0, 0) < 0.02 * schedule.PEAK_RATE
    assert schedule.rate(0.05, 500) == schedule.rate(schedule.STEADY, 500) == schedule.PEAK_RATE
    cooling = [schedule.rate(schedule.STEADY + share * (1 - schedule.STEADY), 500) for share in (0.04, 0.25, 0.81)]
    assert cooling == pytest.approx([share * schedule.PEAK_RATE for share in (0.8, 0.5, 0.1)])
    assert schedule.rate(1.0, 500) == pytest.approx(schedule.FLOOR * schedule.PEAK_RATE)
    assert Budget(minutes=2.0).progress(60.0, 5) == 0.5
    assert Budget(views=200).progress(1e9, 50) == 0.25
    with pytest.raises(ValueError, match="either minutes or views"):
        Budget()


def observation() -> Observation:
    rng = np.random.default_rng(0)
    facts = painted_frames.facts(rng, "1:1:1", "red")
    frame = CameraFrame(FRONT_CAMERA, painted_frames.picture(facts, rng), 3)
    return Observation(0, 3, 150_000, EgoState(0.0, 0.0, 0.0, 5.0), (frame,), facts.target_points)
