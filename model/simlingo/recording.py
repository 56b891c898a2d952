"""Work of a GPU recorded once and replayed with one launch, as CUDA graphs. Driver thread; one recording at a time.

What is recorded must ask the GPU for nothing, make no shape depend on values, and read its inputs where they lay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

WARM_UP_RUNS = 3  # before a recording, so that libraries have chosen their kernels and workspaces


class Recorder(Protocol):
    def __call__(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        """Runs `work` -> what does the same again on the same memory, and where its result then lies.

        The result holds until the next replay of anything recorded here.
        """


class CudaGraphs:
    """One stream and one pool of memory for every graph of a network.

    Graphs that share a pool write over each other's results when replayed in any order, which the contract allows.
    Warming up on the recording's own stream gives cuBLAS its workspace there before anything is recorded.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.stream = torch.cuda.Stream(device)
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        here = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(here)
        with torch.cuda.stream(self.stream):
            for _ in range(WARM_UP_RUNS):
                work()
        here.wait_stream(self.stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool, stream=self.stream):
            result = work()
        return graph.replay, result
