"""Pocket's network: vision, prompt embedding, decoder, heads, for training and for export. Needs torch.

One sequence:  [77 image tokens][prompt][answer ... <eos>][20 path queries][10 speed queries]   (causal)
The image tokens see nothing of what follows them, so several conversations about one picture share them.

The queries read either everything before them (talk first) or the picture and the prompt alone (act at once); training
shows both, chosen per sample by the attention mask, so one forward pass teaches words and both orders of acting.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.pocket.adapters import PACE_WAVES_M
from model.pocket.config import PocketConfig
from model.pocket.layers import GroupedAttention, Places, RMSNorm, SwiGLU, rotary_angles
from model.pocket.pointer import Pointer
from model.pocket.vision import FACT_SIZES, Seen, Vision
from model.pocket.vocabulary import Vocabulary


class DecoderBlock(nn.Module):
    def __init__(self, config: PocketConfig) -> None:
        super().__init__()
        self.norm1, self.norm2 = RMSNorm(config.width), RMSNorm(config.width)
        self.attention = GroupedAttention(config.width, config.heads, config.kv_heads)
        self.feed_forward = SwiGLU(config.width, config.feed_forward)

    def forward(
        self,
        x: Tensor,
        angles: tuple[Tensor, Tensor],
        mask: Tensor,
        past: Tensor | None,
        places: Places | None = None,
    ) -> tuple[Tensor, Tensor]:
        y, kept = self.attention(self.norm1(x), angles, mask, past, places)
        x = x + y
        return x + self.feed_forward(self.norm2(x)), kept


class Decoder(nn.Module):
    """Embeddings -> hidden states after the final norm, on top of an optional cache."""

    def __init__(self, config: PocketConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        self.blocks = nn.ModuleList(DecoderBlock(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width)

    def forward(
        self,
        x: Tensor,
        positions: Tensor,
        mask: Tensor,
        past: Tensor | list[Tensor] | None = None,
        places: Places | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """x (B, N, width) or, with `places`, (real, width); positions (B, N); mask (B or 1, 1, N, T + N), True if seen.

        past (layers, 2, B, kv_heads, T, head_dim); returns hidden states and each layer's grown keys and values.
        """
        angles = rotary_angles(positions, self.head_dim)
        kept = []
        for i, block in enumerate(self.blocks):
            x, layer = block(x, angles, mask, None if past is None else past[i], places)
            kept.append(layer)
        return self.norm(x), kept

    def remember(self, x: Tensor, positions: Tensor, mask: Tensor) -> list[Tensor]:
        """Each layer's keys and values alone, as what follows x looks back on it; the last layer need not go on."""
        angles = rotary_angles(positions, self.head_dim)
        kept = []
        for block in self.blocks[:-1]:
            x, layer = block(x, angles, mask, None)
            kept.append(layer)
        last = self.blocks[-1]
        return [*kept, last.attention.remember(last.norm1(x), angles, None)]


def pace_features(values: Tensor) -> Tensor:
    """Speeds or numbers (...,) -> (..., 9): one line and four waves."""
    waves = [f(values * (2 * torch.pi / wave)) for wave in PACE_WAVES_M for f in (torch.sin, torch.cos)]
    return torch.stack([values / 10.0, *waves], -1)


def point_features(points: Tensor) -> Tensor:
    """Target points (..., 2) in metres, up to about 110 m away -> (..., 7): the near place finely, the far coarsely."""
    x, y = points[..., 0], points[..., 1]
    away = torch.hypot(x, y)
    bearing = torch.atan2(y, x)
    near = (points / 20).clamp(-2, 2)
    far = [x / 100, y / 100, bearing.sin(), bearing.cos(), torch.log1p(away) / 4]
    return torch.cat([near, torch.stack(far, -1)], -1)


def _mlp(inside: int, hidden: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inside, hidden), nn.SiLU(), nn.Linear(hidden, outside))


