"""Backseat's one command. The only file that knows every room: it picks a world, a driver and a page, and joins them.

This process is the page; the world and the drive run in processes of their own, which it supervises.
"""

from __future__ import annotations

import argparse
import importlib
import os
import select
import signal
import subprocess
import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TextIO

# Our matrices are small: a second BLAS thread spins through most of a core and helps nobody. numpy reads this when it
# is first imported, here and in every process that we start.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from model.simlingo import flags
from sim_bridge import journey_arguments
from sim_bridge.carla_config import CarlaConfig
from sim_bridge.interfaces import Driver, Simulator
from sim_bridge.messages import TalkOrder
from sim_bridge.session import SessionConfig
from sim_bridge.supervision import Supervisor, SupervisorConfig
from sim_bridge.world_process import free_port_pair, world_command

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sim_bridge.carla_simulator import CarlaSimulator

POCKET = Path(__file__).resolve().parent / "assets" / "pocket"
DEFAULT_TOWN = "Backseat01"
BAD_USE = 2
PORT_MAX = 65535
UNREAD = 128 + 13  # what a shell reports of a program that SIGPIPE ended
LOCKSTEP_TICKS_MAX = 20  # a second: plans reach 2.5 s ahead
# Four gigabytes from a slow disk, and one frame to warm up.
SIMLINGO_LOADS_WITHIN_S = 900.0
# On a busy machine its layers starve the loop beside them; starting again takes far longer than waiting.
SIMLINGO_SILENT_AT_MOST_S = 60.0

# Subcommand -> the module whose add_arguments and main serve it, and its line in --help.
ROOMS = {
    "serve": ("sim_bridge.embedded.__main__", "Serve the embedded CARLA-compatible world alone."),
    "collect": ("model.training.collect", "Let the teacher drive and write down what Pocket learns from."),
    "train": ("model.training.train", "Train Pocket on collected folders."),
    "evaluate": ("model.training.evaluate", "Score a driver in lockstep on starts and frames it has not seen."),
    "scenes": ("sim_bridge.scenarios.listing", "List the scenes of `drive --scene` and where they find a place."),
    "bench": ("app.bench", "Measure the running program: world, plans, pictures, keys."),
    "convert": ("model.simlingo.convert", "Turn a released SimLingo checkpoint into safetensors that load fast."),
    "doctor": ("sim_bridge.doctor", "Check this machine and say what is missing."),
}
OF_THE_WORLD = {"--world": "sim_bridge.bench.world", "--physics": "sim_bridge.bench.physics"}
OF_SIMLINGO = {"bench": "model.simlingo.bench", "train": "model.training.simlingo_train"}


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words.insert(0, "drive")
    args = _parser(words).parse_args(words)
    return int(args.run(args))


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Only the chosen subcommand's module is imported, so that `doctor` works where a room's packages do not load."""
    parser = argparse.ArgumentParser(
        prog="launch.py",
        description="Tell a car where to go, in words, and watch it try. Without a subcommand it drives.",
    )
    subcommands = parser.add_subparsers(metavar="subcommand", required=True)
    drive = subcommands.add_parser("drive", help="Open the page on a driving car. This is the default.")
    _drive_arguments(drive)
    drive.set_defaults(run=_drive)
    for name, (module, line) in ROOMS.items():
        room = subcommands.add_parser(name, help=line, description=line)
        if name == words[0]:
            entry = importlib.import_module(_for_the_model(name, module, room, words))
            entry.add_arguments(room)
            room.set_defaults(run=entry.main)
    return parser


def _for_the_model(name: str, module: str, parser: argparse.ArgumentParser, words: Sequence[str]) -> str:
    """`--model simlingo` is measured and trained by modules of its own, whose arguments are others than Pocket's."""
    is_simlingo = _asked_model(words) == "simlingo"
    if name == "train":
        parser.add_argument("--model", choices=("pocket", "simlingo"), default="pocket", help="Which model to train.")
    elif name == "bench" and is_simlingo:
        parser.add_argument("--model", choices=("simlingo",), help="Measured by itself: it cannot keep a page alive.")
        parser.add_argument("--json", action="store_true", help="Print the figures as JSON instead of a table.")
    elif name == "bench":
        parser.add_argument("--world", action="store_true", help="Measure our own world alone: ticks, start, memory.")
        parser.add_argument("--physics", action="store_true", help="Compare our default car with CARLA's, by its fits.")
        module = next((OF_THE_WORLD[word] for word in words if word in OF_THE_WORLD), module)
    return OF_SIMLINGO.get(name, module) if is_simlingo else module


