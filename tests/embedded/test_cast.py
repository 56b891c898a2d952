"""What can be spawned: CARLA's ids and attributes, bodies as large as they bump, lamps that blink and flash."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest

from sim_bridge.embedded.blueprints import PROPS, WALKERS, Library
from sim_bridge.embedded.contracts import Camera, Drawn, Pose, Sky
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.renderer import Renderer, props, vehicle_models
from sim_bridge.embedded.renderer.people import swing_deg
from sim_bridge.embedded.vehicles import VEHICLES
from sim_bridge.embedded.world.actors import Vehicle
from sim_bridge.embedded.world.sensing import shown_lights
from tests.embedded.fakes import flat_world
from tests.embedded.plain_towns import plain_town
from tests.embedded.test_world import advance, car, listening, sent

LIBRARY = {definition.id: definition for definition in Library(VEHICLES).definitions}
EMERGENCY = sorted(name for name, shape in VEHICLES.items() if shape.service)


def _attributes(blueprint_id: str) -> dict[str, str]:
    return {attribute.id: attribute.value for attribute in LIBRARY[blueprint_id].attributes}


def test_every_class_of_vehicle_is_there() -> None:
    bodies = {shape.body for shape in VEHICLES.values()}
    assert {"sedan", "hatchback", "suv", "pickup", "van", "truck", "bus", "motorcycle", "bicycle"} <= bodies
    assert len(VEHICLES) >= 12
    assert len(WALKERS) >= 8


@pytest.mark.parametrize("blueprint_id", sorted(VEHICLES))
def test_vehicles_have_carlas_attributes(blueprint_id: str) -> None:
    attributes = _attributes(blueprint_id)
    shape = VEHICLES[blueprint_id]
    names = "object_type base_type special_type generation number_of_wheels has_lights has_dynamic_doors sticky_control"
    assert {*names.split(), "role_name", "driver_id", "terramechanics"} <= set(attributes)
    assert attributes["base_type"] in ("car", "van", "truck", "bus", "motorcycle", "bicycle")
    assert attributes["number_of_wheels"] == ("2" if shape.body in ("motorcycle", "bicycle") else "4")
    assert (attributes["special_type"] == "emergency") == bool(shape.service) == ("color" not in attributes)
    assert attributes["generation"] in ("1", "2")


@pytest.mark.parametrize("blueprint_id", sorted(VEHICLES))
def test_vehicles_are_drawn_as_large_as_they_are(blueprint_id: str) -> None:
    shape = VEHICLES[blueprint_id]
    body = vehicle_models.build(shape, (0.5, 0.5, 0.5)).solid().vertices
    low, high = body.min(axis=0), body.max(axis=0)
    # Mirrors stick out to the sides, beacons and riders' helmets upwards.
    assert high[1] - low[1] == pytest.approx(shape.length, rel=0.06)
    assert shape.width * 0.8 <= high[0] - low[0] <= shape.width + 0.5
    assert shape.height * 0.9 <= high[2] <= shape.height + 0.2
    assert -0.02 <= low[2] < 0.1


@pytest.mark.parametrize("blueprint_id", sorted(PROPS))
def test_props_are_drawn_as_large_as_they_bump(blueprint_id: str) -> None:
    vertices = props.build(blueprint_id).vertices
    forward, right, up = PROPS[blueprint_id]
    assert np.abs(vertices[:, 1]).max() == pytest.approx(forward, abs=0.06)
    assert np.abs(vertices[:, 0]).max() == pytest.approx(right, abs=0.06)
    assert vertices[:, 2].max() == pytest.approx(2.0 * up, abs=0.06)
    assert vertices[:, 2].min() >= -0.06
    assert _attributes(blueprint_id)["size"] in ("tiny", "small", "medium", "big")


def test_an_unknown_prop_is_named() -> None:
    with pytest.raises(ValueError, match=r"static\.prop\.castle"):
        props.build("static.prop.castle")


@pytest.mark.parametrize("obstacle", ["static.prop.streetbarrier", "static.prop.container", "a parked car"])
def test_a_car_hits_what_stands_in_its_way(obstacle: str) -> None:
    bodies = Physics(plain_town())
    ego = VEHICLES["vehicle.lincoln.mkz_2020"]
    bodies.add_vehicle(1, ego, Pose())
    if obstacle in PROPS:
        bodies.add_box(2, PROPS[obstacle], Pose(8.0))
    else:
        bodies.add_vehicle(2, VEHICLES["vehicle.nissan.micra"], Pose(8.0, yaw=90.0))
        bodies.simulate(2, False)
    bodies.push(1, (10.0, 0.0, 0.0))
    met = []
    for _ in range(30):
        bodies.step(0.05, 5)
        met += bodies.contacts()
    impulses = [contact.impulse for contact in met if (contact.a, contact.b) == (1, 2)]
    assert impulses, "the car drove through it"
    assert min(impulse[0] for impulse in impulses) < -20.0
    if obstacle == "a parked car":
        assert bodies.state(1).pose.x < 8.0


# ---- lamps ----------------------------------------------------------------------------------------------------------


def _shown(flags: int, ticks: int = 40) -> list[int]:
    """The lamps of a car's picture at every tick of two seconds, low byte only for what the fake painter shows."""
    world = flat_world()
    ego = car(world)
    camera = listening(world, "sensor.camera.rgb", image_size_x="4", image_size_y="2")
    ego.light_flags = flags
    advance(world, ticks)
    return [struct.unpack_from("<B", message, 62)[0] for message in sent(world, camera.stream_id)]


