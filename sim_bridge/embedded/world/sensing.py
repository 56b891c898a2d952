"""Reading the sensors of one tick: what is due, what it sees, and the message it sends."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.contracts import BodyState, Camera, Contact, Drawn, Label, Marks, Pose, Sky
from sim_bridge.embedded.wire import messages
from sim_bridge.embedded.wire.codec import encoded
from sim_bridge.embedded.wire.framing import pack
from sim_bridge.embedded.wire.messages import SensorType
from sim_bridge.embedded.wire.structs import Weather
from sim_bridge.embedded.world import outlined, records
from sim_bridge.embedded.world.actors import Actor, Prop, SensorActor, Vehicle, Walker
from sim_bridge.embedded.world.instruments import Gnss, Imu
from sim_bridge.embedded.world.lidar import Lidar
from sim_bridge.embedded.world.radar import Radar
from sim_bridge.embedded.world.rays import obstacle
from sim_bridge.embedded.world.retina import Retina
from sim_bridge.embedded.world.signage import plain
from sim_bridge.embedded.world.walking import feet_of

if TYPE_CHECKING:
    from sim_bridge.embedded.world.world import World

_LOG = logging.getLogger(__name__)

_EVENTS, _OUTLINES = "sensor.camera.dvs", "sensor.camera.cosmos_visualization"
CAMERA_KINDS = {
    "sensor.camera.rgb": (SensorType.RGB, "rgb"),
    "sensor.camera.depth": (SensorType.DEPTH, "depth"),
    "sensor.camera.normals": (SensorType.NORMALS, "normals"),
    "sensor.camera.semantic_segmentation": (SensorType.SEMANTIC, "semantic"),
    "sensor.camera.instance_segmentation": (SensorType.INSTANCE, "instance"),
    "sensor.camera.optical_flow": (SensorType.OPTICAL_FLOW, "flow"),
    _EVENTS: (SensorType.DVS, "rgb"),
    _OUTLINES: (SensorType.COSMOS, "outlines"),
}
# Sensors that scan the scene with rays, drawn together before the pictures; they work without rendering, as in CARLA.
_SCANNERS: dict[str, tuple[SensorType, type[Lidar] | type[Radar]]] = {
    "sensor.lidar.ray_cast": (SensorType.LIDAR, Lidar),
    "sensor.lidar.ray_cast_semantic": (SensorType.SEMANTIC_LIDAR, Lidar),
    "sensor.other.radar": (SensorType.RADAR, Radar),
}
_BRAKE, _RIGHT, _LEFT, _REVERSE = 8, 16, 32, 64
_LEFT_BEACON, _RIGHT_BEACON = 512, 1024  # CARLA's two "special" lights
# Indicators blink within the 60 to 120 times a minute that lamps of cars must; beacons change sides faster.
_BLINK_S, _BEACON_S = 2.0 / 3.0, 0.4
_BRAKE_SHOWS = 0.02


class Sensing:
    """The sensors of one episode. Cameras reach the renderer when they are first due with a subscriber."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._cameras: set[int] = set()  # sensors that have a camera in the renderer, under the same id
        self._gnss = Gnss(world.town)
        self.imu = Imu()
        self._scanners: dict[int, Lidar | Radar] = {}  # by sensor, from its first reading on
        self._retinas: dict[int, Retina] = {}  # the same
        self._outlined_town: Marks | None = None  # from the first picture of outlines on

    def forget(self, sensor: SensorActor) -> None:
        if sensor.actor_id in self._cameras:
            self._cameras.discard(sensor.actor_id)
            self._world.painter.remove_camera(sensor.actor_id)
        self._retinas.pop(sensor.actor_id, None)
        if sensor.type_id == _OUTLINES:
            self._world.painter.forget_outline(sensor.actor_id)
        self._gnss.forget(sensor.actor_id)
        self.imu.forget(sensor.actor_id)
        if self._scanners.pop(sensor.actor_id, None) is not None:
            self._world.painter.forget_scan(sensor.actor_id)

    def read_all(self) -> None:
        """Every due sensor somebody listens to. Cheap instruments first, then all pictures at once."""
        world = self._world
        sensors = [s for s in world.actors.of(SensorActor) if s.stream_id]
        listened = [s for s in sensors if world.outlet.is_wanted(s.stream_id)]
        self._report_collisions([s for s in listened if s.type_id == "sensor.other.collision"])
        due = [s for s in listened if s.type_id != "sensor.other.collision" and s.is_due(world.elapsed_s)]
        for sensor in due:
            self._read(sensor)
        scanners = [s for s in due if s.type_id in _SCANNERS]
        cameras = [s for s in due if s.type_id in CAMERA_KINDS and not world.settings.no_rendering]
        if not scanners and not cameras:
            return
        drawn = self._drawn()
        if scanners:
            self._scan(scanners, drawn)
        if cameras:
            self._take_pictures(cameras, drawn)

    def _read(self, sensor: SensorActor) -> None:
        """Every instrument but cameras and scanners; those are drawn together."""
        if sensor.type_id == "sensor.other.gnss":
            self._post(sensor, SensorType.GNSS, [pack(self._gnss.read(sensor))])
        elif sensor.type_id == "sensor.other.imu":
            self._post(sensor, SensorType.IMU, [pack(self.imu.read(sensor))])
        elif sensor.type_id == "sensor.other.obstacle":
            self._report_obstacle(sensor)

    def _report_obstacle(self, sensor: SensorActor) -> None:
        met = obstacle(self._world, sensor)
        if met is not None:
            own = self._world.find(sensor.parent_id) or sensor
            other = met.actor or _scenery(met.label)
            parties = [encoded(records.record(actor, self._world)) for actor in (own, other)]
            self._post(sensor, SensorType.OBSTACLE, [pack([*parties, met.distance_m])])

    def _post(self, sensor: SensorActor, kind: SensorType, data: list[Any], is_image: bool = False) -> None:
        world = self._world
        head = messages.header(kind, world.frame, world.elapsed_s, sensor.pose)
        world.outlet.post(sensor.stream_id, [head, *data], is_image=is_image)

    # ---- collisions -------------------------------------------------------------------------------------------------

    def _report_collisions(self, sensors: list[SensorActor]) -> None:
        if not sensors:
            return
        for contact in self._world.bodies.contacts():
            for sensor in sensors:
                if sensor.parent_id == contact.a:
                    self._post(sensor, SensorType.COLLISION, [pack(self._collision(sensor.parent_id, contact))])

    def _collision(self, own_id: int, contact: Contact) -> list[Any]:
        world = self._world
        own, other = world.find(own_id), world.find(contact.b)
        met = other or _scenery(contact.b_label)
        return [
            encoded(records.record(own, world)) if own else [],
            encoded(records.record(met, world)),
            list(contact.impulse),
        ]

    # ---- scanners ---------------------------------------------------------------------------------------------------

    def _scan(self, sensors: list[SensorActor], drawn: list[Drawn]) -> None:
        world = self._world
        scans = []
        for sensor in sensors:
            if sensor.actor_id not in self._scanners:
                self._scanners[sensor.actor_id] = _SCANNERS[sensor.type_id][1](sensor)
            scan = self._scanners[sensor.actor_id].scan(max(sensor.period_s, world.delta_s))
            if scan is not None:
                scans.append(scan)
        try:
            found = world.painter.measure(drawn, scans)
        # As with pictures: what cannot be measured costs these readings, not the tick that everybody waits for.
        except Exception:
            _LOG.exception("frame %d: the renderer failed; its scans are missing", world.frame)
            return
        for sensor in sensors:
            if sensor.actor_id in found:
                data = self._scanners[sensor.actor_id].data(world, found[sensor.actor_id])
                self._post(sensor, _SCANNERS[sensor.type_id][0], data, is_image=True)

    # ---- cameras ----------------------------------------------------------------------------------------------------

    def _take_pictures(self, sensors: list[SensorActor], drawn: list[Drawn]) -> None:
        world = self._world
        cameras = {s.actor_id: _camera(s) for s in sensors}
        try:
            painted = [camera for camera in cameras.values() if camera.kind != "outlines"]
            for camera in painted:
                if camera.camera_id not in self._cameras:
                    world.painter.add_camera(camera)
                    self._cameras.add(camera.camera_id)
            lights = {light.signal.signal_id: light.state for light in world.lights}
            sky, marks = sky_of(world.weather), world.sketch.drawn()
            pictures = world.painter.render(drawn, painted, lights, sky, marks)
            pictures.update(self._outlines([camera for camera in cameras.values() if camera.kind == "outlines"]))
        # A picture that cannot be drawn must cost that picture only, not the clients that wait for the next tick.
        except Exception:
            _LOG.exception("frame %d: the renderer failed; its pictures are missing", world.frame)
            return
        for sensor in sensors:
            self._post_picture(sensor, cameras[sensor.actor_id], pictures[sensor.actor_id])

    def _outlines(self, cameras: list[Camera]) -> dict[int, npt.NDArray[Any]]:
        if not cameras:
            return {}
        world = self._world
        if self._outlined_town is None:
            self._outlined_town = outlined.still(world.town)
        return world.painter.outline(cameras, self._outlined_town, outlined.moving(list(world.actors)))

    def _post_picture(self, sensor: SensorActor, camera: Camera, picture: npt.NDArray[Any]) -> None:
        height, width = picture.shape[:2]
        if sensor.type_id == _EVENTS:
            if sensor.actor_id not in self._retinas:
                self._retinas[sensor.actor_id] = Retina(sensor)
            picture = self._retinas[sensor.actor_id].events(picture, self._world.elapsed_s)
            # As in CARLA: where nothing changed there is no message.
            if not len(picture):
                return
        kind, head = CAMERA_KINDS[sensor.type_id][0], messages.image_header(width, height, camera.fov)
        self._post(sensor, kind, [head, picture.view(np.uint8).data.cast("B")], is_image=True)

    def _drawn(self) -> list[Drawn]:
        drawn = []
        for actor in self._world.actors:
            if isinstance(actor, Vehicle):
                lamps = shown_lights(actor, self._world.elapsed_s)
                drawn.append(Drawn(actor.actor_id, actor.pose, lamps, actor.wheel_steer_deg))
            elif isinstance(actor, Walker):
                drawn.append(_walking(actor))
            elif isinstance(actor, Prop):
                drawn.append(Drawn(actor.actor_id, actor.pose))
        return drawn


