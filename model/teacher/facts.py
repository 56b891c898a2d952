"""From a course and the surroundings to FrameFacts: who leads, which light rules, who walks in the way, what is seen.

Geometry on plain data. `only_seen` keeps to what the camera can see, which is what a network may be taught; a live
expert uses everything it knows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.teacher import lane_walk
from model.teacher.lane_walk import Course
from model.teacher.sight import Eye, Rect, is_hidden, is_walled_off, project, visible
from model.teacher.surroundings import Body, Signal, Surroundings
from model.training.labels import sparse_ahead
from model.training.paths import at_distance
from model.training.samples import FrameFacts, LeadFacts, LightFacts, PedestrianFacts, Polyline, SeenBox

ROUTE_M = 110.0
LANES_M = 60.0
TURNS_WITHIN_M = 45.0
JUNCTION_WITHIN_M = 60.0
LIGHT_WITHIN_M = 50.0
LEAD_WITHIN_M = 50.0
PEDESTRIAN_WITHIN_M = 35.0
# A body is in the way when its edge comes within this of the route's middle.
LEAD_CORRIDOR_M = 1.2
# Walkers step out: they count a little outside the car's own width.
PEDESTRIAN_CORRIDOR_M = 2.0
# A stop point belongs to the route when it lies this near to it, heading the same way within 45 degrees.
STOP_ON_ROUTE_M = 1.3
# Lamps show their colour within this angle of where their traffic comes from.
LAMP_CONE_RAD = math.radians(60.0)
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
        place,
    )


def in_ego(ego: Body, xy: npt.ArrayLike) -> Polyline:
    """World points in the car's frame, x forward, y right."""
    points = np.asarray(xy, dtype=np.float64) - [ego.x, ego.y]
    c, s = math.cos(ego.yaw_rad), math.sin(ego.yaw_rad)
    return np.column_stack([c * points[:, 0] + s * points[:, 1], -s * points[:, 0] + c * points[:, 1]]).astype(
        np.float32
    )


def along(route: npt.NDArray[np.float64], xy: npt.ArrayLike) -> tuple[float, float, float]:
    """Where a point is on a 1 m route: metres along it, metres right of it, and the route's heading there."""
    gap = route - np.asarray(xy, dtype=np.float64)
    k = int(np.argmin(np.einsum("ij,ij->i", gap, gap)))
    a, b = route[max(0, k - 1)], route[min(len(route) - 1, k + 1)]
    heading = math.atan2(b[1] - a[1], b[0] - a[0])
    ahead = -(gap[k, 0] * math.cos(heading) + gap[k, 1] * math.sin(heading))
    right = -(-gap[k, 0] * math.sin(heading) + gap[k, 1] * math.cos(heading))
    return float(k + ahead), float(right), float(heading)


def reach(body: Body, heading: float) -> tuple[float, float]:
    """Half the room a body takes along and across a heading."""
    c, s = abs(math.cos(body.yaw_rad - heading)), abs(math.sin(body.yaw_rad - heading))
    return c * body.half_length + s * body.half_width, s * body.half_length + c * body.half_width


def leader(
    here: Surroundings, route: npt.NDArray[np.float64], seen: dict[int, Rect] | None
) -> tuple[Body, float] | None:
    """The nearest vehicle in the way along the route (world, 1 m) and its bumper gap. `seen` limits it to those."""
    best: tuple[Body, float] | None = None
    start = along(route, (here.ego.x, here.ego.y))[0]
    for body in here.bodies:
        if body.kind == "pedestrian" or (seen is not None and body.actor_id not in seen):
            continue
        distance, right, heading = along(route, (body.x, body.y))
        half_along, half_across = reach(body, heading)
        gap = distance - start - half_along - here.ego.half_length
        if abs(right) - half_across > LEAD_CORRIDOR_M or not -1.0 < gap < LEAD_WITHIN_M or distance - start < 0.5:
            continue
        if best is None or gap < best[1]:
            best = (body, max(0.0, gap))
    return best


def pedestrian(
    here: Surroundings, route: npt.NDArray[np.float64], seen: dict[int, Rect] | None
) -> tuple[Body, PedestrianFacts] | None:
    """The nearest walker in the way along the route."""
    best: tuple[Body, PedestrianFacts] | None = None
    start = along(route, (here.ego.x, here.ego.y))[0]
    for body in here.bodies:
        if body.kind != "pedestrian" or (seen is not None and body.actor_id not in seen):
            continue
        distance, right, _ = along(route, (body.x, body.y))
        gap = distance - start - body.half_length - here.ego.half_length
        if abs(right) > PEDESTRIAN_CORRIDOR_M or not -0.5 < gap < PEDESTRIAN_WITHIN_M:
            continue
        if best is None or gap < best[1].distance_m:
            best = (body, PedestrianFacts(max(0.0, gap), right))
    return best


