"""How smoothly and how swiftly a car was driven: Bench2Drive's comfort and efficiency, from its track. Plain numpy.

Comfort is the share of two-second windows in which every bound holds; the bounds are the ones nuPlan took from people's
driving and Bench2Drive uses. Derivatives are of a parabola fitted around each tick, since those of single ticks are
noise of the physics. Efficiency is the car's mean speed against the mean of the vehicles around it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sim_bridge.messages import TICK_S, EgoState

Series = npt.NDArray[np.float64]

LONGITUDINAL_MPS2 = (-4.05, 2.40)
LATERAL_MPS2 = 4.89
JERK_MPS3 = 8.37
LONGITUDINAL_JERK_MPS3 = 4.13
YAW_RATE_RADPS = 0.95
YAW_ACCELERATION_RADPS2 = 1.93

FIT_TICKS = 15  # 0.75 s, odd
WINDOW_TICKS = 40


def slope(values: Series) -> Series:
    """The derivative per second of the parabola fitted to FIT_TICKS around each value; same length, ends held."""
    half = FIT_TICKS // 2
    steps = np.arange(-half, half + 1, dtype=np.float64)
    padded = np.concatenate([np.full(half, values[0]), values, np.full(half, values[-1])])
    # At the middle of an even window a parabola's slope is that of the straight line through it.
    return np.convolve(padded, -steps / np.sum(steps**2), mode="valid") / TICK_S


def comfort(track: Sequence[EgoState]) -> float | None:
    """The share of windows without a bound broken, 0..1; None for a drive shorter than one window."""
    if len(track) < WINDOW_TICKS:
        return None
    speed = np.array([ego.speed_mps for ego in track])
    yaw_rate = slope(np.unwrap([ego.yaw_rad for ego in track]))
    along, across = slope(speed), speed * yaw_rate
    is_calm = (
        (along > LONGITUDINAL_MPS2[0])
        & (along < LONGITUDINAL_MPS2[1])
        & (np.abs(across) < LATERAL_MPS2)
        & (np.hypot(slope(along), slope(across)) < JERK_MPS3)
        & (np.abs(slope(along)) < LONGITUDINAL_JERK_MPS3)
        & (np.abs(yaw_rate) < YAW_RATE_RADPS)
        & (np.abs(slope(yaw_rate)) < YAW_ACCELERATION_RADPS2)
    )
    windows = [is_calm[k : k + WINDOW_TICKS].all() for k in range(0, len(track) - WINDOW_TICKS + 1, WINDOW_TICKS)]
    return float(np.mean(windows))


def efficiency(speeds: Sequence[float], others: Sequence[float | None]) -> float | None:
    """Percent of the others' mean speed, over the ticks at which there were any; None without such a tick.

    `others`: the mean speed of the vehicles nearby at each tick, None where there was none.
    """
    both = [(own, other) for own, other in zip(speeds, others, strict=True) if other is not None]
    if not both:
        return None
    own, other = np.mean(both, axis=0)
    return float(100.0 * own / max(other, 0.1))
