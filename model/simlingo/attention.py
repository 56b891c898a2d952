"""Attention for a CPU and for one new token per row. Any thread.

Three ways, each where it is fastest; the arithmetic is the same up to the rounding of bfloat16 scores:
- one new token: the query heads that share keys are taken together, since repeating 600 keys for each of 14 heads costs
  more than the attention itself;
- bfloat16 on a CPU: head by head, since one head's scores stay in the cache; the library's blocked kernel takes twice
  as long on two tiles of 1025 patches;
- everything else: the library's own kernel, which `library_kernel` also brings back for comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "backseat"


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """query (B, heads, n, d), key and value (B, kv_heads, slots, d) -> (B, n, heads, d)."""
    if module.training or torch.is_grad_enabled():
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    if query.shape[2] == 1:
        return shared_heads(query, key, value, attention_mask, options["scaling"]), None
    if query.device.type == "cpu" and query.dtype == torch.bfloat16:
        is_causal = options.get("is_causal", module.is_causal) and attention_mask is None
        return head_by_head(query, key, value, attention_mask, options["scaling"], is_causal), None
    return sdpa_attention_forward(module, query, key, value, attention_mask, **options)


def shared_heads(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """One query per head. `mask` (B, 1, 1, slots) is True where it may look."""
    B, heads, _, d = query.shape
    together = query.reshape(B, key.shape[1], -1, d)  # a key head's queries as if they were positions
    found = F.scaled_dot_product_attention(together, key, value, attn_mask=mask, scale=scale)
    return found.reshape(B, 1, heads, d)


def head_by_head(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float, is_causal: bool
) -> Tensor:
    """Any number of queries. `is_causal` is for a first pass, whose queries and slots are the same positions."""
    B, heads, n, d = query.shape
    shared = heads // key.shape[1]
    hidden = _hidden(mask, n, is_causal, query)
    found = query.new_empty(B, n, heads, d)
    for row in range(B):
        for head in range(heads):
            scores = (query[row, head] * scale) @ key[row, head // shared].T
            if hidden is not None:
                scores.masked_fill_(hidden[row % len(hidden)], float("-inf"))
            found[row, :, head] = scores.softmax(-1) @ value[row, head // shared]
    return found


def _hidden(mask: Tensor | None, n: int, is_causal: bool, like: Tensor) -> Tensor | None:
    """(B or 1, n, slots), True where a query may not look."""
    if mask is not None:
        return ~mask[:, 0]
    return torch.ones(1, n, n, dtype=torch.bool, device=like.device).triu(1) if is_causal else None


@contextmanager
def library_kernel(*models: PreTrainedModel) -> Iterator[None]:
    """The library's attention for as long as this is open."""
    for model in models:
        model.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        for model in models:
            model.set_attn_implementation(NAME)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
