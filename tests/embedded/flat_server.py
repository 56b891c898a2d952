"""A server that paints flat pictures: `python -m tests.embedded.flat_server PORT [TOWN]`. Ends on SIGTERM.

Without a town it serves the flat fakes; with one, that town and the real physics. Beside CARLA's calls it answers
`calls_heard`: the names of all calls since it was last asked.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

from sim_bridge.embedded import server as server_room
from sim_bridge.embedded import town
from sim_bridge.embedded.blueprints import Library
from sim_bridge.embedded.calls.desk import Desk
from sim_bridge.embedded.calls.signature import Signature
from sim_bridge.embedded.calls.table import TABLE, Need, Rpc
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.recorder.folder import RecordingsFolder
from sim_bridge.embedded.server import Server, listen
from sim_bridge.embedded.vehicles import VEHICLES
from sim_bridge.embedded.world.parts import Parts
from sim_bridge.embedded.world.world import World
from tests.embedded.fakes import PARTS, FlatPainter


class HeardTable(dict[str, Rpc]):
    """The server's table, which notes what is looked up in it."""

    def __init__(self) -> None:
        super().__init__(TABLE)
        self.heard: set[str] = set()
        self["calls_heard"] = Rpc("calls_heard", Need.RARE, Signature(self.told))

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
        self.heard.add(name)
        return super().get(name, default)  # type: ignore[arg-type]

    def told(self, desk: Desk) -> tuple[str, ...]:
        heard, self.heard = self.heard, set()
        return tuple(sorted(heard - {"calls_heard"}))


def main(port: int, name: str) -> None:
    server_room.TABLE = HeardTable()
    parts = PARTS if name == "Flat" else Parts(town.load, Physics, FlatPainter)
    with tempfile.TemporaryDirectory() as folder:
        recordings = RecordingsFolder(Path(folder))
        made = partial(World, parts, name, library=Library(VEHICLES), recordings=recordings)
        server = Server(listen("127.0.0.1", port), lambda streams: made(outlet=streams))
        signal.signal(signal.SIGTERM, lambda number, frame: server.stop())
        server.run(ready=lambda world: print(f"ready port={server.port}", flush=True))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "Flat")
