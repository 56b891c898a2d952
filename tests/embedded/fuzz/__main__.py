"""`python -m tests.embedded.fuzz --messages 100000`: mutated messages to a server of its own, on both ports.

Every batch has a seed of its own, named when something comes of it; `--first-seed S --messages 500` plays it again.
The exit status is 0 when the server answered to the end and neither a call nor a sensor stumbled over anything but what
its decoder or its handler refuses by name.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.embedded.fuzz.shots import Report, batch, check_alive

ROOT = Path(__file__).resolve().parents[3]
PROGRESS_S = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="How many mutated messages to send.")
    parser.add_argument("--first-seed", type=int, default=0, help="The seed of the first batch; they count up.")
    parser.add_argument("--town", default="Backseat01", help="The town with its physics; Flat for the flat fakes.")
    parser.add_argument("--painted", action="store_true", help="Against the whole server, with its real renderer.")
    args = parser.parse_args()
    server = ["sim_bridge.embedded", "--port", "0", "--town"] if args.painted else ["tests.embedded.flat_server", "0"]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        with _server([*server, args.town], folder, log) as port:
            report = Report()
            is_alive = _shoot(port, args.first_seed, args.messages, report)
        words = log.read_text(errors="replace")
    print(report.line())
    if not is_alive:
        print(words[-3000:])
        return 2
    for reason, seeds in sorted(report.stumbles.items()):
        print(f"stumbled (seeds {', '.join(map(str, seeds[:4]))}): {reason}")
    traces = Counter(re.findall(r"^Traceback.*?\n(?:[ \n].*\n)+\S.*$", words, re.MULTILINE))
    for trace, count in traces.most_common():
        print(f"{count} times in the log: {trace}")
    return 1 if report.stumbles or traces else 0


def _shoot(port: int, seed: int, messages: int, report: Report) -> bool:
    """Batch after batch; whether the server answered after each."""
    said = time.monotonic()
    while report.messages < messages:
        with contextlib.suppress(OSError):
            batch(port, seed, report)
        if not check_alive(port):
            print(f"the server no longer answers after the batch of seed {seed}")
            return False
        seed += 1
        if time.monotonic() - said > PROGRESS_S:
            said = time.monotonic()
            print(report.line(), flush=True)
    return True


@contextlib.contextmanager
def _server(module: list[str], folder: str, log: Path) -> Iterator[int]:
    """In a folder of its own, for what it records. Its words go to a file: an unread pipe would stop it after 64 kB."""
    command, paths = [sys.executable, "-m", *module], {**os.environ, "PYTHONPATH": str(ROOT)}
    with log.open("w") as words:
        process = subprocess.Popen(command, cwd=folder, env=paths, text=True, stdout=subprocess.PIPE, stderr=words)
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline().split("port=")[1].split()[0])
        finally:
            process.terminate()
            process.wait(10.0)


if __name__ == "__main__":
    sys.exit(main())
