"""SimLingo's inference: encode the picture once, read prompts behind it, act and speak on the cache. One thread.

    encode(rgb) -> picture          the image prefix, shared by every prompt on this frame
    prompt(picture, prompts)        one row per prompt; nothing is computed yet
    decode / say                    greedy words, the last position's scores only
    act(context)                    30 queries behind what was read; the context itself does not grow by them

The published order (words, then the plan on them) is decode, then act; the last word's token and the queries are one
pass of 31. A driving prompt's answer is always "Waypoints:", so `assume` reads it without generating it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model.prompts import Prompt
from model.simlingo import images
from model.simlingo.config import MAX_NEW_TOKENS, QUERIES
from model.simlingo.context import Context
from model.simlingo.network import SimLingo
from model.simlingo.reading import Reader, fitting_reader
from model.simlingo.tokens import Words
from sim_bridge.messages import PATH_POINTS, Points

MAX_PROMPT_TOKENS = 320  # behind the picture: any prompt of ours with 240 Latin characters of a person's
FARTHEST_POINT_M = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Waypoints:
    """One row's plan in ego coordinates, metres."""

    path: Points  # (20, 2)
    speed: Points  # (10, 2)


class Runtime:
    """A network with its tokenizer and a way of reading. Build it once per process."""

    def __init__(self, network: SimLingo, words: Words, reader: Reader | None = None) -> None:
        if words.table_rows != network.config.vocabulary:
            raise ValueError(
                f"the tokenizer has {words.table_rows} tokens, the checkpoint {network.config.vocabulary} rows: "
                "they belong to different models"
            )
        self.network = network.eval()
        self.words = words
        self.reader = reader or fitting_reader(network)
        ids = words.picture_ids(network.config.image_tokens)
        self._picture_ids = torch.tensor(ids, device=network.device)
        self._image = slice(ids.index(words.image), ids.index(words.image) + network.config.image_tokens)

    @torch.inference_mode()
    def encode(self, rgb: npt.NDArray[np.uint8], is_shared: bool = True) -> Context:
        """A camera frame (512, 1024, 3) RGB -> its prefix. Raises ValueError for another size.

        A prefix that is not shared is left to be read together with the one prompt behind it, which saves a pass.
        """
        tiles = torch.from_numpy(images.tiles(rgb, self.network.config.tile_px))
        return self.encode_tiles(images.normalised(tiles.to(self.network.device)), is_shared)

    @torch.inference_mode()
    def encode_tiles(self, tiles: Tensor, is_shared: bool = True) -> Context:
        """Tiles (2, 3, px, px) -> a context of one row."""
        return self.read_picture(self.see(tiles), is_shared)

    @torch.inference_mode()
    def read_picture(self, seen: Tensor, is_shared: bool = True) -> Context:
        """Image tokens (1, image_tokens, width) -> a context of one row."""
        context = self._blank(1)
        embeddings = self.picture_embeddings(seen)
        context.append(embeddings, _real(embeddings))
        if is_shared:
            self._read_pending(context)
        return context

    @torch.inference_mode()
    def see(self, tiles: Tensor) -> Tensor:
        """(2, 3, px, px) -> (1, image_tokens, width)."""
        return self.reader.see(tiles[None])

    def picture_embeddings(self, seen: Tensor) -> Tensor:
        """The picture's tokens in their marks, (1, n, width)."""
        embeddings = self.network.embed(self._picture_ids)[None].clone()
        embeddings[:, self._image] = seen.to(embeddings.dtype)
        return embeddings

    @torch.inference_mode()
    def prompt(self, picture: Context, prompts: Prompt | Sequence[Prompt]) -> Context:
        """Puts one row per prompt behind the picture. Raises ValueError for a prompt or points that cannot be."""
        prompts = [prompts] if isinstance(prompts, Prompt) else list(prompts)
        if len(prompts) > 1:
            self._read_pending(picture)
        rows = [self.prompt_embeddings(prompt) for prompt in prompts]
        lengths = [row.shape[0] for row in rows]
        longest = max(lengths)
        pending = torch.stack([torch.nn.functional.pad(row, (0, 0, 0, longest - row.shape[0])) for row in rows])
        context = picture.fork() if len(rows) == 1 else self._widened(picture, len(rows))
        context.said, context.ended = [[] for _ in rows], [False for _ in rows]
        context.is_ragged = min(lengths) < longest
        context.append(pending, self._valid(lengths, longest) if context.is_ragged else _real(pending))
        return context

    def prompt_embeddings(self, prompt: Prompt) -> Tensor:
        """(n, width), with the target points in their placeholders. Other scripts take several tokens a letter: of
        those a person's words are read as far as they fit. Raises ValueError where our own do not."""
        ids = self.words.prompt_ids(prompt.text)
        while len(ids) > MAX_PROMPT_TOKENS and prompt.user:
            prompt = replace(prompt, user=prompt.user[: 3 * len(prompt.user) // 4])
            ids = self.words.prompt_ids(prompt.text)
        if len(ids) > MAX_PROMPT_TOKENS:
            raise ValueError(f"that is {len(ids)} tokens of text, SimLingo reads {MAX_PROMPT_TOKENS}: say it shorter")
        embeddings = self.network.embed(torch.tensor(ids, device=self.network.device)).clone()
        places = placeholder_places(ids, self.words, len(prompt.target_points))
        if prompt.target_points:
            embeddings[places] = self.network.embed_points(self._points(prompt.target_points)).to(embeddings.dtype)
        return embeddings

    def _points(self, points: Sequence[tuple[float, float]]) -> Tensor:
        if not np.isfinite(points).all() or np.abs(points).max() > FARTHEST_POINT_M:
            raise ValueError(
                f"expected target points within {FARTHEST_POINT_M:.0f} m of the car, got {list(points)}: "
                "the route or the position is lost; reset the drive"
            )
        return torch.tensor(points, dtype=torch.float32, device=self.network.device)

    @torch.inference_mode()
    def assume(self, context: Context, answer: str) -> None:
        """Reads `answer` and the end token as if every row had said it."""
        ids = self.words.answer_ids(answer)
        row = self.network.embed(torch.tensor(ids, device=self.network.device))
        embeddings = row[None].expand(context.rows, -1, -1)
        context.append(embeddings, _real(embeddings))
        for said in context.said:
            said.extend(ids)
        context.ended = [True for _ in context.ended]

    def say(self, context: Context, is_endless: bool = False) -> None:
        """One greedy token for every row that has not ended. `is_endless` speaks past the end token."""
        goes_on = [is_endless or not ended for ended in context.ended]
        ids = self.next_words(context, goes_on).tolist()  # the one time that a GPU is waited for
        for row, token in enumerate(ids):
            if goes_on[row]:
                context.said[row].append(token)
            context.ended[row] |= token == self.words.eos

    @torch.inference_mode()
    def next_words(self, context: Context, goes_on: Sequence[bool]) -> Tensor:
        """Greedy ids (B,) on the network's device, which are read next in the rows that go on."""
        self._read_pending(context)
        ids = self.network.word_scores(context.hidden).argmax(-1)
        embeddings = self.network.embed(ids)[:, None]
        if all(goes_on):
            context.append(embeddings, _real(embeddings))
        else:
            context.is_ragged = True
            context.append(embeddings, self._valid(goes_on, 1))
        return ids

    def generate(
        self,
        context: Context,
        limit: int = MAX_NEW_TOKENS,
        is_endless: bool = False,
        heard: Callable[[int], None] = lambda count: None,
    ) -> list[list[int]]:
        """Greedy words of every row, each until after its end token -> generated ids per row.

        `heard` is told how many tokens are said before each; whatever it raises leaves the context as it was.
        """
        for count in range(limit):
            heard(count)
            self.say(context, is_endless)
            if not is_endless and all(context.ended):
                break
        return context.said

    def decode(
        self, context: Context, limit: int = MAX_NEW_TOKENS, heard: Callable[[int], None] = lambda count: None
    ) -> Iterator[str]:
        """Speaks for a context of one row, a token at a time; the pieces concatenate to the text. `heard` as above."""
        shown = text = ""
        for count in range(limit):
            heard(count)
            self.say(context)
            text = self.words.text(context.said[0])
            # A character whose bytes are still incomplete decodes to U+FFFD; it waits for its last byte.
            if len(text) > len(shown) and not text.endswith("\ufffd"):
                yield text[len(shown) :]
                shown = text
            if all(context.ended):
                break
        if len(text) > len(shown):
            yield text[len(shown) :]

    def act(self, context: Context) -> list[Waypoints]:
        """The plan of every row after what it has read and said. The context may go on speaking."""
        points = self.planned(context).cpu().numpy()
        return [Waypoints(row[:PATH_POINTS], row[PATH_POINTS:]) for row in points]

    @torch.inference_mode()
    def planned(self, context: Context) -> Tensor:
        """The same on the network's device: (B, 30, 2) float32, the path's points and then the speed's."""
        queries = self.network.driving.queries(context.rows)
        waiting = context.pending_valid
        hidden = self._read_all(context, torch.cat([context.pending, queries], 1), _behind(waiting, queries))
        self.reader.forget(context, QUERIES)
        self._settle(context, hidden[:, :-QUERIES], waiting)
        return torch.cat(self.network.driving.points(hidden[:, -QUERIES:]), 1)

    def probe(self, picture: Context, prompts: Sequence[Prompt], answer: str | None = None) -> list[Waypoints]:
        """Many prompts on one picture as one batch over the shared prefix; `answer` is assumed, None asks for words."""
        context = self.prompt(picture, prompts)
        if answer is None:
            self.generate(context)
        else:
            self.assume(context, answer)
        return self.act(context)

    def _valid(self, lengths: Sequence[int], longest: int) -> Tensor:
        """(B, longest): a row's first `lengths` slots hold real tokens."""
        rows = [[place < length for place in range(longest)] for length in lengths]
        return torch.tensor(rows, device=self.network.device)

    def _read_all(self, context: Context, embeddings: Tensor, valid: Tensor) -> Tensor:
        return self.reader.read(context, embeddings, valid)

    def _read_pending(self, context: Context) -> None:
        if context.pending.shape[1]:
            waiting = context.pending_valid
            self._settle(context, self._read_all(context, context.pending, waiting), waiting)

    def _settle(self, context: Context, hidden: Tensor, valid: Tensor) -> None:
        """After a pass: nothing waits, and each row's newest real token gives the hidden state it speaks from."""
        if valid.shape[1]:
            counts = valid.sum(1)
            newest = hidden[torch.arange(context.rows, device=hidden.device), (counts - 1).clamp(min=0)]
            keeps = context.hidden if context.hidden is not None else newest
            context.hidden = torch.where(counts[:, None] > 0, newest, keeps.expand_as(newest))
        context.pending = context.pending[:, :0]
        context.pending_valid = context.pending_valid[:, :0]

    def _blank(self, rows: int) -> Context:
        device, dtype = self.network.device, self.network.dtype
        return Context(
            keys=self.reader.blank(),
            positions=torch.zeros(rows, dtype=torch.long, device=device),
            valid=torch.zeros(rows, 0, dtype=torch.bool, device=device),
            pending=torch.zeros(rows, 0, self.network.config.width, dtype=dtype, device=device),
            pending_valid=torch.zeros(rows, 0, dtype=torch.bool, device=device),
        )

    def _widened(self, picture: Context, rows: int) -> Context:
        context = self._blank(rows)
        context.keys = picture.keys.repeated(rows)
        context.positions = picture.positions.expand(rows)
        context.valid = picture.valid.expand(rows, -1)
        return context


def placeholder_places(ids: Sequence[int], words: Words, points: int) -> slice:
    """Where the run of `points` placeholders stands in `ids`: from its first occurrence on, one by one."""
    found = [place for place, token in enumerate(ids) if token == words.target_point]
    if len(found) != points or (points and found[-1] - found[0] != points - 1):
        raise ValueError(f"expected {points} target points in a row in the prompt, found {len(found)}")
    return slice(found[0], found[0] + points) if points else slice(0)


def _real(embeddings: Tensor) -> Tensor:
    return torch.ones(embeddings.shape[:2], dtype=torch.bool, device=embeddings.device)


def _behind(valid: Tensor, more: Tensor) -> Tensor:
    return torch.cat([valid, _real(more)], 1)
