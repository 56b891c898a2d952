"""The published inference procedure, for measuring against only: no cache, and word scores at every position.

Each generated token runs the whole sequence again and so does the action pass; nothing is shared between prompts.
Same network, same embeddings, same results as the runtime.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.prompts import Prompt
from model.simlingo.attention import library_kernel
from model.simlingo.config import QUERIES
from model.simlingo.runtime import Runtime, Waypoints


@torch.inference_mode()
def frame(runtime: Runtime, tiles: Tensor, prompt: Prompt, words: int) -> tuple[list[int], Waypoints]:
    """Tiles (2, 3, px, px), a prompt, exactly `words` generated tokens -> their ids and the plan."""
    return after_vision(runtime, see(runtime, tiles), prompt, words)


@torch.inference_mode()
def see(runtime: Runtime, tiles: Tensor) -> Tensor:
    """Image tokens (1, image_tokens, width) with the library's attention."""
    with library_kernel(runtime.network.vision):
        return runtime.network.see(tiles[None])


@torch.inference_mode()
def after_vision(runtime: Runtime, seen: Tensor, prompt: Prompt, words: int) -> tuple[list[int], Waypoints]:
    """The language and action stages on image tokens (1, image_tokens, width)."""
    network, said = runtime.network, []
    sequence = torch.cat([runtime.picture_embeddings(seen), runtime.prompt_embeddings(prompt)[None]], 1)
    with library_kernel(network.language):
        for _ in range(words):
            out = network.language(inputs_embeds=sequence, use_cache=True, output_hidden_states=True)
            token = out.logits[0, -1].argmax()
            said.append(int(token))
            sequence = torch.cat([sequence, network.embed(token)[None, None]], 1)
        whole = torch.cat([sequence, network.driving.queries(1)], 1)
        out = network.language(inputs_embeds=whole, use_cache=True, output_hidden_states=True)
    path, speed = network.driving.points(out.hidden_states[-1][:, -QUERIES:])
    return said, Waypoints(path[0].cpu().numpy(), speed[0].cpu().numpy())
