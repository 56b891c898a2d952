"""Traffic lamps that light and the plates of signs, at each Signal's head and facing its traffic."""

from __future__ import annotations

from typing import Any

import numpy as np
from panda3d.core import TransparencyAttrib
from PIL import Image, ImageDraw, ImageFont

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import LightState, Signal
from sim_bridge.embedded.renderer.geoms import Surface, geom_node, joined, smooth_surface, surface
from sim_bridge.embedded.renderer.solids import RGB, box, disc, plate
from sim_bridge.embedded.renderer.static_scene import nearest_first
from sim_bridge.embedded.renderer.textures import upload

_SPACING_M = 0.45
_LAMP_RADIUS_M = 0.20
_PROUD_M = 0.16  # of the head's centre: in front of the housing
_GLOW_M = 1.15
# Red on top, by LightState: height above the head's centre, lit and dark colours.
_LAMPS: dict[LightState, tuple[float, RGB, RGB]] = {
    LightState.RED: (_SPACING_M, (1.0, 0.10, 0.06), (0.22, 0.05, 0.05)),
    LightState.YELLOW: (0.0, (1.0, 0.78, 0.08), (0.22, 0.18, 0.04)),
    LightState.GREEN: (-_SPACING_M, (0.10, 1.0, 0.45), (0.04, 0.20, 0.10)),
}
_PLATE_PX = 128
_SIGN_M = 0.42  # half the width of a plate
_BACK: RGB = (0.45, 0.46, 0.48)


class Signals:
    """Lamps and plates of one town. `show` lights the lamps; plates never change."""

    def __init__(self, parent: Any, signals: tuple[Signal, ...]) -> None:
        self.root = parent.attachNewNode("signals")
        nearest_first(self.root)
        self._glow = upload("glow", _glow_image())
        self._lit = {state: self._lit_lamp(state) for state in _LAMPS}
        self._heads: dict[str, dict[LightState, Any]] = {}
        self._states: dict[str, LightState] = {}
        self._plates: dict[str, Any] = {}
        for signal in signals:
            path = self.root.attachNewNode(f"signal {signal.signal_id}")
            panda_frame.put(path, signal.head)
            if signal.kind == "traffic_light":
                self._hang_lamps(path, signal.signal_id)
            else:
                self._plate(signal).copyTo(path)

    def _hang_lamps(self, path: Any, signal_id: str) -> None:
        path.attachNewNode(geom_node("dark lamps", _dark_lamps()))
        self._heads[signal_id] = {}
        for state, lamp in self._lit.items():
            wrapper = path.attachNewNode("lit")
            lamp.copyTo(wrapper)
            wrapper.hide()
            self._heads[signal_id][state] = wrapper

    def _lit_lamp(self, state: LightState) -> Any:
        """A bright disc, and a soft glow around it that carries the colour further than the disc does."""
        z, color, _ = _LAMPS[state]
        lamp = self.root.attachNewNode("lit lamp")
        lamp.attachNewNode(geom_node("disc", disc((0, _PROUD_M + 0.02, z), _LAMP_RADIUS_M * 1.08, color)))
        core = tuple(0.45 * c + 0.55 for c in color)
        lamp.attachNewNode(
            geom_node("core", disc((0, _PROUD_M + 0.05, z), _LAMP_RADIUS_M * 0.45, (core[0], core[1], core[2])))
        )
        glow = lamp.attachNewNode(geom_node("glow", plate((0, _PROUD_M + 0.09, z), _GLOW_M, _GLOW_M, color)))
        glow.setTexture(self._glow)
        glow.setTransparency(TransparencyAttrib.MAlpha)
        glow.setDepthWrite(False)
        glow.setBin("transparent", 0)
        lamp.setColorScaleOff(1)
        lamp.detachNode()
        return lamp

    def _plate(self, signal: Signal) -> Any:
        key = f"{signal.kind} {signal.speed_limit_kmh:.0f}"
        if key not in self._plates:
            self._plates[key] = self._painted_plate(signal.kind, f"{signal.speed_limit_kmh:.0f}")
        return self._plates[key]

    def _painted_plate(self, kind: str, digits: str) -> Any:
        path = self.root.attachNewNode("plate")
        front, back = _polygon(*_outline(kind))
        face = path.attachNewNode(geom_node("face", front))
        face.setTexture(upload(f"{kind} {digits}", _plate_image(kind, digits)))
        path.attachNewNode(geom_node("back", back))
        path.detachNode()
        return path

    def show(self, lights: dict[str, LightState]) -> None:
        """Light the named signals; those not named keep their state. Ids that are no light are passed over."""
        for signal_id, state in lights.items():
            head = self._heads.get(signal_id)
            if head is None or self._states.get(signal_id) == state:
                continue
            self._states[signal_id] = state
            for one, wrapper in head.items():
                if one == state:
                    wrapper.show()
                else:
                    wrapper.hide()

    def relight(self, tint: RGB) -> None:
        self.root.setColorScale(*tint, 1.0)


