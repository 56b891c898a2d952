"""The page in a real browser: what a person sees, types and holds."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from app import page, text
from app.cockpit import projection
from sim_bridge import messages as m
from tests.app.conftest import House, serve_in_thread, until
from tests.app.fake_drive import FakeDrive, FakeSupervised

pytestmark = pytest.mark.browser

TEST_IDS = (
    *("stage", "front-view", "chase-view", "instruction", "send-instruction", "mode", "question", "ask"),
    *("chat", "commentary", "engagement", "speed", "plan-age", "pause", "reset"),
)
PAINTS = "window.backseat?.paints?.length ?? 0"


@pytest.fixture(scope="module")
def tab(chromium: Any, _house: House) -> Iterator[Any]:
    """One tab for the tests that leave it as it was."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.outside, opened.errors = [], []
    opened.on("request", lambda request: _note_outside(opened, request.url))
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.goto(_house.url)
    opened.wait_for_function(f"({PAINTS}) > 5")
    yield opened
    context.close()


def _note_outside(tab: Any, url: str) -> None:
    if not url.startswith(("http://127.0.0.1:", "data:", "blob:")):
        tab.outside.append(url)


@pytest.fixture
def live(house: House, tab: Any) -> Any:
    """The tab, with pictures of the episode that the test began."""
    episode = house.drive.view().episode
    tab.wait_for_function(f"backseat.header?.episode >= {episode}")
    return tab


def test_everything_that_scripts_look_for_is_on_the_page_once(live: Any) -> None:
    counts = {name: live.get_by_test_id(name).count() for name in TEST_IDS}
    assert counts == dict.fromkeys(TEST_IDS, 1)
    assert all(live.get_by_test_id(name).is_visible() for name in TEST_IDS)


def test_the_page_asks_nobody_else_and_breaks_nothing(live: Any) -> None:
    assert live.outside == []
    assert live.errors == []


def test_pictures_move_and_both_cameras_show_something(live: Any) -> None:
    before = live.evaluate(PAINTS)
    live.wait_for_function(f"({PAINTS}) > {before} + 10")
    spread = """name => { const c = backseat.canvases[name];
      const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      return new Set([...Array(200).keys()].map(i => d[4 * Math.floor(i * d.length / 800)])).size; }"""
    assert live.evaluate(spread, "front") > 5 and live.evaluate(spread, "chase") > 5


def test_the_path_is_painted_where_the_camera_sees_it_and_goes_with_its_toggle(live: Any) -> None:
    colour_at = """([x, y]) => { const c = backseat.overlays.front, k = c.width / 1024;
      return [...c.getContext('2d').getImageData(Math.round(x * k), Math.round(y * k), 1, 1).data]; }"""
    plan = live.evaluate("backseat.header.plan.path")
    x, y = (plan[5][k] for k in (0, 1))
    pixel = projection.pixel(m.FRONT_CAMERA, projection.seen(m.FRONT_CAMERA, (x, y - 0.2, 0.0)))
    at = [round(value) for value in pixel]
    live.locator('[data-toggle="speed"]').uncheck()
    until(lambda: _is_green(live.evaluate(colour_at, at)), "the ribbon's colour on the road")
    live.locator('[data-toggle="path"]').uncheck()
    until(lambda: live.evaluate(colour_at, at)[3] == 0, "the bare road")
    live.locator('[data-toggle="path"]').check()
    live.locator('[data-toggle="speed"]').check()


def _is_green(rgb: list[int]) -> bool:
    return rgb[1] > rgb[0] + 30 and rgb[3] > 0


