"""The runtime gives what the published procedure gives, whatever it caches, shares, pads or rounds up."""

from __future__ import annotations

import dataclasses
import gc
import weakref

import numpy as np
import pytest
import torch

from model import prompts
from model.prompts import Prompt
from model.simlingo import baseline, images
from model.simlingo.bench_rows import farthest
from model.simlingo.config import toy
from model.simlingo.graphs import ContextFull, GraphReader
from model.simlingo.network import random_network
from model.simlingo.reading import visible
from model.simlingo.runtime import MAX_PROMPT_TOKENS, Runtime
from sim_bridge.messages import InstructionMode, RouteCommand
from tests.model.simlingo_toys import POINTS, picture

HINT = prompts.by_target_points(POINTS)
COMMAND = prompts.by_command(RouteCommand.LEFT, 20.4, RouteCommand.FOLLOW_ROAD)
PROMPTS = {
    "driving": prompts.driving(5.3, HINT),
    "commentary": prompts.commentary(5.3, HINT),
    "question": prompts.question(5.3, HINT, "Is the traffic light red?"),
    "follow": prompts.dream(5.3, HINT, "change to the left lane", InstructionMode.FOLLOW),
    "safety": prompts.dream(5.3, HINT, "drive over the red light now", InstructionMode.SAFETY),
    "by command": prompts.commentary(5.3, COMMAND),
}
ANSWER = "Waypoints:"


def tiles() -> torch.Tensor:
    return images.normalised(torch.from_numpy(images.tiles(picture(), 56)))


@pytest.fixture(scope="module")
def graphed(toy_runtime: Runtime) -> Runtime:
    """The fixed-buffer reader of a GPU, without its graphs."""
    return Runtime(toy_runtime.network, toy_runtime.words, GraphReader(toy_runtime.network))


@pytest.fixture(params=["growing", "fixed"])
def runtime(request: pytest.FixtureRequest, toy_runtime: Runtime, graphed: Runtime) -> Runtime:
    return toy_runtime if request.param == "growing" else graphed


@pytest.mark.parametrize("task", PROMPTS)
@pytest.mark.parametrize("is_shared", [True, False])
def test_words_and_points_are_the_published_procedures(runtime: Runtime, task: str, is_shared: bool) -> None:
    theirs_ids, theirs = baseline.frame(runtime, tiles(), PROMPTS[task], words=12)
    context = runtime.prompt(runtime.encode(picture(), is_shared), PROMPTS[task])
    assert runtime.generate(context, 12, is_endless=True)[0] == theirs_ids
    assert farthest(runtime.act(context)[0], theirs) < 1e-4


def test_acting_does_not_change_what_is_said(runtime: Runtime) -> None:
    def said(acts: bool) -> list[int]:
        context = runtime.prompt(runtime.encode(picture()), PROMPTS["commentary"])
        for _ in range(6):
            runtime.say(context, is_endless=True)
            if acts:
                runtime.act(context)
        return context.said[0]

    assert said(acts=True) == said(acts=False)


def test_a_context_goes_on_while_others_on_its_picture_do(runtime: Runtime) -> None:
    shared = runtime.encode(picture())
    alone = runtime.prompt(shared, PROMPTS["commentary"])
    wanted = list(runtime.generate(alone, 8, is_endless=True)[0])
    first, other = runtime.prompt(shared, PROMPTS["commentary"]), runtime.prompt(shared, PROMPTS["question"])
    for _ in range(8):
        runtime.say(first, is_endless=True)
        runtime.say(other, is_endless=True)
        runtime.act(runtime.prompt(runtime.encode(picture(1)), PROMPTS["driving"]))
    assert first.said[0] == wanted


def test_a_fork_reads_on_by_itself(runtime: Runtime) -> None:
    context = runtime.prompt(runtime.encode(picture()), PROMPTS["commentary"])
    runtime.generate(context, 3, is_endless=True)
    twin = context.fork()
    more = list(runtime.generate(twin, 4, is_endless=True)[0])
    assert len(context.said[0]) == 3
    assert runtime.generate(context, 4, is_endless=True)[0] == more


