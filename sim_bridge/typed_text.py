"""What a person typed -> what may reach a driver: one line, bounded, without anything a prompt gives a meaning to."""

from __future__ import annotations

import re
import unicodedata

from sim_bridge.messages import WORDS_AT_MOST

# Everything in a prompt that is not words: SimLingo's mode flags, its placeholders, and the chat marks of InternVL.
_SPECIAL = re.compile(
    r"<\s*/?\s*(?:SAFETY|INSTRUCTION_FOLLOWING|TARGET_POINT|IMG_CONTEXT|IMG|IMAGE|QUAD|REF|BOX|ROUTE|ROUTE_DIFF"
    r"|WAYPOINTS?|WAYPOINTS_DIFF|WAYPOINT_LAST|ORG_WAYPOINTS|ORG_WAYPOINTS_DIFF|S|PAD|BOS|EOS|UNK)\s*>"
    r"|<\|[^|<>]{0,40}\|>",
    re.IGNORECASE,
)


def cleaned(text: str) -> str:
    """`text` on one line, without control characters and special tokens. Taking one out never builds another."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn") else c for c in text)
    while _SPECIAL.search(text):
        text = _SPECIAL.sub(" ", text)
    return " ".join(text.split())


def objection(text: str, what: str) -> str:
    """Why `text` is no usable `what` ("instruction", "question"): one sentence, or "" when it is."""
    if len(text) > WORDS_AT_MOST:
        return f"That {what} has {len(text)} characters; at most {WORDS_AT_MOST} are read. Say it shorter."
    if not cleaned(text):
        return f"That {what} is empty. Type a few words."
    return ""
