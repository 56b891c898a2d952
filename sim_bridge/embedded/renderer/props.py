"""Things that stand on the road: cone, barrier, bin, box. Surfaces with light baked in, standing at z 0, front +y."""

from __future__ import annotations

import numpy as np

from sim_bridge.embedded.renderer.geoms import Surface, joined
from sim_bridge.embedded.renderer.light import shade_body
from sim_bridge.embedded.renderer.solids import RGB, box, rod

_ORANGE: RGB = (0.95, 0.36, 0.08)
_WHITE: RGB = (0.95, 0.95, 0.93)
_RED: RGB = (0.82, 0.12, 0.10)


def _cone() -> list[Surface]:
    return [
        box((0, 0, 0.02), (0.40, 0.40, 0.04), (0.12, 0.12, 0.12)),
        rod((0, 0, 0.04), (0, 0, 0.28), 0.16, _ORANGE, 12, 0.115),
        rod((0, 0, 0.28), (0, 0, 0.46), 0.115, _WHITE, 12, 0.078),
        rod((0, 0, 0.46), (0, 0, 0.72), 0.078, _ORANGE, 12, 0.025),
    ]


def _barrier() -> list[Surface]:
    parts = [box((x, 0, 0.5), (0.08, 0.40, 1.0), (0.70, 0.70, 0.70)) for x in (-0.75, 0.75)]
    for stripe in range(8):
        color = _RED if stripe % 2 else _WHITE
        x = -0.875 + 0.25 * stripe
        parts += [box((x, 0.0, z), (0.25, 0.06, 0.20), color) for z in (0.82, 0.45)]
    return parts


def _bin() -> list[Surface]:
    green = (0.16, 0.30, 0.20)
    return [
        rod((0, 0, 0), (0, 0, 0.85), 0.26, green, 12, 0.30),
        rod((0, 0, 0.85), (0, 0, 0.95), 0.31, (0.1, 0.1, 0.1), 12, 0.2),
    ]


def _box() -> list[Surface]:
    return [box((0, 0, 0.35), (0.7, 0.7, 0.7), (0.62, 0.48, 0.32))]


# Half sizes: forward, right, up. The first word found in a blueprint's id decides.
_PROPS = {
    "cone": (_cone, (0.20, 0.20, 0.36)),
    "barrier": (_barrier, (0.20, 0.88, 0.50)),
    "bin": (_bin, (0.31, 0.31, 0.48)),
    "trash": (_bin, (0.31, 0.31, 0.48)),
    "": (_box, (0.35, 0.35, 0.35)),
}


def _kind(blueprint_id: str) -> str:
    return next(word for word in _PROPS if word in blueprint_id)


def prop_extent(blueprint_id: str) -> tuple[float, float, float]:
    """Half sizes of the prop along its own forward, right and up."""
    return _PROPS[_kind(blueprint_id)][1]


def build(blueprint_id: str) -> Surface:
    whole = joined(_PROPS[_kind(blueprint_id)][0]())
    whole.colors[:, :3] *= shade_body(whole.normals, 0.0) * np.float32(1.08)
    return whole
