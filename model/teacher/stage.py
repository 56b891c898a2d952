"""A world made ready for staged frames: a pool of actors without physics, moved into a new scene every tick.

Through the ordinary `carla` API, so it works in the embedded world and in a real CARLA. One thread; `close` takes our
actors away and gives the world its settings back.
"""

from __future__ import annotations

import dataclasses
import math
import queue
from typing import Any

import carla
import numpy as np
import numpy.typing as npt

from model.teacher import arrange, blockage, lane_walk
from model.teacher.arrange import EGO_FRONT_M, Arrangement, Cast, Placed, Pose, Scene, Setting
from model.teacher.facts import ROUTE_M, frame_facts, lanes_at
from model.teacher.places import Places
from model.teacher.right_of_way import crosses
from model.teacher.sight import Eye
from model.teacher.surroundings import BRAKE_LAMPS, HAZARD_LAMPS, Body, Surroundings, SurroundingsReader
from model.teacher.way import along, signs_ahead
from model.teacher.weathers import WEATHERS, weather_parameters
from model.training.paths import begins_with_bend, headings
from model.training.samples import FrameFacts
from sim_bridge.messages import FRONT_CAMERA, TICK_S

EGO_BLUEPRINT = "vehicle.lincoln.mkz_2020"
POOL = (
    "vehicle.tesla.model3",
    "vehicle.dodge.charger_2020",
    "vehicle.audi.tt",
    "vehicle.mini.cooper_s",
    "vehicle.nissan.micra",
    "vehicle.nissan.patrol",
    "vehicle.jeep.wrangler_rubicon",
    "vehicle.tesla.cybertruck",
    "vehicle.ford.crown",
    "vehicle.mercedes.sprinter",
    "vehicle.mercedes.sprinter",
    "vehicle.carlamotors.carlacola",
    "vehicle.mitsubishi.fusorosa",
    "vehicle.kawasaki.ninja",
    "vehicle.bh.crossbike",
)
POOL_COLORS = (
    "220,220,220",
    "30,30,32",
    "170,25,25",
    "35,75,170",
    "120,120,125",
    "40,115,55",
    "225,190,50",
    "200,100,30",
)
# What closes a lane: as many cones as the longest row has, then two barriers.
THINGS = (
    *3 * ("static.prop.constructioncone", "static.prop.trafficcone01"),
    "static.prop.streetbarrier",
    "static.prop.chainbarrier",
)
# Where the pool waits, metres from the town's middle: past anything a camera draws or a scene is read from.
AWAY_M = 3000.0
# A car without physics stands this high, as one that has settled on its springs does.
SETTLED_Z = 0.03
WALKER_MIDDLE_Z = 0.95
# After so many scenes the weather changes, and so do the pool's colours.
FRAMES_PER_WEATHER = 250
NEARBY_M = 60.0
SHORTEST_M = 45
HALF_LANE_M = 1.6
EGO_HALF_WIDTH_M = 0.95
# Scenes before a stop or yield sign that are drawn beside those that come about by themselves.
SIGN_SHARE = 0.06
# Of the others, those in which something blocks the lane; so many draws are made to find a place and a way round.
BLOCKED_SHARE, BLOCKED_TRIES = 0.08, 60
# Scenes with the car on the sidewalk or in the oncoming lane.
STRAYED_SHARE = 0.03
JUNCTION_M = 32.0  # from a junction's middle, whoever is nearer may cross soon
CAMERA_JITTER_M, CAMERA_JITTER_DEG = 0.04, 0.6
PICTURE_WAIT_S = 10.0


