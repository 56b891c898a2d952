"""What stands in for CUDA graphs where there is no GPU: a replay that knows tensors and no Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

aten = torch.ops.aten
# What a stream that is being recorded refuses: reading a value, shapes that hang on values, numbers from the host.
REFUSED = {
    aten._local_scalar_dense,
    aten.nonzero,
    aten.masked_select,
    aten._unique2,
    aten.lift_fresh,
    aten.lift_fresh_copy,
}
INDEXING = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_}


class Tape:
    """A Recorder. Its replay runs the recorded operations again on the recorded tensors, results into their old place.

    As with a CUDA graph, whatever Python decided while recording is fixed, and an input that moves is not seen.
    """

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        self.count += 1
        with Recording() as recording:
            result = work()
        return recording.replay, result


class Recording(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kind = func.overloadpacket
        masks = kind in INDEXING and any(leaf.dtype == torch.bool for leaf in tensors(args[1]))
        if kind in REFUSED or masks:
            raise RuntimeError(f"{func} cannot be recorded: it waits for the GPU or copies from the host")
        result = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, result))
        return result

    @torch.inference_mode()
    def replay(self) -> None:
        for func, args, kwargs, then in self.calls:
            for old, new in zip(tensors(then), tensors(func(*args, **kwargs)), strict=True):
                if old.data_ptr() != new.data_ptr():
                    old.copy_(new)


def tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
