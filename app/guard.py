"""Keeps other web sites out of a page on this machine: an ASGI layer around everything, Gradio's routes included.

A browser names the site a request comes from in `Origin`. A request that changes something, or opens a WebSocket, is
served only when that site is this page. Requests without `Origin` come from scripts, which no web site can send.
On a loopback address the `Host` must be a loopback name too, so another site's name made to point here is refused.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Gradio's own doors that nothing on this page goes through: files in, our files and other servers' files out.
CLOSED = tuple(
    prefix + door for prefix in ("/gradio_api", "") for door in ("/upload", "/proxy=", "/file", "/component_server")
)
READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """`hosts`: the names this page may be called by; empty allows any."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] = LOOPBACK) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        complaint = self._complaint(scope, headers.get("host", ""), headers.get("origin"))
        if not complaint:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            # Closing before accepting makes the server answer the handshake with 403.
            await send({"type": "websocket.close", "code": 1008, "reason": complaint})
        else:
            await PlainTextResponse(complaint, status_code=403)(scope, receive, send)

    def _complaint(self, scope: Scope, host: str, origin: str | None) -> str:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            site = urlsplit(origin or "").netloc
        except ValueError:
            return "The request's Host or Origin is not a name."
        if self._hosts and name not in self._hosts:
            return f"This page does not answer to the name {name[:80]!r}."
        if scope["path"].startswith(CLOSED):
            return "This page takes no files and fetches none."
        changes = scope["type"] == "websocket" or scope["method"] not in READING
        if changes and origin is not None and site != host:
            return "This page takes requests from itself only, not from another site."
        return ""
