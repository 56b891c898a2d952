"""`python -m app.cockpit --url ws://127.0.0.1:7860/stage/socket`, with its ticket in BACKSEAT_TICKET. Main thread.

Exit status: 0 when the window was closed, 2 for a missing ticket, 3 where there is no display.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys

from app.cockpit.launch import TICKET_VARIABLE

NO_TICKET, NO_DISPLAY = 2, 3


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m app.cockpit",
        description="Open the cockpit: a window with the front view, driven by keyboard or gamepad. "
        "`python launch.py --cockpit` starts it together with everything else and gives it its ticket.",
    )
    parser.add_argument(
        "--url",
        default="ws://127.0.0.1:7860/stage/socket",
        help="The address of the page's WebSocket, ws://HOST:PORT/stage/socket.",
    )
    url = parser.parse_args().url
    # Taken out of the environment, so that nothing started from here inherits it.
    ticket = os.environ.pop(TICKET_VARIABLE, "")
    if not ticket:
        print(
            f"The cockpit needs a ticket in {TICKET_VARIABLE}. `python launch.py --cockpit` starts it with one.",
            file=sys.stderr,
        )
        return NO_TICKET
    if not has_display():
        print("There is no display here, so the cockpit window stays closed; the page drives on.", file=sys.stderr)
        return NO_DISPLAY
    return _show(url, ticket)


def has_display() -> bool:
    """Whether a window could be opened. SDL_VIDEODRIVER overrules, so that tests can run without a screen."""
    if sys.platform != "linux" or os.environ.get("SDL_VIDEODRIVER"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _show(url: str, ticket: str) -> int:
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    # Late: importing pygame costs a second and must not come before the sentence about a missing display.
    import pygame

    from app.cockpit.link import Link
    from app.cockpit.window import Window

    link = Link(url, ticket)
    window = Window(link)
    try:
        window.open()
        # Where no screen answers, SDL may draw into memory instead and call it a success.
        if pygame.display.get_driver() == "offscreen" and not os.environ.get("SDL_VIDEODRIVER"):
            raise pygame.error("no screen answered")
    except pygame.error as error:
        print(
            f"The display cannot be opened ({error}), so the cockpit stays closed; the page drives on.", file=sys.stderr
        )
        return NO_DISPLAY
    link.start()
    # Ctrl-C in the terminal that started everything reaches this process too, even where a shell had it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        window.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
