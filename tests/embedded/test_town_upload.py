"""A stranger's map: driven in where it can be, refused with the place in the file where it cannot."""

from __future__ import annotations

import math

import carla
import numpy as np
import pytest

from sim_bridge.embedded import town as towns
from sim_bridge.embedded.contracts import Label, Town
from sim_bridge.embedded.navigation.mesh_file import mesh_file
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.town import Generation
from sim_bridge.embedded.town.upload import MOST_ROADS
from tests.embedded.ground_cover import covered, flat_triangles, lane_width_points
from tests.embedded.strange_roads import LANES, LINE, banked_bend, fork, opendrive, street

ELEVATED = '<elevationProfile><elevation s="0" a="4" b="0.05" c="0" d="0"/></elevationProfile>'
SIGNAL = (
    '<signals><signal name="" id="7" s="70" t="-4" orientation="+" dynamic="yes" country="" type="1000001" '
    'subtype="" value="-1"/></signals>'
)
AGAIN = '<signalReference id="7" s="-2" t="4" orientation="-"/></signals>'
CROSSWALK = '<objects><object id="3" type="crosswalk" s="40" t="0" length="3" width="7"/></objects>'
OFFSET = '<lanes><laneOffset s="99" a="0" b="0" c="0" d="0"/>'
MARK = '<roadMark sOffset="-1" type="solid"/></lane>'
ORIGIN = "<header><geoReference>+proj=tmerc +lat_0=north +lon_0=8</geoReference></header>"


def _curve(inner: str, length: float = 80.0) -> str:
    return street(f'<geometry s="0" x="5" y="-3" hdg="0.4" length="{length}">{inner}</geometry>', length)


@pytest.mark.parametrize(
    ("inner", "length"),
    [
        ('<spiral curvStart="0" curvEnd="0.02"/>', 80.0),
        ('<spiral curvStart="-0.03" curvEnd="0.03"/>', 80.0),
        ('<poly3 a="0" b="0" c="0.004" d="-0.00002"/>', 80.0),
        # v = 0.002 u2 from u = 0 to 80 is 81.34 m long.
        ('<paramPoly3 pRange="normalized" aU="0" bU="80" cU="0" dU="0" aV="0" bV="0" cV="12.8" dV="0"/>', 81.343),
    ],
)
def test_other_curves_become_arcs_that_lie_where_they_lay(inner: str, length: float) -> None:
    text = opendrive(_curve(inner, length))
    served = towns.fit_to_drive(text)
    theirs, ours = carla.Map("theirs", text), carla.Map("ours", served)
    for s in (0.5, 20.0, 40.0, 60.0, 75.0):
        a, b = (m.get_waypoint_xodr(1, -1, s).transform for m in (theirs, ours))
        assert a.location.distance(b.location) < 0.35, s
        assert abs((a.rotation.yaw - b.rotation.yaw + 180.0) % 360.0 - 180.0) < 3.0


def test_a_nearly_straight_spiral_has_finite_waypoints() -> None:
    served = towns.fit_to_drive(opendrive(_curve('<spiral curvStart="0" curvEnd="1e-12"/>')))
    waypoints = carla.Map("mine", served).generate_waypoints(1.0)
    assert len(waypoints) > 100
    assert all(math.isfinite(w.transform.location.x) and math.isfinite(w.transform.rotation.yaw) for w in waypoints)


@pytest.mark.parametrize("curvature", ["0", "-1e-300"])
def test_an_arc_that_does_not_bend_is_a_line(curvature: str) -> None:
    served = towns.fit_to_drive(opendrive(_curve(f'<arc curvature="{curvature}"/>')))
    end = carla.Map("mine", served).get_waypoint_xodr(1, -1, 79.0).transform
    assert math.degrees(0.4) == pytest.approx(-end.rotation.yaw, abs=0.01)


def test_hills_become_flat_for_client_and_world_alike() -> None:
    text = opendrive(street().replace("<lanes>", ELEVATED + "<lanes>"))
    served = towns.fit_to_drive(text)
    assert carla.Map("theirs", text).get_waypoint_xodr(1, -1, 40.0).transform.location.z > 4.0
    assert carla.Map("ours", served).get_waypoint_xodr(1, -1, 40.0).transform.location.z == 0.0


def test_what_is_lines_and_arcs_already_stays_as_it_was_written() -> None:
    served = towns.fit_to_drive(opendrive(street()))
    assert 'hdg="0" length="80"' in served


