import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sim_bridge.drive_link import DriveLink
from sim_bridge.drive_process import Ended, Factory
from sim_bridge.messages import Ask, Engage, InstructionMode, Pause, Phase, Reset, SetInstruction, Step, Verdict
from tests.sim_bridge import factories
from tests.sim_bridge.driving import is_alive, until

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def linked(factory: Factory, what: Any = None) -> Iterator[DriveLink]:
    link = DriveLink(factory, what)
    link.start()
    try:
        yield link
    finally:
        link.kill()


def test_the_page_sees_and_steers_a_drive_in_another_process_and_ends_it_in_order() -> None:
    views = []
    link = DriveLink(factories.steady, None, on_view=views.append)
    assert link.submit(Engage()).verdict is Verdict.NOT_RUNNING
    link.start()
    try:
        until(lambda: len(views) > 20)
        assert views[-1].tick > views[0].tick and views[-1].phase is Phase.RUNNING
        assert views[-1].pictures[0].jpeg.startswith(b"\xff\xd8")
        link.submit(SetInstruction("stop", InstructionMode.FOLLOW))
        until(lambda: views[-1].instruction_acting is not None and views[-1].instruction_acting.text == "stop")
        link.submit(Ask("which tick?", 3))
        until(lambda: bool(views[-1].answers) and views[-1].answers[-1].is_final)
        assert link.submit(Ask("", 4)).verdict is Verdict.REFUSED
        link.submit(Pause())
        until(lambda: views[-1].phase is Phase.PAUSED)
        assert link.process_id != os.getpid()
    finally:
        link.stop()
    assert not link.is_alive and link.exit_code == 0 and link.ended is None
    assert link.submit(Engage()).verdict is Verdict.NOT_RUNNING


def test_what_is_refused_only_where_it_arrives_shows_as_a_notice() -> None:
    with linked(factories.steady) as link:
        until(lambda: link.view() is not None and link.view().phase is Phase.RUNNING)
        link._commands.put(Step())  # as if the page's view had still been a paused one
        until(lambda: "Only a paused drive can be stepped" in link.view().notice)


def test_a_lost_world_is_the_last_word_and_in_the_last_view() -> None:
    with linked(factories.lost_at_tick, 10) as link:
        until(lambda: not link.is_alive)
        until(lambda: link.ended is not None)
        assert link.ended is not None and link.ended.is_world_lost and "road ended" in link.ended.line
        view = link.view()
        assert view is not None and view.phase is Phase.FAILED and "road ended" in view.failure
        assert "road ended" in link.submit(Engage()).line


@pytest.mark.parametrize(
    ("factory", "words", "is_world_lost", "can_retry"),
    [(factories.unreachable, "nowhere:2000", True, True), (factories.corrupt, "got 3", False, False)],
)
def test_a_drive_that_cannot_start_says_why(factory: Factory, words: str, is_world_lost: bool, can_retry: bool) -> None:
    with linked(factory) as link:
        until(lambda: link.ended is not None)
        assert link.ended is not None
        assert words in link.ended.line
        assert (link.ended.is_world_lost, link.ended.can_retry) == (is_world_lost, can_retry)


@pytest.mark.parametrize("seed", [0, 9])
def test_a_start_without_a_place_is_said_plainly_and_tried_again_only_where_another_one_worked(seed: int) -> None:
    with linked(factories.no_place_for, seed) as link:
        if seed:
            until(lambda: link.view() is not None and link.view().tick > 0)
            link.submit(Reset(seed))
        until(lambda: link.ended is not None)
        assert link.ended == Ended("The scene finds no place in StraightRoad.", can_retry=seed != 0)


def test_a_world_that_is_well_is_not_called_lost() -> None:
    with linked(factories.without_its_car) as link:
        until(lambda: link.ended is not None)
        assert link.ended == Ended("Somebody destroyed our car.", is_world_lost=False)


def test_a_crash_in_a_library_leaves_no_word_but_a_signal() -> None:
    with linked(factories.crashing) as link:
        until(lambda: not link.is_alive)
        assert link.ended is None and link.exit_code == -signal.SIGABRT


PARENT = """
import sys, time
from sim_bridge.drive_link import DriveLink
from tests.sim_bridge import factories
if __name__ == "__main__":
    link = DriveLink(factories.steady, None)
    link.start()
    while link.view() is None:
        time.sleep(0.02)
    print(link.process_id, flush=True)
    time.sleep(60)
"""


def test_a_drive_whose_parent_is_killed_ends_too(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
    finally:
        parent.kill()
        parent.wait()
    until(lambda: not is_alive(child))
