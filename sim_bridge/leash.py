"""`python -m sim_bridge.leash MODULE ARGUMENTS...`: run a module that ends when the process that started it ends.

The parent holds the other end of our standard input. When it dies, however it dies, the pipe ends; the module is then
told to stop with SIGTERM, and ended after a few seconds if it does not. Nothing is ever left behind.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GRACE_S = 5.0


def main() -> None:
    module, *arguments = sys.argv[1:]
    threading.Thread(target=_end_with_parent, name="leash", daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    # Read below Python's buffered stdin, which nobody else uses here and which would hold a lock at shutdown.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    main()
