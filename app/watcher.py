"""One watcher: a browser tab or a cockpit on one WebSocket. Runs on the event loop; submits through worker threads.

Down: views as binary messages, at most CREDITS of them unacknowledged, always the newest; everything else as JSON text
with a "k" that names it: hello, beat, clock, result. Up: JSON text: ack, hands, do, instruct, ask, restart, clock.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from app import hands, text
from app.hub import WATCHERS_AT_MOST, Hub
from app.pace import Pace
from sim_bridge.messages import CommandResult, HolderLeft, Verdict

CREDITS = 2  # bounds the lag on a thin link to about two pictures and the round trip
BEAT_S = 1.0
MESSAGE_CHARS_AT_MOST = 32_768
UNREADABLE_AT_MOST = 20
OUTBOX_AT_MOST = 200
POLICY_VIOLATION = 1008


class Watcher:
    """Lives as long as its connection."""

    def __init__(self, hub: Hub, socket: WebSocket, holder: str) -> None:
        self.holder = holder
        self._hub = hub
        self._socket = socket
        self._newest_hands: hands.HandsPacket | None = None
        self._hands_task: asyncio.Task[None] | None = None
        self._refused_line = ""
        self._in_flight = 0
        self._sent_serial = 0
        self._sent_answers = b""
        self._outbox: list[dict[str, Any]] = []
        self._word_pace = Pace(burst=20, per_s=2.0)
        self._hands_pace = Pace(burst=60, per_s=60.0)
        self._unreadable = 0
        self._doing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until the other side leaves; then tell the drive that these hands are gone."""
        wake = self._hub.join(self)
        if wake is None:
            await self._socket.close(POLICY_VIOLATION, text.house_is_full(WATCHERS_AT_MOST))
            return
        self._wake = wake
        self._say({"k": "hello", "holder": self.holder, "credits": CREDITS})
        sending = [asyncio.create_task(self._send()), asyncio.create_task(self._beat())]
        try:
            await self._receive()
        finally:
            for task in sending:
                task.cancel()
            self._hub.leave(self)
            await asyncio.shield(self._leave())

    # ---- down ----

    def _say(self, message: dict[str, Any]) -> None:
        if len(self._outbox) >= OUTBOX_AT_MOST:
            return  # somebody who asks and never reads; what is lost is theirs alone
        self._outbox.append(message)
        self._wake.set()

    async def _send(self) -> None:
        """The only place that sends. Wakes on a new packet, on an ack that frees a credit, and on something to say."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._outbox:
                    await self._socket.send_text(json.dumps(self._outbox.pop(0)))
                packet = self._hub.packet
                if packet is None or packet.serial == self._sent_serial or self._in_flight >= CREDITS:
                    continue
                self._in_flight += 1
                self._sent_serial = packet.serial
                has_news = packet.answers != self._sent_answers
                self._sent_answers = packet.answers
                await self._socket.send_bytes(packet.message(with_answers=has_news))
        except (WebSocketDisconnect, RuntimeError, OSError):
            return  # the other side is gone; the receiving half ends the same way

    async def _beat(self) -> None:
        while True:
            parts = self._hub.supervised.status()
            states = [{"name": part.name, "state": part.state, "line": part.line} for part in parts]
            self._say({"k": "beat", "parts": states, "watchers": self._hub.watchers})
            await asyncio.sleep(BEAT_S)

    # ---- up ----

    async def _receive(self) -> None:
        while True:
            event = await self._socket.receive()
            if event["type"] == "websocket.disconnect":
                return
            try:
                self._obey(_decoded(event.get("text") or ""))
            except ValueError as error:
                self._unreadable += 1
                refused = CommandResult(Verdict.REFUSED, text.NOT_UNDERSTOOD)
                self._say(_result(0, refused) | {"detail": str(error)[:200]})
                if self._unreadable > UNREADABLE_AT_MOST:
                    await self._socket.close(POLICY_VIOLATION, text.NOT_UNDERSTOOD)
                    return

    def _obey(self, message: dict[str, Any]) -> None:
        kind = message.get("k")
        if kind == "ack":
            self._in_flight = max(0, self._in_flight - 1)
            self._wake.set()
        elif kind == "hands":
            self._take_hands(hands.read(message))
        elif kind == "clock":
            self._say({"k": "clock", "t": message.get("t"), "server_ms": time.monotonic_ns() / 1e6})
        elif kind in ("do", "instruct", "ask", "restart"):
            task = asyncio.create_task(self._do(kind, message))
            self._doing.add(task)
            task.add_done_callback(self._doing.discard)
        else:
            raise ValueError(f"expected a known kind of message, got {str(kind)[:40]!r}")

    async def _do(self, kind: str, message: dict[str, Any]) -> None:
        number = message.get("id", 0) if isinstance(message.get("id", 0), int) else 0
        if not self._word_pace.allows():
            result = CommandResult(Verdict.BUSY, text.TOO_FAST)
        else:
            result = await asyncio.to_thread(self._done, kind, message)
        self._say(_result(number, result))

    def _done(self, kind: str, message: dict[str, Any]) -> CommandResult:
        """On a worker thread: what the message asks for."""
        handlers = self._hub.handlers
        if kind == "instruct":
            words = message.get("text", "")
            if message.get("clear") is not True and isinstance(words, str) and not words.strip():
                return CommandResult(Verdict.REFUSED, text.EMPTY_INSTRUCTION)
            return handlers.instruct(words, message.get("mode", ""))
        if kind == "ask":
            return handlers.ask(message.get("text", ""))[0]
        if kind == "restart":
            if refusal := self._hub.wheel.refusal(self.holder, self._hub.drive.view()):
                return CommandResult(Verdict.BUSY, refusal)
            self._hub.supervised.restart()
            return CommandResult(Verdict.ACCEPTED, text.RESTARTING)
        return handlers.control(message.get("action", ""), self.holder)

    # ---- hands ----

    def _take_hands(self, packet: hands.HandsPacket) -> None:
        """Keep the newest packet only: a drive that is slow to answer never builds up a queue of old key presses."""
        if not self._hands_pace.allows() and not packet.is_neutral:
            return
        self._newest_hands = packet
        if self._hands_task is None or self._hands_task.done():
            self._hands_task = asyncio.create_task(self._pass_hands_on())

    async def _pass_hands_on(self) -> None:
        loop = asyncio.get_running_loop()
        while self._newest_hands is not None:
            packet, self._newest_hands = self._newest_hands, None
            line = await loop.run_in_executor(self._hub.hands_thread, self._submit_hands, packet)
            # Said once per refusal, not at every packet of a held key.
            if line and line != self._refused_line:
                self._say(_result(0, CommandResult(Verdict.BUSY, line)))
            self._refused_line = line

    def _submit_hands(self, packet: hands.HandsPacket) -> str:
        """On the hands thread: a refusal for the person, or nothing."""
        result = self._hub.handlers.hands(hands.human_input(packet, self.holder))
        return "" if result.verdict is Verdict.ACCEPTED or packet.is_neutral else result.line

    async def _leave(self) -> None:
        """After the last input, on the same thread, so that nothing of these hands can follow it."""
        self._newest_hands = None
        if self._hub.is_watching(self.holder):
            return  # the same person is back on a new link before the old one was found dead
        self._hub.wheel.leave(self.holder)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._hub.hands_thread, self._hub.drive.submit, HolderLeft(self.holder))


def _result(number: int, result: CommandResult) -> dict[str, Any]:
    return {"k": "result", "id": number, "verdict": result.verdict.value, "line": result.line}


def _decoded(raw: str) -> dict[str, Any]:
    if len(raw) > MESSAGE_CHARS_AT_MOST:
        raise ValueError(f"expected at most {MESSAGE_CHARS_AT_MOST} characters, got {len(raw)}")
    try:
        message = json.loads(raw)
    except RecursionError as error:
        raise ValueError("expected a JSON object, got one nested too deep") from error
    if not isinstance(message, dict):
        raise ValueError("expected a JSON object")
    return message
