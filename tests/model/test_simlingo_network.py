"""SimLingo's arithmetic: unshuffle, placeholders, queries, heads and sums, against the library where it has them."""

from __future__ import annotations

import pytest
import torch
from transformers import InternVLConfig, InternVLModel

from model import prompts
from model.simlingo import attention, lora
from model.simlingo.config import FULL, SimLingoConfig, toy
from model.simlingo.network import SimLingo, language_config, random_network, unshuffled, vision_config
from model.simlingo.runtime import Runtime, placeholder_places
from model.simlingo.tokens import Words
from sim_bridge.messages import RouteCommand


@pytest.fixture(scope="module")
def network() -> SimLingo:
    return random_network(toy(), torch.float32)


def test_the_full_shape_is_internvits_and_qwen2s() -> None:
    vision, language = vision_config(FULL), language_config(FULL)
    assert (vision.hidden_size, vision.num_hidden_layers, vision.num_attention_heads) == (1024, 24, 16)
    assert (vision.intermediate_size, vision.layer_norm_eps, vision.use_qk_norm) == (4096, 1e-6, False)
    assert (language.hidden_size, language.num_hidden_layers, language.intermediate_size) == (896, 24, 4864)
    assert (language.num_attention_heads, language.num_key_value_heads, language.vocab_size) == (14, 2, 151655)
    assert (language.rope_parameters["rope_theta"], language.rms_norm_eps) == (1e6, 1e-6)
    assert not language.tie_word_embeddings
    assert FULL.image_tokens == 512


