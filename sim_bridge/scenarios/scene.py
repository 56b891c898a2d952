"""What a scene is: plain data, as `reading` makes it of a JSON file. No world, any thread.

A scene says where it can happen (a kind of place, never coordinates), who is there, what they do when, what must come
about for it to have happened as named, and what is asked of the car that drives through it.

Along the car's way, metres count from the anchor of the place: the car's start on a straight, the stop line of a
junction (so the approach is negative). `aside_m` is to the right of a lane's middle.
"""

from __future__ import annotations

from dataclasses import dataclass, field

STRAIGHT, JUNCTION = "straight", "junction"
KINDS = (STRAIGHT, JUNCTION)
WAYS = ("straight", "left", "right")
ARMS = ("oncoming", "left", "right", "side")  # "side" is whichever of left and right there is
LANES = ("ego", "left", "right", "oncoming", "edge")  # "edge" is the right border of the rightmost driving lane
CONTROLS = ("any", "lights", "stop", "none")
EGO_LANES = ("any", "rightmost", "leftmost")


@dataclass(frozen=True, slots=True)
class PlaceWish:
    """Where a scene can happen. `length_m`: road without a junction, ahead of the start or before the stop line."""

    kind: str
    length_m: float
    bend_deg: float = 9.0  # how far the road may turn over that length
    lanes: int = 1  # at least so many in the car's direction
    ego_lane: str = "any"
    needs_oncoming: bool = False  # a lane of the other direction right beside the car's
    control: str = "any"
    way: str = "straight"
    arms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an actor stands: on a lane beside the car's way at `along_m`, or on an arm `before_m` its stop line."""

    lane: str = "ego"
    along_m: float = 0.0
    arm: str = ""
    before_m: float = 0.0
    aside_m: float = 0.0
    turn_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Action:
    """What an actor does from some moment on. `kind`: one of `sim_bridge.scenarios.doings.DOINGS`.

    `mps` is the speed wanted, `mps2` the braking, `gap_m` the distance held to the car (negative: behind it), `over_m`
    the length of a lane change to `to`, `lead_s` how much earlier than the car it passes where their ways meet, never
    slower than `least_mps`, `far_m` how far a walker walks.
    """

    kind: str = "stand"
    mps: float = 0.0
    mps2: float = 0.0
    gap_m: float = 0.0
    over_m: float = 20.0
    to: str = "right"
    lead_s: float = 0.0
    least_mps: float = 2.0
    far_m: float = 9.0


@dataclass(frozen=True, slots=True)
class Member:
    """One of the cast. `blueprints` are patterns in order of preference. `way` is taken at the next junction."""

    name: str
    blueprints: tuple[str, ...]
    spot: Spot
    does: Action = field(default_factory=Action)
    way: str = "straight"
    lights: str = ""  # "" | "hazard" | "siren"
    color: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """True in a tick where everything that is set holds. `who` names whom the second block is about.

    `ego_past_m` and `ego_before_m` are about the car's front bumper on its way. `ahead` and `behind` are along the
    car's way, `in_ego_lane` across it. `gap_under_s` is bumper to bumper by the car's speed.
    """

    after_s: float | None = None
    ego_past_m: float | None = None
    ego_before_m: float | None = None
    ego_faster_mps: float | None = None
    ego_slower_mps: float | None = None

    who: str = ""
    within_m: float | None = None
    beyond_m: float | None = None
    gap_under_s: float | None = None
    in_ego_lane: bool | None = None
    ahead: bool | None = None
    in_junction: bool | None = None
    faster_mps: float | None = None
    slower_mps: float | None = None
    braking_mps2: float | None = None
    light: str = ""  # of the arm that `who` comes from: "red" | "yellow" | "green"
    siren: bool | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Once `when` is true, `who` does `do` from then on. Happens once."""

    when: Condition
    who: str
    do: Action


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of the car: `condition` at least once before the end, or never. `says` is a clause: "stops"."""

    says: str
    condition: Condition
    is_never: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """`happens` are stages: each comes true in a tick at or after the one before it; then the scene has happened.

    `leaves_lane`: what is asked for cannot be done within the lane, so leaving it is no fault.
    """

    name: str
    title: str
    about: str
    place: PlaceWish
    start_m: float  # where the car's front starts on its way
    goal_m: float  # where its way ends
    cast: tuple[Member, ...]
    happens: tuple[Condition, ...]
    events: tuple[Event, ...] = ()
    demands: tuple[Demand, ...] = ()
    lights: dict[str, str] = field(default_factory=dict)  # arm, or "ego" or "others" -> state held
    time_s: float = 60.0
    leaves_lane: bool = False
    weather: str = ""  # one of CARLA's preset names
