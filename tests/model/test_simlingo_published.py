"""SimLingo's published figures, each stated once: what another number here would break is the released checkpoint."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from app.cockpit import projection
from model import prompts
from model.simlingo import config, images, lora, tokens
from model.simlingo.config import FULL
from model.simlingo.network import SimLingo
from model.training import simlingo_losses, simlingo_run, simlingo_views
from sim_bridge import messages, navigator, tracker
from sim_bridge.messages import FRONT_CAMERA, RouteCommand


@pytest.fixture(scope="module")
def full() -> SimLingo:
    with torch.device("meta"):
        return SimLingo(FULL, unmerged=True)


def weights(*modules: nn.Module) -> float:
    return sum(p.numel() for module in modules for p in module.parameters())


FIGURES = {
    "the camera's picture": ((FRONT_CAMERA.width_px, FRONT_CAMERA.height_px), (1024, 512)),
    "its horizontal angle": (FRONT_CAMERA.fov_deg, 110.0),
    "its place": (
        (FRONT_CAMERA.x_m, FRONT_CAMERA.y_m, FRONT_CAMERA.z_m, FRONT_CAMERA.pitch_deg),
        (-1.5, 0.0, 2.0, 0.0),
    ),
    "ticks a second": (1 / messages.TICK_S, 20.0),
    "quality of the JPEG between camera and network": (images.JPEG_QUALITY, 95),
    "ImageNet's mean": (images.MEAN, (0.485, 0.456, 0.406)),
    "ImageNet's spread": (images.STD, (0.229, 0.224, 0.225)),
    "a tile and its patches": ((FULL.tile_px, config.PATCH_PX, config.TILES), (448, 14, 2)),
    "tokens of one frame, 256 of each tile": (FULL.image_tokens, 2 * 256),
    "longest answer": (config.MAX_NEW_TOKENS, 100),
    "points of the path, a metre apart": ((messages.PATH_POINTS, messages.PATH_SPACING_M), (20, 1.0)),
    "speed points, a quarter of a second apart": ((messages.SPEED_POINTS, messages.SPEED_INTERVAL_S), (10, 0.25)),
    "rank, scale and dropout of LoRA": ((FULL.lora_rank, lora.LORA_SCALE, lora.LORA_DROPOUT), (32, 64 / 32, 0.1)),
    "the eye": (
        (FULL.vision_width, FULL.vision_layers, FULL.vision_heads, FULL.vision_feed_forward),
        (1024, 24, 16, 4096),
    ),
    "the language model": (
        (FULL.width, FULL.layers, FULL.heads, FULL.kv_heads, FULL.feed_forward),
        (896, 24, 14, 2, 4864),
    ),
    "embedding rows": (FULL.vocabulary, 151_655),
    "rotary base": (config.ROPE_THETA, 1e6),
    "route points: reached within, at most apart": ((navigator.REACHED_M, navigator.THINNED_MAX_M), (7.5, 50.0)),
    "speed controller": (
        (tracker.SPEED_KP, tracker.SPEED_KI, tracker.SPEED_KD, tracker.SPEED_WINDOW),
        (1.75, 1.0, 2.0, 20),
    ),
    "speed error that counts": (tracker.SPEED_ERROR_MAX_MPS, 1.0),
    "when it brakes": ((tracker.BRAKE_BELOW_MPS, tracker.BRAKE_RATIO), (0.4, 1.1)),
    "waypoints the speed is read from": ((tracker.SPEED_FROM_S, tracker.SPEED_TO_S), (0.25, 0.75)),
    "steering controller": (
        (tracker.STEER_KP, tracker.STEER_KD, tracker.STEER_KI, tracker.STEER_WINDOW),
        (3.118357247806046, 1.3782508892109167, 0.6406067986034124, 6),
    ),
    "look-ahead in tenths of a metre over km/h": (
        (tracker.LOOKAHEAD_PER_KMH, tracker.LOOKAHEAD_OFFSET, tracker.LOOKAHEAD_MIN, tracker.LOOKAHEAD_MAX),
        (0.9755321901954155, 1.9152884533402488, 24, 105),
    ),
    "learning rate, weight decay, warm-up, largest gradient": (
        (simlingo_run.RATE, simlingo_run.WEIGHT_DECAY, simlingo_run.WARM_UP_SHARE, simlingo_run.LARGEST_GRADIENT),
        (3e-5, 0.1, 0.05, 0.3),
    ),
    "shares of the tasks": (
        simlingo_views.MIX,
        {"dream": 0.5, "vqa": 0.5 * 0.5, "commentary": 0.5 * 0.35, "given": 0.5 * 0.075, "drive": 0.5 * 0.075},
    ),
    "dreams that are told the route": (simlingo_views.DREAM_NAVIGATION_SHARE, 0.8),
    "CARLA's route commands": (
        {c.name: c.value for c in RouteCommand},
        {"LEFT": 1, "RIGHT": 2, "STRAIGHT": 3, "FOLLOW_ROAD": 4, "LANE_LEFT": 5, "LANE_RIGHT": 6},
    ),
    "tokens appended at run time": (
        tokens.PLACEHOLDERS,
        (
            *("<WAYPOINTS>", "<WAYPOINTS_DIFF>", "<ORG_WAYPOINTS_DIFF>", "<ORG_WAYPOINTS>", "<WAYPOINT_LAST>"),
            *("<ROUTE>", "<ROUTE_DIFF>", "<TARGET_POINT>"),
        ),
    ),
    "flags": (tuple(prompts.FLAGS.values()), ("<INSTRUCTION_FOLLOWING>", "<SAFETY>")),
}


@pytest.mark.parametrize("name", FIGURES)
def test_it_is_the_published_figure(name: str) -> None:
    ours, published = FIGURES[name]
    assert ours == published


def test_every_block_has_the_published_number_of_weights(full: SimLingo) -> None:
    added = sum(p.numel() for name, p in full.named_parameters() if name.endswith((".down", ".up")))
    millions = {
        "vision": (weights(full.vision), 304.01),
        "projector": (weights(full.projector), 4.48),
        "language model with both tables": (weights(full.language) - added, 629.66),
        "one table": (full.language.lm_head.weight.numel(), 135.9),
        "LoRA": (added, 17.60),
        "point encoder": (weights(full.point_encoder), 0.59),
        "queries and heads": (weights(full.driving), 0.85),
        "all": (weights(full), 957.2),
    }
    for name, (count, published) in millions.items():
        assert count / 1e6 == pytest.approx(published, rel=0.01 if published < 1 else 1e-3), name


def layers(sequence: nn.Sequential) -> list[str]:
    """`Linear 2>256`, `Linear 512>2 -` for one without bias, or the layer's name."""

    def words(layer: nn.Module) -> str:
        if not isinstance(layer, nn.Linear):
            return type(layer).__name__
        return f"Linear {layer.in_features}>{layer.out_features}" + ("" if layer.bias is not None else " -")

    return [words(layer) for layer in sequence]


