"""Pictures and observations for SimLingo's tests."""

from __future__ import annotations

import numpy as np

from sim_bridge.messages import FRONT_CAMERA, CameraFrame, EgoState, Observation, RouteCommand

POINTS = ((12.0, 0.5), (30.0, 4.0))


def picture(seed: int = 0) -> np.ndarray:
    """A noisy camera frame, (512, 1024, 3) RGB."""
    return np.random.default_rng(seed).integers(0, 256, (512, 1024, 3), np.uint8)


def observation(tick: int = 0, rgb: np.ndarray | None = None, points: object = POINTS) -> Observation:
    frame = CameraFrame(FRONT_CAMERA, picture(tick) if rgb is None else rgb, tick)
    ego = EgoState(0.0, 0.0, 0.0, 5.26)
    where = np.array(points, np.float32)
    return Observation(1, tick, tick * 50_000, ego, (frame,), where, RouteCommand.LEFT, RouteCommand.FOLLOW_ROAD, 20.4)
