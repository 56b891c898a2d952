"""`python -m tests.embedded.fuzz --messages 100000`: mutated messages to a server of its own, on both ports.

Every batch has a seed of its own, printed when something comes of it; `--first-seed S --messages 500` plays it again.
The exit status is 0 when the server answered to the end and no call stumbled over anything but what its decoder or its
handler refuses by name.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time

from tests.embedded.fuzz.shots import BATCH, Report, batch, check_alive
from tests.embedded.test_world_client import serving

PROGRESS_S = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="How many mutated messages to send.")
    parser.add_argument("--first-seed", type=int, default=0, help="The seed of the first batch; they count up.")
    parser.add_argument("--town", default="Backseat01", help="The town with its physics; Flat for the flat fakes.")
    args = parser.parse_args()
    report, said = Report(), time.monotonic()
    with contextlib.ExitStack() as stack:
        process, port = stack.enter_context(serving("tests.embedded.flat_server", "0", args.town))
        seed = args.first_seed
        while report.messages < args.messages:
            batch(port, seed, report)
            if process.poll() is not None or not check_alive(port):
                print(f"the server no longer answers after the batch of seed {seed}")
                return 2
            seed += 1
            if time.monotonic() - said > PROGRESS_S:
                said = time.monotonic()
                print(report.line(), flush=True)
    print(report.line())
    for reason, seeds in sorted(report.stumbles.items()):
        print(f"stumbled (seeds {', '.join(map(str, seeds[:4]))}): {reason}")
    return 1 if report.stumbles else 0


if __name__ == "__main__":
    assert BATCH > 0
    sys.exit(main())
