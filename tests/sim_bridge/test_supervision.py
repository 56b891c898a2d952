import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sim_bridge.carla_config import CarlaConfig
from sim_bridge.drive_process import Factory
from sim_bridge.messages import FRONT_CAMERA, Ask, Engage, Engagement, Phase, Reason, Verdict
from sim_bridge.supervision import Supervisor, SupervisorConfig
from sim_bridge.world_process import free_port_pair, world_command
from tests.sim_bridge import factories
from tests.sim_bridge.driving import is_alive, until

ROOT = Path(__file__).resolve().parents[2]

# A world for these tests only has to be a process that says it is ready; the drives here bring their own road.
WORLD = (
    sys.executable,
    "-u",
    "-c",
    "import signal, sys, time; print('ready port=1'); sys.stdin.read()",
)


@contextmanager
def supervised(
    factory: Factory, world: tuple[str, ...] | None = WORLD, silence_max_s: float = 10.0
) -> Iterator[Supervisor]:
    supervisor = Supervisor(SupervisorConfig(world, silence_max_s=silence_max_s), factory, None)
    supervisor.start()
    children: dict[str, int] = {}
    try:
        yield supervisor
        children = supervisor.process_ids()
    finally:
        supervisor.stop()
    assert not any(is_alive(child) for child in children.values())
    assert {part.state for part in supervisor.status()} == {"stopped"}


def states(supervisor: Supervisor) -> tuple[str, ...]:
    return tuple(part.state for part in supervisor.status())


def drives(supervisor: Supervisor) -> bool:
    view = supervisor.view()
    return states(supervisor)[-1] == "running" and view is not None and view.phase is Phase.RUNNING and view.tick > 3


def test_it_starts_the_world_then_the_drive_and_ends_both() -> None:
    seen = []
    with supervised(factories.steady) as supervisor:
        supervisor.subscribe(seen.append)
        until(lambda: drives(supervisor))
        assert [part.name for part in supervisor.status()] == ["world", "drive"]
        assert supervisor.submit(Engage()).verdict is Verdict.ACCEPTED
        assert set(supervisor.process_ids()) == {"world", "drive"}
        until(lambda: len(seen) > 5)


@pytest.mark.parametrize("victim", ["world", "drive"])
def test_a_killed_process_is_named_and_replaced(victim: str) -> None:
    lines, reasons = set(), set()
    with supervised(factories.says_its_process) as supervisor:
        supervisor.subscribe(lambda view: lines.add(view.failure))
        supervisor.subscribe(lambda view: reasons.add(view.engagement_reason) if view.failure else None)
        until(lambda: drives(supervisor))
        before = supervisor.process_ids()
        os.kill(before[victim], signal.SIGKILL)
        until(lambda: states(supervisor)[-1] != "running")
        result = supervisor.submit(Engage())
        assert result.verdict is Verdict.NOT_RUNNING and result.line
        until(lambda: supervisor.view().engagement is Engagement.SAFE_STOP)  # type: ignore[union-attr]
        until(lambda: drives(supervisor))
        after = supervisor.process_ids()
        assert after["drive"] != before["drive"], "a drive does not outlive its world"
        assert (after["world"] != before["world"]) is (victim == "world")
        assert any(f"The {victim} process ended" in line and "SIGKILL" in line for line in lines)
        until(lambda: supervisor.view().failure == "")  # type: ignore[union-attr]
        # The world is back before the drive is; why nobody drives stays the same until somebody does.
        assert reasons == {Reason.WORLD_LOST if victim == "world" else Reason.DRIVER_FAILED}


def test_a_drive_that_hangs_is_killed_and_replaced() -> None:
    lines = set()
    with supervised(factories.steady, silence_max_s=1.5) as supervisor:
        supervisor.subscribe(lambda view: lines.add(view.failure))
        until(lambda: drives(supervisor))
        hung = supervisor.process_ids()["drive"]
        os.kill(hung, signal.SIGSTOP)
        until(lambda: not is_alive(hung))
        until(lambda: supervisor.process_ids().get("drive", hung) != hung and drives(supervisor))
        assert any("said nothing" in line for line in lines)


def test_a_drive_that_runs_without_a_driver_is_replaced_when_asked() -> None:
    with supervised(factories.without_plans) as supervisor:
        until(lambda: drives(supervisor) and "out of memory" in supervisor.view().failure)  # type: ignore[union-attr]
        failed = supervisor.process_ids()["drive"]
        supervisor.restart()
        until(lambda: supervisor.process_ids().get("drive", failed) != failed and drives(supervisor))
        assert not is_alive(failed)