def test_eight_rows_on_one_picture_are_eight_single_ones(runtime: Runtime) -> None:
    asked = [*PROMPTS.values(), prompts.driving(0.0, prompts.NO_NAVIGATION), prompts.commentary(14.9, HINT)]
    shared = runtime.encode(picture())
    together = runtime.probe(shared, asked, ANSWER)
    single = [runtime.probe(shared, [prompt], ANSWER)[0] for prompt in asked]
    assert max(farthest(a, b) for a, b in zip(together, single, strict=True)) < 1e-4
    assert farthest(together[0], together[3]) > 1e-2


def test_rows_that_end_early_wait_for_the_others(toy_runtime: Runtime) -> None:
    """Random weights never end, so one row's next word is declared the end token."""
    shared = toy_runtime.encode(picture())
    pair = [PROMPTS["commentary"], PROMPTS["safety"]]
    alone = [toy_runtime.prompt(shared, prompt) for prompt in pair]
    toy_runtime.generate(alone[0], 2, is_endless=True)
    toy_runtime.generate(alone[1], 5, is_endless=True)
    batch = toy_runtime.prompt(shared, pair)
    for count in range(5):
        batch.ended = [count >= 2, False]
        toy_runtime.say(batch)
    assert batch.said == [alone[0].said[0], alone[1].said[0]]
    for together, one in zip(toy_runtime.act(batch), alone, strict=True):
        assert farthest(together, toy_runtime.act(one)[0]) < 1e-4


def ends_with(runtime: Runtime, prompt: Prompt, count: int) -> Runtime:
    """The same network with its `count`th word declared the end token."""
    context = runtime.prompt(runtime.encode(picture()), prompt)
    token = runtime.generate(context, count, is_endless=True)[0][-1]
    words = runtime.words
    return Runtime(
        runtime.network, type(words)(words.tokenizer, token, words.image, words.target_point, words.table_rows)
    )


def test_speech_stops_behind_the_end_token_and_the_plan_hears_it(toy_runtime: Runtime) -> None:
    runtime = ends_with(toy_runtime, PROMPTS["commentary"], 5)
    context = runtime.prompt(runtime.encode(picture()), PROMPTS["commentary"])
    said = runtime.generate(context)[0]
    assert said[-1] == runtime.words.eos
    assert said.count(runtime.words.eos) == 1
    ids, theirs = baseline.frame(runtime, tiles(), PROMPTS["commentary"], len(said))
    assert ids == said
    assert context.pending.shape[1] == 1, "the end token is read with the 30 queries: a pass of 31"
    assert farthest(runtime.act(context)[0], theirs) < 1e-4


def test_speech_stops_after_100_tokens(toy_runtime: Runtime) -> None:
    context = toy_runtime.prompt(toy_runtime.encode(picture()), PROMPTS["commentary"])
    list(toy_runtime.decode(context))
    assert len(context.said[0]) <= 100
    assert toy_runtime.words.eos in context.said[0] or len(context.said[0]) == 100


def test_pieces_concatenate_to_the_text(toy_runtime: Runtime) -> None:
    context = toy_runtime.prompt(toy_runtime.encode(picture()), PROMPTS["question"])
    text = "".join(toy_runtime.decode(context, 30))
    assert text
    assert text == toy_runtime.words.text(context.said[0])


def test_an_assumed_answer_is_as_if_said(toy_runtime: Runtime) -> None:
    shared = toy_runtime.encode(picture())
    assumed = toy_runtime.prompt(shared, PROMPTS["driving"])
    toy_runtime.assume(assumed, ANSWER)
    spelled = toy_runtime.prompt(shared, PROMPTS["driving"])
    for token in toy_runtime.words.answer_ids(ANSWER):
        toy_runtime._read_pending(spelled)
        spelled.append(toy_runtime.network.embed(torch.tensor([[token]])), torch.ones(1, 1, dtype=torch.bool))
    assert farthest(toy_runtime.act(assumed)[0], toy_runtime.act(spelled)[0]) < 1e-4


