"""A town's files put together into what the world reads: `contracts.Town`."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from sim_bridge.embedded.contracts import Town
from sim_bridge.embedded.town.crossings import add_crossing
from sim_bridge.embedded.town.curves import Floats
from sim_bridge.embedded.town.folder import road_file, scenery_file
from sim_bridge.embedded.town.generation import Generation
from sim_bridge.embedded.town.ground import add_grass, add_street
from sim_bridge.embedded.town.horizon import add_hills
from sim_bridge.embedded.town.lanes import lane_samples, spawn_points
from sim_bridge.embedded.town.markings import add_paint
from sim_bridge.embedded.town.opendrive import RoadMap, parse
from sim_bridge.embedded.town.posts import add_post_of
from sim_bridge.embedded.town.scenery import add_scenery
from sim_bridge.embedded.town.scenery_file import Scenery, loads
from sim_bridge.embedded.town.sheets import Sheets
from sim_bridge.embedded.town.signals import signals
from sim_bridge.embedded.town.walls import walls

BOUNDS_MARGIN_M = 40.0  # of lane centres, so that sidewalks and the first row of houses lie inside
GRASS_MARGIN_M = 200.0
AUTHORED = Generation(wall_height=0.0, additional_width=0.0)


def load(name: str) -> Town:
    """The town called `name` (one of `names()`); raises ValueError naming the known ones otherwise."""
    roads = road_file(name)
    beside = scenery_file(roads)
    scenery = loads(beside.read_text(encoding="utf-8")) if beside.exists() else Scenery()
    return build(name, roads.read_text(encoding="utf-8"), scenery)


def build(name: str, opendrive: str, scenery: Scenery | None = None, generation: Generation | None = None) -> Town:
    """A town out of OpenDRIVE text. Raises ValueError naming the place where it cannot be read.

    `generation` is what a client asked of its upload; towns of our own have no walls and need nothing wider.
    """
    roads = parse(opendrive)
    asked = generation or AUTHORED
    if generation:
        roads = _with_vertices(roads, generation.vertex_distance)
    samples = lane_samples(roads)
    bounds = _bounds(samples)
    sheets = Sheets(asked.max_road_length if generation else math.inf)
    _add_land(sheets, bounds)
    if asked.enable_mesh_visibility:
        _add_roads(sheets, roads, asked)
    posts = signals(roads)
    boxes = [box for signal in posts for box in add_post_of(sheets, signal)]
    if asked.wall_height > 0.0:
        boxes += walls(sheets if asked.enable_mesh_visibility else None, roads, asked.wall_height)
    boxes += add_scenery(sheets, scenery or Scenery())
    samples.setflags(write=False)
    return Town(
        name=name,
        opendrive=opendrive,
        spawn_points=spawn_points(roads),
        signals=posts,
        meshes=sheets.meshes(),
        boxes=tuple(boxes),
        bounds=bounds,
        lane_samples=samples,
        has_navigation=asked.enable_pedestrian_navigation,
    )


def _with_vertices(roads: RoadMap, distance_m: float) -> RoadMap:
    spaced = {road_id: replace(road, vertex_distance_m=distance_m) for road_id, road in roads.roads.items()}
    return replace(roads, roads=spaced)


def _add_land(sheets: Sheets, bounds: tuple[float, float, float, float]) -> None:
    x_min, y_min, x_max, y_max = bounds
    mirrored = (x_min, -y_max, x_max, -y_min)
    add_grass(sheets, mirrored, GRASS_MARGIN_M)
    add_hills(sheets, mirrored)


def _add_roads(sheets: Sheets, roads: RoadMap, asked: Generation) -> None:
    for road in roads.roads.values():
        if road.junction < 0:
            add_street(sheets, road)
        add_paint(sheets, road)
    for junction in roads.junctions.values():
        add_crossing(sheets, roads, junction, asked.additional_width, asked.smooth_junctions)


def _bounds(samples: Floats) -> tuple[float, float, float, float]:
    low, high = samples[:, :2].min(axis=0) - BOUNDS_MARGIN_M, samples[:, :2].max(axis=0) + BOUNDS_MARGIN_M
    x_min, y_min = (float(np.floor(value)) for value in low)
    x_max, y_max = (float(np.ceil(value)) for value in high)
    return x_min, y_min, x_max, y_max