def test_the_small_networks_are_built_as_published(full: SimLingo) -> None:
    assert layers(full.projector) == ["LayerNorm", "Linear 4096>896", "GELU", "Linear 896>896"]
    assert layers(full.point_encoder) == ["Linear 2>256", "ReLU", "Linear 256>512", "ReLU", "Linear 512>896"]
    path = ["Linear 896>512", "SiLU", "Linear 512>256", "SiLU", "Linear 256>2 -"]
    assert layers(full.driving.path_head) == path
    assert layers(full.driving.speed_head) == ["Linear 896>256", "SiLU", "Linear 256>2 -"]
    block = full.vision.encoder.layer[0]
    assert block.mlp.activation_fn(torch.tensor(1.0)) == nn.functional.gelu(torch.tensor(1.0))
    assert type(block.attention.q_norm) is nn.Identity
    assert block.attention.q_proj.bias is not None
    assert type(full.vision.layernorm) is nn.Identity
    attention = full.language.model.layers[0].self_attn
    assert attention.q_proj.plain.bias is not None
    assert attention.o_proj.plain.bias is None


def test_fresh_queries_are_noise_of_two_hundredths() -> None:
    torch.manual_seed(0)
    driving = SimLingo(config.toy()).driving
    assert float(driving.path_queries.detach().std()) == pytest.approx(0.02, rel=0.1)


def test_a_point_of_the_road_is_seen_where_the_published_pinhole_says() -> None:
    focal_px = 1024 / (2 * math.tan(math.radians(55)))
    assert focal_px == pytest.approx(358.5, abs=0.05)
    x, y = 12.0, 3.0
    pixel = projection.pixel(FRONT_CAMERA, projection.seen(FRONT_CAMERA, (x, y, 0.0)))
    assert tuple(pixel) == pytest.approx((512 + focal_px * y / (x + 1.5), 256 + focal_px * 2.0 / (x + 1.5)), abs=0.5)


def test_the_plan_is_judged_by_smooth_l1_of_one_metre() -> None:
    said, wanted = torch.zeros(1, 2, 2), torch.tensor([[[0.5, 0.0], [3.0, 4.0]]])
    # half a square below one metre, a metre less a half above: 0.125, then 2.5 + 3.5; the mean of both points
    assert float(simlingo_losses.points(said, wanted)) == pytest.approx((0.125 + 6.0) / 2)


def test_the_optimizer_is_adamw_on_one_cycle() -> None:
    run = simlingo_run.begin(SimLingo(config.toy()), steps=100)
    group = run.optimizer.param_groups[0]
    assert type(run.optimizer) is torch.optim.AdamW
    assert (group["betas"][1], group["weight_decay"]) == (0.999, 0.1)
    rates = []
    for _ in range(100):
        rates.append(group["lr"])
        run.optimizer.step()
        run.schedule.step()
    assert max(rates) == pytest.approx(3e-5, rel=1e-3)
    assert rates.index(max(rates)) == pytest.approx(5, abs=1)
