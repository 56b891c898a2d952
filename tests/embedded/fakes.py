"""Small real parts for a world: two straight roads, bodies that follow a bicycle, a painter of one colour."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from sim_bridge.embedded.blueprints import Library
from sim_bridge.embedded.contracts import (
    BodyState,
    Camera,
    Contact,
    Drawn,
    Echoes,
    Label,
    Marks,
    PedalState,
    Pose,
    Scan,
    Signal,
    Sky,
    Town,
)
from sim_bridge.embedded.tuning import Tuning
from sim_bridge.embedded.vehicles import DEFAULT_EGO, VEHICLES
from sim_bridge.embedded.wire.tokens import token
from sim_bridge.embedded.world.parts import Parts
from sim_bridge.embedded.world.world import World

ROAD_LENGTH_M = 200.0
EGO_LENGTH_M = VEHICLES[DEFAULT_EGO].length


def _road(number: int, y: float, limit_mph: int) -> str:
    return f"""
  <road name="road {number}" length="{ROAD_LENGTH_M}" id="{number}" junction="-1">
    <type s="0" type="town"><speed max="{limit_mph}" unit="mph"/></type>
    <planView><geometry s="0" x="0" y="{-y}" hdg="0" length="{ROAD_LENGTH_M}"><line/></geometry></planView>
    <lanes><laneSection s="0"><center><lane id="0" type="none" level="false">
        <roadMark sOffset="0" type="broken" color="yellow" width="0.12"/></lane></center>
      <right><lane id="-1" type="driving" level="false"><width sOffset="0" a="3.5" b="0" c="0" d="0"/>
        <roadMark sOffset="0" type="solid" color="white" width="0.12"/></lane></right>
    </laneSection></lanes>
  </road>"""


OPENDRIVE = f"""<?xml version="1.0" standalone="yes"?>
<OpenDRIVE><header revMajor="1" revMinor="4" name="Flat" version="1" north="0" south="0" east="0" west="0">
  <geoReference><![CDATA[+proj=tmerc +lat_0=49 +lon_0=8 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m]]></geoReference>
