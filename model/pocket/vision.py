"""Pocket's vision: two views -> cells -> tokens, and the heads that teach it what to look for. Needs torch."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.pocket import images
from model.pocket.config import CELL_CLASSES, CHOICES, FLAGS, LIGHTS, MEASURES, PocketConfig
from model.pocket.layers import VisionBlock

CHOICE_SIZES = [len(names) for names in CHOICES.values()]
# What is told in tokens of its own: the light, every flag, every choice, and how many names each has.
FACT_SIZES = [len(LIGHTS), *[2] * len(FLAGS), *CHOICE_SIZES]


class Seen(NamedTuple):
    """What the auxiliary heads say. `cells` are logits; the others raw head outputs in `config`'s orders."""

    cells: Tensor  # (B, 2 * rows * columns, len(CELL_CLASSES)): the wide view's cells, then the fovea's
    lights: Tensor  # (B, len(LIGHTS)) logits
    flags: Tensor  # (B, len(FLAGS)) logits
    measures: Tensor  # (B, len(MEASURES)), in units of MEASURE_SCALES
    choices: Tensor  # (B, sum of CHOICE_SIZES) logits, one choice after the other


class ResBlock(nn.Module):
    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outside)
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or inside != outside:
            self.skip = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.skip(x))


class Backbone(nn.Module):
    """(B, 2, 3, 96, 256) -> (B, 192, width): the same residual convolutions of stride 16 over both views, then
    attention between the cells of both."""

    def __init__(self, config: PocketConfig) -> None:
        super().__init__()
        a, b, c, d = config.channels
        self.stem = nn.Sequential(nn.Conv2d(3, a, 3, 2, 1, bias=False), nn.BatchNorm2d(a), nn.ReLU())
        self.stages = nn.Sequential(ResBlock(a, a, 1), ResBlock(a, b, 2), ResBlock(b, c, 2), ResBlock(c, d, 2))
        self.widen = nn.Linear(d, config.width) if d != config.width else nn.Identity()
        rows, columns = config.grid
        self.places = nn.Parameter(torch.randn(1, images.VIEWS * rows * columns, config.width) * 0.02)
        self.blocks = nn.ModuleList(VisionBlock(config.width, config.vision_heads) for _ in range(config.vision_blocks))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        B = len(x)
        x = x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        maps = self.stages(self.stem(x))
        cells = maps.flatten(2).transpose(1, 2).reshape(B, -1, maps.shape[1])
        cells = self.widen(cells) + self.places
        for block in self.blocks:
            cells = block(cells)
        return self.norm(cells)


class Chooser(nn.Module):
    """One attentive look at the cells for every choice, and what it finds there as logits of that choice's names."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.asks = nn.Parameter(torch.randn(len(CHOICES), width) * 0.02)
        self.keys = nn.Linear(width, width)
        self.names = nn.Parameter(torch.randn(sum(CHOICE_SIZES), width) * 0.02)
        of_name = torch.repeat_interleave(torch.arange(len(CHOICES)), torch.tensor(CHOICE_SIZES))
        self.register_buffer("of_name", of_name, persistent=False)

    def forward(self, cells: Tensor) -> Tensor:
        """(B, cells, width) -> (B, sum of CHOICE_SIZES)."""
        found = self.asks @ self.keys(cells).transpose(1, 2) * cells.shape[-1] ** -0.5
        looked = found.softmax(-1) @ cells  # (B, choices, width)
        return (looked[:, self.of_name] * self.names).sum(-1)


class Teller(nn.Module):
    """What the heads say as tokens of its own, one a fact, for an answer to be read off: a mean of the fact's names by
    their chances."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.names = nn.Parameter(torch.randn(sum(FACT_SIZES), width) * 0.02)
        of_name = torch.repeat_interleave(torch.arange(len(FACT_SIZES)), torch.tensor(FACT_SIZES))
        self.register_buffer("names_of", F.one_hot(of_name).T.float(), persistent=False)  # (facts, names)

    def forward(self, chances: Tensor) -> Tensor:
        """(B, sum of FACT_SIZES) -> (B, facts, width)."""
        return self.names_of @ (chances[..., None] * self.names)


