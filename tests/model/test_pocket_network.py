"""The network's arithmetic: padding and caching change nothing, numpy and torch agree, bad weights are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from model import prompts
from model.pocket import checkpoint, weights
from model.pocket.adapters import NumpyAdapters
from model.pocket.config import CHOICES, FLAGS, LIGHTS, ConfigError, PocketConfig
from model.pocket.driver import PocketDriver
from model.pocket.graphs import TorchGraphs
from model.pocket.halt import Halt, at_rest
from model.pocket.network import Batch, Pocket, Talk
from model.pocket.pointer import Pointer
from model.pocket.runtime import PocketRuntime
from model.pocket.vision import FACT_SIZES
from model.pocket.vocabulary import Tokens, Vocabulary
from model.pocket.weights import WeightsError
from model.training.presets import PRESETS
from sim_bridge.messages import FRONT_CAMERA, EgoState, InstructionMode, Observation
from tests.fakes import picture

WORDS = Vocabulary.of(["stop here please", "is the light red", "yes it is"])
CONFIG = PocketConfig(WORDS.words, **PRESETS["debug"].shape)  # type: ignore[arg-type]
WAY = prompts.by_target_points([(12.0, 0.5), (28.0, -3.0)])


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """Threads that wait for each other make a busy machine many times slower."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def network() -> Pocket:
    torch.manual_seed(0)
    network = Pocket(CONFIG).eval()
    with torch.no_grad():  # the heads start at zero, which would hide every difference
        for head in (network.adapters.path_head, network.adapters.speed_head):
            head[2].weight.normal_()
        network.adapters.words.normal_()
        network.adapters.pointer.keys.normal_()
        network.adapters.pointer.weigh[2].weight.normal_(std=0.1)
    return network


@pytest.fixture(scope="module")
def folder(network: Pocket, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pocket")
    checkpoint.save(folder, network)
    return folder


Row = tuple[prompts.Prompt, str, bool]


def talk_of(rows: list[Row], pictures: list[int]) -> Talk:
    tokens = [WORDS.read(prompt) for prompt, _, _ in rows]
    answers = [WORDS.spell(answer) if answer else np.zeros(0, np.int64) for _, answer, _ in rows]
    P, A = max(len(t.ids) for t in tokens), max(1, *(len(a) for a in answers), 1)
    ids, values = np.zeros((len(rows), P), np.int64), np.zeros((len(rows), P, 2), np.float32)
    said = np.zeros((len(rows), A), np.int64)
    for i, (t, a) in enumerate(zip(tokens, answers, strict=True)):
        ids[i, : len(t.ids)], values[i, : len(t.ids)], said[i, : len(a)] = t.ids, t.values, a
    return Talk(
        torch.tensor(pictures),
        torch.from_numpy(ids),
        torch.from_numpy(values),
        torch.tensor([len(t.ids) for t in tokens]),
        torch.from_numpy(said),
        torch.tensor([len(a) for a in answers]),
    )


def batch_of(eyes: list[np.ndarray], rows: list[Row], pictures: list[int], asides: Talk | None = None) -> Batch:
    return Batch(
        torch.from_numpy(np.stack(eyes)),
        talk_of(rows, pictures),
        torch.tensor([at_once for _, _, at_once in rows]),
        torch.full((len(rows),), 5.0),
        asides,
    )


@pytest.fixture(scope="module")
def eye() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (2, 96, 256, 3), dtype=np.uint8)


ROWS = [
    (prompts.driving(5.0, WAY), "", True),
    (prompts.dream(5.0, WAY, "please stop here please stop here", InstructionMode.FOLLOW), "Yes it is.", False),
    (prompts.question(5.0, WAY, "is the light red"), "Yes.", True),
]