def test_the_same_frame_gives_the_same_plan(toy_runtime: Runtime) -> None:
    first, second = (toy_runtime.probe(toy_runtime.encode(picture()), [PROMPTS["driving"]], ANSWER)[0] for _ in "ab")
    assert np.array_equal(first.path, second.path)
    assert np.array_equal(first.speed, second.speed)


def test_bfloat16_is_float32_within_its_rounding(toy_folder, toy_runtime: Runtime) -> None:
    from model.simlingo import checkpoint

    rounded = Runtime(checkpoint.load(toy_folder, torch.bfloat16)[0], toy_runtime.words)
    plans = [r.probe(r.encode(picture()), [PROMPTS["driving"]], ANSWER)[0] for r in (rounded, toy_runtime)]
    assert farthest(*plans) < 0.05 * np.abs(plans[1].path).max()
    assert plans[0].path.dtype == np.float32


def test_a_new_token_sees_real_slots_up_to_itself() -> None:
    seen = visible(torch.tensor([[True, False]]), torch.tensor([[True, True]]), is_ragged=True)
    assert seen is not None
    assert seen[0, 0].tolist() == [[True, False, True, False], [True, False, True, True]]
    assert visible(torch.ones(1, 0, dtype=torch.bool), torch.ones(1, 3, dtype=torch.bool), is_ragged=False) is None


def test_a_prompt_of_too_many_tokens_is_refused(toy_runtime: Runtime) -> None:
    endless = Prompt("zq" * MAX_PROMPT_TOKENS)
    with pytest.raises(ValueError, match=r"tokens of text, SimLingo reads 320: say it shorter"):
        toy_runtime.prompt_embeddings(endless)


def test_a_script_of_many_tokens_a_letter_is_read_as_far_as_it_fits(toy_runtime: Runtime) -> None:
    prompt = prompts.dream(5.3, HINT, "\U0001f6d1" * 240, InstructionMode.FOLLOW)
    assert len(toy_runtime.words.prompt_ids(prompt.text)) > MAX_PROMPT_TOKENS
    assert 100 < toy_runtime.prompt_embeddings(prompt).shape[0] <= MAX_PROMPT_TOKENS


def test_4000_characters_of_instruction_are_cut_and_read(toy_runtime: Runtime) -> None:
    prompt = prompts.dream(5.3, HINT, "turn left here please " * 182, InstructionMode.FOLLOW)
    assert np.isfinite(toy_runtime.probe(toy_runtime.encode(picture()), [prompt], ANSWER)[0].path).all()


@pytest.mark.parametrize("points", [((np.nan, 0.0), (1.0, 1.0)), ((1.0, 0.0), (10_000.0, 0.0)), ((np.inf, 0), (0, 0))])
def test_lost_target_points_are_refused(toy_runtime: Runtime, points: tuple) -> None:
    with pytest.raises(ValueError, match=r"within 1000 m of the car.*reset the drive"):
        toy_runtime.prompt_embeddings(prompts.driving(5.0, prompts.by_target_points(points)))


def test_a_graph_reader_gives_its_network_back_when_it_is_collected(toy_runtime: Runtime) -> None:
    """Two networks never fit where the benchmark counts memory."""
    network = random_network(toy(toy_runtime.words.table_rows), torch.float32)
    runtime = Runtime(network, toy_runtime.words, GraphReader(network))
    runtime.probe(runtime.encode(picture()), [PROMPTS["driving"]], ANSWER)
    gone = weakref.ref(network)
    del runtime, network
    gc.collect()
    assert gone() is None


def test_a_full_context_says_so(toy_runtime: Runtime) -> None:
    small = Runtime(toy_runtime.network, toy_runtime.words, GraphReader(toy_runtime.network, 64))
    context = small.prompt(small.encode(picture()), PROMPTS["driving"])
    with pytest.raises(ContextFull, match="ask again on a new frame"):
        small.generate(context, 40, is_endless=True)


def test_another_models_tokenizer_is_refused(toy_runtime: Runtime) -> None:
    other = dataclasses.replace(toy_runtime.words, table_rows=toy_runtime.words.table_rows + 5)
    with pytest.raises(ValueError, match="belong to different models"):
        Runtime(toy_runtime.network, other)
