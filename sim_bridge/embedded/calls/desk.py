"""What a call may reach, and how one refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from sim_bridge.embedded.streams import Streams
from sim_bridge.embedded.wire.structs import ManagerAddress
from sim_bridge.embedded.world.actors import Actor, Kind
from sim_bridge.embedded.world.world import World

VERSION = "0.9.16"

AnyActor = TypeVar("AnyActor", bound=Actor)


class Refused(RuntimeError):
    """The call is understood and cannot be done; the message reaches the script as a RuntimeError."""


@dataclass(slots=True)
class Managers:
    """The Traffic Managers that run inside clients, by port, with the connection that announced each."""

    _by_port: dict[int, tuple[ManagerAddress, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._by_port)

    def find(self, port: int) -> ManagerAddress | None:
        entry = self._by_port.get(port)
        return entry[0] if entry else None

    def add(self, address: ManagerAddress, caller: int) -> bool:
        if address.port in self._by_port:
            return False
        self._by_port[address.port] = (address, caller)
        return True

    def remove(self, port: int) -> None:
        self._by_port.pop(port, None)

    def leave(self, caller: int) -> None:
        """A client is gone, and its managers with it: the next client on that port must start its own."""
        for port in [port for port, (_, owner) in self._by_port.items() if owner == caller]:
            del self._by_port[port]


@dataclass(slots=True)
class Desk:
    """Handed to every call. `caller` is the connection it came from."""

    world: World
    streams: Streams
    managers: Managers
    caller: int = 0
    tickers: set[int] = field(default_factory=set)

    def actor(self, actor_id: int) -> Actor:
        found = self.world.find(actor_id)
        if found is None:
            raise Refused(f"actor {actor_id} not found: it was destroyed or never existed")
        return found

    def one(self, kind: type[Kind], actor_id: int) -> Kind:
        found = self.actor(actor_id)
        if not isinstance(found, kind):
            raise Refused(f"expected a {kind.__name__}, actor {actor_id} is a {found.type_id}")
        return found
