"""The one command: every subcommand explains itself, and wrong use ends with a sentence before anything is started."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI

import launch

ROOT = Path(__file__).resolve().parents[1]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "launch.py", *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("subcommand", ["drive", *launch.ROOMS])
def test_every_subcommand_explains_itself(subcommand: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        launch.main([subcommand, "--help"])
    assert ended.value.code == 0
    assert "--" in capsys.readouterr().out


def test_without_a_subcommand_it_drives() -> None:
    refused = run("--town", "Atlantis")
    assert refused.returncode == 2
    assert "no town 'Atlantis'" in refused.stderr and "Backseat01" in refused.stderr


@pytest.mark.parametrize("words", [("serve", "--coverage"), ("scenes",)])
def test_a_pipe_that_closes_ends_it_without_a_word(words: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "launch.py", *words]
    try:
        ended = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, timeout=120, check=False)
    finally:
        os.close(writer)
    assert ended.stderr == b""
    assert ended.returncode == launch.UNREAD


def test_another_pipe_that_breaks_is_still_told() -> None:
    code = "import launch\ndef broken(): raise BrokenPipeError('not ours')\nlaunch.main = broken\n"
    told = subprocess.run(
        [sys.executable, "-c", code + "launch._told_until_unread()"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert told.returncode == 1 and "not ours" in told.stderr


@pytest.mark.parametrize("address", ["2000", "localhost", "localhost:", ":2000", "localhost:two"])
def test_an_address_without_host_and_port_is_refused(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        launch.main(["--carla", address])
    assert "HOST:PORT" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--port", "70000"), ("--port=-1",), ("--carla", "127.0.0.1:70000")])
def test_a_port_that_cannot_be_is_refused(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        launch.main(words)
    assert ended.value.code == 2
    assert "expected a port from 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "module"),
    [
        (("train", "--model=simlingo"), launch.OF_SIMLINGO["train"]),
        (("train", "--model", "simlingo"), launch.OF_SIMLINGO["train"]),
        (("train", "--out", "simlingo"), launch.ROOMS["train"][0]),
        (("bench", "--model=simlingo"), launch.OF_SIMLINGO["bench"]),
        (("bench", "--town", "simlingo"), launch.ROOMS["bench"][0]),
    ],
)
def test_the_model_is_what_stands_behind_its_flag(words: tuple[str, ...], module: str) -> None:
    parser = argparse.ArgumentParser()
    assert launch._for_the_model(words[0], launch.ROOMS[words[0]][0], parser, words) == module


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("::1", "http://[::1]:81"),
        ("0.0.0.0", "http://127.0.0.1:81"),
        ("box.example", "http://box.example:81"),
    ],
)
def test_the_pages_address_is_one_that_a_browser_opens(host: str, address: str) -> None:
    assert launch._page_address(host, 81) == address


@pytest.mark.parametrize(("host", "is_warned"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_the_page_says_its_port_and_who_can_reach_it(
    host: str, is_warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["drive", "--host", host, "--port", "0", "--no-browser"]
    launch._page_is_up(launch._parser(words).parse_args(words), 4242, FastAPI(), [])
    said = capsys.readouterr().out
    assert ":4242" in said and ("no password" in said) is is_warned


def test_missing_weights_are_named_with_the_way_out() -> None:
    refused = run("--checkpoint", "nowhere")
    assert refused.returncode == 2
    assert "nowhere" in refused.stderr and "--model teacher" in refused.stderr


def test_simlingo_shows_its_terms_and_waits_for_the_flag() -> None:
    refused = run("--model", "simlingo")
    assert refused.returncode == 2
    assert "--accept-simlingo-license" in refused.stderr
    accepted = run("--model", "simlingo", "--accept-simlingo-license")
    assert accepted.returncode == 2
    assert "--checkpoint" in accepted.stderr


def test_the_world_gets_two_neighbouring_free_ports() -> None:
    port = launch.free_port_pair()
    with socket.socket() as calls, socket.socket() as streams:
        calls.bind(("127.0.0.1", port))
        streams.bind(("127.0.0.1", port + 1))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scene", "flood"), "no scene 'flood'"),
        (("--scene", "cut_in", "--routes", "r.xml"), "both"),
        (("--routes", "nowhere.xml"), "nowhere.xml cannot be read"),
        (("--route", "3"), "--routes"),
    ],
)
def test_a_journey_that_cannot_be_is_refused_before_anything_starts(words: tuple[str, ...], said: str) -> None:
    args = launch._parser(["drive", *words]).parse_args(["drive", *words])
    assert said in launch._refusal(args)


def test_a_scene_without_a_place_in_the_town_names_the_towns_that_have_one() -> None:
    args = launch._parser(["drive"]).parse_args(["drive", "--scene", "cut_in", "--town", "Backseat03"])
    assert "finds no place in Backseat03" in launch._refusal(args) and "Backseat01" in launch._refusal(args)


def test_scenes_are_listed_with_their_towns(capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.main(["scenes", "pedestrian_steps_out"]) == 0
    assert "Backseat01" in capsys.readouterr().out
    assert launch.main(["scenes", "flood"]) == 2


def test_simlingos_choices_are_understood() -> None:
    words = ["drive", "--model", "simlingo", "--checkpoint", "x.pt", "--device", "cpu", "--dtype", "float32"]
    args = launch._parser(words).parse_args([*words, "--navigation", "command", "--talk", "first", "--lockstep", "1"])
    chosen = launch.flags.choice(args)
    assert (chosen.device, chosen.dtype, chosen.navigation) == ("cpu", "float32", "command")
    assert (args.talk, args.lockstep) == ("first", 1)


def test_a_simlingo_that_is_starved_is_not_ended_as_one_that_hangs() -> None:
    """Half a minute without a view happens on a busy machine, and starting again takes longer."""
    words = ["drive", "--model", "simlingo", "--checkpoint", "x.pt"]
    patient = launch._supervisor(launch._parser(words).parse_args(words))._config
    usual = launch._supervisor(launch._parser(["drive"]).parse_args(["drive"]))._config
    assert (patient.silence_max_s, usual.silence_max_s) == (60.0, 5.0)
    assert patient.drive_ready_within_s == patient.silence_starting_max_s == 900.0


@pytest.mark.parametrize("ticks", ["-1", "21", "many"])
def test_a_lockstep_no_plan_reaches_is_refused(ticks: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        launch._parser(["drive"]).parse_args(["drive", f"--lockstep={ticks}"])
    assert "expected 0 to 20 ticks" in capsys.readouterr().err
