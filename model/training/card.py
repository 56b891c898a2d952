"""The model card's text: what the weights are, how they drive and talk. Every figure is read from the run's files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Figures = dict[str, Any]

CARD = """# Pocket

A small vision-language-action model that drives the embedded world from its front camera, talks, and obeys words. It is
trained from scratch on rendered frames of that world; it has never seen a photograph or a real road.

| | |
|---|---|
| parameters | {parameters:,} |
| eye | the front camera (1024x512, 110 degrees) twice at 256x96: the road whole, and its middle three times finer |
| input | the eye; speed; two target points or a command; text |
| output | 20 path points 1 m apart, 10 points 0.25 s apart, words, what kind of instruction it understood |
| words | a decoder over all of this, with a pointer to 28 facts the eye is asked (whose colour, how far, which limit) |
| trained on | {train_frames:,} frames of {towns}{sources}; {val_frames:,} frames of other places held out |
| training | {views:,} views in {steps:,} steps of {batch}, {minutes} minutes on {machine}, seed {seed}{alone}{begun} |
| date | {saved_at} |
| files | {files} |

The data is made by `launch.py collect` (a privileged expert in the embedded world), the weights by `launch.py train`,
the figures by `launch.py evaluate`. Licence: that of this repository.
{evaluation}
## What it cannot do
{note}

## Held-out frames of the training towns
Frames of road stretches that no training frame was taken from, with instructions and questions in wordings that no
training view used, as `launch.py train` judged them at its end. `obeys`: the path ends within 1.25 m and the 2.5 s plan
within 1.5 m of what the teacher would do; `sentence`: every word right.

{held_out}

## Graphs
{export_lines}
"""

DRIVES = {"routes": "routes alone", "traffic": "routes among traffic"}
INSTRUCTIONS = {
    "follow": "obeyed, in follow mode",
    "safety": "in safety mode: safe ones obeyed, unsafe ones not driven (`safety_refused`)",
    "safety_words": "in safety mode, in words",
    "reads": "understood as what they mean",
}
LANGUAGE = {
    "paraphrases": "two wordings of one instruction lead to the same plan",
    "opposites": "opposite instructions lead to different plans",
    "nothing": "an empty or irrelevant text changes nothing",
    "words": "what it says is what its plan does",
}
SOURCE_WORDS = {"staged": "staged", "drive": "driven by the teacher", "pocket": "driven by Pocket itself"}


def page(training: Figures, files: str, export_lines: list[str], evaluation: Figures | None, note: str) -> str:
    """The whole card; `evaluation` is what `launch.py evaluate` wrote, with any of its suites."""
    data = training["data"]
    return CARD.format(
        **{key: training[key] for key in ("parameters", "views", "steps", "batch", "minutes", "seed")},
        alone=", the pointer alone (`--only-words`)" if training.get("only_words") else "",
        begun=_begun(training.get("begun_from")),
        machine=f"{training['processes']} x {'one CPU core' if training['device'] == 'cpu' else training['device']}",
        saved_at=training["saved_at"],
        train_frames=data["train_frames"],
        val_frames=data["val_frames"],
        sources=_sources(data.get("sources", {})),
        towns=", ".join(data["towns"]) or "an unnamed town",
        files=files,
        evaluation="" if evaluation is None else "".join(_evaluated(evaluation)),
        note=note,
        held_out=_table(("figure", "value"), [(name, rounded(value)) for name, value in training["held_out"].items()]),
        export_lines="\n".join(f"- {line}" for line in export_lines),
    )


def rounded(value: Any) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _evaluated(evaluation: Figures) -> Iterator[str]:
    about = [f"{name} {evaluation[name]}" for name in ("date", "seed", "weights") if name in evaluation]
    rows = [*_driven(evaluation.get("drive", {})), *_staged(evaluation.get("scenes", {}))]
    if rows:
        yield f"\n## How it drives\n`launch.py evaluate --suite drive|scenes`: {', '.join(about)}.\n\n"
        yield _table(("town", "what", "without a fault", "driving score", "faults"), rows) + "\n"
    frames = evaluation.get("open_loop", {})
    if frames:
        yield "\n## What its words and plans are worth\n"
        yield f"`launch.py evaluate --suite all` on {frames['frames']} frames: {', '.join(about)}.\n\n"
        yield _table(("what", "", "right", "of"), list(_open_loop(frames))) + "\n"
        yield from _questions(frames.get("vqa", {}))


def _driven(towns: Figures) -> Iterator[tuple[str, ...]]:
    for town, drives in sorted(towns.items()):
        for name, words in DRIVES.items():
            if name in drives:
                told = drives[name]
                faults = ", ".join(f"{fault} {count}" for fault, count in told["infractions"].items()) or "none"
                yield town, words, f"{told['successes']} of {told['of']}", rounded(told["driving_score"]), faults
        if "red_lights" in drives:
            yield (
                town,
                "red lights waited at",
                f"{drives['red_lights']['obeyed']} of {drives['red_lights']['of']}",
                "",
                "",
            )


def _staged(towns: Figures) -> Iterator[tuple[str, ...]]:
    for town, scenes in sorted(towns.items()):
        faults = [
            f"{name}: {end}"
            for name, told in sorted(scenes.items())
            for end in told.get("ends", {})
            if name not in ("all", "no_place") and end != "passed"
        ]
        whole = scenes["all"]
        score, passed = rounded(whole["driving_score"]), f"{whole['passed']} of {whole['of']}"
        yield town, "staged scenes passed", passed, score, "; ".join(faults) or "none"


def _open_loop(frames: Figures) -> Iterator[tuple[str, ...]]:
    groups = [(words, frames.get("dream", {}).get(name, {})) for name, words in INSTRUCTIONS.items()]
    groups = [(f"instructions {words}", figures) for words, figures in groups]
    groups.append(("commentary", frames.get("commentary", {})))
    groups += [(words, frames.get("language", {}).get(name, {})) for name, words in LANGUAGE.items()]
    groups.append(("its own pace, beside the teacher's", frames.get("decisions", {})))
    for words, figures in groups:
        shares = {name: told for name, told in figures.items() if isinstance(told, dict)}
        for n, (name, told) in enumerate(shares.items()):
            yield "" if n else words, name, rounded(told["share"]), str(told["of"])


def _questions(figures: Figures) -> Iterator[str]:
    rows = [
        (name.replace("_", " "), rounded(told["share"]), str(told["of"]), rounded(told.get("guess", "")))
        for name, told in figures.items()
        if isinstance(told, dict)
    ]
    if rows:
        yield "\n## Its answers, by family\n"
        yield "An answer is right when every word is. `guess`: always the commonest answer.\n\n"
        yield _table(("question about", "right", "of", "guess"), rows) + "\n"


def _sources(counts: dict[str, int]) -> str:
    """ " (30,000 staged, 5,000 driven by Pocket itself)", "" where the run did not count them."""
    named = [f"{count:,} {SOURCE_WORDS.get(name, name)}" for name, count in sorted(counts.items(), reverse=True)]
    return f" ({', '.join(named)})" if named else ""


def _begun(before: Figures | None) -> str:
    """Which weights the run began with, "" for random ones."""
    if before is None:
        return ""
    took = f" in {before['minutes_in_all']:g} minutes" if "minutes_in_all" in before else ""
    day = before.get("saved_at") or "an unknown day"
    return f"; begun from the weights of {day} ({before['views_in_all']:,} views{took})"


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
