"""Lets panda3d's software renderer load on a machine without libX11, which it links but never calls offscreen.

The stub in `assets/x11_stub` answers to libX11's name with functions that do nothing. It is loaded only where the real
library cannot be found, because it would break every window of the process.
"""

from __future__ import annotations

import ctypes
import platform
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[3] / "assets" / "x11_stub"


class NoSoftwareRenderer(RuntimeError):
    """Neither libX11 nor a stub for this processor; the message says what to install."""


def ensure_x11(folder: Path = _FOLDER) -> str:
    """Make libX11.so.6 loadable; returns "system" or "stub". Raises NoSoftwareRenderer. Linux only, else "system"."""
    if platform.system() != "Linux":
        return "system"
    try:
        ctypes.CDLL("libX11.so.6")
        return "system"
    except OSError:
        return load_stub(folder)


def load_stub(folder: Path = _FOLDER) -> str:
    """Load the stand-in for this processor from `folder`; raises NoSoftwareRenderer when there is none."""
    stub = folder / f"libX11stub_{platform.machine()}.so"
    if not stub.is_file():
        raise NoSoftwareRenderer(
            f"The software renderer needs libX11.so.6, and there is no stand-in for {platform.machine()} processors "
            f"in {folder}. Install the real library, for example with: apt install libx11-6"
        )
    # RTLD_GLOBAL and the same SONAME: the renderer's own dlopen then finds it already loaded.
    ctypes.CDLL(str(stub), ctypes.RTLD_GLOBAL)
    return "stub"
