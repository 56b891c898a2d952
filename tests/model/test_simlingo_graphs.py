"""The reader of a GPU without one: fixed buffers, passes recorded and replayed, shapes on a device that is not here."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorDeviceMismatchError, FakeTensorMode

from model import prompts
from model.simlingo import images
from model.simlingo.bench_rows import farthest
from model.simlingo.config import toy
from model.simlingo.graphs import BUCKETS, ContextFull, GraphReader
from model.simlingo.network import SimLingo
from model.simlingo.reading import EagerReader
from model.simlingo.runtime import MAX_PROMPT_TOKENS, Runtime
from model.simlingo.tokens import Words
from sim_bridge.messages import InstructionMode
from tests.model.simlingo_toys import POINTS, picture
from tests.model.tape import Tape

HINT = prompts.by_target_points(POINTS)
DRIVING, COMMENTARY = prompts.driving(5.3, HINT), prompts.commentary(5.3, HINT)
TURN = prompts.dream(5.3, HINT, "turn left at the next crossing", InstructionMode.FOLLOW)
ANSWER = "Waypoints:"
# FakeTensorMode knows shapes and devices and computes nothing. A CPU build has no guard for cuda devices; of those that
# it has one for, this one too is another than the CPU.
NOT_HERE = "lazy:0"


def fixed(runtime: Runtime, capacity: int = 1024, record: object = None) -> Runtime:
    return Runtime(runtime.network, runtime.words, GraphReader(runtime.network, capacity, record))


@pytest.fixture(scope="module")
def taped(toy_runtime: Runtime) -> Runtime:
    return fixed(toy_runtime, record=Tape())


def test_words_and_plan_are_the_growing_readers_at_every_length(toy_runtime: Runtime, taped: Runtime) -> None:
    """A row of the table per bucket that a prompt can fall into, talking first and alongside."""
    for count in (1, 12, 40, 80, 140, 230, MAX_PROMPT_TOKENS - 1):
        prompt = prompts.Prompt("stop " * count)
        length = len(toy_runtime.words.prompt_ids(prompt.text))
        if length > MAX_PROMPT_TOKENS:
            prompt = prompts.Prompt("stop " * (count * MAX_PROMPT_TOKENS // length - 2))
        first, second = (r.prompt(r.encode(picture()), prompt) for r in (toy_runtime, taped))
        assert farthest(taped.act(second)[0], toy_runtime.act(first)[0]) < 1e-5
        assert taped.generate(second, 9, is_endless=True) == toy_runtime.generate(first, 9, is_endless=True)
        assert farthest(taped.act(second)[0], toy_runtime.act(first)[0]) < 1e-5


def test_words_go_on_to_the_last_slot_and_one_further_is_refused(toy_runtime: Runtime) -> None:
    small = fixed(toy_runtime, capacity=128, record=Tape())
    ours, theirs = (r.prompt(r.encode(picture()), COMMENTARY) for r in (small, toy_runtime))
    for _ in range(128):
        wanted = toy_runtime.next_words(theirs, [True])
        if ours.keys.length + ours.pending.shape[1] > 128:
            break
        assert small.next_words(ours, [True]).tolist() == wanted.tolist()
    assert ours.keys.length == 128
    with pytest.raises(ContextFull, match="fill all 128 slots: ask again on a new frame"):
        small.next_words(ours, [True])


def test_the_longest_frame_of_a_drive_fits(taped: Runtime) -> None:
    """Picture, the longest prompt, all the words that may be said, and the queries, at the published shape."""
    from model.simlingo.config import FULL, MAX_NEW_TOKENS, QUERIES

    picture_tokens = FULL.image_tokens + 4
    assert picture_tokens + MAX_PROMPT_TOKENS + MAX_NEW_TOKENS + QUERIES + 1 <= taped.reader.keys.capacity
    waiting = MAX_PROMPT_TOKENS + 10 + QUERIES  # a prompt, its assumed answer and the queries in one pass
    assert picture_tokens + min(size for size in BUCKETS if size >= waiting) <= taped.reader.keys.capacity


def test_eight_instructions_on_one_frame_are_eight_single_ones(toy_runtime: Runtime, taped: Runtime) -> None:
    asked = [prompts.dream(5.3, HINT, f"keep {n} m/s" + " please" * n, InstructionMode.FOLLOW) for n in range(8)]
    together = taped.probe(taped.encode(picture()), asked, ANSWER)
    for prompt, ours in zip(asked, together, strict=True):
        single = toy_runtime.probe(toy_runtime.encode(picture()), [prompt], ANSWER)[0]
        assert farthest(ours, single) < 1e-4


def test_a_replay_reads_what_lies_in_its_input_now(toy_runtime: Runtime, taped: Runtime) -> None:
    """The second frame's pictures, points and words are not the first one's."""
    for seed in (1, 2, 3):
        plans = [r.probe(r.encode(picture(seed)), [TURN], ANSWER)[0] for r in (toy_runtime, taped)]
        assert farthest(*plans) < 1e-5


def test_everything_is_recorded_before_the_first_frame(toy_runtime: Runtime) -> None:
    tape = Tape()
    runtime = fixed(toy_runtime, record=tape)
    runtime.reader.prepare()
    recorded = tape.count
    assert recorded == 1 + len(BUCKETS)
    for is_shared in (True, False):
        for prompt in (DRIVING, TURN):
            context = runtime.prompt(runtime.encode(picture(), is_shared), prompt)
            runtime.generate(context, 5, is_endless=True)
            runtime.act(context)
    assert tape.count == recorded


def test_inputs_and_buffers_never_move(toy_runtime: Runtime) -> None:
    runtime = fixed(toy_runtime, record=Tape())
    runtime.reader.prepare()

    def places() -> list[int]:
        reader = runtime.reader
        passes = [(p.where.data_ptr(), p.replay.input.data_ptr()) for p in reader._passes.values()]
        return [reader.keys.buffer.data_ptr(), reader._vision.input.data_ptr(), *(at for pair in passes for at in pair)]

    before = places()
    context = runtime.prompt(runtime.encode(picture()), TURN)
    runtime.generate(context, 5, is_endless=True)
    runtime.act(context)
    assert places() == before


def test_a_context_that_nobody_has_any_more_is_not_kept(taped: Runtime) -> None:
    old = taped.encode(picture())
    keys = old.keys
    other = taped.encode(picture(1))
    assert keys.saved is not None, "it was moved out, since it may be read on"
    assert taped.reader.resident is other.keys
    del other
    gc.collect()
    assert taped.reader.resident is None
    taped.prompt(old, DRIVING)


# ---- a GPU without room


class FullGpu:
    """A Recorder on a GPU that has room for `recordings` of them, and then says so as torch or CUDA would."""

    def __init__(self, recordings: int, error: Callable[[], BaseException]) -> None:
        self.left, self.error, self.tape = recordings, error, Tape()

    def __call__(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        self.left -= 1
        if self.left < 0:
            raise self.error()
        return self.tape(work)


def torch_says_so() -> BaseException:
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.\nGPU 0 has a total capacity")


def test_a_pass_that_finds_no_room_leaves_its_context_as_it_was(toy_runtime: Runtime) -> None:
    gpu = FullGpu(2, torch_says_so)
    runtime = fixed(toy_runtime, record=gpu)
    context = runtime.prompt(runtime.encode(picture()), DRIVING)
    runtime.assume(context, ANSWER)
    with pytest.raises(torch.OutOfMemoryError):
        runtime.act(context)
    gpu.left = 1
    again = toy_runtime.probe(toy_runtime.encode(picture()), [DRIVING], ANSWER)[0]
    assert farthest(runtime.act(context)[0], again) < 1e-5


# ---- shapes and devices, as on a GPU


@contextmanager
def on_another_device(words: Words, reader: Callable[[SimLingo], object]) -> Iterator[Runtime]:
    with torch.device("meta"):
        network = SimLingo(toy(words.table_rows))
    with FakeTensorMode():
        for module in network.modules():
            for name, parameter in list(module.named_parameters(recurse=False)):
                there = torch.empty(parameter.shape, dtype=torch.bfloat16, device=NOT_HERE)
                module._parameters[name] = nn.Parameter(there, requires_grad=False)
        network.restore_rotary(NOT_HERE)
        yield Runtime(network, words, reader(network))


@pytest.mark.parametrize("reader", [GraphReader, EagerReader])
@pytest.mark.parametrize("is_shared", [True, False])
def test_from_the_picture_to_the_points_nothing_is_asked_of_the_device(
    toy_words: Words, reader: type, is_shared: bool
) -> None:
    tiles = torch.from_numpy(images.tiles(picture(), 56))
    with on_another_device(toy_words, reader) as runtime:
        seen = images.normalised(torch.zeros(tiles.shape, dtype=torch.uint8).to(NOT_HERE))
        for prompt in (DRIVING, TURN):
            context = runtime.prompt(runtime.encode_tiles(seen, is_shared), prompt)
            runtime.assume(context, ANSWER)
            points = runtime.planned(context)
            assert (str(points.device), points.shape, points.dtype) == (NOT_HERE, (1, 30, 2), torch.float32)


@pytest.mark.parametrize("reader", [GraphReader, EagerReader])
def test_talking_first_too_but_for_the_words_themselves(toy_words: Words, reader: type) -> None:
    with on_another_device(toy_words, reader) as runtime:
        seen = torch.zeros(2, 3, 56, 56, device=NOT_HERE)
        context = runtime.prompt(runtime.encode_tiles(seen), COMMENTARY)
        for _ in range(4):
            assert runtime.next_words(context, [True]).shape == (1,)
        assert runtime.planned(context).shape == (1, 30, 2)
        with pytest.raises(DataDependentOutputException):
            runtime.say(context)


@pytest.mark.parametrize("reader", [GraphReader, EagerReader])
def test_many_instructions_on_one_frame_too(toy_words: Words, reader: type) -> None:
    with on_another_device(toy_words, reader) as runtime:
        shared = runtime.encode_tiles(torch.zeros(2, 3, 56, 56, device=NOT_HERE))
        context = runtime.prompt(shared, [DRIVING, COMMENTARY, TURN])
        runtime.next_words(context, [True] * 3)
        runtime.next_words(context, [True, False, True])
        assert runtime.planned(context).shape == (3, 30, 2)


def test_a_tensor_left_on_the_cpu_would_be_seen(toy_words: Words) -> None:
    """That the tests above can fail."""
    with on_another_device(toy_words, GraphReader) as runtime, pytest.raises(FakeTensorDeviceMismatchError):
        runtime.network.embed(torch.tensor([1, 2]))


def test_no_weight_and_no_buffer_stays_behind_when_a_checkpoint_goes_to_a_device(toy_folder) -> None:
    from model.simlingo import checkpoint

    network, _ = checkpoint.load(toy_folder, torch.bfloat16)
    everything = dict(network.named_parameters()) | dict(network.named_buffers())
    assert {str(tensor.device) for tensor in everything.values()} == {"cpu"}
    kinds = {name: tensor.dtype for name, tensor in everything.items() if tensor.dtype != torch.bfloat16}
    assert set(kinds) == {"language.model.rotary_emb.inv_freq", "language.model.rotary_emb.original_inv_freq"}
    assert np.isfinite(network.language.model.rotary_emb.inv_freq.numpy()).all()
