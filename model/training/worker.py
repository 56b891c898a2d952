"""One training process: look, compare, learn, and now and then report and save. Rank 0 alone writes.

Everything random is a function of (seed, rank, step), so a resumed run goes on as if it had never stopped.
"""

from __future__ import annotations

import math
import signal
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from model.pocket import weights
from model.pocket.config import PocketConfig
from model.pocket.network import Pocket
from model.pocket.vocabulary import Vocabulary
from model.training import batches, curves, held_out, labels, losses, phrases, run_folder, schedule, warm_start
from model.training.frames import Frames, open_splits
from model.training.gradients import FlatGradients
from model.training.optimizer import MuonAndAdamW
from model.training.order import Order
from model.training.presets import Settings
from model.training.run_folder import Progress


@dataclass(slots=True)
class Recent:
    """Losses since the last report."""

    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    steps: int = 0
    since: float = field(default_factory=time.monotonic)

    def add(self, parts: dict[str, torch.Tensor]) -> None:
        self.steps += 1
        for name, value in parts.items():
            self.sums[name] += float(value.detach())

    def means(self) -> dict[str, float]:
        return {name: total / max(1, self.steps) for name, total in self.sums.items()}


class Worker:
    """The state of one process of a run. Built, run to the end, dropped."""

    def __init__(self, settings: Settings, rank: int, train: Frames, val: Frames) -> None:
        self.settings, self.rank, self.train = settings, rank, train
        self.device = torch.device(settings.device)
        torch.manual_seed(settings.seed)
        self.words = vocabulary(settings)
        self.network = settings.recipe.built(Pocket(settings.config(self.words.words)))
        self.begun_from: dict[str, Any] | None = None
        if settings.begin_from is not None and not settings.resume:
            self.begun_from = warm_start.begin_from(settings.begin_from, self.network, self.words.words)
        self.network.to(self.device)
        self.network.vision.to(memory_format=torch.channels_last)
        if settings.only_words:
            self.network.requires_grad_(False)
            self.network.adapters.pointer.requires_grad_(True)
            self.network.eval()  # batch norms would go on counting pictures
        self.optimizer = MuonAndAdamW(self.network, settings.peak_rate)
        self.progress = Progress()
        if settings.resume:
            self.progress = run_folder.resume(settings.out, self.network, self.optimizer)
            self.begun_from = run_folder.read_card(settings.out).get("begun_from")
        self.gradients = FlatGradients(self.network)
        looks = held_out.views(val, _held_out_labels, self.words, settings.sizes.held_out_views, settings.recipe)
        self.order = Order(train, settings.seed)
        self.looks = looks[rank :: settings.workers]
        self.val_frames = len(val)
        self.figures: dict[str, float] = {}
        self.stop_asked = False
        self.autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=_has_bfloat16(self.device))

    def run(self) -> None:
        """Train until the budget is spent or Ctrl-C, then leave figures and weights behind."""
        signal.signal(signal.SIGINT, lambda *_: setattr(self, "stop_asked", True))
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stop_asked", True))
        sizes, recent = self.settings.sizes, Recent()
        self.spent_before, self.began = self.progress.seconds, time.monotonic()
        saved = reported = self.progress.seconds
        share, stops, seconds = self._share(), 0.0, self.progress.seconds
        while share < 1.0 and not stops:
            # Every rank acts on the same averaged numbers; by its own clock one would wait for the other for ever.
            parts, (share, stops, seconds) = self._step(share)
            recent.add(parts)
            if self.rank == 0 and time.monotonic() - recent.since > sizes.seconds_between_lines:
                self._line(share, recent)
                recent = Recent()
            if seconds - reported > sizes.seconds_between_figures:
                reported = seconds
                self._report()
            if seconds - saved > sizes.seconds_between_saves:
                saved = seconds
                self._save()
        self._report()
        self._save()

    def _share(self) -> float:
        return self.settings.budget.progress(self.progress.seconds, self.progress.views)

    def _step(self, share: float) -> tuple[dict[str, torch.Tensor], tuple[float, ...]]:
        """One step at `share` of the budget -> the losses, and (share, stop, seconds) as all ranks agree on them."""
        rng = np.random.default_rng([self.settings.seed, self.rank, self.progress.step])
        batch, wanted = batches.to(self.device, *self._batch(rng))
        for group in self.optimizer.param_groups:
            group["lr"] = schedule.rate(share, self.progress.step, self.settings.peak_rate)
        self.gradients.zero()
        with self.autocast:
            output = self.network(batch)
        loss, parts = losses.total(output, batch, wanted, self.settings.recipe.left_out)
        loss.backward()
        self.progress.step += 1
        self.progress.views += len(batch.eyes) * self.settings.workers
        self.progress.seconds = self.spent_before + time.monotonic() - self.began
        agreed = self.gradients.exchange(self._share(), float(self.stop_asked), self.progress.seconds)
        if not all(map(math.isfinite, self.gradients.clip())):
            raise FloatingPointError(
                f"the gradients of step {self.progress.step} are not finite: the run has diverged; the checkpoint in "
                f"{self.settings.out} is whole, --resume goes on from there"
            )
        self.optimizer.step()
        return parts, agreed

    def _batch(self, rng: np.random.Generator) -> tuple[batches.Batch, batches.Targets]:
        """This rank's part of this step's frames."""
        size, workers = self.settings.share, self.settings.workers
        first = (self.progress.step * workers + self.rank) * size
        views = []
        for place in range(first, first + size):
            frame = self.order.frame(place)
            facts = self.train.facts[frame]
            views.append(batches.view(self.train.eye(frame), facts, self.words, rng, self.settings.recipe))
        return batches.collate(views, self.words, rng)

    def _report(self) -> None:
        """Held-out figures, half of them on each rank."""
        average_buffers(self.network)
        with self.autocast:
            added = held_out.sums(self.network, self.looks, self.words)
        self.figures = held_out.means(_added_over_ranks(added))
        if self.rank == 0:
            entry: dict[str, Any] = {"report": "held_out", "views": self.progress.views}
            run_folder.log(self.settings.out, {**entry, "seconds": self.progress.seconds, **self.figures})
            curves.write(self.settings.out)
            shown = ("path_ade_m", "speed_ade_m", "light_near", "lead_found", "pedestrian_found", "sentence", "obeys")
            print(
                "held out: " + ", ".join(f"{n} {self.figures[n]:.2f}" for n in shown if n in self.figures), flush=True
            )

    def _save(self) -> None:
        average_buffers(self.network)
        if self.rank == 0:
            run_folder.save(self.settings.out, self.network, self.optimizer, self.progress)
            run_folder.write_card(self.settings.out, self._card())

    def _line(self, share: float, recent: Recent) -> None:
        seconds = max(1e-3, time.monotonic() - recent.since)
        rate = recent.steps * self.settings.share * self.settings.workers / seconds
        left = self.progress.seconds * (1 - share) / max(share, 1e-3)
        means = recent.means()
        entry = {"report": "step", "step": self.progress.step, "views": self.progress.views, "views_per_s": rate}
        run_folder.log(self.settings.out, {**entry, "seconds": self.progress.seconds, **means})
        parts = " ".join(f"{name} {value:.3f}" for name, value in means.items())
        print(
            f"{100 * share:5.1f} %  {self.progress.views:>8} views  {rate:5.1f}/s  "
            f"{int(left // 60)} min {int(left % 60):02d} s left  {parts}",
            flush=True,
        )

    def _card(self) -> dict[str, Any]:
        budget, frames = self.settings.budget, self.train.once
        return {
            "data": {
                "train_frames": len(frames),
                "val_frames": self.val_frames,
                "towns": list(self.train.towns),
                "sources": dict(Counter(facts.source for facts in frames)),
            },
            "begun_from": self.begun_from,
            "preset": self.settings.preset,
            "budget": {"minutes": budget.minutes, "views": budget.views},
            "finished": self._share() >= 1.0,
            "steps": self.progress.step,
            "views": self.progress.views,
            "minutes": round(self.progress.seconds / 60, 1),
            "batch": self.settings.share * self.settings.workers,
            "processes": self.settings.workers,
            "device": self.settings.device,
            "seed": self.settings.seed,
            "peak_rate": self.settings.peak_rate,
            "only_words": self.settings.only_words,
            "parameters": sum(p.numel() for p in self.network.parameters()),
            "saved_at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "held_out": {name: round(value, 4) for name, value in self.figures.items()},
        }


