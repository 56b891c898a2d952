"""What a drive process builds in the tests. In a module of its own, because the child imports it by name."""

from __future__ import annotations

import os
from collections.abc import Iterator

from sim_bridge.carla_config import CarlaConfig
from sim_bridge.interfaces import CannotBegin, Driver, Simulator, SimulatorLost
from sim_bridge.messages import Control, DriverInfo, Observation
from tests.fakes import MoodyDriver, SteadyDriver, StraightRoad
from tests.sim_bridge.route_driver import RouteDriver


def steady(what: object) -> tuple[Simulator, Driver]:
    return StraightRoad(), SteadyDriver()


def lost_at_tick(tick: int) -> tuple[Simulator, Driver]:
    return StraightRoad(fails_at_tick=tick), SteadyDriver()


def unreachable(what: object) -> tuple[Simulator, Driver]:
    raise SimulatorLost("No CARLA server answers at nowhere:2000.")


def corrupt(what: object) -> tuple[Simulator, Driver]:
    raise ValueError("expected 12 tensors in the weights, got 3")


class Crashing(StraightRoad):
    """Takes the process down at a tick, as a fault in a C++ library does."""

    def step(self, control: Control) -> Observation:
        if self._tick == 15:
            os.abort()
        return super().step(control)


def crashing(what: object) -> tuple[Simulator, Driver]:
    return Crashing(), SteadyDriver()


class WithoutItsCar(StraightRoad):
    """A world that is well, but in which somebody takes the car away."""

    def step(self, control: Control) -> Observation:
        if self._tick == 15:
            raise SimulatorLost("Somebody destroyed our car.", is_gone=False)
        return super().step(control)


def without_its_car(what: object) -> tuple[Simulator, Driver]:
    return WithoutItsCar(), SteadyDriver()


class HasNoPlace(StraightRoad):
    """Has no place for the drive that this seed asks for."""

    def __init__(self, no_place_for: int) -> None:
        super().__init__()
        self._no_place_for = no_place_for

    def reset(self, seed: int) -> Observation:
        if seed == self._no_place_for:
            raise CannotBegin("The scene finds no place in StraightRoad.")
        return super().reset(seed)


def no_place_for(seed: int) -> tuple[Simulator, Driver]:
    return HasNoPlace(seed), SteadyDriver()


class SaysItsProcess(SteadyDriver):
    info = DriverInfo("steady", f"Steady driver in {os.getpid()}", False, detail=str(os.getpid()))


def says_its_process(what: object) -> tuple[Simulator, Driver]:
    return StraightRoad(), SaysItsProcess()


def without_plans(what: object) -> tuple[Simulator, Driver]:
    driver = MoodyDriver()
    driver.mood = "raises"
    return StraightRoad(), driver


class Rambling(SteadyDriver):
    """Never comes to the end of an answer."""

    def answer(self, observation: Observation, question: str) -> Iterator[str]:
        yield "Well"
        while True:
            yield ""


def rambling(what: object) -> tuple[Simulator, Driver]:
    return StraightRoad(), Rambling()


def in_a_carla_world(config: CarlaConfig) -> tuple[Simulator, Driver]:
    from sim_bridge.carla_simulator import CarlaSimulator

    simulator = CarlaSimulator(config)
    return simulator, RouteDriver(simulator.dense_route_xy_in_world, 6.0)
