"""CARLA's cosmos visualisation: boxes, poles, signals and lanes as lines on black."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from sim_bridge.embedded.contracts import NO_MARKS, Camera, Label, Pose, Stroke
from sim_bridge.embedded.renderer import Renderer
from sim_bridge.embedded.wire.messages import SensorType
from sim_bridge.embedded.world import outlined, sketch
from tests.embedded.fakes import FLAT
from tests.embedded.plain_towns import block, plain_town, wall
from tests.embedded.test_world import advance, car, flat_world, listening, sent

RED, BLUE = (255, 0, 0), (71, 134, 183)


def of_color(strokes: tuple[Stroke, ...], color: tuple[int, int, int]) -> list[Stroke]:
    return [stroke for stroke in strokes if stroke.color == color]


def test_a_car_is_a_red_box_as_large_as_it_is() -> None:
    world = flat_world()
    ego = car(world, 40.0)
    edges = outlined.moving(list(world.actors)).strokes
    assert len(of_color(edges, RED)) == len(edges) == 12
    assert math.isclose(max(math.dist(edge.start, edge.end) for edge in edges), 2.0 * ego.box.extent[0])
    assert math.isclose(min(edge.start[2] for edge in edges), ego.pose.z)


def test_lanes_signals_and_poles_of_a_town_are_lines() -> None:
    pole = replace(wall(50.0, "lamp", 0.1), label=Label.POLES)
    strokes = outlined.still(replace(FLAT, boxes=(pole, wall(90.0)))).strokes
    lanes = of_color(strokes, BLUE)
    # Two straight lanes, and no line from the end of one to the start of the other.
    assert len({stroke.start[1] for stroke in lanes}) == 2
    assert all(stroke.start[1] == stroke.end[1] for stroke in lanes)
    (upright,) = of_color(strokes, (58, 4, 124))
    assert (upright.start[2], upright.end[2]) == (0.0, 4.0)
    assert len(of_color(strokes, RED)) == 2, "a stop line for each light"
    assert len(of_color(strokes, (109, 144, 136))) == 2 * 12


def test_the_picture_has_the_lines_and_nothing_else() -> None:
    renderer = Renderer(plain_town((block((15.0, 0.0, 2.0), 2.0, (0.9, 0.9, 0.9)),)), "software")
    eye = Camera(4, 200, 100, 90.0, Pose(0.0, 0.0, 2.0), "outlines")
    box = sketch.box(Pose(10.0, 0.0, 2.0), (1.0, 1.0, 1.0), 0.1, RED)
    try:
        boxed = renderer.outline([eye], NO_MARKS, box)[4]
        empty = renderer.outline([eye], NO_MARKS, NO_MARKS)[4]
        renderer.forget_outline(4)
        renderer.forget_outline(4)
    finally:
        renderer.close()
    assert not empty[..., :3].any() and (empty[..., 3] == 255).all()
    rows, columns = np.nonzero(boxed[..., 2])
    assert not boxed[..., :2].any() and abs(columns.mean() - 100.0) < 2.0 and abs(rows.mean() - 50.0) < 2.0
    # The near face is 9 m away: 2 m of it are 22 pixels.
    assert columns.max() - columns.min() in range(20, 28)


def test_a_world_sends_them_as_carlas_sensor() -> None:
    world = flat_world()
    ego = car(world)
    eye = listening(world, "sensor.camera.cosmos_visualization", ego.actor_id, image_size_x="4", image_size_y="2")
    advance(world, 1)
    (message,) = sent(world, eye.stream_id)
    assert int.from_bytes(message[:8], "little") == SensorType.COSMOS == 16
    assert len(message) == 48 + 12 + 4 * 2 * 4 and message[60] == 12
    world.destroy(eye.actor_id)