def vocabulary(settings: Settings) -> Vocabulary:
    """The words a run begins with stay its words: a resumed run reads what the grammar has learnt since as unknown."""
    stored = settings.out / weights.CONFIG
    if settings.resume and stored.exists():
        return Vocabulary(PocketConfig.load(stored).vocabulary)
    return Vocabulary.of(phrases.words())


Splits = tuple[Frames, Frames]  # train, val


def main(settings: Settings, rank: int, frames: Splits | None = None) -> None:
    """Entry of one process: join the others, read the data unless it comes along, train."""
    if settings.device == "cpu":
        torch.set_num_threads(1)  # more threads per process wait for each other; more processes do not
    if frames is None:
        frames = (open_splits(settings.data, "train", packs=False), open_splits(settings.data, "val", packs=False))
    if settings.workers > 1:
        rendezvous = (settings.out / "rendezvous").resolve()
        dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=settings.workers)
    try:
        Worker(settings, rank, *frames).run()
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def average_buffers(network: nn.Module) -> None:
    """Each rank's batch norms have seen other pictures; their running statistics are averaged before they are used."""
    if dist.is_initialized():
        for buffer in network.buffers():
            if buffer.is_floating_point():
                dist.all_reduce(buffer)
                buffer /= dist.get_world_size()


def _added_over_ranks(added: held_out.Sums) -> held_out.Sums:
    if not dist.is_initialized():
        return added
    everyone: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(everyone, added)
    totals: dict[str, tuple[float, float]] = {}
    for one in everyone:
        for name, (total, count) in one.items():
            before = totals.get(name, (0.0, 0.0))
            totals[name] = (before[0] + total, before[1] + count)
    return totals


def _held_out_labels(facts, rng, task):
    return labels.sample(facts, rng, task, unseen=True)


def _has_bfloat16(device: torch.device) -> bool:
    return device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()