class Adapters(nn.Module):
    """Everything around the decoder: words and values in, words and points out. Small enough to run without torch."""

    def __init__(self, config: PocketConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        width = config.width
        self.path_points = config.path_points
        self.pace_ids, self.point_id = vocabulary.valued, vocabulary.target_point
        self.words = nn.Parameter(torch.randn(len(vocabulary), width) * 0.02)
        self.pace = _mlp(1 + 2 * len(PACE_WAVES_M), 128, width)
        self.point = _mlp(7, 128, width)
        self.path_queries = nn.Parameter(torch.randn(config.path_points, width) * 0.02)
        self.speed_queries = nn.Parameter(torch.randn(config.speed_points, width) * 0.02)
        self.path_head, self.speed_head = _mlp(width, width, 2), _mlp(width, width, 2)
        self.kind_head = nn.Linear(width, len(config.kinds))
        self.pointer = Pointer(width, len(FACT_SIZES))
        for head in (self.path_head, self.speed_head):
            nn.init.zeros_(head[2].weight)
            nn.init.zeros_(head[2].bias)

    def spell(self, says: Tensor, facts: Tensor) -> Tensor:
        """Hidden states that say words (M, A, width), the facts' tokens (M, facts, width) -> (M, A, vocabulary)."""
        return (self.pointer(says, facts) @ self.words.T).float()

    def embed(self, ids: Tensor, values: Tensor) -> Tensor:
        """ids (B, N) and their values (B, N, 2) -> (B, N, width)."""
        is_pace = ((ids == self.pace_ids[0]) | (ids == self.pace_ids[1])).unsqueeze(-1)
        is_point = (ids == self.point_id).unsqueeze(-1)
        pace, point = self.pace(pace_features(values[..., 0])), self.point(point_features(values))
        return F.embedding(ids, self.words) + torch.where(is_pace, pace, 0.0) + torch.where(is_point, point, 0.0)

    def queries(self) -> Tensor:
        """(30, width): 20 for the path, then 10 for the speed."""
        return torch.cat([self.path_queries, self.speed_queries])

    def points(self, hidden: Tensor, speeds: Tensor) -> tuple[Tensor, Tensor]:
        """The queries' hidden states (B, 30, width), m/s (B,) -> path (B, 20, 2), speed (B, 10, 2), metres.

        The heads say how the car departs from rolling straight on at its present speed.
        """
        path = self.path_head(hidden[:, : self.path_points]).float()
        speed = self.speed_head(hidden[:, self.path_points :]).float()
        straight = torch.zeros_like(path)
        straight[:, 1:, 0] = 1.0
        rolling = torch.zeros_like(speed)
        rolling[..., 0] = speeds.float()[:, None] / 4.0
        return (path + straight).cumsum(1), (speed + rolling).cumsum(1)


class Talk(NamedTuple):
    """M conversations, each about one picture of a batch; lengths count real tokens, the rest is padding."""

    pictures: Tensor  # (M,): the row of the picture it is about
    prompt_ids: Tensor  # (M, P)
    prompt_values: Tensor  # (M, P, 2)
    prompt_lengths: Tensor  # (M,)
    answer_ids: Tensor  # (M, A), the end token included
    answer_lengths: Tensor  # (M,), 0 where there is nothing to say


class Batch(NamedTuple):
    """Inputs of one training step. A picture is seen once, however many conversations are about it."""

    eyes: Tensor  # (B, 2, 96, 256, 3) uint8 or float
    talk: Talk  # the conversations that end in a plan
    acts_at_once: Tensor  # (M,) bool: the queries do not see the answer
    speeds: Tensor  # (M,) m/s
    asides: Talk | None = None  # those that are words alone


class Output(NamedTuple):
    path: Tensor  # (M, 20, 2)
    speed: Tensor  # (M, 10, 2)
    words: Tensor  # (M, A, vocabulary): at k, what should be answer token k
    kinds: Tensor  # (M, kinds)
    seen: Seen
    asides: Tensor | None = None  # as `words`, of the asides


class Pocket(nn.Module):
    """The whole network."""

    def __init__(self, config: PocketConfig) -> None:
        super().__init__()
        self.config = config
        self.vision = Vision(config)
        self.adapters = Adapters(config, Vocabulary(config.vocabulary))
        self.decoder = Decoder(config)
        for name, p in self.named_parameters():
            # The residual branches start small, so that four blocks begin as a gentle change of their input.
            if name.endswith(("attention.out.weight", "feed_forward.down.weight")):
                nn.init.normal_(p, std=0.02 / (2 * config.layers) ** 0.5)

    def forward(self, batch: Batch) -> Output:
        image, seen = self.vision(batch.eyes)
        past = self._looked(image)
        queries = self.adapters.queries()
        says, acts = self._converse(batch.talk, past, batch.acts_at_once, queries)
        path, speed = self.adapters.points(acts, batch.speeds)
        kinds = self.adapters.kind_head(says[:, 0]).float()
        facts, asides = image[:, : len(FACT_SIZES)], None
        if batch.asides is not None:
            hears_all = torch.zeros_like(batch.asides.pictures, dtype=torch.bool)
            tells = self._converse(batch.asides, past, hears_all, queries[:0])[0]
            asides = self.adapters.spell(tells, facts[batch.asides.pictures])
        words = self.adapters.spell(says, facts[batch.talk.pictures])
        return Output(path, speed, words, kinds, seen, asides)

    def _looked(self, image: Tensor) -> list[Tensor]:
        """Image tokens (B, I, width) -> each layer's keys and values of them, (2, B, kv_heads, I, head_dim)."""
        tokens = image.shape[1]
        mask = torch.ones(1, 1, tokens, tokens, dtype=torch.bool, device=image.device).tril()
        return self.decoder.remember(image, torch.arange(tokens, device=image.device).expand(len(image), -1), mask)

    def _converse(self, talk: Talk, past: list[Tensor], acts_at_once: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden states that say the answers, (M, A, width), and those of the queries, (M, queries, width)."""
        (M, P), A = talk.prompt_ids.shape, talk.answer_ids.shape[1]
        prompt = self.adapters.embed(talk.prompt_ids, talk.prompt_values)
        answer = F.embedding(talk.answer_ids, self.adapters.words)
        x = torch.cat([prompt.float(), answer, queries.expand(M, -1, -1)], 1)
        is_real, positions, mask = layout(talk, acts_at_once, past[0].shape[3], len(queries))
        places = Places(is_real)  # two tokens of five are padding
        hidden, _ = self.decoder(places.gather(x), positions, mask, [layer[:, talk.pictures] for layer in past], places)
        hidden = places.spread(hidden)
        # Answer token k is said by what stands before it: the prompt's last token for k = 0.
        first = hidden[torch.arange(M, device=x.device), talk.prompt_lengths - 1][:, None]
        return torch.cat([first, hidden[:, P : P + A - 1]], 1), hidden[:, P + A :]


def layout(talk: Talk, acts_at_once: Tensor, images: int, queries: int) -> tuple[Tensor, Tensor, Tensor]:
    """Where padded conversations stand behind `images` tokens and what they see, equal to each one's own unpadded.

    Of the N = P + A + queries tokens that follow the picture: which are real (M, N), their positions (M, N) and the
    attention mask (M, 1, N, images + N).
    """
    (M, P), A = talk.prompt_ids.shape, talk.answer_ids.shape[1]
    device = talk.prompt_ids.device
    N = P + A + queries
    index = torch.arange(N, device=device).expand(M, N)
    prompt, answer = talk.prompt_lengths[:, None], talk.answer_lengths[:, None]
    in_prompt, in_queries = index < P, index >= P + A
    in_answer = ~in_prompt & ~in_queries
    is_real = ~(in_prompt & (index >= prompt)) & ~(in_answer & (index >= P + answer))
    heard = torch.where(acts_at_once[:, None], 0, answer)
    positions = images + index - torch.where(in_prompt, 0, P - prompt)
    positions = positions - torch.where(in_queries, A - heard, 0)
    mask = (index[:, None, :] <= index[:, :, None]) & is_real[:, None, :]
    deaf = in_queries[:, :, None] & in_answer[:, None, :] & acts_at_once[:, None, None]
    # A picture is seen by every row, so that no row sees nothing, which has no softmax.
    mask = torch.cat([torch.ones(M, N, images, dtype=torch.bool, device=device), mask & ~deaf], 2)
    return is_real, positions, mask[:, None]
