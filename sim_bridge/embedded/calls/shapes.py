"""CARLA's debug shapes. Points, lines, arrows and boxes are drawn into the pictures of RGB cameras, as CARLA does; its
texts and HUD shapes show in its own window only, which this world does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim_bridge.embedded.calls.desk import Desk
from sim_bridge.embedded.contracts import Marks, Pose
from sim_bridge.embedded.wire.codec import WrongArgument, array, decoder, integer
from sim_bridge.embedded.wire.structs import BoundingBox, DebugShape, Vec3
from sim_bridge.embedded.world import sketch
from sim_bridge.embedded.world.sketch import Color

_POINT, _LINE, _ARROW, _BOX = range(4)
_KINDS = 9  # a text, and the HUD's points, lines, arrows and boxes, come after these four

Line = tuple[Vec3, Vec3, float]
_PAYLOADS: dict[int, Any] = {
    _POINT: tuple[Vec3, float],
    _LINE: Line,
    _ARROW: tuple[Line, float],
    _BOX: tuple[BoundingBox, Vec3, float],
}


def draw_debug_shape(desk: Desk, shape: DebugShape) -> None:
    kind, payload = _opened(shape.primitive)
    if kind in _DRAWN:
        fields = decoder(_PAYLOADS[kind])(payload, "shape.primitive")
        red, green, blue = (min(max(part, 0), 255) for part in shape.color)
        world = desk.world
        world.sketch.add(_DRAWN[kind](*fields, (red, green, blue)), world.elapsed_s, shape.life_time)


def clear_debug_shape(desk: Desk) -> None:
    desk.world.sketch.clear()


def clear_debug_string(desk: Desk) -> None:
    """Texts show in CARLA's own window only: there is nothing to clear."""


def _opened(primitive: Any) -> tuple[int, Any]:
    variant = array(primitive, "shape.primitive")
    if len(variant) != 2:
        raise WrongArgument(f"shape.primitive: expected [kind, fields], got {len(variant)} elements")
    kind = integer(variant[0], "shape.primitive.kind")
    if not 0 <= kind < _KINDS:
        raise WrongArgument(f"shape.primitive.kind: expected 0 to {_KINDS - 1}, got {kind}")
    return kind, variant[1]


def _arrow(line: Line, head_m: float, color: Color) -> Marks:
    start, end, thickness_m = line
    return sketch.arrow(start, end, thickness_m, head_m, color)


def _box(box: BoundingBox, turn: Vec3, thickness_m: float, color: Color) -> Marks:
    """In the world, whatever the box itself says about its rotation."""
    return sketch.box(Pose(*box.location, *turn), box.extent, thickness_m, color)


_DRAWN: dict[int, Callable[..., Marks]] = {_POINT: sketch.point, _LINE: sketch.line, _ARROW: _arrow, _BOX: _box}