@torch.no_grad()
def test_padding_changes_nothing(network: Pocket, eye: np.ndarray) -> None:
    together = network(batch_of([eye], ROWS, [0, 0, 0]))
    for i, row in enumerate(ROWS):
        alone = network(batch_of([eye], [row], [0]))
        torch.testing.assert_close(together.path[i], alone.path[0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(together.speed[i], alone.speed[0], atol=1e-4, rtol=1e-4)
        count = alone.words.shape[1] if row[1] else 0
        torch.testing.assert_close(together.words[i, :count], alone.words[0, :count], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_conversations_about_one_picture_are_what_each_is_alone(network: Pocket, eye: np.ndarray) -> None:
    other = 255 - eye
    shared = network(batch_of([eye, other], ROWS, [0, 1, 1], talk_of(ROWS[1:], [1, 0])))
    for i, (row, shown) in enumerate(zip(ROWS, (eye, other, other), strict=True)):
        alone = network(batch_of([shown], [row], [0]))
        torch.testing.assert_close(shared.path[i], alone.path[0], atol=1e-4, rtol=1e-4)
    for i, (row, shown) in enumerate(zip(ROWS[1:], (other, eye), strict=True)):
        words = network(batch_of([shown], [row], [0])).words[0]
        torch.testing.assert_close(shared.asides[i, : len(words)], words, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_acting_at_once_does_not_hear_the_answer_and_talking_first_does(network: Pocket, eye: np.ndarray) -> None:
    prompt = ROWS[1][0]
    one, other = "Yes it is.", "Please stop."
    at_once = [network(batch_of([eye], [(prompt, answer, True)], [0])).path for answer in (one, other)]
    after = [network(batch_of([eye], [(prompt, answer, False)], [0])).path for answer in (one, other)]
    torch.testing.assert_close(at_once[0], at_once[1], atol=1e-5, rtol=1e-5)
    assert (after[0] - after[1]).abs().max() > 1e-3


@torch.no_grad()
def test_the_cached_runtime_says_what_the_network_says(network: Pocket, folder: Path, eye: np.ndarray) -> None:
    runtime = PocketRuntime(folder, TorchGraphs(folder))
    look = runtime.look_at_eye(eye)
    for prompt, answer, at_once in ROWS:
        whole = network(batch_of([eye], [(prompt, answer, at_once)], [0]))
        reading, path, speed = runtime.read_and_act(look, prompt, 5.0)
        assert runtime.kind(reading)[0] == CONFIG.kinds[int(whole.kinds[0].argmax())]
        if not at_once:
            for token in WORDS.spell(answer):
                reading = runtime._heard(reading, int(token))
            path, speed = runtime.act(reading, 5.0)
        np.testing.assert_allclose(path, whole.path[0], atol=1e-3)
        np.testing.assert_allclose(speed, whole.speed[0], atol=1e-3)


def test_a_sentence_goes_on_from_its_own_look(folder: Path, eye: np.ndarray) -> None:
    runtime = PocketRuntime(folder, TorchGraphs(folder))
    first = runtime.read(runtime.look_at_eye(eye), ROWS[1][0])
    undisturbed, _ = runtime.say(first)
    spoken = []
    for piece, _ in runtime.speak(first):
        spoken.append(piece)
        runtime.read_and_act(runtime.look_at_eye(255 - eye), ROWS[0][0], 5.0)
    assert "".join(spoken) == undisturbed


@torch.no_grad()
def test_numpy_adapters_agree_with_torch(network: Pocket) -> None:
    arrays = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    numpy_side = NumpyAdapters(arrays, CONFIG)
    tokens = WORDS.read(prompts.dream(7.3, WAY, "stop here 5 m/s", InstructionMode.SAFETY))
    torch_side = network.adapters.embed(torch.from_numpy(tokens.ids)[None], torch.from_numpy(tokens.values)[None])
    np.testing.assert_allclose(numpy_side.embed(tokens), torch_side[0], atol=1e-5)
    hidden = np.random.default_rng(0).normal(size=(30, CONFIG.width)).astype(np.float32)
    for ours, theirs in zip(
        numpy_side.points(hidden, 6.0),
        network.adapters.points(torch.from_numpy(hidden)[None], torch.tensor([6.0])),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs[0], atol=1e-4)


def test_an_untrained_network_rolls_straight_on_at_its_speed() -> None:
    torch.manual_seed(0)
    adapters = Pocket(CONFIG).adapters
    path, speed = adapters.points(torch.randn(1, 30, CONFIG.width), torch.tensor([8.0]))
    np.testing.assert_allclose(path[0, :, 0].detach(), np.arange(20.0), atol=1e-5)
    np.testing.assert_allclose(speed[0, :, 0].detach(), np.arange(1, 11) * 2.0, atol=1e-5)


def test_speed_reaches_the_plan_through_the_prompt(folder: Path, eye: np.ndarray) -> None:
    runtime = PocketRuntime(folder, TorchGraphs(folder))
    look = runtime.look_at_eye(eye)
    slow, fast = (runtime.read_and_act(look, prompts.driving(v, WAY), 5.0)[2] for v in (1.0, 9.0))
    assert np.abs(slow - fast).max() > 1e-3


# ---- weights that are not right -------------------------------------------------------------------------------------


def copied(folder: Path, to: Path) -> Path:
    for name in (weights.CONFIG, weights.WEIGHTS):
        (to / name).write_bytes((folder / name).read_bytes())
    return to


def test_every_fact_the_eye_sees_has_a_token_of_its_own(network: Pocket, eye: np.ndarray) -> None:
    names = [("light", LIGHTS), *((flag, ("no", "yes")) for flag in FLAGS), *CHOICES.items()]
    assert [len(of) for _, of in names] == FACT_SIZES
    before = sum(FACT_SIZES[: [fact for fact, _ in names].index("lead_color")])
    chances = torch.zeros(1, sum(FACT_SIZES))
    chances[0, before + CHOICES["lead_color"].index("red")] = 1.0
    tokens = network.vision.teller(chances)[0]
    told = [fact for (fact, _), token in zip(names, tokens, strict=True) if token.abs().sum() > 0]
    assert told == ["lead_color"]
    assert network.vision(torch.from_numpy(eye[None]))[0].shape[1] == CONFIG.image_tokens > len(tokens)


def test_a_pointer_adds_what_it_points_at_and_nothing_where_it_points_at_none() -> None:
    pointer = Pointer(width=2, facts=2)
    says, facts = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.0, 5.0], [0.0, -3.0]]])
    with torch.no_grad():
        pointer.query.weight.copy_(100.0 * torch.eye(2))
        for keys, added in (([1.0, 0.0, 0.0], 5.0), ([0.0, 1.0, 0.0], -3.0), ([0.0, 0.0, 1.0], 0.0)):
            pointer.keys.copy_(torch.tensor([[key, 0.0] for key in keys]))
            assert pointer(says, facts)[0, 0].tolist() == pytest.approx([1.0, added])


