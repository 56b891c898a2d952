"""The registry of Traffic Managers: they run inside clients, the server only remembers where."""

from __future__ import annotations

from sim_bridge.embedded.calls.desk import Desk
from sim_bridge.embedded.wire.structs import ManagerAddress


def is_traffic_manager_running(desk: Desk, port: int) -> bool:
    return desk.managers.find(port) is not None


def get_traffic_manager_running(desk: Desk, port: int) -> ManagerAddress:
    return desk.managers.find(port) or ManagerAddress()


def add_traffic_manager_running(desk: Desk, address: ManagerAddress) -> bool:
    return desk.managers.add(address, desk.caller)


def destroy_traffic_manager(desk: Desk, port: int) -> None:
    desk.managers.remove(port)
