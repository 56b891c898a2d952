"""The page's Gradio API, so that `gradio_client` drives it. Runs on Gradio's threads.

No call waits for another: every event has no concurrency limit, and only /ask waits for anything at all.
"""

from __future__ import annotations

import threading
from typing import Any

import gradio as gr
from gradio.events import api

from app import text, tickets, views
from app.hub import Hub
from app.pace import Pace
from sim_bridge.messages import CommandResult, Verdict

ANSWER_WITHIN_S = 20.0
FRAMES_PER_ANSWER = 6
# A call that waits for an answer keeps one of the server's forty threads, which every other call needs too.
ASKING_AT_MOST = 8


class Api:
    """Lives as long as the page. `secret` names scripts by their session without giving the session away."""

    def __init__(self, hub: Hub, secret: bytes) -> None:
        self._hub = hub
        self._secret = secret
        self._pace = Pace(burst=60, per_s=10.0)
        self._asking = threading.BoundedSemaphore(ASKING_AT_MOST)

    def expose(self) -> None:
        """Inside a Blocks context: register the four calls."""
        for call in (self.instruct, self.ask, self.status, self.control):
            api(call, api_name=call.__name__, concurrency_limit=None)

    def instruct(self, text: str, mode: str = "follow") -> dict[str, Any]:
        """Tell the car, in words, what to do. Mode is 'follow' (obey) or 'safety' (refuse what is dangerous)."""
        return self._paced() or _said(self._hub.handlers.instruct(text, mode))

    def ask(self, question: str) -> str:
        """Ask about what the car sees now; returns the whole answer, or a sentence that says why there is none."""
        if self._paced() or not self._asking.acquire(blocking=False):
            return text.TOO_FAST
        try:
            return self._answered(question)
        finally:
            self._asking.release()

    def status(self) -> dict[str, Any]:
        """Everything about the drive at its newest tick. `failure` is empty while all is well."""
        view = self._hub.drive.view()
        parts = self._hub.supervised.status()
        troubles = [part.line for part in parts if part.state not in ("running", "starting") and part.line]
        status: dict[str, Any] = views.status_of(view) if view is not None else views.status_before_first_view()
        status["failure"] = status["failure"] or " ".join(troubles)
        status["parts"] = {part.name: part.state for part in parts}
        return status

    def control(self, action: str, request: gr.Request | None = None) -> dict[str, Any]:
        """pause, resume, step, reset, new_start, engage, takeover, release, talk_alongside, talk_first or cancel."""
        session = getattr(request, "session_hash", None) or "script"
        holder = tickets.holder_of(session, self._secret, "script")
        return self._paced() or _said(self._hub.handlers.control(action, holder))

    def _answered(self, question: str) -> str:
        result, question_id = self._hub.handlers.ask(question)
        if result.verdict is not Verdict.ACCEPTED:
            return result.line
        within_s = self._answer_within_s()
        answer = self._hub.wait_for_answer(question_id, within_s)
        if answer is None:
            return text.no_answer_within(within_s)
        return answer.error or answer.text

    def _answer_within_s(self) -> float:
        """A driver that takes seconds per picture finishes a plan, looks once more, and speaks a word at a time."""
        view = self._hub.drive.view()
        return ANSWER_WITHIN_S + (FRAMES_PER_ANSWER * view.driver.frame_s if view else 0.0)

    def _paced(self) -> dict[str, str] | None:
        return None if self._pace.allows() else _said(CommandResult(Verdict.BUSY, text.TOO_FAST))


def _said(result: CommandResult) -> dict[str, str]:
    return {"verdict": result.verdict.value, "line": result.line}
