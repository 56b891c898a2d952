"""The stage's WebSocket: who may open it, how views flow, and what becomes of hands."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from app import tickets
from app.cockpit.link import seen
from app.watcher import CREDITS, MESSAGE_CHARS_AT_MOST
from sim_bridge import messages as m
from tests.app.conftest import House, until


class Tab:
    """A hand-made watcher: reads on demand, acknowledges only when told to."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.words: list[dict[str, Any]] = []

    def view(self, within_s: float = 3.0) -> dict[str, Any] | None:
        """The next view's header; what else comes is kept in `words`. None when no view comes."""
        deadline = time.monotonic() + within_s
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self.socket.recv(timeout=left)
            except TimeoutError:
                return None
            if isinstance(message, bytes):
                return seen(message).header
            self.words.append(json.loads(message))
        return None

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def word(self, wanted: Callable[[dict[str, Any]], Any], what: str) -> dict[str, Any]:
        """The first text message that is wanted; views are acknowledged meanwhile."""

        def found() -> dict[str, Any] | None:
            self.view(0.05)
            self.say(k="ack")
            return next((word for word in self.words if wanted(word)), None)

        return until(found, what)

    def result(self, number: int) -> dict[str, Any]:
        return self.word(lambda w: w["k"] == "result" and w["id"] == number, f"the result of request {number}")


@contextmanager
def tab(house: House, holder: str = "tab-test") -> Iterator[Tab]:
    with connect(house.socket_url(holder), max_size=None, compression=None, proxy=None) as socket:
        yield Tab(socket)