def solid_of(kind: str) -> Surface:
    """What a signal of this kind carries at its head, without light: the lamps' board, or both sides of the plate."""
    return _dark_lamps() if kind == "traffic_light" else joined(list(_polygon(*_outline(kind))))


def _outline(kind: str) -> tuple[int, float]:
    """How many corners a sign's plate has and how it is turned; many corners are a disc."""
    return {"stop": (8, np.pi / 8), "yield": (3, -np.pi / 2)}.get(kind, (18, 0.0))


def _dark_lamps() -> Surface:
    dark = [disc((0, _PROUD_M, z), _LAMP_RADIUS_M, color) for z, _, color in _LAMPS.values()]
    return joined([*dark, _hood()])


def _hood() -> Surface:
    """A dark board behind the lamps: their contrast against a bright sky."""
    return box((0, _PROUD_M - 0.05, 0), (0.62, 0.06, 1.55), (0.05, 0.05, 0.055))


def _polygon(corners: int, turn: float) -> tuple[Surface, Surface]:
    angles = np.arange(corners) * 2.0 * np.pi / corners + turn
    scale = _SIGN_M / np.cos(np.pi / corners) if corners == 8 else _SIGN_M
    rim = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = [(0.0, 0.08, 0.0), *((-x * scale, 0.08, z * scale) for x, z in rim)]
    spread = scale / _SIGN_M / 2.0
    uvs = [(0.5, 0.5), *((0.5 + x * spread, 0.5 + z * spread) for x, z in rim)]
    fan = [(0, 1 + i, 1 + (i + 1) % corners) for i in range(corners)]
    shiny = smooth_surface(points, fan)
    front = surface(points, fan, (1.0, 1.0, 1.0), uvs)
    behind = [(x, y - 0.03, z) for x, y, z in points]
    return front, surface(behind, [(a, c, b) for a, b, c in shiny.triangles.tolist()], _BACK)


def _glow_image(size: int = 64) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    axis = (np.arange(size) + 0.5) / size * 2.0 - 1.0
    distance = np.hypot(axis[:, None], axis[None, :])
    image = np.ones((size, size, 4), np.float32)
    image[..., 3] = 0.85 * np.clip(1.0 - distance, 0.0, 1.0) ** 1.6
    return image


def _plate_image(kind: str, digits: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(S, S, 3) 0..1, row 0 at the bottom."""
    image = Image.new("RGB", (_PLATE_PX, _PLATE_PX), (235, 235, 232))
    draw = ImageDraw.Draw(image)
    middle = _PLATE_PX / 2
    if kind == "stop":
        draw.rectangle((0, 0, _PLATE_PX, _PLATE_PX), (190, 20, 25))
        _centered(draw, "STOP", middle, 44)
    elif kind == "yield":
        draw.rectangle((0, 0, _PLATE_PX, _PLATE_PX), (200, 25, 30))
        reach = middle * 0.56
        around = [(middle + reach * np.cos(a), middle + reach * np.sin(a)) for a in np.arange(3) * 2.0944 + np.pi / 2]
        draw.polygon(around, (240, 240, 236))
    else:
        draw.ellipse((2, 2, _PLATE_PX - 3, _PLATE_PX - 3), (200, 25, 30))
        draw.ellipse((18, 18, _PLATE_PX - 19, _PLATE_PX - 19), (242, 242, 238))
        _centered(draw, digits, middle, 64 if len(digits) < 3 else 46, (15, 15, 18))
    return (np.asarray(image, np.float32) / 255.0)[::-1]


def _centered(
    draw: ImageDraw.ImageDraw, text: str, middle: float, size: int, fill: tuple[int, int, int] = (245, 245, 245)
) -> None:
    font = ImageFont.load_default(size)
    draw.text((middle, middle), text, fill, font=font, anchor="mm", stroke_width=2, stroke_fill=fill)
