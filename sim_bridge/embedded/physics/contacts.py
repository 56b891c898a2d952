"""Reads Bullet's contact manifolds after a substep and adds them up over a tick, per pair. World thread only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from panda3d.core import LVector3

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import Contact, Label
from sim_bridge.embedded.physics.ground import GROUND, Ground

_LEAST_IMPULSE_NS = 1e-3


class ContactLedger:
    """Impulses of the running tick. Standing on the ground is no collision and is left out."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._sums: dict[tuple[int, int, str], Any] = {}
        self._labels: dict[tuple[int, int, str], Label] = {}

    def clear(self) -> None:
        self._sums.clear()
        self._labels.clear()

    def read(self, world: Any, actor_ids: Mapping[str, int], labels: Mapping[int, Label]) -> None:
        """`actor_ids` maps a Bullet node's name to its actor, `labels` an actor to what it is."""
        # As a list, never one by one: `getManifold(index)` of panda3d 1.10 loses 32 bytes a call.
        for manifold in world.getManifolds():
            if manifold.getNumManifoldPoints() == 0:
                continue
            first, second = manifold.getNode0().getName(), manifold.getNode1().getName()
            if first == GROUND or second == GROUND:
                continue
            impulse = self._impulse_on_first(manifold)
            if impulse.lengthSquared() > _LEAST_IMPULSE_NS**2:
                self._note(first, second, impulse, actor_ids, labels)
                self._note(second, first, -impulse, actor_ids, labels)

    @staticmethod
    def _impulse_on_first(manifold: Any) -> Any:
        total = LVector3(0, 0, 0)
        for point in manifold.getManifoldPoints():
            total += point.getNormalWorldOnB() * point.getAppliedImpulse()
        return total

    def _note(self, a: str, b: str, impulse: Any, actor_ids: Mapping[str, int], labels: Mapping[int, Label]) -> None:
        actor = actor_ids.get(a)
        if actor is None:
            return
        other = actor_ids.get(b, 0)
        box = self._ground.box_of(b)
        key = (actor, other, box.name if box else "")
        self._sums[key] = self._sums.get(key, LVector3(0, 0, 0)) + impulse
        self._labels[key] = box.label if box else labels.get(other, Label.OTHER)

    def contacts(self) -> list[Contact]:
        return [
            Contact(a, b, static, self._labels[(a, b, static)], panda_frame.vector_from(impulse))
            for (a, b, static), impulse in self._sums.items()
        ]
