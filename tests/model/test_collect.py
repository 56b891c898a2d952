"""Collection against a real embedded world, small: frames appear, a second run goes on, bad use is named."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import carla
import numpy as np
import pytest
from PIL import Image

from model.teacher.stage import EGO_BLUEPRINT, FRAMES_PER_WEATHER, Stage
from model.training import collect, folders
from model.training.expert import roll_out
from model.training.own_world import WorldDidNotStart, free_port, own_world
from model.training.paths import at_distance, offset_of_car
from sim_bridge.messages import InstructionKind as Kind

ROOT = Path(__file__).resolve().parents[2]
PORT = 23500


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    collect.add_arguments(parser)
    return parser.parse_args(list(words))


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("collected")
    words = ["--out", str(out), "--frames", "14", "--drive-share", "0.3", "--workers", "1", "--port", str(PORT)]
    assert collect.main(parsed(*words)) == 0
    return out


def test_frames_are_pictures_with_facts(collected: Path) -> None:
    found = [frame for split in ("train", "val") if _has(collected, split) for frame in folders.read(collected, split)]
    assert len(found) == 14
    assert {facts.source for _, facts in found} == {"staged", "drive"}
    for jpeg, facts in found:
        pixels = np.asarray(Image.open(jpeg))
        assert pixels.shape == (512, 1024, 3) and pixels.std() > 10
        # Sky above road: a picture of the town, the right way up.
        assert pixels[20, :, 2].mean() > pixels[360, 200:800].mean()
        assert facts.town == "Backseat01" and len(facts.route) >= 45
        assert np.hypot(*facts.route[0]) < 2.5


def _has(out: Path, split: str) -> bool:
    return (out / "data" / "backseat" / split).is_dir()


def test_the_card_and_the_sheet_are_written(collected: Path) -> None:
    card = json.loads((collected / "data_card.json").read_text())
    assert sum(entry["frames"] for entry in card["splits"].values()) == 14
    assert Image.open(collected / "sheet.png").size[0] == 3 * 512


def test_a_second_run_goes_on_and_draws_other_scenes(collected: Path) -> None:
    before = {path: path.read_bytes() for path in collected.glob("data/backseat/*/*/*/rgb/*.jpg")}
    words = ["--out", str(collected), "--frames", "17", "--drive-share", "0", "--workers", "1", "--port", str(PORT)]
    assert collect.main(parsed(*words)) == 0
    after = {path: path.read_bytes() for path in collected.glob("data/backseat/*/*/*/rgb/*.jpg")}
    assert len(after) == 17 and before.items() <= after.items()
    assert len(set(after.values())) == 17


def test_signs_alone_are_collected_where_one_stops_or_gives_way(tmp_path: Path) -> None:
    words = ["--out", str(tmp_path), "--frames", "8", "--signs", "--drive-share", "0", "--workers", "1"]
    assert collect.main(parsed(*words, "--town", "Backseat02", "--port", str(PORT + 60))) == 0
    found = [facts for split in ("train", "val") if _has(tmp_path, split) for _, facts in folders.read(tmp_path, split)]
    signs = [sign for facts in found for sign in facts.signs or () if sign.kind != "limit"]
    # A plate may be hidden, by a leader or in a bend.
    assert len(found) == 8 and len(signs) >= 5
    assert all(facts.stop_m is not None for facts in found if any(sign.kind == "stop" for sign in facts.signs or ()))


def test_blocked_lanes_alone_are_collected_with_the_way_round(tmp_path: Path) -> None:
    words = ["--out", str(tmp_path), "--frames", "12", "--blocked", "--drive-share", "0", "--workers", "1"]
    assert collect.main(parsed(*words, "--port", str(PORT + 80))) == 0
    found = [facts for split in ("train", "val") if _has(tmp_path, split) for _, facts in folders.read(tmp_path, split)]
    blocked = [facts for facts in found if facts.blocked_m is not None]
    assert len(blocked) >= 7  # in the others the car is past it
    # Where nobody waits the way leads aside of where the navigator points, which is in the lane.
    aside = [np.ptp(facts.route[:20, 1]) for facts in blocked if facts.yield_m is None]
    assert max(aside) > 2.0


def test_strayed_cars_alone_are_collected_with_the_way_back_to_the_lane(tmp_path: Path) -> None:
    words = ["--out", str(tmp_path), "--frames", "8", "--strayed", "--drive-share", "0", "--workers", "1"]
    assert collect.main(parsed(*words, "--town", "Backseat02", "--port", str(PORT + 180))) == 0
    found = [facts for split in ("train", "val") if _has(tmp_path, split) for _, facts in folders.read(tmp_path, split)]
    assert len(found) == 8
    for facts in found:
        right_m, beside = offset_of_car(facts.route)[1], facts.beside
        assert beside is not None
        places = [metres for metres in (beside.oncoming_m and -beside.oncoming_m, beside.sidewalk_m) if metres]
        assert min(abs(right_m - place) for place in places) < 1.2
        back = at_distance(roll_out(facts, Kind.NONE, 5.0).path, 15.0)
        assert np.hypot(*(facts.route - back).T).min() < 0.6


def test_the_pool_is_repainted_and_nobody_is_left_over() -> None:
    with own_world("Backseat01", 5, PORT + 100) as port:
        client = carla.Client("127.0.0.1", port)
        client.set_timeout(20.0)
        stage = Stage(client, np.random.default_rng(1))
        stage.shot()
        before = _paints(client)
        stage._shots = FRAMES_PER_WEATHER
        stage.shot()
        after = _paints(client)
        stage.close()
        assert len(before) == len(after) > 10
        assert not set(before) & set(after)  # others now
        assert sorted(before.values()) != sorted(after.values())
        client.get_world().wait_for_tick()
        assert len(client.get_world().get_actors().filter("vehicle.*")) == 0


def _paints(client: Any) -> dict[int, str]:
    """Colour by actor id, of those that have one and are not the car's own."""
    vehicles = client.get_world().get_actors().filter("vehicle.*")
    return {
        vehicle.id: vehicle.attributes["color"]
        for vehicle in vehicles
        if vehicle.type_id != EGO_BLUEPRINT and "color" in vehicle.attributes
    }


