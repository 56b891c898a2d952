"""The GPU's part of SimLingo's benchmark: each stage beside its floor, rates, and memory. Needs a CUDA device.

A floor is what the arithmetic or the reading of the weights takes at an H100's rated speed, whichever is longer.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from model import prompts
from model.simlingo import images
from model.simlingo.bench_rows import Row, parity, scene
from model.simlingo.config import QUERIES, SimLingoConfig
from model.simlingo.network import random_network
from model.simlingo.runtime import Runtime
from model.simlingo.tokens import Words

H100_FLOPS, H100_BYTES_PER_S = 989e12, 3.35e12  # dense bfloat16 and memory, NVIDIA's data sheet of the SXM card
BFLOAT16 = 2
ROUNDS, WARM_UP = 20, 3


def rows(config: SimLingoConfig, words: Words, count: int, parity_words: int) -> list[Row]:
    """Every GPU figure; `count` words are spoken per frame."""
    torch.backends.cuda.matmul.allow_tf32 = False
    found = parity(Runtime(random_network(config, torch.float32).to("cuda"), words), parity_words, "GPU float32")
    gc.collect()  # captured passes and their reader hold each other, and with them the float32 weights
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    runtime = Runtime(random_network(config, torch.bfloat16).to("cuda"), words)
    runtime.network.restore_rotary("cuda")
    found += [*_stages(runtime, config), *_rates(runtime, config, count)]
    gigabytes = torch.cuda.max_memory_reserved() / 1e9
    return [*found, Row("GPU memory, bf16", gigabytes, "GB", "<= 4", gigabytes <= 4)]


def _stages(runtime: Runtime, config: SimLingoConfig) -> list[Row]:
    tiles, navigation = scene(config)
    tiles, prompt = tiles.to("cuda"), prompts.commentary(8.3, navigation)
    network = runtime.network
    body, head = _weights(network.language.model.layers), _weights(network.language.lm_head)
    patches = 2 * (config.grid**2 + 1)
    looking = 4 * config.vision_layers * patches * (patches // 2) * config.vision_width
    with torch.inference_mode():
        seen = runtime.see(tiles).clone()
        context = runtime.prompt(runtime.read_picture(seen), prompt)
        runtime.generate(context, 1, is_endless=True)
        length = int(context.positions[0]) + QUERIES
        picture = np.random.default_rng(3).integers(0, 256, (512, 1024, 3), np.uint8)
        return [
            _row("eye (CPU): JPEG, cut, resize", lambda: images.tiles(picture, config.tile_px), None),
            _row("vision, both tiles", lambda: runtime.see(tiles), _floor(_weights(network.vision), patches, looking)),
            _row("picture, prompt and queries in one pass", lambda: _act(runtime, seen, prompt), _floor(body, length)),
            _row("one word on the cache", lambda: runtime.say(context, is_endless=True), _floor(body + head, 1)),
            _row(
                "action pass of 31 tokens on the cache", lambda: runtime.act(context.fork()), _floor(body, QUERIES + 1)
            ),
        ]


def _rates(runtime: Runtime, config: SimLingoConfig, count: int) -> list[Row]:
    tiles, navigation = scene(config)
    tiles = tiles.to("cuda")
    driving, talking = prompts.driving(8.3, navigation), prompts.commentary(8.3, navigation)

    def talk() -> None:
        context = runtime.prompt(runtime.encode_tiles(tiles, is_shared=False), talking)
        runtime.generate(context, count, is_endless=True)
        runtime.act(context)

    action = 1 / _seconds(lambda: _act(runtime, runtime.see(tiles), driving))
    words = 1 / _seconds(talk)
    return [
        Row("GPU: action only", action, "Hz", ">= 100", action >= 100),
        Row(f"GPU: frame with {count} words", words, "Hz", ">= 25", words >= 25),
    ]


def _act(runtime: Runtime, seen: torch.Tensor, prompt: prompts.Prompt) -> None:
    context = runtime.prompt(runtime.read_picture(seen, is_shared=False), prompt)
    runtime.assume(context, prompts.WAYPOINTS)
    runtime.act(context)


def _weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _floor(weights: int, tokens: int, more_flops: float = 0.0) -> float:
    """Seconds at an H100's rated speed to run `tokens` through `weights`, or to read them once."""
    return max((2 * weights * tokens + more_flops) / H100_FLOPS, weights * BFLOAT16 / H100_BYTES_PER_S)


def _row(what: str, work: Callable[[], Any], floor_s: float | None) -> Row:
    note = "" if floor_s is None else f"H100 floor {1000 * floor_s:.3f} ms"
    return Row(f"GPU: {what}", 1000 * _seconds(work), "ms", note=note)


def _seconds(work: Callable[[], Any]) -> float:
    """The median of ROUNDS, after runs that choose kernels and capture graphs."""
    for _ in range(WARM_UP):
        work()
    taken = []
    for _ in range(ROUNDS):
        torch.cuda.synchronize()
        started = time.perf_counter()
        work()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)