def test_an_answer_ends_with_the_drive_that_was_giving_it() -> None:
    with supervised(factories.rambling) as supervisor:
        until(lambda: drives(supervisor))
        supervisor.submit(Ask("is it red?", 7))
        until(lambda: [answer.text for answer in supervisor.view().answers] == ["Well"])  # type: ignore[union-attr]
        closed = []
        supervisor.subscribe(lambda view: closed.extend(answer for answer in view.answers if answer.is_final))
        os.kill(supervisor.process_ids()["drive"], signal.SIGKILL)
        until(lambda: bool(closed))
        assert "before this was answered" in closed[0].error and closed[0].question_id == 7


@pytest.mark.parametrize(("factory", "is_replaced"), [(factories.crashing, True), (factories.without_its_car, False)])
def test_a_world_goes_down_with_libcarla_and_not_with_a_car_that_was_taken_away(
    factory: Factory, is_replaced: bool
) -> None:
    with supervised(factory) as supervisor:
        until(lambda: drives(supervisor))
        before = supervisor.process_ids()
        until(lambda: supervisor.process_ids().get("drive", before["drive"]) != before["drive"])
        assert (supervisor.process_ids()["world"] != before["world"]) is is_replaced


def test_a_hopeless_start_is_told_and_not_repeated_until_asked() -> None:
    with supervised(factories.corrupt) as supervisor:
        until(lambda: supervisor.has_failed)
        world, drive = supervisor.status()
        assert (world.state, drive.state) == ("running", "failed")
        assert "expected 12 tensors" in drive.line and "Restart" in drive.line
        assert "expected 12 tensors" in supervisor.submit(Engage()).line
        supervisor.restart()
        until(lambda: states(supervisor)[-1] == "starting")


def test_a_world_that_cannot_start_says_its_own_last_words() -> None:
    says = (sys.executable, "-c", "import sys; print('There is no town Nowhere.', file=sys.stderr); sys.exit(2)")
    with supervised(factories.steady, says) as supervisor:
        until(lambda: supervisor.has_failed)
        assert "There is no town Nowhere." in supervisor.status()[0].line
        assert "status 2" in supervisor.status()[0].line


def test_somebody_elses_world_is_no_part_and_a_lost_one_is_tried_again() -> None:
    with supervised(factories.unreachable, None) as supervisor:
        until(lambda: states(supervisor) == ("restarting",))
        assert "nowhere:2000" in supervisor.status()[0].line and "again" in supervisor.status()[0].line


def test_a_real_world_with_traffic_that_hangs_is_replaced_and_driven_in() -> None:
    port = free_port_pair()
    camera = replace(FRONT_CAMERA, width_px=128, height_px=64)
    config = CarlaConfig(port=port, is_embedded=True, traffic_vehicles=3, front_camera=camera, chase_camera=None)
    supervisor = Supervisor(SupervisorConfig(world_command(port, "Backseat01", 1)), factories.in_a_carla_world, config)
    supervisor.start()
    try:
        until(lambda: drives(supervisor), 60.0)
        before = supervisor.process_ids()
        os.kill(before["world"], signal.SIGSTOP)
        until(lambda: states(supervisor)[-1] != "running", 10.0)
        until(lambda: drives(supervisor), 60.0)
        after = supervisor.process_ids()
        assert after["world"] != before["world"] and after["drive"] != before["drive"]
        assert not is_alive(before["world"]) and not is_alive(before["drive"])
    finally:
        supervisor.stop()
    assert not any(is_alive(child) for child in after.values())


PARENT = """
import sys, time
from sim_bridge.supervision import Supervisor, SupervisorConfig
from tests.sim_bridge import factories, test_supervision
if __name__ == "__main__":
    supervisor = Supervisor(SupervisorConfig(test_supervision.WORLD), factories.steady, None)
    supervisor.start()
    try:
        while supervisor.view() is None:
            time.sleep(0.02)
        print(*supervisor.process_ids().values(), flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        supervisor.stop()
        print("in order", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_child_outlives_the_page(tmp_path: Path, number: int) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        children = [int(word) for word in parent.stdout.readline().split()]
        assert len(children) == 2 and all(is_alive(child) for child in children)
        # Ctrl-C reaches the whole group of the terminal; a kill only the one process.
        os.killpg(parent.pid, number) if number == signal.SIGINT else parent.kill()
        parent.wait(15)
        assert parent.stdout.read().strip() == ("in order" if number == signal.SIGINT else "")
    until(lambda: not any(is_alive(child) for child in children))


def test_a_leashed_module_ends_when_its_parent_lets_go() -> None:
    leashed = subprocess.Popen(
        [sys.executable, "-m", "sim_bridge.leash", "http.server", "--bind", "127.0.0.1", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    assert leashed.stdin is not None
    assert leashed.poll() is None
    leashed.stdin.close()
    assert leashed.wait(10) == -signal.SIGTERM
