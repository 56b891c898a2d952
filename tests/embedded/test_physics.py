"""Facts about motion: the default car against CARLA's published fits, collisions, walkers, determinism."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sim_bridge.embedded.contracts import BodyState, Label, PedalState, Pose, StaticBox
from sim_bridge.embedded.physics import Physics
from sim_bridge.embedded.vehicles import DEFAULT_EGO, VEHICLES
from tests.embedded.plain_towns import plain_town, wall

TICK, SUBSTEPS = 0.05, 6
EGO = VEHICLES[DEFAULT_EGO]


def _physics(*boxes: StaticBox) -> Physics:
    return Physics(plain_town(boxes=boxes))


ORIGIN = Pose()


def _with_car(pose: Pose = ORIGIN, *boxes: StaticBox) -> Physics:
    physics = _physics(*boxes)
    physics.add_vehicle(1, EGO, pose)
    _advance(physics, 10)
    return physics


def _advance(physics: Physics, ticks: int) -> None:
    for _ in range(ticks):
        physics.step(TICK, SUBSTEPS)


def _kmh(state: BodyState) -> float:
    return 3.6 * math.hypot(state.velocity[0], state.velocity[1])


def _seconds_until(physics: Physics, kmh: float, at_most: float = 20.0) -> float:
    for tick in range(int(at_most / TICK)):
        physics.step(TICK, SUBSTEPS)
        if _kmh(physics.state(1)) >= kmh:
            return (tick + 1) * TICK
    raise AssertionError(f"never reached {kmh} km/h, only {_kmh(physics.state(1)):.1f}")


def test_a_car_dropped_from_spawn_height_rests_level_on_the_ground() -> None:
    physics = _with_car(Pose(3.0, -2.0, 0.4, 0.0, 30.0))
    _advance(physics, 40)
    state = physics.state(1)
    assert (state.pose.x, state.pose.y) == pytest.approx((3.0, -2.0), abs=0.02)
    assert state.pose.z == pytest.approx(0.0, abs=0.01)
    assert state.pose.yaw == pytest.approx(30.0, abs=0.1)
    assert max(abs(v) for v in state.velocity) < 0.01
    assert max(abs(a) for a in state.acceleration) < 0.05


@pytest.mark.parametrize(("yaw", "direction"), [(0.0, (1, 0)), (90.0, (0, 1)), (-90.0, (0, -1))])
def test_throttle_drives_the_way_the_nose_points(yaw: float, direction: tuple[int, int]) -> None:
    physics = _with_car(Pose(yaw=yaw))
    physics.pedals(1, PedalState(throttle=0.7))
    _advance(physics, 60)
    state = physics.state(1)
    along = state.pose.x * direction[0] + state.pose.y * direction[1]
    across = state.pose.x * direction[1] - state.pose.y * direction[0]
    assert along > 5.0
    assert abs(across) < 0.1


def test_the_default_car_reaches_100_kmh_as_carlas_does() -> None:
    physics = _with_car()
    physics.pedals(1, PedalState(throttle=1.0))
    assert _seconds_until(physics, 100.0) == pytest.approx(7.5, abs=0.5)


@pytest.mark.parametrize(("throttle", "kmh"), [(1.0, 20.0), (1.0, 60.0), (0.6, 30.0)])
def test_throttle_matches_the_published_polynomial(throttle: float, kmh: float) -> None:
    """PDM-Lite's fit of vehicle.lincoln.mkz_2020: the speed 50 ms after a throttle."""
    v, t = kmh, throttle
    fit = 0.963873001 * v + 4.37535692e-4 * v**2 - 0.380192912 * t + 1.74950069 * t**2 + 0.0916787414 * v * t
    fit += -0.070546153 * v * t**2 - 0.00105996152 * v**2 * t + 6.71079346e-4 * v**2 * t**2
    physics = _with_car()
    physics.pedals(1, PedalState(throttle=throttle))
    physics.push(1, (kmh / 3.6, 0.0, 0.0))
    before = physics.state(1)
    _advance(physics, 1)
    gained = _kmh(physics.state(1)) - kmh
    assert before.pose.x == pytest.approx(0.0, abs=0.1)
    assert gained == pytest.approx(fit - v, abs=0.12)


