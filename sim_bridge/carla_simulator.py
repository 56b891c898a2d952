"""A Simulator over a CARLA 0.9.16 server, embedded or real: the code is the same. Session thread.

Synchronous mode at TICK_S. A reset never reloads the world: it destroys our own actors and spawns them anew, because
reloading while a Traffic Manager exists crashes the client. Only our own actors are ever destroyed, and the world's
settings are put back at the end.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import carla

from sim_bridge.carla_clearance import clearance_of
from sim_bridge.carla_config import CarlaConfig
from sim_bridge.carla_connection import connected, short_name
from sim_bridge.carla_leftovers import clear_leftovers
from sim_bridge.carla_rig import CameraOnCar, Rig, ego_state, vehicle_control
from sim_bridge.carla_traffic import Traffic
from sim_bridge.carla_walkers import Walkers
from sim_bridge.interfaces import SimulatorLost
from sim_bridge.journey import Journey, journey_of
from sim_bridge.messages import (
    FULL_BRAKE,
    TICK_S,
    CameraFrame,
    Clearance,
    Collision,
    Control,
    InstructionKind,
    JourneyNews,
    Manoeuvre,
    Observation,
)
from sim_bridge.navigator import Navigator

log = logging.getLogger(__name__)

# A car dropped on a spawn point stands still after this; meanwhile the cameras' streams come up.
SETTLE_TICKS = 12
SETTLE_TRIES = 5
# How libcarla begins to say that nobody answers.
TIME_OUT = "time-out"


class CarlaSimulator:
    """Connects when it is made; `close` (or leaving a `with` block, or the end of the process) cleans up."""

    def __init__(self, config: CarlaConfig | None = None) -> None:
        """Raises SimulatorLost when the server cannot be used, with a sentence that says why."""
        self._config = config or CarlaConfig()
        self._is_closed = self._is_lost = False
        # Another journey may be set between two episodes; it begins with the next reset.
        self.journey: Journey = journey_of(self._config.scene, self._config.routes, self._config.route_id)
        self._begun: Journey = self.journey
        self._tick_timeout_s = self._config.tick_timeout_s
        self.client = connected(self._config)
        with self._noticing_loss():
            self.carla_world = self.client.get_world()
            self.carla_map = self.carla_world.get_map()
            self._before = self._own_settings()
        self._traffic = Traffic(self.client, self._config)
        self._walkers = Walkers(self.client, self._config.walkers)
        self._rig: Rig | None = None
        self._navigator: Navigator | None = None
        self._episode = self._tick = self._first_frame = 0
        self._chase: CameraFrame | None = None
        atexit.register(self.close)

    # ---- the interface

    @property
    def town(self) -> str:
        return short_name(self.carla_map.name)

    @property
    def world(self) -> str:
        return self._config.world

    def reset(self, seed: int) -> Observation:
        with self._noticing_loss(), self._patience():
            self._clear()
            self.carla_world.reset_all_traffic_lights()  # a seed is a start, its lights included
            self._begun = self.journey
            journey = self._begun.prepare(self.carla_world, seed)
            self._rig = Rig(self.carla_world, self._config, journey.transforms)
            self._world_tick()  # from here on the car has a place
            start = self._rig.ego.get_transform().location
            self._navigator = Navigator(self.carla_map, self.carla_map.get_waypoint(start), seed, journey.goals)
            self._traffic.start(self.carla_world, start, seed + self._config.seed)
            self._walkers.start(self.carla_world, seed + self._config.seed)
            self._settle()
            self._begun.begin(self._rig.ego)
            self._episode += 1
            self._tick = 0
            return self._seen(self._first_frame)

    def step(self, control: Control) -> Observation:
        with self._noticing_loss():
            self._own_rig.ego.apply_control(vehicle_control(control))
            self._begun.tick()
            frame = self._world_tick()
            self._tick += 1
            return self._seen(frame)

    def chase_frame(self) -> CameraFrame | None:
        return self._chase

    def begin(self, kind: InstructionKind) -> None:
        self.navigator.begin(kind)

    def progress(self, kind: InstructionKind) -> Manoeuvre:
        return self.navigator.progress(kind)

    @property
    def collisions(self) -> tuple[Collision, ...]:
        hits = list(self._own_rig.hits)
        return tuple(Collision(frame - self._first_frame, what, strength) for frame, what, strength in hits)

    @property
    def journey_news(self) -> JourneyNews | None:
        return self._begun.news

    def clearance(self) -> Clearance:
        with self._noticing_loss():
            return clearance_of(self._own_rig.ego, self.carla_world)

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        atexit.unregister(self.close)
        if self._is_lost:
            return  # nobody is there to ask, and every question would cost its full time-out
        try:
            with contextlib.ExitStack() as at_last:
                # However tidying up fails, a world left in synchronous mode would stand still for everybody.
                at_last.callback(self.carla_world.apply_settings, self._before)
                at_last.callback(self._traffic.close)
                self._clear()
        except RuntimeError as problem:
            log.warning("The world at %s could not be tidied up: %s", self.world, problem)

    def __enter__(self) -> CarlaSimulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- privileged: for a teacher and for scoring in this process; never for a driver that looks

    @property
    def ego(self) -> Any:
        """The carla.Vehicle that is driven."""
        return self._own_rig.ego

    @property
    def navigator(self) -> Navigator:
        if self._navigator is None:
            raise ValueError("expected a reset before the navigator is asked for, there was none")
        return self._navigator

    def dense_route_xy_in_world(self) -> Any:
        """(N, 2) metres: the navigator's route from the car on, one metre apart."""
        return self.navigator.dense_route_xy_in_world()

    # ---- inside

    @property
    def _own_rig(self) -> Rig:
        if self._rig is None:
            raise ValueError("expected a reset before the first step, there was none")
        return self._rig

    def _own_settings(self) -> Any:
        """Take the clock. Returns the settings to put back at the end."""
        was_left_over = clear_leftovers(self.client, self.carla_world)
        before, ours = self.carla_world.get_settings(), self.carla_world.get_settings()
        if was_left_over:
            # A drive that died here left its own clock behind: what was before it is the server's free-running one.
            before.synchronous_mode, before.fixed_delta_seconds = False, None
        ours.synchronous_mode, ours.fixed_delta_seconds = True, TICK_S
        self.carla_world.apply_settings(ours, self._config.tick_timeout_s)
        return before

    def _settle(self) -> None:
        """Let everything come to rest under the brake, until the front camera sees the newest frame."""
        rig = self._own_rig
        for _ in range(SETTLE_TRIES):
            for _ in range(SETTLE_TICKS):
                rig.ego.apply_control(vehicle_control(FULL_BRAKE))
                self._first_frame = self._world_tick()
            if rig.front.of_frame(self._first_frame, self._config.frame_timeout_s) is not None:
                rig.hits.clear()
                return
        raise SimulatorLost(
            f"The front camera on {self.world} sent no picture in {SETTLE_TRIES * SETTLE_TICKS} ticks. "
            "Check that the server renders (no_rendering_mode must be off)."
        )

    def _world_tick(self) -> int:
        with self._traffic.patience:
            frame: int = self.carla_world.tick(self._tick_timeout_s)
        return frame

    def _seen(self, frame: int) -> Observation:
        rig, config = self._own_rig, self._config
        image = rig.front.of_frame(frame, config.frame_timeout_s)
        if image is None:
            raise SimulatorLost(
                f"The front camera on {self.world} sent no picture of frame {frame} within {config.frame_timeout_s} s. "
                "The drive starts anew.",
                is_gone=False,
            )
        ego = ego_state(rig.ego, self.carla_world.get_snapshot())
        self.navigator.update(ego)
        hints = self.navigator.hints(ego)
        self._chase = self._chase_of(rig.chase, frame)
        return Observation(
            episode=self._episode,
            tick=self._tick,
            sim_time_us=round(self._tick * TICK_S * 1_000_000),
            ego=ego,
            frames=(rig.front.frame_of(image, self._tick),),
            target_points_xy_in_ego=hints.target_points_in(ego),
            command=hints.command,
            next_command=hints.next_command,
            command_distance_m=hints.distance_m,
        )

    def _chase_of(self, camera: CameraOnCar | None, frame: int) -> CameraFrame | None:
        """People's picture: waited for a moment only, an older one is better than a late tick."""
        if camera is None:
            return None
        image = camera.of_frame(frame, 0.02)
        return camera.frame_of(image, self._tick) if image is not None else self._chase

    def _clear(self) -> None:
        """Destroy this episode's actors: sensors first, then cars."""
        self._begun.clear()
        self._walkers.clear()
        self._traffic.clear(self.carla_world)
        rig, self._rig = self._rig, None
        if rig is None:
            return
        rig.stop_listening()
        self.client.apply_batch_sync([carla.command.DestroyActor(actor.id) for actor in reversed(rig.actors)], False)
        self._world_tick()

    @contextlib.contextmanager
    def _patience(self) -> Iterator[None]:
        """Longer time-outs while an episode is built up. Our own world needs none; that it hangs shows sooner."""
        if self._config.is_embedded:
            yield
            return
        self._tick_timeout_s = self._config.reset_timeout_s
        self.client.set_timeout(self._tick_timeout_s)
        try:
            yield
        finally:
            self._tick_timeout_s = self._config.tick_timeout_s
            self.client.set_timeout(self._tick_timeout_s)

    @contextlib.contextmanager
    def _noticing_loss(self) -> Iterator[None]:
        """libcarla says everything with RuntimeError; a time-out among them is a world that is gone."""
        try:
            yield
        except SimulatorLost:
            raise
        except RuntimeError as problem:
            self._is_lost = TIME_OUT in str(problem)
            what = f"stopped answering: {problem} Start it again; the drive goes on from a new start."
            if not self._is_lost:
                what = f"answered with an error: {problem}. The drive starts anew."
            where = f"{self.world} ({self._config.host}:{self._config.port})"
            raise SimulatorLost(f"The world at {where} {what}", self._is_lost) from problem
