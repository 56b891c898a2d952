"""Cameras that see nothing but lines, on black: what CARLA's cosmos visualisation shows. World thread only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from panda3d.core import NodePath

from sim_bridge.embedded.contracts import Camera, Marks
from sim_bridge.embedded.renderer.drawn_marks import DrawnMarks
from sim_bridge.embedded.renderer.pipe import Target
from sim_bridge.embedded.renderer.views import View

_MASK_BITS = 31  # panda keeps bit 31 of a camera mask for itself


class Outlines:
    """A scene of its own. Views appear with a camera's first picture and stay until `forget`."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._scene = NodePath("outlines")
        self._still, self._moving = DrawnMarks(self._scene), DrawnMarks(self._scene)
        self._views: dict[int, View] = {}

    def pictures(self, cameras: list[Camera], still: Marks, moving: Marks) -> dict[int, npt.NDArray[np.uint8]]:
        """(H, W, 4) BGRA by camera id. `still` is built once, for as long as it is the same object."""
        self._still.show(still)
        self._moving.show(moving)
        due = {camera.camera_id: self._view_of(camera) for camera in cameras}
        for camera in cameras:
            due[camera.camera_id].aim(camera)
            due[camera.camera_id].set_due(True)
        self._target.engine.renderFrame()
        for view in due.values():
            view.set_due(False)
        return {camera_id: view.picture() for camera_id, view in due.items()}

    def _view_of(self, camera: Camera) -> View:
        if camera.camera_id not in self._views:
            taken = {view.mask_bit for view in self._views.values()}
            bit = next((b for b in range(_MASK_BITS) if b not in taken), _MASK_BITS - 1)
            view = View(self._target, self._scene, camera, bit, 1)
            view.clear_to((0.0, 0.0, 0.0))
            self._views[camera.camera_id] = view
        return self._views[camera.camera_id]

    def forget(self, camera_id: int) -> None:
        """Unknown ids are passed over."""
        view = self._views.pop(camera_id, None)
        if view is not None:
            view.close()

    def close(self) -> None:
        for camera_id in list(self._views):
            self.forget(camera_id)
        self._scene.removeNode()
