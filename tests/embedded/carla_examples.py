"""Run CARLA's own example scripts, unchanged, against a server of this world: `python -m tests.embedded.carla_examples
FOLDER`, where FOLDER is the `PythonAPI` of a CARLA 0.9.16 checkout. Prints one line per script.

None of the scripts is part of this repository. They expect port 2000. Windows open under SDL's dummy driver, and what
runs for ever is interrupted after a while, as a user would with Ctrl-C. `--patience 10` waits ten times longer than the
scripts ask for, for machines that are busy with other things.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.embedded.test_world_client import serving

PORT = "2000"

# Python reads a module of this name on its own, before the script: waits are stretched, nothing else is touched.
_PATIENT = """
import queue, carla
def wait(self, block=True, timeout=None, _get=queue.Queue.get):
    return _get(self, block, None if timeout is None else {patience} * timeout)
queue.Queue.get = wait
def limit(self, seconds, _set=carla.Client.set_timeout):
    _set(self, {patience} * seconds)
carla.Client.set_timeout = limit
def made(self, *args, _init=carla.Client.__init__, **kwargs):
    _init(self, *args, **kwargs)
    self.set_timeout(5.0)
carla.Client.__init__ = made
"""


class Example(NamedTuple):
    """`refusal` is what the script must stumble over, where it uses what this world does not have."""

    name: str
    arguments: str = ""
    seconds: float = 20.0
    refusal: str = ""


EXAMPLES = (
    Example("tutorial", seconds=40.0),
    Example("synchronous_mode"),
    Example("sensor_synchronization"),
    Example("generate_traffic", "-n 10 -w 10"),
    Example("manual_control", "--sync"),
    Example("automatic_control", "--sync", 40.0),
    Example("no_rendering_mode"),
    Example("dynamic_weather"),
    Example("bounding_boxes"),
    Example("client_bounding_boxes"),
    Example("lidar_to_camera", "-f 4", 60.0),
    Example("vehicle_physics", seconds=40.0),
    Example("vehicle_gallery"),
    Example("visualize_multiple_sensors"),
    Example("draw_skeleton"),
    Example("start_recording", "-n 4 -t 4 -f trip.log", 60.0),
    Example("show_recorder_file_info", "-f trip.log"),
    Example("show_recorder_collisions", "-f trip.log -t aa"),
    Example("show_recorder_actors_blocked", "-f trip.log -t 1"),
    Example("start_replaying", "-f trip.log"),
    Example("tutorial_gbuffer", refusal="not supported by the embedded world: G-buffers"),
    Example("V2XDemo", refusal="not supported by the embedded world: sensor.other.v2x"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="The PythonAPI folder of a CARLA 0.9.16 checkout.")
    parser.add_argument("names", nargs="*", help="Only these scripts.")
    parser.add_argument("--patience", type=float, default=1.0, help="How much longer than asked for to wait.")
    args = parser.parse_intermixed_args()
    # A shell has what it starts in the background ignore interrupts, and the scripts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "sitecustomize.py").write_text(_PATIENT.format(patience=args.patience))
        for example in EXAMPLES:
            if args.names and example.name not in args.names:
                continue
            with serving("sim_bridge.embedded", "--port", PORT, "--recordings", f"{scratch}/recordings"):
                verdict = tried(example, args.folder, Path(scratch), args.patience)
            failed += not verdict.startswith(("runs", "refused"))
            print(f"{example.name:<30} {verdict}", flush=True)
    return 1 if failed else 0


def tried(example: Example, folder: Path, scratch: Path, patience: float) -> str:
    """ "runs ...", "refused ..." or what went wrong."""
    script = folder / "examples" / f"{example.name}.py"
    if not script.exists():
        return f"is not in {folder / 'examples'}"
    paths = os.pathsep.join((str(scratch), str(folder / "carla"), *sys.path[1:]))
    environment = {**os.environ, "PYTHONPATH": paths, "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(script), *example.arguments.split()],
        cwd=scratch, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        said, is_cut = process.communicate(timeout=example.seconds)[0], False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        said, is_cut = _ended(process, 15.0 * patience), True
    took = time.monotonic() - started
    return judged(example, said, process.returncode, is_cut) + f" ({took:.0f} s)"


def _ended(process: subprocess.Popen[str], patience_s: float) -> str:
    try:
        return process.communicate(timeout=patience_s)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0] + "\nIt did not end when interrupted."


def judged(example: Example, said: str, status: int, is_cut: bool) -> str:
    if example.refusal:
        return f"refused: {example.refusal}" if example.refusal in said else f"was not refused: {_last(said)}"
    if is_cut and (status in (0, -signal.SIGINT) or "KeyboardInterrupt" in said):
        return "runs until interrupted"
    return "runs to its end" if status == 0 else f"failed with {status}: {_last(said)}"


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


if __name__ == "__main__":
    sys.exit(main())
