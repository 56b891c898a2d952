"""Everything that crosses a wall, as frozen dataclasses. No behaviour beyond checking itself, no I/O, any thread.

Frames. All coordinates are CARLA's: metres, left-handed, x forward, y right, z up; yaw clockwise seen from above.
`*_in_ego` is relative to the car's actor origin on the ground at the tick named beside it; `*_in_world` is the town.
Units are suffixes: `_m`, `_mps`, `_rad`, `_deg`, `_us`, `_ms`, `_px`, `_hz`. Simulated time is integer microseconds.
Pictures are RGB, uint8, (H, W, 3), top row first, read-only.

Words. tick (not step, frame), plan (not prediction, trajectory), instruction (what the person says; prompt is what the
network reads; command is what the hand does), commentary, answer, scene, drive, episode (reset to reset), takeover.

    vocabulary   what is asked, who drives, how the drive stands
    driving      simulator, session and driver among one another
    commands     app -> session
    views        session -> app, cockpit, recorder
"""

from __future__ import annotations

from sim_bridge.messages.commands import (
    Ask,
    Cancel,
    Command,
    CommandResult,
    Engage,
    HolderLeft,
    HumanInput,
    Pause,
    Reset,
    Resume,
    SetInstruction,
    SetTalkOrder,
    Step,
    Stop,
    Takeover,
    Verdict,
)
from sim_bridge.messages.driving import (
    CHASE_CAMERA,
    FRONT_CAMERA,
    FULL_BRAKE,
    PATH_POINTS,
    PATH_SPACING_M,
    SPEED_INTERVAL_S,
    SPEED_POINTS,
    TICK_S,
    CameraFrame,
    CameraSpec,
    Clearance,
    Collision,
    Control,
    DrivePlan,
    DriverInfo,
    EgoState,
    Instruction,
    JourneyNews,
    JourneyStage,
    Observation,
    Picture,
    Points,
    Progress,
)
from sim_bridge.messages.views import (
    Answer,
    Commentary,
    PictureJpeg,
    SessionView,
)
from sim_bridge.messages.vocabulary import (
    WORDS_AT_MOST,
    Engagement,
    InstructionKind,
    InstructionMode,
    Manoeuvre,
    Phase,
    Reason,
    RouteCommand,
    TalkOrder,
)

__all__ = [
    "CHASE_CAMERA",
    "FRONT_CAMERA",
    "FULL_BRAKE",
    "PATH_POINTS",
    "PATH_SPACING_M",
    "SPEED_INTERVAL_S",
    "SPEED_POINTS",
    "TICK_S",
    "WORDS_AT_MOST",
    "Answer",
    "Ask",
    "CameraFrame",
    "CameraSpec",
    "Cancel",
    "Clearance",
    "Collision",
    "Command",
    "CommandResult",
    "Commentary",
    "Control",
    "DrivePlan",
    "DriverInfo",
    "EgoState",
    "Engage",
    "Engagement",
    "HolderLeft",
    "HumanInput",
    "Instruction",
    "InstructionKind",
    "InstructionMode",
    "JourneyNews",
    "JourneyStage",
    "Manoeuvre",
    "Observation",
    "Pause",
    "Phase",
    "Picture",
    "PictureJpeg",
    "Points",
    "Progress",
    "Reason",
    "Reset",
    "Resume",
    "RouteCommand",
    "SessionView",
    "SetInstruction",
    "SetTalkOrder",
    "Step",
    "Stop",
    "Takeover",
    "TalkOrder",
    "Verdict",
]
