"""`python -m sim_bridge.embedded`: serve one world to CARLA 0.9.16 clients until told to stop."""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import sys
from functools import partial
from pathlib import Path
from types import FrameType

from sim_bridge.embedded import town
from sim_bridge.embedded.blueprints import Library
from sim_bridge.embedded.coverage import printed
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.recorder.folder import DEFAULT_FOLDER, RecordingsFolder
from sim_bridge.embedded.server import PortInUse, Server, listen
from sim_bridge.embedded.streams import Streams
from sim_bridge.embedded.vehicles import VEHICLES
from sim_bridge.embedded.world.parts import Parts
from sim_bridge.embedded.world.world import World

BAD_USE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="The address to listen on; other machines need 0.0.0.0.")
    parser.add_argument(
        "--port", type=int, default=2000, help="The RPC port; the streams use the one above it. 0 picks free ones."
    )
    parser.add_argument("--town", default="Backseat01", help=f"The town to start in: {', '.join(town.names())}.")
    parser.add_argument("--coverage", action="store_true", help="Print which of CARLA's calls are answered, and leave.")
    parser.add_argument(
        "--recordings",
        type=Path,
        default=DEFAULT_FOLDER,
        help="The folder of CARLA's recorder; no client can name a file outside of it.",
    )
    parser.add_argument("--seed", type=int, default=0, help="The seed of everything random in the world.")


def main(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if args.coverage:
        print(printed())
        return 0
    if args.town not in town.names():
        print(f"There is no town {args.town!r}. The towns are: {', '.join(town.names())}.", file=sys.stderr)
        return BAD_USE
    try:
        listeners = listen(args.host, args.port)
    except PortInUse as error:
        print(f"{error}. Stop the other server, or choose another --port.", file=sys.stderr)
        return BAD_USE
    # The stream thread sends what is left of a picture while the world computes: it must not wait long for its turn.
    sys.setswitchinterval(0.001)
    server = Server(listeners, partial(_world, args))
    _stop_on_signals(server)
    try:
        server.run(ready=lambda world: _say_ready(server, world))
    except RuntimeError as error:
        # Nothing draws on this machine, or the town's files are damaged: the sentence says which and what to do.
        print(f"The world cannot start: {error}", file=sys.stderr)
        return 1
    return 0


def _world(args: argparse.Namespace, streams: Streams) -> World:
    # Loading panda3d's display takes a moment and may say why it cannot; the ports are ours by then.
    from sim_bridge.embedded.renderer import Renderer

    parts = Parts(town.load, partial(Physics, seed=args.seed), Renderer)
    return World(parts, args.town, streams, Library(VEHICLES), args.seed, RecordingsFolder(args.recordings))


def _say_ready(server: Server, world: World) -> None:
    print(
        f"ready port={server.port} streams={server.streams.port} town={world.town.name} "
        f"renderer={world.painter.backend}",
        flush=True,
    )


def _stop_on_signals(server: Server) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        # Only a main thread may set handlers; elsewhere the owner calls `stop`.
        with contextlib.suppress(ValueError):
            signal.signal(number, stop)


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(
        prog="python -m sim_bridge.embedded", description="Serve a CARLA-compatible world without a GPU."
    )
    add_arguments(_parser)
    sys.exit(main(_parser.parse_args()))