def test_full_brake_from_72_kmh_stops_within_the_fits_distance_and_then_holds() -> None:
    physics = _with_car()
    physics.push(1, (20.0, 0.0, 0.0))
    start = physics.state(1).pose.x
    physics.pedals(1, PedalState(brake=1.0))
    for _ in range(100):
        physics.step(TICK, SUBSTEPS)
        if _kmh(physics.state(1)) < 0.2:
            break
    # Iterating the published braking polynomial from 72 km/h gives 24.7 m.
    assert physics.state(1).pose.x - start == pytest.approx(24.7, rel=0.12)
    stopped_at = physics.state(1).pose.x
    _advance(physics, 600)
    assert physics.state(1).pose.x == pytest.approx(stopped_at, abs=0.03)
    assert _kmh(physics.state(1)) < 0.05


@pytest.mark.parametrize("blueprint_id", ["vehicle.lincoln.mkz_2020", "vehicle.mitsubishi.fusorosa"])
def test_a_braked_car_stands_to_the_millimetre_per_second(blueprint_id: str) -> None:
    """The Traffic Manager lets nobody go from a sign who has not been slower than that."""
    physics = _physics()
    physics.add_vehicle(1, VEHICLES[blueprint_id], ORIGIN)
    physics.pedals(1, PedalState(throttle=0.6))
    _advance(physics, 60)
    physics.pedals(1, PedalState(brake=1.0))
    _advance(physics, 60)
    speeds = []
    for _ in range(20):
        physics.step(TICK, SUBSTEPS)
        speeds.append(math.hypot(*physics.state(1).velocity))
    assert max(speeds) < 0.001


@pytest.mark.parametrize("steer", [-1.0, -0.3, 0.1, 0.5, 1.0])
def test_the_turn_follows_the_fitted_bicycle(steer: float) -> None:
    """World on Rails' kinematic bicycle; steering right (positive) turns the yaw up."""
    slip = math.atan(1.4178275 / (1.4178275 - 0.090769015) * math.tan(0.36848336 * steer))
    curvature = math.sin(slip) / 1.4178275
    physics = _with_car()
    physics.push(1, (4.0, 0.0, 0.0))
    physics.pedals(1, PedalState(throttle=0.35, steer=steer))
    _advance(physics, 12)
    state = physics.state(1)
    speed = math.hypot(state.velocity[0], state.velocity[1])
    assert math.radians(state.angular_velocity[2]) / speed == pytest.approx(curvature, rel=0.04)
    assert math.copysign(1.0, state.wheel_steer_deg) == math.copysign(1.0, steer)


def test_reverse_backs_up_and_stays_slow() -> None:
    physics = _with_car()
    physics.pedals(1, PedalState(throttle=1.0, reverse=True))
    _advance(physics, 100)
    state = physics.state(1)
    assert state.pose.x < -10.0
    assert state.velocity[0] > -10.0


def test_a_heavy_vehicle_gathers_speed_more_slowly() -> None:
    physics = _with_car()
    physics.add_vehicle(2, VEHICLES["vehicle.mitsubishi.fusorosa"], Pose(0.0, 20.0))
    for actor in (1, 2):
        physics.pedals(actor, PedalState(throttle=1.0))
    _advance(physics, 80)
    assert physics.state(1).velocity[0] > 1.5 * physics.state(2).velocity[0] > 3.0


@pytest.mark.parametrize("blueprint_id", sorted(VEHICLES))
def test_every_vehicle_drives_a_curve_on_its_wheels(blueprint_id: str) -> None:
    physics = _physics()
    physics.add_vehicle(1, VEHICLES[blueprint_id], Pose(z=0.3))
    physics.pedals(1, PedalState(throttle=0.7, steer=0.25))
    _advance(physics, 80)
    pose = physics.state(1).pose
    assert abs(pose.roll) < 12.0
    assert abs(pose.pitch) < 8.0
    assert abs(pose.z) < 0.15
    assert math.hypot(pose.x, pose.y) > 1.0
    assert pose.y > 0.5


def test_the_same_commands_give_the_same_trajectory_bit_for_bit() -> None:
    def drive() -> list[BodyState]:
        physics = _with_car(Pose(), wall(25.0))
        physics.add_walker(2, Pose(10.0, 3.0), 1.8, 0.3)
        physics.walk(2, (0.0, -1.0, 0.0), 1.4)
        states = []
        for tick in range(120):
            physics.pedals(1, PedalState(throttle=0.8, steer=0.2 * math.sin(tick / 9.0)))
            physics.step(TICK, SUBSTEPS)
            states += [physics.state(1), physics.state(2)]
        return states

    assert drive() == drive()


