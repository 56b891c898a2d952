"""Figures of SimLingo's runtime against the published procedure: random weights, a fixed number of words. Main thread.

Both sides run the same weights in the same process, one after the other: ours packed for the CPU, theirs in the layout
and with the attention of the library. With one thread, seconds are the process's CPU seconds: what else runs on the
machine then stretches neither side by waiting. Word counts are fixed because
random weights never say the end token. Run by `launch.py bench --model simlingo`; its targets hold at full width.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model import prompts
from model.simlingo import baseline, bench_gpu, bench_more, int8, packing, stand_in, tokens
from model.simlingo.bench_rows import Row, parity, scene
from model.simlingo.config import FULL, SimLingoConfig, toy
from model.simlingo.network import random_network
from model.simlingo.runtime import Runtime, Waypoints
from sim_bridge.messages import InstructionMode

WORDS = 25
PROBES = (
    *("stop here", "drive faster", "slow down", "keep 5 m/s"),
    *("change to the left lane", "change to the right lane", "turn left at the next crossing", "follow the road"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--width",
        choices=("toy", "full"),
        default="full",
        help="Measure the published shape (minutes on a CPU, 8 GB of memory) or a toy of the same design (seconds).",
    )
    parser.add_argument("--threads", type=int, default=1, help="Give the network this many CPU threads.")
    parser.add_argument("--words", type=int, default=WORDS, help="Generate exactly this many tokens per frame.")
    parser.add_argument("--parity-words", type=int, default=8, help="Compare float32 results after this many tokens.")
    parser.add_argument(
        "--int8", action="store_true", help="Also measure what 8-bit integers would gain on a CPU, and their error."
    )
    parser.add_argument(
        "--loading",
        action="store_true",
        help="Also write a random checkpoint to the temporary folder (full: 4 GB) and measure what loading it takes.",
    )
    parser.add_argument("--repeats", type=int, default=1, help="Repeat each pair of timings and keep the best of both.")


def main(args: argparse.Namespace) -> int:
    """0 where every figure that was taken reaches its target, 1 otherwise."""
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        words = tokens.load(stand_in.write(Path(folder), args.width == "full"))
    config = FULL if args.width == "full" else toy(words.table_rows)
    _say("float32: the same tokens and points as the published procedure?")
    rows = parity(Runtime(random_network(config, torch.float32), words), args.parity_words, "CPU float32")
    rows += _cpu(config, words, args)
    if args.int8 and int8.is_possible():
        _say("int8: its error and what it gains")
        rows += bench_more.int8_rows(config, words)
    if args.loading:
        _say("loading: peak memory")
        rows += bench_more.loading_rows(config)
    rows += _gpu(config, words, args)
    if args.width == "toy":
        rows = [row if row.target in ("all", "<= 1e-4") else replace(row, target="", reached=None) for row in rows]
    report(rows, args)
    return 0 if all(row.reached is not False for row in rows) else 1


def _gpu(config: SimLingoConfig, words: tokens.Words, args: argparse.Namespace) -> list[Row]:
    if not torch.cuda.is_available():
        return bench_gpu.not_run(args.words, args.parity_words)
    _say("GPU: every stage beside its floor")
    return bench_gpu.rows(config, words, args.words, args.parity_words)


def report(rows: list[Row], args: argparse.Namespace) -> None:
    """The table for people, or one JSON object with `--json`."""
    facts = {"width": args.width, "threads": args.threads, "words": args.words, "cpu": platform.processor()}
    facts |= {"torch": torch.__version__, "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else ""}
    if getattr(args, "json", False):
        print(json.dumps({"model": "simlingo", "weights": "random", **facts, "rows": [asdict(row) for row in rows]}))
        return
    print("SimLingo, random weights: " + ", ".join(f"{name} {value}" for name, value in facts.items() if value))
    for row in rows:
        value = "-" if row.value is None else f"{row.value:.3g} {row.unit}"
        verdict = {None: "", True: "reached", False: "MISSED"}[row.reached]
        print(f"{row.what:58} {value:>14}  {row.target:>10}  {verdict:8} {row.note}".rstrip())


def _cpu(config: SimLingoConfig, words: tokens.Words, args: argparse.Namespace) -> list[Row]:
    runtime, published = (Runtime(random_network(config, torch.bfloat16), words) for _ in range(2))
    is_packed = packing.is_possible(torch.bfloat16, "cpu")
    if is_packed:
        packing.pack(runtime.network)
    tiles, navigation = scene(config)
    prompt = prompts.commentary(8.3, navigation)
    best: dict[str, float] = {}
    for _ in range(args.repeats):
        _one_round(runtime, tiles, prompt, args.words, best)
        _their_round(published, runtime, tiles, prompt, args.words, best)
        _probes(runtime, tiles, navigation, best)
    frame = (best["their vision"] + best["theirs"]) / (best["vision"] + best["ours"])
    stages = best["theirs"] / best["ours"]
    many = best["8 frames"] / best["8 rows"]
    n = args.words
    note = "" if is_packed else "plain layers: this CPU's oneDNN does not compute in bfloat16"
    return [
        Row("bf16 CPU: vision, both tiles", best["vision"], "s", note=note),
        Row("bf16 CPU: picture and prompt to the first word", best["first word"], "s"),
        Row(f"bf16 CPU: {n - 1} more words", best["words"], "s"),
        Row("bf16 CPU: action pass of 31 tokens", best["action"], "s"),
        Row("bf16 CPU: published procedure, vision", best["their vision"], "s"),
        Row("bf16 CPU: published procedure, language and action", best["theirs"], "s"),
        Row(f"frame with {n} words, ratio to the published procedure", frame, "x", ">= 6", frame >= 6),
        Row("language and action alone, ratio", stages, "x", ">= 15", stages >= 15),
        Row("bf16 CPU: action only, picture to plan", best["one frame"], "s"),
        Row("8 instructions on one frame, ratio to 8 frames of ours", many, "x", ">= 4.5", many >= 4.5),
    ]


def _one_round(runtime: Runtime, tiles: Tensor, prompt: prompts.Prompt, words: int, best: dict[str, float]) -> None:
    _say(f"bf16: a frame with {words} words")
    with torch.inference_mode():
        seen = _timed(best, "vision", lambda: runtime.see(tiles))
    started = _clock()
    context = runtime.prompt(runtime.read_picture(seen, is_shared=False), prompt)
    _timed(best, "first word", lambda: runtime.generate(context, 1, is_endless=True))
    _timed(best, "words", lambda: runtime.generate(context, words - 1, is_endless=True))
    _timed(best, "action", lambda: runtime.act(context))
    _keep(best, "ours", _clock() - started)


def _their_round(
    published: Runtime, runtime: Runtime, tiles: Tensor, prompt: prompts.Prompt, words: int, best: dict[str, float]
) -> None:
    _say("bf16: the same by the published procedure")
    with torch.inference_mode():
        seen = runtime.see(tiles)
    _timed(best, "their vision", lambda: baseline.see(published, tiles))
    _timed(best, "theirs", lambda: baseline.after_vision(published, seen, prompt, words))


def _probes(runtime: Runtime, tiles: Tensor, navigation: prompts.Navigation, best: dict[str, float]) -> None:
    _say(f"bf16: {len(PROBES)} instructions on one frame, together and then each on its own")
    wanted = [prompts.dream(8.3, navigation, words, InstructionMode.FOLLOW) for words in PROBES]
    answer = prompts.answer("dream", "Following the given instruction.")
    _timed(best, "8 rows", lambda: runtime.probe(runtime.encode_tiles(tiles), wanted, answer))
    started = _clock()
    for prompt in wanted:
        _timed(
            best, "one frame", lambda p=prompt: runtime.probe(runtime.encode_tiles(tiles, is_shared=False), [p], answer)
        )
    _keep(best, "8 frames", _clock() - started)


def one_frame(runtime: Runtime, tiles: Tensor, prompt: prompts.Prompt, answer: str) -> Waypoints:
    """Picture to plan with nothing shared."""
    return runtime.probe(runtime.encode_tiles(tiles, is_shared=False), [prompt], answer)[0]


def _timed(best: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    started = _clock()
    result = work()
    _keep(best, name, _clock() - started)
    return result


def _clock() -> float:
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def _keep(best: dict[str, float], name: str, seconds: float) -> None:
    best[name] = min(best.get(name, seconds), seconds)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