def test_indicators_blink_and_other_lamps_do_not() -> None:
    left = [flags & 32 for flags in _shown(32 | 2)]
    changes = sum(a != b for a, b in itertools.pairwise(left))
    # 60 to 120 blinks a minute: two to four in two seconds, each on and off again.
    assert 4 <= changes <= 8
    assert 0.35 < np.count_nonzero(left) / len(left) < 0.65
    assert all(flags & 2 for flags in _shown(32 | 2))


def test_beacons_take_turns() -> None:
    world = flat_world()
    ambulance = car(world, type_id="vehicle.ford.ambulance")
    assert isinstance(ambulance, Vehicle)
    ambulance.light_flags = 512
    shown = [shown_lights(ambulance, tick * 0.05) & 1536 for tick in range(40)]
    assert set(shown) == {512, 1024}
    ambulance.light_flags = 0
    assert shown_lights(ambulance, 0.0) == 0


@pytest.mark.parametrize("blueprint_id", EMERGENCY)
def test_beacons_shine_on_their_own_side(blueprint_id: str) -> None:
    camera = Camera(1, 256, 128, 60.0, Pose(-14.0, 0.0, 2.5))
    renderer = Renderer(plain_town(), "software")
    renderer.add_camera(camera)
    renderer.add_actor(5, blueprint_id, {})

    def picture(flags: int) -> np.ndarray:
        return renderer.render([Drawn(5, Pose(), light_flags=flags)], [camera], {}, Sky(sun_altitude=-30.0))[1]

    dark, left, right = (picture(flags) for flags in (0, 512, 1024))
    renderer.close()
    columns = [
        np.nonzero((lit[..., :3].max(axis=2) > 200) & (dark[..., :3].max(axis=2) < 120))[1] for lit in (left, right)
    ]
    assert len(columns[0]) >= 4 and len(columns[1]) >= 4
    assert columns[0].mean() < 126 < 130 < columns[1].mean()


@pytest.mark.parametrize("flag", [1, 2, 4, 8, 16, 32, 64, 128])
def test_every_lamp_that_a_script_can_switch_shows(flag: int) -> None:
    renderer = Renderer(plain_town(), "software")
    renderer.add_actor(5, "vehicle.lincoln.mkz_2020", {"color": "90,98,105"})
    changed = 0
    for number, (x, yaw) in enumerate(((-6.0, 0.0), (6.0, 180.0))):
        camera = Camera(number, 256, 128, 60.0, Pose(x, 0.0, 1.2, 0.0, yaw))
        renderer.add_camera(camera)
        dark, lit = (
            renderer.render([Drawn(5, Pose(), light_flags=flags)], [camera], {}, Sky())[number].astype(int)
            for flags in (0, flag)
        )
        changed += int((np.abs(lit - dark).max(axis=2) > 40).sum())
    renderer.close()
    assert changed >= 12


def test_limbs_swing_with_speed_and_hang_at_rest() -> None:
    assert swing_deg(0.25, 0.0) == 0.0
    assert 10.0 < swing_deg(0.25, 0.6) < swing_deg(0.25, 1.4) < swing_deg(0.25, 3.0) <= 45.0
    assert swing_deg(0.75, 1.4) == pytest.approx(-swing_deg(0.25, 1.4))
