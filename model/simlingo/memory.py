"""How much memory there is, asked before a gigabyte is read. Linux' own files, no thread."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch
from torch import Tensor

HEADROOM = 1.25  # of the model's own size, at the worst moment of loading
# How CUDA and its libraries say it themselves, where it is not torch that found no room.
GPU_FULL_WORDS = ("CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
_PAGE = 4096
_MADV_DONTNEED = 4


class TooLittleMemory(RuntimeError):
    """Said before loading, with both figures."""


def available_bytes() -> int | None:
    """What this process may still take: the machine's or its container's, whichever is less. None where unknown."""
    limits = [value for value in (meminfo(), container()) if value is not None]
    return min(limits) if limits else None


def meminfo(path: Path = Path("/proc/meminfo")) -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None


def container(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    try:
        limit, used = (folder / "memory.max").read_text().strip(), int((folder / "memory.current").read_text())
        return None if limit == "max" else max(0, int(limit) - used)
    except (OSError, ValueError):
        return None


def demand(needed: int, device: torch.device, available: int | None = None) -> None:
    """Raises TooLittleMemory unless `needed` bytes are free on `device`; `available` stands in for asking."""
    if available is None:
        available = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_bytes()
    if available is not None and available < needed:
        where = "the GPU" if device.type == "cuda" else "this machine"
        raise TooLittleMemory(
            f"loading SimLingo takes {needed / 1e9:.1f} GB and {where} has {available / 1e9:.1f} GB free: "
            "close other programs, use bfloat16 instead of float32, or drive with `--model pocket`"
        )


def is_gpu_full(error: BaseException | None) -> bool:
    """Whether a GPU had no room left: this error says so, or one that it hides, as a broken recording's does."""
    while error is not None:
        if isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in GPU_FULL_WORDS):
            return True
        error = error.__context__
    return False


def let_go(tensor: Tensor) -> None:
    """Lets the kernel drop the pages of a tensor that is mapped from a file; they can be read again from there."""
    start, end = tensor.data_ptr(), tensor.data_ptr() + tensor.numel() * tensor.element_size()
    first, last = -(-start // _PAGE) * _PAGE, end // _PAGE * _PAGE
    if last > first:
        ctypes.CDLL(None).madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _MADV_DONTNEED)
