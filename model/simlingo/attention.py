"""Attention for one new token per row: the query heads that share keys are taken together. Any thread.

A decoding step looks at 600 slots with one query; repeating the keys for each of the 14 heads costs more than the
attention itself. Longer passes go to the library's own kernel.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "shared_heads"


def shared_heads(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """query (B, heads, n, d), key and value (B, kv_heads, slots, d) -> (B, n, heads, d)."""
    B, heads, n, d = query.shape
    if n > 1 or module.training:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    together = query.reshape(B, key.shape[1], -1, d)  # a key head's queries as if they were positions
    found = F.scaled_dot_product_attention(together, key, value, attn_mask=attention_mask, scale=options["scaling"])
    return found.reshape(B, 1, heads, d), None


AttentionInterface.register(NAME, shared_heads)
AttentionMaskInterface.register(NAME, sdpa_mask)