def test_the_browser_and_the_cockpit_project_alike(live: Any) -> None:
    points = [(2.0, 0.0, 0.0), (10.0, -3.5, 0.0), (30.0, 8.0, 1.5), (0.2, 0.1, 0.0), (-1.2, 0.0, 0.0)]
    for camera in (m.FRONT_CAMERA, m.CHASE_CAMERA):
        from app.views import camera_of

        drawn = live.evaluate(
            """async ([camera, points]) => { const p = await import('/stage/projection.js');
               return [p.polygon(camera, points), p.ribbon(points, 0.4), p.disc([5, 1], 0.5)]; }""",
            [camera_of(camera), points],
        )
        ours = [
            projection.polygon(camera, points),
            projection.ribbon([point[:2] for point in points], 0.4),
            projection.disc((5, 1), 0.5),
        ]
        for theirs, mine in zip(drawn, ours, strict=True):
            assert _flat(theirs) == pytest.approx(_flat(mine), abs=1e-6)


def _flat(nested: Any) -> list[float]:
    return [value for part in nested for value in _flat(part)] if isinstance(nested, (list, tuple)) else [float(nested)]


def test_a_sentence_is_typed_sent_and_acted_on(house: House, live: Any) -> None:
    live.get_by_test_id("mode").get_by_text("Safety").click()
    live.get_by_test_id("instruction").fill("stop here")
    live.get_by_test_id("send-instruction").click()
    until(lambda: house.heard(m.SetInstruction), "the instruction at the drive")
    assert house.heard(m.SetInstruction) == [m.SetInstruction("stop here", m.InstructionMode.SAFETY)]
    acting = live.get_by_test_id("instruction-acting")
    until(lambda: "stop here" in acting.inner_text(), "the page saying what the car acts on")
    assert live.get_by_test_id("instruction").input_value() == ""
    live.get_by_test_id("mode").get_by_text("Follow").click()


def test_markup_in_words_stays_words(house: House, live: Any) -> None:
    evil = "<img src=x onerror='window.hit=1'> <b>is it red?</b>"
    live.get_by_test_id("question").fill(evil)
    live.get_by_test_id("ask").click()
    chat = live.get_by_test_id("chat")
    until(lambda: f"You asked: {evil}" in chat.inner_text(), "the question as typed, and its answer")
    live.get_by_test_id("instruction").fill(evil)
    live.get_by_test_id("instruction").press("Enter")
    until(lambda: evil in live.get_by_test_id("instruction-asked").inner_text(), "the instruction as typed")
    assert live.evaluate("window.hit") is None
    assert live.locator(".backseat b:has-text('is it red?')").count() == 0


@pytest.mark.parametrize(("words", "line"), [("x" * 10_000, "10,000"), ("   ", "Type an instruction")])
def test_bad_instructions_get_a_sentence_on_the_page(house: House, live: Any, words: str, line: str) -> None:
    live.get_by_test_id("instruction").fill(words)
    live.get_by_test_id("send-instruction").click()
    until(lambda: line in live.get_by_test_id("notice").inner_text(), "the sentence")
    assert not house.heard(m.SetInstruction)
    live.get_by_test_id("instruction").fill("")


