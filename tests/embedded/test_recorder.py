"""CARLA's recorder: the file's bytes, what is told of it, what a replay shows, and which files it touches."""

from __future__ import annotations

import math
import random
import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from sim_bridge.embedded import town
from sim_bridge.embedded.blueprints import Library
from sim_bridge.embedded.calls import recorder as calls
from sim_bridge.embedded.calls.desk import Desk, Managers, Refused
from sim_bridge.embedded.contracts import LightState, Pose
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.recorder.folder import OutsideFolder, RecordingsFolder
from sim_bridge.embedded.recorder.log_file import LogReader
from sim_bridge.embedded.recorder.packets import Damaged, Packet
from sim_bridge.embedded.vehicles import VEHICLES
from sim_bridge.embedded.wire.structs import ActorDescription, AttributeValue, VehicleControl
from sim_bridge.embedded.world.actors import Actor, Vehicle
from sim_bridge.embedded.world.geometry import difference_deg
from sim_bridge.embedded.world.spawning import spawn
from sim_bridge.embedded.world.world import World
from tests.embedded.fakes import PARTS, KeptMessages

HERO = (AttributeValue("role_name", 4, "hero"),)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    world = World(PARTS, "Flat", KeptMessages(), Library(VEHICLES), recordings=RecordingsFolder(tmp_path))
    return Desk(world, None, Managers())  # type: ignore[arg-type]  # the recorder's calls touch no stream


def car(world: World, x: float, attributes: tuple[AttributeValue, ...] = ()) -> Vehicle:
    actor = spawn(world, ActorDescription(0, "vehicle.tesla.model3", attributes), Pose(x, 1.75, 0.3))
    assert isinstance(actor, Vehicle)
    return actor


def ticked(world: World, count: int) -> list[Pose]:
    """Where the first vehicle is after each tick."""
    places = []
    for _ in range(count):
        world.tick(0.05)
        places.append(world.actors.of(Vehicle)[0].pose if world.actors.of(Vehicle) else Pose())
    return places


def recorded_drive(desk: Desk, name: str = "drive.log", has_more: bool = False) -> list[Pose]:
    """Forty ticks: a hero pulls away, another car stands, a third comes and goes. Everybody is gone afterwards."""
    world = desk.world
    hero, other = car(world, 10.0, HERO), car(world, 60.0)
    calls.start_recorder(desk, name, has_more)
    world.drive(hero, VehicleControl(throttle=1.0))
    places = ticked(world, 20)
    guest = car(world, 110.0)
    places += ticked(world, 10)
    world.destroy(guest.actor_id)
    places += ticked(world, 10)
    calls.stop_recorder(desk)
    for actor in (hero, other):
        world.destroy(actor.actor_id)
    return places


def test_the_file_opens_as_carla_documents_it(desk: Desk, tmp_path: Path) -> None:
    recorded_drive(desk)
    data = (tmp_path / "drive.log").read_bytes()
    assert data[:2] == struct.pack("<H", 1)
    assert data[2:18] == struct.pack("<H", 14) + b"CARLA_RECORDER"
    (date,) = struct.unpack_from("<q", data, 18)
    assert abs(date - (tmp_path / "drive.log").stat().st_mtime) < 60
    assert data[26:32] == struct.pack("<H", 4) + b"Flat"
    kind, size, number, duration, elapsed = struct.unpack_from("<BIQdd", data, 32)
    # The first frame's duration was filled in when the second one began.
    assert (kind, size, number, round(duration, 3), elapsed) == (0, 24, 1, 0.05, 0.0)


def test_a_written_file_reads_back(desk: Desk, tmp_path: Path) -> None:
    places = recorded_drive(desk, has_more=True)
    with LogReader(tmp_path / "drive.log") as log:
        frames = list(log.frames())
        assert math.isclose(log.total_s(), 39 * 0.05)
    assert [frame.number for frame in frames] == list(range(1, 41))
    hero = next(a for a in frames[0].added if a.description.attributes and "hero" in str(a.description.attributes))
    assert hero.description.id == "vehicle.tesla.model3"
    for frame, place in zip(frames, places, strict=True):
        x = next(row[1] for row in frame.of(Packet.POSITION) if row[0] == hero.actor_id)
        assert math.isclose(x / 100.0, place.x, abs_tol=1e-3)
    assert [a.description.id for a in frames[20].added] == ["vehicle.tesla.model3"]
    assert frames[30].of(Packet.EVENT_DEL) == [(frames[20].added[0].actor_id,)]
    speeds = [row[1] for frame in frames for row in frame.of(Packet.KINEMATICS) if row[0] == hero.actor_id]
    assert speeds[-1] > speeds[0] > 0.0
    assert frames[0].of(Packet.TRAFFIC_LIGHT_TIME)[0][1:] == (10.0, 3.0, 2.0)


