"""CUDA graphs are asked for as torch documents it: who waits for whom, what runs where, what is shared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import torch
from torch import Tensor

from model.simlingo.recording import WARM_UP_RUNS, CudaGraphs

DEVICE = torch.device("cuda", 0)


class FakeStream:
    def __init__(self, told: list[str], name: str) -> None:
        self.told, self.name = told, name

    def wait_stream(self, other: FakeStream) -> None:
        self.told.append(f"{self.name} waits for {other.name}")


class FakeCuda:
    """Writes down what is asked of torch.cuda, which must take the same arguments."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[str] = []
        self.running: list[str] = ["main"]
        self.graph_arguments = inspect.signature(torch.cuda.graph.__init__)
        self.stream_arguments = inspect.signature(torch.cuda.stream)
        fakes: dict[str, Callable[..., object]] = {
            "Stream": lambda device: FakeStream(self.told, "side"),
            "current_stream": lambda device: FakeStream(self.told, "main"),
            "graph_pool_handle": lambda: "the pool",
            "CUDAGraph": FakeGraph,
            "stream": self.stream,
            "graph": self.graph,
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(torch.cuda, name, fake)

    @contextmanager
    def _on(self, name: str) -> Iterator[None]:
        self.running.append(name)
        yield
        self.running.pop()

    def stream(self, *args: object, **options: object) -> AbstractContextManager[None]:
        stream = self.stream_arguments.bind(*args, **options).arguments["stream"]
        return self._on(stream.name)

    def graph(self, *args: object, **options: object) -> AbstractContextManager[None]:
        asked = self.graph_arguments.bind(None, *args, **options).arguments
        self.told.append(f"records on {asked['stream'].name} into {asked['pool']}")
        return self._on("recording")

    def work(self) -> Tensor:
        self.told.append(f"works on {self.running[-1]}")
        return torch.zeros(1)


class FakeGraph:
    replays = 0

    def replay(self) -> None:
        FakeGraph.replays += 1


def test_work_is_warmed_up_and_recorded_on_one_stream_into_one_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(monkeypatch)
    record = CudaGraphs(DEVICE)
    again, result = record(cuda.work)
    once = [
        "side waits for main",
        *["works on side"] * WARM_UP_RUNS,
        "main waits for side",
        "records on side into the pool",
        "works on recording",
    ]
    assert cuda.told == once
    assert result.shape == (1,)
    record(cuda.work)
    assert cuda.told == once * 2, "both graphs share the stream and the pool"
    before = FakeGraph.replays
    again()
    assert FakeGraph.replays == before + 1
    assert cuda.told == once * 2, "a replay runs no Python of ours"