class Stage:
    """Draws, shows and reads one scene per `shot`."""

    def __init__(self, client: Any, rng: np.random.Generator, only: str = "") -> None:
        """`only` stages "bends" and turns alone, or "signs": approaches to those where one stops or gives way, or
        "blocked" lanes, or a car that has "strayed" from its lanes. All are rare among places and hard to learn.
        Raises ValueError where a town without signs is asked for them.
        """
        self._client, self._rng, self._only = client, rng, only
        self._world = client.get_world()
        self._before = self._world.get_settings()
        self.map = self._world.get_map()
        self.town = self.map.name.rsplit("/", 1)[-1]
        self._ours: list[Any] = []
        self._pictures: queue.Queue[Any] = queue.Queue()
        self._shots = 0
        self._weather = ""
        self._make_synchronous()
        self._places = Places(self.map)
        if only == "signs" and not self._places.has_signs:
            raise ValueError(f"expected a town with stop or yield signs, {self.town} has none")
        self._lane_poses = _poses(self._places.outside)
        self._all_poses = _poses([*self._places.outside, *self._places.inside])
        self._spawn_all()
        self._reader = SurroundingsReader(self._world, self.map)
        self._lights = {light.id: light for light in self._world.get_actors().filter("traffic.traffic_light*")}
        self._freeze(True)

    # ---- making ready ------------------------------------------------------------------------------------------------

    def _make_synchronous(self) -> None:
        settings = self._world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, TICK_S
        self._world.apply_settings(settings)

    def _freeze(self, is_frozen: bool) -> None:
        for light in list(self._lights.values())[:1]:
            light.freeze(is_frozen)

    def _spawn_all(self) -> None:
        library = self._world.get_blueprint_library()
        self._ego = self._spawn(library.find(EGO_BLUEPRINT), 0)
        self._vehicles = self._spawned_pool()
        people = library.filter("walker.pedestrian.*")
        self._walkers = [self._spawn(person, 30 + i) for i, person in enumerate(people)]
        self._things = [self._spawn(library.find(name), 50 + i) for i, name in enumerate(THINGS)]
        self._cast = Cast(_half_sizes(self._vehicles), len(self._walkers), _half_sizes(self._things))
        camera = library.find("sensor.camera.rgb")
        for name, value in (("image_size_x", FRONT_CAMERA.width_px), ("image_size_y", FRONT_CAMERA.height_px)):
            camera.set_attribute(name, str(value))
        camera.set_attribute("fov", str(FRONT_CAMERA.fov_deg))
        self._camera = self._world.spawn_actor(camera, _mount(0.0, 0.0, 0.0, 0.0), attach_to=self._ego)
        self._ours.append(self._camera)
        self._camera.listen(self._pictures.put)

    def _spawned_pool(self) -> list[Any]:
        library = self._world.get_blueprint_library()
        return [self._spawn(_colored(library.find(name), self._rng), k + 1) for k, name in enumerate(POOL)]

    def _repaint(self) -> None:
        """The same pool in other colours: an actor keeps its paint for life."""
        for vehicle in self._vehicles:
            vehicle.destroy()
            self._ours.remove(vehicle)
        self._vehicles = self._spawned_pool()

    def _spawn(self, blueprint: Any, slot: int) -> Any:
        """Spawned high over a spawn point of its own, so that nothing is in the way, then taken out of physics."""
        points = self.map.get_spawn_points()
        point = points[slot % len(points)]
        where = carla.Transform(
            carla.Location(point.location.x, point.location.y, point.location.z + 20.0 + 10.0 * (slot // len(points))),
            point.rotation,
        )
        actor = self._world.spawn_actor(blueprint, where)
        self._ours.append(actor)
        actor.set_simulate_physics(False)
        return actor

    # ---- one frame ---------------------------------------------------------------------------------------------------

    def shot(self) -> tuple[npt.NDArray[np.uint8], FrameFacts, list[list[float]]]:
        """A new scene: its picture (512, 1024, 3) RGB, its facts, and the car's 4x4 pose in the world.

        Raises TimeoutError when the picture of the tick does not come.
        """
        if self._shots % FRAMES_PER_WEATHER == 0:
            self._weather = str(self._rng.choice(list(WEATHERS)))
            self._world.set_weather(weather_parameters(self._weather))
            if self._shots:
                self._repaint()
        self._shots += 1
        # 1. Draw: a place, a way ahead, a scene on it.
        drawn = self._blocked() if self._is_blocked() else self._scene()
        # 2. Show: one batch, one tick, the picture of that very tick.
        self._set_lights(drawn.route.xy[0])
        for result in self._client.apply_batch_sync(self._commands(drawn.made), False):
            if result.error:
                raise RuntimeError(f"the world refused to place an actor: {result.error}")
        frame = self._world.tick()
        picture = self._picture_of(frame)
        # 3. Read it back as facts.
        return _rgb(picture), self._facts(drawn, picture), pose_matrix(self._ego)

    def _is_blocked(self) -> bool:
        """Whether the next scene is a blocked lane."""
        share = 1.0 if self._only == "blocked" else 0.0 if self._only else BLOCKED_SHARE
        return bool(self._rng.random() < share)

    def _blocked(self) -> Scene:
        """A blocked lane, or in a town that has no place for one anything else."""
        for _ in range(BLOCKED_TRIES):
            start, route = self._drawn_course(False, ROUTE_M + blockage.BLOCKED_FROM_M + blockage.CLEAR_AFTER_M)
            if not blockage.has_room(route):
                continue
            setting = Setting(start.lane_width, self._nearby(route.xy[int(blockage.BLOCKED_FROM_M)]))
            drawn = blockage.draw(route, setting, self._cast, self._lane_at, self._rng)
            if drawn is not None:
                return drawn
        return self._scene()

    def _lane_at(self, x: float, y: float) -> Any:
        return self.map.get_waypoint(carla.Location(x, y, 0.0))

    def _scene(self) -> Scene:
        """A lane that is open, with whoever comes along."""
        while True:
            is_before_sign = self._is_before_sign()
            start, route = self._drawn_course(is_before_sign)
            crossing = self._crossing(route) if is_before_sign else ()
            strayed_m = None if is_before_sign else self._strayed_m(start)
            if strayed_m is None and self._only == "strayed":
                continue
            setting = Setting(start.lane_width, self._nearby(route.xy[0]), is_before_sign, crossing, strayed_m)
            made = arrange.arrange(route.xy, setting, self._cast, self._rng)
            aside = along(route.xy, made.ego[:2])[1]
            beside = {side: lane_walk.neighbour(start, side) for side in ("left", "right")}
            # In that lane it would look like a car that belongs there.
            is_in_next = beside["right" if aside > 0.0 else "left"] is not None
            if abs(aside) <= HALF_LANE_M or not is_in_next:
                return Scene(route, route, made)

    def _strayed_m(self, lane: Any) -> float | None:
        """Metres to the right of a lane to where the car has strayed; None for a car that keeps to it."""
        share = 1.0 if self._only == "strayed" else 0.0 if self._only else STRAYED_SHARE
        if self._rng.random() >= share:
            return None
        oncoming_m, sidewalk_m = lane_walk.oncoming_m(lane), lane_walk.sidewalk_m(lane)
        places = [metres for metres in (oncoming_m and -oncoming_m, sidewalk_m) if metres is not None]
        return places[int(self._rng.integers(len(places)))] if places else None

    def _is_before_sign(self) -> bool:
        """Whether the next scene is an approach to a sign."""
        share = 1.0 if self._only == "signs" else 0.0 if self._only else SIGN_SHARE
        return self._places.has_signs and bool(self._rng.random() < share)

    def _drawn_course(self, is_before_sign: bool, length_m: float = ROUTE_M) -> tuple[Any, lane_walk.Course]:
        """A lane waypoint and a way on from it, long enough to plan on."""
        while True:
            start = self._places.draw_before_sign(self._rng) if is_before_sign else self._places.draw(self._rng)
            if start is None:
                continue
            route = lane_walk.walk(start, length_m, lambda ways: ways[self._rng.integers(len(ways))])
            if len(route.xy) >= SHORTEST_M and (self._only != "bends" or begins_with_bend(route.xy)):
                return start, route

    def _nearby(self, here: npt.NDArray[np.float64]) -> list[Pose]:
        near = np.hypot(*(self._lane_poses[:, :2] - here).T) < NEARBY_M
        found = self._lane_poses[near]
        picked = found[self._rng.permutation(len(found))[:24]]
        return [(float(x), float(y), float(yaw)) for x, y, yaw in picked]

    def _crossing(self, route: lane_walk.Course) -> list[Pose]:
        """Lane poses from which one crosses the course at the sign it comes to."""
        (x, y), heading = route.xy[0], float(headings(route.xy[:3])[0])
        ego = Body(0, "car", float(x), float(y), 0.0, heading, EGO_FRONT_M, EGO_HALF_WIDTH_M, 0.75, 0.0)
        here = Surroundings(ego, (), (), {}, 0.0, signs=self._reader.signs)
        lines = [sign.distance_m for sign in signs_ahead(here, route.xy, None, []) if sign.kind != "limit"]
        if not lines:
            return []
        begins = EGO_FRONT_M + lines[0]
        middle = route.xy[min(len(route.xy) - 1, int(begins) + 15)]
        near = self._all_poses[np.hypot(*(self._all_poses[:, :2] - middle).T) < JUNCTION_M]
        some = near[self._rng.permutation(len(near))[:40]].tolist()
        return [(x, y, yaw) for x, y, yaw in some if crosses(here, _rolling(x, y, yaw), route.xy, begins)]

    def _set_lights(self, here: npt.NDArray[np.float64]) -> None:
        for signal in self._reader.signals:
            if np.hypot(*(signal.stops[:, :2] - here).T).min() < 90.0:
                word = str(self._rng.choice(arrange.LIGHT_STATES, p=arrange.LIGHT_SHARES))
                self._lights[signal.actor_id].set_state(getattr(carla.TrafficLightState, word.capitalize()))

    def _commands(self, made: Arrangement) -> list[Any]:
        jitter = self._rng.normal(0.0, 1.0, 4) * [CAMERA_JITTER_M, CAMERA_JITTER_M, *2 * [CAMERA_JITTER_DEG]]
        commands = [
            carla.command.ApplyTransform(self._ego, _transform(made.ego, SETTLED_Z)),
            carla.command.ApplyTransform(self._camera, _mount(*jitter)),
        ]
        shown = {placed.index: placed for placed in made.vehicles}
        for k, vehicle in enumerate(self._vehicles):
            commands.append(carla.command.ApplyTransform(vehicle, _where(shown.get(k), k, SETTLED_Z)))
            commands.append(carla.command.SetVehicleLightState(vehicle, _lamps(shown.get(k))))
        walking = {placed.index: placed for placed in made.walkers}
        for k, walker in enumerate(self._walkers):
            commands.append(carla.command.ApplyTransform(walker, _where(walking.get(k), 40 + k, WALKER_MIDDLE_Z)))
        standing = {placed.index: placed for placed in made.things}
        for k, thing in enumerate(self._things):
            commands.append(carla.command.ApplyTransform(thing, _where(standing.get(k), 60 + k, 0.0)))
        return commands

    def _picture_of(self, frame: int) -> Any:
        while True:
            try:
                picture = self._pictures.get(timeout=PICTURE_WAIT_S)
            except queue.Empty:
                raise TimeoutError(
                    f"no picture of tick {frame} within {PICTURE_WAIT_S:g} s; is the world still alive?"
                ) from None
            if picture.frame >= frame:
                return picture

    def _facts(self, drawn: Scene, picture: Any) -> FrameFacts:
        here = self._reader.read(self._ego)
        # The pool stands still for the simulator; how it moves is the draw's to say.
        moving = {self._vehicles[placed.index].id: placed for placed in drawn.made.vehicles}
        bodies = tuple(
            dataclasses.replace(body, speed_mps=moving[body.actor_id].speed_mps, brakes=moving[body.actor_id].brakes)
            if body.actor_id in moving
            else body
            for body in here.bodies
        )
        where = picture.transform
        eye = Eye(
            where.location.x,
            where.location.y,
            where.location.z,
            math.radians(where.rotation.yaw),
            math.radians(where.rotation.pitch),
        )
        facts = frame_facts(
            dataclasses.replace(here, bodies=bodies),
            lanes_at(drawn.route.first, drawn.way),
            eye,
            only_seen=True,
            navigated=drawn.route,
            town=self.town,
            weather=self._weather,
            source="staged",
        )
        waits = [metres for metres in (facts.yield_m, drawn.keeps_off_m) if metres is not None]
        blocked_m = None if drawn.blocked_m is None else max(0.0, drawn.blocked_m - EGO_FRONT_M)
        beside = facts.beside if drawn.way is drawn.route else None
        return dataclasses.replace(facts, yield_m=min(waits, default=None), blocked_m=blocked_m, beside=beside)

    def close(self) -> None:
        """Take our actors away and restore the world's settings. Twice is fine; a lost world is left alone."""
        ours, self._ours = self._ours, []
        try:
            if ours:
                self._camera.stop()
                self._freeze(False)
                self._client.apply_batch([carla.command.DestroyActor(actor) for actor in reversed(ours)])
                self._world.apply_settings(self._before)
        except RuntimeError:
            # The world ended first; there is nothing left to give back.
            return


def _rolling(x: float, y: float, yaw_rad: float) -> Body:
    return Body(1, "car", x, y, 0.0, yaw_rad, EGO_FRONT_M, EGO_HALF_WIDTH_M, 0.75, arrange.ROLLING_MPS)


def _poses(points: list[Any]) -> npt.NDArray[np.float64]:
    """(N, 3) x, y, yaw of lane points."""
    return np.array(
        [(p.transform.location.x, p.transform.location.y, math.radians(p.transform.rotation.yaw)) for p in points]
    )


def _colored(blueprint: Any, rng: np.random.Generator) -> Any:
    if blueprint.has_attribute("color"):
        blueprint.set_attribute("color", str(rng.choice(POOL_COLORS)))
    return blueprint


def _half_sizes(actors: list[Any]) -> npt.NDArray[np.float64]:
    return np.array([(actor.bounding_box.extent.x, actor.bounding_box.extent.y) for actor in actors])


def _lamps(placed: Placed | None) -> int:
    if placed is None:
        return 0
    return (BRAKE_LAMPS if placed.brakes else 0) | (HAZARD_LAMPS if placed.has_hazard_lights else 0)


def _transform(pose: Pose, z: float) -> Any:
    x, y, yaw = pose
    return carla.Transform(carla.Location(x, y, z), carla.Rotation(yaw=math.degrees(yaw)))


def _where(placed: Placed | None, slot: int, z: float) -> Any:
    return _transform((AWAY_M + 12.0 * slot, AWAY_M, 0.0) if placed is None else placed.pose, z)


def _mount(right_m: float, up_m: float, pitch_deg: float, yaw_deg: float) -> Any:
    return carla.Transform(
        carla.Location(FRONT_CAMERA.x_m, FRONT_CAMERA.y_m + right_m, FRONT_CAMERA.z_m + up_m),
        carla.Rotation(pitch=FRONT_CAMERA.pitch_deg + pitch_deg, yaw=yaw_deg),
    )


def _rgb(picture: Any) -> npt.NDArray[np.uint8]:
    bgra = np.frombuffer(picture.raw_data, np.uint8).reshape(picture.height, picture.width, 4)
    return np.ascontiguousarray(bgra[:, :, 2::-1])


def pose_matrix(actor: Any) -> list[list[float]]:
    """An actor's 4x4 pose in the world, to a tenth of a millimetre."""
    return [[round(value, 4) for value in row] for row in actor.get_transform().get_matrix()]
