"""What stands still: the ground plane and the town's boxes as static bodies, and what a ray finds on the ground."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.bullet import BulletBoxShape, BulletPlaneShape, BulletRigidBodyNode
from panda3d.core import LVector3

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import Label, StaticBox, Town

GROUND = "ground"
_HALF_LANE_M = 2.0


class Ground:
    """Static bodies of one town. `box_of` finds the StaticBox behind a Bullet node's name."""

    def __init__(self, world: Any, root: Any, town: Town) -> None:
        self._boxes: dict[str, StaticBox] = {}
        self._lanes: npt.NDArray[np.float64] = town.lane_samples[:, :2]
        self._attach_plane(world, root)
        for index, box in enumerate(town.boxes):
            self._attach_box(world, root, f"static {index}", box)

    def _attach_plane(self, world: Any, root: Any) -> None:
        node = BulletRigidBodyNode(GROUND)
        node.addShape(BulletPlaneShape(LVector3(0, 0, 1), 0.0))
        node.setFriction(0.9)
        root.attachNewNode(node)
        world.attachRigidBody(node)

    def _attach_box(self, world: Any, root: Any, name: str, box: StaticBox) -> None:
        node = BulletRigidBodyNode(name)
        node.addShape(BulletBoxShape(LVector3(box.extent[1], box.extent[0], box.extent[2])))
        node.setFriction(0.4)
        panda_frame.put(root.attachNewNode(node), box.pose)
        world.attachRigidBody(node)
        self._boxes[name] = box

    def box_of(self, node_name: str) -> StaticBox | None:
        return self._boxes.get(node_name)

    def label_at(self, x: float, y: float) -> Label:
        """ROADS within half a lane of a lane centre, GROUND elsewhere."""
        if len(self._lanes) == 0:
            return Label.GROUND
        nearest = float(np.min(np.hypot(self._lanes[:, 0] - x, self._lanes[:, 1] - y)))
        return Label.ROADS if nearest < math.hypot(_HALF_LANE_M, 1.0) else Label.GROUND
