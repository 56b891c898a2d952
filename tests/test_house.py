"""The house rules that a machine can check: style, types, and the walls between the rooms."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import launch

ROOT = Path(__file__).resolve().parents[1]

CHECKS = {
    "ruff check": [sys.executable, "-m", "ruff", "check", "."],
    "ruff format": [sys.executable, "-m", "ruff", "format", "--check", "."],
    "mypy": [sys.executable, "-m", "mypy"],
    "import-linter": [str(Path(sys.executable).with_name("lint-imports"))],
}


@pytest.mark.parametrize("name", CHECKS)
def test_check_passes(name: str) -> None:
    done = subprocess.run(CHECKS[name], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{name} found something:\n{done.stdout}{done.stderr}"


def test_no_room_has_a_name_that_says_nothing() -> None:
    empty_names = {"utils", "util", "common", "helpers", "helper", "base", "manager", "core", "misc"}
    rooms = [
        p for room in ("app", "sim_bridge", "model") for p in (ROOT / room).rglob("*") if "__pycache__" not in str(p)
    ]
    assert [p for p in rooms if p.stem in empty_names] == []


def test_whoever_catches_everything_says_why() -> None:
    """On the line itself, or above it or above its `try`."""
    sources = [p for room in ("app", "sim_bridge", "model") for p in (ROOT / room).rglob("*.py")] + [ROOT / "launch.py"]
    silent = []
    for source in sources:
        lines = source.read_text(encoding="utf-8").splitlines()
        for tried in (node for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, ast.Try)):
            for caught in tried.handlers:
                names = (
                    {name.id for name in ast.walk(caught.type) if isinstance(name, ast.Name)} if caught.type else {""}
                )
                places = (lines[caught.lineno - 1], lines[caught.lineno - 2], lines[tried.lineno - 2])
                if names & {"", "Exception", "BaseException"} and not any("# " in place for place in places):
                    silent.append(f"{source.relative_to(ROOT)}:{caught.lineno}")
    assert silent == []


def test_what_the_readme_points_to_is_there() -> None:
    readme = (ROOT / "README.md").read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (ROOT / target).is_file(), f"README.md points to {target}, which is not there"
    for folder in re.findall(r"^\| `([a-z_/]+/)` \|", readme, re.MULTILINE):
        assert (ROOT / folder).is_dir(), f"README.md speaks of {folder}, which is not there"


def test_the_readmes_commands_are_understood() -> None:
    readme = (ROOT / "README.md").read_text()
    lines = set(re.findall(r"launch\.py([^`#|\n]*)", readme))
    assert len(lines) > 5
    for line in lines - {" evaluate --help"}:
        words = line.replace("HOST:", "127.0.0.1:").split()
        if not words or words[0] not in launch.ROOMS:
            words.insert(0, "drive")
        launch._parser(words).parse_args(words)
