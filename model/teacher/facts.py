"""From a course and the surroundings to FrameFacts: who leads, which light rules, who walks in the way, what is seen.

Geometry on plain data. `only_seen` keeps to what the camera can see, which is what a network may be taught; a live
expert uses everything it knows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model.teacher import lane_walk, right_of_way
from model.teacher.lane_walk import Course
from model.teacher.sight import Eye, Rect, is_hidden, is_walled_off, project, visible
from model.teacher.surroundings import Body, Signal, Surroundings
from model.teacher.way import FACING_CONE_RAD, leader, pedestrian, ruling_light, signs_ahead
from model.training.labels import sparse_ahead
from model.training.paths import at_distance
from model.training.samples import BesideFacts, FrameFacts, LeadFacts, Polyline, SeenBox, next_stop_m

ROUTE_M = 110.0
LANES_M = 60.0
TURNS_WITHIN_M = 45.0
JUNCTION_WITHIN_M = 60.0
PLACE_BUCKET_M = 20.0
COMMAND_OF = {"left": 1, "right": 2, "straight": 3, "": 4}


@dataclass(frozen=True, slots=True, eq=False)
class Hints:
    """What the navigator says: two target points (2, 2) in the car's frame, their commands, metres to the first."""

    target_points: npt.NDArray[np.float32]
    command: int
    next_command: int
    distance_m: float


@dataclass(frozen=True, slots=True, eq=False)
class Lanes:
    """The lane geometry of one moment, in the world."""

    route: Course
    left: Course | None
    right: Course | None
    turns: dict[str, Course]
    may_left: bool
    may_right: bool
    oncoming_left: bool
    beside: BesideFacts
    place: str


def lanes_at(start: object, route: Course) -> Lanes:
    """What the map says around the lane waypoint `start` that the car is on, with the route already chosen."""
    turn = lane_walk.route_turn(route) or "straight"
    beside = {side: lane_walk.neighbour(start, side) for side in ("left", "right")}
    courses = {
        side: lane_walk.walk(lane, LANES_M, lane_walk.choose_turn(turn)) if lane is not None else None
        for side, lane in beside.items()
    }
    place = f"{start.road_id}:{start.lane_id}:{int(start.s // PLACE_BUCKET_M)}"  # type: ignore[attr-defined]
    return Lanes(
        route,
        courses["left"],
        courses["right"],
        lane_walk.turns_ahead(start, LANES_M, TURNS_WITHIN_M),
        beside["left"] is not None and lane_walk.may_change(start, "left"),
        beside["right"] is not None and lane_walk.may_change(start, "right"),
        lane_walk.has_oncoming_left(start),
        BesideFacts(lane_walk.oncoming_m(start), lane_walk.sidewalk_m(start)),
        place,
    )


def in_ego(ego: Body, xy: npt.ArrayLike) -> Polyline:
    """World points in the car's frame, x forward, y right."""
    points = np.asarray(xy, dtype=np.float64) - [ego.x, ego.y]
    c, s = math.cos(ego.yaw_rad), math.sin(ego.yaw_rad)
    return np.column_stack([c * points[:, 0] + s * points[:, 1], -s * points[:, 0] + c * points[:, 1]]).astype(
        np.float32
    )


def lamp_boxes(
    signal: Signal, eye: Eye, bodies: list[Rect], heading: float, walls: npt.NDArray[np.float64]
) -> list[Rect]:
    """The lamps of a light that the camera can see: in the frame, facing it, not behind a vehicle."""
    found = []
    for lamp in signal.lamps:
        bearing = math.atan2(lamp.y - eye.y, lamp.x - eye.x) - heading
        rect = project(eye, lamp) if math.cos(bearing) > math.cos(FACING_CONE_RAD) else None
        if rect is not None and not is_hidden(rect, bodies) and not is_walled_off(eye, lamp.x, lamp.y, walls):
            found.append(rect)
    return found


def _seen_box(kind: str, rect: Rect) -> SeenBox:
    return SeenBox(kind, round(rect.u0, 4), round(rect.v0, 4), round(rect.u1, 4), round(rect.v1, 4))


