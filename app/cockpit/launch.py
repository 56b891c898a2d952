"""Starts the cockpit's process. The ticket goes through the environment: a command line can be read by every user."""

from __future__ import annotations

import os
import subprocess
import sys

TICKET_VARIABLE = "BACKSEAT_TICKET"


def start(host: str, port: int, ticket: str) -> subprocess.Popen[bytes]:
    """The started process; whoever started it ends it. It says on the console why it stays closed, where it does."""
    host = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    name = f"[{host}]" if ":" in host else host
    url = f"ws://{name}:{port}/stage/socket"
    environment = {**os.environ, TICKET_VARIABLE: ticket}
    return subprocess.Popen([sys.executable, "-m", "app.cockpit", "--url", url], env=environment)
