"""Who and what rules the way ahead: the leader, walkers, lights and signs along a route. Geometry on plain data.

`seen` and `eye` keep to what the camera can see, which is what a network may be taught.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from model.teacher.sight import Eye, Rect, is_hidden, is_walled_off, project
from model.teacher.signs import Sign
from model.teacher.surroundings import Body, Signal, Surroundings
from model.training.samples import LightFacts, PedestrianFacts, SignFacts

LIGHT_WITHIN_M = 50.0
LEAD_WITHIN_M = 50.0
PEDESTRIAN_WITHIN_M = 35.0
SIGN_WITHIN_M = 40.0
# A body is in the way when its edge comes within this of the route's middle.
LEAD_CORRIDOR_M = 1.2
# Walkers step out: they count a little outside the car's own width.
PEDESTRIAN_CORRIDOR_M = 2.0
# A stop point belongs to the route when it lies this near to it, heading the same way within 45 degrees.
STOP_ON_ROUTE_M = 1.3
# Plates are read, and lamps show their colour, within this angle of where their traffic comes from.
FACING_CONE_RAD = math.radians(60.0)
PLATE_HALF_M = 0.42


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
    """The nearest vehicle in the way along the route (world, 1 m) and its bumper gap.

    `seen` limits it to those, and to vehicles; without it things that stand on the road count too.
    """
    best: tuple[Body, float] | None = None
    start = along(route, (here.ego.x, here.ego.y))[0]
    for body in here.bodies if seen is not None else (*here.bodies, *here.obstacles):
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


def signs_ahead(
    here: Surroundings, route: npt.NDArray[np.float64], eye: Eye | None, rects: list[Rect]
) -> tuple[SignFacts, ...]:
    """The signs along the route, nearest first. With an `eye`, those whose plate it can see; `rects` are what hides."""
    found = []
    start = along(route, (here.ego.x, here.ego.y))[0]
    for sign in here.signs:
        near = np.hypot(sign.stops[:, 0] - here.ego.x, sign.stops[:, 1] - here.ego.y) < SIGN_WITHIN_M + 5.0
        for x, y, yaw in sign.stops[near]:
            distance, right, heading = along(route, (x, y))
            gap = distance - start - here.ego.half_length
            if abs(right) > STOP_ON_ROUTE_M or math.cos(yaw - heading) < 0.7 or not -1.0 < gap < SIGN_WITHIN_M:
                continue
            if eye is None or _plate_is_seen(sign, eye, rects, here.walls):
                found.append(SignFacts(sign.kind, gap, sign.value_kmh))
    return tuple(sorted(found, key=lambda facts: facts.distance_m))


def _plate_is_seen(sign: Sign, eye: Eye, rects: list[Rect], walls: npt.NDArray[np.float64]) -> bool:
    x, y, z = sign.plate
    bearing = math.atan2(y - eye.y, x - eye.x) - float(sign.stops[0, 2])
    if math.cos(bearing) < math.cos(FACING_CONE_RAD):
        return False
    plate = Body(0, "plate", x, y, z, 0.0, PLATE_HALF_M, PLATE_HALF_M, PLATE_HALF_M, 0.0)
    rect = project(eye, plate)
    return rect is not None and not is_hidden(rect, rects) and not is_walled_off(eye, x, y, walls)