</header>{_road(1, 0.0, 30)}{_road(2, 20.0, 20)}
</OpenDRIVE>"""


def _lane(road: int, y: float, limit_kmh: float) -> list[list[float]]:
    return [[s, y + 1.75, 0.0, limit_kmh, road, -1, s] for s in np.arange(0.0, ROAD_LENGTH_M, 2.0)]


def _light(signal_id: str, y: float, phase: int) -> Signal:
    pose = Pose(120.0, y + 5.0, 0.0, yaw=180.0)
    line = Pose(100.0, y + 1.75, 0.0)
    return Signal(signal_id, "traffic_light", pose, replace(pose, z=4.0), line, junction_id=7, phase=phase)


FLAT = Town(
    name="Flat",
    opendrive=OPENDRIVE,
    spawn_points=tuple(Pose(10.0 + 20.0 * i, y + 1.75, 0.3) for y in (0.0, 20.0) for i in range(4)),
    signals=(_light("101", 0.0, 0), _light("102", 20.0, 1)),
    meshes=(),
    boxes=(),
    bounds=(0.0, -10.0, ROAD_LENGTH_M, 30.0),
    lane_samples=np.array(_lane(1, 0.0, 50.0) + _lane(2, 20.0, 30.0)),
)


def load(name: str) -> Town:
    if name not in ("Flat", "Other"):
        raise ValueError(f"unknown town {name!r}, expected one of: Flat, Other")
    return replace(FLAT, name=name)


class BicycleBodies:
    """Everything stands on z = 0. Vehicles follow a kinematic bicycle; walkers walk; things overlap within 2 m."""

    def __init__(self, town: Town) -> None:
        self._poses: dict[int, Pose] = {}
        self._speeds: dict[int, float] = {}
        self._pulls: dict[int, float] = {}
        self._spins: dict[int, float] = {}  # deg/s
        self._pedals: dict[int, PedalState] = {}
        self._walks: dict[int, tuple[tuple[float, float, float], float]] = {}
        self.tunings: dict[int, Tuning] = {}
        self._held: set[int] = set()  # bodies whose physics is off
        self._pending: list[Contact] = []
        self.is_broken = False

    def add_vehicle(self, actor_id: int, shape: object, pose: Pose) -> None:
        self._poses[actor_id] = replace(pose, z=0.0)
        self._speeds[actor_id] = 0.0
        self._pedals[actor_id] = PedalState()

    def add_walker(self, actor_id: int, pose: Pose, height: float, radius: float) -> None:
        self._poses[actor_id] = replace(pose, z=0.0)
        self._walks[actor_id] = ((0.0, 0.0, 0.0), 0.0)

    def add_box(self, actor_id: int, extent: tuple[float, float, float], pose: Pose) -> None:
        self._poses[actor_id] = replace(pose, z=0.0)

    def remove(self, actor_id: int) -> None:
        for held in (self._poses, self._speeds, self._pedals, self._walks):
            held.pop(actor_id, None)

    def pedals(self, actor_id: int, pedals: PedalState) -> None:
        self._pedals[actor_id] = pedals

    def tune(self, actor_id: int, tuning: Tuning) -> None:
        self.tunings[actor_id] = tuning

    def walk(self, actor_id: int, direction: tuple[float, float, float], speed: float) -> None:
        self._walks[actor_id] = (direction, speed)

    def place(self, actor_id: int, pose: Pose) -> None:
        self._poses[actor_id] = pose

    def push(self, actor_id: int, velocity: tuple[float, float, float]) -> None:
        self._speeds[actor_id] = math.hypot(velocity[0], velocity[1])

    def spin(self, actor_id: int, angular_deg_s: tuple[float, float, float]) -> None: ...

    def impulse(self, actor_id: int, vec: tuple[float, float, float]) -> None:
        """Here an impulse on a body is a crash with something static."""
        self._pending.append(Contact(actor_id, 0, "wall", Label.WALLS, vec))

    def twist(self, actor_id: int, vec: tuple[float, float, float]) -> None:
        """Here everything is as easy to turn as a kilogram a metre away, about the upright axis."""
        self._spins[actor_id] = self._spins.get(actor_id, 0.0) + math.degrees(vec[2])

    def weigh(self, actor_id: int, has_weight: bool) -> None: ...

    def make_solid(self, actor_id: int, is_solid: bool) -> None: ...

    def simulate(self, actor_id: int, on: bool) -> None:
        if on:
            self._held.discard(actor_id)
        else:
            self._held.add(actor_id)
            self._speeds[actor_id] = 0.0

    def overlaps(self, shape_extent: tuple[float, float, float], pose: Pose) -> bool:
        return any(math.hypot(pose.x - p.x, pose.y - p.y) < 2.0 for p in self._poses.values())

    def step(self, dt: float, substeps: int) -> None:
        if self.is_broken:
            raise RuntimeError("broken on purpose")
        self._contacts, self._pending = self._pending, []
        for actor_id, pedals in self._pedals.items():
            if actor_id not in self._held:
                self._drive(actor_id, pedals, dt)
        for actor_id, ((x, y, _), speed) in self._walks.items():
            pose = self._poses[actor_id]
            self._poses[actor_id] = replace(pose, x=pose.x + x * speed * dt, y=pose.y + y * speed * dt)

    def _drive(self, actor_id: int, pedals: PedalState, dt: float) -> None:
        pose, speed = self._poses[actor_id], self._speeds[actor_id]
        before, speed = speed, max(0.0, speed + (4.0 * pedals.throttle - 8.0 * pedals.brake) * dt)
        self._pulls[actor_id] = (speed - before) / dt
        yaw = pose.yaw + math.degrees(speed / 2.85 * math.tan(math.radians(35.0 * pedals.steer))) * dt
        x = pose.x + speed * dt * math.cos(math.radians(yaw))
        y = pose.y + speed * dt * math.sin(math.radians(yaw))
        self._poses[actor_id], self._speeds[actor_id] = replace(pose, x=x, y=y, yaw=yaw), speed

    def state(self, actor_id: int) -> BodyState:
        pose, speed = self._poses[actor_id], self._speeds.get(actor_id, 0.0)
        yaw = math.radians(pose.yaw)
        c, s, pull = math.cos(yaw), math.sin(yaw), self._pulls.get(actor_id, 0.0)
        turn = (0.0, 0.0, self._spins.get(actor_id, 0.0))
        return BodyState(pose, (speed * c, speed * s, 0.0), turn, (pull * c, pull * s, 0.0))

    def contacts(self) -> list[Contact]:
        if self.is_broken:
            raise RuntimeError("broken on purpose")
        return self._contacts

    def cast(
        self, origin: tuple[float, float, float], target: tuple[float, float, float]
    ) -> list[tuple[tuple[float, float, float], Label]]:
        """Cars are met at their rear bumper, by rays that go along x."""
        met = []
        for actor_id in self._pedals:
            x = self._poses[actor_id].x - EGO_LENGTH_M / 2.0
            if origin[0] < x < target[0]:
                share = (x - origin[0]) / (target[0] - origin[0])
                at = [a + share * (b - a) for a, b in zip(origin, target, strict=True)]
                if abs(at[1] - self._poses[actor_id].y) < 0.9 and 0.0 < at[2] < 1.4:
                    met.append(((at[0], at[1], at[2]), Label.CAR))
        if origin[2] > 0.0 > target[2]:
            share = origin[2] / (origin[2] - target[2])
            at = [a + share * (b - a) for a, b in zip(origin, target, strict=True)]
            met.append(((at[0], at[1], 0.0), Label.ROADS))
        return sorted(met)


class FlatPainter:
    """Paints pixel (0, 0) with where the first drawn actor is: blue = x, green = y, red = light flags; and pixel (0, 1)
    with how many dots (blue) and strokes (green) there are."""

    backend = "flat"

    def __init__(self, town: Town) -> None:
        self.actors: dict[int, str] = {}
        self.cameras: set[int] = set()
        self.renders = 0

    def add_actor(self, actor_id: int, blueprint_id: str, attributes: dict[str, str]) -> None:
        self.actors[actor_id] = blueprint_id

    def remove_actor(self, actor_id: int) -> None:
        del self.actors[actor_id]

    def add_camera(self, camera: Camera) -> None:
        self.cameras.add(camera.camera_id)

    def remove_camera(self, camera_id: int) -> None:
        self.cameras.remove(camera_id)

    def render(
        self, drawn: list[Drawn], cameras: list[Camera], lights: object, sky: Sky, marks: Marks
    ) -> dict[int, np.ndarray]:
        self.renders += 1
        pictures = {}
        for camera in cameras:
            picture = np.full((camera.height, camera.width, 4), 128, np.uint8)
            if camera.width > 1:
                picture[0, 1, :2] = (len(marks.dots), len(marks.strokes))
            if drawn:
                picture[0, 0, :3] = (int(drawn[0].pose.x) % 256, int(drawn[0].pose.y) % 256, drawn[0].light_flags & 255)
            pictures[camera.camera_id] = picture
        return pictures

    def measure(self, drawn: list[Drawn], scans: list[Scan]) -> dict[int, Echoes]:
        """Every ray meets the rear bumper of the nearest car further along x, as if cars were infinitely wide."""
        return {scan.scan_id: self._met(scan, drawn) for scan in scans}

    def _met(self, scan: Scan, drawn: list[Drawn]) -> Echoes:
        ahead = [(one.pose.x - EGO_LENGTH_M / 2.0 - scan.pose.x, one.actor_id) for one in drawn]
        gap, actor_id = min(((gap, met) for gap, met in ahead if gap > 0.0 and met != scan.hides), default=(np.inf, 0))
        distance = np.where(scan.directions[:, 0] > 0.0, gap / np.maximum(scan.directions[:, 0], 1e-6), np.inf)
        distance = np.where(distance <= scan.range_m, distance, np.inf).astype(np.float32)
        count = len(distance)
        actors = np.where(np.isfinite(distance), actor_id, 0)
        return Echoes(distance, np.ones(count, np.float32), np.full(count, Label.CAR, np.uint8), actors)

    def forget_scan(self, scan_id: int) -> None: ...

    def outline(self, cameras: list[Camera], still: Marks, moving: Marks) -> dict[int, np.ndarray]:
        """Pixel (0, 0) counts the strokes that move (blue) and those that stand still (green), up to 255."""
        pictures = {}
        for camera in cameras:
            picture = np.zeros((camera.height, camera.width, 4), np.uint8)
            picture[0, 0, :2] = (min(255, len(moving.strokes)), min(255, len(still.strokes)))
            pictures[camera.camera_id] = picture
        return pictures

    def forget_outline(self, camera_id: int) -> None: ...

    def close(self) -> None: ...


class KeptMessages:
    """An outlet that keeps what is posted; every stream in `wanted` has a listener."""

    def __init__(self) -> None:
        self.posted: list[tuple[int, bytes]] = []
        self.opened: set[int] = set()
        self.wanted: set[int] = set()

    def open(self, stream_id: int) -> None:
        self.opened.add(stream_id)

    def shut(self, stream_id: int) -> None:
        self.opened.discard(stream_id)

    def token(self, stream_id: int) -> bytes:
        return token(stream_id, 2001)

    def is_wanted(self, stream_id: int) -> bool:
        return stream_id in self.wanted

    def post(self, stream_id: int, parts: list[bytes], is_image: bool = False, is_kept: bool = False) -> None:
        self.posted.append((stream_id, b"".join(bytes(part) for part in parts)))


PARTS = Parts(load, BicycleBodies, FlatPainter)


def flat_world(outlet: KeptMessages | None = None) -> World:
    return World(PARTS, "Flat", outlet or KeptMessages(), Library(VEHICLES))
