"""What makes each town itself: the roundabout goes round the right way, ramps join and leave, everybody stops."""

from __future__ import annotations

import math
from collections import defaultdict
from xml.etree import ElementTree as ET

import carla
import numpy as np
import pytest

from sim_bridge.embedded.contracts import Label
from sim_bridge.embedded.navigation.ribbons import CROSSWALK, walkable
from sim_bridge.embedded.navigation.tile import Welded
from sim_bridge.embedded.town.crossings import Ring, ring_of
from sim_bridge.embedded.town.lanes import at
from sim_bridge.embedded.town.opendrive import RoadMap, RoadRecord, parse
from tests.embedded.authored import NAMES, oracle_of, town_of


def _island(roads: RoadMap) -> tuple[float, float, float]:
    """x, y and radius of the town's one roundabout's."""
    ((road, item),) = [(r, i) for r in roads.roads.values() for i in r.objects if i.type == "trafficIsland"]
    x, y, _ = (float(value) for value in at(road, item.s, item.t)[0])
    return x, y, item.radius


def _rings(roads: RoadMap) -> list[tuple[int, Ring]]:
    found = ((junction, ring_of(roads, record)) for junction, record in roads.junctions.items())
    return [(junction, ring) for junction, ring in found if ring is not None]


@pytest.mark.parametrize(("name", "arms"), [("Backseat02", 4), ("Backseat05", 3)])
def test_traffic_goes_counter_clockwise_round_a_roundabouts_island(name: str, arms: int) -> None:
    ((junction, ring),) = _rings(parse(town_of(name).opendrive))
    angles = []
    for entry, way_out in oracle_of(name).get_topology():
        if entry.is_junction and entry.get_junction().id == junction:
            waypoint, turned, before = entry, 0.0, None
            while waypoint.is_junction:
                place = waypoint.transform.location
                # Seen from above with north up, where CARLA's y points south.
                east, north = place.x - ring.centre[0], -place.y - ring.centre[1]
                assert ring.island_m + 1.0 < math.hypot(east, north)
                angle = math.atan2(north, east)
                turned += 0.0 if before is None else (angle - before + math.pi) % math.tau - math.pi
                waypoint, before = waypoint.next(0.5)[0], angle
            angles.append(math.degrees(turned))
            assert way_out.transform.location.distance(waypoint.transform.location) < 3.0
    assert len(angles) == arms * (arms - 1)  # from each arm to the others
    assert min(angles) > 45.0 and max(angles) > 220.0


def _onwards(entry: carla.Waypoint, x: float, y: float) -> tuple[float, float]:
    """How far a way over a junction goes round a place, counter-clockwise in degrees, and its least distance to it."""
    angles, least_m, waypoint = [], math.inf, entry
    while waypoint.is_junction:
        place = waypoint.transform.location
        east, north = place.x - x, -place.y - y  # seen from above with north up, where CARLA's y points south
        angles.append(math.atan2(north, east))
        least_m = min(least_m, math.hypot(east, north))
        waypoint = waypoint.next(0.5)[0]
    return math.degrees(float(np.unwrap(angles)[-1] - angles[0])), least_m


def test_the_villages_roundabout_is_a_junction_at_each_arm() -> None:
    """CARLA's Traffic Manager lets who was held at a sign over a junction one by one: no arm may wait for another."""
    town, oracle = town_of("Backseat03"), oracle_of("Backseat03")
    x, y, island_m = _island(parse(town.opendrive))
    entries = [entry for entry, _ in oracle.get_topology() if entry.is_junction]
    ways = defaultdict(list)
    for entry in entries:
        turned, least_m = _onwards(entry, x, y)
        if least_m < 2.0 * island_m:
            ways[entry.junction_id].append(turned)
            assert least_m > island_m + 1.0
    assert len(ways) == 4 and all(len(angles) == 3 and min(angles) > 15.0 for angles in ways.values())
    held = [signal.junction_id for signal in town.signals if signal.kind == "yield"]
    assert sorted(held) == sorted(ways)


def test_who_enters_the_villages_roundabout_gives_way_to_its_own_arm_alone() -> None:
    town, oracle = town_of("Backseat03"), oracle_of("Backseat03")
    for sign in (signal for signal in town.signals if signal.kind == "yield"):
        watched = [oracle.get_waypoint(carla.Location(*place)) for place in sign.gives_way_at]
        assert {point.junction_id for point in watched if point.is_junction} == {sign.junction_id}


@pytest.mark.parametrize("name", ["Backseat02", "Backseat03", "Backseat05"])
def test_an_island_lies_on_top_of_the_asphalt(name: str) -> None:
    town = town_of(name)
    x, y, island_m = _island(parse(town.opendrive))
    middle = np.array([x, -y])
    beds = [m for m in town.meshes if m.layer == "pavement" and m.texture == "grass"]
    points = np.concatenate([mesh.vertices[:, :2] for mesh in beds]) - middle
    assert np.linalg.norm(points, axis=1).max() == pytest.approx(island_m, abs=0.5)


def _ways(name: str, road: int) -> dict[int, set[int]]:
    """Which lanes of which roads the lanes of `road` lead to, over one crossing: lane -> lanes beyond."""
    oracle, found = oracle_of(name), defaultdict(set)
    for entry, _ in oracle.get_topology():
        if entry.road_id == road and not entry.is_junction:
            end = entry.next_until_lane_end(1.0)[-1]
            for over in end.next(2.0):
                beyond = over.next_until_lane_end(1.0)[-1].next(2.0)[0]
                found[entry.lane_id].add((beyond.road_id, beyond.lane_id))
    return dict(found)