@pytest.mark.parametrize("ticket", ["", "rubbish", "a.b", "ü.ü"])
def test_without_a_ticket_the_door_stays_shut(house: House, ticket: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{house.port}/stage/socket?ticket={ticket}", proxy=None).close()
    assert refused.value.response.status_code == 403


def test_an_expired_or_foreign_ticket_is_no_ticket(house: House) -> None:
    secret = house.app.state.options.secret
    for bad in (tickets.mint(secret, "me", life_s=-1), tickets.mint(b"another secret", "me")):
        with pytest.raises(InvalidStatus):
            connect(f"ws://127.0.0.1:{house.port}/stage/socket?ticket={bad}", proxy=None).close()


def test_when_no_more_fit_the_door_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.hub.WATCHERS_AT_MOST", 0)
    with tab(house) as watcher, pytest.raises(ConnectionClosed) as closed:
        watcher.socket.recv(timeout=10)
    assert closed.value.rcvd is not None and "as many as fit" in closed.value.rcvd.reason


def test_another_site_may_neither_watch_nor_press_buttons(house: House) -> None:
    with pytest.raises(InvalidStatus):
        connect(house.socket_url("me"), origin="http://evil.example", proxy=None).close()
    with httpx.Client(trust_env=False) as client:
        posted = client.post(
            f"{house.url}/gradio_api/call/control", json={"data": ["pause"]}, headers={"Origin": "http://evil.example"}
        )
        renamed = client.get(f"{house.url}/", headers={"Host": "evil.example"})
        missing = client.get(f"{house.url}/stage/..%2fstage.html")
        uploaded = client.post(f"{house.url}/gradio_api/upload", files={"files": ("a.txt", b"a")})
        fetched = [client.get(f"{house.url}/gradio_api/file{sign}http://evil.example/a.txt") for sign in "=/"]
    assert uploaded.status_code == 403
    assert {answer.text for answer in fetched} == {"This page takes no files and fetches none."}
    assert posted.status_code == 403 and renamed.status_code == 403 and missing.status_code == 404
    assert not house.heard(m.Pause)


def test_views_stop_at_the_credits_and_an_ack_brings_the_newest(house: House) -> None:
    with tab(house) as watcher:
        headers = [watcher.view() for _ in range(CREDITS)]
        assert all(headers)
        assert watcher.view(0.4) is None, "a view came without a credit for it"
        newest = house.drive.view()
        watcher.say(k="ack")
        after = watcher.view(1.0)
        assert after is not None and newest is not None
        assert after["tick"] >= newest.tick - 1, "the view that came after an ack is an old one"


def test_keys_reach_the_drive_and_leaving_tells_it(house: House) -> None:
    with tab(house, "anna") as watcher:
        watcher.say(k="hands", seq=1, t=12.5, held=["KeyA"])
        heard = until(lambda: house.heard(m.HumanInput), "the held key")
        assert heard[0] == m.HumanInput("anna", 1, steer=-1.0, sent_at_ms=12.5)
        until(lambda: house.drive.view().holder == "anna", "anna at the wheel")
    until(lambda: house.heard(m.HolderLeft) == [m.HolderLeft("anna")], "word that anna left")
    until(lambda: house.drive.view().engagement_reason is m.Reason.WATCHER_LEFT, "the car stopping")


def test_a_second_person_is_told_who_holds_the_wheel(house: House) -> None:
    with tab(house, "anna") as first, tab(house, "ben") as second:
        first.say(k="hands", seq=1, t=0, held=["KeyW"])
        until(lambda: house.drive.view().holder == "anna", "anna at the wheel")
        second.say(k="do", id=1, action="takeover")
        refused = second.result(1)
        assert refused["verdict"] != "accepted" and "anna" in refused["line"]
        second.say(k="hands", seq=1, t=0, held=["KeyS"])
        second.word(lambda w: w["k"] == "result" and w["id"] == 0 and "anna" in w["line"], "the refusal of the key")
        assert {human.holder for human in house.heard(m.HumanInput)} == {"anna"}


def test_the_end_of_a_dead_link_leaves_the_wheel_to_who_is_back_on_a_new_one(house: House) -> None:
    hub = house.app.state.hub
    others = hub.watchers
    with tab(house, "anna") as second:
        with tab(house, "anna") as first:
            first.say(k="do", id=1, action="takeover")
            assert first.result(1)["verdict"] == "accepted"
            until(lambda: house.drive.view().holder == "anna", "anna at the wheel")
        until(lambda: hub.watchers == others + 1, "the end of the old link")
        second.say(k="do", id=2, action="pause")
        second.result(2)
        second.say(k="hands", seq=9, t=0, held=["KeyA"])
        until(lambda: house.heard(m.HumanInput), "the key on the new link")
        assert house.heard(m.HolderLeft) == [] and house.drive.view().holder == "anna"
    until(lambda: house.heard(m.HolderLeft) == [m.HolderLeft("anna")], "word that anna left")


def test_an_idle_holders_wheel_is_taken_at_the_first_try(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.wheel.IDLE_AT_MOST_S", 0.0)
    with tab(house, "anna") as first, tab(house, "ben") as second:
        first.say(k="do", id=1, action="takeover")
        until(lambda: house.drive.view().holder == "anna", "anna at the wheel")
        second.say(k="do", id=1, action="takeover")
        taken = second.result(1)
        assert taken["verdict"] == "accepted", taken["line"]
        until(lambda: house.drive.view().holder == "ben", "ben at the wheel")


@pytest.mark.parametrize("action", ["reset", "new_start"])
def test_a_bystander_starts_no_episode_under_the_hands_of_who_drives(house: House, action: str) -> None:
    with tab(house, "anna") as first, tab(house, "ben") as second:
        first.say(k="do", id=1, action="takeover")
        until(lambda: house.drive.view().holder == "anna", "anna at the wheel")
        second.say(k="do", id=1, action=action)
        refused = second.result(1)
        assert refused["verdict"] == "busy" and "anna" in refused["line"]
        second.say(k="restart", id=2)
        assert second.result(2)["verdict"] == "busy" and house.supervised.restarts == 0
        first.say(k="do", id=2, action=action)
        assert first.result(2)["verdict"] == "accepted"
        until(lambda: house.drive.view().engagement is m.Engagement.ENGAGED, "the new episode")
        second.say(k="do", id=3, action=action)
        assert second.result(3)["verdict"] == "accepted"


def test_a_held_key_that_falls_silent_stops_the_car(house: House) -> None:
    with tab(house, "anna") as watcher:
        watcher.say(k="hands", seq=1, t=0, held=["KeyW"])
        until(lambda: house.drive.view().engagement_reason is m.Reason.DEADMAN, "the dead-man", 2.0)


@pytest.mark.parametrize(
    "unreadable",
    ["", "[]", "nonsense", '{"k":"fly"}', '{"k":"hands"}', "[" * 30_000, "x" * (MESSAGE_CHARS_AT_MOST + 1)],
)
def test_an_unreadable_message_gets_a_sentence_and_the_link_lives_on(house: House, unreadable: str) -> None:
    with tab(house) as watcher:
        watcher.socket.send(unreadable)
        assert watcher.result(0)["verdict"] == "refused"
        watcher.say(k="do", id=5, action="pause")
        assert watcher.result(5)["verdict"] == "accepted"


def test_who_sends_only_rubbish_is_shown_out(house: House) -> None:
    with tab(house) as watcher, pytest.raises(ConnectionClosed):
        for _ in range(200):
            watcher.socket.send("rubbish")
            watcher.view(0.01)


def test_a_flood_of_words_is_slowed_down_in_words(house: House) -> None:
    with tab(house) as watcher:
        for number in range(1, 41):
            watcher.say(k="instruct", id=number, text="go on", mode="follow")
        assert watcher.result(40)["verdict"] == "busy"
        assert len(house.heard(m.SetInstruction)) < 40


def test_the_clock_handshake_names_the_clock_that_views_are_stamped_with(house: House) -> None:
    with tab(house) as watcher:
        before_ms = time.monotonic_ns() / 1e6
        watcher.say(k="clock", t=1.0)
        answer = watcher.word(lambda w: w["k"] == "clock", "the clock's answer")
        assert before_ms <= answer["server_ms"] <= time.monotonic_ns() / 1e6
