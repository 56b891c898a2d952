"""The cockpit: what its hands send, what its window paints, and how it behaves where it cannot open."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cockpit import projection
from app.cockpit.launch import TICKET_VARIABLE
from app.cockpit.link import Link
from app.page import cockpit_ticket
from sim_bridge import messages as m
from tests.app.conftest import House, until

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
pygame = pytest.importorskip("pygame")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def dummy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A display that shows nothing."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


@pytest.fixture
def window(house: House, dummy: None) -> Iterator[object]:
    from app.cockpit.window import Window

    link = Link(f"ws://127.0.0.1:{house.port}/stage/socket", cockpit_ticket(house.app))
    opened = Window(link)
    opened.open()
    link.start()
    yield opened
    link.close()
    pygame.quit()


def turn_until(window: object, wanted: object, what: str) -> None:
    until(lambda: window.turn() and wanted(), what)


def press(key: int, is_down: bool = True) -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN if is_down else pygame.KEYUP, key=key))


def test_pictures_arrive_and_the_plan_is_painted_on_them(window: object) -> None:
    turn_until(window, lambda: window.painted > 5, "pictures in the window")
    plan = window._shown.header["plan"]
    # A place on the ribbon that no disc covers.
    x, y = next(point for point in plan["path"][4:] if min(math.dist(point, disc) for disc in plan["speed"]) > 0.6)
    pixel = projection.pixel(m.FRONT_CAMERA, projection.seen(m.FRONT_CAMERA, (x, y, 0.0)))
    red, green, _, _ = window._picture.get_at([round(value) for value in pixel])
    assert green > red + 25, "the ribbon is not where the camera would see it"


def test_keys_take_the_wheel_and_h_hands_it_back(house: House, window: object) -> None:
    turn_until(window, lambda: window.painted > 0, "the first picture")
    press(pygame.K_a)
    turn_until(window, lambda: house.drive.view().holder == "cockpit", "the takeover")
    assert house.heard(m.HumanInput)[0].steer == -1.0
    turn_until(window, lambda: len(house.heard(m.HumanInput)) > 6, "the key being repeated while it is held")
    press(pygame.K_a, is_down=False)
    turn_until(window, lambda: house.heard(m.HumanInput)[-1].steer == 0.0, "letting go")
    turn_until(window, lambda: window._shown.header["drive"]["holder"] == "cockpit", "the window knowing it drives")
    press(pygame.K_h)
    turn_until(window, lambda: house.heard(m.Engage) == [m.Engage(m.Reason.USER_RELEASED)], "the hand-back")


def test_a_refusal_can_be_read_while_pictures_go_on(
    house: House, window: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn_until(window, lambda: window.painted > 0, "the first picture")
    house.app.state.hub.wheel.touch("anna")
    house.drive.submit(m.Takeover("anna"))
    until(lambda: house.drive.view().holder == "anna", "anna at the wheel")
    press(pygame.K_a)
    turn_until(window, lambda: "anna" in window._link.line, "the refusal")
    painted = window.painted
    turn_until(window, lambda: window.painted > painted + 3, "more pictures")
    assert "anna" in window._link.line
    press(pygame.K_a, is_down=False)
    monkeypatch.setattr(window._link, "_result_until_s", 0.0)
    assert window._link.line == ""


def test_news_of_the_drive_stand_before_what_the_driver_says() -> None:
    from app.cockpit.painting import newest_words

    header = {"notice": "The car backs out.", "words": {"commentary": "I see nothing."}}
    assert newest_words(header, "Refused.") == "Refused."
    assert newest_words(header, "") == "The car backs out."
    assert newest_words({**header, "notice": ""}, "") == "I see nothing."


def test_losing_the_focus_lets_go(house: House, window: object) -> None:
    press(pygame.K_w)
    turn_until(window, lambda: house.heard(m.HumanInput), "the key")
    pygame.event.post(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    turn_until(window, lambda: house.heard(m.HumanInput)[-1].throttle == 0.0, "letting go")


def test_a_window_that_closes_leaves_the_wheel(house: House, window: object) -> None:
    press(pygame.K_s)
    turn_until(window, lambda: house.drive.view().holder == "cockpit", "the takeover")
    window._link.close()
    until(lambda: house.drive.view().engagement_reason is m.Reason.WATCHER_LEFT, "the car stopping")


def test_a_silent_drive_is_said_in_the_window(house: House, window: object) -> None:
    turn_until(window, lambda: window.painted > 2, "pictures")
    lively = pygame.transform.average_color(pygame.display.get_surface())
    house.drive.is_silent = True

    def is_dimmed() -> bool:
        return sum(pygame.transform.average_color(pygame.display.get_surface())[:3]) < 0.7 * sum(lively[:3])

    turn_until(window, is_dimmed, "the picture being dimmed")


class Stick:
    """A gamepad as pygame's controller module shows one."""

    name = "test pad"

    def __init__(self) -> None:
        self.axes = {pygame.CONTROLLER_AXIS_LEFTX: 0, pygame.CONTROLLER_AXIS_TRIGGERRIGHT: 0}

    def get_axis(self, axis: int) -> int:
        return self.axes.get(axis, 0)

    def as_joystick(self) -> Stick:
        return self

    def get_instance_id(self) -> int:
        return 7


