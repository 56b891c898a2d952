"""The ego car with its cameras: spawning it, waiting for the pictures of one frame, and every conversion from CARLA.

Session thread, except the sensors' callbacks, which libcarla calls on its own threads and which only drop what arrived
into a slot. Pictures of different cameras arrive in any order and a little after the tick returns.
"""

from __future__ import annotations

import math
import os
import platform
import threading
from typing import Any

import carla
import numpy as np

from sim_bridge.carla_config import CarlaConfig
from sim_bridge.interfaces import SimulatorLost
from sim_bridge.messages import CameraFrame, CameraSpec, Control, EgoState, Picture

# What marks an actor as ours, and which process to ask whether it still needs it.
ROLE = f"backseat-{platform.node()}-{os.getpid()}"

# The lens of the CARLA leaderboard's cameras, which SimLingo's pictures were taken with. A world without these
# attributes draws no lens.
LENS = {
    "lens_circle_multiplier": "3.0",
    "lens_circle_falloff": "3.0",
    "chromatic_aberration_intensity": "0.5",
    "chromatic_aberration_offset": "0",
}

# Touching the same thing again within this many frames (a second of 20 Hz ticks) is the same collision.
CONTACT_FRAMES = 20


def ego_state(actor: Any, snapshot: Any) -> EgoState:
    """Where the car is in one world snapshot. The speed is along the car: negative when it rolls back."""
    seen = snapshot.find(actor.id)
    if seen is None:
        raise SimulatorLost("The world no longer knows our car; somebody destroyed it. The drive starts anew.", False)
    transform, velocity = seen.get_transform(), seen.get_velocity()
    yaw_rad = math.radians(transform.rotation.yaw)
    speed = velocity.x * math.cos(yaw_rad) + velocity.y * math.sin(yaw_rad)
    return EgoState(transform.location.x, transform.location.y, yaw_rad, speed)


def vehicle_control(control: Control) -> Any:
    return carla.VehicleControl(
        throttle=control.throttle, steer=control.steer, brake=control.brake, reverse=control.reverse
    )


def rgb_of(image: Any) -> Picture:
    """A carla.Image (BGRA) -> RGB, read-only, with one copy."""
    bgra = np.frombuffer(image.raw_data, dtype=np.uint8).reshape(image.height, image.width, 4)
    rgb = np.ascontiguousarray(bgra[:, :, 2::-1])
    rgb.setflags(write=False)
    return rgb


class CameraOnCar:
    """One camera actor on the car, from spawn to `close`."""

    def __init__(self, world: Any, ego: Any, spec: CameraSpec) -> None:
        self.spec = spec
        self._arrived = threading.Condition()
        self._image: Any = None
        blueprint = world.get_blueprint_library().find("sensor.camera.rgb")
        wanted = {"image_size_x": spec.width_px, "image_size_y": spec.height_px, "fov": spec.fov_deg, "role_name": ROLE}
        for name, value in (wanted | LENS).items():
            if blueprint.has_attribute(name):
                blueprint.set_attribute(name, str(value))
        mount = carla.Transform(
            carla.Location(x=spec.x_m, y=spec.y_m, z=spec.z_m), carla.Rotation(pitch=spec.pitch_deg)
        )
        self.actor = world.spawn_actor(blueprint, mount, attach_to=ego)
        self.actor.listen(self._receive)

    def _receive(self, image: Any) -> None:
        with self._arrived:
            self._image = image
            self._arrived.notify()

    def of_frame(self, frame: int, timeout_s: float) -> Any | None:
        """The image of exactly this world frame; None when it did not come in time or was overtaken."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._image is not None and self._image.frame >= frame, timeout_s)
            return self._image if self._image is not None and self._image.frame == frame else None

    def frame_of(self, image: Any, tick: int) -> CameraFrame:
        return CameraFrame(self.spec, rgb_of(image), tick)


class Rig:
    """Our car, its cameras and its bumper. One per episode; `actors` lists what must be destroyed after it."""

    def __init__(self, world: Any, config: CarlaConfig, spawn_points: list[Any]) -> None:
        """The car stands on the first of `spawn_points` that is free. Raises SimulatorLost when none is."""
        self._config = config
        self.actors: list[Any] = []
        self.hits: list[tuple[int, str, float]] = []
        self._touched_in: dict[int, int] = {}  # other actor -> the newest frame of touching it
        try:
            self.ego = self._spawned(world, spawn_points)
            self.front = self._mounted(CameraOnCar(world, self.ego, config.front_camera))
            chase = config.chase_camera
            self.chase = self._mounted(CameraOnCar(world, self.ego, chase)) if chase else None
            self._feel_collisions(world)
        except RuntimeError:
            # Half a rig belongs to nobody who would destroy it later.
            for actor in reversed(self.actors):
                actor.destroy()
            raise

    def _spawned(self, world: Any, spawn_points: list[Any]) -> Any:
        blueprint = world.get_blueprint_library().find(self._config.ego_blueprint)
        blueprint.set_attribute("role_name", "hero")  # the Traffic Manager lets others look out for a hero
        for point in spawn_points:
            ego = world.try_spawn_actor(blueprint, point)
            if ego is not None:
                self.actors.append(ego)
                return ego
        raise SimulatorLost(
            f"None of the {len(spawn_points)} spawn points of this map is free for {self._config.ego_blueprint}. "
            "Destroy some of the vehicles in this world, or load it again.",
            is_gone=False,
        )

    def _mounted(self, camera: CameraOnCar) -> CameraOnCar:
        self.actors.append(camera.actor)
        return camera

    def _feel_collisions(self, world: Any) -> None:
        blueprint = world.get_blueprint_library().find("sensor.other.collision")
        if blueprint.has_attribute("role_name"):
            blueprint.set_attribute("role_name", ROLE)
        sensor = world.spawn_actor(blueprint, carla.Transform(), attach_to=self.ego)
        self.actors.append(sensor)
        sensor.listen(self._hit)

    def _hit(self, event: Any) -> None:
        other = event.other_actor
        before, self._touched_in[other.id] = self._touched_in.get(other.id), event.frame
        if before is not None and event.frame - before <= CONTACT_FRAMES:
            return
        impulse = event.normal_impulse
        strength = math.sqrt(impulse.x**2 + impulse.y**2 + impulse.z**2)
        self.hits.append((event.frame, other.type_id, strength))

    def stop_listening(self) -> None:
        """Before the actors are destroyed: a callback into a dead sensor is a crash of the client."""
        for actor in self.actors:
            if actor.type_id.startswith("sensor.") and actor.is_listening():
                actor.stop()
