"""`launch.py bench`: starts the program as a user does, watches it in headless Chromium, and says how it keeps up.

What is measured, and where: pictures and their delay in the page, on the clock that the page agrees with the server by
handshake; keys from the browser's event to the tick whose control was made from it; the world's rate from simulated
against real time between the first and the last view. Nothing is taken from what the program says about itself but the
plan rate, which it counts.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.page_figures import Measured, beside, figures, key_delays
from sim_bridge.bench.figures import as_json, as_table

LAUNCH = Path(__file__).resolve().parents[1] / "launch.py"
START_WITHIN_S = 120.0
WARM_UP_S = 8.0
KEY_PRESSES = 40
NO_BROWSER, NO_START = 3, 1
FLAGS = (
    "--no-sandbox",  # Chromium's own sandbox refuses to run as root, which is what containers are
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# In the page: four times a second, what the newest view says beside when it was seen.
SAMPLE = """() => { window.benchRows = []; setInterval(() => {
  const h = backseat.header, v = h?.vitals;
  if (h) benchRows.push([h.published_ms / 1000, h.sim_s, v.plan_hz, v.plan_age_ms, v.inference_ms]); }, 250); }"""
PAINTS = "window.backseat?.paints?.length ?? 0"


class CannotMeasure(RuntimeError):
    """The bench cannot say anything; the message says why and what to do. `status` is the exit status."""

    def __init__(self, line: str, status: int) -> None:
        super().__init__(line)
        self.status = status


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60.0, help="How long to watch the car drive, in seconds.")
    parser.add_argument("--json", action="store_true", help="Print the figures as JSON instead of a table.")
    parser.add_argument("--model", default="pocket", help="Which driver to measure, as for `drive`.")
    parser.add_argument("--town", default="", help="Which town to measure in, as for `drive`.")
    parser.add_argument("--seed", type=int, default=0, help="The seed of the start and the traffic, as for `drive`.")
    parser.add_argument("--chromium", default="", help="The Chromium to watch with; found by itself when left out.")


def main(args: argparse.Namespace) -> int:
    port = _free_port()
    command = [sys.executable, str(LAUNCH), "drive", "--port", str(port), "--no-browser"]
    command += ["--model", args.model, "--seed", str(args.seed), *(("--town", args.town) if args.town else ())]
    try:
        measured = measure(command, f"http://127.0.0.1:{port}", args.seconds, args.chromium)
    except CannotMeasure as problem:
        print(problem, file=sys.stderr)
        return problem.status
    print(as_json(figures(measured), beside(measured)) if args.json else as_table(figures(measured), {}))
    return 0


def measure(command: Sequence[str], url: str, seconds: float, chromium: str = "") -> Measured:
    """Run `command`, watch the page at `url` while it drives, end it. Raises CannotMeasure."""
    executable = chromium or find_chromium()
    if not executable:
        raise CannotMeasure("Chromium is not installed; Debian's package is called chromium.", NO_BROWSER)
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise CannotMeasure("Playwright is not installed; `pip install -e .[test]` brings it.", NO_BROWSER) from None
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        except Error as error:
            raise CannotMeasure(f"Chromium at {executable} does not start: {error}", NO_BROWSER) from None
        tab = browser.new_page(viewport={"width": 1440, "height": 900})
        try:
            with _running(command) as program:
                return _watched(tab, program, url, seconds)
        finally:
            browser.close()


def find_chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), "")


# ---- the program under measurement


@dataclass(frozen=True, slots=True)
class Program:
    process: subprocess.Popen[bytes]
    started_s: float
    log: Path

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return "\n".join(lines[-12:])


@contextlib.contextmanager
def _running(command: Sequence[str]) -> Iterator[Program]:
    with tempfile.TemporaryDirectory(prefix="backseat-bench-") as folder:
        log = Path(folder) / "log.txt"
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                yield Program(process, time.monotonic(), log)
            finally:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C does; by force only when that is not heard."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _await_page(program: Program, url: str) -> None:
    while time.monotonic() - program.started_s < START_WITHIN_S:
        if program.process.poll() is not None:
            raise CannotMeasure(f"The program ended before its page came up:\n{program.last_words()}", NO_START)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url + "/stage/run", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise CannotMeasure(f"No page after {START_WITHIN_S:.0f} s:\n{program.last_words()}", NO_START)


# ---- watching


def _watched(tab: Any, program: Program, url: str, seconds: float) -> Measured:
    from playwright.sync_api import TimeoutError as NotInTime

    _say("starting the program")
    _await_page(program, url)
    tab.goto(url)
    try:
        # A moving picture is two pictures of two ticks.
        tab.wait_for_function(
            "window.backseat?.paints?.at(-1)?.tick > window.backseat?.paints?.[0]?.tick", timeout=START_WITHIN_S * 1000
        )
    except NotInTime:
        raise CannotMeasure(f"The page shows no moving picture:\n{program.last_words()}", NO_START) from None
    first_picture_s = time.monotonic() - program.started_s
    _say(f"first moving picture after {first_picture_s:.1f} s; warming up")
    tab.wait_for_timeout(WARM_UP_S * 1000)
    tab.evaluate(SAMPLE)
    before, began_s = tab.evaluate(PAINTS), time.monotonic()
    _wait(tab, seconds)
    took_s = time.monotonic() - began_s
    rows = tab.evaluate("benchRows")
    paints = tab.evaluate(f"backseat.paints.slice({before}).map((paint) => paint.delay_ms)")
    _say("pressing keys")
    key_ms = _pressed(tab)
    return Measured(first_picture_s, rows, [ms for ms in paints if ms is not None], len(paints) / took_s, key_ms)


def _wait(tab: Any, seconds: float) -> None:
    left_s = seconds
    while left_s > 0:
        _say(f"watching, {left_s:.0f} s to go")
        tab.wait_for_timeout(min(left_s, 10.0) * 1000)
        left_s -= 10.0


def _pressed(tab: Any) -> list[float]:
    """Milliseconds from each press of the brake key to the tick that braked for it. The car stands afterwards."""
    tab.locator(".screen").focus()
    pick = random.Random(0)
    tab.evaluate("backseat.hands.presses.length = 0")
    for _ in range(KEY_PRESSES):
        tab.keyboard.down("KeyS")
        tab.wait_for_timeout(pick.uniform(120, 260))
        tab.keyboard.up("KeyS")
        tab.wait_for_timeout(pick.uniform(120, 260))
    tab.wait_for_timeout(500)  # the last press is still on its way
    presses, echoes = tab.evaluate("[backseat.hands.presses, backseat.echoes]")
    tab.keyboard.press("KeyH")
    return key_delays(presses, echoes)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)