def test_driving_into_a_wall_reports_what_was_hit_and_how_hard() -> None:
    physics = _with_car(Pose(), wall(20.0, "town hall"))
    physics.push(1, (12.0, 0.0, 0.0))
    hits = []
    for _ in range(60):
        physics.step(TICK, SUBSTEPS)
        hits += physics.contacts()
    assert {(hit.a, hit.b, hit.b_static, hit.b_label) for hit in hits} == {(1, 0, "town hall", Label.BUILDINGS)}
    total = sum(hit.impulse[0] for hit in hits)
    assert -1.6 * EGO.mass * 12.0 < total < -0.7 * EGO.mass * 12.0
    assert physics.state(1).pose.x < 20.0


def test_two_cars_that_collide_both_hear_of_it() -> None:
    physics = _with_car()
    physics.add_vehicle(2, EGO, Pose(15.0))
    physics.push(1, (10.0, 0.0, 0.0))
    pairs = {}
    for _ in range(60):
        physics.step(TICK, SUBSTEPS)
        pairs.update({(hit.a, hit.b): hit for hit in physics.contacts()})
    assert set(pairs) == {(1, 2), (2, 1)}
    assert pairs[(1, 2)].b_label == Label.CAR
    assert pairs[(1, 2)].impulse[0] == pytest.approx(-pairs[(2, 1)].impulse[0], rel=1e-4)
    assert physics.state(2).pose.x > 15.3


def test_driving_on_open_ground_is_no_collision() -> None:
    physics = _with_car()
    physics.pedals(1, PedalState(throttle=1.0, steer=0.1))
    for _ in range(60):
        physics.step(TICK, SUBSTEPS)
        assert physics.contacts() == []


def test_a_walker_walks_where_it_is_told_and_looks_there() -> None:
    physics = _physics()
    physics.add_walker(5, Pose(1.0, 2.0), 1.75, 0.3)
    physics.walk(5, (0.0, 2.0, 0.0), 1.5)
    _advance(physics, 100)
    pose = physics.state(5).pose
    assert (pose.x, pose.z) == pytest.approx((1.0, 0.0), abs=0.05)
    assert pose.y == pytest.approx(2.0 + 7.5, abs=0.3)
    assert pose.yaw == pytest.approx(90.0, abs=0.5)
    physics.walk(5, (0.0, 0.0, 0.0), 1.5)
    _advance(physics, 20)
    assert max(abs(v) for v in physics.state(5).velocity) < 0.01


def test_a_wall_stops_a_walker() -> None:
    physics = _physics(wall(3.0))
    physics.add_walker(5, Pose(), 1.75, 0.3)
    physics.walk(5, (1.0, 0.0, 0.0), 2.0)
    _advance(physics, 80)
    assert 1.9 < physics.state(5).pose.x < 2.4


def test_a_walker_that_is_hit_is_carried_off_and_hardly_slows_the_car() -> None:
    physics = _with_car()
    physics.add_walker(5, Pose(12.0), 1.75, 0.3)
    physics.push(1, (10.0, 0.0, 0.0))
    hit = []
    for _ in range(20):
        physics.step(TICK, SUBSTEPS)
        hit += [c for c in physics.contacts() if c.a == 1]
    assert {(c.b, c.b_label) for c in hit} == {(5, Label.PEDESTRIANS)}
    assert physics.state(1).velocity[0] > 6.0
    assert physics.state(5).pose.x > 12.3


def test_a_car_taken_off_physics_moves_only_when_placed() -> None:
    physics = _with_car(Pose(), wall(6.0))
    physics.simulate(1, False)
    physics.pedals(1, PedalState(throttle=1.0))
    _advance(physics, 10)
    assert physics.state(1).pose.x == pytest.approx(0.0, abs=0.02)
    for k in range(1, 11):
        physics.place(1, Pose(k * 0.5, k * 0.25, 0.0, 0.0, 10.0))
        physics.step(TICK, SUBSTEPS)
    state = physics.state(1)
    assert (state.pose.x, state.pose.y, state.pose.yaw) == pytest.approx((5.0, 2.5, 10.0), abs=1e-3)
    assert state.velocity == pytest.approx((10.0, 5.0, 0.0), abs=0.01)
    assert physics.contacts() == []


def test_a_car_put_back_on_physics_keeps_its_speed_and_drives() -> None:
    physics = _with_car()
    physics.simulate(1, False)
    for k in range(1, 11):
        physics.place(1, Pose(k * 0.5))
        physics.step(TICK, SUBSTEPS)
    physics.simulate(1, True)
    physics.pedals(1, PedalState(throttle=0.6))
    _advance(physics, 20)
    assert physics.state(1).pose.x > 5.0 + 8.0


