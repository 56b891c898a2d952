"""Where in a map a scene can happen: every place of the kind it asks for, in an order that a seed draws. Any thread.

Works on a carla.Map alone, so that scenes can be matched to towns without a running world.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import carla

from sim_bridge.frames import wrapped
from sim_bridge.route import heading_rad
from sim_bridge.scenarios.course import Course, walked, ways_on
from sim_bridge.scenarios.rules import Rules
from sim_bridge.scenarios.scene import STRAIGHT, PlaceWish, Scene, Spot

SEARCH_STEP_M = 5.0
# An arm of a junction is the oncoming one, or one from the side, within this of the exact angle.
ARM_MAX_RAD = 0.75
# What is kept of the way behind the car's start and behind its goal.
MARGIN_M = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The car's way, and the other ways into its junction: arm -> the last waypoints before the stop line."""

    course: Course
    arms: dict[str, tuple[Any, ...]]
    entry: Any | None = None


def places(scene: Scene, town_map: Any, seed: int) -> Iterator[Place]:
    """Every matching place of the map, lazily. The same seed gives the same order."""
    candidates = _on_straights(town_map) if scene.place.kind == STRAIGHT else _before_junctions(town_map)
    candidates.sort(key=lambda waypoint: (waypoint.road_id, waypoint.section_id, waypoint.lane_id, waypoint.s))
    random.Random(seed).shuffle(candidates)
    rules = Rules(town_map)
    for waypoint in candidates:
        place = place_at(scene, waypoint, rules, town_map)
        if place is not None:
            yield place


def place_at(scene: Scene, waypoint: Any, rules: Rules, town_map: Any) -> Place | None:
    """The place whose anchor is this waypoint, None where the scene cannot happen there."""
    if not _lanes_fit(waypoint, scene.place):
        return None
    if scene.place.kind == STRAIGHT:
        return _straight(scene, waypoint)
    return _junction(scene, waypoint, rules, town_map)


def _on_straights(town_map: Any) -> list[Any]:
    found = town_map.generate_waypoints(SEARCH_STEP_M)
    return [w for w in found if not w.is_junction and w.lane_type == carla.LaneType.Driving]


def _before_junctions(town_map: Any) -> list[Any]:
    """The last waypoint of every lane that leads into a junction."""
    found: dict[tuple[int, int, int], Any] = {}
    for _, inside in town_map.get_topology():
        if inside.is_junction:
            for entry in inside.previous(1.0):
                if not entry.is_junction:
                    found.setdefault((entry.road_id, entry.section_id, entry.lane_id), entry)
    return list(found.values())


def _straight(scene: Scene, start: Any) -> Place | None:
    low, high = _reach(scene)
    course = walked(start, -low + MARGIN_M, max(high, scene.goal_m) + MARGIN_M)
    if not _is_straight(course, low, scene.place.length_m, scene.place.bend_deg):
        return None
    for s in (scene.place.length_m / 2, scene.place.length_m):
        if not _lanes_fit(course.waypoint(s), scene.place):
            return None
    return Place(course, {})


def _junction(scene: Scene, entry: Any, rules: Rules, town_map: Any) -> Place | None:
    wish = scene.place
    if wish.way not in ways_on(entry) or (wish.control != "any" and rules.control(entry) != wish.control):
        return None
    course = walked(entry, wish.length_m + MARGIN_M, scene.goal_m + MARGIN_M, wish.way)
    if not _is_straight(course, -wish.length_m, 0.0, wish.bend_deg) or course.last_s < scene.goal_m:
        return None
    arms = _arms(entry, town_map)
    if any(arm not in arms for arm in wish.arms):
        return None
    for member in scene.cast:
        if member.spot.arm and not any(member.way in ways_on(lane) for lane in arms[member.spot.arm]):
            return None
    return Place(course, arms, entry)


def _reach(scene: Scene) -> tuple[float, float]:
    """How far along the car's way anybody stands at the beginning."""
    alongs = [member.spot.along_m for member in scene.cast if not member.spot.arm]
    return min([0.0, *alongs]), max([0.0, *alongs])


