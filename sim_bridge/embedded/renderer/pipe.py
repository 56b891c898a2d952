"""Picks what draws: real GL where there is hardware, panda3d's software rasteriser everywhere else. One per process.

panda3d has one global GraphicsEngine; every buffer is created and drawn from the world's thread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from panda3d.core import (
    FrameBufferProperties,
    GraphicsEngine,
    GraphicsPipe,
    GraphicsPipeSelection,
    TypeRegistry,
    WindowProperties,
    loadPrcFileData,
)

from sim_bridge.embedded.renderer.x11_stub import ensure_x11

_SETTINGS = """
load-display p3tinydisplay
window-type none
audio-library-name null
sync-video 0
gl-check-errors 0
notify-level-x11display fatal
notify-level-eglgldisplay fatal
notify-level-display fatal
"""
# Mesa's names for drawing GL on the CPU; the rasteriser of panda3d is about twice as fast as those.
_SOFTWARE_GL = re.compile("llvmpipe|softpipe|swrast|software", re.IGNORECASE)

loadPrcFileData("backseat renderer", _SETTINGS)


@dataclass(frozen=True, slots=True)
class Target:
    """Where buffers are made; one per process and kind. `anchor` is a tiny buffer that keeps the graphics state alive.

    A software buffer never gives its pixels back, so one that is not needed any more waits in `idle` to be resized.
    """

    name: str
    is_gl: bool
    engine: Any
    pipe: Any
    anchor: Any
    idle: list[Any] = field(default_factory=list)

    def make_buffer(self, name: str, width: int, height: int, is_smooth: bool = True) -> Any:
        """An inactive offscreen buffer; `is_smooth` softens edges where GL draws. Raises RuntimeError when the driver
        refuses the size."""
        if self.idle:
            buffer = self.idle.pop()
            buffer.setSize(width, height)
            return buffer
        buffer = _make_buffer(self.engine, self.pipe, name, (width, height), self.is_gl, self.anchor, is_smooth)
        if buffer is None:
            raise RuntimeError(f"{self.name} refused a {width}x{height} picture; ask for a smaller camera")
        return buffer

    def give_back(self, buffer: Any) -> None:
        if self.is_gl:
            self.engine.removeWindow(buffer)
            return
        buffer.setActive(False)
        buffer.clearRenderTextures()
        buffer.removeAllDisplayRegions()
        self.idle.append(buffer)


def _make_buffer(
    engine: Any, pipe: Any, name: str, size: tuple[int, int], is_gl: bool, host: Any, is_smooth: bool = True
) -> Any:
    properties = FrameBufferProperties()
    properties.setRgbaBits(8, 8, 8, 8)
    properties.setDepthBits(24 if is_gl else 1)
    if is_gl and host is not None and is_smooth:
        properties.setMultisamples(4)
    flags = GraphicsPipe.BFRefuseWindow | (0 if is_gl else GraphicsPipe.BFResizeable)
    window = WindowProperties.size(*size)
    if host is None:
        buffer = engine.makeOutput(pipe, name, 0, properties, window, flags)
    else:
        buffer = engine.makeOutput(pipe, name, 0, properties, window, flags, host.getGsg(), host if is_gl else None)
    if buffer is not None:
        buffer.setActive(False)
    return buffer


def open_target(prefer: str = "auto") -> Target:
    """`prefer`: "auto", "software", or "gl" (GL of any kind, even Mesa's on the CPU). Raises NoSoftwareRenderer or
    RuntimeError when what was asked for is not there."""
    if prefer not in ("auto", "software", "gl"):
        raise ValueError(f"expected auto, software or gl as the renderer, got {prefer!r}")
    engine = GraphicsEngine.getGlobalPtr()
    if prefer == "gl" or (prefer == "auto" and has_graphics_device()):
        target = _open_gl(engine, accept_software_gl=prefer == "gl")
        if target is not None:
            return target
        if prefer == "gl":
            raise RuntimeError("no OpenGL: p3headlessgl found no EGL driver; leave the renderer on auto")
    return _open_software(engine)


def has_graphics_device(devices: Path = Path("/dev")) -> bool:
    """Whether Linux shows a graphics card. Asked first, because trying GL without one loads all of Mesa for nothing."""
    names = ("nvidiactl", "dxg")
    return any((devices / name).exists() for name in names) or any((devices / "dri").glob("renderD*"))


@cache
def _open_gl(engine: Any, accept_software_gl: bool) -> Target | None:
    pipe = GraphicsPipeSelection.getGlobalPtr().makeModulePipe("p3headlessgl")
    if pipe is None:
        return None
    anchor = _make_buffer(engine, pipe, "anchor", (32, 32), True, None)
    if anchor is None:
        return None
    engine.openWindows()
    driver = anchor.getGsg().getDriverRenderer()
    if not driver or (_SOFTWARE_GL.search(driver) and not accept_software_gl):
        engine.removeWindow(anchor)
        return None
    return Target(f"gl: {driver}", True, engine, pipe, anchor)


@cache
def _open_software(engine: Any) -> Target:
    ensure_x11()
    selection = GraphicsPipeSelection.getGlobalPtr()
    # The module's default pipe wants an X display; making it registers the offscreen one that does not.
    selection.makeModulePipe("p3tinydisplay")
    pipe = selection.makePipe(TypeRegistry.ptr().findType("TinyOffscreenGraphicsPipe"))
    anchor = _make_buffer(engine, pipe, "anchor", (32, 32), False, None) if pipe else None
    if anchor is None:
        raise RuntimeError("panda3d's software renderer did not load; reinstall panda3d==1.10.16")
    return Target("tinydisplay", False, engine, pipe, anchor)