def test_held_keys_take_the_wheel_and_h_hands_it_back(house: House, live: Any) -> None:
    live.get_by_test_id("stage").locator(".screen").focus()
    live.keyboard.down("KeyW")
    until(lambda: house.drive.view().engagement is m.Engagement.MANUAL, "the takeover")
    until(lambda: len(house.heard(m.HumanInput)) > 8, "the key being repeated while it is held")
    gaps = [b[0] - a[0] for a, b in zip(house.drive.inputs, house.drive.inputs[1:])]  # noqa: B905
    assert sorted(gaps)[len(gaps) // 2] <= 0.1
    until(lambda: "you drive" in live.get_by_test_id("engagement").inner_text(), "the page saying who drives")
    live.keyboard.up("KeyW")
    until(lambda: house.heard(m.HumanInput)[-1].throttle == 0, "letting go")
    live.wait_for_function("backseat.echoes.length > 0")
    live.keyboard.press("KeyH")
    until(lambda: house.heard(m.Engage) == [m.Engage(m.Reason.USER_RELEASED)], "the hand-back")


def test_typing_drives_nobody(house: House, live: Any) -> None:
    live.get_by_test_id("question").click()
    live.keyboard.type("was dada saw w")
    assert live.get_by_test_id("question").input_value() == "was dada saw w"
    live.get_by_test_id("question").fill("")
    assert not [human for human in house.heard(m.HumanInput) if human.throttle or human.steer]


def test_a_clicked_control_leaves_the_keys_to_the_car(house: House, live: Any) -> None:
    live.get_by_role("button", name="stop here").click()
    until(lambda: len(house.heard(m.SetInstruction)) == 1, "the clicked example at the drive")
    live.keyboard.press("Space", delay=100)
    until(lambda: [human for human in house.heard(m.HumanInput) if human.brake == 1.0], "the full brake")
    live.get_by_test_id("mode").get_by_text("Safety").click()
    live.keyboard.press("ArrowLeft", delay=100)
    until(lambda: [human for human in house.heard(m.HumanInput) if human.steer == -1.0], "the steering")
    assert live.locator('input[name="mode"][value="safety"]').is_checked()
    live.get_by_test_id("mode").get_by_text("Follow").click()
    assert len(house.heard(m.SetInstruction)) == 1, "the brake key pressed the clicked example again"
    live.get_by_test_id("clear-instruction").focus()
    live.keyboard.press("Tab")
    live.keyboard.press("Space")
    until(lambda: len(house.heard(m.SetInstruction)) == 2, "the example reached by Tab at the drive")


def test_what_is_typed_while_an_instruction_is_on_its_way_stays(
    house: House, live: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrives, submit = threading.Event(), house.drive.submit
    monkeypatch.setattr(house.drive, "submit", lambda command: (arrives.wait(30), submit(command))[1])
    box = live.get_by_test_id("instruction")
    box.fill("slow down")
    box.press("Enter")
    box.press_sequentially(" and turn left")
    arrives.set()
    until(lambda: "slow down" in live.get_by_test_id("instruction-asked").inner_text(), "the instruction at the drive")
    until(lambda: live.get_by_test_id("notice").inner_text().startswith("Told the car: “slow down”"), "the result")
    assert box.input_value() == "slow down and turn left"
    box.fill("")


# Two messages of the stage's socket, the first with a picture to decode, the second without.
TWO_MESSAGES = """async () => {
  const painted = await new Promise((done) => backseat.canvases.front.toBlob(done, "image/jpeg"));
  const jpeg = new Uint8Array(await painted.arrayBuffer());
  const message = (answer, bytes) => {
    const pictures = bytes.length ? [{ offset: 0, length: bytes.length }] : [];
    const head = new TextEncoder().encode(JSON.stringify({ serial: 0, pictures, answers: [answer] }));
    const data = new Uint8Array(4 + head.length + bytes.length);
    new DataView(data.buffer).setUint32(0, head.length, true);
    data.set(head, 4);
    data.set(bytes, 4 + head.length);
    return data.buffer;
  };
  const answer = { id: 9001, question: "is it red?", error: "" };
  await Promise.all([
    backseat.link.receive(message({ ...answer, text: "Ye", final: false }, jpeg)),
    backseat.link.receive(message({ ...answer, text: "Yes.", final: true }, new Uint8Array())),
  ]); }"""


def test_an_answer_that_is_whole_stays_whole_and_the_chat_stays_where_it_is_read(live: Any) -> None:
    live.evaluate(TWO_MESSAGES)
    last = live.locator(".bubble.answered").last
    assert (last.inner_text(), last.get_attribute("data-state")) == ("Yes.", "final")
    tops = live.evaluate("""() => {
      const chat = backseat.shown.chat;
      const say = (id) => backseat.chat.show([{ id, question: "why?", text: "So.", final: true }]);
      for (let id = 9100; id < 9140; id++) say(id);
      chat.style.maxHeight = "90px"; // as when the commentary above takes more room
      say(9140);
      const end = chat.scrollHeight - chat.clientHeight - chat.scrollTop;
      chat.scrollTop = 0;
      say(9141);
      chat.style.maxHeight = "";
      return [end, chat.scrollTop]; }""")
    assert tops[0] < 2 and tops[1] == 0


def test_a_window_that_loses_the_focus_lets_go(house: House, live: Any) -> None:
    live.get_by_test_id("stage").locator(".screen").focus()
    live.keyboard.down("KeyD")
    until(lambda: house.heard(m.HumanInput), "the key")
    live.evaluate("window.dispatchEvent(new Event('blur'))")
    until(lambda: house.heard(m.HumanInput)[-1].steer == 0, "letting go")
    live.keyboard.up("KeyD")


def test_pause_and_reset_are_one_click_each(house: House, live: Any) -> None:
    live.get_by_test_id("pause").click()
    until(lambda: house.drive.view().phase is m.Phase.PAUSED, "the pause")
    until(lambda: live.get_by_test_id("pause").inner_text() == "Resume", "the button saying so")
    live.get_by_test_id("pause").click()
    until(lambda: house.drive.view().phase is m.Phase.RUNNING, "driving on")
    episode = house.drive.view().episode
    live.get_by_test_id("reset").click()
    until(lambda: house.drive.view().episode == episode + 1, "the next episode")


def test_collisions_are_counted_beside_the_speed(house: House, live: Any) -> None:
    count = live.get_by_test_id("collisions")
    assert not count.is_visible()
    house.drive.collisions = 1
    until(lambda: count.is_visible() and count.inner_text() == "1 collision", "the first collision")
    house.drive.collisions = 2
    until(lambda: count.inner_text() == "2 collisions", "the second")
    house.drive.collisions = 0
    until(lambda: not count.is_visible(), "a clean slate")


def test_how_a_scene_goes_is_told_on_the_picture(house: House, live: Any) -> None:
    told = live.get_by_test_id("journey")
    assert not told.is_visible()
    house.drive.journey = m.JourneyNews("Scene: A car cuts in. It is still to happen.")
    until(lambda: told.is_visible() and told.inner_text().startswith("Scene: A car cuts in."), "the scene's line")
    assert told.get_attribute("data-stage") == "under_way"
    house.drive.journey = m.JourneyNews("Scene: A car cuts in. Done, no contact (13 s).", m.JourneyStage.DONE)
    until(lambda: told.get_attribute("data-stage") == "done" and "no contact" in told.inner_text(), "its end")
    house.drive.journey = None
    until(lambda: not told.is_visible(), "a drive to nowhere in particular")


def test_a_driver_that_takes_seconds_is_waited_for_in_the_open_and_can_be_cancelled(house: House, live: Any) -> None:
    waiting = live.get_by_test_id("waiting")
    assert not waiting.is_visible() and waiting.get_attribute("role") is None, "its seconds would be read out"
    house.drive.lockstep_ticks = 5
    house.drive.progress = m.Progress("looking", 12, 24, "plan", 2.1)
    waiting.wait_for(state="visible")
    assert live.get_by_test_id("progress").inner_text() == "Planning: looking, 12 of 24 · 2.1 s"
    assert "the world waits for each plan" in live.get_by_test_id("lockstep").inner_text()
    assert live.get_by_test_id("cancel").inner_text() == "Cancel and pause"
    live.get_by_test_id("cancel").click()
    live.get_by_test_id("cancel").wait_for(state="hidden")
    assert m.Cancel() in house.drive.commands
    assert house.drive.view().phase is m.Phase.PAUSED


def test_a_sentence_of_the_drive_goes_when_it_is_over_and_the_persons_own_stays(house: House, live: Any) -> None:
    line = live.get_by_test_id("notice")
    house.drive.notice = "The car backs out."
    until(lambda: line.inner_text() == house.drive.notice, "the notice")
    house.drive.notice = ""
    until(lambda: line.inner_text() == "", "its end")
    house.drive.notice = "The car has hit a bin."
    until(lambda: line.inner_text() == house.drive.notice, "the next notice")
    live.get_by_test_id("instruction").fill("stop here")
    live.get_by_test_id("send-instruction").click()
    until(lambda: line.inner_text().startswith("Told the car"), "the result")
    house.drive.notice = ""
    tick = house.drive.view().tick
    live.wait_for_function("tick => window.backseat.header.tick > tick + 2", arg=tick)
    assert line.inner_text().startswith("Told the car")


def test_the_page_says_that_you_have_the_wheel_no_longer_than_you_have_it(house: House, live: Any) -> None:
    line, wheel = live.get_by_test_id("notice"), live.get_by_test_id("wheel")
    wheel.click()
    until(lambda: line.inner_text().startswith("You have the wheel"), "the sentence")
    tick = house.drive.view().tick
    live.wait_for_function("tick => window.backseat.header.tick > tick + 2", arg=tick)
    assert line.inner_text().startswith("You have the wheel")
    house.drive.submit(m.Reset("somebody"))
    until(lambda: house.drive.view().engagement is m.Engagement.ENGAGED, "the new episode")
    until(lambda: line.inner_text() == "", "its end")


def test_the_time_of_a_plan_that_did_not_look_again_says_so(house: House, live: Any) -> None:
    took = live.locator('[data-show="inference"]')
    until(lambda: took.inner_text() == "31 ms", "the time of a plan that looked")
    house.drive.is_on_known_picture = True
    until(lambda: took.inner_text() == "31 ms, picture known", "what it is without")
    house.drive.is_on_known_picture = False


def test_a_silent_drive_is_dimmed_and_comes_back_by_itself(house: House, live: Any) -> None:
    house.drive.is_silent = True
    live.wait_for_selector('.backseat[data-stale="true"]')
    until(lambda: re.search(r"No picture for \d", live.locator(".veil").inner_text()), "the words over the picture")
    house.drive.is_silent = False
    live.wait_for_selector('.backseat[data-stale="false"]')


def test_a_dead_process_is_named_and_restarted_from_the_page(house: House, live: Any) -> None:
    part = house.supervised.parts[1]
    part.state, part.line = "failed", "The drive process ended with status 9."
    trouble = live.locator(".trouble")
    trouble.wait_for(state="visible")
    assert "status 9" in trouble.inner_text()
    trouble.get_by_role("button").click()
    until(lambda: house.supervised.restarts == 1, "the restart")
    trouble.wait_for(state="hidden")


def test_without_a_driver_the_wheel_button_is_for_the_person(house: House, live: Any) -> None:
    house.drive.fail("The driver could not plan.")
    title, wheel = live.locator(".trouble strong"), live.get_by_test_id("wheel")
    until(lambda: title.inner_text() == "The car has no driver and brakes", "the title of a safe stop")
    until(lambda: wheel.inner_text() == "Take the wheel", "the button's words")
    wheel.click()
    until(lambda: house.drive.view().engagement is m.Engagement.MANUAL, "the takeover")
    until(lambda: title.inner_text() == "The driver makes no plan", "the title while a person drives")
    assert wheel.inner_text() == "Hand back to the model"


@pytest.mark.parametrize("width", [1440, 1000, 390])
def test_the_reason_of_a_safe_stop_shows_on_every_screen(house: House, live: Any, width: int) -> None:
    house.drive.fail("The driver could not plan.")
    reason = live.locator('[data-show="engagement-reason"]')
    until(lambda: text.REASON_WORDS[m.Reason.DRIVER_FAILED] in reason.inner_text(), "the reason")
    live.set_viewport_size({"width": width, "height": 844})
    box, page_width = reason.bounding_box(), live.evaluate("document.body.scrollWidth")
    live.set_viewport_size({"width": 1440, "height": 900})
    assert box is not None and box["width"] > 100 and page_width <= width


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (390, 844)])
def test_nothing_is_cut_off_on_a_desk_or_in_a_hand(live: Any, width: int, height: int) -> None:
    live.set_viewport_size({"width": width, "height": height})
    page_width, page_height = live.evaluate("[document.body.scrollWidth, document.documentElement.scrollHeight]")
    assert live.get_by_test_id("talk-order").is_visible()
    box = live.get_by_test_id("instruction").bounding_box()
    ask = live.get_by_test_id("ask").bounding_box()
    live.set_viewport_size({"width": 1440, "height": 900})
    assert page_width <= width, "the page scrolls sideways"
    assert box["y"] + box["height"] < height, "the instruction box is below the first screen"
    if width > 900:
        assert page_height <= height, "a desk's page scrolls"
        assert ask["y"] + ask["height"] < height, "the question box is cut off"


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720)])
def test_news_of_trouble_push_nothing_over_the_foot(house: House, live: Any, width: int, height: int) -> None:
    house.drive.lockstep_ticks = 5
    until(lambda: live.get_by_test_id("waiting").is_visible(), "the strip that tells of lockstep")
    live.get_by_test_id("instruction").fill("slow down " * 15)
    live.get_by_test_id("send-instruction").click()
    until(lambda: "slow down" in live.get_by_test_id("instruction-asked").inner_text(), "the instruction")
    house.drive.fail("The driver could not plan: " + "the weights are of another network than this program. " * 3)
    live.locator(".trouble").wait_for(state="visible")
    live.set_viewport_size({"width": width, "height": height})
    box = live.get_by_test_id("ask").bounding_box()
    foot, strips = (live.locator(f".backseat .{name}").bounding_box() for name in ("foot", "strips"))
    page_height = live.evaluate("document.documentElement.scrollHeight")
    live.set_viewport_size({"width": 1440, "height": 900})
    assert page_height <= height and foot["y"] + foot["height"] <= height
    assert box["y"] + box["height"] <= foot["y"], "the question box is over the foot"
    assert strips["y"] + strips["height"] <= foot["y"], "the strips are over the foot"


