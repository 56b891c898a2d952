"""What CARLA's cosmos visualisation draws instead of the world: boxes around who moves, poles, signals, lines of lanes.

Pure geometry; the colours are CARLA's. Crosswalks are not among the lines.
"""

from __future__ import annotations

from math import hypot

from sim_bridge.embedded.contracts import Label, Marks, Pose, Stroke, Town
from sim_bridge.embedded.world import sketch
from sim_bridge.embedded.world.actors import Actor, Vehicle, Walker
from sim_bridge.embedded.world.geometry import moved
from sim_bridge.embedded.world.sketch import Color

_VEHICLE, _WALKER, _STOP_LINE = (255, 0, 0), (0, 255, 0), (255, 0, 0)
_LIGHT, _SIGN, _POLE, _LANE = (109, 144, 136), (214, 144, 137), (58, 4, 124), (71, 134, 183)
_BOX_M, _LINE_M = 0.1, 0.2
_LIGHT_EXTENT, _PLATE_EXTENT = (0.2, 0.2, 0.5), (0.05, 0.4, 0.4)
_HALF_STOP_LINE_M = 1.75
_EVERY = 4  # of the lanes' samples, which are 2 m apart
_SAME_LANE_M = 2.5 * _EVERY


def moving(actors: list[Actor]) -> Marks:
    """Boxes around vehicles and walkers."""
    strokes: list[Stroke] = []
    for actor in actors:
        if isinstance(actor, (Vehicle, Walker)):
            x, y, z = moved(actor.pose, actor.box.location)
            middle = Pose(x, y, z, actor.pose.pitch, actor.pose.yaw, actor.pose.roll)
            color = _VEHICLE if isinstance(actor, Vehicle) else _WALKER
            strokes += sketch.box(middle, actor.box.extent, _BOX_M, color).strokes
    return Marks(strokes=tuple(strokes))


def still(town: Town) -> Marks:
    strokes = [*_lanes(town)]
    for box in town.boxes:
        if box.label == Label.POLES:
            x, y, z = box.pose.x, box.pose.y, box.extent[2]
            strokes.append(Stroke((x, y, box.pose.z - z), (x, y, box.pose.z + z), _LINE_M, _POLE))
    for signal in town.signals:
        is_light = signal.kind == "traffic_light"
        extent, color = (_LIGHT_EXTENT, _LIGHT) if is_light else (_PLATE_EXTENT, _SIGN)
        strokes += sketch.box(signal.head, extent, _BOX_M, color).strokes
        if is_light:
            strokes.append(_across(signal.stop_line, _HALF_STOP_LINE_M, _STOP_LINE))
    return Marks(strokes=tuple(strokes))


def _across(line: Pose, half_m: float, color: Color) -> Stroke:
    return Stroke(moved(line, (0.0, -half_m, 0.0)), moved(line, (0.0, half_m, 0.0)), _LINE_M, color)


def _lanes(town: Town) -> list[Stroke]:
    strokes: list[Stroke] = []
    samples = town.lane_samples[::_EVERY]
    for (ax, ay, *_, a_road, a_lane, _a), (bx, by, *_, b_road, b_lane, _b) in zip(
        samples.tolist(), samples[1:].tolist(), strict=False
    ):
        if (a_road, a_lane) == (b_road, b_lane) and hypot(bx - ax, by - ay) < _SAME_LANE_M:
            strokes.append(Stroke((ax, ay, 0.0), (bx, by, 0.0), _LINE_M, _LANE))
    return strokes
