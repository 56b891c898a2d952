"""The page's API as a script uses it: gradio_client at the page's own address."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from gradio_client import Client

from app import text
from app.api import ASKING_AT_MOST, Api
from sim_bridge import messages as m
from tests.app.conftest import House, until


@pytest.fixture(scope="module")
def clients(_house: House) -> Iterator[tuple[Client, Client]]:
    yield Client(_house.url, verbose=False), Client(_house.url, verbose=False)


@pytest.fixture
def client(house: House, clients: tuple[Client, Client]) -> Client:
    return clients[0]


def test_the_four_calls_are_there_with_their_parameters(client: Client) -> None:
    calls = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    parameters = {name: [p["parameter_name"] for p in call["parameters"]] for name, call in calls.items()}
    assert parameters == {
        "/instruct": ["text", "mode"],
        "/ask": ["question"],
        "/status": [],
        "/control": ["action"],
    }


def test_an_instruction_reaches_the_car_and_shows_in_the_status(house: House, client: Client) -> None:
    said = client.predict("stop here", "safety", api_name="/instruct")
    assert said["verdict"] == "accepted"
    assert house.heard(m.SetInstruction) == [m.SetInstruction("stop here", m.InstructionMode.SAFETY)]
    status = until(
        lambda: (s := client.predict(api_name="/status"))["instruction_acting"] == "stop here" and s, "the car acting"
    )
    assert status["instruction_asked"] == "stop here" and status["instruction_mode"] == "safety"
    assert status["failure"] == "" and status["model"] == "fake"


def test_a_question_waits_for_its_own_whole_answer_and_nobody_else_does(house: House, client: Client) -> None:
    answers: dict[str, str] = {}

    def ask(question: str) -> None:
        answers[question] = client.predict(question, api_name="/ask")

    threads = [threading.Thread(target=ask, args=(f"is light {n} red?",)) for n in range(3)]
    house.drive.is_silent = True
    for thread in threads:
        thread.start()
    until(lambda: len(house.heard(m.Ask)) == 3, "the questions at the drive")
    assert client.predict(api_name="/status")["phase"] == "running"
    assert all(thread.is_alive() for thread in threads), "a question was answered by a drive that says nothing"
    house.drive.is_silent = False
    for thread in threads:
        thread.join(20)
    assert all(question in answer and answer.endswith("road.") for question, answer in answers.items())
    assert len(answers) == 3


def test_control_moves_the_drive(house: House, client: Client) -> None:
    assert client.predict("pause", api_name="/control")["verdict"] == "accepted"
    tick = until(lambda: house.drive.view().phase is m.Phase.PAUSED and house.drive.view().tick, "the pause")
    client.predict("step", api_name="/control")
    until(lambda: house.drive.view().tick == tick + 1, "one tick more")
    client.predict("resume", api_name="/control")
    until(lambda: house.drive.view().tick > tick + 5, "driving on")
    episode = house.drive.view().episode
    client.predict("reset", api_name="/control")
    until(lambda: house.drive.view().episode == episode + 1, "the next episode")


def test_two_scripts_cannot_both_hold_the_wheel(house: House, clients: tuple[Client, Client]) -> None:
    first, second = clients
    assert first.predict("takeover", api_name="/control")["verdict"] == "accepted"
    until(lambda: house.drive.view().engagement is m.Engagement.MANUAL, "manual driving")
    refused = second.predict("takeover", api_name="/control")
    assert refused["verdict"] == "busy" and house.drive.view().holder in refused["line"]
    assert second.predict("engage", api_name="/control")["verdict"] == "busy"
    assert first.predict("release", api_name="/control")["verdict"] == "accepted"
    until(lambda: house.drive.view().engagement is m.Engagement.ENGAGED, "the hand-back")
    assert second.predict("takeover", api_name="/control")["verdict"] == "accepted"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("x" * 10_000, "follow", "/instruct"), "10,000"),
        (("go", "reckless", "/instruct"), "reckless"),
        (("", "follow", "/instruct"), text.CLEARED),
        (("fly", "/control"), "pause"),
    ],
)
def test_bad_words_get_a_clear_sentence(client: Client, call: tuple[str, ...], words: str) -> None:
    *values, name = call
    assert words in client.predict(*values, api_name=name)["line"]


@pytest.mark.parametrize(("question", "words"), [("", text.EMPTY_QUESTION), ("y" * 10_000, "10,000")])
def test_bad_questions_get_a_clear_sentence(client: Client, question: str, words: str) -> None:
    assert words in client.predict(question, api_name="/ask")


def test_a_dead_process_is_named_in_the_status(house: House, client: Client) -> None:
    house.supervised.parts[1].state, house.supervised.parts[1].line = "failed", "The drive process ended."
    assert "drive process ended" in client.predict(api_name="/status")["failure"]


def test_a_drive_that_does_not_answer_is_waited_for_only_so_long(
    house: House, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.ANSWER_WITHIN_S", 0.3)
    house.drive.is_silent = True
    assert "no answer" in client.predict("are you there?", api_name="/ask")


def test_questions_that_wait_leave_room_for_other_calls(house: House) -> None:
    api = Api(house.app.state.hub, b"secret")
    house.drive.is_silent = True
    waiting = [threading.Thread(target=api.ask, args=("is it red?",)) for _ in range(ASKING_AT_MOST)]
    for thread in waiting:
        thread.start()
    until(lambda: len(house.heard(m.Ask)) == ASKING_AT_MOST, "the questions at the drive")
    assert api.ask("and now?") == text.TOO_FAST
    house.drive.is_silent = False
    for thread in waiting:
        thread.join(20)
    assert api.ask("and now?").startswith("You asked: and now?")
