"""The benchmark of SimLingo runs, compares with the published procedure, and says what it could not measure."""

from __future__ import annotations

import argparse
import json

import pytest

from model.simlingo import bench, bench_gpu
from model.simlingo.bench_gpu import _floor
from model.simlingo.config import toy
from model.simlingo.graphs import GraphReader
from model.simlingo.tokens import Words
from tests.model.tape import Tape


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
        asked = bench_gpu.not_run(5, 5)
        assert [row["what"] for row in table["rows"]][-len(asked) :] == [row.what for row in asked]
        for row in asked:
            told = rows[row.what]
            assert (told["value"], told["reached"]) == (None, None)
            assert told["note"] == "not run: needs a CUDA device with 6 GB free; the rates are meant for an H100"


def test_floors_are_arithmetic_or_reading_whichever_is_longer() -> None:
    one_word = _floor(357_900_000 + 135_900_000, 1)
    assert one_word == pytest.approx(295e-6, rel=0.02)  # bound by reading 988 MB
    assert _floor(357_900_000, 630) == pytest.approx(456e-6, rel=0.02)  # bound by 451 GFLOP


def test_the_gpus_rows_are_taken_as_named_where_there_is_a_device(toy_words: Words) -> None:
    """The same code on a device that is the CPU, with a tape for its graphs; only the meter is another."""
    waits: list[str] = []
    meter = bench_gpu.Meter(
        "cpu",
        synchronise=lambda: waits.append("wait"),
        forget_peak=lambda: waits.append("forget"),
        peak_bytes=lambda: 2_500_000_000,
        reader=lambda network: GraphReader(network, record=Tape()),
    )
    rows = bench_gpu.rows(toy(toy_words.table_rows), toy_words, 3, 4, meter)
    assert [(row.what, row.unit, row.target) for row in rows] == [
        (row.what, row.unit, row.target) for row in bench_gpu.not_run(3, 4)
    ]
    by_name = {row.what: row for row in rows}
    assert by_name["GPU float32: same token ids of 4"].value == 4
    assert by_name["GPU float32: farthest of path and speed points"].reached
    assert (by_name["GPU memory, bf16"].value, by_name["GPU memory, bf16"].reached) == (2.5, True)
    assert all(row.value is not None and (row.value > 0 or row.unit == "m") for row in rows)
    # Idle before the clock starts and before it stops, in each round of five stages and two rates.
    assert waits.count("wait") == 2 * bench_gpu.ROUNDS * 7
    assert waits.index("forget") < waits.index("wait")


@pytest.mark.parametrize(("rate_hz", "is_reached"), [(99.9, False), (100.0, True)])
def test_a_hundred_plans_a_second_are_wanted_of_a_gpu(rate_hz: float, is_reached: bool) -> None:
    action, words = bench_gpu._rate_rows(25, rate_hz, rate_hz / 4)
    assert (action.target, action.reached) == (">= 100", is_reached)
    assert (words.what, words.target, words.reached) == ("GPU: frame with 25 words", ">= 25", is_reached)
    assert not bench_gpu._memory_row(4.01).reached