def test_a_replay_drives_the_same_way_again(desk: Desk) -> None:
    places = recorded_drive(desk)
    world = desk.world
    said = calls.replay_file(desk, "drive.log")
    assert "Total time recorded: 1.95" in said
    replayed = ticked(world, 38)
    for once, again in zip(places[1:], replayed, strict=False):
        assert math.isclose(once.x, again.x, abs_tol=2e-3) and math.isclose(once.yaw, again.yaw, abs_tol=1e-3)
    vehicles = world.actors.of(Vehicle)
    assert [v.attribute("role_name") for v in vehicles] == ["hero", "autopilot"]
    assert not any(v.is_simulated for v in vehicles) and vehicles[0].control.throttle == 1.0
    ticked(world, 2)
    # Past its end the cars have their physics back, and stand.
    assert all(v.is_simulated for v in vehicles)
    assert vehicles[0].control.throttle == 0.0


def test_twenty_seconds_of_traffic_are_replayed_to_the_centimetre(tmp_path: Path) -> None:
    """Six cars on real physics, each driven in its own way, in a town; on screen they are where they were, as fast
    as they were, from the first frame to the last, whether they are still there or born again."""
    parts = replace(PARTS, town=town.load, bodies=Physics)
    world = World(parts, "Backseat01", KeptMessages(), Library(VEHICLES), recordings=RecordingsFolder(tmp_path))
    desk = Desk(world, None, Managers())  # type: ignore[arg-type]
    cars = [spawn(world, ActorDescription(0, "vehicle.tesla.model3"), at) for at in world.town.spawn_points[:36:6]]
    calls.start_recorder(desk, "traffic.log")
    shown = []
    for tick in range(400):
        for number, one in enumerate(cars):
            steer = 0.1 * math.sin(0.02 * tick + number)
            world.drive(one, VehicleControl(throttle=0.3 + 0.03 * number, steer=steer, brake=float(tick > 340)))
        world.tick(0.05)
        shown.append([one.body for one in cars])
    calls.stop_recorder(desk)
    assert max(math.dist((a.pose.x, a.pose.y), (b.pose.x, b.pose.y)) for a, b in zip(*shown[::399], strict=True)) > 50.0
    for is_reborn in (False, True):
        if is_reborn:
            for one in world.actors.of(Vehicle):
                world.destroy(one.actor_id)
        calls.replay_file(desk, "traffic.log")
        for tick in range(1, 400):
            world.tick(0.05)
            again = world.actors.of(Vehicle)
            for then, now in zip(shown[tick], again, strict=True):
                assert math.dist(_spot(then.pose), _spot(now.pose)) < 0.01, (tick, then, now.body)
                assert abs(difference_deg(then.pose.yaw, now.pose.yaw)) < 0.05
                # A crash aside, it is as fast as it was: told by how far it is moved, also in the first tick.
                assert math.dist(then.velocity, now.body.velocity) < 5.0, (tick, then, now.body)
        assert all(one.is_simulated for one in world.actors.of(Vehicle)), "the replay is over"


def _spot(pose: Pose) -> tuple[float, float, float]:
    return (pose.x, pose.y, pose.z)


def test_a_guest_comes_and_goes_in_a_replay(desk: Desk) -> None:
    recorded_drive(desk)
    calls.replay_file(desk, "drive.log")
    counts = []
    for _ in range(38):
        desk.world.tick(0.05)
        counts.append(len(desk.world.actors.of(Vehicle)))
    assert (counts[5], counts[24], counts[35]) == (2, 3, 2)


def test_time_runs_as_fast_as_asked_and_starts_where_asked(desk: Desk) -> None:
    places = recorded_drive(desk)
    calls.set_replayer_time_factor(desk, 0.5)
    calls.replay_file(desk, "drive.log", 0.5, 1.0)
    (first, second) = ticked(desk.world, 2)
    # Recorded frame 10 is at 0.5 s; half a tick later the car is halfway to the next frame.
    assert math.isclose(first.x, (places[10].x + places[11].x) / 2.0, abs_tol=2e-3)
    assert math.isclose(second.x, places[11].x, abs_tol=2e-3)
    calls.set_replayer_time_factor(desk, 3.0)
    (third,) = ticked(desk.world, 1)
    assert math.isclose(third.x, places[14].x, abs_tol=2e-3)
    with pytest.raises(Refused, match="more than 0"):
        calls.set_replayer_time_factor(desk, 0.0)


