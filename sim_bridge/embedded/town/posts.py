"""Poles of traffic lights and signs, arms and housings. Lamps and plates are the renderer's: it draws them on
`Signal.head`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from sim_bridge.embedded.contracts import Label, Pose, Signal, StaticBox
from sim_bridge.embedded.town.sheets import Color, Look, Sheets
from sim_bridge.embedded.town.solids import Place, add_box, add_post, static_box

POLE = Look("solid", Label.POLES)
LIGHT = Look("solid", Label.TRAFFIC_LIGHT)
STEEL: Color = (0.36, 0.38, 0.40)
DARK: Color = (0.07, 0.07, 0.08)

# Three lamps, 0.45 m from middle to middle, and a rim that frames them against a bright sky.
HOUSING_SIZE_M = (0.24, 0.66, 1.52)
HOUSING_BEHIND_HEAD_M = 0.14  # its front stays behind the lamps' plane
POLE_RADIUS_M = 0.10


def add_post_of(sheets: Sheets, signal: Signal) -> Iterator[StaticBox]:
    foot, head = _place(signal.pose), _place(signal.head)
    is_light = signal.kind == "traffic_light"
    height = head.z + (0.3 if is_light else 0.0)
    radius = POLE_RADIUS_M if is_light else 0.04
    # The pole stands behind what it carries, so that it never shows through it.
    behind = foot.shifted(-(HOUSING_BEHIND_HEAD_M + 0.24) if is_light else -0.07, 0.0, 0.0)
    add_post(sheets, POLE, behind, height, (radius, radius * 0.8), STEEL)
    if is_light:
        _add_light(sheets, behind, head)
    label = Label.TRAFFIC_LIGHT if is_light else Label.TRAFFIC_SIGNS
    yield static_box(
        f"{signal.kind} {signal.signal_id}", label, behind.shifted(0, 0, height / 2), (2 * radius, 2 * radius, height)
    )


def _add_light(sheets: Sheets, pole: Place, head: Place) -> None:
    add_box(sheets, LIGHT, head.shifted(-HOUSING_BEHIND_HEAD_M, 0, 0), HOUSING_SIZE_M, DARK, with_bottom=True)
    reach = math.hypot(head.x - pole.x, head.y - pole.y)
    if reach > 1.0:
        direction = math.atan2(head.y - pole.y, head.x - pole.x)
        arm = Place(pole.x, pole.y, direction).shifted(reach / 2, 0, head.z + 0.2)
        add_box(sheets, POLE, arm, (reach, 0.14, 0.14), STEEL, with_bottom=True)


def _place(pose: Pose) -> Place:
    """Back from CARLA's frame into OpenDRIVE's, where meshes are made."""
    return Place(pose.x, -pose.y, -math.radians(pose.yaw), pose.z)
