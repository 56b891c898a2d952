"""The main job from end to end: start it as a user does, look at it in a browser, tell it what to do, break it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from gradio_client import Client
from playwright.sync_api import Page

from tests.end_to_end.running import ROOT, Program, is_running, until

pytestmark = pytest.mark.browser

STATUS_KEYS = {
    *("episode", "tick", "sim_time_s", "real_time_factor", "model", "engagement", "engagement_reason"),
    *("instruction_asked", "instruction_acting", "plan_age_ms", "plan_hz", "speed_mps", "target_speed_mps", "pose"),
    *("commentary", "frame_hz", "failure"),
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    running = Program("--traffic", "4", "--seed", "3", log=tmp_path_factory.mktemp("drive") / "launch.log")
    yield running
    print(running.log.read_text())
    running.kill()


@pytest.fixture(scope="module")
def client(program: Program) -> Client:
    until(lambda: "Backseat is at" in program.log.read_text(), f"the page ({program.log})", 90)
    return Client(program.url, verbose=False)


@pytest.fixture(scope="module")
def tab(client: Client, program: Program, chromium: Any) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.goto(program.url)
    opened.wait_for_function("(window.backseat?.paints?.length ?? 0) > 5", timeout=60_000)
    yield opened
    context.close()


def status(client: Client) -> dict[str, Any]:
    return client.predict(api_name="/status")


def engaged(client: Client) -> bool:
    return status(client)["engagement"] == "engaged"


def drives(client: Client) -> bool:
    now = status(client)
    return now["engagement"] == "engaged" and now["speed_mps"] > 2.0


def test_the_car_drives_itself_soon_after_the_start(client: Client, tab: Page) -> None:
    until(lambda: drives(client), "a car that drives itself", 60)
    now = status(client)
    assert set(now) >= STATUS_KEYS
    assert now["failure"] == ""
    assert now["plan_hz"] > 0
    tab.get_by_test_id("front-view").wait_for(state="visible")
    tab.get_by_test_id("chase-view").wait_for(state="visible")


def test_it_says_what_it_does(client: Client, tab: Page) -> None:
    until(lambda: status(client)["commentary"], "a commentary", 20)
    until(lambda: tab.get_by_test_id("commentary").inner_text().strip(), "the commentary on the page", 10)


def test_stop_here_stops_it_and_drive_on_lets_it_go(client: Client, tab: Page) -> None:
    tab.get_by_test_id("instruction").fill("stop here")
    tab.get_by_test_id("send-instruction").click()
    until(lambda: status(client)["instruction_acting"] == "stop here", "a plan that obeys", 10)
    until(lambda: status(client)["speed_mps"] < 0.3, "a standing car", 25)
    tab.get_by_test_id("instruction").fill("drive on")
    tab.get_by_test_id("send-instruction").click()
    until(lambda: status(client)["speed_mps"] > 1.5, "a moving car", 40)


def test_a_question_is_answered_while_it_drives_on(client: Client, tab: Page) -> None:
    tick = status(client)["tick"]
    tab.get_by_test_id("question").fill("is the traffic light red?")
    tab.get_by_test_id("ask").click()
    chat = tab.get_by_test_id("chat")
    until(lambda: "is the traffic light red?" in chat.inner_text().lower(), "the question in the chat", 10)
    answer = client.predict("is the traffic light red?", api_name="/ask")
    assert len(answer.split()) >= 1
    assert status(client)["tick"] > tick


def test_holding_a_key_takes_the_wheel_until_it_is_handed_back(client: Client, tab: Page) -> None:
    until(lambda: engaged(client), "an engaged car", 20)
    tab.get_by_test_id("stage").click(position={"x": 300, "y": 300})
    tab.keyboard.down("KeyW")
    until(lambda: status(client)["engagement"] == "manual", "the person's car", 5)
    tab.keyboard.up("KeyW")
    assert status(client)["engagement"] == "manual"
    assert client.predict("engage", api_name="/control")["verdict"] == "busy", "a script took another person's wheel"
    tab.keyboard.press("KeyH")
    until(lambda: engaged(client), "the driver's car again", 10)


@pytest.mark.parametrize(("mark", "part"), [("sim_bridge.leash", "world"), ("spawn_main", "drive")])
def test_a_killed_process_is_named_and_replaced(client: Client, program: Program, mark: str, part: str) -> None:
    until(lambda: engaged(client), "an engaged car", 30)
    os.kill(program.child(mark), signal.SIGKILL)
    failure = until(lambda: status(client)["failure"], "a sentence about the loss", 15)
    assert part in failure
    until(lambda: engaged(client) and not status(client)["failure"], "the car back on the road", 60)


def test_a_second_one_on_the_same_port_says_so_and_ends(program: Program, client: Client) -> None:
    second = subprocess.run(
        [sys.executable, "launch.py", "--no-browser", "--port", str(program.port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert second.returncode == 2
    assert f"Port {program.port}" in second.stderr and "--port" in second.stderr
    assert status(client)["failure"] == ""


def test_ctrl_c_ends_everything(client: Client, program: Program) -> None:
    family = program.children()
    assert len(family) >= 2
    assert program.stop() == 0
    until(lambda: not any(is_running(pid) for pid in family), f"the end of {family}", 10)