def _asked_model(words: Sequence[str]) -> str:
    """The value of --model, however it is spelt; what else is wrong in `words` the whole parser says."""
    model = argparse.ArgumentParser(add_help=False)
    model.add_argument("--model", nargs="?", default="")
    return model.parse_known_args(words)[0].model or ""


# ---- drive


@dataclass(frozen=True, slots=True)
class Wish:
    """What the drive process builds: a car in a world, and who drives it."""

    world: CarlaConfig
    model: str
    checkpoint: Path
    simlingo: flags.Choice | None = None


def build_drive(wish: Wish) -> tuple[Simulator, Driver]:
    """Runs in the drive process. Raises what the world or the weights raise, each naming what is wrong."""
    from sim_bridge.carla_simulator import CarlaSimulator

    simulator = CarlaSimulator(wish.world)
    try:
        return simulator, _driver(wish, simulator)
    except BaseException:  # however the driver fails to load, our cars must not stay behind in somebody's world
        simulator.close()
        raise


def _driver(wish: Wish, simulator: CarlaSimulator) -> Driver:
    if wish.model == "teacher":
        from model.teacher.driver import TeacherDriver

        return TeacherDriver(simulator)
    if wish.simlingo is not None:
        return flags.load(wish.simlingo)
    from model.pocket.driver import PocketDriver

    return PocketDriver(wish.checkpoint)


def _drive_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="The address the page listens on; the default is seen by this machine alone.",
    )
    parser.add_argument("--port", type=_port, default=7860, help="The page's port; 0 takes any free one.")
    parser.add_argument(
        "--carla",
        metavar="HOST:PORT",
        type=_address,
        help="Drive in this running CARLA 0.9.16 instead of our own world.",
    )
    parser.add_argument(
        "--model",
        choices=("pocket", "teacher", "simlingo"),
        default="pocket",
        help="Who drives: Pocket, which learned from the camera; the teacher, which reads the simulator's state; or "
        "the full-size SimLingo with --checkpoint.",
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        help="For Pocket, a folder of weights instead of the shipped ones. For SimLingo, the released file or a "
        "converted one.",
    )
    parser.add_argument("--town", default="", help=f"The town to drive in. Our own world starts in {DEFAULT_TOWN}.")
    journey_arguments.add_arguments(parser)
    parser.add_argument("--seed", type=int, default=0, help="The seed of the start, the route and the traffic.")
    parser.add_argument("--traffic", type=int, default=10, help="How many other vehicles drive around.")
    parser.add_argument("--no-browser", action="store_true", help="Do not open the page in a browser.")
    parser.add_argument("--cockpit", action="store_true", help="Also open the pygame cockpit: a window, keys, gamepad.")
    parser.add_argument(
        "--talk",
        choices=("alongside", "first"),
        default="alongside",
        help="Whether the first plans wait for the driver's words, as published for SimLingo; the page can change it.",
    )
    parser.add_argument(
        "--lockstep",
        metavar="TICKS",
        type=_ticks,
        help="Let the world wait for each plan and then move so many ticks of 0.05 s, at most 20; 0 never waits. Left "
        "out, it waits where a plan takes longer than half a second.",
    )
    flags.add_arguments(parser)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"expected HOST:PORT such as 127.0.0.1:2000, got {text!r}")
    return host, _port(port)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > PORT_MAX:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to {PORT_MAX}, got {text!r}")
    return int(text)


def _ticks(text: str) -> int:
    if not text.isdigit() or int(text) > LOCKSTEP_TICKS_MAX:
        raise argparse.ArgumentTypeError(f"expected 0 to {LOCKSTEP_TICKS_MAX} ticks, got {text!r}")
    return int(text)


def _drive(args: argparse.Namespace) -> int:
    problem = _refusal(args)
    if problem:
        print(problem, file=sys.stderr)
        return BAD_USE
    # Uvicorn hands a SIGTERM on after its own shutdown; as an exception it still lets us end our children in order.
    signal.signal(signal.SIGTERM, _terminated)
    supervisor = _supervisor(args)
    cockpit: list[subprocess.Popen[bytes]] = []
    try:
        supervisor.start()
        # Gradio takes seconds to import; the world and the driver load meanwhile.
        from app import page

        app = page.build(supervisor, supervisor, page.PageOptions(hosts=_page_hosts(args.host, page.LOOPBACK)))
        return page.serve(app, args.host, args.port, lambda port: _page_is_up(args, port, app, cockpit))
    except KeyboardInterrupt:
        return 0
    finally:
        for process in cockpit:
            process.terminate()
        supervisor.stop()


