"""The views a scanning sensor looks through: a ring of upright windows, and caps for what is steep above or below.

World thread only. A ring keeps every ray within 45 degrees of a window's axis, so pixels stay even.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.contracts import Scan
from sim_bridge.embedded.renderer.pipe import Target
from sim_bridge.embedded.renderer.survey.number_view import NumberView, Window

_WIDEST_DEG = 100.0  # of one window when the scan is a sector
_NEAR_M = 0.25
_FINER = 1.5  # pixels per ray in the middle of a window
_SMALLEST_PX, _LARGEST_PX = 48, 1024
_MARGIN = 1.02  # of a window beyond its outermost rays


@dataclass(frozen=True, slots=True, eq=False)
class Aimed:
    """Rays of one scan that go through one view: `chosen` (K,) their places in the scan, `across` and `up` (K,) where
    they cross the plane one metre ahead of the view."""

    view: NumberView
    chosen: npt.NDArray[np.int64]
    across: npt.NDArray[np.float64]
    up: npt.NDArray[np.float64]


class Rig:
    """The views of one scanning sensor. Lives from its first scan to its removal."""

    def __init__(self, target: Target, scene: Any, scan: Scan, mask_bit: int) -> None:
        self.mask_bit = mask_bit
        low_deg, high_deg = scan.azimuth_deg
        span = min(360.0, max(high_deg - low_deg, 0.5))
        count = 1 if span <= _WIDEST_DEG else math.ceil(span / 90.0)
        self._first_yaw, self._share = low_deg, span / count
        half = math.radians(self._share / 2.0)
        self._steepest = math.tan(math.radians(60.0)) if count == 1 else 1.0
        pitch = (math.radians(scan.pitch_deg[0]), math.radians(scan.pitch_deg[1]))
        side = _side_window(scan, half, self._steepest, pitch)
        self._turns = [(low_deg + self._share * (index + 0.5), 0.0) for index in range(count)]
        windows = [side] * count
        # A steep ray leaves a side window where its slope passes the limit; the cap has to begin there.
        reach = _MARGIN / (math.cos(half) * self._steepest)
        cap = _window((-reach, reach, -reach, reach), pitch, scan.range_m)
        for pitch_deg, is_needed in ((90.0, scan.elevation_deg[1]), (-90.0, -scan.elevation_deg[0])):
            if math.tan(math.radians(min(is_needed, 89.9))) / math.cos(half) > self._steepest:
                self._turns.append((self._turns[0][0], pitch_deg))
                windows.append(cap)
        self._sides = count
        self.views = [
            NumberView(target, scene, f"scan {scan.scan_id}.{index}", window, mask_bit)
            for index, window in enumerate(windows)
        ]

    def aim(self, scan: Scan) -> Iterator[Aimed]:
        """Point the views as the sensor stands and share the rays out among those that are needed."""
        x, y, z = scan.directions.T.astype(np.float64)
        yaw = np.degrees(np.arctan2(y, x))
        place = ((yaw - self._first_yaw) % 360.0) / self._share
        side = np.minimum(place.astype(np.int64), self._sides - 1)
        turn = np.radians(self._first_yaw + self._share * (side + 0.5))
        ahead = np.cos(turn) * x + np.sin(turn) * y
        is_steep = np.abs(z) > ahead * self._steepest * _MARGIN
        for index, ((yaw_deg, pitch_deg), view) in enumerate(zip(self._turns, self.views, strict=True)):
            if index < self._sides:
                is_here = (side == index) & ~is_steep
            else:
                is_here = is_steep & ((z > 0.0) == (pitch_deg > 0.0))
            chosen = np.flatnonzero(is_here)
            view.set_due(len(chosen) > 0)
            if len(chosen):
                ahead_of, right_of, up_of = (scan.directions[chosen] @ axis for axis in _axes(yaw_deg, pitch_deg))
                view.aim(scan.pose, yaw_deg, pitch_deg)
                yield Aimed(view, chosen, right_of / ahead_of, up_of / ahead_of)

    def close(self) -> None:
        for view in self.views:
            view.close()


def _side_window(scan: Scan, half: float, steepest: float, pitch: tuple[float, float]) -> Window:
    def slope(elevation_deg: float) -> float:
        # Off the axis a ray of the same elevation crosses the window further out.
        tangent = math.tan(math.radians(min(max(elevation_deg, -89.0), 89.0)))
        return max(-steepest, min(steepest, tangent / math.cos(half))) * _MARGIN

    low, high = slope(scan.elevation_deg[0]), slope(scan.elevation_deg[1])
    room = 2.0 * pitch[1]
    across = math.tan(half) * _MARGIN
    return _window((-across, across, min(low, 0.0) - room, max(high, 0.0) + room), pitch, scan.range_m)


def _window(edges: tuple[float, float, float, float], pitch: tuple[float, float], range_m: float) -> Window:
    left, right, low, high = edges
    width, height = (
        int(min(_LARGEST_PX, max(_SMALLEST_PX, math.ceil(size / step * _FINER))))
        for size, step in ((right - left, pitch[0]), (high - low, pitch[1]))
    )
    return Window(left, right, low, high, width, height, _NEAR_M, range_m * 1.05 + 1.0)


def _axes(yaw_deg: float, pitch_deg: float) -> tuple[npt.NDArray[np.float64], ...]:
    """Forward, right and up of a view in the sensor's axes."""
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    return np.array([cp * cy, cp * sy, sp]), np.array([-sy, cy, 0.0]), np.array([-sp * cy, -sp * sy, cp])
