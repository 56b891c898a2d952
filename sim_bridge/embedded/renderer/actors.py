"""Nodes of everything that moves: built when an actor appears, moved each tick, gone when it is removed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from panda3d.core import BitMask32, LODNode, TransparencyAttrib

from sim_bridge.embedded import panda_frame
from sim_bridge.embedded.contracts import Drawn
from sim_bridge.embedded.renderer import people, props, vehicle_models
from sim_bridge.embedded.renderer.geoms import geom_node, moved
from sim_bridge.embedded.renderer.light import NIGHT_FALLS, Daylight
from sim_bridge.embedded.renderer.solids import RGB, floor_patch
from sim_bridge.embedded.renderer.static_scene import nearest_first, paint_in_order
from sim_bridge.embedded.renderer.textures import Image, soft_disc, upload
from sim_bridge.embedded.vehicles import VEHICLES

_FAR_FROM_M = 38.0
_BEYOND_SIGHT_M = 2000.0
_SHADOW_SPREAD = 1.30
_SHADOW_DARKNESS = 0.62
_MOST_LOOKS = 96  # geometry of one vehicle in one paint is some 100 kB
# Light of the headlamps on the road, at night: metres wide and long, and how far ahead of the middle it begins.
_BEAM_WIDTH_M, _BEAM_LENGTH_M = 7.0, 18.0
_BEAM_STRENGTH = 0.34
_PAINTS: tuple[RGB, ...] = (
    (0.78, 0.79, 0.80),
    (0.12, 0.13, 0.15),
    (0.62, 0.07, 0.08),
    (0.12, 0.24, 0.48),
    (0.90, 0.90, 0.88),
    (0.36, 0.38, 0.40),
    (0.16, 0.34, 0.26),
    (0.80, 0.52, 0.14),
)


def paint_of(actor_id: int, attributes: dict[str, str]) -> RGB:
    """The `color` attribute "r,g,b" (0..255), or one of a few by id where it is missing or no colour."""
    parts = attributes.get("color", "").split(",")
    try:
        r, g, b = (min(255, max(0, int(float(part)))) / 255.0 for part in parts)
    except ValueError:
        return _PAINTS[actor_id % len(_PAINTS)]
    return (r, g, b)


class _VehicleNodes:
    """The geometry of one vehicle in one paint, shared by every actor that looks like it."""

    def __init__(self, model: vehicle_models.VehicleModel) -> None:
        self.near = geom_node("near", model.near)
        self.far = geom_node("far", model.far)
        self.wheel = geom_node("wheel", model.front_wheel) if model.front_wheel else None
        self.wheels_at = model.front_wheels_at
        self.lit = {flag: geom_node(f"lamp {flag}", part) for flag, part in model.lit.items()}
        self.shadow = model.shadow


class _Actor:
    """One actor's node. Subclasses say how it shows what `Drawn` says."""

    def __init__(self, parent: Any, name: str) -> None:
        self.path: Any = parent.attachNewNode(name)
        self.hidden_from = BitMask32.allOff()

    def show(self, drawn: Drawn) -> None:
        panda_frame.put(self.path, drawn.pose)


