"""A tiny data set painted by hand: a road, sometimes a lamp, a leader or a walker, with the facts that go with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.training.folders import FolderWriter
from model.training.samples import FrameFacts, LeadFacts, LightFacts, PedestrianFacts, SeenBox

LAMP_COLORS = {"red": (230, 30, 20), "yellow": (240, 200, 30), "green": (30, 220, 90)}


def line(bend_per_m: float, length: int = 45) -> np.ndarray:
    heading = np.cumsum(np.full(length, bend_per_m))
    steps = np.stack([np.cos(heading), np.sin(heading)], 1)
    return np.concatenate([np.zeros((1, 2)), np.cumsum(steps, 0)]).astype(np.float32)


def facts(
    rng: np.random.Generator, place: str, light: str = "", lead_m: float = 0.0, walker_m: float = 0.0
) -> FrameFacts:
    route = line(float(rng.uniform(-0.02, 0.02)))
    seen = []
    if light:
        seen.append(SeenBox(light, 0.6, 0.3, 0.63, 0.36))
    if lead_m:
        half = 1.0 / lead_m
        seen.append(SeenBox("lead", 0.5 - half, 0.52 - half, 0.5 + half, 0.52 + half))
    if walker_m:
        seen.append(SeenBox("pedestrian", 0.48, 0.48, 0.5, 0.58))
    return FrameFacts(
        speed_mps=5.0,
        speed_limit_mps=8.33,
        route=route,
        lane_left=None,
        lane_right=(route + np.array([0.0, 3.5])).astype(np.float32),
        turns={"left": line(-0.05), "straight": line(0.0)},
        target_points=route[[12, 28]],
        command=1,
        next_command=4,
        command_distance_m=15.0,
        junction_m=15.0,
        in_junction=False,
        may_change_left=False,
        may_change_right=True,
        oncoming_left=True,
        light=LightFacts(light, 14.0) if light else None,
        lead=LeadFacts(lead_m, 3.0, False, "car", "red") if lead_m else None,
        pedestrian=PedestrianFacts(walker_m, 0.2) if walker_m else None,
        seen=tuple(seen),
        vehicles_seen=int(bool(lead_m)),
        pedestrians_seen=int(bool(walker_m)),
        town="Painted",
        weather="clear",
        place=place,
        source="staged",
    )


def picture(of: FrameFacts, rng: np.random.Generator) -> np.ndarray:
    """(512, 1024, 3): sky, grass and road in flat colours, and every seen box filled."""
    rgb = np.empty((512, 1024, 3), np.uint8)
    rgb[:256], rgb[256:] = (150, 180, 220), (90, 120, 70)
    for row in range(256, 512):
        near = (row - 256) / 256
        middle = 512 + int(300 * float(of.route[20, 1]) / 20 * (1 - near))
        rgb[row, max(0, middle - int(60 + 400 * near)) : middle + int(60 + 400 * near)] = (80, 80, 85)
    colors = {**LAMP_COLORS, "lead": (170, 20, 20), "pedestrian": (240, 220, 200)}
    for box in of.seen:
        rows = slice(int(box.v0 * 512), int(box.v1 * 512))
        rgb[rows, int(box.u0 * 1024) : int(box.u1 * 1024)] = colors[box.kind]
    noise = rng.integers(0, 12, rgb.shape, dtype=np.uint8)
    return rgb + np.minimum(noise, 255 - rgb)


def write(root: Path, count: int, seed: int = 0) -> None:
    """`count` frames over places of both splits."""
    rng = np.random.default_rng(seed)
    writer = FolderWriter(root, "Painted", 0)
    for i in range(count):
        scene = (i // 2) % 4
        light = ("red", "green", "yellow")[i % 3] if scene == 1 else ""
        lead_m = float(rng.uniform(5, 20)) if scene == 2 else 0.0
        one = facts(rng, f"{i % 7}:1:{i % 5}", light, lead_m, 10.0 if scene == 3 else 0.0)
        writer.write(picture(one, rng), one, np.eye(4).tolist())
