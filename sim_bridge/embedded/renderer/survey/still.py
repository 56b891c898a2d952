"""The town in the survey: every mesh, lamp board and sign plate as numbered triangles that never move."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from panda3d.core import NodePath

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import Label, Mesh, StaticBox, Town
from sim_bridge.embedded.renderer.geoms import Surface
from sim_bridge.embedded.renderer.signals import solid_of
from sim_bridge.embedded.renderer.static_scene import chunked, merged, sort_layer, surroundings
from sim_bridge.embedded.renderer.survey.faces import Faces
from sim_bridge.embedded.renderer.survey.numbered import corners_of, numbered_node

# Things of the town have instances from here up, actors below.
FIRST_STILL_INSTANCE = 0x8000
_STILL_INSTANCES = 0x7FFF
_AT_ONCE = 4096  # triangles whose distances to all boxes are held in memory together


def add_town(scene: Any, faces: Faces, town: Town) -> None:
    """Raises ValueError on a mesh of an unknown layer."""
    groups: dict[tuple[str, Label], list[Mesh]] = {}
    for mesh in town.meshes:
        groups.setdefault((mesh.layer, mesh.label), []).append(mesh)
    boxes = _Boxes(town.boxes)
    for (layer, label), meshes in groups.items():
        for piece in chunked(merged(meshes)):
            _add(scene, faces, piece, layer, label, boxes)
    around = surroundings(town)
    if around is not None:
        _add(scene, faces, around, "beyond", Label.TERRAIN, boxes)
    for signal in town.signals:
        place = NodePath("head")
        panda_frame.put(place, signal.head)
        label = Label.TRAFFIC_LIGHT if signal.kind == "traffic_light" else Label.TRAFFIC_SIGNS
        _add(scene, faces, _placed(solid_of(signal), place.getMat()), "solid", label, boxes)


def _placed(part: Surface, world_from_part: Any) -> Surface:
    matrix = np.array(world_from_part, np.float64)
    vertices = (part.vertices @ matrix[:3, :3] + matrix[3, :3]).astype(np.float32)
    return Surface(vertices, part.normals, part.colors, part.uvs, part.triangles)


def _add(scene: Any, faces: Faces, piece: Surface, layer: str, label: Label, boxes: _Boxes) -> None:
    corners = corners_of(piece)
    labels = np.full(len(corners), label, np.uint8)
    instances = boxes.instances(label, corners.mean(axis=1))
    first = faces.claim(corners, labels, instances, is_flat=layer != "solid")
    node = scene.attachNewNode(numbered_node(layer, corners, first))
    sort_layer(node, layer)


class _Boxes:
    """Which house, tree or pole a triangle belongs to: meshes of one look are one piece, the boxes are not."""

    def __init__(self, boxes: tuple[StaticBox, ...]) -> None:
        self._places: dict[Label, list[tuple[float, float]]] = {}
        self._numbers: dict[Label, list[int]] = {}
        for number, box in enumerate(boxes):
            self._places.setdefault(box.label, []).append((box.pose.x, -box.pose.y))
            self._numbers.setdefault(box.label, []).append(FIRST_STILL_INSTANCE + number % _STILL_INSTANCES)

    def instances(self, label: Label, middles: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
        """(M,) the instance of the nearest box of this label, seen from above; 0 for what has no boxes: the ground."""
        found = np.zeros(len(middles), np.uint16)
        if label not in self._places:
            return found
        places, numbers = np.array(self._places[label]), np.array(self._numbers[label], np.uint16)
        half_squares = (places**2).sum(axis=1) / 2.0
        for start in range(0, len(middles), _AT_ONCE):
            # The nearest place is the one with the largest a.b - b.b/2: a.a is the same for all.
            part = middles[start : start + _AT_ONCE, :2].astype(np.float64)
            found[start : start + _AT_ONCE] = numbers[(part @ places.T - half_squares).argmax(axis=1)]
        return found