class Vision(nn.Module):
    """Two views -> a token for every fact, 48 image tokens and one token that carries all that the auxiliary heads say.

    What is told is cut from the heads' gradient, so that they keep meaning what they are trained to mean; the policy
    can lean on "red, 14 m ahead" long before it finds that in the image tokens by itself. A question asks for one fact:
    it has a token of its own for the `pointer` to quote.
    """

    def __init__(self, config: PocketConfig) -> None:
        super().__init__()
        self.config = config
        width, (rows, columns) = config.width, config.grid
        cells = images.VIEWS * rows * columns
        self.backbone = Backbone(config)
        self.projector = nn.Sequential(
            nn.LayerNorm(4 * width), nn.Linear(4 * width, width), nn.GELU(), nn.Linear(width, width)
        )
        self.cell_head = nn.Linear(width, len(CELL_CLASSES))
        self.squeeze = nn.Linear(width, 32)
        self.sizes = [len(LIGHTS), len(FLAGS), len(MEASURES), sum(CHOICE_SIZES)]
        self.whole_head = nn.Sequential(nn.Linear(32 * cells // 4, width), nn.GELU(), nn.Linear(width, sum(self.sizes)))
        self.chooser = Chooser(width)
        told = 3 * images.VIEWS * (len(CELL_CLASSES) - 1)
        self.teller = Teller(width)
        self.say_seen = nn.Sequential(nn.Linear(sum(self.sizes) + told, width), nn.GELU(), nn.Linear(width, width))
        across = torch.linspace(-1, 1, columns).repeat(rows)
        down = torch.linspace(-1, 1, rows).repeat_interleave(columns)
        self.register_buffer("cell_places", torch.stack([across, down], -1), persistent=False)  # (rows * columns, 2)

    def forward(self, eyes: Tensor) -> tuple[Tensor, Seen]:
        """(B, 2, 96, 256, 3) uint8 or float 0..255 -> tokens (B, image_tokens, width), and what the heads see."""
        x = (eyes.permute(0, 1, 4, 2, 3).float() - self.config.eye_mean) / self.config.eye_scale
        cells = self.backbone(x)
        wide, fovea = (self.projector(self._unshuffled(view)) for view in cells.chunk(images.VIEWS, 1))
        squeezed = F.gelu(self.squeeze(torch.cat([wide, fovea], 1))).flatten(1)
        lights, flags, measures, choices = self.whole_head(squeezed).float().split(self.sizes, -1)
        choices = choices + self.chooser(cells).float()
        seen = Seen(self.cell_head(cells).float(), lights, flags, measures, choices)
        facts = self.teller(_chances(seen)).float()
        return torch.cat([facts, fovea.float(), wide.float(), self._told(seen).float()[:, None]], 1), seen

    def _unshuffled(self, cells: Tensor) -> Tensor:
        """(B, rows * columns, C) -> (B, rows * columns / 4, 4 C): each 2x2 square of cells becomes one token."""
        B, _, C = cells.shape
        rows, columns = self.config.grid
        squares = cells.view(B, rows // 2, 2, columns // 2, 2, C).permute(0, 1, 3, 2, 4, 5)
        return squares.reshape(B, rows * columns // 4, 4 * C)

    def _told(self, seen: Seen) -> Tensor:
        """Probabilities, measures, and for each view and dense class how sure and where its surest cells are."""
        told = [seen.lights.detach().softmax(-1), seen.flags.detach().sigmoid(), seen.measures.detach()]
        for cells in seen.cells.detach().chunk(images.VIEWS, 1):
            chances = cells.softmax(-1)[..., 1:]  # (B, rows * columns, classes)
            weights = chances / (chances.sum(1, keepdim=True) + 1e-3)
            places = weights.transpose(1, 2) @ self.cell_places  # (B, classes, 2)
            told += [chances.amax(1), places.flatten(1)]
        told += _choice_chances(seen)
        return self.say_seen(torch.cat(told, -1))


def _chances(seen: Seen) -> Tensor:
    """(B, sum of FACT_SIZES): of the lights, of every flag not and so, of the choices."""
    so = seen.flags.detach().sigmoid()
    flags = torch.stack([1.0 - so, so], -1).flatten(1)
    return torch.cat([seen.lights.detach().softmax(-1), flags, *_choice_chances(seen)], -1)


def _choice_chances(seen: Seen) -> list[Tensor]:
    return [logits.softmax(-1) for logits in seen.choices.detach().split(CHOICE_SIZES, -1)]