@pytest.mark.parametrize("text", [opendrive(street()), fork(), banked_bend()], ids=["street", "fork", "bend"])
def test_the_world_has_asphalt_and_starts(text: str) -> None:
    town = towns.build("Mine", towns.fit_to_drive(text))
    points = lane_width_points(town, 0.0 if "superelevation" in text else 1.7)
    assert covered(points, flat_triangles(town, "road")).all()
    assert {"asphalt", "grass"} <= {mesh.texture for mesh in town.meshes}
    assert len(town.spawn_points) >= 2


def test_a_map_of_short_streets_has_a_start_on_every_lane() -> None:
    town = towns.build("Mine", towns.fit_to_drive(opendrive(street(LINE.replace("80", "12"), 12.0))))
    assert len(town.spawn_points) == 2


def test_a_light_that_names_no_lanes_rules_those_of_its_direction() -> None:
    (light,) = towns.build("Mine", towns.fit_to_drive(opendrive(street(more=SIGNAL)))).signals
    assert light.kind == "traffic_light"
    assert (light.stop_line.x, light.stop_line.y) == pytest.approx((70.0, 1.75))


@pytest.mark.parametrize("rule", ["RHT", "LHT"])
def test_cars_start_along_the_traffic_on_either_side_of_the_road(rule: str) -> None:
    served = towns.fit_to_drive(banked_bend(rule))
    town, theirs = towns.build("Mine", served), carla.Map("theirs", served)
    assert {(row[4], row[5]) for row in town.lane_samples.tolist()} == {(1, 1), (1, -1), (1, -2)}
    for start in town.spawn_points:
        waypoint = theirs.get_waypoint(carla.Location(start.x, start.y, 0.0)).transform
        assert math.hypot(waypoint.location.x - start.x, waypoint.location.y - start.y) < 0.5
        assert abs((waypoint.rotation.yaw - start.yaw + 180.0) % 360.0 - 180.0) < 2.0


@pytest.mark.parametrize("said", ["no limit", "undefined"])
def test_a_limit_may_be_said_in_the_formats_own_words(said: str) -> None:
    text = opendrive(street(link=f'<type s="0" type="town"><speed max="{said}"/></type>'))
    town = towns.build("Mine", towns.fit_to_drive(text))
    assert set(town.lane_samples[:, 3].tolist()) == {0.0}


def test_things_that_are_not_drawn_may_be_of_any_size() -> None:
    tunnel = '<objects><object id="1" type="tunnel" s="-900" t="0" length="2000" width="12"/></objects>'
    assert towns.build("Mine", towns.fit_to_drive(opendrive(street(more=tunnel)))).spawn_points


# ---- what a client asks of the town (carla.OpendriveGenerationParameters) ------------------------------------------


def _asked(text: str, **fields: float) -> Town:
    return towns.build("Mine", towns.fit_to_drive(text), generation=Generation(**fields))


def test_walls_of_the_height_asked_for_stand_along_both_edges() -> None:
    town = _asked(opendrive(street()), wall_height=2.0)
    walls = [box for box in town.boxes if box.label == Label.WALLS]
    assert {round(abs(wall.pose.y) - wall.extent[1], 2) for wall in walls} == {3.5}
    assert {wall.extent[2] for wall in walls} == {1.0}
    assert any(mesh.label == Label.WALLS and mesh.vertices[:, 2].max() == 2.0 for mesh in town.meshes)
    rays = Physics(town)
    for side in (-1.0, 1.0):
        for height, is_met in ((1.9, True), (2.1, False)):
            met = rays.cast((40.0, 0.0, height), (40.0, 9.0 * side, height))
            assert [label for _, label in met if label == Label.WALLS] == [Label.WALLS] * is_met


def test_no_walls_are_asked_for_by_a_height_of_zero() -> None:
    assert not _asked(opendrive(street()), wall_height=0.0).boxes


@pytest.mark.parametrize("text", [fork(), banked_bend()], ids=["fork", "bend"])
def test_no_wall_stands_on_a_lane(text: str) -> None:
    town = _asked(text)
    assert len([box for box in town.boxes if box.label == Label.WALLS]) > 3
    # A third lane begins and ends with no width, at its neighbour's edge.
    samples = town.lane_samples[np.abs(town.lane_samples[:, 5]) == 1]
    for box in town.boxes:
        yaw = math.radians(box.pose.yaw)
        dx, dy = samples[:, 0] - box.pose.x, samples[:, 1] - box.pose.y
        along, across = dx * math.cos(yaw) + dy * math.sin(yaw), dy * math.cos(yaw) - dx * math.sin(yaw)
        assert not ((np.abs(along) < box.extent[0]) & (np.abs(across) < box.extent[1])).any(), box.name