def test_a_start_below_zero_counts_from_the_end(desk: Desk) -> None:
    places = recorded_drive(desk)
    assert "Replaying from 1.45 s - 1.95 s" in calls.replay_file(desk, "drive.log", -0.5)
    (first,) = ticked(desk.world, 1)
    assert math.isclose(first.x, places[30].x, abs_tol=2e-3)


def test_the_hero_can_be_left_to_its_driver(desk: Desk) -> None:
    recorded_drive(desk)
    hero = car(desk.world, 150.0, HERO)
    calls.set_replayer_ignore_hero(desk, True)
    assert "Ignoring Hero vehicle" in calls.replay_file(desk, "drive.log")
    desk.world.drive(hero, VehicleControl(throttle=1.0))
    ticked(desk.world, 10)
    assert hero.is_simulated and hero.pose.x > 150.05 and hero.control.throttle == 1.0


def test_the_spectator_follows_whom_it_is_told(desk: Desk) -> None:
    recorded_drive(desk)
    with LogReader(desk.world.deck.folder.file("drive.log")) as log:
        hero_id = next(a.actor_id for a in next(log.frames()).added if "hero" in str(a.description.attributes))
    calls.replay_file(desk, "drive.log", 0.0, 0.0, hero_id, False, Pose(x=-8.0, z=3.0))
    (place,) = ticked(desk.world, 1)
    assert math.isclose(desk.world.spectator.pose.x, place.x - 8.0, abs_tol=0.2)


def test_stopping_a_replay_takes_its_actors_away_unless_they_are_kept(desk: Desk) -> None:
    recorded_drive(desk)
    for keeps, left in ((False, 0), (True, 2)):
        calls.replay_file(desk, "drive.log")
        ticked(desk.world, 3)
        calls.stop_replayer(desk, keeps)
        assert len(desk.world.actors.of(Vehicle)) == left


def test_lights_show_what_they_showed(desk: Desk) -> None:
    world = desk.world
    calls.start_recorder(desk, "lights.log")
    world.lights[0].state = LightState.OFF
    ticked(world, 5)
    calls.stop_recorder(desk)
    world.lights[0].state = LightState.GREEN
    calls.replay_file(desk, "lights.log")
    ticked(world, 2)
    assert world.lights[0].state is LightState.OFF


def test_sensors_come_back_on_their_car_when_asked_for(desk: Desk) -> None:
    world = desk.world
    hero = car(world, 10.0, HERO)
    eye = spawn(world, ActorDescription(0, "sensor.camera.rgb"), Pose(x=1.0, z=2.0), hero.actor_id)
    calls.start_recorder(desk, "eyes.log")
    ticked(world, 5)
    calls.stop_recorder(desk)
    for actor in (eye, hero):
        world.destroy(actor.actor_id)
    for has_sensors in (False, True):
        calls.replay_file(desk, "eyes.log", 0.0, 0.0, 0, has_sensors)
        ticked(world, 1)
        eyes: list[Actor] = [actor for actor in world.actors if actor.type_id == "sensor.camera.rgb"]
        assert len(eyes) == has_sensors
        if has_sensors:
            assert world.find(eyes[0].parent_id) is world.actors.of(Vehicle)[0]
            assert eyes[0].mount is not None and math.isclose(eyes[0].mount.z, 2.0, abs_tol=1e-3)
        calls.stop_replayer(desk, False)


def test_a_replay_loads_the_town_it_was_recorded_in(desk: Desk) -> None:
    recorded_drive(desk)
    desk.world.reload("Other")
    calls.replay_file(desk, "drive.log")
    assert desk.world.town.name == "Flat"
    ticked(desk.world, 3)
    assert len(desk.world.actors.of(Vehicle)) == 2


def test_a_recording_of_a_town_that_is_not_here_is_refused_and_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    recorded_drive(desk)
    data = (tmp_path / "drive.log").read_bytes()
    (tmp_path / "far.log").write_bytes(data.replace(b"\4\0Flat", b"\6\0Town01", 1))
    episode = desk.world.episode
    with pytest.raises(Refused, match="Town01"):
        calls.replay_file(desk, "far.log")
    assert (desk.world.town.name, desk.world.episode) == ("Flat", episode)
    assert "Map: Town01" in calls.show_recorder_file_info(desk, "far.log")


def test_a_reload_ends_a_recording(desk: Desk, tmp_path: Path) -> None:
    calls.start_recorder(desk, "cut.log")
    ticked(desk.world, 3)
    desk.world.reload()
    ticked(desk.world, 3)
    with LogReader(tmp_path / "cut.log") as log:
        assert sum(1 for _ in log.frames()) == 3


# ---- what is told of a file -----------------------------------------------------------------------------------------


