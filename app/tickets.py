"""Tickets: who may open the stage's WebSocket, and under which name. HMAC-signed, no state, any thread.

A ticket is minted when a page loads, bound to its session, and carried back in the WebSocket's URL. The holder's
name inside it is signed, so nobody can speak in another's name.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass

TICKET_LIFE_S = 12 * 3600.0
TICKET_BYTES_AT_MOST = 1024


class BadTicket(ValueError):
    """The ticket is missing, altered or too old; the message says which."""


@dataclass(frozen=True, slots=True)
class Ticket:
    holder: str
    expires_at_s: float


def new_secret() -> bytes:
    return secrets.token_bytes(32)


def mint(secret: bytes, holder: str, life_s: float = TICKET_LIFE_S) -> str:
    body = json.dumps({"holder": holder, "expires": time.time() + life_s}).encode()
    return f"{_text(body)}.{_text(_sign(secret, body))}"


def check(secret: bytes, ticket: str) -> Ticket:
    """The ticket's content, or BadTicket."""
    if not ticket or len(ticket) > TICKET_BYTES_AT_MOST:
        raise BadTicket("expected a ticket from the page, got none")
    try:
        body, signature = (_bytes(part) for part in ticket.split("."))
    except ValueError as error:
        raise BadTicket("expected a ticket from the page, got something else") from error
    if not hmac.compare_digest(signature, _sign(secret, body)):
        raise BadTicket("the ticket was not signed by this page; reload it")
    content = json.loads(body)
    if content["expires"] < time.time():
        raise BadTicket("the ticket has expired; reload the page")
    return Ticket(str(content["holder"]), float(content["expires"]))


def holder_of(session: str, secret: bytes, kind: str = "tab") -> str:
    """A short public name for a session that does not give the session away."""
    return f"{kind}-{_sign(secret, session.encode()).hex()[:6]}"


def _sign(secret: bytes, body: bytes) -> bytes:
    return hmac.new(secret, body, hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
