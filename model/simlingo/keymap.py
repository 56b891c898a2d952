"""The released checkpoint's keys and shapes, and how each parameter of our network is made from them. Pure data.

At full size 992 keys: 346 of vision and projector, 628 of the language model, 2 aliases beside the adaptors, and the
16 of heads, queries and point encoder. Every key is read once, checked as an alias, or reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from model.simlingo.config import HEAD_DIM, PATCH_PX, SimLingoConfig
from model.simlingo.lora import PLACES
from sim_bridge.messages import PATH_POINTS, SPEED_POINTS

Shape = tuple[int, ...]

VISION = "vision_model.image_encoder.model."
LANGUAGE = "language_model.model.base_model.model."
EMBEDDING = LANGUAGE + "model.embed_tokens.weight"
WORD_HEAD = LANGUAGE + "lm_head.weight"
# Each alias is the same tensor again under another name.
ALIASES = {
    LANGUAGE + "embed_tokens.weight": EMBEDDING,
    "adaptors.language.embed_tokens.weight": EMBEDDING,
    "adaptors.language.lm_head.weight": WORD_HEAD,
}
NORMS = ("input_layernorm", "post_attention_layernorm")
PREFIXES = ("module.", "_forward_module.")


@dataclass(frozen=True, slots=True)
class Rule:
    """`target` of our network from `sources` of the checkpoint: a copy, a third of a fused one, or a merge of three."""

    target: str
    sources: tuple[str, ...]
    third: int | None = None  # 0 q, 1 k, 2 v of a fused weight's rows


def rules(config: SimLingoConfig, unmerged: bool = False) -> list[Rule]:
    """How every parameter of our network comes about."""
    return [*_vision(config), *_language(config, unmerged), *_driving()]


def _pairs(target: str, source: str, *names: str) -> list[Rule]:
    return [Rule(f"{target}.{name}", (f"{source}.{name}",)) for name in names]


def _vision(config: SimLingoConfig) -> list[Rule]:
    ours, theirs = "vision.embeddings.", VISION + "vision_model.embeddings."
    found = [
        Rule(ours + "cls_token", (theirs + "class_embedding",)),
        Rule(ours + "position_embeddings", (theirs + "position_embedding",)),
        *_pairs(ours + "patch_embeddings.projection", theirs + "patch_embedding", "weight", "bias"),
    ]
    for i in range(config.vision_layers):
        found += _vision_layer(f"vision.encoder.layer.{i}.", f"{VISION}vision_model.encoder.layers.{i}.")
    for i in (0, 1, 3):
        found += _pairs(f"projector.{i}", f"{VISION}mlp1.{i}", "weight", "bias")
    return found


def _vision_layer(ours: str, theirs: str) -> list[Rule]:
    found = [Rule(ours + f"lambda_{n}", (theirs + f"ls{n}",)) for n in (1, 2)]
    for part in ("weight", "bias"):
        for third, name in enumerate(("q_proj", "k_proj", "v_proj")):
            found.append(Rule(f"{ours}attention.{name}.{part}", (f"{theirs}attn.qkv.{part}",), third))
    for target, source in (
        ("attention.projection_layer", "attn.proj"),
        ("layernorm_before", "norm1"),
        ("layernorm_after", "norm2"),
        ("mlp.fc1", "mlp.fc1"),
        ("mlp.fc2", "mlp.fc2"),
    ):
        found += _pairs(ours + target, theirs + source, "weight", "bias")
    return found


def _language(config: SimLingoConfig, unmerged: bool) -> list[Rule]:
    found = [
        Rule("language.model.embed_tokens.weight", (EMBEDDING,)),
        Rule("language.model.norm.weight", (LANGUAGE + "model.norm.weight",)),
        Rule("language.lm_head.weight", (WORD_HEAD,)),
    ]
    for i in range(config.layers):
        ours, theirs = f"language.model.layers.{i}.", f"{LANGUAGE}model.layers.{i}."
        for norm in NORMS:
            found += _pairs(ours + norm, theirs + norm, "weight")
        for place in PLACES:
            found += _lora_linear(ours + _inside(place), theirs + _inside(place), place in PLACES[:3], unmerged)
    return found


def _inside(place: str) -> str:
    return f"self_attn.{place}" if place in PLACES[:4] else f"mlp.{place}"


def _lora_linear(ours: str, theirs: str, has_bias: bool, unmerged: bool) -> list[Rule]:
    plain, down, up = (f"{theirs}.{name}.weight" for name in ("base_layer", "lora_A.default", "lora_B.default"))
    inner = f"{ours}.plain" if unmerged else ours
    bias = [Rule(f"{inner}.bias", (f"{theirs}.base_layer.bias",))] if has_bias else []
    if not unmerged:
        return [Rule(f"{ours}.weight", (plain, down, up)), *bias]
    return [Rule(f"{inner}.weight", (plain,)), Rule(f"{ours}.down", (down,)), Rule(f"{ours}.up", (up,)), *bias]


def _driving() -> list[Rule]:
    theirs = "adaptors.driving."
    found = [
        Rule("driving.path_queries", (theirs + "query_embeds_wps",)),
        Rule("driving.speed_queries", (theirs + "query_embeds_speed",)),
    ]
    for ours, name, layers in (("path_head", "route_head", (0, 2, 4)), ("speed_head", "speed_wps_head", (0, 2))):
        for n in layers:
            parts = ("weight",) if n == layers[-1] else ("weight", "bias")
            found += _pairs(f"driving.{ours}.{n}", f"{theirs}{name}.{n}", *parts)
    for n in (0, 2, 4):
        found += _pairs(f"point_encoder.{n}", f"wp_encoder.mlp.{n}", "weight", "bias")
    return found


def shapes(config: SimLingoConfig) -> dict[str, Shape]:
    """Every key of a released checkpoint with its shape, aliases included."""
    c, wide = config, 4 * config.vision_width
    found: dict[str, Shape] = {
        VISION + "vision_model.embeddings.class_embedding": (1, 1, c.vision_width),
        VISION + "vision_model.embeddings.position_embedding": (1, 1 + c.grid**2, c.vision_width),
        VISION + "vision_model.embeddings.patch_embedding.weight": (c.vision_width, 3, PATCH_PX, PATCH_PX),
        VISION + "vision_model.embeddings.patch_embedding.bias": (c.vision_width,),
        EMBEDDING: (c.vocabulary, c.width),
        WORD_HEAD: (c.vocabulary, c.width),
        LANGUAGE + "model.norm.weight": (c.width,),
        "adaptors.driving.query_embeds_wps": (1, PATH_POINTS, c.width),
        "adaptors.driving.query_embeds_speed": (1, SPEED_POINTS, c.width),
    }
    for i in range(c.vision_layers):
        found |= _vision_layer_shapes(f"{VISION}vision_model.encoder.layers.{i}.", c)
    for i in range(c.layers):
        found |= _language_layer_shapes(f"{LANGUAGE}model.layers.{i}.", c)
    found |= {VISION + "mlp1.0.weight": (wide,), VISION + "mlp1.0.bias": (wide,)}
    found |= _linear(VISION + "mlp1.1", c.width, wide) | _linear(VISION + "mlp1.3", c.width, c.width)
    found |= _linear("adaptors.driving.route_head.0", 512, c.width) | _linear("adaptors.driving.route_head.2", 256, 512)
    found |= _linear("adaptors.driving.speed_wps_head.0", 256, c.width)
    found |= {"adaptors.driving.route_head.4.weight": (2, 256), "adaptors.driving.speed_wps_head.2.weight": (2, 256)}
    found |= _linear("wp_encoder.mlp.0", 256, 2) | _linear("wp_encoder.mlp.2", 512, 256)
    found |= _linear("wp_encoder.mlp.4", c.width, 512)
    return found | {alias: found[source] for alias, source in ALIASES.items()}


def _linear(name: str, rows: int, columns: int, has_bias: bool = True) -> dict[str, Shape]:
    return {f"{name}.weight": (rows, columns)} | ({f"{name}.bias": (rows,)} if has_bias else {})


def _vision_layer_shapes(name: str, c: SimLingoConfig) -> dict[str, Shape]:
    width = c.vision_width
    vectors = ("ls1", "ls2", "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias")
    return (
        {name + vector: (width,) for vector in vectors}
        | _linear(name + "attn.qkv", 3 * width, width)
        | _linear(name + "attn.proj", width, width)
        | _linear(name + "mlp.fc1", c.vision_feed_forward, width)
        | _linear(name + "mlp.fc2", width, c.vision_feed_forward)
    )


def _language_layer_shapes(name: str, c: SimLingoConfig) -> dict[str, Shape]:
    narrow = c.kv_heads * HEAD_DIM
    rows = dict.fromkeys(PLACES, c.width) | {"k_proj": narrow, "v_proj": narrow}
    rows |= {"gate_proj": c.feed_forward, "up_proj": c.feed_forward}
    found: dict[str, Shape] = {f"{name}{norm}.weight": (c.width,) for norm in NORMS}
    for place in PLACES:
        whole = name + _inside(place)
        columns = c.feed_forward if place == "down_proj" else c.width
        found |= _linear(f"{whole}.base_layer", rows[place], columns, place in PLACES[:3])
        found[f"{whole}.lora_A.default.weight"] = (c.lora_rank, columns)
        found[f"{whole}.lora_B.default.weight"] = (rows[place], c.lora_rank)
    return found


def config_of(have: Mapping[str, Shape]) -> SimLingoConfig:
    """The configuration that a released checkpoint's shapes speak of. KeyError or ValueError for other models."""
    layer, block = f"{LANGUAGE}model.layers.", f"{VISION}vision_model.encoder.layers."
    patches = have[VISION + "vision_model.embeddings.position_embedding"][1] - 1
    return SimLingoConfig(
        vision_width=have[VISION + "vision_model.embeddings.class_embedding"][2],
        vision_layers=sum(name.startswith(block) and name.endswith(".ls1") for name in have),
        vision_feed_forward=have[f"{block}0.mlp.fc1.weight"][0],
        tile_px=round(patches**0.5) * PATCH_PX,
        width=have[EMBEDDING][1],
        layers=sum(name.startswith(layer) and name.endswith(".input_layernorm.weight") for name in have),
        kv_heads=have[f"{layer}0.self_attn.k_proj.base_layer.weight"][0] // HEAD_DIM,
        feed_forward=have[f"{layer}0.mlp.up_proj.base_layer.weight"][0],
        vocabulary=have[EMBEDDING][0],
        lora_rank=have[f"{layer}0.self_attn.q_proj.lora_A.default.weight"][0],
    )


def merged_config_of(have: Mapping[str, Shape]) -> SimLingoConfig:
    """The same from the shapes of our own merged weights, which have no rank any more."""
    layer, block = "language.model.layers.", "vision.encoder.layer."
    patches = have["vision.embeddings.position_embeddings"][1] - 1
    return SimLingoConfig(
        vision_width=have["vision.embeddings.cls_token"][2],
        vision_layers=sum(name.startswith(block) and name.endswith(".lambda_1") for name in have),
        vision_feed_forward=have[f"{block}0.mlp.fc1.weight"][0],
        tile_px=round(patches**0.5) * PATCH_PX,
        width=have["language.model.embed_tokens.weight"][1],
        layers=sum(name.startswith(layer) and name.endswith(".input_layernorm.weight") for name in have),
        kv_heads=have[f"{layer}0.self_attn.k_proj.weight"][0] // HEAD_DIM,
        feed_forward=have[f"{layer}0.mlp.up_proj.weight"][0],
        vocabulary=have["language.model.embed_tokens.weight"][0],
    )
