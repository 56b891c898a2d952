"""Walkers: a torso with a head, and two legs and two arms that swing. Surfaces with light baked in, feet at z 0."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim_bridge.embedded.renderer.geoms import Surface, joined
from sim_bridge.embedded.renderer.light import shade_body
from sim_bridge.embedded.renderer.solids import RGB, ball, rod

_SKINS: tuple[RGB, ...] = ((0.86, 0.66, 0.54), (0.72, 0.52, 0.40), (0.52, 0.36, 0.27), (0.36, 0.25, 0.19))
_TOPS: tuple[RGB, ...] = (
    (0.72, 0.16, 0.16),
    (0.16, 0.34, 0.62),
    (0.90, 0.76, 0.26),
    (0.24, 0.46, 0.30),
    (0.88, 0.88, 0.86),
    (0.46, 0.26, 0.50),
    (0.90, 0.48, 0.18),
    (0.18, 0.19, 0.22),
)
_BOTTOMS: tuple[RGB, ...] = ((0.14, 0.16, 0.24), (0.30, 0.28, 0.25), (0.10, 0.10, 0.11), (0.44, 0.40, 0.32))
# Legs swing this far at an ordinary pace, and this far at most, running.
_SWING_DEG, _PACE_MPS, _WIDEST_SWING_DEG = 26.0, 1.4, 44.0
_HAIRS: tuple[RGB, ...] = ((0.10, 0.08, 0.06), (0.34, 0.22, 0.12), (0.62, 0.48, 0.26), (0.55, 0.54, 0.52))


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """`leg` and `arm` hang from their joint at the origin; joints are (x, y, z), left then right."""

    trunk: Surface
    leg: Surface
    arm: Surface
    hips: tuple[RGB, RGB]
    shoulders: tuple[RGB, RGB]

    def limbs(self) -> tuple[tuple[RGB, Surface, float], ...]:
        """Joint, limb and which way it swings: legs against each other, each arm against its leg."""
        return (
            (self.hips[0], self.leg, 1.0),
            (self.hips[1], self.leg, -1.0),
            (self.shoulders[0], self.arm, -0.8),
            (self.shoulders[1], self.arm, 0.8),
        )


def _lit(parts: list[Surface]) -> Surface:
    whole = joined(parts)
    whole.colors[:, :3] *= shade_body(whole.normals, 0.0) * np.float32(1.1)
    return whole


def build(seed: int, height: float) -> Person:
    """The same seed is always the same person; `height` in metres."""
    rng = np.random.default_rng(seed)
    skin, top, bottom, hair = (colors[int(rng.integers(len(colors)))] for colors in (_SKINS, _TOPS, _BOTTOMS, _HAIRS))
    s = height / 1.75
    trunk = [
        rod((0, 0, 0.86 * s), (0, 0, 1.14 * s), 0.145 * s, top, 8, 0.165 * s),
        rod((0, 0, 1.14 * s), (0, 0, 1.42 * s), 0.165 * s, top, 8, 0.12 * s),
        rod((0, 0, 1.40 * s), (0, 0, 1.52 * s), 0.055 * s, skin, 6),
        ball((0, 0.01 * s, 1.61 * s), (0.095 * s, 0.11 * s, 0.13 * s), skin),
        ball((0, -0.02 * s, 1.65 * s), (0.105 * s, 0.11 * s, 0.105 * s), hair),
        rod((0, 0, 0.78 * s), (0, 0, 0.92 * s), 0.14 * s, bottom, 8),
    ]
    leg = [
        rod((0, 0, 0), (0, 0.01 * s, -0.78 * s), 0.085 * s, bottom, 6, 0.055 * s),
        rod((0, -0.07 * s, -0.79 * s), (0, 0.14 * s, -0.79 * s), 0.05 * s, (0.08, 0.07, 0.07), 6),
    ]
    arm = [
        rod((0, 0, 0), (0, 0.03 * s, -0.52 * s), 0.052 * s, top, 6, 0.04 * s),
        ball((0, 0.04 * s, -0.57 * s), (0.04 * s, 0.045 * s, 0.06 * s), skin, 6, 4),
    ]
    hips = ((-0.085 * s, 0.0, 0.86 * s), (0.085 * s, 0.0, 0.86 * s))
    shoulders = ((-0.205 * s, 0.0, 1.36 * s), (0.205 * s, 0.0, 1.36 * s))
    return Person(_lit(trunk), _lit(leg), _lit(arm), hips, shoulders)


def height_of(attributes: dict[str, str]) -> float:
    """Metres, from the blueprint's `age`."""
    return 1.25 if attributes.get("age") == "child" else 1.75


def swing_deg(walk_phase: float, speed_mps: float) -> float:
    """How far the left leg is forward in degrees, at this part of a stride (0..1): the faster, the further."""
    reach = min(_WIDEST_SWING_DEG, _SWING_DEG * math.sqrt(max(speed_mps, 0.0) / _PACE_MPS))
    return reach * math.sin(2.0 * math.pi * walk_phase)
