"""Traffic lamps that light, and the plates of signs, at each Signal's head and facing its traffic."""

from __future__ import annotations

from typing import Any

import numpy as np
from panda3d.core import TransparencyAttrib

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import LightState, Signal
from sim_bridge.embedded.renderer.geoms import Surface, geom_node, joined
from sim_bridge.embedded.renderer.light import NIGHT_FALLS, Daylight
from sim_bridge.embedded.renderer.plates import Plates, plate_solid
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
_REFLECTED = 0.55  # of what the night takes from a plate, its sheeting throws back to the headlights


class Signals:
    """Lamps and plates of one town. `show` lights the lamps; plates never change."""

    def __init__(self, parent: Any, signals: tuple[Signal, ...]) -> None:
        self.root = parent.attachNewNode("signals")
        nearest_first(self.root)
        self._glow = upload("glow", _glow_image())
        self._lit = {state: self._lit_lamp(state) for state in _LAMPS}
        self._heads: dict[str, dict[LightState, Any]] = {}
        self._states: dict[str, LightState] = {}
        self._faces: list[Any] = []  # of plates
        plates = Plates()
        for signal in signals:
            path = self.root.attachNewNode(f"signal {signal.signal_id}")
            panda_frame.put(path, signal.head)
            if signal.kind == "traffic_light":
                self._hang_lamps(path, signal.signal_id)
            else:
                self._faces.extend(plates.find(signal).copyTo(path).findAllMatches("**/face"))

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

    def relight(self, light: Daylight) -> None:
        self.root.setColorScale(*light.tint, 1.0)
        share = _REFLECTED * max(0.0, light.night - NIGHT_FALLS) / (1.0 - NIGHT_FALLS)
        # Over the root's own scale, because scales multiply.
        brighter = [(tint + (1.0 - tint) * share) / tint for tint in light.tint]
        for face in self._faces:
            face.setColorScale(*brighter, 1.0)


def solid_of(signal: Signal) -> Surface:
    """What a signal carries at its head, without light: the lamps' board, or both sides of the plate."""
    return _dark_lamps() if signal.kind == "traffic_light" else plate_solid(signal)


def _dark_lamps() -> Surface:
    dark = [disc((0, _PROUD_M, z), _LAMP_RADIUS_M, color) for z, _, color in _LAMPS.values()]
    return joined([*dark, _hood()])


def _hood() -> Surface:
    """A dark board behind the lamps: their contrast against a bright sky."""
    return box((0, _PROUD_M - 0.05, 0), (0.62, 0.06, 1.55), (0.05, 0.05, 0.055))


def _glow_image(size: int = 64) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    axis = (np.arange(size) + 0.5) / size * 2.0 - 1.0
    distance = np.hypot(axis[:, None], axis[None, :])
    image = np.ones((size, size, 4), np.float32)
    image[..., 3] = 0.85 * np.clip(1.0 - distance, 0.0, 1.0) ** 1.6
    return image
