"""The software renderer without libX11: the stand-in carries it, and where there is none the way out is told."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from sim_bridge.embedded.renderer import x11_stub

STUB = Path(__file__).resolve().parents[2] / "assets" / "x11_stub" / "libX11stub_x86_64.so"

# With the stand-in already loaded under libX11's name, the dynamic linker never opens the real one.
_DRAW = """
import ctypes, sys
ctypes.CDLL(sys.argv[1], ctypes.RTLD_GLOBAL)
from sim_bridge.embedded.contracts import Camera, Pose, Sky
from sim_bridge.embedded.renderer import Renderer
from tests.embedded.plain_towns import plain_town
renderer = Renderer(plain_town(), "software")
camera = Camera(1, 64, 32, 90.0, Pose(z=2.0))
renderer.add_camera(camera)
picture = renderer.render([], [camera], {}, Sky())[1]
maps = open("/proc/self/maps").read()
print(picture.shape, int(picture[..., 0].max()) > int(picture[..., 0].min()), "libX11.so" in maps)
"""


@pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64", reason="the shipped stand-in is for Linux on x86_64"
)
def test_the_renderer_draws_with_the_stand_in_for_libx11() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _DRAW, str(STUB)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=STUB.parents[2],
        check=False,
    )
    assert done.stdout.strip() == "(32, 64, 4) True False", done.stderr


def test_a_machine_without_libx11_and_without_a_stand_in_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(x11_stub.NoSoftwareRenderer, match="apt install libx11-6"):
        x11_stub.load_stub(tmp_path)