def test_the_heads_learn_to_see_and_not_to_please_who_reads_them(network: Pocket, eye: np.ndarray) -> None:
    network.zero_grad()
    tokens, _ = network.vision(torch.from_numpy(eye[None]))
    tokens[:, : len(FACT_SIZES)].square().sum().backward()
    taught = {name for name, p in network.vision.named_parameters() if p.grad is not None and p.grad.any()}
    network.zero_grad()
    assert taught == {"teller.names"}


def test_a_truncated_file_is_named(folder: Path, tmp_path: Path) -> None:
    path = copied(folder, tmp_path) / weights.WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=r"model\.safetensors is not a whole safetensors file"):
        checkpoint.load(tmp_path)
    with pytest.raises(WeightsError, match="copy it again"):
        PocketRuntime(tmp_path)


def test_a_pickle_is_not_opened(folder: Path, tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, copied(folder, tmp_path) / weights.WEIGHTS)
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        checkpoint.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: a.pop("decoder.norm.weight"), r"missing \['decoder.norm.weight'\]"),
        (lambda a: a.update(extra=np.zeros(2, np.float32)), r"unexpected \['extra'\]"),
        (lambda a: a.update({"decoder.norm.weight": np.zeros(7, np.float32)}), r"decoder.norm.weight has \(7,\)"),
        (lambda a: a["adapters.words"].__setitem__((0, 0), np.nan), "adapters.words holds values that are not finite"),
    ],
)
def test_wrong_weights_are_named(folder: Path, tmp_path: Path, change, says: str) -> None:
    path = copied(folder, tmp_path) / weights.WEIGHTS
    arrays = {name: np.array(array) for name, array in load_file(path).items()}
    change(arrays)
    save_file(arrays, path)
    with pytest.raises(WeightsError, match=says):
        checkpoint.load(tmp_path)


def test_a_missing_or_foreign_config_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no config\.json"):
        PocketRuntime(tmp_path)
    copied(folder, tmp_path)
    text = (tmp_path / weights.CONFIG).read_text()
    (tmp_path / weights.CONFIG).write_text(text.replace('"width": 32', '"breadth": 32'))
    with pytest.raises(ConfigError, match=r"missing \['width'\], unexpected \['breadth'\]"):
        PocketRuntime(tmp_path)
    (tmp_path / weights.CONFIG).write_text(text[:50])
    with pytest.raises(ConfigError, match="not readable JSON"):
        PocketRuntime(tmp_path)


def test_no_weights_at_all_says_how_to_get_some(folder: Path, tmp_path: Path) -> None:
    copied(folder, tmp_path)
    (tmp_path / weights.WEIGHTS).unlink()
    with pytest.raises(WeightsError, match=r"launch\.py train"):
        PocketRuntime(tmp_path)