def test_a_silent_link_is_replaced_and_one_closed_with_a_reason_says_it(house: House, chromium: Any) -> None:
    links: list[Any] = []

    def connects(link: Any) -> None:
        links.append(link)
        if len(links) > 1:  # the first is a network that went away: open, and silent for good
            link.connect_to_server()

    context = chromium.new_context()
    opened = context.new_page()
    opened.route_web_socket(re.compile("/stage/socket"), connects)
    opened.goto(house.url)
    opened.wait_for_function(f"({PAINTS}) > 2", timeout=60_000)
    assert len(links) == 2
    links[1].close(code=1008, reason="No more people fit.")
    opened.wait_for_selector('.backseat[data-link="lost"][data-stale="true"]')
    assert opened.locator('[data-show="link"]').inner_text() == "No more people fit."
    until(lambda: opened.locator(".veil").inner_text() == "No more people fit.", "the reason over the picture")
    context.close()


def test_a_page_whose_ticket_has_ended_loads_itself_again(house: House, chromium: Any) -> None:
    context = chromium.new_context()
    opened = context.new_page()
    opened.goto(house.url)
    opened.wait_for_function(f"({PAINTS}) > 2 && backseat.link.runName", timeout=60_000)
    opened.evaluate("window.isOld = true; window.backseatTicket = 'ended'; backseat.link.socket.close()")
    opened.wait_for_function(f"!window.isOld && ({PAINTS}) > 2", timeout=60_000)
    context.close()


def test_the_page_finds_its_program_again_after_a_restart(chromium: Any) -> None:
    listening = page.listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    drive = FakeDrive()
    drive.start()
    stop = serve_in_thread(page.build(drive, FakeSupervised()), listening)
    context = chromium.new_context()
    opened = context.new_page()
    opened.goto(f"http://127.0.0.1:{port}")
    opened.wait_for_function(f"({PAINTS}) > 5")
    stop()
    opened.wait_for_selector('.backseat[data-link="lost"]')
    stop = serve_in_thread(page.build(drive, FakeSupervised()), page.listen("127.0.0.1", port))
    opened.wait_for_selector('.backseat[data-link="open"][data-stale="false"]', timeout=20_000)
    opened.wait_for_function(f"({PAINTS}) > 5")
    context.close()
    stop()
    drive.stop()


def test_a_taken_port_is_a_sentence(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert page.serve(house.app, "127.0.0.1", house.port) == page.PORT_IN_USE
    assert f"Port {house.port}" in capsys.readouterr().err
