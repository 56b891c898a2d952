"""What the teacher writes down and what a network learns from: FrameFacts on disk, Sample in a batch. Plain data.

Facts are stored, not labels: one frame gives a fresh Sample at every view (another speed, instruction, question), made
by `model.training.labels.sample(facts, rng)`. All geometry is in ego coordinates at the frame (x forward, y right, m).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sim_bridge.messages import InstructionKind, InstructionMode

Polyline = npt.NDArray[np.float32]  # (N, 2), points 1 m apart, point 0 nearest the car


@dataclass(frozen=True, slots=True)
class LightFacts:
    """The traffic light that rules the car's lane. `state`: "red" | "yellow" | "green"."""

    state: str
    stop_line_m: float  # along the route from the car's front bumper; negative once passed


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """The nearest vehicle in the car's way along the route."""

    gap_m: float  # bumper to bumper
    speed_mps: float
    brakes: bool
    type: str  # "car" | "van" | "truck" | "bus" | "motorcycle" | "bicycle"
    color: str  # a colour word, "" where it has none


@dataclass(frozen=True, slots=True)
class PedestrianFacts:
    """The nearest walker in or about to enter the car's way. `distance_m` from the front bumper."""

    distance_m: float
    lateral_m: float


@dataclass(frozen=True, slots=True)
class SignFacts:
    """A sign that rules the road ahead. `kind`: "stop" | "yield" | "limit"; `value_kmh` of a limit, else 0."""

    kind: str
    distance_m: float  # along the route from the front bumper to where it takes effect
    value_kmh: int = 0


@dataclass(frozen=True, slots=True)
class BesideFacts:
    """What lies beside the lanes of the car's direction, from its lane's middle to theirs; None where there is none."""

    oncoming_m: float | None  # to the left: the nearest lane for oncoming traffic
    sidewalk_m: float | None  # to the right


@dataclass(frozen=True, slots=True)
class SeenBox:
    """Something visible, as a box in the picture. u, v are 0..1 of the full 2:1 frame's width and height.

    `kind`: "red" | "yellow" | "green" (lamps of the car's own light), "lead", "lead_brakes", "pedestrian", "vehicle".
    """

    kind: str
    u0: float
    v0: float
    u1: float
    v1: float


@dataclass(frozen=True, slots=True, eq=False)
class FrameFacts:
    """Everything the teacher knew about one frame."""

    speed_mps: float
    speed_limit_mps: float
    route: Polyline  # where the route goes, >= 40 m, 110 m where the road goes on
    lane_left: Polyline | None  # the path into the neighbouring lane of the same direction, None where there is none
    lane_right: Polyline | None
    turns: dict[str, Polyline]  # "left" | "right" | "straight" -> the path through the next junction, within 45 m
    target_points: npt.NDArray[np.float32]  # (2, 2)
    command: int  # RouteCommand values
    next_command: int
    command_distance_m: float
    junction_m: float | None  # along the route to the next junction's entry; 0 inside; None beyond 60 m
    in_junction: bool
    may_change_left: bool  # the lane marking allows it
    may_change_right: bool
    oncoming_left: bool  # the lane on the left carries oncoming traffic
    light: LightFacts | None
    lead: LeadFacts | None
    pedestrian: PedestrianFacts | None
    seen: tuple[SeenBox, ...] = ()
    vehicles_seen: int = 0
    pedestrians_seen: int = 0
    town: str = ""
    weather: str = ""
    place: str = ""  # "road:lane:bucket", what the split is made by
    source: str = ""  # "staged" | "drive"
    route_turn: str = ""  # "left" | "right" | "straight": the route's way through its next junction, "" without one
    # Metres along the route at which the navigator's command changes: junctions' entries and exits, ascending.
    changes_m: tuple[float, ...] = ()
    # Signs ahead, nearest first; None where nobody looked for any, which is not the same as none there.
    signs: tuple[SignFacts, ...] | None = None
    # Metres from the front bumper to the line of a stop sign that the car has not yet stopped for; in a frame that is
    # stored, to the next one ahead: whether it has stopped there is told by the speed it is viewed at.
    stop_m: float | None = None
    # Whether somebody has watched the drive and knows that the stop is still due, whatever the speed.
    stop_is_due: bool = False
    # Metres from the front bumper to where the car must wait for somebody who crosses or blocks its way.
    yield_m: float | None = None
    # Metres from the front bumper to cones, a barrier or a broken-down car that block its lane, 0 beside them: what the
    # route leads round, or what is waited behind.
    blocked_m: float | None = None
    # None where nobody looked, and where the route leads out of the lane.
    beside: BesideFacts | None = None


def next_stop_m(signs: tuple[SignFacts, ...] | None) -> float | None:
    """Metres to the line of the next stop sign, None without one. `signs` as in FrameFacts."""
    return next((sign.distance_m for sign in signs or () if sign.kind == "stop"), None)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One view of one frame: what the network reads and what it should say and do.

    task: "drive" | "commentary" | "vqa" | "dream". `answer_text` is without a final marker; the tokenizer adds it.
    """

    task: str
    speed_mps: float
    target_points: npt.NDArray[np.float32] | None  # (2, 2); None when dropped
    instruction: str  # "" unless dream
    mode: InstructionMode
    question: str  # "" unless vqa
    answer_text: str
    kind: InstructionKind
    path: npt.NDArray[np.float32]  # (20, 2) at k metres, k = 0..19
    speed: npt.NDArray[np.float32]  # (10, 2) at 0.25 .. 2.5 s
    aux: dict[str, float] = field(default_factory=dict)
    # aux keys: light (0 none 1 red 2 yellow 3 green), light_m, lead (0/1), lead_known (0/1), lead_m, lead_brakes (0/1),
    # pedestrian (0/1), pedestrian_m, curvature (1/m, right positive), left_lane (0/1), right_lane (0/1),
    # junction_m (60 when none)
