"""Spring arms: where they put a camera, what it looks at, and how it follows."""

from __future__ import annotations

import math

import pytest

from sim_bridge.embedded.contracts import Label, Pose
from sim_bridge.embedded.wire.structs import ActorDescription
from sim_bridge.embedded.world.geometry import moved, seen_from
from sim_bridge.embedded.world.spawning import spawn
from sim_bridge.embedded.world.spring_arm import RIGID, SPRING_ARM, SPRING_ARM_GHOST, Cast, SpringArm, arm_of
from tests.embedded.fakes import flat_world
from tests.embedded.test_world import car

CHASE = Pose(-6.0, 0.0, 3.0)


def nothing(*_: object) -> list[tuple[tuple[float, float, float], Label]]:
    return []


def held(parent: Pose, mount: Pose = CHASE, attachment: int = SPRING_ARM_GHOST, cast: Cast = nothing) -> Pose:
    arm = arm_of(attachment)
    assert arm is not None
    return arm.end(parent, mount, 0.0, cast)


def test_only_the_two_spring_arms_of_carla_are_arms() -> None:
    assert [arm_of(kind) is None for kind in (RIGID, SPRING_ARM, SPRING_ARM_GHOST, 96)] == [True, False, False, True]


@pytest.mark.parametrize("yaw", [0.0, 90.0, -150.0])
@pytest.mark.parametrize("mount", [CHASE, Pose(5.0, 2.0, 1.0), Pose(0.0, -4.0, 0.0)])
def test_the_camera_is_where_it_was_put_and_looks_at_its_parent(yaw: float, mount: Pose) -> None:
    parent = Pose(10.0, -20.0, 0.5, yaw=yaw)
    end = held(parent, mount)
    assert (end.x, end.y, end.z) == pytest.approx(moved(parent, (mount.x, mount.y, mount.z)))
    ahead, right, up = seen_from(end, (parent.x, parent.y, parent.z))
    assert ahead == pytest.approx(math.hypot(mount.x, mount.y, mount.z))
    assert (right, up) == pytest.approx((0.0, 0.0), abs=1e-9)


def test_the_mounts_own_rotation_adds_to_the_look_along_the_arm() -> None:
    assert held(Pose(), Pose(-6.0, 0.0, 3.0, pitch=8.0)).pitch == pytest.approx(8.0 - math.degrees(math.atan2(3, 6)))


def test_the_arm_keeps_level_when_its_parent_does_not() -> None:
    level, tilted = held(Pose(yaw=30.0)), held(Pose(pitch=12.0, yaw=30.0, roll=-9.0))
    assert (tilted.x, tilted.y, tilted.z) == pytest.approx((level.x, level.y, level.z))
    assert (tilted.pitch, tilted.roll) == pytest.approx((level.pitch, level.roll))


def test_the_arm_follows_a_turn_softly_and_gets_there() -> None:
    arm = SpringArm(is_ghost=True)
    arm.end(Pose(yaw=170.0), CHASE, 0.05, nothing)
    yaws = [arm.end(Pose(yaw=-150.0), CHASE, 0.05, nothing).yaw % 360.0 for _ in range(40)]
    assert 170.0 < yaws[0] < 190.0, "forty degrees, the short way round"
    assert yaws == sorted(yaws) and yaws[-1] == pytest.approx(210.0, abs=0.1)


def test_walls_cut_an_arm_short_and_vehicles_do_not() -> None:
    def cast(start: tuple[float, float, float], end: tuple[float, float, float]) -> list:
        middle = tuple((a + b) / 2.0 for a, b in zip(start, end, strict=True))
        return [(start, Label.CAR), (middle, Label.BUILDINGS)]

    far, near = held(Pose(), attachment=SPRING_ARM), held(Pose(), attachment=SPRING_ARM, cast=cast)
    assert far.z == pytest.approx(3.3), "lifted off the bumps of the ground"
    assert -near.x == pytest.approx(3.0, abs=0.15)
    assert held(Pose(), attachment=SPRING_ARM_GHOST, cast=cast).x == pytest.approx(-6.0)


def test_in_a_world_the_arm_is_carried_along_until_its_parent_is_gone() -> None:
    world = flat_world()
    ego = car(world)
    description = ActorDescription(0, "sensor.camera.rgb")
    eye = spawn(world, description, CHASE, ego.actor_id, arm_of(SPRING_ARM_GHOST))
    assert eye.pose.pitch == pytest.approx(-math.degrees(math.atan2(3.0, 6.0)))
    world.place(ego, Pose(50.0, 1.75, 0.0, yaw=90.0))
    world.tick(0.05)
    assert 0.0 < eye.pose.yaw < 90.0
    for _ in range(60):
        world.tick(0.05)
    assert (eye.pose.x, eye.pose.y, eye.pose.yaw) == pytest.approx((50.0, 1.75 - 6.0, 90.0), abs=0.1)
    world.destroy(ego.actor_id)
    stays = eye.pose
    world.tick(0.05)
    assert eye.pose == stays
