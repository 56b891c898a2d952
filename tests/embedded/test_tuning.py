"""What a script's physics control changes about a car, and what it leaves."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from sim_bridge.embedded.contracts import BodyState, PedalState
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.tuning import STEERING_CURVE, Tuning, steer_share
from sim_bridge.embedded.vehicles import DEFAULT_EGO, VEHICLES
from sim_bridge.embedded.wire.structs import ActorDescription, PhysicsControl
from sim_bridge.embedded.world.actors import Vehicle
from sim_bridge.embedded.world.running_gear import physics_control, telemetry, tuning
from tests.embedded.plain_towns import plain_town
from tests.embedded.test_physics import ORIGIN

EGO = VEHICLES[DEFAULT_EGO]
OWN = physics_control(EGO)


def car(control: PhysicsControl | None = None) -> Physics:
    physics = Physics(plain_town())
    physics.add_vehicle(1, EGO, ORIGIN)
    if control is not None:
        physics.tune(1, tuning(EGO, control))
    for _ in range(10):
        physics.step(0.05, 6)
    return physics


def speed_after(control: PhysicsControl | None, seconds: float, pedals: PedalState | None = None) -> float:
    physics = car(control)
    physics.pedals(1, pedals or PedalState(throttle=1.0))
    for _ in range(round(seconds / 0.05)):
        physics.step(0.05, 6)
    return math.hypot(*physics.state(1).velocity[:2])


def stopping_m(control: PhysicsControl | None, pedals: PedalState) -> float:
    physics = car(control)
    physics.push(1, (20.0, 0.0, 0.0))
    physics.pedals(1, pedals)
    start = physics.state(1).pose.x
    for _ in range(400):
        physics.step(0.05, 6)
    return physics.state(1).pose.x - start


def heading_after_turn(control: PhysicsControl | None, speed: float) -> float:
    physics = car(control)
    physics.push(1, (speed, 0.0, 0.0))
    physics.pedals(1, PedalState(throttle=0.5, steer=0.4))
    for _ in range(20):
        physics.step(0.05, 6)
    return abs(physics.state(1).pose.yaw)


def every_wheel(**changes: float) -> PhysicsControl:
    return replace(OWN, wheels=tuple(replace(wheel, **changes) for wheel in OWN.wheels))


def test_a_cars_own_control_changes_nothing() -> None:
    assert tuning(EGO, OWN) == Tuning(EGO.mass, EGO.max_steer_deg)
    assert speed_after(OWN, 3.0) == speed_after(None, 3.0)


def test_twice_the_mass_halves_the_pull_and_half_the_mass_doubles_it() -> None:
    own = speed_after(OWN, 2.0)
    assert speed_after(replace(OWN, mass=2.0 * EGO.mass), 2.0) == pytest.approx(own / 2.0, rel=0.12)
    assert speed_after(replace(OWN, mass=EGO.mass / 2.0), 2.0) > 1.5 * own


@pytest.mark.parametrize(
    "weaker",
    [
        replace(OWN, torque_curve=tuple((rpm, 0.5 * torque) for rpm, torque in OWN.torque_curve)),
        replace(OWN, final_ratio=0.5 * OWN.final_ratio),
        replace(OWN, forward_gears=tuple(replace(gear, ratio=0.5 * gear.ratio) for gear in OWN.forward_gears)),
    ],
)
def test_half_the_torque_or_half_the_gearing_pulls_half_as_hard(weaker: PhysicsControl) -> None:
    assert speed_after(weaker, 0.7) == pytest.approx(speed_after(OWN, 0.7) / 2.0, rel=0.1)


def test_a_lower_red_line_ends_the_pull_at_lower_speed() -> None:
    assert speed_after(replace(OWN, max_rpm=0.3 * OWN.max_rpm), 25.0) < 0.5 * speed_after(OWN, 25.0)


def test_weak_brakes_and_smooth_tyres_both_need_more_road() -> None:
    own = stopping_m(OWN, PedalState(brake=1.0))
    weak = stopping_m(every_wheel(max_brake_torque=0.5 * OWN.wheels[0].max_brake_torque), PedalState(brake=1.0))
    smooth = stopping_m(every_wheel(tire_friction=0.25 * OWN.wheels[0].tire_friction), PedalState(brake=1.0))
    assert weak == pytest.approx(2.0 * own, rel=0.25)
    assert smooth > 1.8 * own


def test_a_stronger_hand_brake_stops_sooner() -> None:
    strong = replace(OWN, wheels=tuple(replace(w, max_handbrake_torque=4500.0) for w in OWN.wheels))
    assert stopping_m(strong, PedalState(hand_brake=True)) < 0.8 * stopping_m(OWN, PedalState(hand_brake=True))


def test_more_drag_rolls_out_sooner() -> None:
    draggy = replace(OWN, drag_coefficient=5.0 * OWN.drag_coefficient)
    pedals = PedalState()
    assert stopping_m(draggy, pedals) < 0.6 * stopping_m(OWN, pedals)


def test_steering_follows_the_curve_and_the_largest_angle() -> None:
    own = heading_after_turn(OWN, 8.0)
    assert heading_after_turn(replace(OWN, steering_curve=((0.0, 1.0), (20.0, 0.0))), 8.0) < 0.1 * own
    assert heading_after_turn(every_wheel(max_steer_angle=0.5 * EGO.max_steer_deg), 8.0) == pytest.approx(
        own / 2.0, rel=0.15
    )


def test_a_curve_is_straight_between_its_points_and_level_beyond() -> None:
    assert [round(steer_share(STEERING_CURVE, kmh), 3) for kmh in (0.0, 60.0, 90.0, 120.0, 200.0)] == [
        1.0, 1.0, 0.89, 0.78, 0.78,
    ]  # fmt: skip
    assert steer_share((), 50.0) == 1.0
    assert steer_share(((50.0, 0.5), (50.0, 0.2)), 50.0) == 0.5


def test_what_a_script_left_empty_counts_as_the_cars_own() -> None:
    empty = PhysicsControl(
        torque_curve=(), max_rpm=0.0, final_ratio=0.0, forward_gears=(), mass=EGO.mass, drag_coefficient=0.0, wheels=()
    )
    assert replace(tuning(EGO, empty), steering_curve=STEERING_CURVE) == Tuning(EGO.mass, EGO.max_steer_deg)


def test_wild_figures_stay_within_what_can_be_computed() -> None:
    wild = replace(OWN, mass=1e-9, final_ratio=1e9, max_rpm=-5.0, steering_curve=((-1e9, 1e9),))
    assert math.isfinite(speed_after(wild, 1.0))


def test_a_tuned_car_keeps_its_mass_when_its_physics_was_off() -> None:
    physics = car(replace(OWN, mass=2.0 * EGO.mass))
    physics.simulate(1, False)
    physics.simulate(1, True)
    physics.pedals(1, PedalState(throttle=1.0))
    for _ in range(40):
        physics.step(0.05, 6)
    assert math.hypot(*physics.state(1).velocity[:2]) == pytest.approx(speed_after(OWN, 2.0) / 2.0, rel=0.15)


@pytest.mark.parametrize(("gears", "shown"), [(5, 5), (3, 3), (1, 1), (0, 1)])
def test_telemetry_shows_no_gear_the_car_does_not_have(gears: int, shown: int) -> None:
    fast = BodyState(ORIGIN, velocity=(30.0, 0.0, 0.0))
    control = replace(OWN, forward_gears=OWN.forward_gears[:gears])
    vehicle = Vehicle(1, ActorDescription(1, DEFAULT_EGO), fast, shape=EGO, physics_control=control)
    told = telemetry(vehicle)
    assert (told.gear, told.speed) == (shown, 30.0)
    assert 800.0 < told.engine_rpm <= OWN.max_rpm


def test_only_vehicles_can_be_tuned() -> None:
    physics = Physics(plain_town())
    physics.add_walker(7, ORIGIN, 1.8, 0.3)
    with pytest.raises(TypeError, match="actor 7"):
        physics.tune(7, Tuning(1.0, 1.0))
