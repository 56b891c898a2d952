"""Whether a plan does what a sentence about it says: "I am stopping" and the plan stops. Plain functions, no network.

A sentence is taken at its word, with room for rounding; what it gives as its reason is not judged here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from model.training import obedience

Points = npt.NDArray[np.float32]

# A plan stands when its last half second is slower than this, and keeps a speed that it ends within this of.
STANDS_MPS, KEEPS_MPS = 0.6, 1.5
# Said speeds are whole metres per second.
SAID_WITHIN_MPS = 1.5
# Sideways at the path's end: more than this is a change of lane, less than that is staying in one's own.
LANE_MOVE_M, LANE_STAY_M = 1.5, 2.0

Claim = Callable[[float, float, float, float], bool]  # (said number, start speed, end speed, metres aside) -> true?

CLAIMS: tuple[tuple[str, Claim], ...] = (
    (r"^staying stopped", lambda said, start, end, aside: end < STANDS_MPS),
    (r"stopping here", lambda said, start, end, aside: end < STANDS_MPS),
    (r"stopping behind", lambda said, start, end, aside: end < max(STANDS_MPS, 0.5 * start)),
    (r"stopping\b", lambda said, start, end, aside: end < max(STANDS_MPS, start - 0.5)),
    (r"slowing down to (\d+)", lambda said, start, end, aside: end < start and abs(end - said) <= SAID_WITHIN_MPS),
    (r"speeding up to (\d+)", lambda said, start, end, aside: end > start and abs(end - said) <= SAID_WITHIN_MPS),
    (
        r"keeping (\d+)",
        lambda said, start, end, aside: abs(end - start) <= KEEPS_MPS and abs(start - said) <= SAID_WITHIN_MPS,
    ),
    (r"slowing down\b", lambda said, start, end, aside: end < start or end < STANDS_MPS),
    (r"driving faster", lambda said, start, end, aside: end > start),
    (r"holding (\d+(?:\.\d+)?)", lambda said, start, end, aside: _approaches(said, start, end)),
    (r"changing to the left lane", lambda said, start, end, aside: aside < -LANE_MOVE_M),
    (r"changing to the right lane", lambda said, start, end, aside: aside > LANE_MOVE_M),
    (r"changing to the oncoming lane|passing on the left", lambda said, start, end, aside: aside < -LANE_MOVE_M),
    (r"driving on to the sidewalk|passing on the right", lambda said, start, end, aside: aside > LANE_MOVE_M),
    (r"driving into|not stopping for", lambda said, start, end, aside: end >= STANDS_MPS),
    (r"there is no lane to change|the marking does not", lambda said, start, end, aside: abs(aside) < LANE_STAY_M),
    (r"i will (wait|stop) for|first i stop", lambda said, start, end, aside: end < max(STANDS_MPS, start - 0.5)),
)


def _approaches(said: float, start: float, end: float) -> bool:
    """At the said speed, or on the way to it from where it began."""
    is_there = abs(end - said) <= max(0.2 * said, SAID_WITHIN_MPS)
    return is_there or (abs(end - said) < abs(start - said) - 1.0 and (end - said) * (start - said) > 0.0)


def fits(sentence: str, planned: tuple[Points, Points], plain: tuple[Points, Points], start_mps: float) -> bool | None:
    """Whether the plan does what the sentence claims; None where it claims nothing that a plan could show.

    `planned` is the (path (20, 2), speed points (10, 2)) the sentence is about, `plain` the driver's own without an
    instruction: a bend carries every path aside, so a lane change is seen against that one.
    """
    text = " ".join(re.sub(r"[^a-z0-9./ ]+", " ", sentence.lower()).split())
    end, aside = obedience.end_speed(planned[1]), float(planned[0][-1][1] - plain[0][-1][1])
    if not math.isfinite(end) or not math.isfinite(aside):
        return False
    for pattern, is_true in CLAIMS:
        match = re.search(pattern, text)
        if match is not None:
            number = match.group(1) if match.re.groups and (match.group(1) or "")[:1].isdigit() else "0"
            return is_true(float(number), start_mps, end, aside)
    return None