def test_the_events_of_a_file_are_listed(desk: Desk) -> None:
    recorded_drive(desk)
    told = calls.show_recorder_file_info(desk, "drive.log", False)
    assert told.startswith("Version: 1\nMap: Flat\nDate: ")
    assert "Frame 1 at 0 seconds" in told and "  role_name = hero" in told and " Destroy " in told
    assert re.search(r"Create \d+: vehicle.tesla.model3 \(1\) at \(6000, 175, ", told)
    assert told.endswith("Frames: 40\nDuration: 1.95 seconds\n")
    assert "Positions:" not in told
    everything = calls.show_recorder_file_info(desk, "drive.log", True)
    assert everything.count("Positions:") == 40 and "Throttle: 1 " in everything


def test_collisions_are_told_once_and_by_kind(desk: Desk) -> None:
    world = desk.world
    hero = car(world, 10.0, HERO)
    calls.start_recorder(desk, "crash.log")
    ticked(world, 5)
    for _ in range(3):  # in the flat world an impulse is a crash with a wall
        world.bodies.impulse(hero.actor_id, (-900.0, 0.0, 0.0))
        ticked(world, 1)
    ticked(world, 5)
    calls.stop_recorder(desk)
    told = calls.show_recorder_collisions(desk, "crash.log", ord("h"), ord("a"))
    assert sum("vehicle.tesla.model3" in line for line in told.splitlines()) == 1
    assert "vehicle.tesla.model3" not in calls.show_recorder_collisions(desk, "crash.log", "w", "a")
    assert "vehicle.tesla.model3" in calls.show_recorder_collisions(desk, "crash.log", "v", "o")


def test_who_stands_still_is_told_with_how_long(desk: Desk) -> None:
    recorded_drive(desk)
    told = calls.show_recorder_actors_blocked(desk, "drive.log", 1.0, 50.0)
    rows = [line for line in told.splitlines() if "vehicle." in line]
    assert len(rows) == 1 and rows[0].split()[-1] == "2"
    assert "vehicle." not in calls.show_recorder_actors_blocked(desk, "drive.log", 30.0, 50.0)


# ---- files that are not there, not whole, or not ours ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["../out.log", "/etc/passwd", "a/../../out.log", "", "  ", "x\0y", "n" * 5000, "."])
def test_names_that_lead_out_of_the_folder_are_refused(desk: Desk, name: str) -> None:
    for call in (calls.start_recorder, calls.show_recorder_file_info, calls.replay_file):
        with pytest.raises(Refused, match="expected a file"):
            call(desk, name)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.log").write_text("x")
    (inside / "link.log").symlink_to(tmp_path / "secret.log")
    with pytest.raises(OutsideFolder):
        RecordingsFolder(inside).file("link.log")


def test_the_path_that_start_recorder_gave_is_taken_back(desk: Desk) -> None:
    path = calls.start_recorder(desk, "mine.log")
    ticked(desk.world, 2)
    calls.stop_recorder(desk)
    assert "Frames: 2" in calls.show_recorder_file_info(desk, path)


def test_a_missing_file_is_answered_in_carlas_words(desk: Desk) -> None:
    for call in (calls.show_recorder_file_info, calls.replay_file, calls.show_recorder_actors_blocked):
        assert call(desk, "none.log") == "File none.log not found on server\n"


def test_what_is_no_recording_is_said_to_be_none(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "note.log").write_bytes(b"\1\0\4\0abcd" + bytes(100))
    assert "not a CARLA recorder" in calls.show_recorder_file_info(desk, "note.log")
    with pytest.raises(Refused, match="not a CARLA recorder"):
        calls.replay_file(desk, "note.log")


def test_a_file_that_breaks_off_plays_to_its_last_whole_frame(desk: Desk, tmp_path: Path) -> None:
    recorded_drive(desk)
    data = (tmp_path / "drive.log").read_bytes()
    for cut in (len(data) // 2, len(data) // 3, 40):
        (tmp_path / "cut.log").write_bytes(data[:cut])
        with LogReader(tmp_path / "cut.log") as log:
            assert sum(1 for _ in log.frames()) < 40
        calls.replay_file(desk, "cut.log")
        ticked(desk.world, 3)


def test_changed_bytes_never_stop_the_world(desk: Desk, tmp_path: Path) -> None:
    recorded_drive(desk)
    data = (tmp_path / "drive.log").read_bytes()
    rng = random.Random(5)
    for _ in range(60):
        changed = bytearray(data)
        for _ in range(rng.randint(1, 20)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        (tmp_path / "changed.log").write_bytes(changed)
        for call in (calls.show_recorder_file_info, calls.replay_file):
            try:
                call(desk, "changed.log")
            except (Refused, Damaged):
                continue
        frame = desk.world.frame
        ticked(desk.world, 5)
        assert desk.world.frame == frame + 5
        calls.stop_replayer(desk, False)
