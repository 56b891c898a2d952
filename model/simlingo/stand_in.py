"""A stand-in tokenizer in the released layout, for random weights: it knows this project's prompts and nothing else.

At full size the special tokens sit at the published ids 151643 .. 151654 with filler below them, so a network of the
published shape runs on it; toy size leaves the filler out.
"""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from model import prompts
from model.simlingo.tokens import PIECES
from sim_bridge.messages import InstructionMode, RouteCommand

# In the order of their ids; InternVL2's ten follow Qwen2's three.
ADDED = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *("<img>", "</img>", "<IMG_CONTEXT>", "<quad>", "</quad>", "<ref>", "</ref>", "<box>", "</box>"),
)
FULL_FIRST_ADDED = 151_643
LEARNED = 600  # byte pairs and bytes


def write(folder: Path, is_full: bool) -> Path:
    """vocab.json, merges.txt and added_tokens.json in `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PIECES), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=LEARNED, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(_own_texts(), trainer)
    tokenizer.model.save(str(folder))
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    if is_full:
        vocabulary |= {f"\u0120filler{number}": number for number in range(len(vocabulary), FULL_FIRST_ADDED)}
        (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    added = {token: len(vocabulary) + place for place, token in enumerate(ADDED)}
    (folder / "added_tokens.json").write_text(json.dumps(added), encoding="utf-8")
    return folder


def _own_texts() -> list[str]:
    navigations = [prompts.by_target_points([(10.0, 0.0), (20.0, 1.0)])]
    navigations += [prompts.by_command(command, 20.0, RouteCommand.FOLLOW_ROAD) for command in RouteCommand]
    texts = []
    for tenths in range(0, 200, 7):
        navigation = navigations[tenths % len(navigations)]
        made = [prompts.driving(tenths / 10, navigation), prompts.commentary(tenths / 10, navigation)]
        made += [prompts.dream(tenths / 10, navigation, "turn left at the next crossing", m) for m in InstructionMode]
        made.append(prompts.question(tenths / 10, navigation, "Is the traffic light red?"))
        texts += [f"user\n{prompt.text}assistant\n" for prompt in made]
    return [*texts, prompts.answer("dream", "Following the given instruction.")] * 20
