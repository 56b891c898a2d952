"""The plates of signs: octagon, triangle, and the disc of a speed limit in the sharpness its distance asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
from panda3d.core import LODNode, NodePath, SamplerState, TransparencyAttrib
from PIL import Image, ImageDraw, ImageFont

from sim_bridge.embedded.contracts import Signal
from sim_bridge.embedded.renderer.geoms import Surface, geom_node, joined, smooth_surface, surface
from sim_bridge.embedded.renderer.numerals import limit_plate
from sim_bridge.embedded.renderer.solids import RGB
from sim_bridge.embedded.renderer.textures import Image as Pixels
from sim_bridge.embedded.renderer.textures import upload

# Half the width of a plate. Where traffic is fast it reads signs from farther away, and they are larger.
_HALF_M, _FAST_HALF_M, _FAST_KMH = 0.42, 0.60, 70.0
_PLATE_PX = 128
_BACK: RGB = (0.45, 0.46, 0.48)
_FRONT_M = 0.08  # of the head's centre
# A limit's picture for each distance (up to, metres): one to two of its pixels per pixel of a 1024-pixel view of 110
# degrees. Mipmaps would take half a pixel per pixel, and the digits with it.
_SHARPNESS = ((7.0, 128), (15.0, 64), (45.0, 32), (90.0, 16), (2000.0, 8))


def half_width_m(signal: Signal) -> float:
    return _FAST_HALF_M if signal.speed_limit_kmh >= _FAST_KMH else _HALF_M


def plate_solid(signal: Signal) -> Surface:
    """Both sides of the sign's plate, without light."""
    return joined(list(_polygon(*_outline(signal.kind), half_width_m(signal))))


class Plates:
    """The plates of one renderer, each kind and limit painted once."""

    def __init__(self) -> None:
        self._painted: dict[str, Any] = {}

    def find(self, signal: Signal) -> Any:
        """A node at the head's centre, to be copied to where the sign stands."""
        key = f"{signal.kind} {signal.speed_limit_kmh:.0f}"
        if key not in self._painted:
            self._painted[key] = _limit(signal) if signal.kind == "speed_limit" else _shape(signal)
        return self._painted[key]


def _shape(signal: Signal) -> Any:
    path = NodePath("plate")
    front, back = _polygon(*_outline(signal.kind), half_width_m(signal))
    face = path.attachNewNode(geom_node("face", front))
    face.setTexture(upload(signal.kind, _shape_image(signal.kind)))
    path.attachNewNode(geom_node("back", back))
    return path


def _limit(signal: Signal) -> Any:
    path = NodePath("plate")
    # A stranger's file may give no value, or one that is no limit: then the plate stays blank.
    limit = f"{signal.speed_limit_kmh:.0f}" if 0.0 < signal.speed_limit_kmh < 1000.0 else ""
    levels = path.attachNewNode(LODNode("sharpness"))
    near = 0.0
    for far, size in _SHARPNESS:
        levels.node().addSwitch(far, near)
        levels.attachNewNode(_face(limit, size, half_width_m(signal)).node())
        near = far
    _, back = _polygon(*_outline(signal.kind), half_width_m(signal))
    path.attachNewNode(geom_node("back", back))
    return path


def _face(limit: str, size: int, half: float) -> Any:
    """One square: the software rasteriser rounds corners to pixels, and a fan of triangles would tear the digits."""
    corners = [(half, _FRONT_M, -half), (-half, _FRONT_M, -half), (-half, _FRONT_M, half), (half, _FRONT_M, half)]
    uvs = [(0, 0), (1, 0), (1, 1), (0, 1)]
    face = NodePath(geom_node("face", surface(corners, [(0, 1, 2), (0, 2, 3)], (1.0, 1.0, 1.0), uvs)))
    texture = upload(f"limit {limit} {size}", limit_plate(limit, size))
    texture.setMinfilter(SamplerState.FT_linear)
    texture.setWrapU(SamplerState.WM_clamp)
    texture.setWrapV(SamplerState.WM_clamp)
    face.setTexture(texture)
    face.setTransparency(TransparencyAttrib.MAlpha)
    face.setBin("transparent", 0)
    return face


def _outline(kind: str) -> tuple[int, float]:
    """How many corners a sign's plate has and how it is turned; many corners are a disc."""
    return {"stop": (8, np.pi / 8), "yield": (3, -np.pi / 2)}.get(kind, (18, 0.0))


def _polygon(corners: int, turn: float, half: float) -> tuple[Surface, Surface]:
    angles = np.arange(corners) * 2.0 * np.pi / corners + turn
    scale = half / np.cos(np.pi / corners) if corners == 8 else half
    rim = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = [(0.0, _FRONT_M, 0.0), *((-x * scale, _FRONT_M, z * scale) for x, z in rim)]
    spread = scale / half / 2.0
    uvs = [(0.5, 0.5), *((0.5 + x * spread, 0.5 + z * spread) for x, z in rim)]
    fan = [(0, 1 + i, 1 + (i + 1) % corners) for i in range(corners)]
    shiny = smooth_surface(points, fan)
    front = surface(points, fan, (1.0, 1.0, 1.0), uvs)
    behind = [(x, y - 0.03, z) for x, y, z in points]
    return front, surface(behind, [(a, c, b) for a, b, c in shiny.triangles.tolist()], _BACK)


def _shape_image(kind: str) -> Pixels:
    """(S, S, 3) 0..1, row 0 at the bottom, of a stop or a yield sign."""
    middle = _PLATE_PX / 2
    red = (190, 20, 25) if kind == "stop" else (200, 25, 30)
    image = Image.new("RGB", (_PLATE_PX, _PLATE_PX), red)
    draw = ImageDraw.Draw(image)
    if kind == "stop":
        white = (245, 245, 245)
        font = ImageFont.load_default(44)
        draw.text((middle, middle), "STOP", white, font=font, anchor="mm", stroke_width=2, stroke_fill=white)
    else:
        reach = middle * 0.56
        around = [(middle + reach * np.cos(a), middle + reach * np.sin(a)) for a in np.arange(3) * 2.0944 + np.pi / 2]
        draw.polygon(around, (240, 240, 236))
    return (np.asarray(image, np.float32) / 255.0)[::-1]