def test_bends_and_signs_are_not_asked_for_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--out", "anywhere", "--signs", "--bends")
    assert "not allowed with" in capsys.readouterr().err


def test_enough_frames_mean_nothing_to_do(collected: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect.main(parsed("--out", str(collected), "--frames", "5")) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_ctrl_c_keeps_what_is_there_and_leaves_no_world(tmp_path: Path) -> None:
    program = (
        "import argparse, sys\nfrom model.training import collect\n"
        "if __name__ == '__main__':\n"
        "    parser = argparse.ArgumentParser()\n    collect.add_arguments(parser)\n"
        "    sys.exit(collect.main(parser.parse_args()))\n"
    )
    script = tmp_path / "go.py"
    script.write_text(program)
    out = tmp_path / "out"
    words = ["--out", str(out), "--frames", "5000", "--workers", "1", "--port", str(PORT + 100)]
    process = subprocess.Popen(
        [sys.executable, str(script), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 90
        while collect.count(out) < 3:
            assert process.poll() is None and time.monotonic() < deadline, "no frames came"
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130 and "run the same command again" in said
    assert sum(entry["skipped"] for entry in json.loads((out / "data_card.json").read_text())["splits"].values()) == 0
    assert free_port(PORT + 100) == PORT + 100


def test_bad_use_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect.main(parsed("--out", str(tmp_path), "--frames", "0")) == 2
    assert collect.main(parsed("--out", str(tmp_path), "--carla", "nonsense")) == 2
    assert "HOST:PORT" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert collect.main(parsed("--out", str(tmp_path / "file" / "x"), "--frames", "1")) == 2


def test_a_town_kept_for_testing_is_collected_on_purpose_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", str(tmp_path), "--town", folders.HELD_OUT_TOWNS[0], "--frames", "1"]
    assert collect.main(parsed(*words)) == 2
    assert "kept for testing" in capsys.readouterr().err
    assert collect._bad_use(parsed(*words, "--held-out")) == ""


def test_pocket_drives_only_with_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect.main(parsed("--out", str(tmp_path), "--driver", "pocket", "--weights", str(tmp_path))) == 2
    assert "config.json" in capsys.readouterr().err
    made = collect.shares(parsed("--out", str(tmp_path), "--driver", "pocket", "--drive-share", "0.5"), 10)
    assert {share.weights for share in made} == {str(collect.SHIPPED)}
    assert {share.weights for share in collect.shares(parsed("--out", str(tmp_path)), 10)} == {""}


def test_work_is_shared_out_whole_and_a_shared_world_has_one_worker(tmp_path: Path) -> None:
    made = collect.shares(parsed("--out", str(tmp_path), "--workers", "3", "--drive-share", "0.2"), 100)
    assert len(made) == 3 and sum(share.staged + share.driven for share in made) == 100
    assert len({share.run for share in made}) == 3 and len({share.first_port for share in made}) == 3
    assert len(collect.shares(parsed("--out", str(tmp_path), "--workers", "3", "--carla", "localhost:2000"), 100)) == 1


def test_a_full_disk_ends_every_worker_and_a_hung_world_ends_its_own() -> None:
    assert collect.is_everybodys(OSError(28, "No space left on device"))
    assert not collect.is_everybodys(TimeoutError("no picture of tick 13 within 10 s"))
    assert not collect.is_everybodys(RuntimeError("the world refused to place an actor"))


def test_a_world_that_cannot_start_says_why() -> None:
    with pytest.raises(WorldDidNotStart, match="Nowhere"), own_world("Nowhere", 0, PORT + 200):
        pass
