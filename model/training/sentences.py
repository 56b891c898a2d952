"""What the car says: commentary on its own plan, and its reply to an instruction. Our own wording, few crisp sentences.

Every sentence is a function of the plan, so that words and wheel cannot disagree in the labels.
"""

from __future__ import annotations

from model.training import objects
from model.training.expert import LANE_SIDE, PASSED_LINE_M, TURN_NAME, Rolled
from model.training.samples import FrameFacts
from sim_bridge.messages import InstructionKind

Kind = InstructionKind

STANDING_MPS = 0.3
# Below this change over 2.5 s the car is said to keep its speed.
STEADY_MPS = 0.8
# Of the picture's height: lower than five of the eye's 128 rows a vehicle is a spot, and nobody sees what it is.
TELLS_TYPE_HEIGHT = 0.04
STOP_CAUSES = ("red", "yellow", "stop_sign", "yield", "blocked", "pedestrian")
WHAT_BLOCKS = "what blocks the lane"

REFUSALS = {
    "no_lane": "There is no lane to change to on the {side}.",
    "no_turn": "There is no way to go {turn} here.",
    "marking": "The marking does not allow a change to the {side}.",
    "limit": "That is above the speed limit.",
    "red": "I will wait for the red light.",
    "yellow": "I will stop for the yellow light.",
    "stop_sign": "I will stop at the stop sign.",
    "yield": "I will let the vehicle pass.",
    "blocked": "I can not pass what blocks the lane yet.",
    "pedestrian": "A pedestrian is in the way.",
    "lead": "The vehicle ahead is too close.",
    "no_sidewalk": "There is no sidewalk beside me.",
    "no_oncoming": "There is no oncoming lane here.",
    "no_target": "There is nothing like that ahead.",
    "no_room": "I am too close to pass.",
    "no_pass": "There is no lane to pass on.",
    "no_red": "I see no red light.",
    "crash": "I will not drive into anything.",
    "sidewalk": "The sidewalk is not for cars.",
    "oncoming": "That lane is for oncoming traffic.",
}
UNCLEAR_REPLY = "I can only follow driving instructions."
HAZARD_FIRST = {
    "red": "First I stop for the red light.",
    "yellow": "First I stop for the yellow light.",
    "stop_sign": "First I stop for the stop sign.",
    "yield": "First I stop for the vehicle.",
    "blocked": f"First I stop for {WHAT_BLOCKS}.",
    "pedestrian": "First I stop for the pedestrian.",
    "lead": "First I keep behind the vehicle ahead.",
}


def number(value: float) -> str:
    """A speed or distance as it is said: whole, or with one decimal where that matters."""
    rounded = round(value, 1)
    return str(int(rounded)) if rounded == int(rounded) else f"{rounded:.1f}"


def speed_phrase(speed_mps: float, rolled: Rolled) -> str:
    """The first words of the commentary: what the speed does over the plan."""
    end = rolled.end_mps
    if speed_mps < STANDING_MPS and end < STANDING_MPS:
        return "Staying stopped"
    if end < STANDING_MPS or (rolled.cause in STOP_CAUSES and end < speed_mps - STEADY_MPS):
        return "Stopping"
    if end < speed_mps - STEADY_MPS:
        return f"Slowing down to {round(end)} m/s"
    if end > speed_mps + STEADY_MPS:
        return f"Speeding up to {max(1, round(end))} m/s"
    return f"Keeping {max(1, round(speed_mps))} m/s"


def lead_height(facts: FrameFacts) -> float:
    """How tall the vehicle ahead is in the picture, as a share of its height; 0 where it is hidden."""
    return max((box.v1 - box.v0 for box in facts.seen if box.kind in ("lead", "lead_brakes")), default=0.0)


def lead_name(facts: FrameFacts) -> str:
    """What the vehicle ahead is called: by its type where the picture shows it, "" without one."""
    if facts.lead is None:
        return ""
    return facts.lead.type if lead_height(facts) >= TELLS_TYPE_HEIGHT else "vehicle"


def ahead_phrase(facts: FrameFacts) -> str:
    """What is ahead but does not decide the speed yet."""
    if facts.pedestrian is not None:
        return ", a pedestrian is ahead"
    if facts.blocked_m is not None:
        return f", going round {WHAT_BLOCKS}"
    if light_seen(facts):
        return f", the light is {light_seen(facts)}"
    if facts.lead is not None:
        return f", a {lead_name(facts)} is ahead"
    return ", the road is clear"