def _is_straight(course: Course, low: float, high: float, bend_deg: float) -> bool:
    """No junction, and no more of a bend, between two places that both exist."""
    if course.first_s > low or course.last_s < high:
        return False
    heading = heading_rad(course.waypoint(low))
    for k in range(int((high - low) / SEARCH_STEP_M) + 1):
        waypoint = course.waypoint(low + k * SEARCH_STEP_M)
        if waypoint.is_junction or abs(wrapped(heading_rad(waypoint) - heading)) > math.radians(bend_deg):
            return False
    return True


def _arms(entry: Any, town_map: Any) -> dict[str, tuple[Any, ...]]:
    """The other ways into the junction behind `entry`, by where they come from; "side" is left or right."""
    inside = entry.next(2.0)
    junction = inside[0].junction_id if inside else -1
    found: dict[str, list[Any]] = {}
    for lane in _before_junctions(town_map):
        behind = lane.next(2.0)
        if not behind or behind[0].junction_id != junction or _same_road(lane, entry):
            continue
        arm = _arm_word(wrapped(heading_rad(lane) - heading_rad(entry)))
        if arm:
            found.setdefault(arm, []).append(lane)
    arms = {arm: tuple(sorted(lanes, key=lambda w: (w.road_id, abs(w.lane_id)))) for arm, lanes in found.items()}
    for side in ("left", "right"):
        if side in arms:
            arms.setdefault("side", arms[side])
    return arms


def _same_road(one: Any, other: Any) -> bool:
    return bool(one.road_id == other.road_id and one.lane_id * other.lane_id > 0)


def _arm_word(turned_rad: float) -> str:
    """Who comes from the left drives to the right: its heading is a quarter turn clockwise of ours."""
    quarter = math.pi / 2
    for word, angle in (("left", quarter), ("right", -quarter), ("oncoming", 2 * quarter)):
        if abs(wrapped(turned_rad - angle)) < ARM_MAX_RAD:
            return word
    return ""


# ---- lanes beside each other


def _lanes_fit(waypoint: Any, wish: PlaceWish) -> bool:
    left, right = len(beside(waypoint, "left")), len(beside(waypoint, "right"))
    if left + 1 + right < wish.lanes:
        return False
    if (wish.ego_lane == "rightmost" and right) or (wish.ego_lane == "leftmost" and left):
        return False
    return not wish.needs_oncoming or (left == 0 and _oncoming(waypoint) is not None)


def beside(waypoint: Any, side: str) -> list[Any]:
    """The driving lanes of the same direction on one side, nearest first."""
    found: list[Any] = []
    while True:
        following = waypoint.get_left_lane() if side == "left" else waypoint.get_right_lane()
        if following is None or following.lane_type != carla.LaneType.Driving:
            return found
        if following.lane_id * waypoint.lane_id < 0:
            return found
        found.append(following)
        waypoint = following


def _oncoming(waypoint: Any) -> Any | None:
    """The nearest lane of the other direction, where nothing lies between."""
    innermost = [waypoint, *beside(waypoint, "left")][-1]
    lane = innermost.get_left_lane()
    if lane is None or lane.lane_type != carla.LaneType.Driving or lane.lane_id * waypoint.lane_id > 0:
        return None
    return lane


def standing(place: Place, spot: Spot, way: str) -> tuple[Any, float] | None:
    """The waypoint a member stands on, and how far aside of it. None where this place has no such lane."""
    if spot.arm:
        lanes = [lane for lane in place.arms.get(spot.arm, ()) if way in ways_on(lane)]
        if not lanes:
            return None
        before = lanes[0].previous(spot.before_m) if spot.before_m > 0.0 else [lanes[0]]
        return (before[0], spot.aside_m) if before else None
    here = place.course.waypoint(spot.along_m)
    if spot.lane == "edge":
        outermost = [here, *beside(here, "right")][-1]
        return outermost, outermost.lane_width / 2 + spot.aside_m
    lane = here
    if spot.lane in ("left", "right"):
        lanes = beside(here, spot.lane)
        lane = lanes[0] if lanes else None
    elif spot.lane == "oncoming":
        lane = _oncoming(here)
    return None if lane is None else (lane, spot.aside_m)
