"""The numbered triangles of the surveyed scene, and where their corners are now. Pure numpy, panda's frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Numbers are colours of 24 bits; 0 is the clear colour, where nothing was drawn.
MOST_FACES = (1 << 24) - 1
_FIRST_ROOM = 4096
# The rasteriser puts a pixel at an edge to one face or its neighbour. On flat ground both give the same depth, so there
# the bounds may be passed by this part of the distance; at the edge of a solid thing they may not.
_FLAT_SLACK = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """The faces `numbers` (F,) as one camera sees them; axes right, forward, up of the camera, metres.

    `slopes` (F, 3): the inverse of the depth along the ray (u, 1, w) is their product. `nearest` and `farthest` (F,)
    bound the depth where the face can be. `normals` (F, 3) unit vectors out of the front.
    """

    numbers: Ints
    slopes: Floats
    nearest: Floats
    farthest: Floats
    normals: Floats


class Faces:
    """Blocks of triangles, each of one part: part 0 stands still, the others move as rigid bodies."""

    def __init__(self) -> None:
        self._corners = np.zeros((_FIRST_ROOM, 3, 3), np.float32)
        self._part = np.zeros(_FIRST_ROOM, np.int32)
        self.label = np.zeros(_FIRST_ROOM, np.uint8)
        self.instance = np.zeros(_FIRST_ROOM, np.uint16)
        self.actor = np.zeros(_FIRST_ROOM, np.int64)
        self._slack = np.zeros(_FIRST_ROOM, np.float32)
        self.count = 1  # numbers given out so far; faces of removed actors stay until their block is used again
        self._free: dict[int, list[int]] = {}
        self._poses: Floats = np.eye(4)[None]
        self._lives = np.zeros(1, np.int64)  # how often each part was given to another
        self._idle_parts: list[int] = []

    # ---- who is there -----------------------------------------------------------------------------------------------

    def claim(
        self,
        corners: npt.NDArray[np.float32],
        labels: npt.NDArray[np.uint8],
        instances: npt.NDArray[np.uint16],
        part: int = 0,
        actor_id: int = 0,
        is_flat: bool = False,
    ) -> int:
        """The number of the first of `corners` (N, 3, 3). `is_flat`: their neighbours lie in the same plane. Raises
        RuntimeError when there are no numbers left."""
        count = len(corners)
        start = self._block(count)
        rows = slice(start, start + count)
        self._corners[rows], self.label[rows], self.instance[rows] = corners, labels, instances
        self._part[rows], self.actor[rows] = part, actor_id
        self._slack[rows] = _FLAT_SLACK if is_flat else 0.0
        return start

    def _block(self, count: int) -> int:
        idle = self._free.get(count)
        if idle:
            return idle.pop()
        start, self.count = self.count, self.count + count
        if self.count > MOST_FACES:
            raise RuntimeError(f"expected at most {MOST_FACES} triangles in a scene, got {self.count}")
        while self.count > len(self._corners):
            for name in ("_corners", "_part", "_slack", "label", "instance", "actor"):
                held = getattr(self, name)
                setattr(self, name, np.concatenate([held, np.zeros_like(held)]))
        return start

    def release(self, start: int, count: int) -> None:
        self._free.setdefault(count, []).append(start)

    def new_part(self) -> int:
        if self._idle_parts:
            part = self._idle_parts.pop()
            self._lives[part] += 1
            return part
        self._poses = np.concatenate([self._poses, np.eye(4)[None]])
        self._lives = np.append(self._lives, 0)
        return len(self._poses) - 1

    def release_part(self, part: int) -> None:
        self._idle_parts.append(part)

    def move(self, part: int, world_from_part: Floats) -> None:
        """(4, 4) for row vectors, as panda3d's matrices."""
        self._poses[part] = world_from_part

    def poses(self) -> tuple[Floats, Ints]:
        """Copies of where all parts are (P, 4, 4), and of how often each was given to another (P,)."""
        return self._poses.copy(), self._lives.copy()

    def part_of(self, numbers: Ints) -> npt.NDArray[np.int32]:
        """The parts that these faces belong to; 0 for what stands still, and where nothing is."""
        return self._part[numbers]

    # ---- what a camera sees -----------------------------------------------------------------------------------------

    def seen_in(self, numbers: npt.NDArray[np.int64]) -> Ints:
        """The distinct faces of a picture of numbers, ascending, without 0."""
        is_seen = np.zeros(self.count, bool)
        # Whatever a driver may put into a pixel that is no face's colour counts as nothing.
        is_seen[np.where(numbers < self.count, numbers, 0).ravel()] = True
        is_seen[0] = False
        return np.flatnonzero(is_seen)

    def planes(self, numbers: Ints, camera_from_world: Floats) -> Planes:
        """`camera_from_world` (4, 4) for row vectors; the camera looks along +y."""
        corners = self._in_camera(numbers, camera_from_world)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        offset = np.einsum("ij,ij->i", normals, corners[:, 0])
        # A plane through the camera itself is seen edge-on: its depth is bounded by its corners alone.
        offset = np.where(np.abs(offset) < 1e-9, 1e-9, offset)
        depths, slack = corners[:, :, 1], self._slack[numbers]
        nearest, farthest = depths.min(axis=1) * (1.0 - slack), depths.max(axis=1) * (1.0 + slack)
        return Planes(numbers, normals / offset[:, None], nearest, farthest, normals)

    def _in_camera(self, numbers: Ints, camera_from_world: Floats) -> Floats:
        placed = self._poses @ camera_from_world  # (P, 4, 4)
        corners = self._corners[numbers].astype(np.float64)
        part = self._part[numbers]
        moved = np.empty_like(corners)
        still = part == 0
        moved[still] = corners[still] @ placed[0, :3, :3] + placed[0, 3, :3]
        moving = ~still
        pose = placed[part[moving]]
        moved[moving] = np.matmul(corners[moving], pose[:, :3, :3]) + pose[:, None, 3, :3]
        return moved
