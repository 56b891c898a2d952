"""A server that paints flat pictures: `python -m tests.embedded.flat_server PORT [TOWN]`. Ends on SIGTERM.

Without a town it serves the flat fakes; with one, that town and the real physics.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

from sim_bridge.embedded import town
from sim_bridge.embedded.blueprints import Library
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.recorder.folder import RecordingsFolder
from sim_bridge.embedded.server import Server, listen
from sim_bridge.embedded.vehicles import VEHICLES
from sim_bridge.embedded.world.parts import Parts
from sim_bridge.embedded.world.world import World
from tests.embedded.fakes import PARTS, FlatPainter


def main(port: int, name: str) -> None:
    parts = PARTS if name == "Flat" else Parts(town.load, town.build, Physics, FlatPainter)
    with tempfile.TemporaryDirectory() as folder:
        recordings = RecordingsFolder(Path(folder))
        made = partial(World, parts, name, library=Library(VEHICLES), recordings=recordings)
        server = Server(listen("127.0.0.1", port), lambda streams: made(outlet=streams))
        signal.signal(signal.SIGTERM, lambda number, frame: server.stop())
        server.run(ready=lambda world: print(f"ready port={server.port}", flush=True))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "Flat")
