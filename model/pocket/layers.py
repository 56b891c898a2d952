"""The two transformers' building blocks: RMS norm, rotary positions, grouped attention, SwiGLU. Needs torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ROPE_BASE = 10_000.0


class RMSNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.weight


def rotary_angles(positions: Tensor, head_dim: int) -> tuple[Tensor, Tensor]:
    """positions (B, N) -> cos and sin, each (B, 1, N, head_dim)."""
    rates = ROPE_BASE ** (-torch.arange(0, head_dim, 2, device=positions.device, dtype=torch.float32) / head_dim)
    angles = positions.float()[:, None, :, None] * rates
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (B, heads, N, head_dim), turned by its positions' angles."""
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Attention in float32: the CPU's bfloat16 backward pass of this one operation is several times slower."""
    with torch.autocast(q.device.type, enabled=False):
        return F.scaled_dot_product_attention(q.float(), k.float(), v.float(), attn_mask=mask)


class Places:
    """Where the real tokens of B padded rows of N stand. What is done to each token alone is done to these only."""

    def __init__(self, is_real: Tensor) -> None:
        """is_real (B, N)."""
        self.shape = is_real.shape
        self._rows = is_real.flatten().nonzero().squeeze(1)

    def gather(self, padded: Tensor) -> Tensor:
        """(B, N, C) -> (real, C)."""
        return padded.flatten(0, 1).index_select(0, self._rows)

    def spread(self, values: Tensor) -> Tensor:
        """(real, C) -> (B, N, C), zeros between them."""
        B, N = self.shape
        return values.new_zeros(B * N, values.shape[-1]).index_copy(0, self._rows, values).view(B, N, -1)


class GroupedAttention(nn.Module):
    """Attention whose query heads share fewer key and value heads, on top of an optional cache."""

    def __init__(self, width: int, heads: int, kv_heads: int) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = heads, kv_heads, width // heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * kv_heads * self.head_dim)
        self.out = nn.Linear(width, width, bias=False)

    def forward(
        self,
        x: Tensor,
        angles: tuple[Tensor, Tensor],
        mask: Tensor,
        past: Tensor | None,
        places: Places | None = None,
    ) -> tuple[Tensor, Tensor]:
        """x (B, N, width), past (2, B, kv_heads, T, head_dim) -> the same x shape, and past grown to T + N.

        With `places` of B rows of N, x and what comes out are (real, width).
        """
        q = self.q(x) if places is None else places.spread(self.q(x))
        B, N, _ = q.shape
        q = rotate(q.view(B, N, self.heads, self.head_dim).transpose(1, 2).float(), *angles)
        kept = self.remember(x, angles, past, places)
        shared = self.heads // self.kv_heads
        k, v = kept.repeat_interleave(shared, 2).unbind(0)
        y = attend(q, k, v, mask).transpose(1, 2).reshape(B, N, -1)
        return self.out(y if places is None else places.gather(y)), kept

    def remember(
        self, x: Tensor, angles: tuple[Tensor, Tensor], past: Tensor | None, places: Places | None = None
    ) -> Tensor:
        """The keys and values alone, (2, B, kv_heads, T + N, head_dim)."""
        kv = self.kv(x) if places is None else places.spread(self.kv(x))
        B, N, _ = kv.shape
        kv = kv.view(B, N, 2, self.kv_heads, self.head_dim).permute(2, 0, 3, 1, 4).float()
        k, v = rotate(kv[0], *angles), kv[1]
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        return torch.stack([k, v])


class SwiGLU(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.gate_up(x).chunk(2, -1)
        return self.down(F.silu(gate) * up)


class VisionBlock(nn.Module):
    """Pre-norm attention over all cells and a GELU layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        B, N, C = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(B, N, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.out(attend(q, k, v, None).transpose(1, 2).reshape(B, N, C))
        return x + self.down(F.gelu(self.up(self.norm2(x))))
