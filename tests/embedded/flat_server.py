"""A server over the flat fakes, as a program: `python -m tests.embedded.flat_server PORT`. Ends on SIGTERM."""

from __future__ import annotations

import signal
import sys

from sim_bridge.embedded.blueprints import Library
from sim_bridge.embedded.server import Server, listen
from sim_bridge.embedded.vehicles import VEHICLES
from sim_bridge.embedded.world.world import World
from tests.embedded.fakes import PARTS


def main(port: int) -> None:
    server = Server(listen("127.0.0.1", port), lambda streams: World(PARTS, "Flat", streams, Library(VEHICLES)))
    signal.signal(signal.SIGTERM, lambda number, frame: server.stop())
    server.run(ready=lambda world: print(f"ready port={server.port}", flush=True))


if __name__ == "__main__":
    main(int(sys.argv[1]))
