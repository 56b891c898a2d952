"""Who an evaluation puts at the wheel, by the command line's words: Pocket, SimLingo, or the teacher.

A session closes its driver, so every drive gets one of its own; SimLingo, gigabytes large, is loaded once and lent.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model.simlingo import flags
from sim_bridge.interfaces import Driver

POCKET = Path(__file__).resolve().parents[2] / "assets" / "pocket"
DRIVERS = ("pocket", "teacher", "simlingo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--driver", choices=DRIVERS, default="pocket", help="Who is scored.")
    parser.add_argument("--weights", type=Path, default=POCKET, help="The folder of Pocket's weights.")
    parser.add_argument("--checkpoint", type=Path, help="The file of SimLingo's weights.")
    flags.add_arguments(parser)


def refusal(args: argparse.Namespace) -> str:
    """Why the wanted driver cannot be made, "" where it can."""
    return flags.refusal(args) if args.driver == "simlingo" else ""


class Lent:
    """A driver that outlives the session it is given to: closing it does nothing."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def close(self) -> None:
        return


def pocket(args: argparse.Namespace) -> Driver:
    from model.pocket.driver import PocketDriver

    return PocketDriver(args.weights)


def maker(args: argparse.Namespace, simulator: Any) -> Callable[[], Driver]:
    """Makes the drivers of the drives on `simulator`."""
    if args.driver == "teacher":
        from model.teacher.driver import TeacherDriver

        return lambda: TeacherDriver(simulator)
    if args.driver == "simlingo":
        lent: Any = Lent(flags.load(flags.choice(args)))
        return lambda: lent
    return lambda: pocket(args)