class _Vehicle(_Actor):
    def __init__(self, parent: Any, name: str, nodes: _VehicleNodes, shadow: Any, beam: Any) -> None:
        super().__init__(parent, name)
        self._flags = 0
        self._steer = 0.0
        lod = LODNode("body")
        lod.addSwitch(_FAR_FROM_M, 0.0)
        lod.addSwitch(_BEYOND_SIGHT_M, _FAR_FROM_M)
        body = self.path.attachNewNode(lod)
        near = body.attachNewNode("near")
        near.attachNewNode(nodes.near)
        body.attachNewNode("far").attachNewNode(nodes.far)
        self._wheels = [self._front_wheel(near, nodes.wheel, place) for place in nodes.wheels_at]
        self._lamps = {flag: self._lamp(node) for flag, node in nodes.lit.items()}
        self._shadow(nodes.shadow, shadow)
        self._beam = self._hang_beam(nodes, beam)

    def _front_wheel(self, near: Any, wheel: Any, place: RGB) -> tuple[Any, float]:
        path = near.attachNewNode("front wheel")
        path.attachNewNode(wheel)
        path.setPos(*place)
        # Built for the right side; on the left it is the same wheel turned around.
        turn = 0.0 if place[0] > 0 else 180.0
        path.setH(turn)
        return path, turn

    def _lamp(self, node: Any) -> Any:
        # A wrapper of its own: hiding the shared geometry would put out this lamp on every vehicle.
        wrapper = self.path.attachNewNode("lamp")
        wrapper.attachNewNode(node)
        wrapper.setColorScaleOff(1)
        wrapper.hide()
        return wrapper

    def _shadow(self, size: tuple[float, float], texture: Any) -> None:
        patch = self.path.attachNewNode(
            geom_node("shadow", floor_patch(size[0] * _SHADOW_SPREAD, size[1] * 1.12, 0.02))
        )
        patch.setTexture(texture)
        patch.setTransparency(TransparencyAttrib.MAlpha)
        paint_in_order(patch, "shadow")

    def _hang_beam(self, nodes: _VehicleNodes, texture: Any) -> Any:
        """A warm patch on the road that comes and goes with the low beam, and shows at night only."""
        patch = moved(floor_patch(_BEAM_WIDTH_M, _BEAM_LENGTH_M, 0.02), 0.0, (nodes.shadow[1] + _BEAM_LENGTH_M) / 2.0)
        beam = self._lamps[vehicle_models.LOW_BEAM].attachNewNode(geom_node("beam", patch))
        beam.setTexture(texture)
        beam.setTransparency(TransparencyAttrib.MAlpha)
        paint_in_order(beam, "shadow")
        beam.hide()
        return beam

    def set_night(self, is_night: bool) -> None:
        if is_night:
            self._beam.show()
        else:
            self._beam.hide()

    def show(self, drawn: Drawn) -> None:
        panda_frame.put(self.path, drawn.pose)
        if drawn.light_flags != self._flags:
            self._flags = drawn.light_flags
            for flag, lamp in self._lamps.items():
                if drawn.light_flags & flag:
                    lamp.show()
                else:
                    lamp.hide()
        if abs(drawn.wheel_steer_deg - self._steer) > 0.5:
            self._steer = drawn.wheel_steer_deg
            for path, turn in self._wheels:
                path.setH(turn - drawn.wheel_steer_deg)


class _Walker(_Actor):
    def __init__(self, parent: Any, name: str, person: people.Person, shadow: Any) -> None:
        super().__init__(parent, name)
        self.path.attachNewNode(geom_node("trunk", person.trunk))
        self._limbs = []
        for joint, limb, side in person.limbs():
            path = self.path.attachNewNode("limb")
            path.attachNewNode(geom_node("limb", limb))
            path.setPos(*joint)
            self._limbs.append((path, side))
        patch = self.path.attachNewNode(geom_node("shadow", floor_patch(0.9, 0.9, 0.02)))
        patch.setTexture(shadow)
        patch.setTransparency(TransparencyAttrib.MAlpha)
        paint_in_order(patch, "shadow")

    def show(self, drawn: Drawn) -> None:
        panda_frame.put(self.path, drawn.pose)
        swing = people.swing_deg(drawn.walk_phase, drawn.walk_speed_mps)
        for path, side in self._limbs:
            path.setP(swing * side)


def _opacity_texture(name: str, color: RGB, opacity: Image) -> Any:
    image = np.empty((*opacity.shape, 4), np.float32)
    image[..., :3], image[..., 3] = color, opacity
    return upload(name, image)


