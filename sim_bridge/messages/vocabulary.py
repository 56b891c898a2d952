"""The words with a closed set of meanings that messages carry: what is asked, who drives, how the drive stands."""

from __future__ import annotations

from enum import Enum

# Characters of an instruction or a question, which every driver reads whole: longer than anybody says to a driver.
WORDS_AT_MOST = 240


class InstructionMode(Enum):
    """How a driver treats an instruction: FOLLOW obeys regardless, SAFETY refuses in words and drives on."""

    FOLLOW = "follow"
    SAFETY = "safety"


class InstructionKind(Enum):
    """What a driver took an instruction to mean; decides when the loop may call it done."""

    NONE = "none"
    GO = "go"
    STOP = "stop"
    SLOWER = "slower"
    FASTER = "faster"
    TARGET_SPEED = "target_speed"
    LANE_LEFT = "lane_left"
    LANE_RIGHT = "lane_right"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    STRAIGHT = "straight"
    PASS = "pass"
    KEEP_BEHIND = "keep_behind"
    CRASH = "crash"
    RUN_LIGHT = "run_light"
    SIDEWALK = "sidewalk"
    ONCOMING = "oncoming"
    KEEP_RULES = "keep_rules"
    UNCLEAR = "unclear"


class Manoeuvre(Enum):
    """How a lane change or turn that was begun stands, as the world sees it."""

    UNDER_WAY = "under way"
    NO_LANE = "no lane on that side"
    DONE = "done"
    OTHER_WAY = "the junction was passed another way"


class RouteCommand(Enum):
    """The navigator's word for the road ahead; values are CARLA's RoadOption numbers (simulator and SimLingo agree)."""

    LEFT = 1
    RIGHT = 2
    STRAIGHT = 3
    FOLLOW_ROAD = 4
    LANE_LEFT = 5
    LANE_RIGHT = 6


class Engagement(Enum):
    """Who moves the wheel and pedals. OVERRIDDEN: a person adds throttle, the driver keeps the wheel."""

    ENGAGED = "engaged"
    OVERRIDDEN = "overridden"
    MANUAL = "manual"
    SAFE_STOP = "safe_stop"


class Reason(Enum):
    """Why the engagement is what it is."""

    STARTED = "started"
    USER_ENGAGED = "user_engaged"
    USER_RELEASED = "user_released"
    USER_TAKEOVER = "user_takeover"
    USER_STEER = "user_steer"
    USER_BRAKE = "user_brake"
    USER_GAS = "user_gas"
    DEADMAN = "deadman"
    WATCHER_LEFT = "watcher_left"
    PLAN_STALE = "plan_stale"
    PLAN_INVALID = "plan_invalid"
    DRIVER_FAILED = "driver_failed"
    WORLD_LOST = "world_lost"
    PLAN_RECOVERED = "plan_recovered"


class Phase(Enum):
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"


class TalkOrder(Enum):
    """ALONGSIDE: the plan never waits for words. TALK_FIRST: SimLingo's published order, words, then the plan."""

    ALONGSIDE = "alongside"
    TALK_FIRST = "talk_first"