def test_spawning_into_a_car_or_a_wall_is_seen_and_open_ground_is_free() -> None:
    physics = _with_car(Pose(), wall(20.0))
    half = (EGO.length / 2.0, EGO.width / 2.0, EGO.height / 2.0)
    assert physics.overlaps(half, Pose(3.0, 0.5, 0.3))
    assert physics.overlaps(half, Pose(19.0, 0.0, 0.3))
    assert not physics.overlaps(half, Pose(0.0, 4.0, 0.3))
    assert not physics.overlaps(half, Pose(-10.0, 0.0, 0.0))


def test_a_ray_meets_things_in_order_and_knows_what_they_are() -> None:
    physics = _with_car(Pose(10.0), wall(20.0))
    hits = physics.cast((0.0, 0.0, 1.0), (30.0, 0.0, 1.0))
    assert [label for _, label in hits] == [Label.CAR, Label.BUILDINGS]
    assert [point[0] for point, _ in hits] == pytest.approx([10.0 - EGO.length / 2.0, 19.5], abs=0.05)
    down = physics.cast((-5.0, 3.0, 5.0), (-5.0, 3.0, -5.0))
    assert down == [(pytest.approx((-5.0, 3.0, 0.0), abs=1e-3), Label.GROUND)]


def test_a_prop_can_be_knocked_over_and_removed() -> None:
    physics = _with_car()
    physics.add_box(9, (0.2, 0.2, 0.36), Pose(8.0))
    physics.push(1, (8.0, 0.0, 0.0))
    _advance(physics, 30)
    assert physics.state(9).pose.x > 8.5
    physics.remove(9)
    with pytest.raises(KeyError, match="9"):
        physics.state(9)


def test_wrong_use_names_the_actor() -> None:
    physics = _with_car()
    with pytest.raises(ValueError, match="actor 1 already"):
        physics.add_walker(1, Pose(), 1.7, 0.3)
    with pytest.raises(TypeError, match="does not walk"):
        physics.walk(1, (1.0, 0.0, 0.0), 1.0)
    with pytest.raises(KeyError, match="77"):
        physics.pedals(77, PedalState())


def test_spin_and_impulse_use_carlas_signs() -> None:
    physics = _with_car()
    physics.add_box(3, (0.5, 0.5, 0.5), Pose(0.0, 30.0, 5.0))
    physics.spin(3, (0.0, 0.0, 90.0))
    physics.step(TICK, SUBSTEPS)
    assert physics.state(3).pose.yaw == pytest.approx(90.0 * TICK, abs=0.3)
    assert physics.state(3).angular_velocity[2] == pytest.approx(90.0, abs=2.0)
    physics.impulse(1, (0.0, -EGO.mass * 1.0, 0.0))
    physics.step(TICK, 1)
    assert physics.state(1).pose.y < 0.0


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the process's memory from /proc")
def test_running_takes_no_memory() -> None:
    """A car that lies on its side touches the ground in every substep: bodies, states and contacts are all read."""

    def resident_kb() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4

    physics = _physics(wall(4.0))
    for actor in range(12):
        physics.add_vehicle(actor, EGO, Pose(0.0, 8.0 * actor - 40.0, 1.2, 0.0, 0.0, 90.0))

    def run(ticks: int) -> None:
        for _ in range(ticks):
            physics.step(TICK, SUBSTEPS)
            for actor in range(12):
                physics.state(actor)

    run(100)
    before = resident_kb()
    run(500)
    assert resident_kb() - before < 400


def test_a_car_that_is_moved_was_not_pushed_there() -> None:
    physics = _with_car()
    physics.place(1, Pose(40.0, 3.0, 2.0))
    physics.step(TICK, SUBSTEPS)
    state = physics.state(1)
    assert math.hypot(*state.velocity) < 1.0 and math.hypot(*state.acceleration) < 20.0, "it falls, and no more"


def test_a_car_put_back_on_physics_starts_where_it_was_put_last() -> None:
    physics = _with_car()
    physics.simulate(1, False)
    physics.place(1, Pose(5.0))
    physics.step(TICK, SUBSTEPS)
    physics.place(1, Pose(25.0, 2.0))
    physics.simulate(1, True)
    physics.push(1, (0.0, 0.0, 0.0))
    physics.step(TICK, SUBSTEPS)
    assert (physics.state(1).pose.x, physics.state(1).pose.y) == pytest.approx((25.0, 2.0), abs=0.02)


