"""Held-out frames as a driver meets them, and what was judged of them. Needs no torch.

A driver is shown stored pictures through the ordinary Driver interface, exactly as it is shown live ones.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from model.training import folders, labels
from model.training.phrasings import split
from model.training.samples import FrameFacts
from sim_bridge.interfaces import Driver
from sim_bridge.messages import (
    FRONT_CAMERA,
    CameraFrame,
    DrivePlan,
    EgoState,
    Instruction,
    Observation,
    RouteCommand,
)

Frame = tuple[Path, FrameFacts]


@dataclass(frozen=True, slots=True)
class Case:
    """One judged view, kept for the report's worst ones."""

    suite: str
    category: str
    is_right: bool
    picture: str  # a JPEG file, or one as a data URI
    asked: str
    expected: str
    got: str


def held_out_frames(data: Sequence[Path], limit: int, seed: int) -> list[Frame]:
    """Up to `limit` frames that nothing was trained on: the val splits, and whole towns that are held out.

    Raises FileNotFoundError for a folder without any.
    """
    paths = [path for folder in data for path in _never_trained_on(folder)]
    order = np.random.default_rng(seed).permutation(len(paths))
    found = []
    for k in order:
        try:
            found.append(folders.read_one(paths[k]))
        except folders.BadFrame:
            continue
        if len(found) == limit:
            break
    return found


def _never_trained_on(folder: Path) -> list[Path]:
    """The measurement files of the val split, and of every split of a held-out town."""
    paths = folders.frames(folder, "val")
    with contextlib.suppress(FileNotFoundError):
        names = {f"Town_{town}" for town in folders.HELD_OUT_TOWNS}
        paths += [path for path in folders.frames(folder, "train") if path.parent.parent.name in names]
    return paths


def observation_of(
    frame: Frame, speed_mps: float, tick: int, targets: np.ndarray | None = None, episode: int = 1
) -> Observation:
    """A stored frame as a driver would meet it. `tick` differs between frames, so nothing remembered is reused."""
    jpeg, facts = frame
    with Image.open(jpeg) as picture:
        rgb = np.asarray(picture.convert("RGB"))
    rgb.flags.writeable = False
    camera = replace(FRONT_CAMERA, width_px=rgb.shape[1], height_px=rgb.shape[0])
    return Observation(
        episode=episode,
        tick=tick,
        sim_time_us=50_000 * tick,
        ego=EgoState(0.0, 0.0, 0.0, speed_mps),
        frames=(CameraFrame(camera, rgb, tick),),
        target_points_xy_in_ego=facts.target_points if targets is None else targets,
        command=RouteCommand(facts.command),
        next_command=RouteCommand(facts.next_command),
        command_distance_m=facts.command_distance_m,
    )


class FrameDriver:
    """Shows one frame after another; ticks far apart so that a driver looks anew each time."""

    def __init__(self, driver: Driver) -> None:
        self._driver, self._tick = driver, 0

    def show(
        self, frame: Frame, speed_mps: float, rng: np.random.Generator, ahead: tuple[float, float] | None = None
    ) -> Observation:
        """`ahead`: metres along the route to the navigator's points; drawn without."""
        self._tick += 1000
        targets = labels.targets_at(frame[1], ahead or labels.sampled_ahead(frame[1], rng), rng)
        return observation_of(frame, speed_mps, self._tick, targets)

    def plan(self, observation: Observation, instruction: Instruction | None) -> DrivePlan:
        return self._driver.plan(observation, instruction)

    def comment(self, observation: Observation) -> str:
        return "".join(self._driver.comment(observation, None))

    def reply(self, observation: Observation, instruction: Instruction) -> str:
        return "".join(self._driver.comment(observation, instruction))

    def answer(self, observation: Observation, question: str) -> str:
        return "".join(self._driver.answer(observation, question))


def same_words(a: str, b: str) -> bool:
    return split(a) == split(b)


def shares(cases: Sequence[Case], by_suite: bool = False) -> dict[str, Any]:
    """Right answers as shares, of all and of each category, with how many were judged."""
    found: dict[str, list[bool]] = defaultdict(list)
    for case in cases:
        found["all"].append(case.is_right)
        found[f"{case.suite}/{case.category}" if by_suite else case.category].append(case.is_right)
        if by_suite:
            found[case.suite].append(case.is_right)
    return {
        name: {"share": round(sum(right) / len(right), 3), "of": len(right)} for name, right in sorted(found.items())
    }
