"""`python -m tests.embedded.fuzz --messages 100000`: mutated messages to a server of its own, on both ports.

Every batch has a seed of its own, named when something comes of it; `--first-seed S --messages 500` plays it again.
The exit status is 0 when the server answered to the end and no call stumbled over anything but what its decoder or its
handler refuses by name.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
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
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _server(args.town, Path(folder) / "log.txt") as port:
        report = Report()
        if not _shoot(port, args.first_seed, args.messages, report):
            print((Path(folder) / "log.txt").read_text(errors="replace")[-3000:])
            return 2
    print(report.line())
    for reason, seeds in sorted(report.stumbles.items()):
        print(f"stumbled (seeds {', '.join(map(str, seeds[:4]))}): {reason}")
    return 1 if report.stumbles else 0


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
def _server(town: str, log: Path) -> Iterator[int]:
    """Its words go to a file: a pipe that nobody reads would stop it after 64 kB."""
    command = [sys.executable, "-m", "tests.embedded.flat_server", "0", town]
    with log.open("w") as words:
        process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=words)
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline().split("port=")[1].split()[0])
        finally:
            process.terminate()
            process.wait(10.0)


if __name__ == "__main__":
    sys.exit(main())
