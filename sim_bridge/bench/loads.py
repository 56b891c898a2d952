"""`python -m sim_bridge.bench.loads LOAD PORT SECONDS WORLD_PROCESS`: the real client under one load, as JSON lines.

In a process of its own, because a Traffic Manager that dies takes its process down, and what it holds with it. The
world is left as it was found. One line per sample, the last one the whole run's.
"""

from __future__ import annotations

import contextlib
import json
import queue
import random
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import carla

from sim_bridge.bench.processes import cpu_s, resident_mb
from sim_bridge.manager_nudge import Patience
from sim_bridge.messages import CHASE_CAMERA, FRONT_CAMERA, TICK_S, CameraSpec

EGO = "vehicle.lincoln.mkz_2020"
WARM_UP_S = 3.0
PICTURE_WAIT_S = 10.0
SAMPLE_EVERY_S = 10.0
# A tick takes some ms; one that takes this long sleeps through its wake-up, see `manager_nudge`.
NUDGED_AFTER_S = 0.2


@dataclass(frozen=True, slots=True)
class Load:
    """What is in the world besides the town."""

    vehicles: int = 0
    cameras: tuple[CameraSpec, ...] = ()


LOADS = {
    "empty": Load(),
    "traffic": Load(vehicles=30),
    "front": Load(vehicles=20, cameras=(FRONT_CAMERA,)),
    "front and chase": Load(vehicles=20, cameras=(FRONT_CAMERA, CHASE_CAMERA)),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """Over the time since the run began, its warm-up left out. CPU in milliseconds per tick. `nudges`: how often the
    Traffic Manager had to be woken, each time after NUDGED_AFTER_S, since it began."""

    seconds: float
    ticks: int
    ticks_per_s: float
    world_cpu_ms: float
    client_cpu_ms: float
    world_mb: float
    vehicles: int
    nudges: int


@dataclass(frozen=True, slots=True)
class Ticking:
    """A world that is ticked, the pictures of its cameras, and who watches over every tick."""

    world: Any
    cameras: list[queue.Queue[Any]]
    patience: Patience

    def run(self, until_s: float) -> int:
        """Tick until then, each tick with all of its pictures. Returns how many ticks."""
        ticks = 0
        while time.monotonic() < until_s:
            with self.patience:
                frame = self.world.tick()
            ticks += 1
            for pictures in self.cameras:
                while pictures.get(timeout=PICTURE_WAIT_S).frame < frame:
                    pass
        return ticks


def main(name: str, port: int, seconds: float, world_process: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=5.0).close()  # nobody there shows at once
    client = carla.Client("127.0.0.1", port)
    client.set_timeout(20.0)
    world = client.get_world()
    manager = _manager(client) if LOADS[name].vehicles else None
    patience = Patience(manager.get_port() if manager else None, NUDGED_AFTER_S)
    # The watch ends before the manager does: a nudge that crosses its end would put it back to synchronous mode.
    watch = contextlib.closing(patience)
    with _synchronous(world), _filled(client, world, LOADS[name], manager) as (cameras, count), watch:
        for sample in _samples(Ticking(world, cameras, patience), seconds, world_process, count):
            print(json.dumps(asdict(sample)), flush=True)


def _samples(ticking: Ticking, seconds: float, process: int, count: int) -> Iterator[Sample]:
    ticking.run(time.monotonic() + min(WARM_UP_S, seconds / 3))
    began, cpu, own, ticks = time.monotonic(), cpu_s(process), time.process_time(), 0
    while (now := time.monotonic()) - began < seconds:
        ticks += ticking.run(min(now + SAMPLE_EVERY_S, began + seconds))
        took = time.monotonic() - began
        each = 1000.0 / max(ticks, 1)
        yield Sample(
            round(took, 1),
            ticks,
            round(ticks / took, 1),
            round((cpu_s(process) - cpu) * each, 3),
            round((time.process_time() - own) * each, 3),
            round(resident_mb(process), 2),
            count,
            ticking.patience.nudges,
        )


@contextlib.contextmanager
def _synchronous(world: Any) -> Iterator[None]:
    before, ours = world.get_settings(), world.get_settings()
    ours.synchronous_mode, ours.fixed_delta_seconds = True, TICK_S
    world.apply_settings(ours)
    try:
        yield
    finally:
        world.apply_settings(before)


@contextlib.contextmanager
def _filled(client: Any, world: Any, load: Load, manager: Any) -> Iterator[tuple[list[queue.Queue[Any]], int]]:
    """The load in the world: its cameras' queues, and how many vehicles the Traffic Manager drives."""
    actors: list[Any] = []
    cars: list[Any] = []
    try:
        eyes = _eyes(world, load, actors)
        cars = _traffic(world, load.vehicles, manager, actors)
        yield eyes, len(cars)
    finally:
        if manager is not None:
            for car in cars:  # a manager whose vehicles are destroyed under it takes the process down
                car.set_autopilot(False, manager.get_port())
        for actor in actors:
            if actor.type_id.startswith("sensor.") and actor.is_listening():
                actor.stop()
        client.apply_batch_sync([carla.command.DestroyActor(actor) for actor in reversed(actors)], True)
        if manager is not None:
            manager.set_synchronous_mode(False)
            manager.shut_down()


def _manager(client: Any) -> Any:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    manager = client.get_trafficmanager(port)
    manager.set_synchronous_mode(True)
    manager.set_random_device_seed(0)
    return manager


def _eyes(world: Any, load: Load, actors: list[Any]) -> list[queue.Queue[Any]]:
    """The ego car with its cameras; none for a load without."""
    if not load.cameras:
        return []
    library = world.get_blueprint_library()
    ego = world.spawn_actor(library.find(EGO), world.get_map().get_spawn_points()[0])
    actors.append(ego)
    queues = []
    for spec in load.cameras:
        blueprint = library.find("sensor.camera.rgb")
        for key, value in (("image_size_x", spec.width_px), ("image_size_y", spec.height_px), ("fov", spec.fov_deg)):
            blueprint.set_attribute(key, str(value))
        mount = carla.Transform(carla.Location(spec.x_m, spec.y_m, spec.z_m), carla.Rotation(pitch=spec.pitch_deg))
        camera = world.spawn_actor(blueprint, mount, attach_to=ego)
        actors.append(camera)
        pictures: queue.Queue[Any] = queue.Queue()
        camera.listen(pictures.put)
        queues.append(pictures)
    return queues


def _traffic(world: Any, count: int, manager: Any, actors: list[Any]) -> list[Any]:
    """So many cars on seeded spawn points, the nearest ones to the first included, and the ego car among them."""
    draw = random.Random(0)
    points = world.get_map().get_spawn_points()
    draw.shuffle(points)
    cars = sorted(
        (b for b in world.get_blueprint_library().filter("vehicle.*") if b.get_attribute("base_type") == "car"),
        key=lambda b: str(b.id),
    )
    found = [actor for actor in actors if actor.type_id.startswith("vehicle.")]
    for point in points:
        if len(found) >= count:
            break
        car = world.try_spawn_actor(draw.choice(cars), point)
        if car is not None:
            actors.append(car)
            found.append(car)
    world.tick()
    if len(found) < count:
        raise RuntimeError(f"expected room for {count} vehicles, found it for {len(found)}")
    for car in found:
        car.set_autopilot(True, manager.get_port())
    return found


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