def _terminated(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _refusal(args: argparse.Namespace) -> str:
    """Why this start cannot work, before anything is started."""
    if args.carla is None:
        from sim_bridge.embedded import town

        if args.town and args.town not in town.names():
            return f"There is no town {args.town!r}. The towns are: {', '.join(town.names())}."
    if problem := journey_arguments.refusal(args, "" if args.carla else _town(args)):
        return problem
    if args.model == "simlingo":
        return flags.refusal(args)
    if args.model == "pocket" and not (folder := args.checkpoint or POCKET).is_dir():
        return f"There is no folder {folder} with Pocket's weights; `--model teacher` drives without."
    return ""


def _town(args: argparse.Namespace) -> str:
    """The town of our own world."""
    try:
        return args.town or journey_arguments.town_of(args) or DEFAULT_TOWN
    except (ValueError, OSError):
        return DEFAULT_TOWN  # what is wrong with the file is refused with its reason


def _supervisor(args: argparse.Namespace) -> Supervisor:
    if args.carla is None:
        town, port = _town(args), free_port_pair()
        world = CarlaConfig(port=port, town=town, is_embedded=True)
        command = world_command(port, town, args.seed)
    else:
        host, port = args.carla
        world = CarlaConfig(host=host, port=port, town=args.town or journey_arguments.town_of(args))
        command = None
    world = replace(world, seed=args.seed, traffic_vehicles=0 if args.scene else args.traffic)
    world = replace(world, scene=args.scene, routes=args.routes, route_id=args.route)
    session = SessionConfig(
        seed=args.seed,
        lockstep_ticks=args.lockstep,
        talk_order=TalkOrder.TALK_FIRST if args.talk == "first" else TalkOrder.ALONGSIDE,
    )
    if args.model != "simlingo":
        wish = Wish(world, args.model, args.checkpoint or POCKET)
        return Supervisor(SupervisorConfig(command), build_drive, wish, session)
    patient = SupervisorConfig(
        command,
        drive_ready_within_s=SIMLINGO_LOADS_WITHIN_S,
        silence_max_s=SIMLINGO_SILENT_AT_MOST_S,
        silence_starting_max_s=SIMLINGO_LOADS_WITHIN_S,
    )
    return Supervisor(
        patient, build_drive, Wish(world, args.model, args.checkpoint, simlingo=flags.choice(args)), session
    )


def _page_hosts(host: str, loopback: frozenset[str]) -> frozenset[str]:
    """The names a browser may call the page by; any, when the person chose to listen on every address."""
    return frozenset() if host in ("0.0.0.0", "::") else loopback | {host}


def _page_address(host: str, port: int) -> str:
    """Where a browser on this machine finds the page that listens on `host`."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _page_is_up(args: argparse.Namespace, port: int, app: FastAPI, cockpit: list[subprocess.Popen[bytes]]) -> None:
    from app import page

    address = _page_address(args.host, port)
    print(f"Backseat is at {address}. Ctrl-C ends everything.", flush=True)
    if args.host not in page.LOOPBACK:
        print("Anybody who can reach this machine can watch and drive: the page asks for no password.", flush=True)
    if args.cockpit:
        from app.cockpit import launch as cockpit_launch

        cockpit.append(cockpit_launch.start(args.host, port, page.cockpit_ticket(app)))
    if not args.no_browser and _has_screen():
        webbrowser.open(address)


def _has_screen() -> bool:
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _told_until_unread() -> int:
    """`main`, ended without a word when what reads our lines (`| head`) has had enough."""
    try:
        try:
            return main()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _is_unread(sys.stdout):
            raise
        # Python flushes what is left once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD


def _is_unread(stream: TextIO) -> bool:
    """Whether what the stream leads to has closed; a pipe or socket of another's may have broken instead."""
    watch = select.poll()
    watch.register(stream.fileno(), 0)
    return bool(watch.poll(0))


if __name__ == "__main__":
    sys.exit(_told_until_unread())
