"""SimLingo's network: InternViT -> pixel unshuffle -> projector -> Qwen2 -> path and speed heads. Needs transformers.

Only shapes and arithmetic live here; order of passes and caches are the runtime's. Layouts: tiles (B, 2, 3, px, px),
embeddings (B, N, width), points (B, 20 | 10, 2) metres in ego coordinates, x forward, y right.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import InternVLVisionConfig, InternVLVisionModel, Qwen2Config, Qwen2ForCausalLM

from model.simlingo import attention
from model.simlingo.config import ROPE_THETA, SimLingoConfig
from model.simlingo.lora import add_lora
from sim_bridge.messages import PATH_POINTS, SPEED_POINTS

MAX_POSITIONS = 32_768


def vision_config(config: SimLingoConfig) -> InternVLVisionConfig:
    """InternViT-300M-448px: biased q, k, v, no q/k norm, and no norm after the last layer."""
    return InternVLVisionConfig(
        hidden_size=config.vision_width,
        num_hidden_layers=config.vision_layers,
        num_attention_heads=config.vision_heads,
        intermediate_size=config.vision_feed_forward,
        image_size=config.tile_px,
        attention_bias=True,
        use_qk_norm=False,
        layer_norm_eps=1e-6,
        use_mean_pooling=True,
        attn_implementation=attention.NAME,
    )


def language_config(config: SimLingoConfig) -> Qwen2Config:
    """Qwen2-0.5B with a word head of its own."""
    return Qwen2Config(
        vocab_size=config.vocabulary,
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.kv_heads,
        intermediate_size=config.feed_forward,
        max_position_embeddings=MAX_POSITIONS,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
        tie_word_embeddings=False,
        attn_implementation=attention.NAME,
    )


def unshuffled(patches: Tensor) -> Tensor:
    """(B, g * g, C) row-major patches -> (B, g * g / 4, 4 C): each 2x2 square of patches becomes one token.

    A token's channels are its square's upper left, upper right, lower left, lower right patch, in that order.
    """
    B, N, C = patches.shape
    half = int(N**0.5) // 2
    squares = patches.view(B, half, 2, half, 2, C).permute(0, 1, 3, 2, 4, 5)
    return squares.reshape(B, half * half, 4 * C)


class Projector(nn.Sequential):
    """Four patches' channels to one token of the language model."""

    def __init__(self, config: SimLingoConfig) -> None:
        wide = 4 * config.vision_width
        super().__init__(
            nn.LayerNorm(wide), nn.Linear(wide, config.width), nn.GELU(), nn.Linear(config.width, config.width)
        )


class Driving(nn.Module):
    """The learned queries and the two heads that turn their hidden states into steps, which add up to points."""

    def __init__(self, config: SimLingoConfig) -> None:
        super().__init__()
        width = config.width
        self.path_queries = nn.Parameter(0.02 * torch.randn(1, PATH_POINTS, width))
        self.speed_queries = nn.Parameter(0.02 * torch.randn(1, SPEED_POINTS, width))
        self.path_head = nn.Sequential(
            nn.Linear(width, 512), nn.SiLU(), nn.Linear(512, 256), nn.SiLU(), nn.Linear(256, 2, bias=False)
        )
        self.speed_head = nn.Sequential(nn.Linear(width, 256), nn.SiLU(), nn.Linear(256, 2, bias=False))

    def queries(self, batch: int) -> Tensor:
        """(batch, 30, width): the path's 20, then the speed's 10."""
        return torch.cat([self.path_queries, self.speed_queries], 1).expand(batch, -1, -1)

    def points(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden states of the queries (B, 30, width) -> path (B, 20, 2) and speed (B, 10, 2), float32 metres."""
        path, speed = hidden.split([PATH_POINTS, SPEED_POINTS], 1)
        return self.path_head(path).float().cumsum(1), self.speed_head(speed).float().cumsum(1)


class SimLingo(nn.Module):
    """The whole driver. `unmerged` keeps the language model's low-rank corrections apart from its weights."""

    def __init__(self, config: SimLingoConfig, unmerged: bool = False) -> None:
        super().__init__()
        self.config = config
        self.vision = InternVLVisionModel(vision_config(config))
        self.projector = Projector(config)
        self.language = Qwen2ForCausalLM(language_config(config))
        self.point_encoder = nn.Sequential(
            nn.Linear(2, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, config.width)
        )
        self.driving = Driving(config)
        if unmerged:
            add_lora(self.language, config.lora_rank)

    @property
    def dtype(self) -> torch.dtype:
        return self.language.model.embed_tokens.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.language.model.embed_tokens.weight.device

    def see(self, tiles: Tensor) -> Tensor:
        """Tiles (B, 2, 3, px, px) -> image tokens (B, image_tokens, width), left tile first."""
        B = tiles.shape[0]
        patches = self.vision(tiles.flatten(0, 1).to(self.dtype)).last_hidden_state[:, 1:]
        return self.projector(unshuffled(patches)).reshape(B, -1, self.config.width)

    def embed(self, ids: Tensor) -> Tensor:
        """Token ids -> embeddings. Ids past the table are placeholders: they take its last row until overwritten."""
        return self.language.model.embed_tokens(ids.clamp(max=self.config.vocabulary - 1))

    def embed_points(self, points: Tensor) -> Tensor:
        """Points (..., 2) in metres, not normalised -> embeddings (..., width)."""
        return self.point_encoder(points.to(self.dtype))

    def word_scores(self, hidden: Tensor) -> Tensor:
        return self.language.lm_head(hidden)

    def restore_rotary(self, device: torch.device | str = "cpu") -> None:
        """Recomputes the rotary rates in float32: they are in no checkpoint, and a cast of the model rounds them."""
        rotary = self.language.model.rotary_emb
        rates, _ = rotary.compute_default_rope_parameters(self.language.config)
        rotary.inv_freq = rates.to(device)
        rotary.original_inv_freq = rates.to(device).clone()


def random_network(config: SimLingoConfig, dtype: torch.dtype, seed: int = 0, unmerged: bool = False) -> SimLingo:
    """A network with small random weights, made in `dtype` piece by piece so that full size needs no second copy."""
    with torch.device("meta"):
        network = SimLingo(config, unmerged)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        for name, tensor in list(module.named_parameters(recurse=False)):
            keeps = torch.float32 if name in ("down", "up") else dtype
            module._parameters[name] = nn.Parameter(random_tensor(module, name, tensor.shape, generator).to(keeps))
    network.restore_rotary()
    return network.eval()


def random_tensor(module: nn.Module, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Norm scales near one, layer scales near 0.1, weights that keep the size of what passes through, small rest."""
    noise = torch.randn(shape, generator=generator)
    if name.startswith("lambda_"):
        return 0.1 + 0.01 * noise
    if "Norm" in type(module).__name__ and name == "weight":
        return 1.0 + 0.02 * noise
    if isinstance(module, nn.Linear) and name == "weight":
        return noise / shape[1] ** 0.5
    return 0.02 * noise
