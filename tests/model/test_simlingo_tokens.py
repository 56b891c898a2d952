"""SimLingo's words: ids, the chat wrapper around a prompt, and folders that are not a tokenizer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from transformers import Qwen2Tokenizer

from model import prompts
from model.simlingo import stand_in, tokens
from sim_bridge.messages import InstructionMode

TEXTS = (
    "Current speed: 8.3 m/s. What should the ego do next?",
    "\n<SAFETY> Current speed: 0.0 m/s. don't turn,\n\n  keep 12.5 km/h!",
    "Ein Straßenschild, 你好 e\u0301",
)


def test_at_full_size_the_special_tokens_have_the_published_ids(tmp_path: Path) -> None:
    words = tokens.read(stand_in.write(tmp_path, is_full=True))
    number = words.tokenizer.token_to_id
    assert (number("<|endoftext|>"), number("<|im_start|>"), words.eos) == (151643, 151644, 151645)
    assert (number("<img>"), number("</img>"), words.image) == (151646, 151647, 151648)
    assert (words.table_rows, number("<WAYPOINTS>"), words.target_point) == (151655, 151655, 151662)


def test_a_prompt_is_wrapped_as_one_user_turn_without_system_message(toy_words: tokens.Words) -> None:
    prompt = prompts.driving(5.26, prompts.by_target_points([(1.0, 2.0), (3.0, 4.0)]))
    ids = toy_words.picture_ids(3) + toy_words.prompt_ids(prompt.text) + toy_words.answer_ids("Waypoints:")
    assert toy_words.tokenizer.decode(ids, skip_special_tokens=False) == (
        "<|im_start|>user\n<img><IMG_CONTEXT><IMG_CONTEXT><IMG_CONTEXT></img>\nCurrent speed: 5.3 m/s. "
        "Target waypoint: <TARGET_POINT><TARGET_POINT>. Predict the waypoints.<|im_end|><|im_start|>assistant\n"
        "Waypoints:<|im_end|>"
    )
    assert ids.count(toy_words.image) == 3
    assert ids.count(toy_words.target_point) == 2


def test_cutting_behind_the_picture_changes_no_token(toy_words: tokens.Words) -> None:
    text = prompts.dream(3.0, prompts.NO_NAVIGATION, "stop here", InstructionMode.SAFETY).text
    whole = f"<|im_start|>user\n<img><IMG_CONTEXT></img>\n{text}<|im_end|><|im_start|>assistant\n"
    assert toy_words.ids(whole) == toy_words.picture_ids(1) + toy_words.prompt_ids(text)


def test_flags_are_plain_text(toy_words: tokens.Words) -> None:
    for flag in prompts.FLAGS.values():
        ids = toy_words.ids(flag)
        assert len(ids) > 1
        assert max(ids) < toy_words.tokenizer.token_to_id("<|endoftext|>")


@pytest.mark.parametrize("text", TEXTS)
def test_it_splits_text_as_the_library_tokenizer_does(toy_folder: Path, toy_words: tokens.Words, text: str) -> None:
    folder = toy_folder / "tokenizer"
    merges = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    theirs = Qwen2Tokenizer(vocabulary, [tuple(line.split(" ")) for line in merges])
    assert toy_words.ids(text) == theirs(text, add_special_tokens=False)["input_ids"]
    assert len(toy_words.ids(text)) > 3


def test_a_folder_without_a_file_says_which_and_how_to_get_it(toy_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(toy_folder / "tokenizer", tmp_path / "words")
    (folder / "merges.txt").unlink()
    with pytest.raises(tokens.TokenizerError, match=r"lacks merges\.txt.*hf download OpenGVLab/InternVL2-1B"):
        tokens.load(folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("vocab.json", "{"),
        ("added_tokens.json", "{"),
        ("added_tokens.json", "[1]"),
        ("added_tokens.json", '{"a": "b"}'),
    ],
)
def test_a_damaged_file_is_named(toy_folder: Path, tmp_path: Path, name: str, text: str) -> None:
    folder = shutil.copytree(toy_folder / "tokenizer", tmp_path / "words")
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(tokens.TokenizerError, match="is damaged"):
        tokens.load(folder)


def test_another_models_tokenizer_is_refused(toy_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(toy_folder / "tokenizer", tmp_path / "words")
    (folder / "added_tokens.json").write_text('{"<|endoftext|>": 410}', encoding="utf-8")
    with pytest.raises(tokens.TokenizerError, match="not InternVL2-1B's"):
        tokens.load(folder)


def test_without_folder_or_hub_the_sentence_says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(tokens.TokenizerError, match=r"could not be fetched.*hf download .* --local-dir .*--tokenizer"):
        tokens.load(None)
