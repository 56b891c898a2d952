"""The words of SimLingo: InternVL2-1B's byte-pair tokenizer from its published files, and the chat wrapper's ids.

The files are read with the `tokenizers` library; nothing in a tokenizer folder is executed. Any thread, once loaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from model import prompts

HUB_REPOSITORY = "OpenGVLab/InternVL2-1B"
NEEDED = ("vocab.json", "merges.txt", "added_tokens.json")
KNOCK_S = 5.0
EOS, IMAGE, IMAGE_BEGIN, IMAGE_END = "<|im_end|>", "<IMG_CONTEXT>", "<img>", "</img>"
# Appended behind the tokenizer's own in this order; only the last is ever written in a prompt.
PLACEHOLDERS = (
    "<WAYPOINTS>",
    "<WAYPOINTS_DIFF>",
    "<ORG_WAYPOINTS_DIFF>",
    "<ORG_WAYPOINTS>",
    "<WAYPOINT_LAST>",
    "<ROUTE>",
    "<ROUTE_DIFF>",
    prompts.TARGET_POINT,
)
# Qwen2's split of text into pieces that byte pairs never cross.
PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


class TokenizerError(ValueError):
    """The tokenizer cannot be had; the message says which file or host is missing and what to run."""


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A loaded tokenizer. `table_rows` is how many embedding rows its checkpoint has: the first placeholder's id."""

    tokenizer: Tokenizer
    eos: int
    image: int
    target_point: int
    table_rows: int

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def text(self, ids: Iterable[int]) -> str:
        """Ids as readable text, without special tokens."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    def picture_ids(self, image_tokens: int) -> list[int]:
        """How every prompt begins: `<|im_start|>user`, a line break, and the picture between its marks."""
        return self.ids(f"<|im_start|>user\n{IMAGE_BEGIN}{IMAGE * image_tokens}{IMAGE_END}")

    def prompt_ids(self, prompt: str) -> list[int]:
        """What follows the picture, up to where the answer begins. There is no system message."""
        return self.ids(f"\n{prompt}{EOS}<|im_start|>assistant\n")

    def answer_ids(self, answer: str) -> list[int]:
        return self.ids(f"{answer}{EOS}")


def load(folder: Path | None) -> Words:
    """The tokenizer in `folder`, or from the hub where no folder is given. Raises TokenizerError."""
    return read(Path(folder) if folder else _from_hub())


def read(folder: Path) -> Words:
    """A folder with vocab.json, merges.txt and added_tokens.json as published beside InternVL2-1B."""
    if missing := [name for name in NEEDED if not (folder / name).is_file()]:
        raise TokenizerError(f"the tokenizer folder {folder} lacks {', '.join(missing)}. {how_to_get(folder)}")
    added = _added(folder)
    in_order = sorted(added, key=added.__getitem__)
    tokenizer = Tokenizer(_byte_pairs(folder))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PIECES), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in in_order])
    _check_ids(tokenizer, added, folder)
    return _with_placeholders(tokenizer)


def _check_ids(tokenizer: Tokenizer, added: dict[str, int], folder: Path) -> None:
    needed = ("<|im_start|>", EOS, IMAGE_BEGIN, IMAGE_END, IMAGE)
    absent = [token for token in needed if token not in added]
    moved = [token for token, number in added.items() if tokenizer.token_to_id(token) != number]
    if absent or moved:
        what = f"has no {', '.join(absent)}" if absent else f"gives {moved[0]} another number than added_tokens.json"
        raise TokenizerError(f"the tokenizer in {folder} {what}: it is not InternVL2-1B's. {how_to_get(folder)}")


def _with_placeholders(tokenizer: Tokenizer) -> Words:
    rows = tokenizer.get_vocab_size()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in PLACEHOLDERS])
    number = tokenizer.token_to_id
    return Words(tokenizer, number(EOS), number(IMAGE), number(prompts.TARGET_POINT), rows)


def how_to_get(folder: Path | None = None) -> str:
    """The sentence to follow on a machine that reaches the hub."""
    where = folder or "simlingo-tokenizer"
    return (
        f"On a machine that reaches huggingface.co run `hf download {HUB_REPOSITORY} {' '.join(NEEDED)} "
        f"--local-dir {where}`, bring that folder here, and start with `--tokenizer {where}`."
    )


def _byte_pairs(folder: Path) -> models.BPE:
    try:
        return models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
    except Exception as error:  # the library's boundary: it raises bare Exceptions for a damaged file
        raise _damaged(folder, error) from None


def _added(folder: Path) -> dict[str, int]:
    """Tokens and their numbers. Raises TokenizerError."""
    try:
        added = json.loads((folder / "added_tokens.json").read_text(encoding="utf-8"))
        if not isinstance(added, dict) or not all(isinstance(number, int) for number in added.values()):
            raise ValueError("added_tokens.json: expected a table of tokens and their numbers")
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(folder, error) from None
    return added


def _damaged(folder: Path, error: Exception) -> TokenizerError:
    return TokenizerError(f"a tokenizer file in {folder} is damaged ({error}). {how_to_get(folder)}")


def _from_hub() -> Path:
    """The three files from the hub's cache or the hub, no code. Raises TokenizerError where neither has them."""
    from huggingface_hub import constants, get_session, hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    def files(is_offline: bool) -> list[Path]:
        return [Path(hf_hub_download(HUB_REPOSITORY, name, local_files_only=is_offline)) for name in NEEDED]

    try:
        return files(is_offline=True)[0].parent
    except (LocalEntryNotFoundError, OSError):
        pass  # not in the cache
    try:
        # One knock without the library's half minute of retries, so that a machine without internet hears it at once.
        get_session().head(constants.ENDPOINT, timeout=KNOCK_S)
        return files(is_offline=False)[0].parent
    except Exception as error:  # every layer below raises errors of its own: socket, proxy, TLS, HTTP, disk
        reason = f"{type(error).__name__}: {str(error).strip()[:120]}".splitlines()[0]
        raise TokenizerError(f"SimLingo's tokenizer could not be fetched ({reason}). {how_to_get()}") from None
