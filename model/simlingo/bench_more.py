"""Parts of SimLingo's benchmark that are asked for by a flag: 8-bit integers, and what loading takes. CPU only."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from model import prompts
from model.simlingo import convert, int8, memory, packing
from model.simlingo.bench_rows import Row, farthest, scene
from model.simlingo.config import SimLingoConfig
from model.simlingo.network import SimLingo, random_network
from model.simlingo.runtime import Runtime, Waypoints
from model.simlingo.tokens import Words

NOT_OFFERED = "not offered for driving"


def int8_rows(config: SimLingoConfig, words: Words) -> list[Row]:
    """The error of a plan in bfloat16 and in 8-bit integers against float32, and what the integers gain."""
    exact, _ = _plan(random_network(config, torch.float32), words)
    rounded, seconds = _plan(_packed(random_network(config, torch.bfloat16)), words)
    integers, fewer = _plan(int8.quantise(random_network(config, torch.bfloat16)), words)
    return [
        Row("bf16 CPU: plan's farthest error against float32", farthest(rounded, exact), "m"),
        Row("int8 CPU: plan's farthest error against float32", farthest(integers, exact), "m", note=NOT_OFFERED),
        Row("bf16 CPU: path's error in its own size", _relative(rounded, exact), ""),
        Row("int8 CPU: path's error in its own size", _relative(integers, exact), "", note=NOT_OFFERED),
        Row("int8 CPU: action only, ratio to bf16", seconds / fewer, "x", note=NOT_OFFERED),
    ]


def _packed(network: SimLingo) -> SimLingo:
    return packing.pack(network) if packing.is_possible(torch.bfloat16, "cpu") else network


def _plan(network: SimLingo, words: Words) -> tuple[Waypoints, float]:
    """The plan for the benchmark's scene without words, and its seconds, the better of two."""
    runtime = Runtime(network, words)
    tiles, navigation = scene(network.config)
    best = float("inf")
    for _ in range(2):
        started = time.process_time()
        plans = runtime.probe(
            runtime.encode_tiles(tiles, is_shared=False), [prompts.driving(8.3, navigation)], "Waypoints:"
        )
        best = min(best, time.process_time() - started)
    return plans[0], best


def _relative(ours: Waypoints, exact: Waypoints) -> float:
    return float(np.linalg.norm(ours.path - exact.path) / np.linalg.norm(exact.path))


def loading_rows(config: SimLingoConfig) -> list[Row]:
    """Writes a random checkpoint in the released layout and loads it in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / convert.RELEASED_NAME
        torch.save(convert.random_released(config), path)
        started = time.perf_counter()
        command = [sys.executable, "-m", "model.simlingo.loading", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - started
    taken = json.loads(done.stdout)
    ratio = taken["peak_bytes"] / taken["model_bytes"]
    return [
        Row("loading: model in bf16", taken["model_bytes"] / 1e9, "GB"),
        Row("loading: seconds from start of the process", seconds, "s"),
        Row("loading: peak memory over the model", ratio, "x", f"<= {memory.HEADROOM}", ratio <= memory.HEADROOM),
    ]