def reason_phrase(facts: FrameFacts, speed_mps: float, rolled: Rolled) -> str:
    """Why, as the end of the sentence, from the cause the expert acted on."""
    cause, speeds_up = rolled.cause, rolled.end_mps > speed_mps + STEADY_MPS
    if cause == "round":
        return f" past {WHAT_BLOCKS}" if speeds_up else f" to go round {WHAT_BLOCKS}"
    if speeds_up and cause in ("turn", "bend"):
        return f" into the {cause}"
    if cause == "lead" and facts.lead is not None:
        return f" behind the {lead_name(facts)}"
    if speeds_up:
        return ahead_phrase(facts)
    if cause in ("red", "yellow"):
        return f" for the {cause} light"
    if cause == "yield":
        return " for the vehicle"
    if cause == "blocked":
        return f" for {WHAT_BLOCKS}"
    if cause in ("stop_sign", "pedestrian", "turn", "bend"):
        return f" for the {cause.replace('_', ' ')}"
    return ahead_phrase(facts)


def light_seen(facts: FrameFacts) -> str:
    """The state of the light the car faces, "" without one."""
    return facts.light.state if facts.light is not None and facts.light.stop_line_m > PASSED_LINE_M else ""


def heading_phrase(facts: FrameFacts) -> str:
    """Where the route goes at a junction that is near, "" away from one."""
    if not facts.in_junction and (facts.junction_m is None or facts.junction_m > 20.0):
        return ""
    ways = {"left": "Turning left. ", "right": "Turning right. ", "straight": "Going straight on. "}
    return ways.get(facts.route_turn, "")


def commentary(facts: FrameFacts, speed_mps: float, rolled: Rolled) -> str:
    """What, how fast and why: "Turning left. Slowing down to 4 m/s for the turn." """
    return f"{heading_phrase(facts)}{speed_phrase(speed_mps, rolled)}{reason_phrase(facts, speed_mps, rolled)}."


def named_in_reply(facts: FrameFacts, kind: InstructionKind, named: str) -> str:
    """What a reply has to name besides the instruction's kind: whom it means, the light's state, the side; else ""."""
    if kind is Kind.PASS:
        side = objects.passing_side(facts)
        return "left" if side == "oncoming" else side
    if kind is Kind.RUN_LIGHT:
        return light_seen(facts)
    return objects.called(facts, kind, named) if kind in objects.ABOUT_OBJECTS else ""


def reply(kind: InstructionKind, value: float | None, rolled: Rolled, refused: str, about: str = "") -> str:
    """The answer to an instruction, agreeing with the plan that goes with it. `about`: what
    `named_in_reply` says."""
    if refused:
        side, turn = LANE_SIDE.get(kind, about), TURN_NAME.get(kind, "")
        return REFUSALS[refused].format(side=side, turn=turn)
    if kind is Kind.UNCLEAR:
        return UNCLEAR_REPLY
    if kind is Kind.TARGET_SPEED and value is not None:
        is_held_up = rolled.cause in HAZARD_FIRST and rolled.end_mps < value - 1.0
        return HAZARD_FIRST[rolled.cause] if is_held_up else f"Holding {number(value)} m/s."
    if kind is Kind.STOP and value is not None:
        return "Stopping behind the vehicle ahead."
    if kind in LANE_SIDE:
        return f"Changing to the {LANE_SIDE[kind]} lane."
    return {
        Kind.STOP: "Stopping here.",
        Kind.SLOWER: "Slowing down.",
        Kind.FASTER: "Driving faster.",
        Kind.TURN_LEFT: "Turning left at the junction.",
        Kind.TURN_RIGHT: "Turning right at the junction.",
        Kind.STRAIGHT: "Going straight on at the junction.",
        Kind.PASS: f"Passing on the {about}.",
        Kind.KEEP_BEHIND: f"Keeping behind the {about}.",
        Kind.CRASH: f"Driving into the {about}.",
        Kind.RUN_LIGHT: f"Not stopping for the {about} light.",
        Kind.SIDEWALK: "Driving on to the sidewalk.",
        Kind.ONCOMING: "Changing to the oncoming lane.",
        Kind.KEEP_RULES: "I keep to the rules.",
    }.get(kind, "Driving on.")
