"""`Survey`: the measured twin of the drawn scene: cameras of depth and labels, and echoes along rays. World thread."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import BitMask32, NodePath

from sim_bridge.embedded.contracts import Camera, Drawn, Echoes, Scan, Town
from sim_bridge.embedded.renderer.pipe import Target
from sim_bridge.embedded.renderer.static_scene import nearest_first
from sim_bridge.embedded.renderer.survey import pictures
from sim_bridge.embedded.renderer.survey.faces import Faces
from sim_bridge.embedded.renderer.survey.flow import Moment, flow_picture, moment
from sim_bridge.embedded.renderer.survey.movers import Mover
from sim_bridge.embedded.renderer.survey.number_view import NumberView, Window
from sim_bridge.embedded.renderer.survey.rig import Aimed, Rig
from sim_bridge.embedded.renderer.survey.still import add_town

_MASK_BITS = 31  # panda keeps bit 31 of a camera mask for itself
# As the pictures for people: what is nearer than this is cut away in both.
_NEAR_M, _FAR_M = 0.45, 1600.0

MEASURED_KINDS = ("depth", "semantic", "instance", "normals", "flow")


class Survey:
    """Built when the first measuring sensor reads, because it holds a second copy of the scene's triangles."""

    def __init__(self, target: Target, town: Town) -> None:
        self._target = target
        self._scene = NodePath("survey")
        self._faces = Faces()
        add_town(self._scene, self._faces, town)
        self._root = self._scene.attachNewNode("actors")
        nearest_first(self._root)
        self._movers: dict[int, Mover] = {}
        self._views: dict[int, NumberView] = {}
        self._rigs: dict[int, tuple[Scan, Rig]] = {}
        self._moments: dict[int, Moment] = {}  # of the last picture of each camera that measures flow

    def add_actor(self, actor_id: int, blueprint_id: str, attributes: dict[str, str]) -> None:
        self._movers[actor_id] = Mover(self._root, self._faces, actor_id, blueprint_id, attributes)

    def remove_actor(self, actor_id: int) -> None:
        self._movers.pop(actor_id).remove()

    def _free_bit(self) -> int:
        taken = {view.mask_bit for view in self._views.values()} | {rig.mask_bit for _, rig in self._rigs.values()}
        return next((bit for bit in range(_MASK_BITS) if bit not in taken), _MASK_BITS - 1)

    # ---- cameras ----------------------------------------------------------------------------------------------------

    def pictures(self, drawn: list[Drawn], cameras: list[Camera]) -> dict[int, npt.NDArray[Any]]:
        """By camera id, in CARLA's encoding of the camera's kind: (H, W, 4) BGRA, or (H, W, 2) float32 of flow."""
        due = self._aimed(drawn, cameras)
        return {
            camera.camera_id: self._flowed(camera.camera_id, due[camera.camera_id])
            if camera.kind == "flow"
            else self._developed(camera.kind, due[camera.camera_id])
            for camera in cameras
        }

    def _aimed(self, drawn: list[Drawn], cameras: list[Camera]) -> dict[int, NumberView]:
        """The cameras' views, drawn."""
        due = {camera.camera_id: self._view_of(camera) for camera in cameras}
        hidden: dict[int, Any] = {}
        for camera in cameras:
            due[camera.camera_id].aim(camera.pose)
            if camera.hides:
                hidden[camera.hides] = hidden.get(camera.hides, BitMask32.allOff()) | due[camera.camera_id].mask
        self._draw(drawn, hidden, list(due.values()))
        return due

    def depths(self, drawn: list[Drawn], cameras: list[Camera], shrunk: int) -> dict[int, npt.NDArray[np.float32]]:
        """(H, W) metres along each camera's axis, 1000 where nothing is, `shrunk` times smaller than its pictures."""
        small = [
            replace(c, width=max(1, c.width // shrunk), height=max(1, c.height // shrunk), kind="depth")
            for c in cameras
        ]
        views = self._aimed(drawn, small)
        return {camera_id: self._depth_in(view) for camera_id, view in views.items()}

    def _view_of(self, camera: Camera) -> NumberView:
        window = _window_of(camera)
        view = self._views.get(camera.camera_id)
        if view is not None and view.window != window:
            self.forget(camera.camera_id)
            view = None
        if view is None:
            view = NumberView(self._target, self._scene, f"survey {camera.camera_id}", window, self._free_bit())
            self._views[camera.camera_id] = view
        return view

    def _developed(self, kind: str, view: NumberView) -> npt.NDArray[np.uint8]:
        numbers, faces = view.numbers(), self._faces
        numbers[numbers >= faces.count] = 0
        if kind == "semantic":
            return pictures.semantic_picture(numbers, faces)
        if kind == "instance":
            return pictures.instance_picture(numbers, faces)
        matrix = view.camera_from_world()
        planes = faces.planes(faces.seen_in(numbers), matrix)
        if kind == "normals":
            return pictures.normals_picture(numbers, planes, np.asarray(np.linalg.inv(matrix), np.float64), faces.count)
        return pictures.depth_picture(pictures.depths(numbers, planes, view.window, faces.count))

    def _flowed(self, camera_id: int, view: NumberView) -> npt.NDArray[np.float32]:
        """None in a camera's first picture."""
        now = moment(self._faces, view.camera_from_world())
        then = self._moments.get(camera_id, now)
        self._moments[camera_id] = now
        numbers = view.numbers()
        numbers[numbers >= self._faces.count] = 0
        return flow_picture(numbers, self._depth_in(view), view.window, self._faces, then, now)

    def _depth_in(self, view: NumberView) -> npt.NDArray[np.float32]:
        numbers, faces = view.numbers(), self._faces
        numbers[numbers >= faces.count] = 0
        planes = faces.planes(faces.seen_in(numbers), view.camera_from_world())
        return pictures.depths(numbers, planes, view.window, faces.count)

    # ---- scans ------------------------------------------------------------------------------------------------------

    def echoes(self, drawn: list[Drawn], scans: list[Scan]) -> dict[int, Echoes]:
        """What the rays of each scan meet, by its id."""
        aimed: dict[int, list[Aimed]] = {}
        hidden: dict[int, Any] = {}
        for scan in scans:
            rig = self._rig_of(scan)
            aimed[scan.scan_id] = list(rig.aim(scan))
            if scan.hides:
                mask = BitMask32.bit(rig.mask_bit)
                hidden[scan.hides] = hidden.get(scan.hides, BitMask32.allOff()) | mask
        self._draw(drawn, hidden, [one.view for parts in aimed.values() for one in parts])
        return {scan.scan_id: self._measured(scan, aimed[scan.scan_id]) for scan in scans}

    def _rig_of(self, scan: Scan) -> Rig:
        held = self._rigs.get(scan.scan_id)
        if held is not None and not _is_same_fan(held[0], scan):
            self.forget(scan.scan_id)
            held = None
        if held is None:
            held = (scan, Rig(self._target, self._scene, scan, self._free_bit()))
            self._rigs[scan.scan_id] = held
        return held[1]

    def _measured(self, scan: Scan, aimed: list[Aimed]) -> Echoes:
        faces, count = self._faces, len(scan.directions)
        distance = np.full(count, np.inf, np.float32)
        cosine = np.zeros(count, np.float32)
        number = np.zeros(count, np.int64)
        for one in aimed:
            found = _looked_up(one)
            found[found >= faces.count] = 0
            is_hit = found > 0
            chosen, across, up = one.chosen[is_hit], one.across[is_hit], one.up[is_hit]
            seen, at = np.unique(found[is_hit], return_inverse=True)
            planes = faces.planes(seen, one.view.camera_from_world())
            slopes, normals = planes.slopes[at], planes.normals[at]
            with np.errstate(divide="ignore"):
                depth = 1.0 / (slopes[:, 0] * across + slopes[:, 1] + slopes[:, 2] * up)
            depth = np.clip(depth, planes.nearest[at], planes.farthest[at])
            length = np.sqrt(1.0 + across**2 + up**2)
            number[chosen] = found[is_hit]
            distance[chosen] = depth * length
            cosine[chosen] = np.abs(normals[:, 0] * across + normals[:, 1] + normals[:, 2] * up) / length
        is_far = ~((distance > 0.0) & (distance <= scan.range_m))
        number[is_far], distance[is_far] = 0, np.inf
        return Echoes(distance, cosine, faces.label[number], faces.actor[number])

    # ---- both -------------------------------------------------------------------------------------------------------

    def _draw(self, drawn: list[Drawn], hidden: dict[int, Any], views: list[NumberView]) -> None:
        absent = set(self._movers)
        for one in drawn:
            mover = self._movers.get(one.actor_id)
            if mover is not None:
                absent.discard(one.actor_id)
                mover.show(one)
                mover.hide_from(hidden.get(one.actor_id, BitMask32.allOff()))
        for actor_id in absent:
            self._movers[actor_id].hide()
        for view in views:
            view.set_due(True)
        self._target.engine.renderFrame()
        for view in views:
            view.set_due(False)

    def forget(self, sensor_id: int) -> None:
        """The sensor is gone; unknown ids are passed over."""
        self._moments.pop(sensor_id, None)
        view, held = self._views.pop(sensor_id, None), self._rigs.pop(sensor_id, None)
        if view is not None:
            view.close()
        if held is not None:
            held[1].close()

    def close(self) -> None:
        for sensor_id in [*self._views, *self._rigs]:
            self.forget(sensor_id)
        self._movers.clear()
        self._scene.removeNode()


def _window_of(camera: Camera) -> Window:
    across = math.tan(math.radians(camera.fov) / 2.0)
    up = across * camera.height / camera.width
    return Window(-across, across, -up, up, camera.width, camera.height, _NEAR_M, _FAR_M)


def _is_same_fan(a: Scan, b: Scan) -> bool:
    """Whether the views of one scan serve the other."""
    return (a.azimuth_deg, a.elevation_deg, a.pitch_deg, a.range_m) == (
        b.azimuth_deg,
        b.elevation_deg,
        b.pitch_deg,
        b.range_m,
    )


def _looked_up(aimed: Aimed) -> npt.NDArray[np.int64]:
    """The face number in the pixel each ray goes through."""
    window = aimed.view.window
    column = (aimed.across - window.left) / (window.right - window.left) * window.width
    row = (window.high - aimed.up) / (window.high - window.low) * window.height
    columns = np.clip(column.astype(np.int64), 0, window.width - 1)
    rows = np.clip(row.astype(np.int64), 0, window.height - 1)
    return aimed.view.numbers()[rows, columns]
