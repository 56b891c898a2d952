"""`Renderer`: the town, its actors and its cameras in one scene graph, drawn by one call. World thread only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import BitMask32, NodePath

from sim_bridge.embedded.contracts import NO_MARKS, Camera, Drawn, Echoes, LightState, Marks, Scan, Sky, Town
from sim_bridge.embedded.renderer.actors import Actors
from sim_bridge.embedded.renderer.drawn_marks import DrawnMarks
from sim_bridge.embedded.renderer.light import NIGHT_FALLS, Daylight, daylight
from sim_bridge.embedded.renderer.outlines import Outlines
from sim_bridge.embedded.renderer.pipe import open_target
from sim_bridge.embedded.renderer.signals import Signals
from sim_bridge.embedded.renderer.sky import SkyDome
from sim_bridge.embedded.renderer.static_scene import StaticScene
from sim_bridge.embedded.renderer.street_light import StreetLight
from sim_bridge.embedded.renderer.survey.survey import MEASURED_KINDS, Survey
from sim_bridge.embedded.renderer.textures import Palette
from sim_bridge.embedded.renderer.veil import Rain, fogged, thickness_per_m
from sim_bridge.embedded.renderer.views import View

# panda keeps bit 31 of a camera mask for itself.
_MASK_BITS = 31
_LARGEST_PX = 8192
_FOG_DETAIL = 2  # pixels of a picture per pixel of the depth that its fog is drawn by
_FOV_DEG = (1.0, 175.0)
# Light is baked again when a weather moved it this far; a script that turns the sun a little each tick stays cheap.
_SUN_STEP_DEG, _WEATHER_STEP = 2.0, 5.0


class Renderer:
    """Lives with a town. `backend` is "tinydisplay" or "gl: <driver>".

    `prefer` is "auto" (GL where it is real hardware), "software" or "gl".
    """

    def __init__(self, town: Town, prefer: str = "auto") -> None:
        self._target = open_target(prefer)
        self.backend = self._target.name
        self._scene = NodePath("scene")
        self._static = StaticScene(self._scene, town, Palette())
        self._signals = Signals(self._scene, town.signals)
        self._street_light = StreetLight(self._scene, town)
        self._rain = Rain()
        self._actors = Actors(self._scene)
        self._marks = DrawnMarks(self._scene)
        self._outlines = Outlines(self._target)
        self._dome = SkyDome()
        self._views: dict[int, View] = {}
        self._town = town
        self._looks: dict[int, tuple[str, dict[str, str]]] = {}  # blueprint and attributes of every actor
        self._measuring: set[int] = set()  # cameras that measure
        self._survey: Survey | None = None
        self._sky: Sky | None = None
        self._light: Daylight = daylight(Sky())
        self._relight(Sky())

    # ---- who is drawn ----

    def add_actor(self, actor_id: int, blueprint_id: str, attributes: dict[str, str]) -> None:
        """Drawn from now on in every tick whose `drawn` names it. Raises ValueError on an id in use or a vehicle
        this world does not have."""
        self._actors.add(actor_id, blueprint_id, attributes)
        self._looks[actor_id] = (blueprint_id, attributes)
        if self._survey is not None:
            self._survey.add_actor(actor_id, blueprint_id, attributes)

    def remove_actor(self, actor_id: int) -> None:
        self._actors.remove(actor_id)
        del self._looks[actor_id]
        if self._survey is not None:
            self._survey.remove_actor(actor_id)

    def add_camera(self, camera: Camera, supersample: int = 1) -> None:
        """`supersample` 2 smooths edges at about twice the price, of "rgb" cameras only: what is measured is never
        averaged. Raises ValueError on an id in use, an unknown kind, a size outside 1..8192 and a field of view outside
        1..175 degrees."""
        _check(camera)
        if camera.camera_id in self._views or camera.camera_id in self._measuring:
            raise ValueError(f"camera {camera.camera_id} exists; remove it before adding another")
        if camera.kind in MEASURED_KINDS:
            self._measuring.add(camera.camera_id)
            return
        taken = {view.mask_bit for view in self._views.values()}
        bit = next((b for b in range(_MASK_BITS) if b not in taken), _MASK_BITS - 1)
        view = View(self._target, self._scene, camera, bit, supersample)
        view.hang_sky(self._dome, self._light.horizon)
        self._views[camera.camera_id] = view

    def remove_camera(self, camera_id: int) -> None:
        if camera_id in self._measuring:
            self._measuring.discard(camera_id)
            self.forget_scan(camera_id)
            return
        self._view(camera_id)
        self.forget_scan(camera_id)
        self._views.pop(camera_id).close()

    def _view(self, camera_id: int) -> View:
        try:
            return self._views[camera_id]
        except KeyError:
            raise KeyError(f"camera {camera_id} does not exist; add it first") from None

    # ---- one tick ----

    def render(
        self,
        drawn: list[Drawn],
        cameras: list[Camera],
        lights: dict[str, LightState],
        sky: Sky,
        marks: Marks = NO_MARKS,
    ) -> dict[int, npt.NDArray[Any]]:
        """Pictures of `cameras` by id: (H, W, 4) BGRA, top row first, C-contiguous; of flow (H, W, 2) float32. The
        others are not drawn. `marks` are painted, never measured."""
        self._marks.show(marks)
        measured = [camera for camera in cameras if camera.camera_id in self._measuring]
        found = self._surveyed().pictures(drawn, measured) if measured else {}
        painted = [camera for camera in cameras if camera.camera_id not in self._measuring]
        return {**found, **self._painted(drawn, painted, lights, sky)}

    def _painted(
        self, drawn: list[Drawn], cameras: list[Camera], lights: dict[str, LightState], sky: Sky
    ) -> dict[int, npt.NDArray[np.uint8]]:
        if not cameras:
            return {}
        if _differs(sky, self._sky):
            self._relight(sky)
        hidden: dict[int, Any] = {}
        due = {camera.camera_id: self._view(camera.camera_id) for camera in cameras}
        for camera in cameras:
            due[camera.camera_id].aim(camera)
            self._static.look_from(due[camera.camera_id].mask, camera.pose.z)
            if camera.hides:
                hidden[camera.hides] = hidden.get(camera.hides, BitMask32.allOff()) | due[camera.camera_id].mask
        self._actors.show(drawn, hidden)
        self._signals.show(lights)
        for camera_id, view in self._views.items():
            view.set_due(camera_id in due)
        self._target.engine.renderFrame()
        pictures = {camera_id: view.picture() for camera_id, view in due.items()}
        return self._in_weather(pictures, drawn, cameras, sky)

    def _in_weather(
        self, pictures: dict[int, npt.NDArray[np.uint8]], drawn: list[Drawn], cameras: list[Camera], sky: Sky
    ) -> dict[int, npt.NDArray[np.uint8]]:
        """Through fog, dust and rain, where there are any."""
        if thickness_per_m(sky) > 0.0:
            depths = self._surveyed().depths(drawn, cameras, _FOG_DETAIL)
            pictures = {i: fogged(picture, depths[i], sky, self._light) for i, picture in pictures.items()}
        if sky.precipitation > 0.0:
            pictures = {i: self._rain.over(picture, sky, self._light) for i, picture in pictures.items()}
        return pictures

    def measure(self, drawn: list[Drawn], scans: list[Scan]) -> dict[int, Echoes]:
        """What the rays of each scan meet, by its id. Its views stay until `forget_scan`."""
        return self._surveyed().echoes(drawn, scans) if scans else {}

    def outline(self, cameras: list[Camera], still: Marks, moving: Marks) -> dict[int, npt.NDArray[np.uint8]]:
        """Pictures of these marks alone, on black, by camera id: (H, W, 4) BGRA. The cameras' views stay until
        `forget_outline`."""
        for view in self._views.values():
            view.set_due(False)
        return self._outlines.pictures(cameras, still, moving)

    def forget_outline(self, camera_id: int) -> None:
        """Free a view of `outline`; an id that had none is passed over."""
        self._outlines.forget(camera_id)

    def forget_scan(self, scan_id: int) -> None:
        """Free the views of a scan; an id that never scanned is passed over."""
        if self._survey is not None:
            self._survey.forget(scan_id)

    def _surveyed(self) -> Survey:
        if self._survey is None:
            self._survey = Survey(self._target, self._town)
            for actor_id, (blueprint_id, attributes) in self._looks.items():
                self._survey.add_actor(actor_id, blueprint_id, attributes)
        for view in self._views.values():
            view.set_due(False)
        return self._survey

    def _relight(self, sky: Sky) -> None:
        self._sky = sky
        self._light = daylight(sky)
        self._static.relight(self._light, min(1.0, sky.wetness / 100.0), min(1.0, sky.puddles / 100.0))
        self._street_light.relight(self._light.night > NIGHT_FALLS)
        self._actors.relight(self._light)
        self._signals.relight(self._light)
        self._dome.relight(sky, self._light)
        for view in self._views.values():
            view.hang_sky(self._dome, self._light.horizon)

    def close(self) -> None:
        """Free every buffer and node. Twice is fine."""
        for view in self._views.values():
            view.close()
        self._views.clear()
        if self._survey is not None:
            self._survey.close()
            self._survey = None
        self._outlines.close()
        self._actors.close()
        self._scene.removeNode()


def _check(camera: Camera) -> None:
    if camera.kind != "rgb" and camera.kind not in MEASURED_KINDS:
        raise ValueError(f"expected a camera of kind rgb, {', '.join(MEASURED_KINDS)}, got {camera.kind!r}")
    if not (1 <= camera.width <= _LARGEST_PX and 1 <= camera.height <= _LARGEST_PX):
        raise ValueError(f"expected a picture of 1..{_LARGEST_PX} pixels a side, got {camera.width}x{camera.height}")
    if not _FOV_DEG[0] <= camera.fov <= _FOV_DEG[1]:
        raise ValueError(f"expected a horizontal fov of {_FOV_DEG[0]}..{_FOV_DEG[1]} degrees, got {camera.fov}")


def _differs(sky: Sky, baked: Sky | None) -> bool:
    if baked is None:
        return True
    sun = max(abs(sky.sun_altitude - baked.sun_altitude), abs(sky.sun_azimuth - baked.sun_azimuth))
    clouds = max(
        abs(sky.cloudiness - baked.cloudiness),
        abs(sky.fog_density - baked.fog_density),
        abs(sky.precipitation - baked.precipitation),
        abs(sky.wetness - baked.wetness),
        abs(sky.puddles - baked.puddles),
        abs(sky.dust - baked.dust),
    )
    return sun >= _SUN_STEP_DEG or clouds >= _WEATHER_STEP