def frame_facts(
    here: Surroundings,
    lanes: Lanes,
    eye: Eye,
    *,
    only_seen: bool,
    hints: Hints | None = None,
    navigated: Course | None = None,
    **about: str,
) -> FrameFacts:
    """Everything about one frame. `hints`: the navigator's, drawn without one from `navigated`, the route before
    somebody moved it aside, or from the route itself. `about`: town, weather, source.

    What signs ask for is told with `only_seen` alone: an expert at the wheel remembers where it has stopped.
    """
    line = in_ego(here.ego, lanes.route.xy)
    known = _lane_facts(here.ego, lanes) | _users_facts(here, lanes.route.xy, eye, only_seen)
    course = navigated or lanes.route
    hints = hints or drawn_hints(in_ego(here.ego, course.xy), course, known["changes_m"], known["route_turn"])
    return FrameFacts(
        speed_mps=here.ego.speed_mps,
        speed_limit_mps=here.speed_limit_mps,
        route=line,
        target_points=hints.target_points,
        command=hints.command,
        next_command=hints.next_command,
        command_distance_m=hints.distance_m,
        **known,
        **about,
    )


def _users_facts(here: Surroundings, route: npt.NDArray[np.float64], eye: Eye, only_seen: bool) -> dict[str, Any]:
    """The fields of FrameFacts that are about others on the road, lights and signs."""
    rects = visible(eye, here.bodies, here.walls)
    limit = rects if only_seen else None
    lead, walker, light = leader(here, route, limit), pedestrian(here, route, limit), ruling_light(here, route)
    lamps: list[Rect] = []
    if light is not None:
        lamps = lamp_boxes(light[0], eye, list(rects.values()), float(light[0].stops[0, 2]), here.walls)
    boxes = [] if light is None else [_seen_box(light[1].state, rect) for rect in lamps]
    kinds = [body.kind for body in here.bodies if body.actor_id in rects]
    signs = signs_ahead(here, route, eye if only_seen else None, list(rects.values()))
    return {
        "light": None if light is None or (only_seen and not lamps) else light[1],
        "lead": None if lead is None else _lead_facts(*lead),
        "pedestrian": None if walker is None else walker[1],
        "signs": signs,
        "stop_m": next_stop_m(signs) if only_seen else None,
        "yield_m": right_of_way.wait_m(here, route, signs, rects) if only_seen else None,
        "seen": (*boxes, *_user_boxes(here, rects, None if lead is None else lead[0])),
        "vehicles_seen": sum(kind != "pedestrian" for kind in kinds),
        "pedestrians_seen": kinds.count("pedestrian"),
    }


def _user_boxes(here: Surroundings, rects: dict[int, Rect], lead: Body | None) -> list[SeenBox]:
    """The boxes of everybody that can be seen, the leader's by its lamps."""
    found = []
    for body in here.bodies:
        if body.actor_id in rects:
            kind = "pedestrian" if body.kind == "pedestrian" else "vehicle"
            if lead is not None and body is lead:
                kind = "lead_brakes" if body.brakes else "lead"
            found.append(_seen_box(kind, rects[body.actor_id]))
    return found


def _lane_facts(ego: Body, lanes: Lanes) -> dict[str, Any]:
    """The fields of FrameFacts that are about lanes and junctions, in the car's frame."""
    inside = np.flatnonzero(lanes.route.in_junction)
    return {
        "lane_left": None if lanes.left is None else in_ego(ego, lanes.left.xy),
        "lane_right": None if lanes.right is None else in_ego(ego, lanes.right.xy),
        "turns": {name: in_ego(ego, course.xy) for name, course in lanes.turns.items()},
        "junction_m": None if len(inside) == 0 or inside[0] > JUNCTION_WITHIN_M else float(inside[0]),
        "in_junction": bool(lanes.route.in_junction[0]),
        "may_change_left": lanes.may_left,
        "may_change_right": lanes.may_right,
        "oncoming_left": lanes.oncoming_left,
        "beside": lanes.beside,
        "place": lanes.place,
        "route_turn": lane_walk.route_turn(lanes.route),
        "changes_m": tuple(float(k + 1) for k in np.flatnonzero(np.diff(lanes.route.in_junction.astype(np.int8)))),
    }


def _lead_facts(body: Body, gap_m: float) -> LeadFacts:
    return LeadFacts(gap_m, body.speed_mps, body.brakes, body.kind, body.color)


def drawn_hints(line: Polyline, route: Course, changes_m: tuple[float, ...], turn: str) -> Hints:
    """What the navigator would say here, its last sparse point taken to lie 20 m behind."""
    metres = sparse_ahead(changes_m, 20.0)
    commands = []
    for ahead in metres:
        k = min(int(ahead), len(route.in_junction) - 1)
        is_entry = bool(route.in_junction[k]) and ahead in changes_m
        commands.append(COMMAND_OF[turn] if is_entry and ahead == changes_m[0] else COMMAND_OF[""])
    points = at_distance(np.asarray(line, dtype=np.float64), list(metres)).astype(np.float32)
    return Hints(points, commands[0], commands[1], float(np.hypot(*points[0])))