def test_a_gamepad_comes_steers_and_goes(dummy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pygame.display.init()
    from app.cockpit import controls as controls_file

    stick = Stick()
    monkeypatch.setattr(controls_file.pads, "Controller", lambda index: stick)
    controls = controls_file.Controls()
    assert controls.packet() is None
    controls.take(pygame.event.Event(pygame.CONTROLLERDEVICEADDED, device_index=0))
    stick.axes[pygame.CONTROLLER_AXIS_LEFTX] = 2000
    assert controls.packet() is None, "a stick at rest moved the wheel"
    stick.axes[pygame.CONTROLLER_AXIS_LEFTX] = -32768
    stick.axes[pygame.CONTROLLER_AXIS_TRIGGERRIGHT] = 32767
    packet = until(controls.packet, "the stick's packet")
    assert packet["axes"] == {"steer": -1.0, "throttle": 1.0, "brake": 0.0}
    controls.take(pygame.event.Event(pygame.CONTROLLERBUTTONDOWN, button=pygame.CONTROLLER_BUTTON_B))
    assert controls.packet()["axes"]["brake"] == 1.0
    controls.take(pygame.event.Event(pygame.CONTROLLERDEVICEREMOVED, instance_id=7))
    gone = controls.packet()
    assert gone is not None and "axes" not in gone and controls.pad_name == ""
    assert (
        controls.take(pygame.event.Event(pygame.CONTROLLERBUTTONDOWN, button=pygame.CONTROLLER_BUTTON_Y)) == "hand-back"
    )
    pygame.quit()


def run_cockpit(*words: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    kept |= {name: value for name, value in environment.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-m", "app.cockpit", *words], cwd=ROOT, env=kept, capture_output=True, text=True, timeout=60
    )


def test_without_a_display_it_says_so_and_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    done = run_cockpit(**{TICKET_VARIABLE: "anything"})
    assert done.returncode == 3 and "no display" in done.stderr and "Traceback" not in done.stderr
    broken = run_cockpit(DISPLAY=":9999", **{TICKET_VARIABLE: "anything"})
    assert broken.returncode == 3 and "display" in broken.stderr and "Traceback" not in broken.stderr


def test_without_a_ticket_it_says_where_tickets_come_from() -> None:
    done = run_cockpit()
    assert done.returncode == 2 and "launch.py --cockpit" in done.stderr


@pytest.mark.skipif(not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="Xvfb and xdotool are not installed")
def test_a_real_window_hears_a_real_key(house: House) -> None:
    hub = house.app.state.hub
    before = hub.watchers
    display_in, display_out = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(display_out), "-screen", "0", "1100x600x24"],
        pass_fds=[display_out],
        stderr=subprocess.DEVNULL,
    )
    os.close(display_out)
    with os.fdopen(display_in) as said:
        display = f":{said.readline().strip()}"
    environment = {**os.environ, "DISPLAY": display, TICKET_VARIABLE: cockpit_ticket(house.app)}
    environment.pop("SDL_VIDEODRIVER", None)
    cockpit = subprocess.Popen(
        [sys.executable, "-m", "app.cockpit", "--url", f"ws://127.0.0.1:{house.port}/stage/socket"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: hub.watchers > before, "the cockpit at the hub", 30)

        def presses() -> bool:
            """There is no window manager: a key goes to the window under the pointer, once there is one."""
            move_and_press = ["xdotool", "mousemove", "550", "300", "keydown", "d"]
            subprocess.run(move_and_press, env=environment, check=True, timeout=10)
            return house.drive.view().holder == "cockpit"

        until(presses, "the key in the drive", 20)
        subprocess.run(["xdotool", "keyup", "d"], env=environment, check=True, timeout=10)
        cockpit.send_signal(signal.SIGINT)
        _, complaints = cockpit.communicate(timeout=60)
        assert cockpit.returncode == 0 and "Traceback" not in complaints
        until(lambda: house.drive.view().engagement_reason is m.Reason.WATCHER_LEFT, "the car stopping")
    finally:
        cockpit.kill()
        cockpit.wait()
        screen.terminate()
        screen.wait()
