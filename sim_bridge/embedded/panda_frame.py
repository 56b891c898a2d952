"""CARLA's left-handed frame to panda3d's right-handed one and back: mirror y. The only place that knows both.

A point (x, y, z) of the world is (x, -y, z) in panda. Bodies, cameras and models of this project point along panda's
+Y with +X to their right, so CARLA's yaw (clockwise from +x) is panda's heading -yaw - 90; pitch and roll keep signs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import LPoint3, LVector3, loadPrcFileData

from sim_bridge.embedded.contracts import Pose

# Without panda3d's own main loop nobody collects unused transforms and states; they are then freed as they fall idle.
loadPrcFileData("backseat", "garbage-collect-states 0")

Vector = tuple[float, float, float]


def point(x: float, y: float, z: float) -> Any:
    return LPoint3(x, -y, z)


def vector(v: Vector) -> Any:
    return LVector3(v[0], -v[1], v[2])


def vector_from(v: Any) -> Vector:
    return (v[0], -v[1], v[2])


def spin(degrees_per_s: Vector) -> Any:
    """Angular velocity, in radians for Bullet."""
    x, y, z = np.radians(degrees_per_s).tolist()
    return turning((x, y, z))


def turning(v: Vector) -> Any:
    """What turns about an axis: a mirror keeps the component across it and turns the others around."""
    return LVector3(-v[0], v[1], -v[2])


def spin_from(radians_per_s: Any) -> Vector:
    """The inverse of `spin`, degrees per second."""
    x, y, z = np.degrees((radians_per_s[0], radians_per_s[1], radians_per_s[2])).tolist()
    return (-x, y, -z)


def heading(yaw_deg: float) -> float:
    return -yaw_deg - 90.0


def put(node: Any, pose: Pose) -> None:
    """Give a NodePath whose nose is +Y the pose."""
    node.setPosHpr(pose.x, -pose.y, pose.z, -pose.yaw - 90.0, pose.pitch, pose.roll)


def pose_from(position: Any, hpr: Any) -> Pose:
    """Yaw in [-180, 180)."""
    yaw = (-hpr[0] - 90.0 + 180.0) % 360.0 - 180.0
    return Pose(position[0], -position[1], position[2], hpr[1], yaw, hpr[2])


def mirrored(vertices: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Points or normals (N, 3) of the world in panda's frame."""
    return (vertices * np.array([1.0, -1.0, 1.0], np.float32)).astype(np.float32)
