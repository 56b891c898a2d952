"""Pictures of numbers turned into what CARLA's cameras send: (H, W, 4) uint8 BGRA, top row first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.contracts import Label
from sim_bridge.embedded.renderer.survey.faces import Faces, Floats, Planes
from sim_bridge.embedded.renderer.survey.number_view import Window

Numbers = npt.NDArray[np.int64]
Picture = npt.NDArray[np.uint8]

DEEPEST_M = 1000.0  # what a depth camera shows where there is nothing
_DEPTH_STEPS = (1 << 24) - 1
_OPAQUE = np.uint32(0xFF000000)


def depths(numbers: Numbers, planes: Planes, window: Window, count: int) -> npt.NDArray[np.float32]:
    """(H, W) metres along the camera's axis, DEEPEST_M where nothing is."""
    across, ahead, up, nearest, farthest = _by_number(planes, count)
    flat = numbers.ravel()
    columns = np.tile(window.columns().astype(np.float32), window.height)
    rows = np.repeat(window.rows().astype(np.float32), window.width)
    inverse = across.take(flat) * columns
    inverse += ahead.take(flat)
    inverse += up.take(flat) * rows
    with np.errstate(divide="ignore"):
        depth: npt.NDArray[np.float32] = np.reciprocal(inverse, out=inverse)
    # A pixel at a face's edge may lie a little outside of it, where its plane runs off to anywhere.
    np.maximum(depth, nearest.take(flat), out=depth)
    np.minimum(depth, farthest.take(flat), out=depth)
    np.minimum(depth, np.float32(DEEPEST_M), out=depth)
    depth.shape = numbers.shape
    return depth


def _by_number(planes: Planes, count: int) -> tuple[npt.NDArray[np.float32], ...]:
    """The planes' coefficients and bounds in tables (count,) that a picture of numbers can look up."""
    columns = (*planes.slopes.T, planes.nearest, planes.farthest)
    nothing = (0.0, 1.0 / DEEPEST_M, 0.0, DEEPEST_M, DEEPEST_M)
    tables = []
    for values, empty in zip(columns, nothing, strict=True):
        table = np.full(count, empty, np.float32)
        table[planes.numbers] = values
        tables.append(table)
    return tuple(tables)


def depth_picture(depth: npt.NDArray[np.float32]) -> Picture:
    """CARLA's encoding: metres / 1000 in 24 bits, red the lowest byte, blue the highest."""
    steps = (depth.astype(np.float64) * (_DEPTH_STEPS / DEEPEST_M) + 0.5).astype(np.uint32)
    low_to_red = (steps & np.uint32(0xFF)) << np.uint32(16)
    return _picture(low_to_red | (steps & np.uint32(0xFF00)) | (steps >> np.uint32(16)))


def semantic_picture(numbers: Numbers, faces: Faces) -> Picture:
    """The label in red, sky where nothing is."""
    return _picture(_labels(faces).take(numbers))


def instance_picture(numbers: Numbers, faces: Faces) -> Picture:
    """The label in red; the instance's low byte in green, its high byte in blue."""
    instance = faces.instance[: faces.count].astype(np.uint32)
    instance[0] = 0
    codes = _labels(faces) | (instance & np.uint32(0xFF)) << np.uint32(8) | instance >> np.uint32(8)
    return _picture(codes.take(numbers))


def _labels(faces: Faces) -> npt.NDArray[np.uint32]:
    labels = faces.label[: faces.count].astype(np.uint32)
    labels[0] = Label.SKY
    return labels << np.uint32(16)


def normals_picture(numbers: Numbers, planes: Planes, world_from_camera: Floats, count: int) -> Picture:
    """Normals along the world's axes x, y, z in red, green, blue, -1..1 as 0..255; black where nothing is."""
    in_panda = planes.normals @ world_from_camera[:3, :3]
    scaled = np.clip((in_panda * (1.0, -1.0, 1.0) + 1.0) * 127.5 + 0.5, 0, 255).astype(np.uint32)
    codes = np.zeros(count, np.uint32)
    codes[planes.numbers] = scaled[:, 0] << 16 | scaled[:, 1] << 8 | scaled[:, 2]
    return _picture(codes.take(numbers))


def _picture(codes: npt.NDArray[np.uint32]) -> Picture:
    return np.ascontiguousarray(codes | _OPAQUE).view(np.uint8).reshape(*codes.shape, 4)
