"""Things that stand on the road, drawn from `prop_shapes`. Surfaces with light baked in, standing at z 0, front +y."""

from __future__ import annotations

import numpy as np

from sim_bridge.embedded.prop_shapes import PROP_SHAPES, Bar, Block, Part
from sim_bridge.embedded.renderer.geoms import Surface, joined
from sim_bridge.embedded.renderer.light import shade_body
from sim_bridge.embedded.renderer.solids import ball, box, rod


def build(blueprint_id: str) -> Surface:
    """Raises ValueError naming the props there are."""
    parts = PROP_SHAPES.get(blueprint_id)
    if parts is None:
        raise ValueError(f"expected a prop out of {sorted(PROP_SHAPES)}, got {blueprint_id!r}")
    whole = joined([_solid(part) for part in parts])
    whole.colors[:, :3] *= shade_body(whole.normals, 0.0) * np.float32(1.08)
    return whole


def _solid(part: Part) -> Surface:
    if isinstance(part, Block):
        return box(part.center, part.size, part.color, part.taper)
    if isinstance(part, Bar):
        return rod(part.start, part.end, part.radius, part.color, part.segments, part.end_radius)
    return ball(part.center, part.radii, part.color, 12, 7)
