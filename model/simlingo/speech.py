"""An answer as it is spoken, without the markers that only the network needs. Pure, any thread."""

from __future__ import annotations

from collections.abc import Iterator

from model import prompts


def bare(pieces: Iterator[str]) -> Iterator[str]:
    """Pieces that concatenate to `prompts.bare_answer` of the whole; what may begin a marker waits for the next one."""
    said = shown = ""
    for piece in pieces:
        said += piece
        sure = _sure(said)
        if len(sure) > len(shown):
            yield sure[len(shown) :]
            shown = sure
    if rest := prompts.bare_answer(said)[len(shown) :]:
        yield rest


def _sure(said: str) -> str:
    """What of `said` is shown whatever comes behind it."""
    if said.strip() == "A":
        return ""
    marker = prompts.WAYPOINTS
    held = max((n for n in range(1, len(marker) + 1) if said.endswith(marker[:n])), default=0)
    return prompts.bare_answer(said[: len(said) - held])