def test_four_patches_become_one_token_row_by_row() -> None:
    patches = torch.arange(16.0)[None, :, None]  # a grid of 4 x 4, one channel
    assert unshuffled(patches)[0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


def test_image_tokens_are_those_of_the_librarys_own_internvl(network: SimLingo) -> None:
    config = toy()
    theirs = InternVLModel(InternVLConfig(vision_config=vision_config(config), text_config=language_config(config)))
    theirs.vision_tower.load_state_dict(network.vision.state_dict())
    names = {"layer_norm": "0", "linear_1": "1", "linear_2": "3"}
    ours = network.projector.state_dict()
    wanted = theirs.multi_modal_projector.state_dict()
    theirs.multi_modal_projector.load_state_dict(
        {key: ours[f"{names[key.split('.')[0]]}.{key.split('.')[1]}"] for key in wanted}
    )
    tiles = torch.randn(1, 2, 3, 56, 56)
    with torch.inference_mode():
        features = theirs.eval().get_image_features(tiles[0]).pooler_output
        assert torch.allclose(network.see(tiles)[0], features.reshape(8, -1), atol=1e-5)


def test_there_are_20_path_queries_and_then_10_speed_queries(network: SimLingo) -> None:
    queries = network.driving.queries(2)
    assert queries.shape == (2, 30, 128)
    assert torch.equal(queries[1, :20], network.driving.path_queries[0])
    assert torch.equal(queries[1, 20:], network.driving.speed_queries[0])


def test_points_are_running_sums_of_what_the_heads_say(network: SimLingo) -> None:
    hidden = torch.randn(1, 30, 128)
    path, speed = network.driving.points(hidden)
    assert path.shape == (1, 20, 2)
    assert speed.shape == (1, 10, 2)
    steps = network.driving.path_head(hidden[:, :20])
    assert torch.allclose(path[0, 3], steps[0, :4].sum(0), atol=1e-6)
    assert torch.allclose(speed[0, 9], network.driving.speed_head(hidden[:, 20:]).sum(1)[0], atol=1e-5)


def test_the_heads_have_the_published_widths() -> None:
    with torch.device("meta"):
        driving = SimLingo(FULL).driving
    assert [tuple(p.shape) for p in driving.path_head.parameters()] == [
        (512, 896),
        (512,),
        (256, 512),
        (256,),
        (2, 256),
    ]
    assert [tuple(p.shape) for p in driving.speed_head.parameters()] == [(256, 896), (256,), (2, 256)]


def test_ids_past_the_table_take_its_last_row(network: SimLingo) -> None:
    last = network.language.model.embed_tokens.weight[-1]
    assert torch.equal(network.embed(torch.tensor([toy().vocabulary + 7]))[0], last)


def test_target_points_replace_a_run_of_placeholders(toy_runtime: Runtime) -> None:
    words, network = toy_runtime.words, toy_runtime.network
    points = ((12.0, 0.5), (30.0, -4.0))
    prompt = prompts.driving(5.0, prompts.by_target_points(points))
    embeddings = toy_runtime.prompt_embeddings(prompt)
    ids = torch.tensor(words.prompt_ids(prompt.text))
    places = placeholder_places(ids.tolist(), words, 2)
    assert ids[places].tolist() == [words.target_point] * 2
    assert torch.allclose(embeddings[places], network.point_encoder(torch.tensor(points)), atol=1e-6)
    others = torch.ones(len(ids), dtype=torch.bool)
    others[places] = False
    assert torch.equal(embeddings[others], network.embed(ids[others]))


def test_placeholders_without_points_are_refused(toy_words: Words) -> None:
    with pytest.raises(ValueError, match="expected 0 target points in a row in the prompt, found 2"):
        placeholder_places([1, toy_words.target_point, toy_words.target_point], toy_words, 0)


def test_a_command_needs_no_placeholder(toy_runtime: Runtime) -> None:
    hint = prompts.by_command(RouteCommand.LEFT, 20.0, RouteCommand.FOLLOW_ROAD)
    prompt = prompts.driving(5.0, hint)
    assert toy_runtime.prompt_embeddings(prompt).shape == (len(toy_runtime.words.prompt_ids(prompt.text)), 128)


def test_lora_scale_is_two_and_its_dropout_a_tenth() -> None:
    layer = lora.LoraLinear(torch.nn.Linear(4, 3), 2)
    torch.nn.init.ones_(layer.up)
    x = torch.randn(5, 4)
    assert torch.allclose(layer.eval()(x), layer.plain(x) + 2.0 * (x @ layer.down.T).sum(1, keepdim=True), atol=1e-6)
    folded = lora.merged(layer.plain.weight, layer.down, layer.up)
    assert torch.allclose(x @ folded.T + layer.plain.bias, layer(x), atol=1e-6)
    assert lora.LORA_DROPOUT == 0.1
    layer.train()
    assert not torch.equal(layer(x.repeat(50, 1)), layer(x.repeat(50, 1)))


def test_the_word_head_has_no_lora() -> None:
    with torch.device("meta"):
        unmerged = SimLingo(SimLingoConfig(), unmerged=True)
    added = [name for name, part in unmerged.named_modules() if isinstance(part, lora.LoraLinear)]
    assert len(added) == 7 * 24
    weights = sum(p.numel() for name, p in unmerged.named_parameters() if name.endswith((".down", ".up")))
    assert weights == pytest.approx(17.6e6, rel=1e-3)


def test_head_by_head_is_the_librarys_attention(network: SimLingo) -> None:
    rounded = random_network(toy(), torch.bfloat16)
    tiles = torch.randn(1, 2, 3, 56, 56)
    ids = torch.arange(40)[None]
    with torch.inference_mode():
        ours, heard = rounded.see(tiles), rounded.language(ids).logits
        with attention.library_kernel(rounded.vision, rounded.language):
            theirs, theirs_heard = rounded.see(tiles), rounded.language(ids).logits
        exact = network.see(tiles)
    assert not torch.equal(heard, theirs_heard), "the two ways are expected to round differently"
    for mine, library in ((ours, theirs), (heard, theirs_heard)):
        assert (mine - library).float().norm() < 0.02 * library.float().norm()
    assert (ours - exact).norm() < 1.3 * (theirs - exact).norm()


def test_a_query_sees_what_its_mask_allows() -> None:
    query, key = torch.randn(2, 4, 3, 64).bfloat16(), torch.randn(2, 2, 5, 64).bfloat16()
    allowed = torch.rand(2, 1, 3, 5) < 0.5
    allowed[..., 0] = True
    repeated = key.repeat_interleave(2, 1)
    wanted = torch.nn.functional.scaled_dot_product_attention(query, repeated, repeated, attn_mask=allowed)
    found = attention.head_by_head(query, key, key, allowed, 64**-0.5, is_causal=False)
    assert torch.allclose(found.transpose(1, 2).float(), wanted.float(), atol=0.03)
    one = attention.shared_heads(query[:, :, :1], key, key, allowed[:, :, :1], 64**-0.5)
    assert torch.allclose(one.transpose(1, 2).float(), wanted[:, :, :1].float(), atol=0.03)
