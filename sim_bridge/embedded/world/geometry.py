"""Poses in CARLA's frame: left-handed, degrees, yaw clockwise from above, pitch nose up, roll right side down.

Pure functions on plain floats: a handful of poses per tick is cheaper this way than through arrays.
"""

from __future__ import annotations

from math import asin, atan2, cos, degrees, radians, sin

from sim_bridge.embedded.contracts import Pose

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
Vec3 = tuple[float, float, float]


def rotation(pose: Pose) -> Matrix:
    """Rows of the matrix that turns a vector from the pose's axes into the world's."""
    cp, sp = cos(radians(pose.pitch)), sin(radians(pose.pitch))
    cy, sy = cos(radians(pose.yaw)), sin(radians(pose.yaw))
    cr, sr = cos(radians(pose.roll)), sin(radians(pose.roll))
    return (
        (cp * cy, cy * sp * sr - sy * cr, -cy * sp * cr - sy * sr),
        (sy * cp, sy * sp * sr + cy * cr, -sy * sp * cr + cy * sr),
        (sp, -cp * sr, cp * cr),
    )


def turned(matrix: Matrix, vector: Vec3) -> Vec3:
    x, y, z = vector
    a, b, c = matrix
    return (
        a[0] * x + a[1] * y + a[2] * z,
        b[0] * x + b[1] * y + b[2] * z,
        c[0] * x + c[1] * y + c[2] * z,
    )


def turned_back(matrix: Matrix, vector: Vec3) -> Vec3:
    """A world vector along the pose's axes."""
    x, y, z = vector
    a, b, c = matrix
    return (
        a[0] * x + b[0] * y + c[0] * z,
        a[1] * x + b[1] * y + c[1] * z,
        a[2] * x + b[2] * y + c[2] * z,
    )


def moved(pose: Pose, point: Vec3) -> Vec3:
    """A point given in the pose's frame, in the world."""
    x, y, z = turned(rotation(pose), point)
    return (pose.x + x, pose.y + y, pose.z + z)


def seen_from(pose: Pose, point: Vec3) -> Vec3:
    """A world point in the pose's frame."""
    return turned_back(rotation(pose), (point[0] - pose.x, point[1] - pose.y, point[2] - pose.z))


def composed(parent: Pose, child: Pose) -> Pose:
    """The world pose of `child`, which is given relative to `parent`."""
    outer = rotation(parent)
    x, y, z = turned(outer, (child.x, child.y, child.z))
    x, y, z = x + parent.x, y + parent.y, z + parent.z
    if not (child.pitch or child.yaw or child.roll):
        return Pose(x, y, z, parent.pitch, parent.yaw, parent.roll)
    # Columns of the child's matrix, each turned by the parent's.
    inner = rotation(child)
    forward = turned(outer, (inner[0][0], inner[1][0], inner[2][0]))
    right_z = turned(outer, (inner[0][1], inner[1][1], inner[2][1]))[2]
    up_z = turned(outer, (inner[0][2], inner[1][2], inner[2][2]))[2]
    pitch = degrees(asin(max(-1.0, min(1.0, forward[2]))))
    return Pose(x, y, z, pitch, degrees(atan2(forward[1], forward[0])), degrees(atan2(-right_z, up_z)))


def difference_deg(a: float, b: float) -> float:
    """a - b, folded into [-180, 180)."""
    return (a - b + 180.0) % 360.0 - 180.0
