"""The renderer's cameras, lent to camera sensors and taken back when a sensor is destroyed. World thread only.

A drawing buffer is dear to make, and the software display keeps a closed one's memory: a world whose cars and cameras
come and go all day would grow. A sensor of a size that was used before gets a buffer that exists already.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from sim_bridge.embedded.contracts import Camera
from sim_bridge.embedded.world.parts import Painter

_Look = tuple[int, int, str]  # width, height, kind
_MOST_IDLE = 8


class Cameras:
    """Lives as long as its painter. Camera ids are ours; sensors are known by their actor ids."""

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self._lent: dict[int, Camera] = {}
        self._idle: dict[_Look, list[int]] = defaultdict(list)
        self._next_id = 1

    def lend(self, sensor_id: int, wanted: Camera) -> Camera:
        """`wanted` under the id of the renderer's camera that draws it. The size of a sensor never changes."""
        held = self._lent.get(sensor_id)
        if held is None:
            held = replace(wanted, camera_id=self._take(wanted))
        camera = replace(wanted, camera_id=held.camera_id)
        self._lent[sensor_id] = camera
        return camera

    def _take(self, wanted: Camera) -> int:
        idle = self._idle[_look(wanted)]
        if idle:
            return idle.pop()
        camera_id, self._next_id = self._next_id, self._next_id + 1
        self._painter.add_camera(replace(wanted, camera_id=camera_id))
        return camera_id

    def take_back(self, sensor_id: int) -> None:
        """The sensor is gone. A sensor that never drew has no camera."""
        camera = self._lent.pop(sensor_id, None)
        if camera is None:
            return
        self._idle[_look(camera)].append(camera.camera_id)
        while sum(map(len, self._idle.values())) > _MOST_IDLE:
            # The size used longest ago goes first: sizes are in the order they were first asked for.
            oldest = next(ids for ids in self._idle.values() if ids)
            self._painter.remove_camera(oldest.pop(0))


def _look(camera: Camera) -> _Look:
    return camera.width, camera.height, camera.kind
