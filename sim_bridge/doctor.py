"""Looks at this machine and says what Backseat will find: a line a check, with the way out where something is missing.

Imports none of the heavy packages it checks, so it works on the machine where they fail to load.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "assets"
NEEDED = ("carla", "panda3d", "numpy", "pillow", "msgpack", "torch", "onnxruntime", "gradio", "uvicorn", "websockets")
OPTIONAL = {
    "pygame": "the cockpit",
    "plotly": "reports of training and evaluation",
    "transformers": "the full-size SimLingo model (pip install -e '.[simlingo]')",
    "onnx": "exporting trained weights (pip install -e '.[train]')",
    "playwright": "the browser figures of `launch.py bench` (pip install -e '.[test]')",
}


@dataclass(frozen=True)
class Finding:
    """One check. `level`: "ok", "note" (something optional is missing) or "fail" (the main job will not run)."""

    check: str
    level: str
    found: str
    way_out: str = ""


def findings(host: str, port: int) -> Iterator[Finding]:
    yield _python()
    yield from _packages()
    yield _port(host, port)
    yield _weights()
    yield _renderer()
    yield _display()
    yield _gpu()
    yield _chromium()


def _python() -> Finding:
    version = platform.python_version()
    if (3, 10) <= sys.version_info[:2] <= (3, 12):
        return Finding("Python", "ok", version)
    return Finding("Python", "fail", version, "the carla client exists for Python 3.10, 3.11 and 3.12: use one of them")


def _packages() -> Iterator[Finding]:
    for name in NEEDED:
        version = _version(name)
        if version:
            yield Finding(name, "ok", version)
        else:
            yield Finding(name, "fail", "not installed", "run `pip install -e .` in the project's folder")
    for name, purpose in OPTIONAL.items():
        version = _version(name)
        yield Finding(name, "ok", version) if version else Finding(name, "note", "not installed", f"only for {purpose}")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _port(host: str, port: int) -> Finding:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding("page address", "fail", f"{host}:{port}: {error.strerror}", "choose another with --port")
    return Finding("page address", "ok", f"{host}:{port} is free")


def _weights() -> Finding:
    files = sorted((ASSETS / "pocket").glob("*.safetensors"))
    if files:
        return Finding("Pocket's weights", "ok", ", ".join(f"{f.name} {f.stat().st_size / 1e6:.1f} MB" for f in files))
    return Finding(
        "Pocket's weights", "fail", "none in assets/pocket", "train them with `launch.py train`, or use --model teacher"
    )


def _renderer() -> Finding:
    if _loads("libX11.so.6"):
        return Finding("software renderer", "ok", "libX11 is here")
    if platform.machine() == "x86_64":
        return Finding("software renderer", "ok", "libX11 is missing; the stub in assets/ stands in for it")
    return Finding("software renderer", "fail", "libX11.so.6 is missing", "install it (Debian: apt install libx11-6)")


def _display() -> Finding:
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return Finding("display", "ok", os.environ.get("DISPLAY", "native"))
    return Finding("display", "note", "none", "only the pygame cockpit needs one; the page does not")


def _gpu() -> Finding:
    if _loads("libcuda.so.1"):
        return Finding("GPU", "ok", "an NVIDIA driver is here")
    return Finding("GPU", "note", "no NVIDIA driver", "not needed: rendering and Pocket run on the CPU")


def _chromium() -> Finding:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path:
        return Finding("Chromium", "ok", path)
    return Finding("Chromium", "note", "not found", "only `launch.py bench` and the browser tests drive one")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="The address whose port is checked.")
    parser.add_argument("--port", type=int, default=7860, help="The port the page would use.")
    parser.add_argument("--json", action="store_true", help="Print the findings as JSON.")


def main(args: argparse.Namespace) -> int:
    """0 when the main job can run here, 1 when something it needs is missing."""
    found = list(findings(args.host, args.port))
    if args.json:
        print(json.dumps([asdict(f) for f in found], indent=2))
    else:
        for f in found:
            print(f"{f.level:>4}  {f.check:<20} {f.found}" + (f"\n      {'':<20} {f.way_out}" if f.way_out else ""))
    return 1 if any(f.level == "fail" for f in found) else 0