def _road_named(name: str, text: str) -> int:
    roads = ET.fromstring(town_of(name).opendrive).iter("road")
    return next(int(road.get("id", "")) for road in roads if road.get("name") == text)


def test_a_ramp_adds_a_lane_and_the_next_one_takes_it_away() -> None:
    between, onwards = _road_named("Backseat04", "J1-J2"), _road_named("Backseat04", "J2-E")
    ramp_in, ramp_out = _road_named("Backseat04", "a1-J1"), _road_named("Backseat04", "J2-e1")
    assert _ways("Backseat04", ramp_in) == {-1: {(between, -3)}}
    forward = {lane: beyond for lane, beyond in _ways("Backseat04", between).items() if lane < 0}
    assert forward == {-1: {(onwards, -1)}, -2: {(onwards, -2)}, -3: {(ramp_out, -1)}}


def test_nothing_stops_the_arterial_at_its_ramps() -> None:
    roads = parse(town_of("Backseat04").opendrive)
    between = roads.roads[_road_named("Backseat04", "J1-J2")]
    ends = {between.before, between.after}
    assert not [s for s in town_of("Backseat04").signals if s.kind != "speed_limit" and s.junction_id in ends]


def test_one_way_streets_have_no_lane_back() -> None:
    street = parse(town_of("Backseat04").opendrive).roads[_road_named("Backseat04", "b2-b1")]
    kinds = {lane.lane_id: lane.kind for lane in street.sections[0].lanes.values()}
    assert [lane for lane, kind in kinds.items() if kind == "driving"] == [-1, -2]
    assert "parking" in kinds.values() and "sidewalk" in kinds.values()


def test_an_all_way_stop_has_a_sign_on_every_arm() -> None:
    by_junction = defaultdict(list)
    for sign in town_of("Backseat02").signals:
        if sign.kind == "stop":
            by_junction[sign.junction_id].append(sign)
    assert sorted(map(len, by_junction.values())) == [3, 3, 3, 4]


def _is_of_ring(road: RoadRecord) -> bool:
    """Whether it is a piece of a roundabout's own lane, the only streets that short."""
    return road.junction < 0 and road.length < 15.0


@pytest.mark.parametrize(("name", "expected"), [("Backseat03", {3.0, 3.25}), ("Backseat05", {2.6, 2.7, 2.8, 3.0, 3.2})])
def test_lanes_of_the_village_and_of_the_hamlets_are_narrow(name: str, expected: set[float]) -> None:
    ring = {road.road_id for road in parse(town_of(name).opendrive).roads.values() if _is_of_ring(road)}
    streets = [w for w in oracle_of(name).generate_waypoints(20.0) if not w.is_junction and w.road_id not in ring]
    widths = {round(w.lane_width, 2) for w in streets}
    assert widths == expected


def test_the_hamlets_have_tighter_bends_than_the_village_where_nothing_is_trained() -> None:
    tightest = {}
    for name in ("Backseat03", "Backseat05"):
        roads = parse(town_of(name).opendrive).roads.values()
        streets = [road for road in roads if road.junction < 0 and not _is_of_ring(road)]
        tightest[name] = max(abs(piece.curvature) for road in streets for piece in road.curve.pieces)
    assert 1 / tightest["Backseat05"] == pytest.approx(8.0) and 1 / tightest["Backseat03"] > 20.0


@pytest.mark.parametrize("name", NAMES)
def test_lanes_meet_head_to_tail_over_every_crossing(name: str) -> None:
    for entry, way_out in oracle_of(name).get_topology():
        end = entry.next_until_lane_end(0.5)[-1].next(0.6)
        gaps = [after.transform.location.distance(way_out.transform.location) for after in end]
        assert min(gaps) < 1.5, (
            f"{entry.road_id}.{entry.lane_id} ends {min(gaps):.1f} m from where the next lane begins"
        )


@pytest.mark.parametrize("name", NAMES)
def test_walkers_reach_every_sidewalk_over_crosswalks(name: str) -> None:
    roads = parse(town_of(name).opendrive)
    mesh = Welded(walkable(roads))
    zebras = sum(item.type == "crosswalk" for road in roads.roads.values() for item in road.objects)
    assert len(mesh.islands()) == 1
    assert mesh.areas.count(CROSSWALK) == zebras > 0
    for face, area in enumerate(mesh.areas):
        if area == CROSSWALK:
            assert sum(n > 0 for n in mesh.neighbours[face]) == 2


@pytest.mark.parametrize("name", ["Backseat02", "Backseat04"])
def test_parked_cars_stand_in_parking_lanes_and_clear_of_crossings(name: str) -> None:
    town, roads = town_of(name), parse(town_of(name).opendrive)
    cars = [box for box in town.boxes if box.name.startswith("parked car")]
    assert len(cars) >= 10
    oracle = oracle_of(name)
    for box in cars:
        assert box.label == Label.CAR
        place = carla.Location(box.pose.x, box.pose.y, 0.0)
        waypoint = oracle.get_waypoint(place, lane_type=carla.LaneType.Parking)
        assert waypoint.transform.location.distance(place) < 0.6
        assert abs((waypoint.transform.rotation.yaw - box.pose.yaw + 180.0) % 360.0 - 180.0) < 3.0
        road = roads.roads[waypoint.road_id]
        assert 12.0 < waypoint.s < road.length - 12.0