def _beam_shape(size: int = 64) -> Image:
    """(S, S) strength of a headlamp's patch, row 0 at the car: narrow there, wide and faint far off."""
    along = ((np.arange(size) + 0.5) / size)[:, None]
    across = np.abs((np.arange(size) + 0.5) / size * 2.0 - 1.0)[None, :]
    edge = np.clip((0.30 + 0.62 * along - across) / 0.30, 0.0, 1.0)
    return np.asarray(edge * np.sqrt(1.0 - along) * np.clip(along * 9.0, 0.0, 1.0), np.float32)


class Actors:
    """Every actor's node by id. An id in use raises ValueError, an unknown one KeyError."""

    def __init__(self, parent: Any) -> None:
        self.root = parent.attachNewNode("actors")
        nearest_first(self.root)
        self._actors: dict[int, _Actor] = {}
        self._looks: dict[tuple[str, RGB], _VehicleNodes] = {}
        self._shadow = _opacity_texture("shadow", (0.0, 0.0, 0.0), soft_disc(64) * _SHADOW_DARKNESS)
        self._beam = _opacity_texture("beam", (1.0, 0.94, 0.78), _beam_shape() * _BEAM_STRENGTH)
        self._is_night = False

    def add(self, actor_id: int, blueprint_id: str, attributes: dict[str, str]) -> None:
        if actor_id in self._actors:
            raise ValueError(f"actor {actor_id} is already drawn; remove it before adding another")
        name = f"actor {actor_id}"
        if blueprint_id.startswith("walker."):
            person = people.build(actor_id, people.height_of(attributes))
            self._actors[actor_id] = _Walker(self.root, name, person, self._shadow)
        elif blueprint_id.startswith("vehicle."):
            look = self._look(actor_id, blueprint_id, attributes)
            vehicle = _Vehicle(self.root, name, look, self._shadow, self._beam)
            vehicle.set_night(self._is_night)
            self._actors[actor_id] = vehicle
        else:
            actor = _Actor(self.root, name)
            actor.path.attachNewNode(geom_node("prop", props.build(blueprint_id)))
            self._actors[actor_id] = actor
        self._actors[actor_id].path.hide()

    def _look(self, actor_id: int, blueprint_id: str, attributes: dict[str, str]) -> _VehicleNodes:
        if blueprint_id not in VEHICLES:
            raise ValueError(f"expected a vehicle out of {sorted(VEHICLES)}, got {blueprint_id!r}")
        paint = paint_of(actor_id, attributes)
        key = (blueprint_id, paint)
        if key not in self._looks:
            if len(self._looks) >= _MOST_LOOKS:
                # The oldest; actors that wear it keep their own hold on its geometry.
                del self._looks[next(iter(self._looks))]
            self._looks[key] = _VehicleNodes(vehicle_models.build(VEHICLES[blueprint_id], paint))
        return self._looks[key]

    def remove(self, actor_id: int) -> None:
        if actor_id not in self._actors:
            raise KeyError(f"actor {actor_id} is not drawn")
        self._actors.pop(actor_id).path.removeNode()

    def __contains__(self, actor_id: int) -> bool:
        return actor_id in self._actors

    def show(self, drawn: Iterable[Drawn], hidden: dict[int, Any]) -> None:
        """Draw exactly these actors; `hidden` maps an actor to the mask of cameras that do not see it."""
        absent = set(self._actors)
        for one in drawn:
            actor = self._actors.get(one.actor_id)
            if actor is None:
                continue
            absent.discard(one.actor_id)
            actor.show(one)
            actor.path.show()
            mask = hidden.get(one.actor_id, BitMask32.allOff())
            if mask != actor.hidden_from:
                actor.path.show(BitMask32.allOn())
                actor.hidden_from = mask
            if not mask.isZero():
                actor.path.hide(mask)
        for actor_id in absent:
            self._actors[actor_id].path.hide()

    def relight(self, light: Daylight) -> None:
        self.root.setColorScale(*light.tint, 1.0)
        self._is_night = light.night > NIGHT_FALLS
        for actor in self._actors.values():
            if isinstance(actor, _Vehicle):
                actor.set_night(self._is_night)

    def close(self) -> None:
        self.root.removeNode()
        self._actors.clear()
        self._looks.clear()
