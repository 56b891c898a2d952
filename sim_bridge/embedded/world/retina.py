"""CARLA's dynamic vision sensor: an event for every step that a pixel's brightness took since the last picture.

Pure numpy. Between two pictures the brightness is taken to change evenly, which gives each event its time.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim_bridge.embedded.world import records
from sim_bridge.embedded.world.actors import SensorActor

Picture = npt.NDArray[np.uint8]
Brightness = npt.NDArray[np.float64]

EVENT = np.dtype([("x", "<u2"), ("y", "<u2"), ("t", "<i8"), ("pol", "u1")])  # 13 bytes; t in nanoseconds
_SHARES_BGR = np.array([0.1140, 0.5870, 0.2989])
_LEAST_STEP, _LEAST_CHANGE = 0.01, 1e-6
_NS = 1e9


class Retina:
    """The memory of one sensor. Its first picture gives no events."""

    def __init__(self, sensor: SensorActor) -> None:
        def setting(name: str, default: float, least: float = 0.0) -> float:
            return records.real(sensor.attribute(name), default, least, 1e9)

        self._steps = (setting("negative_threshold", 0.3, _LEAST_STEP), setting("positive_threshold", 0.3, _LEAST_STEP))
        self._spread = (setting("sigma_negative_threshold", 0.0), setting("sigma_positive_threshold", 0.0))
        self._rest_ns = setting("refractory_period_ns", 0.0)
        self._is_log = sensor.attribute("use_log", "True").lower() in ("true", "1")
        self._log_eps = setting("log_eps", 0.001, 1e-9)
        self._chance = np.random.default_rng(sensor.actor_id)
        self._last: Brightness | None = None
        self._level: Brightness = np.zeros(0)  # where the last event of each pixel left it
        self._fired_ns: Brightness = np.zeros(0)
        self._time_ns = 0.0

    def events(self, picture: Picture, now_s: float) -> npt.NDArray[np.void]:
        """(N,) of EVENT in the order of their times. `picture` (H, W, 4) BGRA."""
        bright, now_ns = self._brightness(picture), now_s * _NS
        before, since_ns = self._last, self._time_ns
        self._last, self._time_ns = bright, now_ns
        if before is None or before.shape != bright.shape:
            self._level, self._fired_ns = bright.copy(), np.full(bright.shape, -np.inf)
            return np.zeros(0, EVENT)
        together = np.concatenate([self._crossings(before, bright, since_ns, now_ns, sign) for sign in (-1, 1)])
        return together[np.argsort(together["t"], kind="stable")]

    def _brightness(self, picture: Picture) -> Brightness:
        grey: Brightness = picture[..., :3] @ _SHARES_BGR
        return np.log(self._log_eps + grey / 255.0) if self._is_log else grey

    def _crossings(
        self, before: Brightness, after: Brightness, since_ns: float, now_ns: float, sign: int
    ) -> npt.NDArray[np.void]:
        """What pixels that became brighter (`sign` 1) or darker (-1) tell: one event per step away from their level."""
        rows, columns = np.nonzero((after - before) * sign > _LEAST_CHANGE)
        start, change = before[rows, columns], (after - before)[rows, columns]
        level, end = self._level[rows, columns], after[rows, columns]
        step = np.full(len(rows), self._steps[sign > 0])
        if self._spread[sign > 0] > 0.0:
            step = np.maximum(_LEAST_STEP, self._chance.normal(step, self._spread[sign > 0]))
        found: list[npt.NDArray[np.void]] = []
        while True:
            crossed = level + sign * step
            is_met = (sign * (crossed - start) > 0.0) & (sign * (end - crossed) >= 0.0)
            if not is_met.any():
                return np.concatenate(found) if found else np.zeros(0, EVENT)
            rows, columns, start, change, end, step = (
                part[is_met] for part in (rows, columns, start, change, end, step)
            )
            level = crossed[is_met]
            self._level[rows, columns] = level
            found.append(self._fired(rows, columns, since_ns + (level - start) / change * (now_ns - since_ns), sign))

    def _fired(
        self, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], at_ns: Brightness, sign: int
    ) -> npt.NDArray[np.void]:
        """The events of these pixels but those that still rest."""
        is_awake = at_ns - self._fired_ns[rows, columns] >= self._rest_ns
        rows, columns, at_ns = rows[is_awake], columns[is_awake], at_ns[is_awake]
        self._fired_ns[rows, columns] = at_ns
        events = np.zeros(len(rows), EVENT)
        events["x"], events["y"], events["t"], events["pol"] = columns, rows, at_ns, sign > 0
        return events