def test_lanes_over_junctions_are_wider_by_the_width_asked_for() -> None:
    """Beside the outer edge of the fork's first connector, 15 m into it."""
    samples = _asked(fork()).lane_samples
    middle = samples[(samples[:, 4] == 4)][8]
    yaw = math.radians(middle[2])
    beside = np.array([[middle[0] + out * math.sin(yaw), middle[1] - out * math.cos(yaw)] for out in (2.2, 2.5)])
    for width, expected in ((0.0, [False, False]), (0.6, [True, False]), (1.0, [True, True])):
        found = covered(beside, flat_triangles(_asked(fork(), additional_width=width), "road"))
        assert found.tolist() == expected, width


def test_a_junction_is_joined_and_rounded_or_only_its_roads() -> None:
    text = towns.load("Backseat03").opendrive
    smooth, plain = (_asked(text, smooth_junctions=is_smooth, additional_width=0.0) for is_smooth in (True, False))
    assert len(flat_triangles(smooth, "pavement")) > len(flat_triangles(plain, "pavement"))
    assert covered(lane_width_points(plain, 1.4), flat_triangles(plain, "road")).all()


def test_what_is_not_to_be_seen_is_still_bumped_into() -> None:
    seen, unseen = (_asked(fork(), enable_mesh_visibility=is_seen) for is_seen in (True, False))
    assert {mesh.layer for mesh in unseen.meshes} == {"terrain", "solid"}
    assert not [mesh for mesh in unseen.meshes if mesh.label == Label.WALLS]
    assert unseen.boxes == seen.boxes


def test_walkers_find_their_way_only_where_that_is_asked_for() -> None:
    text = towns.load("Backseat03").opendrive
    assert mesh_file(_asked(text)) is not None
    assert mesh_file(_asked(text, enable_pedestrian_navigation=False)) is None


def test_vertices_of_bends_are_as_far_apart_as_asked_for() -> None:
    bend = opendrive(_curve('<arc curvature="0.02"/>'))
    count = {step: len(flat_triangles(_asked(bend, vertex_distance=step), "road")) for step in (1.0, 2.0, 8.0)}
    assert count == {1.0: 160, 2.0: 80, 8.0: 20}
    straight = [len(flat_triangles(_asked(opendrive(street()), vertex_distance=step), "road")) for step in (1.0, 8.0)]
    assert straight[0] == straight[1]


def test_no_piece_of_a_road_is_longer_than_asked_for() -> None:
    for longest in (20.0, 50.0):
        town = _asked(opendrive(_curve('<arc curvature="0.001"/>', 800.0)), max_road_length=longest)
        roads = [mesh for mesh in town.meshes if mesh.layer == "road"]
        # A triangle belongs to the piece its middle lies in, and reaches out of it by less than its own size.
        assert max(float(np.ptp(mesh.vertices[:, :2], axis=0).max()) for mesh in roads) < longest + 8.0
        assert len(roads) >= 800.0 / longest