def test_an_angular_impulse_turns_a_body_clockwise_seen_from_above() -> None:
    """A box 1.2 m long and 0.8 m wide in free fall: its moment of inertia is known."""
    physics = _physics()
    physics.add_box(3, (0.6, 0.4, 0.3), Pose(0.0, 0.0, 50.0))
    physics.impulse(3, (1.0, 0.0, 0.0))
    physics.step(TICK, SUBSTEPS)
    mass = 1.0 / physics.state(3).velocity[0]
    inertia = mass * (1.2**2 + 0.8**2) / 12.0
    physics.twist(3, (0.0, 0.0, math.radians(45.0) * inertia))
    _advance(physics, 4)
    state = physics.state(3)
    assert state.angular_velocity == pytest.approx((0.0, 0.0, 45.0), abs=0.5)
    assert state.pose.yaw == pytest.approx(45.0 * 4 * TICK, abs=0.5)


def test_a_body_without_weight_stays_where_it_is_also_after_it_was_held() -> None:
    physics = _physics()
    physics.add_box(3, (0.5, 0.5, 0.5), Pose(0.0, 0.0, 20.0))
    physics.weigh(3, False)
    _advance(physics, 10)
    physics.simulate(3, False)
    physics.simulate(3, True)
    _advance(physics, 10)
    assert physics.state(3).pose.z == pytest.approx(20.0, abs=1e-3)
    physics.weigh(3, True)
    _advance(physics, 10)
    assert physics.state(3).pose.z == pytest.approx(20.0 - 0.5 * 9.81 * 0.5**2, abs=0.15)


def test_a_car_that_is_not_solid_drives_on_its_wheels_through_a_wall() -> None:
    physics = _with_car(Pose(), wall(12.0))
    physics.make_solid(1, False)
    physics.pedals(1, PedalState(throttle=1.0))
    _advance(physics, 80)
    assert physics.state(1).pose.x > 20.0 and abs(physics.state(1).pose.z) < 0.1
    assert physics.contacts() == []
    physics.make_solid(1, True)
    physics.place(1, Pose(0.0))
    physics.push(1, (0.0, 0.0, 0.0))
    _advance(physics, 80)
    assert physics.state(1).pose.x < 12.0


@pytest.mark.parametrize("dt", [TICK, 1e-30])
def test_no_push_takes_the_world_out_of_its_numbers(dt: float) -> None:
    physics = _with_car()
    physics.add_vehicle(2, EGO, Pose(0.0, 20.0, 0.1))
    physics.pedals(2, PedalState(throttle=0.7))
    for k in range(20):
        physics.push(1, (1e9, -1e9, 1e9))
        physics.impulse(1, (1e9, 1e9, 1e9))
        physics.spin(1, (1e9, 1e9, 1e9))
        physics.twist(1, (-1e9, 1e9, 1e9))
        physics.simulate(1, k % 3 > 0)
        physics.place(1, Pose(1e9 * (-1) ** k, 1e9, 1e9))
        physics.step(dt, SUBSTEPS)
    physics.place(1, Pose(0.0, -20.0, 0.1))
    physics.simulate(1, True)
    _advance(physics, 60)
    for actor_id in (1, 2):
        state = physics.state(actor_id)
        assert all(math.isfinite(v) for v in (state.pose.x, state.pose.y, state.pose.z, *state.velocity))
    assert physics.state(2).pose.x > 5.0


@pytest.mark.parametrize("pose", [Pose(0.0, 0.0, -1e9, pitch=-198.0), Pose(0.0, 0.0, -7e7, pitch=1e9)])
def test_a_car_put_deep_into_the_ground_stays_within_numbers(pose: Pose) -> None:
    physics = _with_car()
    physics.place(1, pose)
    for dt in (0.5, 1e-4, TICK):
        physics.step(dt, SUBSTEPS)
    assert all(math.isfinite(v) for v in (physics.state(1).pose.z, *physics.state(1).velocity))


def test_what_the_ground_throws_out_stays_within_numbers() -> None:
    physics = _with_car()
    physics.place(1, Pose(1e9, -1e9, -102395656.18189058, 0.0260970414245902, 450628051.66897094, -1e9))
    for dt in (1e-4, 0.5):
        physics.step(dt, 5)
    assert all(math.isfinite(v) for v in (physics.state(1).pose.z, *physics.state(1).velocity))


def test_a_car_pushed_into_the_ground_stays_within_numbers() -> None:
    physics = _with_car()
    for push in ((-4e3, -3e5, -10.0), (8e5, 0.0, -1e9)):
        physics.push(1, push)
        physics.step(0.5, SUBSTEPS)
    assert all(math.isfinite(v) for v in (physics.state(1).pose.z, *physics.state(1).velocity))
