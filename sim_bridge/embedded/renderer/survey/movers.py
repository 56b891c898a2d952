"""Vehicles, walkers and props in the survey: rigid parts of numbered triangles, posed each time it is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from panda3d.core import BitMask32

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import Drawn, Label
from sim_bridge.embedded.renderer import people, props, vehicle_models
from sim_bridge.embedded.renderer.geoms import Surface
from sim_bridge.embedded.renderer.survey.faces import Faces
from sim_bridge.embedded.renderer.survey.numbered import corners_of, numbered_node
from sim_bridge.embedded.vehicles import VEHICLES, label_of

_ACTOR_INSTANCES = 0x7FFF
_ANY_PAINT = (0.5, 0.5, 0.5)


class Mover:
    """One actor. Its parts' poses are taken over by `Faces` when it is shown."""

    def __init__(self, scene: Any, faces: Faces, actor_id: int, blueprint_id: str, attributes: dict[str, str]) -> None:
        self.path: Any = scene.attachNewNode(f"actor {actor_id}")
        self.hidden_from = BitMask32.allOff()
        self._scene = scene
        self._faces = faces
        self._actor_id = actor_id
        self._parts: list[tuple[Any, int, int, int]] = []  # node, part, first face, faces
        self._limbs: list[tuple[Any, float]] = []
        if blueprint_id.startswith("walker."):
            self._add_person(people.build(actor_id, people.height_of(attributes)))
        elif blueprint_id.startswith("vehicle."):
            self._add_vehicle(blueprint_id)
        else:
            self._add_part(self.path, props.build(blueprint_id), Label.DYNAMIC)
        self.path.hide()

    def _add_vehicle(self, blueprint_id: str) -> None:
        shape = VEHICLES[blueprint_id]
        model = vehicle_models.build(shape, _ANY_PAINT)
        self._add_part(self.path, model.solid(), label_of(shape), model.rider_faces)

    def _add_person(self, person: people.Person) -> None:
        self._add_part(self.path.attachNewNode("trunk"), person.trunk, Label.PEDESTRIANS)
        for joint, limb, side in person.limbs():
            path = self.path.attachNewNode("limb")
            path.setPos(*joint)
            self._add_part(path, limb, Label.PEDESTRIANS)
            self._limbs.append((path, side))

    def _add_part(self, path: Any, surface: Surface, label: Label, rider_faces: int = 0) -> None:
        corners = corners_of(surface)
        labels = np.full(len(corners), label, np.uint8)
        if rider_faces:
            labels[-rider_faces:] = Label.RIDER
        instances = np.full(len(corners), self._actor_id & _ACTOR_INSTANCES, np.uint16)
        part = self._faces.new_part()
        first = self._faces.claim(corners, labels, instances, part, self._actor_id)
        path.attachNewNode(numbered_node("part", corners, first))
        self._parts.append((path, part, first, len(corners)))

    def show(self, drawn: Drawn) -> None:
        panda_frame.put(self.path, drawn.pose)
        self.path.show()
        swing = people.swing_deg(drawn.walk_phase, drawn.walk_speed_mps) if self._limbs else 0.0
        for path, side in self._limbs:
            path.setP(swing * side)
        for path, part, _, _ in self._parts:
            self._faces.move(part, np.array(path.getMat(self._scene), np.float64))

    def hide(self) -> None:
        self.path.hide()

    def hide_from(self, mask: Any) -> None:
        """Cameras of `mask` do not see it; the others do."""
        if mask != self.hidden_from:
            self.path.show(BitMask32.allOn())
            self.hidden_from = mask
        if not mask.isZero():
            self.path.hide(mask)

    def remove(self) -> None:
        for _, part, first, count in self._parts:
            self._faces.release(first, count)
            self._faces.release_part(part)
        self.path.removeNode()