@pytest.mark.parametrize(
    ("name", "value"),
    [("vertex_distance", 0.0), ("max_road_length", -5.0), ("wall_height", math.inf), ("additional_width", math.nan)],
)
def test_a_figure_that_makes_no_town_is_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"expected {name} of"):
        Generation(**{name: value})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (opendrive(street())[:-20], r"well-formed OpenDRIVE XML: .*line \d+"),
        (opendrive(street(LINE.replace('"80"', '"nan"'))), r"finite number for 'length' on <geometry> at line 7"),
        (opendrive(street(LINE.replace('"80"', '"0"'))), r"length above 0 in road 1, got 0.0 in <geometry> at line 7"),
        (opendrive(street(LINE.replace('hdg="0" ', ""))), r"attribute 'hdg' on <geometry> at line 7"),
        (opendrive(street(LINE.replace("line", "helix"))), r"line, arc, spiral, .* at line 7"),
        (opendrive(street(), street()), r'every road\'s id once, got another <road id="1"> at line \d+'),
        (opendrive(street(road_id="one")), r"whole number for 'id' on <road id=\"one\"> at line 4, got 'one'"),
        (opendrive(street(lanes=LANES.replace('id="1"', 'id="2"'))), r"without a gap in road 1, .* line 9"),
        (opendrive(street(lanes=LANES.replace("driving", "sidewalk"))), "km of driving lanes, got 0.0 km"),
        (opendrive(street(lanes=LANES.replace('"3.5"', '"3500"'))), 'lane 1 of road 1 is wider; see <road id="1"> at'),
        (opendrive(street(lanes=LANES.replace('"3.5"', '"-3.5"'))), "lane 1 of road 1 is -3.5 m wide"),
        (opendrive(street(lanes=LANES.replace('"3.5"', '"0"'))), "got 0.0 km that are 1.0 m wide or more"),
        (opendrive(street(lanes=LANES.replace('sOffset="0"', 'sOffset="5"'))), "sOffset=0 on for lane 1 of"),
        (opendrive(street(lanes=LANES.replace("center>", "middle>"))), "lane 0 .* road 1 has none at s=0.0"),
        (opendrive(street(length=1e9)), r"length of 80.0 m .* road 1 says 1000000000.0; see <road id=\"1\"> at"),
        (opendrive(street(lanes="<lanes/>")), "<lanes> with content in road 1"),
        (opendrive(street(LINE.replace("80", "9e9"), 9e9)), r"roads of up to 8000 m, road 1 has 9000000000 m"),
        (opendrive(street(), street(road_id="3"), street(LINE.replace('x="0"', 'x="2e4"'), road_id="2")), "road 2"),
        (opendrive(street(LINE.replace('x="0"', 'x="4e6"'))), "within 50000 m of the origin, road 1 begins at x=4"),
        (
            opendrive(street(LINE + LINE.replace('s="0" x="0"', 's="80" x="95"'), 160.0)),
            r"gaps, road 1 has one of 15.0 m",
        ),
        (opendrive(street(lanes=LANES.replace('b="0"', 'b="1e9"'))), "lane 1 of road 1 is wider"),
        (opendrive(street(more=SIGNAL.replace('s="70"', 's="7e9"'))), "beside their road, road 1 has one at s=7"),
        (
            opendrive(street(more=SIGNAL.replace('s="70"', 's="-1"'))),
            r"<signal id=\"7\"> at line .* road 1, .* got s=-1.0",
        ),
        (opendrive(street(more=SIGNAL.replace("</signals>", AGAIN))), r"<signalReference id=\"7\"> at .* got s=-2.0"),
        (
            opendrive(street(more=CROSSWALK.replace('s="40"', 's="81"'))),
            r"<object id=\"3\"> at .* to 80.0 m, got s=81.0",
        ),
        (
            opendrive(street(lanes=LANES.replace("<lanes>", OFFSET))),
            "<laneOffset> at line 9 to lie on road 1, .* got s=99",
        ),
        (
            opendrive(street(lanes=LANES.replace("</lane>", MARK))),
            "from sOffset=0 on for lane 1 of road 1, got one before",
        ),
        (
            opendrive(street(), more="").replace("<header", f"{ORIGIN}<header"),
            "number for .lat_0 in <geoReference> at line 3",
        ),
        (opendrive(_curve('<arc curvature="5"/>')), "arcs of 1.0 m or more, road 1 has 5.0"),
        (opendrive(_curve('<spiral curvStart="0" curvEnd="1"/>', 1e9)), r"curve of up to 2000 m, .* at line 7"),
        ("<a>" * 5000 + "</a>" * 5000, "at most 32 nested elements, got more at line 1"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><OpenDRIVE/>', "document type"),
        (opendrive(*("<road/>" for _ in range(MOST_ROADS + 1))), "at most 5000 roads, got 5001"),
    ],
)
def test_a_file_that_makes_no_world_is_refused_with_the_place(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        towns.build("Mine", towns.fit_to_drive(text))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (fork().replace('connectingRoad="4"', 'connectingRoad="40"'), r"'connectingRoad' of <connection id=\"0\"> at"),
        (fork().replace('<junction id="9"', '<junction id="8"'), r"'junction' of <road id=\"4\"> at .* a junction"),
        (fork().replace('<successor id="-1"', '<successor id="-3"'), r"'id' of <successor id=\"-3\"> at .* a lane"),
        (
            opendrive(street(more=SIGNAL), more='<controller id="1"><control signalId="8"/></controller>'),
            r"'signalId' of <control> at line \d+ .* signal of this file, got '8'",
        ),
        (
            opendrive(street(more='<signals><signalReference id="8" s="70" t="4" orientation="-"/></signals>')),
            r"'id' of <signalReference id=\"8\"> at line \d+ .* signal of this file, got '8'",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_refused_with_its_place(text: str, complaint: str) -> None:
    """Each of these ends the process of whoever loads the map in libcarla."""
    with pytest.raises(ValueError, match=complaint):
        towns.fit_to_drive(text)


def test_a_file_too_large_to_read_is_refused_unread() -> None:
    with pytest.raises(ValueError, match="at most 30,000,000 characters"):
        towns.fit_to_drive(" " * 30_000_001)


def test_our_own_towns_pass_as_uploads() -> None:
    text = towns.load("Backseat03").opendrive
    again = towns.build("Mine", towns.fit_to_drive(text))
    assert np.array_equal(again.lane_samples, towns.load("Backseat03").lane_samples)