def sky_of(weather: Weather) -> Sky:
    """The sky of a weather in CARLA's figures."""
    if weather.cloudiness < 0.0:
        # The preset "Default" says so for every figure: the map's own weather.
        weather = Weather()
    return Sky(
        sun_altitude=weather.sun_altitude,
        sun_azimuth=weather.sun_azimuth,
        cloudiness=weather.cloudiness,
        fog_density=weather.fog_density,
        wetness=max(weather.wetness, weather.precipitation_deposits),
        precipitation=weather.precipitation,
        puddles=weather.precipitation_deposits,
        dust=weather.dust_storm,
        wind=weather.wind_intensity,
        fog_distance_m=weather.fog_distance,
    )


def _walking(walker: Walker) -> Drawn:
    feet, (x, y, _) = feet_of(walker, walker.pose), walker.body.velocity
    return Drawn(walker.actor_id, feet, walk_phase=walker.stride, walk_speed_mps=math.hypot(x, y))


def shown_lights(vehicle: Vehicle, now_s: float) -> int:
    """The lamps that burn: those a script switched on, and the ones the pedals and the gear light by themselves.
    Indicators blink, beacons take turns."""
    flags = vehicle.light_flags
    if flags & (_LEFT | _RIGHT) and (now_s / _BLINK_S) % 1.0 >= 0.5:
        flags &= ~(_LEFT | _RIGHT)
    if flags & (_LEFT_BEACON | _RIGHT_BEACON):
        flags &= ~(_LEFT_BEACON | _RIGHT_BEACON)
        flags |= _LEFT_BEACON if (now_s / _BEACON_S) % 1.0 < 0.5 else _RIGHT_BEACON
    if vehicle.control.brake > _BRAKE_SHOWS:
        flags |= _BRAKE
    if vehicle.control.reverse:
        flags |= _REVERSE
    return flags


def _camera(sensor: SensorActor) -> Camera:
    return Camera(
        camera_id=sensor.actor_id,
        width=records.whole(sensor.attribute("image_size_x"), 800, 1, 4096),
        height=records.whole(sensor.attribute("image_size_y"), 600, 1, 4096),
        fov=records.real(sensor.attribute("fov"), 90.0, 1.0, 170.0),
        pose=sensor.pose,
        kind=CAMERA_KINDS[sensor.type_id][1],
    )


def _scenery(label: Label) -> Actor:
    """A stand-in actor for something of the town: the client needs a whole actor for what was hit."""
    type_id = f"static.{label.name.lower().rstrip('s')}"
    return Actor(0, plain(type_id), BodyState(Pose()), labels=bytes([label]))