def ruling_light(here: Surroundings, route: npt.NDArray[np.float64]) -> tuple[Signal, LightFacts] | None:
    """The first light whose stop point lies on the route ahead, with the way from the bumper to its line."""
    best: tuple[Signal, LightFacts] | None = None
    start = along(route, (here.ego.x, here.ego.y))[0]
    for signal in here.signals:
        state = here.light_states.get(signal.actor_id, "off")
        if state not in ("red", "yellow", "green"):
            continue
        near = np.hypot(signal.stops[:, 0] - here.ego.x, signal.stops[:, 1] - here.ego.y)
        for x, y, yaw in signal.stops[near < LIGHT_WITHIN_M + 5.0]:
            distance, right, heading = along(route, (x, y))
            gap = distance - start - here.ego.half_length
            if abs(right) > STOP_ON_ROUTE_M or math.cos(yaw - heading) < 0.7 or not -1.0 < gap < LIGHT_WITHIN_M:
                continue
            if best is None or gap < best[1].stop_line_m:
                best = (signal, LightFacts(state, gap))
    return best


def lamp_boxes(
    signal: Signal, eye: Eye, bodies: list[Rect], heading: float, walls: npt.NDArray[np.float64]
) -> list[Rect]:
    """The lamps of a light that the camera can see: in the frame, facing it, not behind a vehicle."""
    found = []
    for lamp in signal.lamps:
        bearing = math.atan2(lamp.y - eye.y, lamp.x - eye.x) - heading
        rect = project(eye, lamp) if math.cos(bearing) > math.cos(LAMP_CONE_RAD) else None
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
    **about: str,
) -> FrameFacts:
    """Everything about one frame. `hints`: the navigator's, drawn from the route without one. `about`: town, weather,
    source."""
    ego, route = here.ego, lanes.route.xy
    rects = visible(eye, here.bodies, here.walls)
    limit = rects if only_seen else None
    # 1. Who decides: leader, walker, light.
    lead, walker, light = leader(here, route, limit), pedestrian(here, route, limit), ruling_light(here, route)
    seen: list[SeenBox] = []
    if light is not None:
        stop_heading = float(light[0].stops[0, 2])
        lamps = lamp_boxes(light[0], eye, list(rects.values()), stop_heading, here.walls)
        seen += [_seen_box(light[1].state, rect) for rect in lamps]
        if only_seen and not lamps:
            light = None
    # 2. The boxes of everybody that can be seen, the leader's by its lamps.
    for body in here.bodies:
        if body.actor_id in rects:
            kind = "pedestrian" if body.kind == "pedestrian" else "vehicle"
            if lead is not None and body is lead[0]:
                kind = "lead_brakes" if body.brakes else "lead"
            seen.append(_seen_box(kind, rects[body.actor_id]))
    # 3. The lanes in the car's frame.
    inside = np.flatnonzero(lanes.route.in_junction)
    junction_m = None if len(inside) == 0 or inside[0] > JUNCTION_WITHIN_M else float(inside[0])
    turn = lane_walk.route_turn(lanes.route)
    line = in_ego(ego, route)
    changes = tuple(float(k + 1) for k in np.flatnonzero(np.diff(lanes.route.in_junction.astype(np.int8))))
    hints = hints or drawn_hints(line, lanes.route, changes, turn)
    kinds = [body.kind for body in here.bodies if body.actor_id in rects]
    return FrameFacts(
        speed_mps=ego.speed_mps,
        speed_limit_mps=here.speed_limit_mps,
        route=line,
        lane_left=None if lanes.left is None else in_ego(ego, lanes.left.xy),
        lane_right=None if lanes.right is None else in_ego(ego, lanes.right.xy),
        turns={name: in_ego(ego, course.xy) for name, course in lanes.turns.items()},
        target_points=hints.target_points,
        command=hints.command,
        next_command=hints.next_command,
        command_distance_m=hints.distance_m,
        junction_m=junction_m,
        in_junction=bool(lanes.route.in_junction[0]),
        may_change_left=lanes.may_left,
        may_change_right=lanes.may_right,
        oncoming_left=lanes.oncoming_left,
        light=None if light is None else light[1],
        lead=None if lead is None else _lead_facts(*lead),
        pedestrian=None if walker is None else walker[1],
        seen=tuple(seen),
        vehicles_seen=sum(kind != "pedestrian" for kind in kinds),
        pedestrians_seen=kinds.count("pedestrian"),
        place=lanes.place,
        route_turn=turn,
        changes_m=changes,
        **about,
    )


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