def test_an_unknown_word_reads_as_unknown_not_as_an_error(network: Pocket) -> None:
    tokens = Tokens(np.array([WORDS.unknown]), np.zeros((1, 2), np.float32))
    arrays = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    assert np.isfinite(NumpyAdapters(arrays, CONFIG).embed(tokens)).all()


def test_a_car_that_creeps_at_centimetres_stands_and_one_that_starts_does_not() -> None:
    times = np.arange(1, 11) * 0.25
    stopping = np.stack([np.minimum(times, 1.0) * 2.0 + np.maximum(times - 1.0, 0.0) * 0.1, np.zeros(10)], 1)
    rested = at_rest(stopping.astype(np.float32))
    assert rested[3:, 0] == pytest.approx(2.0), "2 m in the first second, then 0.1 m/s, which is standing"
    assert rested[:4] == pytest.approx(stopping[:4])
    starting = np.stack([times**2, np.zeros(10)], 1).astype(np.float32)
    assert at_rest(starting) == pytest.approx(starting), "2 m/s2 from a standstill"


def ahead(*metres: float) -> np.ndarray:
    """A speed plan straight on that gets this far by each point and stays at the last."""
    reached = [*metres, *[metres[-1]] * (10 - len(metres))]
    return np.stack([np.array(reached), np.zeros(10)], 1).astype(np.float32)


GOING, FURTHER, NEARLY = ahead(*(0.5 * k for k in range(1, 11))), ahead(0.4, 0.9, 1.3), ahead(0.4, 0.9)


def test_who_stops_within_a_metre_stops_now_and_does_not_roll_again_before_it_stood() -> None:
    halt = Halt()
    assert halt.pace(FURTHER, 1.2, 1.0) == pytest.approx(FURTHER)
    assert not halt.pace(NEARLY, 1.0, 1.1).any()
    for now_s, plan in ((1.15, FURTHER), (1.2, GOING)):
        assert not halt.pace(plan, 0.6, now_s).any(), "it has begun to stop"
    assert halt.pace(GOING, 0.05, 1.5) == pytest.approx(GOING), "it has stood"


def test_who_has_stood_may_roll_up_to_the_line_and_is_held_again_later() -> None:
    halt = Halt()
    halt.pace(NEARLY, 1.0, 1.0)
    assert halt.pace(NEARLY, 0.0, 1.3) == pytest.approx(NEARLY)
    for now_s in (1.8, 2.4, 3.0, 3.6, 4.2, 4.8):
        assert halt.pace(NEARLY, 0.8, now_s) == pytest.approx(NEARLY)
    assert not halt.pace(NEARLY, 0.8, 5.4).any()


@pytest.mark.parametrize("now_s", [9.0, 0.1, 1.0])
def test_what_was_begun_in_another_drive_or_for_another_wish_is_forgotten(now_s: float) -> None:
    halt = Halt()
    assert not halt.pace(NEARLY, 1.0, 1.0).any()
    assert halt.pace(GOING, 0.6, now_s) == pytest.approx(GOING)


def test_who_may_drive_on_is_not_held_and_crawling_is_no_stopping() -> None:
    halt, crawling = Halt(), ahead(*(0.09 * k for k in range(1, 11)))
    assert halt.pace(GOING, 0.8, 1.0) == pytest.approx(GOING)
    assert not halt.pace(NEARLY, 1.0, 1.1).any()
    assert halt.pace(GOING, 6.0, 1.2) == pytest.approx(GOING), "a new start at speed"
    assert halt.pace(crawling, 0.4, 1.3) == pytest.approx(crawling)


def test_a_driver_that_would_creep_plans_to_stand(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, Pocket(CONFIG).eval())  # untrained: it goes on at the speed it has
    driver = PocketDriver(tmp_path, TorchGraphs(tmp_path))

    def planned(speed_mps: float, tick: int) -> np.ndarray:
        ego, targets = EgoState(0.0, 0.0, 0.0, speed_mps), np.array([[12.0, 0.5], [28.0, -3.0]], np.float32)
        seen = Observation(1, tick, 50_000 * tick, ego, (picture(FRONT_CAMERA, tick),), targets)
        return driver.plan(seen, None).speed_xy_in_ego

    assert not planned(0.1, tick=1).any()
    assert planned(8.0, tick=2)[-1, 0] == pytest.approx(20.0, abs=1e-3)
