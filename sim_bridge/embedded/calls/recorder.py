"""CARLA's recorder and replayer: files by name, inside the recordings folder only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim_bridge.embedded.calls.desk import Desk, Refused
from sim_bridge.embedded.contracts import Pose
from sim_bridge.embedded.recorder import queries
from sim_bridge.embedded.recorder.folder import OutsideFolder
from sim_bridge.embedded.recorder.log_file import LogReader
from sim_bridge.embedded.recorder.packets import Damaged
from sim_bridge.embedded.recorder.replayer import NOT_MOVED, Span
from sim_bridge.embedded.wire.codec import WrongArgument, describe

_FASTEST = 1000.0


def start_recorder(desk: Desk, name: str, has_more: bool = False) -> str:
    """The path of the file. What was being recorded or replayed before ends."""
    try:
        return desk.world.deck.start_recording(name, has_more)
    except (OutsideFolder, OSError) as error:
        raise Refused(f"start_recorder: {error}") from None


def stop_recorder(desk: Desk) -> None:
    desk.world.deck.stop_recording()


def show_recorder_file_info(desk: Desk, name: str, shows_all: bool = False) -> str:
    return _asked(desk, name, lambda log: queries.info(log, shows_all))


def show_recorder_collisions(desk: Desk, name: str, first: Any = "a", second: Any = "a") -> str:
    """The parties' kinds are characters, which the client sends as their codes."""
    one, other = _letter(first, "first"), _letter(second, "second")
    return _asked(desk, name, lambda log: queries.collisions(log, one, other))


def show_recorder_actors_blocked(desk: Desk, name: str, least_s: float = 60.0, within_cm: float = 100.0) -> str:
    return _asked(desk, name, lambda log: queries.blocked(log, least_s, within_cm))


def replay_file(
    desk: Desk,
    name: str,
    start_s: float = 0.0,
    duration_s: float = 0.0,
    follow_id: int = 0,
    has_sensors: bool = False,
    offset: Pose = NOT_MOVED,
) -> str:
    """A start below zero counts from the end; no duration plays to the end. Answers in words, as CARLA does."""
    deck = desk.world.deck
    try:
        log = deck.opened(name)
        total_s = log.total_s()
        start_s = min(max(0.0, total_s + start_s if start_s < 0.0 else start_s), total_s)
        end_s = start_s + duration_s if duration_s > 0.0 else total_s
        deck.start_replay(log, Span(start_s, end_s, follow_id, offset, has_sensors))
    except FileNotFoundError:
        return _missing(name)
    except (OutsideFolder, OSError, ValueError) as error:
        raise Refused(f"replay_file: {error}") from None
    lines = [f"Replaying File: {name}", f"Total time recorded: {total_s:g}"]
    factor = deck.wishes.time_factor
    lines.append(f"Replaying from {start_s:g} s - {end_s:g} s ({total_s:g} s) at {factor:.1f}x")
    lines += ["Ignoring Hero vehicle"] if deck.wishes.ignores_hero else []
    lines += ["Ignoring Spectator camera"] if deck.wishes.ignores_spectator else []
    return "\n".join([*lines, ""])


def stop_replayer(desk: Desk, keeps_actors: bool = True) -> None:
    desk.world.deck.stop_replay(keeps_actors)


def set_replayer_time_factor(desk: Desk, factor: float) -> None:
    if not 0.0 < factor <= _FASTEST:
        raise Refused(f"time_factor: expected more than 0 and at most {_FASTEST:g}, got {factor:g}")
    desk.world.deck.set_time_factor(factor)


def set_replayer_ignore_hero(desk: Desk, is_ignored: bool) -> None:
    """For replays that start later."""
    desk.world.deck.wishes.ignores_hero = is_ignored


def set_replayer_ignore_spectator(desk: Desk, is_ignored: bool) -> None:
    """For replays that start later."""
    desk.world.deck.wishes.ignores_spectator = is_ignored


def _asked(desk: Desk, name: str, question: Callable[[LogReader], str]) -> str:
    try:
        with desk.world.deck.opened(name) as log:
            return question(log)
    except FileNotFoundError:
        return _missing(name)
    except Damaged as error:
        return f"{error}\n"
    except (OutsideFolder, OSError) as error:
        raise Refused(str(error)) from None


def _missing(name: str) -> str:
    return f"File {name} not found on server\n"


def _letter(value: Any, name: str) -> str:
    if type(value) is int and 0 < value < 128:
        value = chr(value)
    if type(value) is not str or value not in ("h", "v", "w", "t", "o", "a"):
        raise WrongArgument(f"{name}: expected one of h, v, w, t, o and a, got {describe(value)}")
    return str(value)
