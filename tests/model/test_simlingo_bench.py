"""The benchmark of SimLingo runs, compares with the published procedure, and says what it could not measure."""

from __future__ import annotations

import argparse
import json

import pytest

from model.simlingo import bench
from model.simlingo.bench_gpu import _floor


def test_the_benchmark_prints_its_table_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    bench.add_arguments(parser)
    code = bench.main(parser.parse_args(["--json", "--width", "toy", "--words", "5", "--parity-words", "5", "--int8"]))
    table = json.loads(capsys.readouterr().out)
    rows = {row["what"]: row for row in table["rows"]}
    assert code == 0
    assert rows["CPU float32: same token ids of 5"]["value"] == 5
    assert rows["CPU float32: farthest of path and speed points"]["value"] <= 1e-4
    assert rows["bf16 CPU: action pass of 31 tokens"]["value"] > 0
    assert rows["8 instructions on one frame, ratio to 8 frames of ours"]["value"] > 0
    assert table["weights"] == "random"
    if "int8 CPU: action only, ratio to bf16" in rows:  # where oneDNN has integers
        errors = [rows[f"{name} CPU: path's error in its own size"]["value"] for name in ("bf16", "int8")]
        assert 0 < errors[0] < errors[1] < 0.5
    if not table["gpu"]:
        assert rows["GPU: action only"]["note"] == "not run: no CUDA device here"


def test_floors_are_arithmetic_or_reading_whichever_is_longer() -> None:
    one_word = _floor(357_900_000 + 135_900_000, 1)
    assert one_word == pytest.approx(295e-6, rel=0.02)  # bound by reading 988 MB
    assert _floor(357_900_000, 630) == pytest.approx(456e-6, rel=0.02)  # bound by 451 GFLOP
