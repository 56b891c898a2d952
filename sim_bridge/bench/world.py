"""`launch.py bench --world`: how fast the embedded world ticks for the real client over loopback, and what it holds.

Every load runs in a process of its own against one world process; start-up is measured on a fresh one. Beside the
rates stand processor milliseconds per tick, which mean something on a busy machine too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import queue
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sim_bridge.bench.figures import Figure, as_json, as_table
from sim_bridge.bench.processes import peak_mb
from sim_bridge.world_process import WorldProcess, free_port_pair, world_command

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 120.0
# A load beyond its own seconds: connecting, filling the world, cleaning up.
EXTRA_S = 120.0
TARGETS = {"empty": 2000.0, "traffic": 120.0, "front": 45.0, "front and chase": 30.0}
NAMES = {
    "empty": "empty world",
    "traffic": "30 vehicles, no camera",
    "front": "1024x512 camera, 20 vehicles",
    "front and chase": "1024x512 and 512x256 cameras, 20 vehicles",
}
Row = dict[str, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=20.0, help="How long to measure each load, in seconds.")
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON instead of a table.")
    parser.add_argument("--town", default="Backseat01", help="Which town to measure in.")
    parser.add_argument("--seed", type=int, default=0, help="The seed of the world.")
    parser.add_argument("--load", choices=tuple(TARGETS), help="Measure this load only.")
    parser.add_argument(
        "--soak-minutes",
        type=float,
        default=0.0,
        help="Also run 20 vehicles and a camera so long and watch the memory.",
    )


def main(args: argparse.Namespace) -> int:
    loads = [args.load] if args.load else list(TARGETS)
    figures: list[Figure] = []
    beside: dict[str, object] = {}
    with _world(args.town, args.seed) as (world, port):
        for load in loads:
            rows, problem = run_load(load, port, args.seconds, _process(world))
            figures.append(_rate(load, rows, problem))
            if rows:
                beside[f"{NAMES[load]}, CPU ms per tick: world, client"] = (
                    rows[-1]["world_cpu_ms"],
                    rows[-1]["client_cpu_ms"],
                )
                if nudges := rows[-1]["nudges"]:
                    beside[f"{NAMES[load]}, times the Traffic Manager slept through a tick"] = nudges
        if args.soak_minutes > 0.0:
            _say(f"soaking for {args.soak_minutes:g} min")
            rows, problem = run_load("front", port, 60.0 * args.soak_minutes, _process(world))
            figures.append(_growth(rows, problem))
            beside["soak, memory in MB over time"] = [(row["seconds"], row["world_mb"]) for row in rows]
        figures.append(Figure("memory, peak", round(peak_mb(_process(world)), 1), "MB", "<=", 600.0))
    if not args.load:
        figures.append(Figure("start to first frame", _start_s(args.town, args.seed), "s", "<=", 5.0))
    print(as_json(figures, beside) if args.json else as_table(figures, beside))
    return 0


def run_load(load: str, port: int, seconds: float, world_process: int) -> tuple[list[Row], str]:
    """The samples of one load, and why there are none or too few, "" when all went well."""
    _say(f"{NAMES[load]}, {seconds:g} s")
    command = [sys.executable, "-m", "sim_bridge.bench.loads", load, str(port), str(seconds), str(world_process)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + EXTRA_S, check=False)
    except subprocess.TimeoutExpired:
        return [], f"no answer within {seconds + EXTRA_S:.0f} s"
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0:
        return rows, (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
    return rows, "" if rows else "nothing was measured"


def growth_percent(rows: list[Row]) -> float | None:
    """From the median of the soak's second tenth to that of its last, None for a soak too short to tell."""
    if len(rows) < 20:
        return None
    tenth = len(rows) // 10
    early = statistics.median(row["world_mb"] for row in rows[tenth : 2 * tenth])
    late = statistics.median(row["world_mb"] for row in rows[-tenth:])
    return 100.0 * (late / early - 1.0)


def _rate(load: str, rows: list[Row], problem: str) -> Figure:
    value = rows[-1]["ticks_per_s"] if rows and not problem else None
    return Figure(NAMES[load], value, "ticks/s", ">=", TARGETS[load], problem)


def _growth(rows: list[Row], problem: str) -> Figure:
    grown = growth_percent(rows)
    note = problem or ("" if grown is not None else "it takes 20 samples, about 3.5 minutes, to tell")
    return Figure("memory growth over the soak", None if grown is None else round(grown, 2), "%", "<=", 1.0, note)


# ---- worlds


@contextlib.contextmanager
def _world(town: str, seed: int) -> Iterator[tuple[WorldProcess, int]]:
    """A world of our own on a free pair of ports. Raises TimeoutError when it does not come up."""
    port = free_port_pair()
    world = WorldProcess(world_command(port, town, seed))
    world.start()
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while not world.is_ready:
            if not world.is_alive or time.monotonic() > deadline:
                raise TimeoutError(f"the world did not start: {world.last_words or 'it said nothing'}")
            time.sleep(0.002)
        yield world, port
    finally:
        world.stop()


def _process(world: WorldProcess) -> int:
    if world.process_id is None:
        raise ValueError("expected a running world, it was not started")
    return world.process_id


def _start_s(town: str, seed: int) -> float:
    """From starting the process to the first picture of a camera, with this process's client already loaded."""
    import carla

    _say("start to first frame")
    began = time.monotonic()
    with _world(town, seed) as (_, port):
        client = carla.Client("127.0.0.1", port)
        client.set_timeout(20.0)
        world = client.get_world()
        pictures: queue.Queue[Any] = queue.Queue()
        blueprint = world.get_blueprint_library().find("sensor.camera.rgb")
        camera = world.spawn_actor(blueprint, world.get_map().get_spawn_points()[0])
        camera.listen(pictures.put)
        pictures.get(timeout=READY_WITHIN_S)
        took = time.monotonic() - began
        camera.stop()
        camera.destroy()
    return round(took, 2)


def _say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)
