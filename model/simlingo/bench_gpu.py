"""The GPU's part of SimLingo's benchmark: each stage beside its floor, rates, and memory. Needs a CUDA device.

A floor is what the arithmetic or the reading of the weights takes at an H100's rated speed, whichever is longer.
`Meter` is all that is asked of the device around the work, so that everything else runs, at toy width, without one.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from model import prompts
from model.simlingo import images
from model.simlingo.bench_rows import Row, parity, parity_rows, scene
from model.simlingo.config import QUERIES, SimLingoConfig
from model.simlingo.network import SimLingo, random_network
from model.simlingo.reading import Reader, fitting_reader
from model.simlingo.runtime import Runtime
from model.simlingo.tokens import Words

H100_FLOPS, H100_BYTES_PER_S = 989e12, 3.35e12  # dense bfloat16 and memory, NVIDIA's data sheet of the SXM card
BFLOAT16 = 2
ROUNDS, WARM_UP = 20, 3
PARITY = "GPU float32"
EYE, VISION, PLAN, WORD, ACTION = STAGES = (
    "eye (CPU): JPEG, cut, resize",
    "vision, both tiles",
    "picture, prompt and queries in one pass",
    "one word on the cache",
    "action pass of 31 tokens on the cache",
)
# Float32 weights and, after them, bfloat16's with their passes: neither is there beside the other.
NEEDS = "not run: needs a CUDA device with 6 GB free; the rates are meant for an H100"


@dataclass(frozen=True, slots=True)
class Meter:
    """A device, how to wait for it, and what it counts."""

    device: str
    synchronise: Callable[[], None]
    forget_peak: Callable[[], None]
    peak_bytes: Callable[[], int]
    reader: Callable[[SimLingo], Reader]


CUDA = Meter(
    "cuda",
    torch.cuda.synchronize,
    torch.cuda.reset_peak_memory_stats,
    torch.cuda.max_memory_reserved,
    fitting_reader,
)


def not_run(count: int, parity_words: int) -> list[Row]:
    """The rows of `rows` where there is no such device."""
    stages = [Row(f"GPU: {stage}", None, "ms", note=NEEDS) for stage in STAGES]
    return [*parity_rows(PARITY, parity_words, NEEDS), *stages, *_rate_rows(count, None, None), _memory_row(None)]


def rows(config: SimLingoConfig, words: Words, count: int, parity_words: int, meter: Meter = CUDA) -> list[Row]:
    """Every GPU figure; `count` words are spoken per frame."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # float32 is to mean float32
    found = parity(_runtime(config, torch.float32, words, meter), parity_words, PARITY)
    gc.collect()  # recorded passes and their reader hold each other, and with them the float32 weights
    torch.cuda.empty_cache()
    meter.forget_peak()
    runtime = _runtime(config, torch.bfloat16, words, meter)
    runtime.reader.prepare()
    found += [*_stages(runtime, config, meter), *_rates(runtime, config, count, meter)]
    return [*found, _memory_row(meter.peak_bytes() / 1e9)]


def _runtime(config: SimLingoConfig, dtype: torch.dtype, words: Words, meter: Meter) -> Runtime:
    network = random_network(config, dtype).to(meter.device)
    return Runtime(network, words, meter.reader(network))


def _stages(runtime: Runtime, config: SimLingoConfig, meter: Meter) -> list[Row]:
    tiles, navigation = scene(config)
    tiles, prompt = tiles.to(meter.device), prompts.commentary(8.3, navigation)
    network = runtime.network
    body, head = _weights(network.language.model.layers), _weights(network.language.lm_head)
    patches = 2 * (config.grid**2 + 1)
    looking = 4 * config.vision_layers * patches * (patches // 2) * config.vision_width
    seen = runtime.see(tiles).clone()
    context = runtime.prompt(runtime.read_picture(seen), prompt)
    runtime.generate(context, 1, is_endless=True)
    length = int(context.positions[0]) + QUERIES
    picture = np.random.default_rng(3).integers(0, 256, (512, 1024, 3), np.uint8)
    works: dict[str, tuple[Callable[[], Any], float | None]] = {
        EYE: (lambda: images.tiles(picture, config.tile_px), None),
        VISION: (lambda: runtime.see(tiles), _floor(_weights(network.vision), patches, looking)),
        PLAN: (lambda: _act(runtime, seen, prompt), _floor(body, length)),
        WORD: (lambda: runtime.say(context, is_endless=True), _floor(body + head, 1)),
        ACTION: (lambda: runtime.act(context.fork()), _floor(body, QUERIES + 1)),
    }
    return [_row(stage, *works[stage], meter) for stage in STAGES]


def _rates(runtime: Runtime, config: SimLingoConfig, count: int, meter: Meter) -> list[Row]:
    tiles, navigation = scene(config)
    tiles = tiles.to(meter.device)
    driving, talking = prompts.driving(8.3, navigation), prompts.commentary(8.3, navigation)

    def talk() -> None:
        context = runtime.prompt(runtime.encode_tiles(tiles, is_shared=False), talking)
        runtime.generate(context, count, is_endless=True)
        runtime.act(context)

    action = 1 / _seconds(lambda: _act(runtime, runtime.see(tiles), driving), meter)
    return _rate_rows(count, action, 1 / _seconds(talk, meter))


def _rate_rows(count: int, action_hz: float | None, words_hz: float | None) -> list[Row]:
    """From tiles on the device to points on the CPU; None where it was not run."""
    return [_rate_row("action only", action_hz, 100), _rate_row(f"frame with {count} words", words_hz, 25)]


def _rate_row(what: str, rate_hz: float | None, wanted_hz: int) -> Row:
    if rate_hz is None:
        return Row(f"GPU: {what}", None, "Hz", f">= {wanted_hz}", note=NEEDS)
    return Row(f"GPU: {what}", rate_hz, "Hz", f">= {wanted_hz}", rate_hz >= wanted_hz)


def _memory_row(gigabytes: float | None) -> Row:
    what = "GPU memory, bf16"
    if gigabytes is None:
        return Row(what, None, "GB", "<= 4", note=NEEDS)
    return Row(what, gigabytes, "GB", "<= 4", gigabytes <= 4, "what torch took; CUDA's own context is not in it")


def _act(runtime: Runtime, seen: Tensor, prompt: prompts.Prompt) -> None:
    context = runtime.prompt(runtime.read_picture(seen, is_shared=False), prompt)
    runtime.assume(context, prompts.WAYPOINTS)
    runtime.act(context)


def _weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _floor(weights: int, tokens: int, more_flops: float = 0.0) -> float:
    """Seconds at an H100's rated speed to run `tokens` through `weights`, or to read them once."""
    return max((2 * weights * tokens + more_flops) / H100_FLOPS, weights * BFLOAT16 / H100_BYTES_PER_S)


def _row(what: str, work: Callable[[], Any], floor_s: float | None, meter: Meter) -> Row:
    note = "" if floor_s is None else f"H100 floor {1000 * floor_s:.3f} ms"
    return Row(f"GPU: {what}", 1000 * _seconds(work, meter), "ms", note=note)


def _seconds(work: Callable[[], Any], meter: Meter) -> float:
    """The median of ROUNDS, after runs that choose kernels; the device is idle when the clock starts and stops."""
    for _ in range(WARM_UP):
        work()
    taken = []
    for _ in range(ROUNDS):
        meter.synchronise()
        started = time.perf_counter()
        work()
        meter.synchronise()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)
